"""Kept share and word error rate against known truth.

Kept share: true words whose middle lies in exactly one kept utterance, over all words spoken. Word error
rate: word edits of the kept texts against the true words inside them, over those true words.

Legend: W true words of a recording, in order of time.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from rapidfuzz.distance import Levenshtein

from prep_corpus.filters.linear import NO_FLOOR

BoolArray = NDArray[np.bool_]
DoubleArray = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class KeptUtterance:
    """An utterance as it would be trained on.

    Attributes:
        start_seconds, end_seconds: half-open, in the recording.
        words: its normalised text.
    """

    start_seconds: float
    end_seconds: float
    words: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Tally:
    """Counts that add up over recordings.

    Attributes:
        spoken: words truly said in the recordings.
        kept: words truly said whose middle lies in exactly one kept utterance.
        right: words that the transcript has right, whether kept or not; 0 where that is not known.
        right_kept: words that the transcript has right whose middle lies in exactly one kept utterance.
        inside: true words inside kept utterances; a word inside two counts twice.
        edits: word edits between each kept text and the true words inside it.
        utterances: number of kept utterances.
        seconds: seconds of kept speech.
    """

    spoken: int = 0
    kept: int = 0
    right: int = 0
    right_kept: int = 0
    inside: int = 0
    edits: int = 0
    utterances: int = 0
    seconds: float = 0.0

    def __add__(self, other: Tally) -> Tally:
        return Tally(
            spoken=self.spoken + other.spoken,
            kept=self.kept + other.kept,
            right=self.right + other.right,
            right_kept=self.right_kept + other.right_kept,
            inside=self.inside + other.inside,
            edits=self.edits + other.edits,
            utterances=self.utterances + other.utterances,
            seconds=self.seconds + other.seconds,
        )

    @property
    def kept_share(self) -> float:
        """Kept words over all words spoken."""
        return self.kept / max(self.spoken, 1)

    @property
    def right_kept_share(self) -> float:
        """Kept ones among the words that the transcript has right."""
        return self.right_kept / max(self.right, 1)

    @property
    def wer(self) -> float:
        """Word edits over the true words inside kept utterances."""
        return self.edits / max(self.inside, 1)

    @property
    def mean_seconds(self) -> float:
        """Mean length of a kept utterance."""
        return self.seconds / max(self.utterances, 1)


def inside(start_seconds: float, end_seconds: float, middles_W: NDArray[np.float64]) -> tuple[int, int]:
    """Half-open range of the true words whose middle lies in [start, end)."""
    first, last = np.searchsorted(middles_W, (start_seconds, end_seconds), side="left")
    return int(first), int(last)


def word_edits(text: Sequence[str], truth: Sequence[str]) -> int:
    """Fewest substitutions, deletions and insertions of words between a text and the truth."""
    return Levenshtein.distance(list(text), list(truth))


def tally(
    utterances: Iterable[KeptUtterance],
    true_words: Sequence[str],
    middles_W: NDArray[np.float64],
    *,
    right_W: NDArray[np.bool_] | None = None,
) -> Tally:
    """Count what one recording's kept utterances hold.

    Args:
        utterances: kept ones, in any order.
        true_words: W words.
        middles_W: the middle of each in seconds, rising.
        right_W: which of them the transcript has right, where that is known.
    """
    covered_W = np.zeros(len(true_words), np.int64)
    edits = inside_words = count = 0
    seconds = 0.0
    for utterance in utterances:
        first, last = inside(utterance.start_seconds, utterance.end_seconds, middles_W)
        covered_W[first:last] += 1
        edits += word_edits(utterance.words, true_words[first:last])
        inside_words += last - first
        count += 1
        seconds += utterance.end_seconds - utterance.start_seconds
    return Tally(
        spoken=len(true_words),
        kept=int((covered_W == 1).sum()),
        right=0 if right_W is None else int(right_W.sum()),
        right_kept=0 if right_W is None else int((covered_W[right_W] == 1).sum()),
        inside=inside_words,
        edits=edits,
        utterances=count,
        seconds=seconds,
    )


FLOOR_SHARE = 0.001
"""Of the utterances that are right at least by half so many lie under a level's floor."""

FLOOR_WER = 0.5
"""Text more wrong than this is another text."""


def floor_of(meant: Iterable[DoubleArray]) -> float:
    """The score under which hardly any utterance lies whose text is meant for its audio.

    Args:
        meant: scores of such utterances, by a classifier that was not fitted on them.
    """
    scores_S = np.concatenate([np.empty(0), *meant])
    return float(np.quantile(scores_S, FLOOR_SHARE)) if len(scores_S) else NO_FLOOR


@dataclass(frozen=True, kw_only=True)
class HeldOut:
    """What a classifier said of examples that it was not fitted on.

    Attributes:
        scores_N: log-odds.
        good_N: the truth.
        weights_N: how often each counts.
        features_NF: the six features of each utterance; of words none, [N, 0].
    """

    scores_N: DoubleArray
    good_N: BoolArray
    weights_N: DoubleArray
    features_NF: DoubleArray

    def precision(self, threshold: float) -> float:
        """Good ones among those at or over a threshold; 1 where there are none."""
        passed_N = self.scores_N >= threshold
        weight = float(self.weights_N[passed_N].sum())
        return float(self.weights_N[passed_N & self.good_N].sum()) / weight if weight else 1.0

    def recall(self, threshold: float) -> float:
        """Those at or over a threshold among the good ones; 1 where there are none."""
        weight = float(self.weights_N[self.good_N].sum())
        passed_N = (self.scores_N >= threshold) & self.good_N
        return float(self.weights_N[passed_N].sum()) / weight if weight else 1.0


def auc_text(value: float, digits: int = 3) -> str:
    """An AUC as cards print it; of one class alone there is none."""
    return "none (all alike)" if np.isnan(value) else f"{value:.{digits}f}"
