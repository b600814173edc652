"""Kept share and word error rate by hand."""

from __future__ import annotations

import numpy as np
import pytest

from prep_corpus.filters.fitting.measures import KeptUtterance, Tally, tally

TRUTH = ("we", "saw", "the", "old", "house")
MIDDLES = np.array([0.5, 1.5, 2.5, 3.5, 4.5])


def kept(start: float, end: float, text: str) -> KeptUtterance:
    return KeptUtterance(start_seconds=start, end_seconds=end, words=tuple(text.split()))


def test_words_count_by_their_middle_and_edits_against_what_is_inside() -> None:
    right_W = np.array([True, False, True, True, True])
    counts = tally([kept(0.0, 2.5, "we was"), kept(2.5, 4.0, "the old")], TRUTH, MIDDLES, right_W=right_W)
    assert counts == Tally(
        spoken=5, kept=4, right=4, right_kept=3, inside=4, edits=1, utterances=2, seconds=4.0
    )
    assert counts.kept_share == 0.8
    assert counts.wer == 0.25
    assert counts.right_kept_share == 0.75
    assert counts.mean_seconds == 2.0


def test_a_word_in_two_utterances_is_not_kept_but_counts_in_both_texts() -> None:
    counts = tally([kept(0.0, 2.0, "we saw"), kept(1.0, 3.0, "saw the")], TRUTH, MIDDLES)
    assert (counts.kept, counts.inside, counts.edits) == (2, 4, 0)


def test_nothing_kept_is_no_error() -> None:
    counts = tally([], TRUTH, MIDDLES)
    assert (counts.kept_share, counts.wer, counts.mean_seconds) == (0.0, 0.0, 0.0)


def test_tallies_add_up() -> None:
    one = tally([kept(0.0, 2.0, "we saw")], TRUTH, MIDDLES)
    both = one + one
    assert both.spoken == 10
    assert both.kept_share == pytest.approx(one.kept_share)
