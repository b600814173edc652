"""Where words of coarse frames begin and end: told by the loudness of the audio and by their neighbours.

A frame of 80 ms says in which frame a word is heard, and the sound may begin or end anywhere in it or beside it. So
words are laid on a finer grid of about 20 ms, and each start moves to the nearest rise out of silence, each end to the
nearest fall into it, at most a coarse frame away. Where there is none, in running speech, a word begins in the middle
of its first frame and ends with its last:

    coarse frames   |       |  the  |       |
    loudness        ..........#####......####
    fine frames               [    )

Legend: T fine frames, W words, P places that are tried.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from prep_corpus.align.audio.levels import Levels
from prep_corpus.align.model.models import COARSE_SECONDS
from prep_corpus.align.viterbi.viterbi import Alignment
from prep_corpus.align.words.words import Words

LongArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]

FINE_SECONDS = 0.02
"""Length of a fine frame, or a little more or less, so that a coarse one holds a whole number of them."""

QUIET_DROP_DB = 20.0
"""A fine frame this much under the mean level of the words is quiet."""

QUIET_MARGIN_DB = 6.0
"""And so is one at most this much above the recording's noise."""


def fine_frames(stride_samples: int, sample_rate_hz: int) -> int:
    """Fine frames of one coarse frame; 1 where frames are not coarse."""
    seconds = stride_samples / sample_rate_hz
    if seconds < COARSE_SECONDS:
        return 1
    parts = round(seconds / FINE_SECONDS)
    while stride_samples % parts:
        parts -= 1
    return parts


def finer_words(words: Words, levels: Levels, stride_samples: int, parts: int) -> Words:
    """The words on the fine grid.

    Args:
        words: W words on the coarse grid.
        levels: the recording's loudness track.
        stride_samples: samples of a coarse frame.
        parts: fine frames of a coarse one.

    Returns:
        The same words with fine frames, in order and without overlap; skipped words stay where they were passed, but
        not inside of their neighbours.
    """
    starts_W, ends_W = (at.astype(np.int64) * parts for at in (words.frame_starts, words.frame_ends))
    said = np.flatnonzero(~words.skipped)
    if len(said):
        quiet_T = _quiet(words, levels, stride_samples, parts)
        starts_V, ends_V = starts_W[said], ends_W[said]
        # A model hears a word in its sound, so that little of it lies outside its frames.
        starts_P, ends_P = np.arange(-(parts // 2), parts + 1), np.arange(-parts, parts // 2 + 1)
        middle_V = (starts_V + ends_V) // 2
        # A rise at t: fine frame t - 1 is quiet, t is not. A fall at t is the reverse.
        first_V = _nearest(starts_V, starts_P, parts // 2, ~quiet_T[1:] & quiet_T[:-1])
        last_V = _nearest(ends_V, ends_P, 0, quiet_T[1:] & ~quiet_T[:-1])
        # Neighbours share what lies between them; a word keeps at least one fine frame.
        first_V[1:] = np.maximum(first_V[1:], starts_V[1:] - (starts_V[1:] - ends_V[:-1] + 1) // 2)
        first_V = np.clip(first_V, 0, middle_V)
        last_V = np.maximum(last_V, middle_V + 1)
        last_V[:-1] = np.minimum(last_V[:-1], first_V[1:])
        first_V = np.minimum(first_V, last_V - 1)
        last_V = np.maximum(last_V, first_V + 1)
        starts_W[said], ends_W[said] = first_V, np.minimum(last_V, len(quiet_T))
        behind_W = np.maximum.accumulate(np.where(words.skipped, 0, ends_W))
        before_W = np.minimum.accumulate(np.where(words.skipped, len(quiet_T), starts_W)[::-1])[::-1]
        passed_W = np.clip(starts_W, behind_W, before_W)[words.skipped]
        starts_W[words.skipped] = ends_W[words.skipped] = passed_W
    return replace(words, frame_starts=starts_W.astype(np.int32), frame_ends=ends_W.astype(np.int32))


def finer_alignment(
    alignment: Alignment, words: Words, levels: Levels, stride_samples: int, parts: int
) -> tuple[Alignment, Words]:
    """An alignment and its words on the fine grid, for those who write down when words are said."""
    return (
        replace(
            alignment,
            starts_L=alignment.starts_L * np.int32(parts),
            ends_L=alignment.ends_L * np.int32(parts),
            untranscribed=tuple((start * parts, end * parts) for start, end in alignment.untranscribed),
        ),
        finer_words(words, levels, stride_samples, parts),
    )


def _quiet(words: Words, levels: Levels, stride_samples: int, parts: int) -> BoolArray:
    """Which fine frames are quiet; as many as the words may reach, a coarse frame more on the right."""
    count = (int(words.frame_ends.max()) + 2) * parts
    edges = np.arange(count + 1) * (stride_samples // parts) // levels.block_samples
    edges = np.minimum(edges, len(levels))
    power_T = np.diff(levels.sums(edges)) / np.maximum(np.diff(edges), 1)
    lengths_W = words.frame_ends.astype(np.int64) - words.frame_starts
    ends = np.minimum(words.frame_ends.astype(np.int64) * stride_samples // levels.block_samples, len(levels))
    starts = np.minimum(words.frame_starts.astype(np.int64) * stride_samples // levels.block_samples, ends)
    speech = float(
        (levels.sums(ends) - levels.sums(starts))[lengths_W > 0].sum() / max(int((ends - starts).sum()), 1)
    )
    limit = max(speech * 10 ** (-QUIET_DROP_DB / 10), 10 ** ((levels.floor_db + QUIET_MARGIN_DB) / 10))
    quiet_T: BoolArray = power_T <= limit
    return quiet_T


def _nearest(at_V: LongArray, steps_P: LongArray, expected: int, turns_T: BoolArray) -> LongArray:
    """The turn nearest to where each is expected, among the steps around it; the expected place where there is none.

    Args:
        at_V: fine frames.
        steps_P: places that are tried, beside each.
        expected: likewise; among equals the earlier.
        turns_T: whether there is a turn at the end of fine frame t.
    """
    places_VP = at_V[:, None] + steps_P
    inside_VP = (places_VP >= 1) & (places_VP <= len(turns_T))
    is_turn_VP = inside_VP & turns_T[np.clip(places_VP - 1, 0, len(turns_T) - 1)]
    distance_VP = np.where(is_turn_VP, np.abs(steps_P - expected), len(steps_P) * 2)
    best_V = distance_VP.argmin(axis=1)
    found_V: LongArray = np.where(is_turn_VP.any(axis=1), at_V + steps_P[best_V], at_V + expected)
    return found_V
