"""Segments of whose text the model hears too little where it should be are dropped.

Legend: W words of the transcript, R ranges of them, none left out.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from prep_corpus.align.cutting.ranges import CODES, NOT_HEARD, OPEN, Ranges
from prep_corpus.align.cutting.segments import Cuts

BoolArray = NDArray[np.bool_]
LongArray = NDArray[np.int64]

HEARD_SHARE = 0.5
"""Of a segment's words at least so many must be heard."""

UNHEARD_IN_A_ROW = 8
"""So many words of the transcript in a row that are not heard are a text of their own, that nobody says."""

NEAR_WORDS = 2
"""So near to such a text words are in doubt: alignment puts its ends on the speech beside it."""

SURE_WORDS = 3
"""Speech that is cut off from such a text begins and ends with so many words that are surely said."""


def without_unheard(cuts: Cuts, heard_W: BoolArray) -> Cuts:
    """The cuts with candidates dropped as not-heard that have too few heard words, or a part of a text nobody says.

    Args:
        cuts: cuts by the paper's rule between the W words, of which none is left out.
        heard_W: whether the model hears the text around each word.
    """
    firsts, ends = (
        np.array([getattr(segment, name) for segment in cuts.segments], np.int64)
        for name in ("word_start", "word_end")
    )
    segments = (
        replace(segment, reason=NOT_HEARD) if unheard and not segment.reason else segment
        for segment, unheard in zip(cuts.segments, _unheard(firsts, ends, heard_W).tolist())
    )
    return replace(cuts, segments=tuple(segments))


def ranges_without_unheard(ranges: Ranges, heard_W: BoolArray) -> Ranges:
    """The same for the ranges of several pauses."""
    unheard_R = _unheard(ranges.firsts_R, ranges.ends_R, heard_W) & (ranges.codes_R == OPEN)
    return replace(ranges, codes_R=np.where(unheard_R, CODES[NOT_HEARD], ranges.codes_R))


def _unheard(firsts_R: LongArray, ends_R: LongArray, heard_W: BoolArray) -> BoolArray:
    heard, nobodys = (
        np.concatenate(([0], np.cumsum(each_W, dtype=np.int64))) for each_W in (heard_W, in_rows(heard_W))
    )
    share_R = (heard[ends_R] - heard[firsts_R]) / (ends_R - firsts_R)
    unheard_R: BoolArray = (share_R < HEARD_SHARE) | (nobodys[ends_R] > nobodys[firsts_R])
    return unheard_R


def in_rows(heard_W: BoolArray) -> BoolArray:
    """Words [W] in a row of `UNHEARD_IN_A_ROW` that are not heard; a single heard one among them is chance."""
    found_W = np.zeros(len(heard_W), bool)
    for start, end in unheard_rows(heard_W):
        found_W[start:end] = True
    return found_W


def unheard_rows(heard_W: BoolArray) -> list[tuple[int, int]]:
    """The same rows as half-open ranges of words, in order."""
    alone_W = heard_W.copy()
    alone_W[1:-1] &= ~heard_W[:-2] & ~heard_W[2:]
    alone_W[:1] = alone_W[-1:] = False
    row_W = ~heard_W | alone_W
    edges = np.flatnonzero(np.diff(np.concatenate(([0], row_W.astype(np.int8), [0]))))
    return [(start, end) for start, end in edges.reshape(-1, 2).tolist() if end - start >= UNHEARD_IN_A_ROW]


def outside_rows(heard_W: BoolArray) -> list[tuple[int, int]]:
    """The half-open ranges of words before, between and after those rows; none where there is no row."""
    rows = unheard_rows(heard_W)
    if not rows:
        return []
    borders = [0, *chain.from_iterable(rows), len(heard_W)]
    return [(first, last) for first, last in zip(borders[::2], borders[1::2]) if first < last]
