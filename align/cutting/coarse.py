"""Cuts of a model with coarse frames: made on a finer grid, on which words begin and end where the loudness says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from prep_corpus.align.audio.levels import Levels
from prep_corpus.align.words.coarse import finer_words
from prep_corpus.align.words.evidence import Track

BoolArray = NDArray[np.bool_]

if TYPE_CHECKING:
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
    placed = replace(placed, frame_ends=np.minimum(placed.frame_ends, np.int32(len(own_T) * parts)))
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
