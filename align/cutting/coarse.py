"""Cuts of a model with coarse frames: made on a finer grid, on which words begin and end where the loudness says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from prep_corpus.align.audio.levels import SILENCE_DB, Levels
from prep_corpus.align.cutting.ranges import CODES, INSIDE_SPEECH, OPEN
from prep_corpus.align.words.coarse import finer_words
from prep_corpus.align.words.evidence import Track

BoolArray = NDArray[np.bool_]
LongArray = NDArray[np.int64]
DoubleArray = NDArray[np.float64]

if TYPE_CHECKING:
    from prep_corpus.align.cutting.edges import Edges
    from prep_corpus.align.words.words import Words


def finer(
    seen: Track, words: Words, spoken_W: BoolArray, levels: Levels, stride_samples: int, parts: int
) -> tuple[Track, Words]:
    """The track and the words of a recording on a grid of `parts` fine frames for each coarse one.

    Speech in a gap is still counted in coarse frames. What of a spoken word's own coarse frames lies outside of it
    on the fine grid is quiet, and no speech; those of other words are what they were.
    """
    own_T = _covered(len(seen.speech_T), words, spoken_W)
    gap_speech_T = np.where(own_T, np.float32(0), seen.speech_T) / np.float32(parts)
    placed = finer_words(words, levels, stride_samples, parts)
    # The sound of the last word may go on in the end of the audio that no frame covers.
    end = np.int32(len(own_T) * parts)
    placed = replace(
        placed,
        frame_starts=np.minimum(placed.frame_starts, end),
        frame_ends=np.minimum(placed.frame_ends, end),
    )
    inside_T = _covered(len(own_T) * parts, placed, spoken_W)
    greedy_T = np.repeat(seen.greedy_T, parts)
    greedy_T[np.repeat(own_T, parts) & ~inside_T] = seen.blank
    track = Track(
        speech_T=np.repeat(gap_speech_T, parts),
        maximum_T=np.repeat(seen.maximum_T, parts),
        greedy_T=greedy_T,
        blank=seen.blank,
        delimiter=seen.delimiter,
        goes_on_T=None if seen.goes_on_T is None else np.repeat(seen.goes_on_T, parts),
    )
    return track, placed


def _covered(frames: int, words: Words, spoken_W: BoolArray) -> BoolArray:
    """Which frames belong to a spoken word."""
    turns_T = np.zeros(frames + 1, np.int32)
    np.add.at(turns_T, words.frame_starts[spoken_W], 1)
    np.add.at(turns_T, np.minimum(words.frame_ends[spoken_W], frames), -1)
    covered_T: BoolArray = np.cumsum(turns_T[:-1]) > 0
    return covered_T


def within_own_level(
    found_R3: LongArray, bounds_K: LongArray, edges: Edges, drop_db: float, margin_db: float
) -> tuple[LongArray, LongArray]:
    """Ranges without the outer words beside which the cut is too loud for what the range itself holds.

    A passage that may be broken at many places is louder than the softest utterance in it. Where frames are coarse,
    such an utterance's edge, quiet enough for the passage, stands inside of a word as often as not.

    Args:
        found_R3, bounds_K: as `shaped_ranges` returns them.
        edges: the words' edges.
        drop_db: so much under its own mean level the audio just inside a range's edge is quiet.
        margin_db: and at most so much above the recording's noise.

    Returns:
        The same, with words that are left out in ranges of their own, as inside speech.
    """
    open_R = found_R3[:, 2] == OPEN
    firsts_R, ends_R = found_R3[:, 0].copy(), found_R3[:, 1].copy()
    waiting = np.flatnonzero(open_R)
    while len(waiting):
        firsts, lasts = firsts_R[waiting], ends_R[waiting] - 1
        means = _mean_levels(edges.levels, edges.start_samples_V[firsts], edges.end_samples_V[lasts])
        limits = np.maximum(means - drop_db, edges.levels.floor_db + margin_db)
        loud_starts = edges.start_levels_V[firsts] > limits
        loud_ends = (edges.end_levels_V[lasts] > limits) & (firsts + loud_starts <= lasts)
        firsts_R[waiting] += loud_starts
        ends_R[waiting] -= loud_ends
        waiting = waiting[(loud_starts | loud_ends) & (firsts_R[waiting] < ends_R[waiting])]
    inside = np.full(len(found_R3), CODES[INSIDE_SPEECH])
    parts_RX3 = np.stack(
        [
            np.stack((found_R3[:, 0], firsts_R, inside), axis=1),
            np.stack((firsts_R, ends_R, found_R3[:, 2]), axis=1),
            np.stack((ends_R, found_R3[:, 1], inside), axis=1),
        ],
        axis=1,
    )
    there_RX = parts_RX3[:, :, 0] < parts_RX3[:, :, 1]
    counts = np.concatenate(([0], np.cumsum(there_RX.sum(axis=1))))
    return parts_RX3[there_RX], counts[bounds_K]


def _mean_levels(levels: Levels, starts: LongArray, ends: LongArray) -> DoubleArray:
    """Mean levels over half-open spans of samples, in dB against full scale."""
    size, count = levels.block_samples, len(levels)
    first = np.minimum(starts // size, count)
    last = np.minimum(np.maximum(-(-ends // size), first + 1), count)
    power = (levels.sums(last) - levels.sums(first)) / np.maximum(last - first, 1)
    means: DoubleArray = 10 * np.log10(np.maximum(power, 10 ** (SILENCE_DB / 10)))
    return means


def coarse_places(segment: Mapping[str, Any], words: Words, parts: int) -> dict[str, Any]:
    """Where a segment of the fine grid is on the coarse one: in all frames of its samples and of its words.

    Args:
        segment: the fields of a `Segment`.
        words: on the coarse grid.
        parts: fine frames of a coarse one.
    """
    starts_W, ends_W = words.frame_starts, words.frame_ends
    first, last = segment["word_start"], segment["word_end"] - 1
    return {
        "frame_start": min(segment["frame_start"] // parts, int(starts_W[first])),
        "frame_end": max(-(-segment["frame_end"] // parts), int(ends_W[last])),
    }
