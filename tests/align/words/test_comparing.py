"""Words beside what is read around them."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from rapidfuzz.distance import LCSseq, Levenshtein

from prep_corpus.align.words.hearing import compare_words

WORDS = st.lists(
    st.tuples(st.lists(st.integers(1, 4), min_size=1, max_size=9), st.lists(st.integers(1, 4), max_size=9)),
    max_size=5,
)


@settings(max_examples=200, deadline=None)
@given(WORDS)
def test_distances_are_rapidfuzzs(pairs: list[tuple[list[int], list[int]]]) -> None:
    words, zones = [word for word, _ in pairs], [zone for _, zone in pairs]
    ends = np.cumsum([len(word) for word in words]).astype(np.int32)
    lengths = np.array([len(word) for word in words], np.int32)
    edits, alike = compare_words(
        np.array([token for word in words for token in word], np.int32),
        ends - lengths,
        ends,
        np.array([symbol for zone in zones for symbol in zone], np.int32),
        np.cumsum([0, *(len(zone) for zone in zones)]).astype(np.int64),
    )
    assert edits.tolist() == [Levenshtein.distance(word, zone) for word, zone in pairs]
    assert alike.tolist() == [LCSseq.similarity(word, zone) for word, zone in pairs]


def test_a_word_of_which_nothing_is_read() -> None:
    edits, alike = compare_words(
        np.array([1, 2, 3], np.int32),
        np.array([0], np.int32),
        np.array([3], np.int32),
        np.zeros(0, np.int32),
        np.array([0, 0], np.int64),
    )
    assert (edits.tolist(), alike.tolist()) == ([3.0], [0.0])
