"""Where beside a word a cut may stand: the quietest place that is near enough.

Legend: T frames, V spoken words. Around a word's edge the search goes from `slack` inside the word, through
the frames whose most likely symbol is blank or delimiter, to `slack` beyond them, but not farther than the search
or half-way to the next word:

    frames        ..dd....o..g........|.....c...
                        |<- search ->|      next spoken word
                    slack ^ end of the word
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from prep_corpus.align.levels import Levels

BoolArray = NDArray[np.bool_]
LongArray = NDArray[np.int64]


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
        window_blocks: blocks just inside a cut over which its level is taken.
        search_frames: a quiet place is looked for this far outside the word.
        padding_frames: the cut itself stands at most this far outside.
        slack_frames: at most this far inside, and this far into frames that are not quiet.
    """

    starts_V: LongArray
    ends_V: LongArray
    quiet_T: BoolArray
    levels: Levels
    stride_samples: int
    window_blocks: int
    search_frames: int
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
        while low > max(bound, first - self.search_frames) and self.quiet_T[low - 1]:
            low -= 1
        low = max(low - self.slack_frames, first - self.search_frames, min(bound, first))
        high = min(first + self.slack_frames, (first + last) // 2)
        found = self._quietest(low, max(high, low), ahead=True)
        nearest = (first - self.padding_frames) * self.stride_samples
        return replace(found, sample=max(found.sample, nearest))

    def _find_right(self, word: int) -> Edge:
        first, last = int(self.starts_V[word]), int(self.ends_V[word])
        bound = len(self.quiet_T)
        if word + 1 < len(self.starts_V):
            bound = (last + int(self.starts_V[word + 1]) + 1) // 2
        high = last
        while high < min(bound, last + self.search_frames) and self.quiet_T[high]:
            high += 1
        high = min(high + self.slack_frames, last + self.search_frames, max(bound, last))
        low = max(last - self.slack_frames, (first + last + 1) // 2)
        found = self._quietest(min(low, high), high, ahead=False)
        nearest = (last + self.padding_frames) * self.stride_samples
        return replace(found, sample=min(found.sample, nearest))

    def _quietest(self, low_frame: int, high_frame: int, *, ahead: bool) -> Edge:
        """Among the block borders of [low, high] frames, the quietest; among equals, the farthest outside."""
        size = self.levels.block_samples
        low = -(-low_frame * self.stride_samples // size)
        high = max(high_frame * self.stride_samples // size, low)
        power_P = self.levels.power_P
        window = np.arange(self.window_blocks) - (0 if ahead else self.window_blocks)
        inside = np.clip(np.arange(low, high + 1)[:, None] + window, 0, len(power_P) - 1)
        level = 10 * np.log10(power_P[inside].mean(axis=1))
        # Once it is silent, more silence is no reason to leave out padding.
        level = np.maximum(level, self.levels.floor_db + 3.0)
        if not ahead:
            level = level[::-1]
        best = int(level.argmin())
        place = low + best if ahead else high - best
        return Edge(sample=place * size, level_db=float(level[best]))
