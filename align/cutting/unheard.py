"""Segments of whose text the model hears too little where it should be are dropped.

Legend: W words of the transcript.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from prep_corpus.align.cutting.cutting import NOT_HEARD, Cuts

BoolArray = NDArray[np.bool_]

HEARD_SHARE = 0.5
"""Of a segment's words at least so many must be heard."""

UNHEARD_IN_A_ROW = 8
"""So many words of the transcript in a row that are not heard are a text of their own, that nobody says."""


def without_unheard(cuts: Cuts, heard_W: BoolArray) -> Cuts:
    """The cuts with candidates dropped as not-heard that have too few heard words, or a part of a text nobody says.

    Args:
        cuts: cuts between the W words.
        heard_W: whether the model hears the text around each word.
    """
    nobodys_W = _in_rows(heard_W)
    segments = []
    for segment in cuts.segments:
        words = np.concatenate([np.arange(start, end) for start, end in segment.spoken_ranges()])
        unheard = bool(heard_W[words].mean() < HEARD_SHARE or nobodys_W[words].any())
        segments.append(replace(segment, reason=NOT_HEARD) if unheard and not segment.reason else segment)
    return replace(cuts, segments=tuple(segments))


def _in_rows(heard_W: BoolArray) -> BoolArray:
    """Words [W] in a row of `UNHEARD_IN_A_ROW` that are not heard; a single heard one among them is chance."""
    alone_W = heard_W.copy()
    alone_W[1:-1] &= ~heard_W[:-2] & ~heard_W[2:]
    alone_W[[0, -1]] = False
    row_W = ~heard_W | alone_W
    edges = np.flatnonzero(np.diff(np.concatenate(([0], row_W.astype(np.int8), [0]))))
    found_W = np.zeros(len(heard_W), bool)
    for start, end in edges.reshape(-1, 2).tolist():
        found_W[start:end] = end - start >= UNHEARD_IN_A_ROW
    return found_W
