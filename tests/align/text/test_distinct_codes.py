"""The distinct characters of a text are those that sorting finds, whatever they are."""

from __future__ import annotations

import numpy as np
import pytest

from prep_corpus.align.traced import codes, distinct_codes, string
from prep_corpus.align.viterbi.trellis import distinct_numbers


@pytest.mark.parametrize(
    "text", ["", "a", "hello, world", "né “oui” 你好", "\uffff\0a", "a 😀 b\U0010ffff", "\ud800x"]
)
def test_distinct_characters_are_those_of_the_text(text: str) -> None:
    distinct, which_O = distinct_codes(text)
    expected, expected_O = np.unique(codes(text), return_inverse=True)
    assert distinct.dtype == np.uint32
    assert distinct.tolist() == expected.tolist()
    assert which_O.tolist() == expected_O.tolist()
    assert string(distinct[which_O]) == text


def test_distinct_numbers_are_those_that_are_there() -> None:
    numbers_P = np.array([7, 2, 2, 9, 7, 0], np.int32)
    distinct, which_P = distinct_numbers(numbers_P, 12)
    assert distinct.tolist() == [0, 2, 7, 9]
    assert distinct[which_P].tolist() == numbers_P.tolist()
