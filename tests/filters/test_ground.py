"""The ground: a word's score is worth less where the model hears badly, and each condition's promise counts."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from support.planted_cases import OPTIONS, planted_case

from prep_corpus.align.errors import UsageError
from prep_corpus.align.words.evidence import EVIDENCE_NAMES
from prep_corpus.filters.curve import OperatingPoint
from prep_corpus.filters.features import FEATURE_NAMES
from prep_corpus.filters.fitting.allowance import ALLOWANCES, least_allowance, with_allowance
from prep_corpus.filters.fitting.cases import HARD, Case
from prep_corpus.filters.fitting.fit import FitOptions, fit_filter
from prep_corpus.filters.fitting.fit_ground import fit_ground
from prep_corpus.filters.fitting.sweep import (
    UTTERANCE_THRESHOLDS,
    Bench,
    Swept,
    found_at,
    points_of,
    worst_of,
)
from prep_corpus.filters.ground import Ground, charges
from prep_corpus.filters.linear import Filter, Level, Linear, filter_text, parse_filter
from prep_corpus.filters.scoring import own_scores, score_words, verdicts, worth


def linear(name: str) -> Linear:
    return Linear(names=(name,), means=(0.0,), scales=(1.0,), coefficients=(1.0,), intercept=0.0)


def a_filter() -> Filter:
    utterance = Linear(
        names=FEATURE_NAMES, means=(0.0,) * 6, scales=(1.0,) * 6, coefficients=(0.0,) * 6, intercept=0.0
    )
    point = OperatingPoint(
        word_threshold=0.0, utterance_threshold=-1e9, kept_share=1.0, wer=0.0, wer_upper=0.01
    )
    level = Level(utterance=utterance, curve=(point,), k_frames=10)
    return Filter(
        word=linear("margin_mean"),
        words=level,
        paper=level,
        model_digest="",
        frame_seconds=0.02,
        fitted_on="",
        data_digest="",
        ground=Ground(clean=linear("certainty~3"), free=0.8, charge=10.0),
    )


def evidence_of(certainty: list[float], margin: float = 3.0) -> np.ndarray:
    evidence_WF = np.zeros((len(certainty), len(EVIDENCE_NAMES)), np.float32)
    evidence_WF[:, EVIDENCE_NAMES.index("certainty")] = certainty
    evidence_WF[:, EVIDENCE_NAMES.index("margin_mean")] = margin
    return evidence_WF


def test_what_lies_under_the_free_log_odds_is_charged_by_the_nat() -> None:
    assert charges(np.array([2.0, 1.0, 0.5, -1.0]), 1.0, 0.5).tolist() == [0.0, 0.0, 0.25, 1.0]


def test_a_score_is_worth_less_where_the_model_hears_badly() -> None:
    evidence_WF, fitted = evidence_of([0.9, 0.9, 0.6, 0.6]), a_filter()
    own_W = own_scores(evidence_WF, fitted)
    assert own_W.tolist() == pytest.approx([3.0] * 4)
    # By hand: means over three words are 0.9, 0.8, 0.7 and 0.6, and each tenth under 0.8 takes 1 off.
    assert worth(own_W, evidence_WF, fitted).tolist() == pytest.approx([3.0, 3.0, 2.0, 1.0], abs=1e-5)
    assert score_words(evidence_WF, fitted).tolist() == pytest.approx([3.0, 3.0, 2.0, 1.0], abs=1e-5)
    assert score_words(evidence_WF, replace(fitted, ground=None)).tolist() == pytest.approx([3.0] * 4)


def test_bad_ground_leaves_a_word_in_doubt_and_none_unsaid() -> None:
    own_W = np.array([3.0, 3.0, -2.0])
    found = verdicts(own_W - np.array([0.0, 6.0, 0.0]), 1.0, own_W)
    assert found.said_W.tolist() == [True, False, False]
    assert found.unsaid_W.tolist() == [False, False, True]


def test_a_ground_survives_its_file_and_a_filter_may_have_none() -> None:
    fitted = a_filter()
    assert parse_filter(filter_text(fitted), "f") == fitted
    assert parse_filter(filter_text(replace(fitted, ground=None)), "f").ground is None
    with pytest.raises(UsageError, match="not negative"):
        Ground(clean=linear("certainty"), free=0.0, charge=-1.0)
    with pytest.raises(UsageError, match="finite"):
        Ground(clean=linear("certainty"), free=float("nan"), charge=1.0)


def hard(case: Case, condition: str) -> Case:
    return replace(case, origin=HARD, condition=condition)


@pytest.fixture(scope="module")
def cases() -> list[Case]:
    clean = [planted_case(f"speaker {g}", seed=g, noise=0.8) for g in range(4)]
    noisy = [hard(planted_case(f"speaker {g}", seed=g + 10, noise=1.9), "noise") for g in range(4)]
    return [*clean, *noisy]


def test_what_is_hard_costs_more_on_speakers_that_were_not_fitted_on(cases: list[Case]) -> None:
    ground, taken_off = fit_ground(cases, [0, 1, 2, 3] * 2)
    assert ground is not None
    clean, noisy = (np.concatenate(part) for part in (taken_off[:4], taken_off[4:]))
    assert (clean == 0).mean() == pytest.approx(0.6, abs=0.02)
    assert np.median(noisy) > np.quantile(clean, 0.95)
    stranger = planted_case("stranger", seed=50, noise=1.9)
    assert np.median(ground.charges(stranger.evidence_WF)) > np.quantile(clean, 0.95)


def test_without_hard_ground_there_is_nothing_to_learn_it_from(cases: list[Case]) -> None:
    ground, taken_off = fit_ground(cases[:4], [0, 1, 2, 3])
    assert ground is None
    assert not np.concatenate(taken_off).any()


def test_a_filter_fitted_on_hard_ground_has_a_ground_and_keeps_its_word_there(cases: list[Case]) -> None:
    bench = Bench(cases=cases, options=OPTIONS)
    options = FitOptions(target_seconds=3.0, resamples=20, apart={f"speaker {g}": g % 2 for g in range(4)})
    about = {"model_digest": "", "frame_seconds": 0.02, "fitted_on": "", "data_digest": ""}
    fitted = fit_filter(bench, options, **about)
    assert fitted.filter.ground is not None
    assert set(fitted.levels["words"].swept) == {"given", HARD}
    allowance, relaxed = with_allowance(fitted, options)
    assert relaxed.filter == replace(fitted.filter, words=relaxed.filter.words, paper=relaxed.filter.paper)
    level = fitted.levels["words"]
    clean, on_hard = (
        {(point.word_threshold, point.utterance_threshold): point.wer_upper for point in points}
        for points in (
            points_of(level.swept["given"], resamples=20),
            worst_of(level.swept[HARD], level.by_condition),
        )
    )
    for point in relaxed.filter.words.curve:
        at = point.word_threshold, point.utterance_threshold
        assert point.wer_upper == max(clean[at], on_hard.get(at, 0.0) / allowance)


def test_hard_ground_is_relaxed_as_little_as_costs_clean_text_a_fiftieth_at_most() -> None:
    assert ALLOWANCES == (1.2, 1.5, 2.0, 2.5)
    shares = {1.2: 0.68, 1.5: 0.7, 2.0: 0.72, 2.5: 0.72}
    assert least_allowance((shares | {math.inf: 0.724}).__getitem__) == 2.0
    assert least_allowance((shares | {math.inf: 0.69}).__getitem__) == 1.2
    assert least_allowance((shares | {math.inf: 0.8}).__getitem__) == 2.5


def counted(kept: float, edits: float) -> Swept:
    counts = np.zeros((5, 1, len(UTTERANCE_THRESHOLDS)))
    counts[0], counts[2], counts[3] = kept, edits, 1.0
    return Swept(groups=("a",), spoken_G=np.array([1e4]), right_G=np.array([1e4]), counts={0.0: counts})


def test_the_worst_condition_counts_and_few_words_say_little() -> None:
    easy, bad, few = counted(8000, 40), counted(1000, 40), counted(4, 1)
    together = counted(9004, 81)
    alone = worst_of(together, {})
    assert alone[0].wer_upper == pytest.approx(81 / 9004)
    found = worst_of(together, {"easy": easy, "bad": bad, "few": few})
    # By hand, with 500 words of all: (40 + 4.5) / 1500 is more than (1 + 4.5) / 504.
    assert found[0].wer_upper == pytest.approx((40 + 500 * 81 / 9004) / 1500)
    assert worst_of(together, {"few": few})[0].wer_upper == pytest.approx((1 + 500 * 81 / 9004) / 504)


def test_what_a_condition_gives_at_a_point() -> None:
    point = OperatingPoint(
        word_threshold=0.0, utterance_threshold=-3.49, kept_share=0.5, wer=0.01, wer_upper=0.02
    )
    swept = counted(1000, 40)
    # Kept at a threshold of -3.5, and nothing at the next, -3.46875.
    place = UTTERANCE_THRESHOLDS.index(-3.5)
    swept.counts[0.0][:, :, place + 1 :] = 0.0
    assert found_at(swept, point) == (1e4, 1000.0, 40.0)
    assert found_at(swept, replace(point, utterance_threshold=-3.46875)) == (1e4, 0.0, 0.0)
