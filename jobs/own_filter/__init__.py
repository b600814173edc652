"""Fitting and judging a filter of one's own."""
