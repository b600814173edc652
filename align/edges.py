"""Where beside a word a cut may stand: the quietest place that is near enough.

Legend: T frames, W words. Around a word's edge the search goes from `slack` inside the word, through the
frames whose most likely symbol is blank or delimiter, to `slack` beyond them, but not over the padding or
half-way to the next word:

    frames        ..dd....o..g........|.....c...
                        |<- search ->|      next spoken word
                    slack ^ end of the word
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from prep_corpus.align.levels import Levels

if TYPE_CHECKING:
    from prep_corpus.align.words import Words

BoolArray = NDArray[np.bool_]

WINDOW_BLOCKS = 2
"""Blocks of 5 ms just inside a cut over which its level is taken."""


@dataclass(frozen=True, kw_only=True)
class Edge:
    """A place to cut.

    Attributes:
        sample: where.
        level_db: of the audio just inside the cut, against full scale.
    """

    sample: int
    level_db: float


@dataclass(frozen=True, kw_only=True)
class Edges:
    """Finds the edges of words; each is looked for once.

    Attributes:
        words: W words.
        spoken_W: which of them the audio says; the others bound nothing.
        quiet_T: frames whose most likely symbol is blank or delimiter.
        levels: of the recording.
        stride_samples: samples a frame.
        padding_frames: at most this far outside the word.
        slack_frames: at most this far inside, and this far into frames that are not quiet.
    """

    words: Words
    spoken_W: BoolArray
    quiet_T: BoolArray
    levels: Levels
    stride_samples: int
    padding_frames: int
    slack_frames: int = 1
    _lefts: dict[int, Edge] = field(default_factory=dict)
    _rights: dict[int, Edge] = field(default_factory=dict)
    _nearest: tuple[NDArray[np.int64], NDArray[np.int64]] = field(init=False)

    def __post_init__(self) -> None:
        places = np.where(self.spoken_W, np.arange(len(self.spoken_W)), -1)
        before = np.concatenate(([-1], np.maximum.accumulate(places)[:-1]))
        places = np.where(self.spoken_W, np.arange(len(self.spoken_W)), len(self.spoken_W))
        after = np.append(np.minimum.accumulate(places[::-1])[::-1][1:], len(self.spoken_W))
        object.__setattr__(self, "_nearest", (before, after))

    def left(self, word: int) -> Edge:
        """The best start of an utterance whose first word this is."""
        if word not in self._lefts:
            self._lefts[word] = self._find_left(word)
        return self._lefts[word]

    def right(self, word: int) -> Edge:
        """The best end of an utterance whose last word this is."""
        if word not in self._rights:
            self._rights[word] = self._find_right(word)
        return self._rights[word]

    def _find_left(self, word: int) -> Edge:
        first, last = int(self.words.frame_starts[word]), int(self.words.frame_ends[word])
        before = int(self._nearest[0][word])
        bound = 0 if before < 0 else (int(self.words.frame_ends[before]) + first + 1) // 2
        low = first
        while low > max(bound, first - self.padding_frames) and self.quiet_T[low - 1]:
            low -= 1
        low = max(low - self.slack_frames, min(bound, first), 0)
        high = min(first + self.slack_frames, (first + last) // 2)
        return self._quietest(low, max(high, low), ahead=True)

    def _find_right(self, word: int) -> Edge:
        first, last = int(self.words.frame_starts[word]), int(self.words.frame_ends[word])
        after = int(self._nearest[1][word])
        frames = len(self.quiet_T)
        bound = frames
        if after < len(self.spoken_W):
            bound = (last + int(self.words.frame_starts[after]) + 1) // 2
        high = last
        while high < min(bound, last + self.padding_frames) and self.quiet_T[high]:
            high += 1
        high = min(high + self.slack_frames, max(bound, last), frames)
        low = max(last - self.slack_frames, (first + last + 1) // 2)
        return self._quietest(min(low, high), high, ahead=False)

    def _quietest(self, low_frame: int, high_frame: int, *, ahead: bool) -> Edge:
        """Among the block borders of [low, high] frames, the quietest; among equals, the farthest outside."""
        size = self.levels.block_samples
        low = -(-low_frame * self.stride_samples // size)
        high = max(high_frame * self.stride_samples // size, low)
        power_P = self.levels.power_P
        window = np.arange(WINDOW_BLOCKS) - (0 if ahead else WINDOW_BLOCKS)
        inside = np.clip(np.arange(low, high + 1)[:, None] + window, 0, len(power_P) - 1)
        level = 10 * np.log10(power_P[inside].mean(axis=1))
        # Once it is silent, more silence is no reason to leave out padding.
        level = np.maximum(level, self.levels.floor_db + 3.0)
        if not ahead:
            level = level[::-1]
        best = int(level.argmin())
        place = low + best if ahead else high - best
        return Edge(sample=place * size, level_db=float(level[best]))
