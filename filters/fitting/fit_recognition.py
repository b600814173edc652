"""Fitting what tells recognised words that were said from those that were not, and what can be promised of them.

Legend: W recognised words, V words truly said, S segments, P thresholds of the utterance score.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from rapidfuzz.distance import Levenshtein

from prep_corpus.align.audio.levels import Levels
from prep_corpus.align.cutting.segments import CutOptions, Segment
from prep_corpus.align.model.models import ModelInfo
from prep_corpus.align.recognition.recognised import recognise
from prep_corpus.align.recognition.uncovered import RecognisedText, as_text, cut_outside
from prep_corpus.align.words.evidence import Track
from prep_corpus.filters.curve import OperatingPoint, frontier
from prep_corpus.filters.features import hinged, word_features
from prep_corpus.filters.fitting.cases import GIVEN, HARD, Case
from prep_corpus.filters.fitting.fit_words import INVERSE_PENALTY, KNOTS, TAIL, fit_linear
from prep_corpus.filters.fitting.folds import folds_apart
from prep_corpus.filters.fitting.measures import inside, word_edits
from prep_corpus.filters.fitting.sweep import (
    ScoredSegments,
    Swept,
    count_outcomes,
    points_of,
    sweep,
    worse_of,
    worst_of,
)
from prep_corpus.filters.judge_evidence import TimedWords, with_judge
from prep_corpus.filters.linear import Linear
from prep_corpus.filters.recognition import RecognitionFilter, RecognitionLevel, columns_of, mean_scores
from prep_corpus.filters.recognition_evidence import RECOGNITION_NAMES, recognition_evidence
from prep_corpus.filters.rereading import Rereading
from prep_corpus.filters.scoring import EDGE_MARGIN

BoolArray = NDArray[np.bool_]
DoubleArray = NDArray[np.float64]

RECOGNITION_FEATURES = (
    *RECOGNITION_NAMES,
    "cost@-1",
    "cost@+1",
    "cost~3",
    "cost~9",
    "cost~25",
    "token_margin_min~9",
    "token_margin_mean~25",
    "zone_certainty~9",
    "zone_certainty~25",
    "doubt_sum~9",
)
"""Of every level; those of a judge and of a text come behind."""


RECOGNITION_THRESHOLDS = (
    -4.0,
    -3.0,
    -2.0,
    -1.5,
    -1.0,
    -0.75,
    -0.5,
    -0.25,
    0.0,
    0.25,
    0.5,
    1.0,
    1.5,
    2.0,
    3.0,
)


def recognition_case(
    log_probs_TC: NDArray[np.floating],
    seen: Track,
    levels: Levels | None,
    info: ModelInfo,
    true_texts: tuple[str, ...],
    true_middles_V: DoubleArray,
    *,
    group: str,
    condition: str = "",
    judged: tuple[TimedWords, frozenset[str]] | None = None,
) -> Case:
    """What a model hears in a recording of which all words are known, with the label of each word that it hears.

    Args:
        log_probs_TC, seen, levels: of the recording.
        info: the model's description.
        true_texts: the V words truly said, normalised; none where nobody speaks.
        true_middles_V: the middle of each in seconds, rising.
        group: speaker or recording.
        condition: what makes it hard ground; "" for clean speech.
        judged: what a judge hears in it, and the letters in common; None without a judge.
    """
    found = recognise(seen, info)
    text = as_text(found, seen.delimiter, in_pieces=bool(info.tokenizer))
    right_W, right_V = right_words(found.texts, true_texts)
    evidence_WF = recognition_evidence(log_probs_TC, found, seen)
    if judged is not None:
        evidence_WF = with_judge(evidence_WF, found, info, judged[1], judged[0])
    return Case(
        group=group,
        log_probs_TC=log_probs_TC,
        tokens_L=text.tokens_L,
        words=text.words,
        texts=found.texts,
        evidence_WF=evidence_WF,
        seen=seen,
        levels=levels,
        right_W=right_W,
        known_W=np.ones(len(found), bool),
        true_texts=true_texts,
        true_middles_V=true_middles_V,
        true_right_V=right_V,
        origin=HARD if condition else GIVEN,
        condition=condition,
    )


@dataclass(frozen=True, kw_only=True)
class RecognitionFitOptions:
    """How a recognition filter is fitted.

    Attributes:
        cut: lengths and padding of utterances.
        k_frames: shortest pause to cut at.
        folds: largest number of folds of the cross-validation.
        resamples: number of resamples of the groups, for the upper bound.
        hard_allowance: on hard ground the text may be so many times as wrong as elsewhere, under each condition.
        apart: the fold of each group, where some groups have something in common; dealt out in turn where empty.
    """

    cut: CutOptions
    k_frames: int
    folds: int = 5
    resamples: int = 1000
    hard_allowance: float = 1.0
    apart: Mapping[str, int] = field(default_factory=dict)


def right_words(texts: Sequence[str], true_texts: Sequence[str]) -> tuple[BoolArray, BoolArray]:
    """Which of the W recognised words are right, and which of the V words truly said are recognised."""
    right_W, right_V = np.zeros(len(texts), bool), np.zeros(len(true_texts), bool)
    for step in Levenshtein.opcodes(list(texts), list(true_texts)):
        if step.tag == "equal":
            right_W[step.src_start : step.src_end] = True
            right_V[step.dest_start : step.dest_end] = True
    return right_W, right_V


@dataclass(frozen=True, kw_only=True)
class FittedReading:
    """One classifier of a recognition filter with what is known of it from cross-validation.

    Attributes:
        level: fitted on all cases.
        scores: log-odds of each case's words, from fits without the case's fold.
        swept: the counts behind the curve, of clean speech and of hard ground.
        by_condition: those of each condition.
    """

    level: RecognitionLevel
    scores: tuple[DoubleArray, ...]
    swept: Mapping[str, Swept]
    by_condition: Mapping[str, Swept]


@dataclass(frozen=True, kw_only=True)
class FittedRecognition:
    """A recognition filter with what is known of it from cross-validation.

    Attributes:
        filter: fitted on all cases.
        alone, with_text: its parts.
    """

    filter: RecognitionFilter
    alone: FittedReading
    with_text: FittedReading | None


def fit_recognition(
    cases: Sequence[Case],
    options: RecognitionFitOptions,
    *,
    with_text: Sequence[Case] = (),
    rereading: Rereading | None = None,
    model_digest: str,
    frame_seconds: float,
    fitted_on: str,
    data_digest: str,
) -> FittedRecognition:
    """Fit the classifiers, and sweep their thresholds by cross-validation.

    Args:
        cases: as `recognition_case` makes them, of at least two groups.
        options: the options of the fit.
        with_text: the same as they are read with texts, as `texted_cases` makes them; none for a filter without.
        rereading: how much the texts count for what is read there.
        model_digest, frame_seconds: of the acoustic model.
        fitted_on: what the cases are, in words.
        data_digest: digest of the cases.

    Raises:
        UsageError: too few groups, or words of one class only.
    """
    judged = cases[0].evidence_WF.shape[1] > len(RECOGNITION_NAMES)
    alone = _fit_level(cases, options, judged=judged, has_text=False)
    texted = _fit_level(with_text, options, judged=judged, has_text=True) if with_text else None
    return FittedRecognition(
        filter=RecognitionFilter(
            alone=alone.level,
            with_text=None if texted is None else texted.level,
            rereading=rereading,
            k_frames=options.k_frames,
            model_digest=model_digest,
            frame_seconds=frame_seconds,
            fitted_on=fitted_on,
            data_digest=data_digest,
        ),
        alone=alone,
        with_text=texted,
    )


def _fit_level(
    cases: Sequence[Case], options: RecognitionFitOptions, *, judged: bool, has_text: bool
) -> FittedReading:
    columns = columns_of(judged=judged, has_text=has_text)
    names = (*RECOGNITION_FEATURES, *columns[len(RECOGNITION_NAMES) :])
    fold_C = folds_apart([case.group for case in cases], options.folds, options.apart)
    scores: list[DoubleArray] = [np.zeros(0)] * len(cases)
    for fold in sorted(set(fold_C)):
        word = _fit_word([case for case, f in zip(cases, fold_C) if f != fold], names, columns)
        for index, case in enumerate(cases):
            if fold_C[index] == fold:
                scores[index] = word.score(word_features(case.evidence_WF, word.names, columns))
    counts = {
        threshold: [_counted(case, scores_W, threshold, options) for case, scores_W in zip(cases, scores)]
        for threshold in RECOGNITION_THRESHOLDS
    }

    def swept_of(places: Sequence[int]) -> Swept:
        return sweep(
            [cases[i] for i in places], {t: [found[i] for i in places] for t, found in counts.items()}
        )

    everyone = range(len(cases))
    swept = {
        origin: swept_of([i for i in everyone if cases[i].origin == origin])
        for origin in sorted({case.origin for case in cases})
    }
    by_condition = {
        condition: swept_of([i for i in everyone if cases[i].condition == condition])
        for condition in sorted({case.condition for case in cases if case.condition})
    }
    return FittedReading(
        level=RecognitionLevel(
            word=_fit_word(cases, names, columns),
            curve=_curve(swept, by_condition, options),
            columns=columns,
        ),
        scores=tuple(scores),
        swept=swept,
        by_condition=by_condition,
    )


def _fit_word(cases: Sequence[Case], names: Sequence[str], columns: tuple[str, ...]) -> Linear:
    rows = np.concatenate([word_features(case.evidence_WF, names, columns) for case in cases])
    with_hinges = hinged(rows, names, KNOTS)
    features = np.concatenate([word_features(case.evidence_WF, with_hinges, columns) for case in cases])
    right_N = np.concatenate([case.right_W for case in cases])
    return fit_linear(features, right_N, with_hinges, INVERSE_PENALTY, tail=TAIL)


def cut_recognised(
    case: Case,
    scores_W: DoubleArray,
    threshold: float,
    kept: Sequence[Segment],
    *,
    k_frames: int,
    options: CutOptions,
) -> list[Segment]:
    """Utterances of a case's recognised words, outside those that are kept already.

    Args:
        case: as `recognition_case` makes it.
        scores_W: log-odds of its words.
        threshold: lowest log-odds of a word that is trusted.
        kept: utterances in order, without overlap.
        k_frames: shortest pause to cut at.
        options: lengths and padding.
    """
    return cut_outside(
        case.seen,
        RecognisedText(words=case.words, tokens_L=case.tokens_L),
        scores_W >= threshold,
        scores_W >= threshold + EDGE_MARGIN,
        kept,
        k_frames=k_frames,
        options=options,
        levels=case.levels,
    )


def _counted(
    case: Case, scores_W: DoubleArray, threshold: float, options: RecognitionFitOptions
) -> DoubleArray:
    """[5, P]: as `sweep.count_outcomes`, of all that is read where no text is known."""
    rate = options.cut.sample_rate_hz
    segments = cut_recognised(case, scores_W, threshold, (), k_frames=options.k_frames, options=options.cut)
    spans = [inside(s.sample_start / rate, s.sample_end / rate, case.true_middles_V) for s in segments]
    outcome = ScoredSegments(
        features_SF=np.zeros((len(segments), 0)),
        inside_S=np.array([b - a for a, b in spans], np.int64),
        right_S=np.array([case.true_right_V[a:b].sum() for a, b in spans], np.int64),
        edits_S=np.array(
            [
                word_edits(case.texts[s.word_start : s.word_end], case.true_texts[a:b])
                for s, (a, b) in zip(segments, spans)
            ],
            np.int64,
        ),
        seconds_S=np.array([(s.sample_end - s.sample_start) / rate for s in segments]),
    )
    return count_outcomes(outcome, mean_scores(scores_W, segments))


def _curve(
    swept: Mapping[str, Swept], by_condition: Mapping[str, Swept], options: RecognitionFitOptions
) -> tuple[OperatingPoint, ...]:
    """Every operating point with the worse of clean speech and, within what is allowed there, the worst hard ground."""
    found = points_of(swept[GIVEN], resamples=options.resamples)
    if HARD in swept:
        hard = [
            OperatingPoint(
                word_threshold=point.word_threshold,
                utterance_threshold=point.utterance_threshold,
                kept_share=point.kept_share,
                wer=0.0,
                wer_upper=point.wer_upper / options.hard_allowance,
            )
            for point in worst_of(swept[HARD], by_condition)
        ]
        found = worse_of(found, hard)
    return frontier(found)
