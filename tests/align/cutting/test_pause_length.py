"""How long a pause must be, so that utterances come out as long as is wanted."""

from __future__ import annotations

import pytest
from support.cutting_words import RATE, STRIDE, options, track_of, words_at

from prep_corpus.align.cutting.cutting import cut_paper
from prep_corpus.align.cutting.pause_length import candidate_gaps, measure, pick_k
from prep_corpus.align.errors import UsageError


def test_k_is_picked_from_sums_over_the_corpus() -> None:
    totals = {5: (10, 10 * 3 * RATE), 20: (6, 6 * 7 * RATE), 60: (2, 2 * 15 * RATE)}
    assert pick_k(totals, 7 * RATE) == 20
    assert pick_k(totals, 3.5 * RATE) == 5
    with pytest.raises(UsageError, match="no value of k"):
        pick_k({5: (0, 0)}, 7 * RATE)


def test_measure_counts_candidates_for_each_k() -> None:
    words = words_at((10, 60), (70, 120), (160, 210))
    seen = track_of(words, 300)
    shape = options(min_seconds=0.5, padding_seconds=0.0, slack_seconds=0.0)
    totals = measure(lambda k: cut_paper(seen, words, k_frames=k, options=shape), (10, 40, 50))
    assert totals == {10: (3, 150 * STRIDE), 40: (2, 160 * STRIDE), 50: (1, 200 * STRIDE)}


def test_candidate_gaps_rise_and_reach_two_seconds() -> None:
    gaps = candidate_gaps(options())
    assert list(gaps) == sorted(set(gaps))
    assert gaps[0] == 2
    assert gaps[-1] == 100
