"""The ground: a word's score is worth less where many words as sure as it would be wrong."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from prep_corpus.align.errors import UsageError
from prep_corpus.filters.ground import Ground, wrong_around


def a_ground() -> Ground:
    return Ground(
        stretch_words=5,
        slope=1.0,
        intercept=0.0,
        doubt=0.001,
        shares=(0.001, 0.01, 0.1),
        scores=(6.0, 0.0, -8.0),
    )


def test_the_share_of_wrong_words_around_a_word_by_hand() -> None:
    scores_W = np.array([3.0, 1.0, 2.0])
    wrong_W = np.array([0.1, 0.5, 0.2])
    found = wrong_around(scores_W, wrong_W, 0.0, 3)
    # The first and the last stretch hold two words, the middle one all three.
    assert found.tolist() == pytest.approx([0.1, 0.8 / 3, 0.2])
    # Doubt counts for every word of the stretch; where it is shared by more words it may be less for each.
    doubted = wrong_around(scores_W, wrong_W, 0.2, 3)
    assert doubted.tolist() == pytest.approx([0.3 + 0.2, (0.8 + 0.6) / 3, (0.7 + 0.4) / 2])


def test_words_beyond_a_stretch_say_nothing_of_it() -> None:
    scores_W = np.array([5.0] * 10 + [-2.0] * 30)
    alone = wrong_around(scores_W[:10], 1 / (1 + np.exp(scores_W[:10])), 0.001, 5)
    together = wrong_around(scores_W, 1 / (1 + np.exp(scores_W)), 0.001, 5)
    assert together[:8].tolist() == alone[:8].tolist()
    # Many words are taken in parts of the work; the parts leave no seam.
    long_W = np.random.default_rng(0).normal(1.0, 3.0, 9000)
    whole = wrong_around(long_W, 1 / (1 + np.exp(long_W)), 0.001, 51)
    assert whole[4000:4200].tolist() == wrong_around(
        long_W[3900:4300], 1 / (1 + np.exp(long_W[3900:4300])), 0.001, 51
    )[100:300].tolist()


def test_the_same_score_is_worth_less_among_words_in_doubt() -> None:
    good, bad = np.full(41, 9.0), np.full(41, 1.0)
    good[20] = bad[20] = 3.0
    assert a_ground().worth(good)[20] > a_ground().worth(bad)[20] + 5.0
    assert (a_ground().worth(bad) <= bad).all()


def test_few_sure_words_among_many_unsure_ones_are_not_trusted() -> None:
    scores_W = np.full(41, -9.0)
    scores_W[20] = 9.0
    lone = replace(a_ground(), stretch_words=41).worth(scores_W)[20]
    # By hand: 41 words at a doubt of 0.001 are 0.041 wrong ones for one kept.
    share = 0.041 + 1 / (1 + np.exp(9.0))
    assert lone == pytest.approx(np.interp(np.log(share), np.log((0.01, 0.1)), (0.0, -8.0)))
    assert a_ground().worth(np.zeros(0)).shape == (0,)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"stretch_words": 4}, "odd number"),
        ({"slope": 0.0}, "slope positive"),
        ({"doubt": float("nan")}, "finite"),
        ({"shares": (0.1,), "scores": (0.0,)}, "at least two shares"),
        ({"shares": (0.1, 0.01, 0.001)}, "must rise"),
        ({"scores": (0.0, 1.0, 2.0)}, "scores fall"),
    ],
)
def test_a_ground_that_makes_no_sense_is_refused(changed: dict[str, object], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        replace(a_ground(), **changed)  # type: ignore[arg-type]
