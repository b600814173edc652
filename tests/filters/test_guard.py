"""The guard: what no operating point keeps."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from prep_corpus.align.cutting.segments import Segment
from prep_corpus.align.errors import UsageError
from prep_corpus.align.words.evidence import EVIDENCE_NAMES
from prep_corpus.filters.curve import OperatingPoint
from prep_corpus.filters.features import FEATURE_NAMES, hinged, word_features
from prep_corpus.filters.fitting.fit_words import fit_linear
from prep_corpus.filters.guard import HearingGuard, company
from prep_corpus.filters.linear import Filter, Level, Linear, parse_filter, save_filter
from prep_corpus.filters.scoring import (
    EDGE_MARGIN,
    REFUSED_SCORE,
    heard_verdicts,
    heard_words,
    judged_scores,
    score_words,
    surely_heard,
    verdicts,
)


def linear(name: str, low: float = -1e3, high: float = 1e3) -> Linear:
    return Linear(
        names=(name,),
        means=(0.0,),
        scales=(1.0,),
        coefficients=(1.0,),
        intercept=0.0,
        lows=(low,),
        highs=(high,),
    )


def a_guard() -> HearingGuard:
    return HearingGuard(
        hearing=linear("margin_mean"),
        threshold=1.0,
        names=("ratio_mean~9", "read~9"),
        means=(-1.0, 0.5),
        whitening=((1.0, 0.0), (0.0, 2.0)),
        limit=3.0,
    )


def evidence_of(margins: list[float], ratio: float = -1.0) -> np.ndarray:
    evidence_WF = np.zeros((len(margins), len(EVIDENCE_NAMES)), np.float32)
    evidence_WF[:, EVIDENCE_NAMES.index("margin_mean")] = margins
    evidence_WF[:, EVIDENCE_NAMES.index("ratio_mean")] = ratio
    evidence_WF[:, EVIDENCE_NAMES.index("read")] = 0.5
    return evidence_WF


def a_filter(guard: HearingGuard | None) -> Filter:
    utterance = Linear(
        names=FEATURE_NAMES, means=(0.0,) * 6, scales=(1.0,) * 6, coefficients=(0.0,) * 6, intercept=0.0
    )
    point = OperatingPoint(
        word_threshold=-8.0, utterance_threshold=-1e9, kept_share=1.0, wer=0.0, wer_upper=0.01
    )
    level = Level(utterance=utterance, curve=(point,), k_frames=10, floor=-12.0)
    return Filter(
        word=linear("read"),
        words=level,
        paper=level,
        model_digest="",
        frame_seconds=0.02,
        fitted_on="",
        data_digest="",
        guard=guard,
    )


def test_a_word_is_heard_in_its_company() -> None:
    assert company(np.array([6.0] * 9)).tolist() == [5.0] * 9
    # One word that is sure of itself among silent ones.
    assert (company(np.array([-6.0] * 6 + [60.0] + [-6.0] * 6)) < 0).all()
    # A silent word among sure ones falls by itself.
    assert company(np.array([6.0] * 6 + [-6.0] + [6.0] * 6))[6] == -7.0


def test_words_that_are_not_heard_have_a_score_under_every_threshold() -> None:
    fitted = a_filter(a_guard())
    said, silent = evidence_of([5.0] * 12), evidence_of([-5.0] * 12)
    assert score_words(said, fitted).tolist() == pytest.approx([0.5] * 12)
    assert (score_words(silent, fitted) == REFUSED_SCORE).all()
    assert heard_words(silent, a_filter(None)).all()


def test_a_word_in_doubt_beside_a_text_that_nobody_says_is_not_heard() -> None:
    heard_W, scores_W = np.ones(24, bool), np.full(24, -0.6)
    heard_W[8:16] = False
    scores_W[7] = -0.4
    assert np.flatnonzero(surely_heard(heard_W, scores_W)).tolist() == [*range(6), 7, *range(18, 24)]
    # Seven words are no text.
    heard_W[8] = True
    assert (surely_heard(heard_W, scores_W) == heard_W).all()
    # One that is heard in the midst of such a text is chance.
    heard_W[8:20] = False
    heard_W[12] = True
    assert not surely_heard(heard_W, scores_W)[12]
    assert surely_heard(np.zeros(0, bool), np.zeros(0)).tolist() == []


def test_words_far_from_the_fit_are_not_heard() -> None:
    # By hand: (-4.5 + 1) * 1 is 3.5 from the mean, beyond the limit of 3.
    fitted = a_filter(a_guard())
    assert heard_words(evidence_of([5.0] * 5, ratio=-3.5), fitted).all()
    assert not heard_words(evidence_of([5.0] * 5, ratio=-4.5), fitted).any()


def test_a_guard_and_a_floor_survive_their_file(tmp_path: object) -> None:
    from pathlib import Path

    fitted = a_filter(a_guard())
    path = Path(str(tmp_path)) / "f.json"
    save_filter(fitted, path)
    assert parse_filter(path.read_text(encoding="utf-8"), "f") == fitted
    assert fitted.point(0.05).utterance_threshold == -12.0


def test_an_utterance_is_as_good_as_the_least_of_its_words_where_a_level_goes_by_words(
    tmp_path: Path,
) -> None:
    fitted = a_filter(a_guard())
    by_words = replace(fitted, paper=replace(fitted.paper, by_words=True))
    path = tmp_path / "f.json"
    save_filter(by_words, path)
    assert parse_filter(path.read_text(encoding="utf-8"), "f") == by_words != fitted
    place = {"frame_start": 0, "frame_end": 1, "sample_start": 0, "sample_end": 1}
    segments = [
        Segment(**place, word_start=0, word_end=2),
        Segment(**place, word_start=2, word_end=5, unspoken=(3,)),
    ]
    scores_W, scores_S = np.array([2.0, 1.0, 3.0, -9.0, 4.0]), np.array([0.5, 0.7])
    judged = judged_scores(scores_S, segments, scores_W, by_words.paper, 1.5)
    # The word that is left out of the text does not count.
    assert judged.tolist() == [-np.inf, 0.7]
    assert judged_scores(scores_S, segments, scores_W, fitted.paper, 1.5).tolist() == [0.5, 0.7]


def test_a_guard_of_uneven_lengths_is_refused() -> None:
    with pytest.raises(UsageError, match="one mean and one row"):
        replace(a_guard(), means=(0.0,))
    with pytest.raises(UsageError, match="finite"):
        replace(a_guard(), limit=float("nan"))


def test_no_extreme_counts_for_more_than_the_fits_good_examples() -> None:
    assert linear("read", 0.0, 1.0).score(np.array([[-50.0], [0.5], [70.0]])).tolist() == [0.0, 0.5, 1.0]
    with pytest.raises(UsageError, match="no limits or two"):
        replace(linear("read"), lows=())
    features = np.concatenate([np.linspace(0, 1, 200), np.linspace(-9, 0.5, 200)])[:, None]
    fitted = fit_linear(features, np.arange(400) < 200, ("read",), 1.0, tail=0.01)
    assert fitted.lows == pytest.approx((0.01,))
    assert fitted.score(np.array([[-9.0]])) == fitted.score(np.array([[0.01]]))


def test_hinges_stand_where_shares_of_the_words_lie_below() -> None:
    values = np.arange(101.0)[:, None]
    names = hinged(values, ("read~9",), (0.1, 0.5))
    assert names == ("read~9", "read~9>10", "read~9>50")
    evidence_WF = evidence_of([0.0] * 3)
    evidence_WF[:, EVIDENCE_NAMES.index("read")] = [0.0, 0.5, 1.0]
    assert word_features(evidence_WF, ("read>0.25",))[:, 0].tolist() == [0.0, 0.25, 0.75]
    assert hinged(np.ones((5, 1)), ("read",), (0.5,)) == ("read",)


def test_a_word_is_said_surely_said_unsaid_or_in_doubt() -> None:
    scores_W = np.array([2.5, 2.0, 1.0, 0.9, -1.0, -1.1, REFUSED_SCORE])
    found = verdicts(scores_W, 1.0)
    assert found.said_W.tolist() == [True] * 3 + [False] * 4
    assert found.sure_W.tolist() == [True] * 2 + [False] * 5
    assert found.unsaid_W.tolist() == [False] * 5 + [True] * 2
    # At a low threshold all that is not said is unsaid.
    assert (verdicts(scores_W, -3.0).unsaid_W == (scores_W < -3.0)).all()


def test_near_to_a_text_that_nobody_says_no_word_in_doubt_stands_beside_a_break() -> None:
    scores_W = np.array([4.0, 4.0, 0.4, 0.4, *[-3.0] * 8, 0.6, 0.4, 4.0])
    found = verdicts(scores_W, -2.0)
    assert found.said_W.tolist() == (scores_W > -2.0).tolist()
    assert found.sure_W.tolist() == [True, True, False, False, *[False] * 8, True, False, True]
    # Seven words are no text of their own, and three words away it is far.
    assert verdicts(np.delete(scores_W, 5), -2.0).sure_W.tolist() == (np.delete(scores_W, 5) > -2.0).tolist()
    assert verdicts(np.insert(scores_W, 3, 0.4), -2.0).sure_W[2]


def test_by_the_papers_rule_words_are_heard_and_sure_whatever_the_threshold() -> None:
    scores_W = np.array([0.4, 2.5, EDGE_MARGIN, 0.4, 0.9, *[REFUSED_SCORE] * 7])
    heard_W = scores_W > REFUSED_SCORE
    found = heard_verdicts(heard_W, scores_W)
    assert (found.said_W == heard_W).all()
    assert (found.unsaid_W == ~heard_W).all()
    assert found.sure_W.tolist() == [False, True, True, *[False] * 9]
    # Within two words of a text that nobody says a word in doubt is not heard either.
    scores_W, heard_W = np.append(scores_W, REFUSED_SCORE), np.append(heard_W, False)
    found = heard_verdicts(heard_W, scores_W)
    assert found.said_W.tolist() == [True, True, True, False, True, *[False] * 8]
