"""Filters as files, and linear scores."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from prep_corpus.align.errors import UsageError
from prep_corpus.filters.curve import OperatingPoint, choose, frontier, parse_curve
from prep_corpus.filters.features import FEATURE_NAMES
from prep_corpus.filters.linear import Filter, Level, Linear, load_filter, parse_filter, save_filter
from prep_corpus.filters.scoring import score_utterances, score_words


def linear(*names: str) -> Linear:
    count = len(names)
    return Linear(
        names=names,
        means=(1.0,) * count,
        scales=(2.0,) * count,
        coefficients=tuple(float(f) for f in range(count)),
        intercept=0.5,
    )


def point(upper: float, kept: float, words: float = 0.0) -> OperatingPoint:
    return OperatingPoint(
        word_threshold=words, utterance_threshold=0.0, kept_share=kept, wer=upper / 2, wer_upper=upper
    )


def a_filter() -> Filter:
    level = Level(utterance=linear(*FEATURE_NAMES), curve=(point(0.004, 0.6), point(0.02, 0.8)), k_frames=30)
    return Filter(
        word=linear("ratio_mean", "edits@-1", "edits~3"),
        words=level,
        paper=replace(level, utterance=replace(level.utterance, intercept=-1.0), k_frames=40),
        model_digest="abc",
        frame_seconds=0.02,
        fitted_on="nothing",
        data_digest="def",
    )


def test_log_odds_by_hand() -> None:
    # ((3 - 1) / 2) * 0 + ((5 - 1) / 2) * 1 + 0.5
    assert linear("a", "b").score(np.array([[3.0, 5.0]])).tolist() == [2.5]


def test_scores_do_not_depend_on_the_other_rows() -> None:
    random = np.random.default_rng(0)
    classifier = linear(*FEATURE_NAMES)
    features = random.normal(size=(50, 6))
    together = classifier.score(features)
    assert together.tolist() == [classifier.score(row[None])[0] for row in features]


def test_a_filter_survives_its_file(tmp_path: Path) -> None:
    fitted = a_filter()
    save_filter(fitted, tmp_path / "filter.json")
    read = load_filter(tmp_path / "filter.json")
    assert read == fitted
    assert read.digest == fitted.digest
    assert replace(fitted, model_digest="other").digest != fitted.digest
    assert read.fits("abc")
    assert not read.fits("other")


def test_the_two_ways_of_cutting_have_their_own_utterance_classifier() -> None:
    fitted = a_filter()
    features = np.ones((2, 6))
    assert score_utterances(features, fitted).tolist() == [0.5, 0.5]
    assert score_utterances(features, fitted, cut="paper").tolist() == [-1.0, -1.0]
    with pytest.raises(UsageError, match="words or paper"):
        fitted.level("neither")


def test_words_are_scored_with_their_neighbours() -> None:
    from prep_corpus.align.words.evidence import EVIDENCE_NAMES

    evidence_WF = np.zeros((3, len(EVIDENCE_NAMES)))
    evidence_WF[:, EVIDENCE_NAMES.index("edits")] = [3.0, 0.0, 6.0]
    # edits@-1 weighs 1 and repeats the first word; edits~3 weighs 2 and averages over those that are there.
    expected = [
        0.5 + (3 - 1) / 2 + 2 * (1.5 - 1) / 2,
        0.5 + (3 - 1) / 2 + 2 * (3 - 1) / 2,
        0.5 + (0 - 1) / 2 + 2 * (3 - 1) / 2,
    ]
    assert score_words(evidence_WF, a_filter()).tolist() == pytest.approx(expected)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("nonsense", "a filter must be a JSON file"),
        ("[]", "the format must be"),
        ('{"format": "prep-corpus filter 0"}', "another version of the program wrote it; fit it again"),
        ('{"format": "prep-corpus recognition filter 2"}', "not 'prep-corpus recognition filter 2'$"),
        ('{"format": "prep-corpus filter 1"}', "a field is missing"),
    ],
)
def test_what_is_no_filter_is_refused(text: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        parse_filter(text, "some.json")


def test_a_missing_filter_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"none\.json"):
        load_filter(tmp_path / "none.json")


def test_wrong_numbers_are_refused() -> None:
    with pytest.raises(UsageError, match="scales must be positive"):
        replace(linear("a"), scales=(0.0,))
    with pytest.raises(UsageError, match="one mean, scale and coefficient"):
        replace(linear("a"), means=())
    with pytest.raises(UsageError, match="finite"):
        replace(linear("a"), intercept=float("nan"))
    with pytest.raises(UsageError, match="unknown word feature 'speed'"):
        replace(a_filter(), word=linear("speed"))


@pytest.mark.parametrize("wrong", [None, "0.01", float("nan"), float("inf"), [0.01]])
def test_a_curve_holds_finite_numbers_alone(wrong: object) -> None:
    written = vars(point(0.01, 0.5))
    assert parse_curve([written]) == (point(0.01, 0.5),)
    for name in written:
        with pytest.raises(ValueError, match=f"{name} of the curve must be a finite number"):
            parse_curve([{**written, name: wrong}])


def test_the_point_that_keeps_most_within_the_upper_bound_is_chosen() -> None:
    curve = (point(0.004, 0.6), point(0.009, 0.7, words=1.0), point(0.0101, 0.9))
    assert choose(curve, 0.01).kept_share == 0.7
    assert choose(curve, 1.0).kept_share == 0.9


def test_what_cannot_be_reached_says_what_can() -> None:
    with pytest.raises(UsageError, match=r"max-wer 0\.001 cannot be reached.*0\.0040.*60%"):
        choose((point(0.004, 0.6),), 0.001)
    with pytest.raises(UsageError, match="holds no curve"):
        choose((), 0.01)


def test_the_frontier_leaves_out_points_that_are_beaten() -> None:
    best = (point(0.004, 0.6), point(0.02, 0.8))
    assert frontier([*reversed(best), point(0.01, 0.5), point(0.02, 0.7)]) == best
