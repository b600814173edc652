"""Whether a second model hears the same."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from support import planted_cases

from prep_corpus.align.errors import UsageError
from prep_corpus.filters.judge_evidence import (
    JUDGE_NAMES,
    NOTHING_HEARD,
    TimedWords,
    judge_evidence,
    letters_in_common,
)


def words(text: str, *, late: float = 0.0) -> TimedWords:
    """Half a second a word, with a tenth between; a dash is a word's time without one."""
    places = [n for n, word in enumerate(text.split()) if word != "-"]
    starts_W = np.array(places, np.float64) * 0.6 + late
    return TimedWords(
        texts=tuple(word for word in text.split() if word != "-"), starts_W=starts_W, ends_W=starts_W + 0.5
    )


@pytest.mark.parametrize(
    ("heard", "judge", "agrees", "distance", "besides"),
    [
        ("the old sea", "the old sea", [1, 1, 1], [0, 0, 0], [0, 0, 0]),
        ("the old sea", "the odd see", [1, 0, 0], [0, 1 / 3, 1 / 3], [0, 0, 0]),
        ("the old sea", "the - sea", [1, 0, 1], [0, 1, 0], [0, 0, 0]),
        # The same word somewhere else is another one.
        ("the - - sea", "- - the sea", [0, 1], [1, 0], [1, 1]),
        ("the - sea", "the old sea", [1, 1], [0, 0], [1, 1]),
        ("the sea", "- -", [0, 0], [1, 1], [0, 0]),
    ],
)
def test_a_judge_agrees_on_the_same_word_at_the_same_time(
    heard: str, judge: str, agrees: list[float], distance: list[float], besides: list[float]
) -> None:
    for late in (0.0, 0.08):
        found_WF = judge_evidence(words(heard), words(judge, late=late))
        found = dict(zip(JUDGE_NAMES, found_WF.T))
        assert found["judge_agrees"].tolist() == agrees
        assert found["judge_distance"] == pytest.approx(distance)
        assert found["judge_besides"].tolist() == besides


def test_one_word_of_the_judge_vouches_for_one_word() -> None:
    twice = TimedWords(texts=("that", "that"), starts_W=np.array([0.0, 0.3]), ends_W=np.array([0.3, 0.6]))
    once = TimedWords(texts=("that",), starts_W=np.array([0.1]), ends_W=np.array([0.5]))
    assert judge_evidence(twice, once)[:, 0].tolist() == [1, 0]
    assert judge_evidence(NOTHING_HEARD, once).shape == (0, len(JUDGE_NAMES))


def test_two_models_are_compared_by_the_letters_that_both_know() -> None:
    lower = replace(planted_cases.INFO, vocabulary=("<blank>", " ", "a", "b", "'"), case="lower")
    upper = replace(lower, vocabulary=("<blank>", " ", "B", "A", "C"), case="upper")
    assert letters_in_common(lower, upper) == {"a", "b"}
    other = replace(lower, vocabulary=("<blank>", " ", "д", "е", "ж", "'"))
    with pytest.raises(UsageError, match="letters that the model writes"):
        letters_in_common(lower, other)
