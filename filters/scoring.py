"""A fitted filter applied, with numpy alone.

Legend: W words, S segments, F features.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from prep_corpus.filters.features import word_features
from prep_corpus.filters.linear import Filter

DoubleArray = NDArray[np.float64]


REFUSED_SCORE = -100.0
"""Score of a word that the filter's guard refuses: under every threshold."""


def score_words(evidence_WF: NDArray[np.floating], fitted: Filter) -> DoubleArray:
    """Log-odds [W] that the audio says each word; `REFUSED_SCORE` where the guard refuses it.

    Args:
        evidence_WF: the evidence of one recording's words in order (neighbours matter), as `align.evidence` gives it.
        fitted: the filter.
    """
    scores_W = fitted.word.score(word_features(evidence_WF, fitted.word.names))
    return np.where(heard_words(evidence_WF, fitted), scores_W, REFUSED_SCORE)


def heard_words(evidence_WF: NDArray[np.floating], fitted: Filter) -> NDArray[np.bool_]:
    """Which words [W] the filter's guard lets pass; all where it has none."""
    if fitted.guard is None or not len(evidence_WF):
        return np.ones(len(evidence_WF), bool)
    return fitted.guard.heard(evidence_WF)


def score_utterances(features_SF: NDArray[np.floating], fitted: Filter, *, cut: str = "words") -> DoubleArray:
    """Log-odds [S] that each utterance's text is right: the column `score` of the output.

    Args:
        features_SF: columns as in `FEATURE_NAMES`.
        fitted: the filter.
        cut: "words" or "paper", as the segments were cut.
    """
    return fitted.level(cut).utterance.score(features_SF)
