"""Kept share and word error rate, as every measurement of this project defines them."""

from __future__ import annotations

from prep_corpus.filters.fitting.measures import KeptUtterance, Tally, tally

__all__ = ["KeptUtterance", "Tally", "tally"]
