"""Placing a cut beside a word: at the quietest place that is near enough.

Legend: T frames, V spoken words. Around a word's edge the search goes from `slack` inside the word, short of its
middle, through the frames whose most likely symbol is blank or delimiter, to `slack` beyond them, but not farther than
the search or half-way to the next word, and not into a word that is left out of the text (by more than half of the
slack). A letter is emitted when its sound is past: a word's sound begins up to `lead` before its first letter, so
the search before a word begins there, and what is half-way to the next word:

    frames        ..dd....o..g...........|.....c...
                        |<- search ->|  |lead |
                    slack ^ end of the word   next spoken word
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from prep_corpus.align.audio.levels import SILENCE_DB, LevelArray, Levels
from prep_corpus.align.viterbi.compiling import compiled

BoolArray = NDArray[np.bool_]
LongArray = NDArray[np.int64]
DoubleArray = NDArray[np.float64]

SOUND_MARGIN_DB = 3.0
"""Below this much over the recording's noise all places are equally quiet, and the farthest outside is taken."""

PAUSE_MARGIN_DB = 6.0
"""An edge at most this much above the recording's noise is quiet, however loud the noise is."""


@dataclass(frozen=True, kw_only=True)
class Reach:
    """How far from a word its edges are looked for.

    Attributes:
        stride_samples: samples per frame.
        window_blocks: blocks just inside a cut over which its level is taken.
        search_frames: a quiet place is looked for this far outside the word's sound.
        padding_frames: the cut itself stands at most this far outside.
        slack_frames: at most this far inside, short of the word's middle, and this far into frames that are not quiet.
        lead_frames: a word's sound begins this far before its first letter, if no other is nearer.
    """

    stride_samples: int
    window_blocks: int
    search_frames: int
    padding_frames: int
    slack_frames: int
    lead_frames: int


@dataclass(frozen=True, kw_only=True)
class Edges:
    """The best place to begin and to end an utterance at each spoken word.

    Attributes:
        start_samples_V, end_samples_V: where.
        start_levels_V, end_levels_V: of the audio just inside, in dB against full scale.
        levels: levels of the recording.
    """

    start_samples_V: LongArray
    end_samples_V: LongArray
    start_levels_V: DoubleArray
    end_levels_V: DoubleArray
    levels: Levels

    def allowed(self, gap: int, end_gap: int, limit_db: float) -> BoolArray:
        """Whether the words on both sides of the gaps [gap, end_gap) can end and begin there.

        Args:
            gap, end_gap: gap g lies before word g; between words alone.
            limit_db: loudest edge that is no cut inside speech.
        """
        starts, ends = self.start_levels_V[gap:end_gap], self.end_levels_V[gap - 1 : end_gap - 1]
        allowed: BoolArray = (starts <= limit_db) & (ends <= limit_db)
        return allowed


def find_edges(
    starts_V: LongArray,
    ends_V: LongArray,
    before_V: LongArray,
    after_V: LongArray,
    quiet_T: BoolArray,
    levels: Levels,
    reach: Reach,
) -> Edges:
    """Look for the edges of every spoken word.

    Args:
        starts_V, ends_V: frames of the words, half-open, in order.
        before_V, after_V: where the word before each ends and the one after it begins, spoken or not; -1 and T
            without one. A model that hears little calls the frames of a word blank, and an edge must not take it in.
        quiet_T: frames whose most likely symbol is blank or delimiter.
        levels: levels of the recording.
        reach: how far to look.
    """
    samples = np.empty((2, len(starts_V)), np.int64)
    power = np.empty((2, len(starts_V)))
    floor = 10 ** ((levels.floor_db + SOUND_MARGIN_DB) / 10)
    _find(
        starts_V,
        ends_V,
        before_V,
        after_V,
        quiet_T,
        levels.level_P if len(levels) else np.zeros(1, np.uint8),
        levels.power_L if len(levels) else np.zeros(1),
        levels.block_samples,
        max(floor, 10 ** (SILENCE_DB / 10)),
        reach.stride_samples,
        reach.window_blocks,
        reach.search_frames,
        reach.padding_frames,
        reach.slack_frames,
        reach.lead_frames,
        samples,
        power,
    )
    level = 10 * np.log10(power)
    return Edges(
        start_samples_V=samples[0],
        end_samples_V=samples[1],
        start_levels_V=level[0],
        end_levels_V=level[1],
        levels=levels,
    )


@compiled
def _find(
    starts_V: LongArray,
    ends_V: LongArray,
    before_V: LongArray,
    after_V: LongArray,
    quiet_T: BoolArray,
    level_P: LevelArray,
    power_L: DoubleArray,
    size: int,
    floor: float,
    stride: int,
    window: int,
    search: int,
    padding: int,
    slack: int,
    lead: int,
    samples: LongArray,
    power: DoubleArray,
) -> None:
    frames, words = len(quiet_T), len(starts_V)
    for v in range(words):
        first, last = starts_V[v], ends_V[v]
        beside = ends_V[v - 1] if v else -1
        sounds = first - lead
        bound = _between(beside, first, lead, slack) if v else 0
        if before_V[v] > beside:
            bound = max(bound, before_V[v] - slack // 2)
        low = first
        while low > max(bound, sounds - search) and quiet_T[low - 1]:
            low -= 1
        low = max(low - slack, sounds - search, min(bound, first))
        high = max(min(first + slack, (first + last) // 2 - 1), low)
        block, level = _quietest(low, high, level_P, power_L, size, floor, stride, window, True)
        # Where frames are no whole blocks, no border of blocks may lie between the two places.
        samples[0, v] = max(min(block * size, high * stride), (sounds - padding) * stride)
        power[0, v] = level

        beside = starts_V[v + 1] if v + 1 < words else frames
        bound = _between(last, beside, lead, slack) if v + 1 < words else frames
        if after_V[v] < beside:
            bound = min(bound, after_V[v] + slack // 2)
        high = last
        while high < min(bound, last + search) and quiet_T[high]:
            high += 1
        high = min(high + slack, last + search, max(bound, last))
        low = min(max(last - slack, (first + last + 1) // 2 + 1), high)
        block, level = _quietest(low, high, level_P, power_L, size, floor, stride, window, False)
        samples[1, v] = min(block * size, high * stride, (last + padding) * stride)
        power[1, v] = level


@compiled
def _between(end: int, start: int, lead: int, slack: int) -> int:
    """Half-way from a word's end to the sound of the next, but as far out as the slack where that is half-way too."""
    half = (end + start + 1) // 2
    return max((end + max(start - lead, end) + 1) // 2, min(half, end + slack))


@compiled
def _quietest(
    low_frame: int,
    high_frame: int,
    level_P: LevelArray,
    power_L: DoubleArray,
    size: int,
    floor: float,
    stride: int,
    window: int,
    ahead: bool,
) -> tuple[int, float]:
    """Among the block borders of [low, high] frames, the quietest; among equals, the farthest outside."""
    low = -(-low_frame * stride // size)
    high = max(high_frame * stride // size, low)
    best, least = low, np.inf
    for step in range(high - low + 1):
        place = low + step if ahead else high - step
        start = place if ahead else place - window
        total = 0.0
        for block in range(start, start + window):
            total += power_L[level_P[min(max(block, 0), len(level_P) - 1)]]
        level = max(total / window, floor)
        if level < least:
            best, least = place, level
    return best, least
