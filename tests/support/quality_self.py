"""Filters from the corpus alone beside filters from true labels, on speakers that neither was fitted on."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace

import numpy as np
from support import quality_cases
from support.quality_judging import Corpus, judge

from prep_corpus.align.cutting.cutting import CutOptions
from prep_corpus.align.errors import UsageError
from prep_corpus.filters.fitting.cases import Case, Damage
from prep_corpus.filters.fitting.fit import WORD_THRESHOLDS, FitOptions, fit_filter
from prep_corpus.filters.fitting.measures import Tally
from prep_corpus.filters.fitting.self_labels import self_labelled
from prep_corpus.filters.fitting.sweep import Bench, DoubleArray, count_outcomes
from prep_corpus.filters.linear import Filter
from prep_corpus.filters.scoring import score_words


def filter_from(bench: Bench, corpus: Corpus) -> Filter:
    """A filter from labelled cases, of whatever origin."""
    identity = {"model_digest": corpus.info.digest, "fitted_on": "", "data_digest": ""}
    return fit_filter(bench, FitOptions(), frame_seconds=corpus.info.frame_seconds, **identity).filter


def self_cases(corpus: Corpus, indices: Sequence[int], options: CutOptions) -> list[Case]:
    """Some of the cases, labelled by damage to their transcripts."""
    return self_labelled(
        [quality_cases.unlabelled(corpus.cases[i], corpus.seeds[i]) for i in indices],
        lambda one, words: quality_cases.realigned(one, words, corpus.info),
        recipe=Damage(),
        seed=0,
        fit_options=FitOptions(),
        cut_options=options,
    )


def self_supervised(corpus: Corpus, options: CutOptions, asked: Sequence[float]) -> None:
    """Print kept share at a true word error rate for filters from true labels and from the corpus alone."""
    speakers = sorted({case.group for case in corpus.cases})
    counts: dict[str, dict[float, DoubleArray]] = {"true labels": {}, "self-supervised": {}}
    promises: dict[str, dict[float, Tally]] = {name: {} for name in counts}
    spoken = right = 0
    for fold in range(-(-len(speakers) // 2)):
        left_out = speakers[2 * fold : 2 * fold + 2]
        inside = [i for i, case in enumerate(corpus.cases) if case.group not in left_out]
        outside = [i for i, case in enumerate(corpus.cases) if case.group in left_out]
        bench = corpus.bench(inside, options)
        cases = self_cases(corpus, inside, options)
        filters = {
            "true labels": filter_from(bench, corpus),
            "self-supervised": filter_from(replace(bench, cases=cases, _features={}), corpus),
        }
        held_out = corpus.bench(outside, options)
        spoken += sum(len(case.true_texts) for case in held_out.cases)
        right += sum(int(case.true_right_V.sum()) for case in held_out.cases)
        for name, fitted in filters.items():
            for threshold, found in pooled_counts(held_out, fitted).items():
                counts[name][threshold] = counts[name].get(threshold, 0) + found
            for max_wer in asked:
                for i in outside:
                    with suppress(UsageError):
                        judged = judge(corpus, i, fitted, "words", max_wer, options)[0]
                        promises[name][max_wer] = promises[name].get(max_wer, Tally()) + judged
        print(f"fold {fold}", file=sys.stderr, flush=True)
    print(
        "| labels | spoken words kept at 0.5 % WER | at 1 % | right words at 0.5 % | at 1 % |\n|---|---|---|---|---|"
    )
    for name, found in counts.items():
        best = [best_kept(found, row, wer) for row in (0, 1) for wer in (0.005, 0.01)]
        shares = [count / total for count, total in zip(best, (spoken, spoken, right, right))]
        print(f"| {name} | {' | '.join(f'{share:.2%}' for share in shares)} |")
    print("| labels | max-wer | WER | spoken words kept |\n|---|---|---|---|")
    for name, by_wer in promises.items():
        for max_wer, counted in by_wer.items():
            print(f"| {name} | {max_wer:.1%} | {counted.wer:.3%} | {counted.kept_share:.2%} |")


def pooled_counts(bench: Bench, fitted: Filter) -> dict[float, DoubleArray]:
    """[5, P] counts over all cases at each word threshold."""
    pooled: dict[float, DoubleArray] = {}
    for index, case in enumerate(bench.cases):
        scores_W = score_words(case.evidence_WF, fitted)
        for threshold in WORD_THRESHOLDS:
            cuts = bench.cut(index, scores_W, threshold, fitted.words.k_frames)
            outcome = bench.outcome(index, cuts)
            found = count_outcomes(outcome, fitted.words.utterance.score(outcome.features_SF))
            pooled[threshold] = pooled.get(threshold, np.zeros_like(found)) + found
    return pooled


def best_kept(counts: dict[float, DoubleArray], row: int, max_wer: float) -> float:
    """Most kept words (row 0) or right words (row 1) at a true word error rate of at most `max_wer`."""
    allowed = [np.where(found[2] <= max_wer * found[0], found[row], 0.0) for found in counts.values()]
    return float(np.max(allowed))
