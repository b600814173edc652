"""Where beside a word a cut may stand: the quietest place that is near enough.

Legend: T frames, V spoken words. Around a word's edge the search goes from `slack` inside the word, through
the frames whose most likely symbol is blank or delimiter, to `slack` beyond them, but not over the padding or
half-way to the next word:

    frames        ..dd....o..g........|.....c...
                        |<- search ->|      next spoken word
                    slack ^ end of the word
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from prep_corpus.align.levels import Levels

BoolArray = NDArray[np.bool_]
LongArray = NDArray[np.int64]

WINDOW_BLOCKS = 4
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
    """Finds the edges of spoken words; each is looked for once.

    Attributes:
        starts_V, ends_V: frames of the words, half-open.
        quiet_T: frames whose most likely symbol is blank or delimiter.
        levels: of the recording.
        stride_samples: samples a frame.
        padding_frames: at most this far outside the word.
        slack_frames: at most this far inside, and this far into frames that are not quiet.
    """

    starts_V: LongArray
    ends_V: LongArray
    quiet_T: BoolArray
    levels: Levels
    stride_samples: int
    padding_frames: int
    slack_frames: int
    _lefts: dict[int, Edge] = field(default_factory=dict)
    _rights: dict[int, Edge] = field(default_factory=dict)

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
        first, last = int(self.starts_V[word]), int(self.ends_V[word])
        bound = (int(self.ends_V[word - 1]) + first + 1) // 2 if word else 0
        low = first
        while low > max(bound, first - self.padding_frames) and self.quiet_T[low - 1]:
            low -= 1
        low = max(low - self.slack_frames, min(bound, first))
        high = min(first + self.slack_frames, (first + last) // 2)
        return self._quietest(low, max(high, low), ahead=True)

    def _find_right(self, word: int) -> Edge:
        first, last = int(self.starts_V[word]), int(self.ends_V[word])
        bound = len(self.quiet_T)
        if word + 1 < len(self.starts_V):
            bound = (last + int(self.starts_V[word + 1]) + 1) // 2
        high = last
        while high < min(bound, last + self.padding_frames) and self.quiet_T[high]:
            high += 1
        high = min(high + self.slack_frames, max(bound, last))
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
