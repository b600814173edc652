"""Fitting what a word's score is worth on bad ground, from labelled words of clean and of hard ground.

Legend: N words.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from prep_corpus.filters.cases import HARD, Case
from prep_corpus.filters.ground import Ground, wrong_around
from prep_corpus.filters.scoring import REFUSED_SCORE

DoubleArray = NDArray[np.float64]

STRETCH_WORDS = 51
"""A word's ground is that of so many words: some 20 s of speech."""

DOUBT = 0.001
"""So many wrong words are expected for each word of a stretch, whatever the scores say."""

FREE_SHARE = 0.98
"""Of the words that are kept on clean ground so many keep their score."""

PLACES = (4.0, 3.0, 2.0, 1.0, 0.0, -1.0, -2.0, -4.0, -8.0)
"""Scores for which it is found what share of wrong words goes with them on clean ground."""


def fit_ground(cases: Sequence[Case], scores: Sequence[DoubleArray]) -> Ground | None:
    """The ground of a filter; None where no case is speech on hard ground, so that there is nothing to learn it from.

    Args:
        cases: labelled.
        scores: guarded log-odds of each case's words, from fits without the case's group.
    """
    spoken = [case.origin == HARD and bool(case.right_W.any()) for case in cases]
    clean = [case.origin != HARD for case in cases]
    if not any(spoken) or not any(clean):
        return None
    slope, intercept = _calibrated(
        [(case, scores_W) for case, scores_W, hard in zip(cases, scores, spoken) if hard]
    )
    clean_scores = [scores_W for scores_W, one in zip(scores, clean) if one and len(scores_W)]
    score_N = np.concatenate(clean_scores)
    share_N = np.concatenate(
        [
            wrong_around(scores_W, _wrong(scores_W, slope, intercept), DOUBT, STRETCH_WORDS)
            for scores_W in clean_scores
        ]
    )
    shares: list[float] = []
    places: list[float] = []
    for place in PLACES:
        kept_N = share_N[score_N >= place]
        share = float(np.quantile(kept_N, FREE_SHARE)) if len(kept_N) else 0.0
        if share > (shares[-1] * 1.001 if shares else 0.0):
            shares.append(share)
            places.append(place)
    if len(shares) < 2:
        return None
    return Ground(
        stretch_words=STRETCH_WORDS,
        slope=slope,
        intercept=intercept,
        doubt=DOUBT,
        shares=tuple(shares),
        scores=tuple(places),
    )


def _wrong(scores_W: DoubleArray, slope: float, intercept: float) -> DoubleArray:
    wrong_W: DoubleArray = 1.0 / (1.0 + np.exp(np.clip(slope * scores_W + intercept, -50.0, 50.0)))
    return wrong_W


def _calibrated(labelled: Sequence[tuple[Case, DoubleArray]]) -> tuple[float, float]:
    """How log-odds of held-out words are to be read: a logistic regression on the score alone."""
    from sklearn.linear_model import LogisticRegression

    rows = [(scores_W > REFUSED_SCORE) & case.known_W for case, scores_W in labelled]
    score_N = np.concatenate([scores_W[row] for (_, scores_W), row in zip(labelled, rows)])
    right_N = np.concatenate([case.right_W[row] for (case, _), row in zip(labelled, rows)])
    if right_N.all() or not right_N.any():
        return 1.0, 0.0
    model = LogisticRegression(C=1e6, max_iter=1000).fit(score_N[:, None], right_N)
    return max(float(model.coef_[0, 0]), 1e-3), float(model.intercept_[0])
