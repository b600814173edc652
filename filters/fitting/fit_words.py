"""Fitting what decides about words: the word classifier, and the guard that no operating point overrules.

Both are linear over hinges of the features (`features.hinged`), so that they may bend where the words do, and neither
counts a feature beyond what right words of the fit have.

Legend: N examples, W words, F features.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from prep_corpus.align.errors import UsageError
from prep_corpus.align.words.heard import COST_NAMES, HEARING_NAMES
from prep_corpus.filters.features import hinged, word_features
from prep_corpus.filters.fitting.cases import GIVEN, HARD, Case, lacks_before
from prep_corpus.filters.fitting.measures import HeldOut
from prep_corpus.filters.guard import STRETCH_FEATURES, HearingGuard, company, distances
from prep_corpus.filters.linear import Linear
from prep_corpus.filters.scoring import surely_heard

BoolArray = NDArray[np.bool_]
DoubleArray = NDArray[np.float64]

AGAINST_FEATURES = (
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
"""What speaks against a word, and its shape."""

WORD_FEATURES = (
    *AGAINST_FEATURES,
    *HEARING_NAMES,
    "read~9",
    "read~25",
    "clarity~9",
    "clarity~25",
    "certainty~9",
    "certainty~25",
    "margin_mean~9",
    "margin_mean~25",
)

PATH_FEATURES = (
    *COST_NAMES,
    "cost_per_token@-1",
    "cost_per_token@+1",
    "cost_per_token~5",
    "cost_per_token~9",
    "cost_per_token~25",
    "gain@-1",
    "gain@+1",
    "other@-1",
    "other@+1",
    "other~5",
    "other~9",
    "other~25",
)
"""What all paths say of a word. From a few hundred words so much is not learnt: a fit on little goes without."""

_OF_BOTH_WORDS = (
    "ratio_mean",
    "ratio_min",
    "edits",
    "edits_per_character",
    "frames_per_character",
    "log_characters",
    "read",
    "read_exactly",
    "read_besides",
    "clarity",
    "certainty",
    "margin_mean",
    "rate",
    "cost",
    "cost_per_token",
    "gain",
    "other",
)
_OF_THE_GAP = ("log_mass_before", "log_gap_before", "letters_before", "sure_before", "more_before")

LACKING_FEATURES = (
    *_OF_THE_GAP,
    *(f"{name}{at}" for name in _OF_BOTH_WORDS for at in ("", "@-1")),
    *(f"{name}{at}" for name in ("edits_per_character", "read_besides") for at in ("@-2", "@+1")),
    *("log_mass_before@-1", "log_mass_after", "more_before@-1", "more_after"),
)
"""What tells of a word that the text lacks: the gap before a word, the words beside it, and what is beyond them."""

LACKING_KNOTS = (0.5, 0.8, 0.9, 0.95, 0.99)
"""Such words are few, and so are gaps that look like it."""

LEAST_LACKING = 30
"""From fewer nothing is learnt."""

KNOTS = (0.1, 0.5, 0.9)
"""A classifier of words may bend where these shares of the fit's words lie below."""

INVERSE_PENALTY = 0.03
"""scikit-learn's C for classifiers of words: many hinges of few speakers want a firm hand."""

TAIL = 0.0005
"""Of the right words, or the good utterances, so many lie beyond each limit of a feature."""

UNHEARD_RUN = 8
"""So many false words in a row are a text that nobody says, not an error in one."""

LEAST_THRESHOLD = -1.0
"""The guard asks at least so much, in log-odds, whatever the fit's cases would let it ask."""

HARD_WEIGHT = 0.2
"""A word on hard ground weighs so much of one elsewhere: there are more of them, and they are wrong in other ways."""

DISTANCE_MARGIN = 1.25
"""A word may be so many times as far from the fit's right words as the farthest of them but one in 10,000."""


def fit_linear(
    features_NF: DoubleArray,
    good_N: BoolArray,
    names: Sequence[str],
    inverse_penalty: float,
    *,
    tail: float | None = None,
    balanced: bool = True,
    limited_by_all: bool = False,
    weights_N: DoubleArray | None = None,
) -> Linear:
    """A standardised logistic regression.

    Args:
        features_NF: one row per example.
        good_N: the class.
        names: the names of the F features.
        inverse_penalty: scikit-learn's C.
        tail: features count only as far as the good examples reach, but for this share of them on each side;
            without limits where None.
        balanced: both classes weigh the same; else every example does.
        limited_by_all: the limits are those of all examples, not of the good ones.
        weights_N: what each example weighs; all the same where None.

    Raises:
        UsageError: all examples are of one class.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.preprocessing import StandardScaler

    if good_N.all() or not good_N.any():
        raise UsageError(
            f"a classifier needs examples of both classes: {int(good_N.sum())} good of {len(good_N)}; label more "
            "utterances, dropped ones too, or add --self-supervised"
        )
    lows = highs = np.zeros(0)
    if tail is not None:
        limiting_NF = features_NF if limited_by_all else features_NF[good_N]
        lows, highs = np.quantile(limiting_NF, (tail, 1 - tail), axis=0)
        features_NF = np.clip(features_NF, lows, highs)
    scaler = StandardScaler().fit(features_NF)
    model = LogisticRegression(
        C=inverse_penalty, class_weight="balanced" if balanced else None, max_iter=2000
    )
    model.fit(scaler.transform(features_NF), good_N, sample_weight=weights_N)
    return Linear(
        names=tuple(names),
        means=tuple(map(float, scaler.mean_)),
        scales=tuple(map(float, scaler.scale_)),
        coefficients=tuple(map(float, model.coef_[0])),
        intercept=float(model.intercept_[0]),
        lows=tuple(map(float, lows)),
        highs=tuple(map(float, highs)),
    )


def fit_words(
    cases: Sequence[Case],
    names: Sequence[str],
    *,
    knots: Sequence[float] = KNOTS,
    inverse_penalty: float = INVERSE_PENALTY,
) -> Linear:
    """The word classifier, fitted on the known words of all cases.

    Args:
        cases: labelled.
        names: the names of the features, without hinges.
        knots: where hinges are, as shares of the words below; without any it is linear in the features.
        inverse_penalty: scikit-learn's C.

    Raises:
        UsageError: all known words are of one class.
    """
    used = [case.known_W for case in cases]
    with_hinges, features = _with_hinges(cases, used, names, knots)
    right_N = np.concatenate([case.right_W[case.known_W] for case in cases])
    weights = [HARD_WEIGHT if case.origin == HARD else 1.0 for case in cases]
    weights_N = np.repeat(weights, [int(used_W.sum()) for used_W in used])
    return fit_linear(features, right_N, with_hinges, inverse_penalty, tail=TAIL, weights_N=weights_N)


def _with_hinges(
    cases: Sequence[Case], used: Sequence[BoolArray], names: Sequence[str], knots: Sequence[float]
) -> tuple[tuple[str, ...], DoubleArray]:
    """Names with hinges where the marked words of all cases lie, and these features of the words."""

    def features(wanted: Sequence[str]) -> DoubleArray:
        return np.concatenate(
            [word_features(c.evidence_WF, wanted)[used_W] for c, used_W in zip(cases, used)]
        )

    with_hinges = hinged(features(names), names, knots)
    return with_hinges, features(with_hinges)


def fit_lacking(
    cases: Sequence[Case], fold_C: Sequence[int], frame_seconds: float
) -> tuple[Linear | None, list[DoubleArray | None]]:
    """What tells that before a word something is said that the text lacks; of labels from damage it is not learnt.

    Args:
        cases: labelled.
        fold_C: the fold of each case.
        frame_seconds: length of the model's frames.

    Returns:
        The classifier; None where too few such words are known. Log-odds [W] of each case from fits without its fold.
    """
    found: list[DoubleArray | None] = [None] * len(cases)
    labels = [lacks_before(case, frame_seconds) for case in cases]
    # Beside a wrong word nothing says whether one is missing as well; where nobody says the text all are wrong.
    usable = [
        case.right_W & np.append(True, case.right_W[:-1]) & case.known_W & (case.origin in (GIVEN, HARD))
        for case in cases
    ]
    folds = sorted(set(fold_C))
    inside = [[i for i in range(len(cases)) if fold_C[i] != fold] for fold in folds]
    if any(sum(int(labels[i][usable[i]].sum()) for i in others) < LEAST_LACKING for others in inside):
        return None, found

    def fit(indices: Sequence[int]) -> Linear:
        used = [i for i in indices if usable[i].any()]
        names, features_NF = _with_hinges(
            [cases[i] for i in used], [usable[i] for i in used], LACKING_FEATURES, LACKING_KNOTS
        )
        lacks_N = np.concatenate([labels[i][usable[i]] for i in used])
        return fit_linear(
            features_NF, lacks_N, names, INVERSE_PENALTY, tail=TAIL, balanced=False, limited_by_all=True
        )

    for fold, others in zip(folds, inside):
        linear = fit(others)
        for index, case in enumerate(cases):
            if fold_C[index] == fold:
                found[index] = linear.score(word_features(case.evidence_WF, linear.names))
    return fit(range(len(cases))), found


def held_out_words(cases: Sequence[Case], scores: Sequence[DoubleArray]) -> HeldOut:
    """What scores say of the known words of all cases."""
    known = [case.known_W for case in cases]
    good_N = np.concatenate([case.right_W[k] for case, k in zip(cases, known)])
    return HeldOut(
        scores_N=np.concatenate([scores_W[k] for scores_W, k in zip(scores, known)]),
        good_N=good_N,
        weights_N=np.concatenate([np.full(k.sum(), case.weight) for case, k in zip(cases, known)]),
        features_NF=np.zeros((len(good_N), 0)),
    )


def unsaid(case: Case) -> BoolArray:
    """Words [W] of a text that nobody says: whole runs of false ones, or all where the recording has no right word."""
    false_W = ~case.right_W & case.known_W
    if not case.right_W.any():
        return false_W
    edges = np.flatnonzero(np.diff(np.concatenate(([0], false_W.astype(np.int8), [0]))))
    found_W = np.zeros(len(false_W), bool)
    for start, end in edges.reshape(-1, 2).tolist():
        found_W[start:end] = end - start >= UNHEARD_RUN
    return found_W


def fit_hearing(cases: Sequence[Case], names: Sequence[str]) -> Linear | None:
    """The classifier of words that are said against texts that nobody says; None where the cases have none of these."""
    used = [unsaid(case) | (case.right_W & case.known_W) for case in cases]
    right_N = np.concatenate([case.right_W[used_W] for case, used_W in zip(cases, used)])
    if right_N.all() or not right_N.any():
        return None
    with_hinges, features = _with_hinges(cases, used, names, KNOTS)
    return fit_linear(features, right_N, with_hinges, INVERSE_PENALTY, tail=TAIL)


def hearing_threshold(companies: Sequence[DoubleArray], cases: Sequence[Case]) -> float:
    """What the mean of `hearing` must reach: more than any word of a recording in which nobody says the text.

    Args:
        companies: `guard.company` of each case's words, by a classifier fitted without the case's group.
        cases: cases in the same order.
    """
    heard = [
        float(found.max()) for found, case in zip(companies, cases) if len(found) and not case.right_W.any()
    ]
    return max([LEAST_THRESHOLD, *heard])


def guard_of(cases: Sequence[Case], hearing: Linear, threshold: float) -> HearingGuard:
    """The guard with its distance from the right words of all cases."""
    rows = np.concatenate(
        [word_features(case.evidence_WF, STRETCH_FEATURES)[case.right_W & case.known_W] for case in cases]
    )
    means = rows.mean(axis=0)
    values, vectors = np.linalg.eigh(np.cov(rows, rowvar=False) + 1e-6 * np.eye(len(STRETCH_FEATURES)))
    whitening = tuple(tuple(map(float, row)) for row in (vectors / np.sqrt(values)).T)
    found = distances(rows, tuple(map(float, means)), whitening)
    return HearingGuard(
        hearing=hearing,
        threshold=threshold,
        names=STRETCH_FEATURES,
        means=tuple(map(float, means)),
        whitening=whitening,
        limit=DISTANCE_MARGIN * float(np.quantile(found, 1 - 1e-4)),
    )


def guarded_scores(
    cases: Sequence[Case], fold_C: Sequence[int], names: Sequence[str]
) -> tuple[list[DoubleArray], list[BoolArray], HearingGuard | None]:
    """Word scores and the guard's verdicts, each from a fit without the case's group; and the guard of all cases.

    Args:
        cases: labelled.
        fold_C: the fold of each case.
        names: the names of the features, without hinges.

    Returns:
        Log-odds of each case's words; which of them the guard lets pass; the guard, None where no case has a text that
        nobody says.
    """
    scores: list[DoubleArray] = [np.zeros(0)] * len(cases)
    companies: list[DoubleArray] = [np.zeros(0)] * len(cases)
    hearing = fit_hearing(cases, names)
    for fold in sorted(set(fold_C)):
        others = [case for case, f in zip(cases, fold_C) if f != fold]
        word = fit_words(others, names)
        heard = fit_hearing(others, names) if hearing is not None else None
        for index, case in enumerate(cases):
            if fold_C[index] != fold:
                continue
            scores[index] = word.score(word_features(case.evidence_WF, word.names))
            if heard is not None:
                companies[index] = company(heard.score(word_features(case.evidence_WF, heard.names)))
            else:
                companies[index] = np.full(len(case.texts), np.inf)
    if hearing is None:
        return scores, [np.ones(len(case.texts), bool) for case in cases], None
    guard = guard_of(cases, hearing, hearing_threshold(companies, cases))
    passed = [
        surely_heard((found >= guard.threshold) & (guard.distance(case.evidence_WF) <= guard.limit), scores_W)
        for found, case, scores_W in zip(companies, cases, scores)
    ]
    return scores, passed, guard


def auc(values_N: NDArray[np.floating], good_N: BoolArray, weights_N: DoubleArray) -> float:
    """How well values order good before bad: 1 always, 0.5 by chance; not a number where all are of one class."""
    from sklearn.metrics import roc_auc_score

    if good_N.all() or not good_N.any():
        return float("nan")
    return float(roc_auc_score(good_N, values_N, sample_weight=weights_N))
