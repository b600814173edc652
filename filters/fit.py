"""Fitting a filter: two standardised logistic regressions, cross-validated, and the curve of what they give.

The curve is measured on groups that each classifier was not fitted on, and its upper bound comes from
resampling the groups.

Legend: N examples, W words, S segments, F features.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from prep_corpus.align.errors import UsageError
from prep_corpus.filters.curve import frontier
from prep_corpus.filters.features import FEATURE_NAMES, word_features
from prep_corpus.filters.labels import Case
from prep_corpus.filters.linear import Filter, Level, Linear
from prep_corpus.filters.sweep import Bench, Outcome, Swept, count_outcomes, points_of, sweep

BoolArray = NDArray[np.bool_]
DoubleArray = NDArray[np.float64]

WORD_THRESHOLDS = (-8.0, -6.0, -5.0, -4.0, -3.0, -2.0, -1.5, -1.0, -0.5, 0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0)
FITTING_THRESHOLDS = (-2.0, 0.0, 2.0)
"""Word thresholds whose segments the utterance classifier is fitted on together."""

WORD_FEATURES = (
    "ratio_mean",
    "ratio_min",
    "ratio_sum_wide",
    "character_mean",
    "character_min",
    "edits",
    "edits_per_character",
    "frames_per_character",
    "log_characters",
    "log_mass_before",
    "log_mass_after",
    "log_gap_before",
    "log_gap_after",
    "ratio_mean@-1",
    "ratio_mean@+1",
    "character_mean@-1",
    "character_mean@+1",
    "edits_per_character@-1",
    "edits_per_character@+1",
    "ratio_mean~5",
    "character_mean~5",
    "edits_per_character~5",
    "ratio_mean~9",
    "edits_per_character~9",
)


@dataclass(frozen=True, kw_only=True)
class FitOptions:
    """How a filter is fitted.

    Attributes:
        target_seconds: mean length for which k is picked.
        good_wer: an utterance of at most this word error rate is a good one.
        folds: of the cross-validation, at most; never more than groups.
        inverse_penalty: scikit-learn's C.
        resamples: of the groups, for the upper bound.
        word_names: features of the word classifier.
        seed: of the resampling.
    """

    target_seconds: float = 7.0
    good_wer: float = 0.05
    folds: int = 5
    inverse_penalty: float = 0.3
    resamples: int = 1000
    word_names: tuple[str, ...] = WORD_FEATURES
    seed: int = 0


def fold_of(groups: Sequence[str], folds: int) -> dict[str, int]:
    """The fold of each group: sorted groups dealt out in turn.

    Args:
        groups: names, repeated ones count once.
        folds: at most this many.

    Raises:
        UsageError: fewer than two groups, so that nothing can be held out.
    """
    names = sorted(set(groups))
    if len(names) < 2:
        raise UsageError(
            f"a filter is cross-validated over speakers or recordings: at least 2, not {len(names)}"
        )
    return {name: place % min(folds, len(names)) for place, name in enumerate(names)}


def fit_linear(
    features_NF: DoubleArray, good_N: BoolArray, names: Sequence[str], inverse_penalty: float
) -> Linear:
    """A standardised logistic regression, both classes weighing the same.

    Args:
        features_NF: one row an example.
        good_N: the class.
        names: of the F features.
        inverse_penalty: scikit-learn's C.

    Raises:
        UsageError: all examples are of one class.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.preprocessing import StandardScaler

    if good_N.all() or not good_N.any():
        raise UsageError(
            f"a classifier needs examples of both classes: {int(good_N.sum())} good of {len(good_N)}"
        )
    scaler = StandardScaler().fit(features_NF)
    model = LogisticRegression(C=inverse_penalty, class_weight="balanced", max_iter=2000)
    model.fit(scaler.transform(features_NF), good_N)
    return Linear(
        names=tuple(names),
        means=tuple(map(float, scaler.mean_)),
        scales=tuple(map(float, scaler.scale_)),
        coefficients=tuple(map(float, model.coef_[0])),
        intercept=float(model.intercept_[0]),
    )


def fit_words(cases: Sequence[Case], options: FitOptions) -> Linear:
    """The word classifier, fitted on the known words of all cases."""
    rows = [word_features(case.evidence_WF, options.word_names)[case.known_W] for case in cases]
    labels = [case.right_W[case.known_W] for case in cases]
    return fit_linear(
        np.concatenate(rows), np.concatenate(labels), options.word_names, options.inverse_penalty
    )


def fit_utterances(outcomes: Sequence[Outcome], options: FitOptions) -> Linear:
    """The utterance classifier; where no utterance is bad, the same for all: a constant."""
    features_SF = np.concatenate([outcome.features_SF for outcome in outcomes])
    edits_S = np.concatenate([outcome.edits_S for outcome in outcomes])
    inside_S = np.concatenate([outcome.inside_S for outcome in outcomes])
    good_S = edits_S <= options.good_wer * np.maximum(inside_S, 1)
    if good_S.all() or not good_S.any():
        count = len(FEATURE_NAMES)
        return Linear(
            names=FEATURE_NAMES,
            means=(0.0,) * count,
            scales=(1.0,) * count,
            coefficients=(0.0,) * count,
            intercept=0.0,
        )
    return fit_linear(features_SF, good_S, FEATURE_NAMES, options.inverse_penalty)


@dataclass(frozen=True, kw_only=True)
class Fitted:
    """A filter with what is known of it from cross-validation.

    Attributes:
        filter: fitted on all cases.
        words, paper: the counts behind its two curves.
    """

    filter: Filter
    words: Swept
    paper: Swept


def fit_filter(
    bench: Bench,
    options: FitOptions,
    *,
    model_digest: str,
    frame_seconds: float,
    fitted_on: str,
    data_digest: str,
) -> Fitted:
    """Fit both classifiers for both ways of cutting, and sweep their thresholds by cross-validation.

    Args:
        bench: of labelled cases.
        options: of the fit.
        model_digest, frame_seconds: of the acoustic model.
        fitted_on: what the cases are, in words.
        data_digest: of the cases.

    Raises:
        UsageError: too few groups, or words of one class only.
    """
    cases = bench.cases
    folds = fold_of([case.group for case in cases], options.folds)
    fold_C = [folds[case.group] for case in cases]
    held_out: list[DoubleArray] = [np.zeros(0)] * len(cases)
    for fold in sorted(set(fold_C)):
        linear = fit_words([case for case, f in zip(cases, fold_C) if f != fold], options)
        for index, case in enumerate(cases):
            if fold_C[index] == fold:
                held_out[index] = linear.score(word_features(case.evidence_WF, options.word_names))
    word = fit_words(cases, options)
    words, swept_words = _fit_level(bench, held_out, fold_C, WORD_THRESHOLDS, options)
    paper, swept_paper = _fit_level(bench, [None] * len(cases), fold_C, (0.0,), options)
    fitted = Filter(
        word=word,
        words=words,
        paper=paper,
        model_digest=model_digest,
        frame_seconds=frame_seconds,
        fitted_on=fitted_on,
        data_digest=data_digest,
    )
    return Fitted(filter=fitted, words=swept_words, paper=swept_paper)


def _fit_level(
    bench: Bench,
    scores: Sequence[DoubleArray | None],
    fold_C: Sequence[int],
    thresholds: Sequence[float],
    options: FitOptions,
) -> tuple[Level, Swept]:
    """The utterance classifier of one way of cutting, with its curve."""
    k_frames = bench.pick_k(scores, 0.0, options.target_seconds)
    outcomes = {
        (index, threshold): bench.outcome(index, bench.cut(index, scores_W, threshold, k_frames))
        for index, scores_W in enumerate(scores)
        for threshold in thresholds
    }
    fitting = [
        threshold for threshold in thresholds if len(thresholds) == 1 or threshold in FITTING_THRESHOLDS
    ]

    def fit(indices: Sequence[int]) -> Linear:
        return fit_utterances([outcomes[i, t] for i in indices for t in fitting], options)

    everyone = range(len(scores))
    by_fold = {fold: fit([i for i in everyone if fold_C[i] != fold]) for fold in set(fold_C)}
    swept = sweep(
        bench.cases,
        {
            threshold: [
                count_outcomes(
                    outcomes[i, threshold], by_fold[fold_C[i]].score(outcomes[i, threshold].features_SF)
                )
                for i in everyone
            ]
            for threshold in thresholds
        },
    )
    curve = frontier(points_of(swept, resamples=options.resamples, seed=options.seed))
    return Level(utterance=fit(everyone), curve=curve, k_frames=k_frames), swept
