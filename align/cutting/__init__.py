"""Segments: where recordings are cut, and why pieces are dropped."""
