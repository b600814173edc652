"""What a word's score is worth where it stands: where the model hears badly, a word must be surer to be kept.

On clean ground nearly every word is surely said or surely not, and of all words over a threshold hardly one is wrong. Under
other voices most words are in doubt, and of those over the same threshold many are wrong. So a word is judged
together with its stretch: of the words around it that are at least as sure as it is, how many will be wrong? A
score counts for no more than what goes with that share on clean ground.

Legend: W words, K places.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from prep_corpus.align.errors import UsageError

DoubleArray = NDArray[np.float64]

_CHUNK_WORDS = 4096


@dataclass(frozen=True, kw_only=True)
class Ground:
    """Lowers the scores of words in stretches where many words over a threshold would be wrong.

    Attributes:
        stretch_words: a word's stretch is so many words, itself in the middle.
        slope, intercept: a word of score s is right with log-odds `slope * s + intercept`, as held-out words were.
        doubt: so many wrong words for each word of the stretch are expected besides; so where few words are sure, these
            are not trusted either.
        shares: K rising shares of wrong words to be expected.
        scores: the most that a word's score is worth at each share, falling; between two shares by their logarithm,
            beyond them as at the nearest.
    """

    stretch_words: int
    slope: float
    intercept: float
    doubt: float
    shares: tuple[float, ...]
    scores: tuple[float, ...]

    def __post_init__(self) -> None:
        if self.stretch_words < 1 or self.stretch_words % 2 == 0:
            raise UsageError(f"a stretch must have an odd number of words, not {self.stretch_words}")
        numbers = (self.slope, self.intercept, self.doubt, *self.shares, *self.scores)
        if not np.isfinite(numbers).all() or self.slope <= 0 or self.doubt < 0:
            raise UsageError("a ground's numbers must be finite, its slope positive, its doubt not negative")
        if len(self.shares) != len(self.scores) or len(self.shares) < 2:
            raise UsageError(
                f"a ground needs at least two shares with a score each, not {len(self.shares)} and {len(self.scores)}"
            )
        if (np.diff(self.shares) <= 0).any() or (np.diff(self.scores) > 0).any() or self.shares[0] <= 0:
            raise UsageError("a ground's shares must rise from over 0, and its scores fall")

    def wrong_around(self, scores_W: DoubleArray) -> DoubleArray:
        """The share [W] of wrong words to be expected among those of a word's stretch that are as sure as it."""
        wrong_W = 1.0 / (1.0 + np.exp(np.clip(self.slope * scores_W + self.intercept, -50.0, 50.0)))
        return wrong_around(scores_W, wrong_W, self.doubt, self.stretch_words)

    def worth(self, scores_W: DoubleArray) -> DoubleArray:
        """What each word's score is worth where it stands: at most the score itself.

        Args:
            scores_W: of the words of one recording in order.
        """
        if not len(scores_W):
            return scores_W
        most_W = np.interp(np.log(self.wrong_around(scores_W)), np.log(self.shares), self.scores)
        worth_W: DoubleArray = np.minimum(scores_W, most_W)
        return worth_W


def wrong_around(
    scores_W: DoubleArray, wrong_W: DoubleArray, doubt: float, stretch_words: int
) -> DoubleArray:
    """The least share of wrong words to be expected among the words of each one's stretch that are kept with it.

    Args:
        scores_W: of one recording's words in order; of two words the one of the higher score is kept first.
        wrong_W: how likely each word is wrong; falls where scores rise.
        doubt: so many wrong words for each word of the stretch besides.
        stretch_words: odd; stretches are cut off at the recording's ends.

    Returns:
        [W]: of all sets "the n surest words of the stretch" that hold the word, the least expected share.
    """
    half = stretch_words // 2
    padded_W = np.pad(scores_W, half, constant_values=-np.inf)
    wrong_padded_W = np.pad(wrong_W, half, constant_values=1.0)
    at_W = np.arange(len(scores_W))
    sizes_W = np.minimum(at_W + half + 1, len(scores_W)) - np.maximum(at_W - half, 0)
    counts_N = np.arange(1, stretch_words + 1)
    found_W = np.empty(len(scores_W))
    for start in range(0, len(scores_W), _CHUNK_WORDS):
        part = slice(start, start + _CHUNK_WORDS)
        windows_WN = sliding_window_view(padded_W, stretch_words)[part]
        order_WN = np.argsort(-windows_WN, axis=1, kind="stable")
        sorted_WN = np.take_along_axis(
            sliding_window_view(wrong_padded_W, stretch_words)[part], order_WN, axis=1
        )
        shares_WN = (np.cumsum(sorted_WN, axis=1) + doubt * sizes_W[part, None]) / counts_N
        least_WN = np.minimum.accumulate(shares_WN[:, ::-1], axis=1)[:, ::-1]
        ranks_W = (windows_WN >= scores_W[part, None]).sum(axis=1)
        found_W[part] = np.take_along_axis(least_WN, ranks_W[:, None] - 1, axis=1)[:, 0]
    return found_W
