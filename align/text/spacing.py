"""The last step of a normalised text: apostrophes inside words alone, and one space between words.

Legend: L characters of the text.
"""

from __future__ import annotations

import re

import numpy as np

from prep_corpus.align.text.folding import APOSTROPHES
from prep_corpus.align.traced import Edit, TracedText, codes, string

SPACE = ord(" ")

_APOSTROPHE = re.compile(f"[{APOSTROPHES}]+")
_ELIDED = ("tis", "twas", "twere", "twill", "twould", "twixt", "em", "til", "neath", "gainst")


def quote_edits(folded: str) -> list[Edit]:
    """Edits that take out the apostrophes that quote instead of standing in a word."""
    padded = f" {folded} "
    edits: list[Edit] = []
    for found in _APOSTROPHE.finditer(padded):
        before, after = padded[found.start() - 1], padded[found.end()]
        inside = not before.isspace() and not after.isspace() and len(found[0]) == 1
        elided = before.isspace() and _next_word(padded, found.end()).lower() in _ELIDED
        if not inside and not elided:
            edits.append((found.start() - 1, found.end() - 1, " "))
    return edits


def _next_word(text: str, start: int) -> str:
    end = start
    while end < min(len(text), start + 8) and text[end].isalpha():
        end += 1
    return text[start:end]


def spaced(folded: TracedText, has_spaces: bool) -> TracedText:
    """The text with one space between words and none at its ends, or without any."""
    code_L = codes(folded.text)
    is_space_L = code_L == SPACE
    if has_spaces:
        after_word_L = np.concatenate(([False], ~is_space_L[:-1]))
        keep_L = ~is_space_L | after_word_L
        if len(keep_L) and is_space_L[-1]:
            last = np.flatnonzero(~is_space_L)
            keep_L[(last[-1] + 1 if len(last) else 0) :] = False
    else:
        keep_L = ~is_space_L
    kept = np.flatnonzero(keep_L)
    starts_L, ends_L = folded.starts_L[kept], folded.ends_L[kept]
    space_at = np.flatnonzero(is_space_L[kept])
    between_start, between_end = ends_L[space_at - 1], starts_L[space_at + 1]
    shares_source = between_end < between_start
    starts_L[space_at] = np.where(shares_source, starts_L[space_at - 1], between_start)
    ends_L[space_at] = np.where(shares_source, ends_L[space_at + 1], between_end)
    return TracedText(text=string(code_L[kept]), starts_L=starts_L, ends_L=ends_L)
