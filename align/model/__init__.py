"""Acoustic models and their emissions."""
