"""Cutting labelled cases as a run does, and counting what is kept on speakers that nothing was fitted on."""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from support import recognition_cases
from support.hard_cases import HardCase
from support.quality_tables import NO_FILTER, Judged

from prep_corpus.align.cutting.cutting import CutOptions, Segment
from prep_corpus.align.errors import UsageError
from prep_corpus.align.model.models import ModelInfo
from prep_corpus.filters.fitting.cases import Case
from prep_corpus.filters.fitting.measures import Tally, tally
from prep_corpus.filters.fitting.sweep import Bench, kept_utterance
from prep_corpus.filters.linear import Filter
from prep_corpus.filters.scoring import (
    heard_verdicts,
    heard_words,
    judged_scores,
    lacking_words,
    own_scores,
    worth,
)


@dataclass(frozen=True, kw_only=True)
class Corpus:
    """Labelled cases of all speakers and seeds.

    Attributes:
        info: of the model.
        cases: speaker by speaker, seed by seed.
        seeds: of each case.
        sentences: of each case's transcript, as ranges of its words.
        hard: the same recordings' speech on hard ground, and recordings where nobody speaks.
        hard_allowance: see `FitOptions`; None where each fit finds it.
        ground_charge: see `FitOptions`.
        heard: the same recordings as the model hears them without text; None where that is not asked for.
        judged: they, with what a judge hears; None without one.
        judge_to_fit: they, with another judge, of which recognition filters are fitted; None where it is the same one.
    """

    info: ModelInfo
    cases: list[Case]
    seeds: list[int]
    sentences: list[list[tuple[int, int]]]
    hard: list[HardCase]
    hard_allowance: float | None
    ground_charge: float
    heard: recognition_cases.Recognised | None = None
    judged: recognition_cases.Recognised | None = None
    judge_to_fit: recognition_cases.Recognised | None = None

    def hard_without(self, groups: Collection[str]) -> list[Case]:
        """The hard cases that have nothing in common with some recordings: no speaker, noise, voice or room."""
        folds = {one.fold for one in self.hard if one.case.group in groups}
        return [one.case for one in self.hard if one.fold not in folds and one.case.group not in groups]

    def apart(self) -> dict[str, int]:
        """The fold of each group: what shares noise, voices, languages or rooms is in one."""
        return {one.case.group: one.fold for one in self.hard}

    def bench(self, indices: Sequence[int], options: CutOptions) -> Bench:
        """Some of the cases, ready to be cut."""
        return Bench(cases=[self.cases[i] for i in indices], options=options)


def kept_segments(bench: Bench, fitted: Filter, cut: str, max_wer: float) -> list[Segment]:
    """What a run keeps of the first case of a bench.

    Raises:
        UsageError: the filter cannot promise so low a rate.
    """
    level = fitted.level(cut)
    point = fitted.point(max_wer, cut=cut)
    evidence_WF = bench.cases[0].evidence_WF
    own_W = own_scores(evidence_WF, fitted)
    worth_W = worth(own_W, evidence_WF, fitted)
    scores_W = worth_W if cut == "words" else None
    heard_W = heard_words(evidence_WF, fitted)
    cuts = bench.cut(
        0,
        scores_W,
        point.word_threshold,
        level.k_frames,
        heard=heard_verdicts(heard_W, worth_W),
        own_W=own_W,
        lacking_W=lacking_words(evidence_WF, fitted.lacking),
    )
    segments = [s for s in cuts.segments if not s.reason]
    own_S = level.utterance.score(bench.outcome(0, cuts).features_SF)
    scores_S = judged_scores(own_S, segments, worth_W, level, point.word_threshold)
    return [
        segment
        for segment, score in zip(segments, scores_S)
        if score >= point.utterance_threshold or max_wer == NO_FILTER
    ]


def judge(
    corpus: Corpus, index: int, fitted: Filter, cut: str, max_wer: float, options: CutOptions
) -> tuple[Tally, list[float]]:
    """Cut one case with a filter as `prep-corpus run` would, and count what is kept."""
    bench = corpus.bench([index], options)
    case = bench.cases[0]
    kept = kept_segments(bench, fitted, cut, max_wer)
    counts = tally(
        [kept_utterance(segment, case.texts, options.sample_rate_hz) for segment in kept],
        case.true_texts,
        case.true_middles_V,
        right_W=case.true_right_V,
    )
    edges = []
    window = round(0.02 * options.sample_rate_hz)
    assert case.levels is not None
    for segment in kept:
        start, end = segment.sample_start, segment.sample_end
        mean = case.levels.mean_db(start, end)
        edges += [
            case.levels.mean_db(start, start + window) - mean,
            case.levels.mean_db(end - window, end) - mean,
        ]
    return counts, edges


def cross_validated(
    corpus: Corpus,
    options: CutOptions,
    asked: Sequence[float],
    fit: Callable[[Sequence[int]], Filter],
) -> dict[tuple[str, float], Judged]:
    """Every way of cutting and wanted error rate, judged on two speakers at a time.

    Args:
        corpus: what is cut.
        options: how segments are shaped.
        asked: word error rates.
        fit: a filter from some of the cases, by their indices.
    """
    speakers = sorted({case.group for case in corpus.cases})
    found: dict[tuple[str, float], Judged] = {}
    for fold in range(-(-len(speakers) // 2)):
        left_out = speakers[2 * fold : 2 * fold + 2]
        inside = [i for i, case in enumerate(corpus.cases) if case.group not in left_out]
        fitted = fit(inside)
        print(
            f"fold {fold}: k {fitted.words.k_frames} and {fitted.paper.k_frames}", file=sys.stderr, flush=True
        )
        for cut in ("words", "paper"):
            for max_wer in asked if cut == "words" else (*asked, NO_FILTER):
                judged = found.setdefault((cut, max_wer), Judged(by_seed={}, by_fold={}, edges_db=[]))
                for i, case in enumerate(corpus.cases):
                    if case.group not in left_out:
                        continue
                    try:
                        counts, edges = judge(corpus, i, fitted, cut, max_wer, options)
                    except UsageError:
                        counts, edges = (
                            tally([], case.true_texts, case.true_middles_V, right_W=case.true_right_V),
                            [],
                        )
                    judged.add(corpus.seeds[i], fold, counts)
                    judged.edges_db += edges
    return found
