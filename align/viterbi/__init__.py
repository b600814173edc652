"""Exact CTC forced alignment in little memory."""
