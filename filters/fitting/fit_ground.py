"""Fitting what a word's score is worth on bad ground, from words of clean and of hard recordings.

Legend: W words, N words of all cases.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from prep_corpus.filters.features import word_features
from prep_corpus.filters.fitting.cases import HARD, Case
from prep_corpus.filters.fitting.fit_words import INVERSE_PENALTY, fit_linear
from prep_corpus.filters.ground import GROUND_FEATURES, Ground, charges
from prep_corpus.filters.linear import Linear

BoolArray = NDArray[np.bool_]
DoubleArray = NDArray[np.float64]

FREE_SHARE = 0.6
"""Of the words on clean ground so many are charged nothing."""

CHARGE = 0.5
"""What each nat by which a stretch is less like clean speech takes off a word's score."""


def fit_ground(
    cases: Sequence[Case], fold_C: Sequence[int], *, free_share: float = FREE_SHARE, charge: float = CHARGE
) -> tuple[Ground | None, list[DoubleArray]]:
    """The ground of a filter, and what it takes off each case's words.

    Args:
        cases: labelled.
        fold_C: the fold of each case.
        free_share, charge: as above.

    Returns:
        The ground, fitted on all cases; None where there is no speech on hard ground to learn it from. The charges
        [W] of each case are from fits without its fold.
    """
    hard = [_on_hard_ground(case) for case in cases]
    clean = [case.origin != HARD for case in cases]
    if not any(hard) or not any(clean):
        return None, [np.zeros(len(case.texts)) for case in cases]
    found: list[DoubleArray] = [np.zeros(0)] * len(cases)
    for fold in sorted(set(fold_C)):
        linear = _fit([case for case, f in zip(cases, fold_C) if f != fold])
        for index, case in enumerate(cases):
            if fold_C[index] == fold:
                found[index] = linear.score(word_features(case.evidence_WF, linear.names))
    free = float(np.quantile(np.concatenate([f for f, one in zip(found, clean) if one]), 1.0 - free_share))
    ground = Ground(clean=_fit(cases), free=free, charge=charge)
    return ground, [charges(clean_W, free, charge) for clean_W in found]


def _on_hard_ground(case: Case) -> bool:
    """Whether it is speech under a condition; a recording in which nobody says its text is the guard's."""
    return case.origin == HARD and bool(case.right_W.any())


def _fit(cases: Sequence[Case]) -> Linear:
    """Log-odds of clean against hard ground."""
    used = [case for case in cases if case.origin != HARD or _on_hard_ground(case)]
    rows = np.concatenate([word_features(case.evidence_WF, GROUND_FEATURES) for case in used])
    clean_N = np.concatenate([np.full(len(case.texts), case.origin != HARD) for case in used])
    return fit_linear(rows, clean_N, GROUND_FEATURES, INVERSE_PENALTY)
