"""A filter fitted on planted cases finds the planted errors, also without being told where they are."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray
from support.planted_cases import INFO, OPTIONS, align_words, planted_case, without_truth

from prep_corpus.align.errors import UsageError
from prep_corpus.filters.curve import choose, frontier
from prep_corpus.filters.features import word_features
from prep_corpus.filters.fitting import fit_words
from prep_corpus.filters.fitting.cases import DAMAGED, GIVEN, HARD, HEARD, Case, Damage, damage, lacks_before
from prep_corpus.filters.fitting.fit import FitOptions, Fitted, Given, fit_filter
from prep_corpus.filters.fitting.fit_report import card, length_leak
from prep_corpus.filters.fitting.fit_words import fit_linear
from prep_corpus.filters.fitting.folds import fold_of, folds_apart
from prep_corpus.filters.fitting.measures import HeldOut, Tally, auc_text, tally
from prep_corpus.filters.fitting.self_labels import self_labelled, trusted_words
from prep_corpus.filters.fitting.sweep import (
    NO_THRESHOLD,
    UTTERANCE_THRESHOLDS,
    Bench,
    ScoredSegments,
    count_outcomes,
    kept_utterance,
    lower_bound,
    points_of,
)
from prep_corpus.filters.linear import Filter, Linear, filter_text, parse_filter
from prep_corpus.filters.scoring import judge_words, judged_scores, score_utterances, score_words

QUICK = FitOptions(target_seconds=3.0, folds=3, resamples=50)


def bench_of(cases: list[Case]) -> Bench:
    return Bench(cases=cases, options=OPTIONS)


def fitted_on(cases: list[Case]) -> Fitted:
    return fit_filter(
        bench_of(cases),
        QUICK,
        model_digest=INFO.digest,
        frame_seconds=INFO.frame_seconds,
        fitted_on="planted cases",
        data_digest="none",
    )


@pytest.fixture(scope="module")
def cases() -> list[Case]:
    return [planted_case(f"speaker {g}", seed=g) for g in range(4)]


@pytest.fixture(scope="module")
def fitted(cases: list[Case]) -> Fitted:
    return fitted_on(cases)


def applied(case: Case, fitted: Filter, max_wer: float, cut: str = "words") -> Tally:
    """What a run would keep of a case."""
    bench = bench_of([case])
    point, level = fitted.point(max_wer, cut=cut), fitted.level(cut)
    scores_W = score_words(case.evidence_WF, fitted)
    cuts = bench.cut(0, scores_W if cut == "words" else None, point.word_threshold, level.k_frames)
    outcome = bench.outcome(0, cuts)
    candidates = [segment for segment in cuts.segments if not segment.reason]
    scores_S = score_utterances(outcome.features_SF, fitted, cut=cut)
    scores_S = judged_scores(scores_S, candidates, scores_W, level, point.word_threshold)
    kept = [s for s, score in zip(candidates, scores_S) if score >= point.utterance_threshold]
    return tally(
        [kept_utterance(s, case.texts, OPTIONS.sample_rate_hz) for s in kept],
        case.true_texts,
        case.true_middles_V,
        right_W=case.true_right_V,
    )


def test_planted_errors_are_found_on_a_speaker_not_fitted_on(fitted: Fitted) -> None:
    unseen = planted_case("stranger", seed=99, count=300)
    counts = applied(unseen, fitted.filter, 0.05)
    assert counts.wer < 0.05
    assert counts.right_kept_share > 0.6
    untouched = (~unseen.right_W).mean()
    assert untouched > 0.1


def test_cutting_around_words_keeps_more_than_the_papers_recipe(fitted: Fitted) -> None:
    unseen = planted_case("stranger", seed=98, count=300)
    words = applied(unseen, fitted.filter, 0.05)
    try:
        paper = applied(unseen, fitted.filter, 0.05, cut="paper")
    except UsageError:
        paper = Tally()
    assert words.kept > paper.kept


def test_labels_from_damage_come_close_to_true_labels(cases: list[Case]) -> None:
    bare = [without_truth(case, str(c)) for c, case in enumerate(cases)]
    found = self_labelled(
        bare,
        lambda one, words: align_words(one.log_probs_TC, words),
        recipe=Damage(sentence_words=8),
        seed=1,
        fit_options=QUICK,
        cut_options=OPTIONS,
    )
    # Every word put in is a known wrong one.
    assert all(case.known_W[~case.right_W].all() for case in found)
    unseen = planted_case("stranger", seed=97, count=300)
    counts = applied(unseen, fitted_on(found).filter, 0.05)
    assert counts.wer < 0.05
    assert counts.right_kept_share > 0.6


def test_rounds_of_trust_find_most_of_the_words_that_were_wrong_before(cases: list[Case]) -> None:
    bare = [without_truth(case, str(c)) for c, case in enumerate(cases)]
    damages = [
        damage(one.aligned.texts, (), seed=1, name=one.name, recipe=Damage(sentence_words=8)) for one in bare
    ]
    again = [align_words(one.log_probs_TC, done.words) for one, done in zip(bare, damages)]
    trusted = np.concatenate(trusted_words(bare, damages, again, QUICK))
    right = np.concatenate([case.right_W for case in cases])
    assert trusted[right].mean() > 0.95
    assert trusted[~right].mean() < 0.25


def test_words_of_unknown_worth_are_wrong_only_where_the_truth_lacks_them(cases: list[Case]) -> None:
    case = replace(cases[0], known_W=np.zeros(len(cases[0].texts), bool))
    bench = bench_of(cases[:1])
    cuts = bench.cut(0, None, 0.0, 15)
    assert (bench_of([case]).outcome(0, cuts).edits_S == bench.outcome(0, cuts).edits_S).all()
    silent = replace(case, true_texts=(), true_middles_V=np.zeros(0), true_right_V=np.zeros(0, bool))
    words_S = [sum(end - start for start, end in s.spoken_ranges()) for s in cuts.segments if not s.reason]
    assert bench_of([silent]).outcome(0, cuts).edits_S.tolist() == words_S


def test_the_curve_is_a_frontier_with_bounds_over_its_rates(fitted: Fitted) -> None:
    curve = fitted.filter.words.curve
    assert len(curve) > 2
    assert all(point.wer <= point.wer_upper for point in curve)
    assert [p.kept_share for p in curve] == sorted(p.kept_share for p in curve)


def test_the_papers_curve_has_points_by_words_and_none_worse_than_without(fitted: Fitted) -> None:
    level = fitted.levels["paper"]
    assert level.level.by_words
    assert {point.word_threshold for point in level.level.curve} - {NO_THRESHOLD}
    [swept] = level.swept.values()
    alone = replace(swept, counts={NO_THRESHOLD: swept.counts[NO_THRESHOLD]})
    for point in frontier(points_of(alone, resamples=50)):
        assert choose(level.level.curve, point.wer_upper).kept_share >= point.kept_share


def test_labels_of_two_origins_promise_the_worse_of_both(cases: list[Case], fitted: Fitted) -> None:
    people = [replace(case, origin=HEARD) for case in cases[:2]]
    both = fitted_on([*people, *(replace(case, origin=DAMAGED) for case in cases[2:])])
    level = both.levels["words"]
    assert set(level.swept) == {HEARD, DAMAGED}
    alone = {
        origin: {(p.word_threshold, p.utterance_threshold): p for p in points_of(swept, resamples=50)}
        for origin, swept in level.swept.items()
    }
    for point in level.level.curve:
        at = (point.word_threshold, point.utterance_threshold)
        found = [points[at] for points in alone.values() if at in points]
        assert point.wer_upper == max(p.wer_upper for p in found)
        assert point.kept_share == alone[DAMAGED][at].kept_share


def test_a_labelled_runs_word_classifier_is_taken_over(cases: list[Case], fitted: Fitted) -> None:
    given = Given(word=fitted.filter.word, word_threshold=0.7, paper=fitted.filter.paper)
    found = fit_filter(
        bench_of(cases),
        QUICK,
        model_digest="m",
        frame_seconds=0.02,
        fitted_on="",
        data_digest="",
        given=given,
    )
    assert found.filter.word == fitted.filter.word
    assert found.filter.paper == fitted.filter.paper
    assert min(point.word_threshold for point in found.filter.words.curve) >= 0.7
    assert set(found.levels) == {"words"}


def test_words_that_the_text_lacks_are_found_on_a_speaker_not_fitted_on(
    cases: list[Case], fitted: Fitted, monkeypatch: pytest.MonkeyPatch
) -> None:
    by_hand = replace(
        cases[0],
        right_W=np.arange(len(cases[0].texts)) != 1,
        true_middles_V=cases[0].words.frame_starts[[0, 1, 2]] * 0.02,
        true_texts=("a", "b", "c"),
        true_right_V=np.array([True, False, True]),
    )
    # A word that the text has wrong is lacking before the next right one.
    assert np.flatnonzero(lacks_before(by_hand, 0.02)).tolist() == [2]
    folds = [0, 1, 2, 3]
    assert fit_words.fit_lacking(cases, folds, 0.02) == (None, [None] * 4)
    monkeypatch.setattr(fit_words, "LEAST_LACKING", 3)
    linear, found = fit_words.fit_lacking(cases, folds, 0.02)
    assert linear is not None
    right = [np.flatnonzero(case.right_W[1:] & case.right_W[:-1]) + 1 for case in cases]
    odds_N = np.concatenate([odds_W[w] for odds_W, w in zip(found, right) if odds_W is not None])
    lacks_N = np.concatenate([lacks_before(case, 0.02)[w] for case, w in zip(cases, right)])
    assert fit_words.auc(odds_N, lacks_N, np.ones(len(odds_N))) > 0.95
    telling = replace(fitted.filter, lacking=linear)
    assert parse_filter(filter_text(telling), "telling") == telling
    found_W = judge_words(cases[0].evidence_WF, telling, 0.0).lacking_W
    assert found_W is not None
    assert found_W.any()
    assert judge_words(cases[0].evidence_WF, fitted.filter, 0.0).lacking_W is None
    again, none = fit_words.fit_lacking([replace(case, origin=DAMAGED) for case in cases], folds, 0.02)
    assert again is None
    assert none == [None] * 4


def test_weights_count_as_so_many_cases(cases: list[Case], fitted: Fitted) -> None:
    heavy = fitted_on([replace(case, weight=3.0) for case in cases])
    assert heavy.filter.word == fitted.filter.word
    assert [p.kept_share for p in heavy.filter.words.curve] == pytest.approx(
        [p.kept_share for p in fitted.filter.words.curve]
    )
    assert (
        heavy.levels["words"].swept[GIVEN].spoken_G.sum()
        == 3 * fitted.levels["words"].swept[GIVEN].spoken_G.sum()
    )


def test_held_out_figures_by_hand() -> None:
    found = HeldOut(
        scores_N=np.array([2.0, 1.0, 0.0, -1.0]),
        good_N=np.array([True, False, True, True]),
        weights_N=np.array([1.0, 1.0, 2.0, 4.0]),
        features_NF=np.zeros((4, 0)),
    )
    assert found.precision(0.0) == pytest.approx(3 / 4)
    assert found.recall(0.0) == pytest.approx(3 / 7)
    assert (found.precision(9.0), found.recall(9.0)) == (1.0, 0.0)


def test_a_classifier_that_goes_by_length_is_told() -> None:
    random = np.random.default_rng(0)
    features_NF = random.normal(size=(400, 6))
    features_NF[:, 5] = random.uniform(10, 100, 400)
    good_N = random.random(400) < 0.7
    by_length = HeldOut(
        scores_N=-features_NF[:, 5], good_N=good_N, weights_N=np.ones(400), features_NF=features_NF
    )
    assert length_leak(by_length, -50.0).leans
    honest = replace(by_length, scores_N=np.where(good_N, 1.0, -1.0) + random.normal(size=400))
    found = length_leak(honest, 0.0)
    assert not found.leans
    assert found.auc_score > 0.8
    assert found.auc_length < 0.6


@pytest.mark.parametrize(
    ("good", "told"), [([1, 1, 1], "none (all alike)"), ([0, 0, 0], "none (all alike)"), ([0, 1, 1], "1.000")]
)
def test_a_card_says_where_there_is_no_auc(good: list[int], told: str) -> None:
    found = fit_words.auc(np.arange(3.0), np.array(good, bool), np.ones(3))
    assert auc_text(found) == told


def test_the_card_names_the_point_and_what_cannot_be_reached(fitted: Fitted) -> None:
    text = card(fitted, "Filter x", "the command", max_wer=0.05)
    assert "`--cut words`, `--max-wer 0.05`:" in text
    assert "cannot be reached" in text
    assert text.count("| (intercept) |") == 3
    point = fitted.filter.words.curve[0]
    assert 0 <= lower_bound(fitted.levels["words"].swept[GIVEN], point) <= point.wer <= point.wer_upper


def test_fitting_twice_gives_the_same_file(cases: list[Case], fitted: Fitted) -> None:
    assert fitted_on(cases).filter == fitted.filter


def test_one_speaker_is_not_enough(cases: list[Case]) -> None:
    with pytest.raises(UsageError, match="at least 2, not 1"):
        fitted_on([replace(case, group="same") for case in cases])


def test_one_class_is_not_enough() -> None:
    with pytest.raises(UsageError, match="both classes: 5 good of 5"):
        fit_linear(np.zeros((5, 1)), np.ones(5, bool), ("a",), 1.0)


def test_words_on_hard_ground_weigh_a_fifth(cases: list[Case]) -> None:
    clean = cases[0]
    # Thrice as many words, of which the opposite is true.
    opposite = replace(clean, right_W=~clean.right_W, origin=HARD)
    word = fit_words.fit_words([clean, opposite, opposite, opposite], fit_words.AGAINST_FEATURES)
    scores_W = score_of(word, clean)
    assert scores_W[clean.right_W].mean() > scores_W[~clean.right_W].mean()
    as_many = [clean, *[replace(opposite, origin=GIVEN)] * 3]
    scores_W = score_of(fit_words.fit_words(as_many, fit_words.AGAINST_FEATURES), clean)
    assert scores_W[clean.right_W].mean() < scores_W[~clean.right_W].mean()


def score_of(word: Linear, case: Case) -> NDArray[np.float64]:
    return word.score(word_features(case.evidence_WF, word.names))


def test_groups_are_dealt_out_and_never_parted() -> None:
    assert fold_of(["b", "a", "c", "b"], 2) == {"a": 0, "b": 1, "c": 0}


def test_counts_at_each_threshold_by_hand() -> None:
    outcome = ScoredSegments(
        features_SF=np.zeros((3, 6)),
        inside_S=np.array([10, 20, 30]),
        right_S=np.array([9, 20, 25]),
        edits_S=np.array([1, 0, 5]),
        seconds_S=np.array([1.0, 2.0, 3.0]),
    )
    counts = count_outcomes(outcome, np.array([0.0, 2.0, -1.0]))
    at = {threshold: counts[:, p].tolist() for p, threshold in enumerate(UTTERANCE_THRESHOLDS)}
    assert at[UTTERANCE_THRESHOLDS[0]] == [60, 54, 6, 3, 6]
    assert at[-0.5] == [30, 29, 1, 2, 3]
    assert at[0.0] == [30, 29, 1, 2, 3]
    assert at[2.0] == [20, 20, 0, 1, 2]
    assert at[2.5] == [0, 0, 0, 0, 0]


def test_the_curve_counts_what_a_filter_keeps_over_its_floor() -> None:
    outcome = ScoredSegments(
        features_SF=np.zeros((3, 6)),
        inside_S=np.array([10, 20, 30]),
        right_S=np.array([10, 20, 25]),
        edits_S=np.array([0, 0, 5]),
        seconds_S=np.array([1.0, 2.0, 3.0]),
    )
    kept_P = count_outcomes(outcome, np.array([0.0, 2.0, -9.2]), floor=-9.1)[0]
    at = dict(zip(UTTERANCE_THRESHOLDS, kept_P.tolist()))
    # All points under the floor keep the same: a laxer one must not seem to keep more than it does.
    assert (at[UTTERANCE_THRESHOLDS[0]], at[-9.5], at[-9.0], at[0.5]) == (30, 30, 30, 20)


def test_groups_that_have_something_in_common_are_held_out_together() -> None:
    groups = ["a", "b", "c", "a"]
    assert folds_apart(groups, 5, {"a": 1, "b": 0, "c": 1, "d": 2}) == [1, 0, 1, 1]
    # Where all that is there has something in common, and where nothing is said, groups are dealt out.
    assert folds_apart(["a", "c"], 5, {"a": 1, "b": 0, "c": 1}) == [0, 1]
    assert folds_apart(groups, 2, {}) == [0, 1, 0, 0]
