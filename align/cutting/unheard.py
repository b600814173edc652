"""Segments of whose text the model hears too little where it should be are dropped.

Legend: W words of the transcript.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from prep_corpus.align.cutting.cutting import NOT_HEARD, Cuts

HEARD_SHARE = 0.5
"""Of a segment's words at least so many must be heard."""

UNHEARD_IN_A_ROW = 4
"""So many words in a row that are not heard are a text of their own."""


def without_unheard(cuts: Cuts, heard_W: NDArray[np.bool_]) -> Cuts:
    """The cuts with candidates of too few heard words dropped as not-heard.

    Args:
        cuts: cuts between the W words.
        heard_W: whether the model hears the text around each word.
    """
    segments = []
    for segment in cuts.segments:
        unheard = np.concatenate([~heard_W[start:end] for start, end in segment.spoken_ranges()])
        row = np.convolve(unheard, np.ones(UNHEARD_IN_A_ROW, np.int64))
        too_few = unheard.mean() > 1 - HEARD_SHARE or row.max() >= UNHEARD_IN_A_ROW
        segments.append(replace(segment, reason=NOT_HEARD) if too_few and not segment.reason else segment)
    return replace(cuts, segments=tuple(segments))
