"""Fitting a filter: two standardised logistic regressions, cross-validated, and the curve of what they give.

The curve is measured on groups that each classifier was not fitted on, and its upper bound comes from
resampling the groups.

Legend: N examples, C cases, W words, S segments, F features.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from prep_corpus.filters.curve import OperatingPoint, frontier
from prep_corpus.filters.features import FEATURE_NAMES, word_features
from prep_corpus.filters.fitting.cases import HARD, HEARD, Case
from prep_corpus.filters.fitting.fit_ground import CHARGE, fit_ground
from prep_corpus.filters.fitting.fit_words import (
    TAIL,
    WORD_FEATURES,
    fit_lacking,
    fit_linear,
    fit_words,
    guarded_scores,
    held_out_words,
)
from prep_corpus.filters.fitting.folds import folds_apart
from prep_corpus.filters.fitting.measures import FLOOR_WER, HeldOut, floor_of
from prep_corpus.filters.fitting.sweep import (
    NO_THRESHOLD,
    Bench,
    ScoredSegments,
    Swept,
    count_outcomes,
    held_out_utterances,
    points_of,
    sweep,
    worse_of,
    worst_of,
)
from prep_corpus.filters.ground import Ground
from prep_corpus.filters.guard import HearingGuard
from prep_corpus.filters.linear import Filter, Level, Linear
from prep_corpus.filters.scoring import (
    REFUSED_SCORE,
    Verdicts,
    heard_verdicts,
    is_lacking,
    lacking_words,
    least_worth,
    surely_heard,
)

BoolArray = NDArray[np.bool_]
DoubleArray = NDArray[np.float64]

WORD_THRESHOLDS = (-8.0, -6.0, -4.0, -3.0, -2.0, -1.5, -1.0, -0.5, -0.25, 0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0)
FITTING_THRESHOLDS = (-2.0, 0.0, 2.0)
"""Word thresholds whose segments the utterance classifier is fitted on together."""


@dataclass(frozen=True, kw_only=True)
class FitOptions:
    """How a filter is fitted.

    Attributes:
        target_seconds: mean length for which k is picked.
        good_wer: an utterance of at most this word error rate is a good one.
        folds: the largest number of folds of the cross-validation; never more than groups.
        inverse_penalty: scikit-learn's C, for the utterance classifier: six features of many utterances need next to
            no penalty, which only keeps those finite that part good from bad without an error.
        resamples: the number of resamples of the groups, for the upper bound.
        word_names: features of the word classifier.
        seed: the seed of the resampling.
        ground_charge: see `fit_ground`.
        k_frames: shortest pause to cut at; None to pick it for the target.
        hard_allowance, paper_hard_allowance: on hard ground the text may be so many times as wrong as it may be
            elsewhere, cut around words under every condition by itself, by the paper's rule in the mean.
        apart: the fold of each group, where some groups have something in common; dealt out in turn where empty.
        heard_covers_all: people's labels are of all words, also of those that a filter would cut out; so the
            curve is measured on them alone.
        word_thresholds: those that the curve has.
    """

    target_seconds: float = 7.0
    good_wer: float = 0.05
    folds: int = 5
    inverse_penalty: float = 100.0
    resamples: int = 1000
    word_names: tuple[str, ...] = WORD_FEATURES
    seed: int = 0
    ground_charge: float = CHARGE
    k_frames: int | None = None
    hard_allowance: float = 1.0
    paper_hard_allowance: float = 1.0
    apart: Mapping[str, int] = field(default_factory=dict)
    heard_covers_all: bool = False
    word_thresholds: tuple[float, ...] = WORD_THRESHOLDS


def fit_utterances(outcomes: Sequence[ScoredSegments], options: FitOptions) -> Linear:
    """The utterance classifier; where no utterance is bad, the same for all: a constant."""
    features_SF = np.concatenate([outcome.features_SF for outcome in outcomes])
    good_S = np.concatenate([outcome.good(options.good_wer) for outcome in outcomes])
    if good_S.all() or not good_S.any():
        count = len(FEATURE_NAMES)
        return Linear(
            names=FEATURE_NAMES,
            means=(0.0,) * count,
            scales=(1.0,) * count,
            coefficients=(0.0,) * count,
            intercept=0.0,
        )
    return fit_linear(features_SF, good_S, FEATURE_NAMES, options.inverse_penalty, tail=TAIL)


@dataclass(frozen=True, kw_only=True)
class FittedLevel:
    """One way of cutting, with what is known of it from cross-validation.

    Attributes:
        level: classifier and curve.
        swept: the counts behind the curve, by the origin of the labels.
        held_out: utterances cut with each word threshold, by threshold.
        by_condition: the counts of each condition of hard ground.
    """

    level: Level
    swept: Mapping[str, Swept]
    held_out: Mapping[float, HeldOut]
    by_condition: Mapping[str, Swept] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Fitted:
    """A filter with what is known of it from cross-validation.

    Attributes:
        filter: fitted on all cases.
        levels: word levels by way of cutting; absent where taken over from another filter.
        words: the word classifier on words that it was not fitted on.
    """

    filter: Filter
    levels: Mapping[str, FittedLevel]
    words: HeldOut


@dataclass(frozen=True, kw_only=True)
class Given:
    """What is not fitted but taken over from the filter of the run that was labelled.

    Attributes:
        word: its word classifier: it has decided which words could be heard at all.
        guard: its guard.
        ground, lacking: of it as well.
        word_threshold: the run's word threshold; the cases hold no words below it.
        paper: its part for the paper's way of cutting, of which such cases say nothing.
    """

    word: Linear
    word_threshold: float
    paper: Level
    guard: HearingGuard | None = None
    ground: Ground | None = None
    lacking: Linear | None = None


def fit_filter(
    bench: Bench,
    options: FitOptions,
    *,
    model_digest: str,
    frame_seconds: float,
    fitted_on: str,
    data_digest: str,
    given: Given | None = None,
) -> Fitted:
    """Fit both classifiers for both ways of cutting, and sweep their thresholds by cross-validation.

    Args:
        bench: the bench of labelled cases.
        options: the options of the fit.
        model_digest, frame_seconds: of the acoustic model.
        fitted_on: what the cases are, in words.
        data_digest: the digest of the cases.
        given: what to take over instead of fitting it.

    Raises:
        UsageError: too few groups, or words of one class only.
    """
    cases = bench.cases
    fold_C = folds_apart([case.group for case in cases], options.folds, options.apart)
    word, own, heard, guard = _word_classifier(cases, fold_C, options, given)
    ground, scores = _ground(cases, own, fold_C, given, options.ground_charge)
    lacking, verdicts = _lacking(cases, fold_C, given, frame_seconds)
    thresholds = options.word_thresholds
    if given is not None:
        lowest = given.word_threshold
        thresholds = (lowest, *(threshold for threshold in thresholds if threshold > lowest))
    levels = {"words": _fit_level(bench, scores, verdicts, fold_C, thresholds, options, own)}
    if given is None:
        of_paper = replace(options, hard_allowance=options.paper_hard_allowance)
        thresholds = (NO_THRESHOLD, *options.word_thresholds)
        nothing = [None] * len(cases)
        found = [heard_verdicts(heard_W, scores_W) for heard_W, scores_W in zip(heard, scores)]
        levels["paper"] = _fit_level(
            bench, nothing, nothing, fold_C, thresholds, of_paper, own, by_words=scores, heard=found
        )
    fitted = Filter(
        word=word,
        words=levels["words"].level,
        paper=levels["paper"].level if given is None else given.paper,
        model_digest=model_digest,
        frame_seconds=frame_seconds,
        fitted_on=fitted_on,
        data_digest=data_digest,
        guard=guard,
        ground=ground,
        lacking=lacking,
    )
    return Fitted(filter=fitted, levels=levels, words=held_out_words(cases, scores))


def _word_classifier(
    cases: Sequence[Case], fold_C: Sequence[int], options: FitOptions, given: Given | None
) -> tuple[Linear, list[DoubleArray], list[BoolArray], HearingGuard | None]:
    """The word classifier, its guarded scores of every case's words, the guard's verdicts, and the guard.

    Scores and verdicts are from a fit without the case's group.
    """
    if given is not None:
        word, guard = given.word, given.guard
        scores = [word.score(word_features(case.evidence_WF, word.names)) for case in cases]
        heard = [
            np.ones(len(case.texts), bool)
            if guard is None
            else surely_heard(guard.heard(case.evidence_WF), scores_W)
            for case, scores_W in zip(cases, scores)
        ]
    else:
        word = fit_words(cases, options.word_names)
        scores, heard, guard = guarded_scores(cases, fold_C, options.word_names)
    guarded = [np.where(heard_W, scores_W, REFUSED_SCORE) for scores_W, heard_W in zip(scores, heard)]
    return word, guarded, heard, guard


def _ground(
    cases: Sequence[Case],
    own: Sequence[DoubleArray],
    fold_C: Sequence[int],
    given: Given | None,
    charge: float,
) -> tuple[Ground | None, list[DoubleArray]]:
    """The ground, and what the scores of every case's words are worth on it."""
    if given is None:
        ground, taken_off = fit_ground(cases, fold_C, charge=charge)
    else:
        ground = given.ground
        taken_off = [
            np.zeros(len(case.texts)) if ground is None else ground.charges(case.evidence_WF)
            for case in cases
        ]
    return ground, [own_W - charges_W for own_W, charges_W in zip(own, taken_off)]


def _lacking(
    cases: Sequence[Case], fold_C: Sequence[int], given: Given | None, frame_seconds: float
) -> tuple[Linear | None, list[BoolArray | None]]:
    """The classifier of missing words, and before which words of every case it finds one."""
    if given is not None:
        return given.lacking, [lacking_words(case.evidence_WF, given.lacking) for case in cases]
    linear, found = fit_lacking(cases, fold_C, frame_seconds)
    return linear, [None if odds_W is None else is_lacking(odds_W) for odds_W in found]


def _fit_level(
    bench: Bench,
    scores: Sequence[DoubleArray | None],
    lacking: Sequence[BoolArray | None],
    fold_C: Sequence[int],
    thresholds: Sequence[float],
    options: FitOptions,
    own: Sequence[DoubleArray],
    *,
    by_words: Sequence[DoubleArray] | None = None,
    heard: Sequence[Verdicts] | None = None,
) -> FittedLevel:
    """The utterance classifier of one way of cutting, with its curve; of the paper's way by the words' scores too."""
    around_words = by_words is None
    k_frames = options.k_frames or bench.pick_k(
        lambda i, k: bench.cut(i, scores[i], 0.0, k, heard=None if heard is None else heard[i]),
        options.target_seconds,
    )
    if by_words is None or heard is None:
        outcomes = _word_outcomes(bench, scores, lacking, own, thresholds, k_frames)
    else:
        outcomes = _paper_outcomes(bench, heard, by_words, thresholds, k_frames)
    fitting = [t for t in thresholds if around_words and t in FITTING_THRESHOLDS] or [thresholds[0]]

    def fit(indices: Sequence[int]) -> Linear:
        return fit_utterances([outcomes[i, t] for i in indices for t in fitting], options)

    everyone = range(len(scores))
    by_fold = {fold: fit([i for i in everyone if fold_C[i] != fold]) for fold in set(fold_C)}
    held_out = {(i, t): by_fold[fold_C[i]].score(outcome.features_SF) for (i, t), outcome in outcomes.items()}
    cases = bench.cases
    by_threshold = {
        t: held_out_utterances(
            cases, [outcomes[i, t] for i in everyone], [held_out[i, t] for i in everyone], options.good_wer
        )
        for t in thresholds
    }
    all_of_them = thresholds if around_words else thresholds[:1]
    floor = floor_of(held_out[i, t][outcomes[i, t].good(FLOOR_WER)] for i in everyone for t in all_of_them)
    counts = {key: count_outcomes(outcomes[key], held_out[key], floor=floor) for key in outcomes}

    def swept_of(places: Sequence[int]) -> Swept:
        return sweep([cases[i] for i in places], {t: [counts[i, t] for i in places] for t in thresholds})

    swept = {
        origin: swept_of([i for i in everyone if cases[i].origin == origin])
        for origin in sorted({case.origin for case in cases})
    }
    if options.heard_covers_all and HEARD in swept:
        swept = {HEARD: swept[HEARD]}
    by_condition = {
        condition: swept_of(
            [i for i in everyone if cases[i].origin == HARD and cases[i].condition == condition]
        )
        for condition in sorted({case.condition for case in cases if case.origin == HARD})
    }
    curve = curve_of(swept, by_condition if around_words else {}, options)
    level = Level(
        utterance=fit(everyone), curve=curve, k_frames=k_frames, floor=floor, by_words=not around_words
    )
    return FittedLevel(level=level, swept=swept, held_out=by_threshold, by_condition=by_condition)


def _word_outcomes(
    bench: Bench,
    scores: Sequence[DoubleArray | None],
    lacking: Sequence[BoolArray | None],
    own: Sequence[DoubleArray],
    thresholds: Sequence[float],
    k_frames: int,
) -> dict[tuple[int, float], ScoredSegments]:
    """The utterances of every case, cut around the words under each threshold."""
    return {
        (index, threshold): bench.outcome(
            index, bench.cut(index, scores_W, threshold, k_frames, own_W=own[index], lacking_W=lacking[index])
        )
        for index, scores_W in enumerate(scores)
        for threshold in thresholds
    }


def _paper_outcomes(
    bench: Bench,
    heard: Sequence[Verdicts],
    scores: Sequence[DoubleArray],
    thresholds: Sequence[float],
    k_frames: int,
) -> dict[tuple[int, float], ScoredSegments]:
    """The paper's utterances of every case, at each threshold those none of whose words lies under it."""
    found = {}
    for index, scores_W in enumerate(scores):
        cuts = bench.cut(index, None, NO_THRESHOLD, k_frames, heard=heard[index])
        outcome = bench.outcome(index, cuts)
        least_S = least_worth(scores_W, bench.judged(index, cuts))
        found.update({(index, threshold): outcome.where(least_S >= threshold) for threshold in thresholds})
    return found


def curve_of(
    swept: Mapping[str, Swept], by_condition: Mapping[str, Swept], options: FitOptions
) -> tuple[OperatingPoint, ...]:
    """The curve that the filter keeps: where labels are of two origins, the worse of both at each point."""
    points = {
        origin: worst_of(counts, by_condition)
        if origin == HARD
        else points_of(counts, resamples=options.resamples, seed=options.seed)
        for origin, counts in swept.items()
    }
    # What people heard are the words that a filter let through: their share of all words is not known.
    first, *others = sorted(points, key=lambda origin: origin == HEARD)
    found = points[first]
    for origin in others:
        other = points[origin]
        if origin == HARD:
            other = [
                replace(point, wer=0.0, wer_upper=point.wer_upper / options.hard_allowance) for point in other
            ]
        found = worse_of(found, other)
    return frontier(found)
