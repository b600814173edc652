"""Speech that no segment covers.

Legend: T frames.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

import numpy as np

if TYPE_CHECKING:
    from prep_corpus.align.words.evidence import Track

Span = tuple[int, int]


class Framed(Protocol):
    """What is known here of a segment."""

    @property
    def frame_start(self) -> int:
        """First frame."""

    @property
    def frame_end(self) -> int:
        """One past the last."""


def untranscribed(
    seen: Track, segments: Sequence[Framed], *, near_frames: int, mass: float, stride_samples: int
) -> tuple[Span, ...]:
    """Half-open spans of samples with speech outside all segments.

    Args:
        seen: of the recording's T frames.
        segments: in order, without overlap.
        near_frames: symbols less than this far apart belong together.
        mass: a span holds at least this much speech, in frames of certain speech.
        stride_samples: samples per frame.
    """
    free_T = ~seen.quiet_T
    for segment in segments:
        free_T[segment.frame_start : segment.frame_end] = False
    places = np.flatnonzero(free_T)
    if len(places) == 0:
        return ()
    # Speech on the two sides of a segment is never one span.
    owner_T = np.zeros(len(free_T) + 1, np.int32)
    for segment in segments:
        owner_T[segment.frame_end] += 1
    owners = np.cumsum(owner_T)[places]
    apart = (np.diff(places) > near_frames) | (np.diff(owners) != 0)
    first = places[np.concatenate(([True], apart))]
    last = places[np.concatenate((apart, [True]))] + 1
    return tuple(
        (int(start) * stride_samples, int(end) * stride_samples)
        for start, end in zip(first, last)
        if float(seen.speech_T[start:end].sum()) >= mass
    )
