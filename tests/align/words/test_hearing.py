"""Evidence for a word, by hand."""

from __future__ import annotations

import numpy as np
import pytest

from prep_corpus.align.viterbi.viterbi import Alignment
from prep_corpus.align.words.evidence import Track
from prep_corpus.align.words.hearing import HEARING_NAMES, MARGIN_NATS, hearing, read_zones, reading
from prep_corpus.align.words.words import Words

# Symbols: 0 blank, 1 space, 2 a, 3 b, 4 c. The text is "ab c"; read is "ab", then "a" where c should be, and "b".
GREEDY = [0, 2, 2, 3, 0, 1, 2, 0, 3, 0]
SURE = 0.9


def heard() -> dict[str, np.ndarray]:
    probabilities_TC = np.full((len(GREEDY), 5), (1 - SURE) / 4)
    probabilities_TC[np.arange(len(GREEDY)), GREEDY] = SURE
    log_probs_TC = np.log(probabilities_TC).astype(np.float32)
    greedy_T = np.array(GREEDY, np.int32)
    seen = Track(
        speech_T=np.where(greedy_T > 1, 0.95, 0.075).astype(np.float32),
        maximum_T=log_probs_TC.max(axis=1),
        greedy_T=greedy_T,
        blank=0,
        delimiter=1,
    )
    alignment = Alignment(
        starts_L=np.array([1, 3, 5, 6], np.int32),
        ends_L=np.array([3, 4, 6, 7], np.int32),
        skipped_L=np.zeros(4, bool),
        untranscribed=(),
        score_nats=0.0,
    )
    words = Words(
        token_starts=np.array([0, 3], np.int32),
        token_ends=np.array([2, 4], np.int32),
        frame_starts=np.array([1, 6], np.int32),
        frame_ends=np.array([4, 7], np.int32),
        char_starts=np.array([0, 3], np.int32),
        char_ends=np.array([2, 4], np.int32),
        skipped=np.zeros(2, bool),
    )
    tokens_L = np.array([2, 3, 1, 4], np.int32)
    zones = read_zones(tokens_L, words, seen, np.array([0, 5, 10], np.int64))
    found_WF = hearing(log_probs_TC, tokens_L, alignment, words, seen, zones)
    return dict(zip(HEARING_NAMES, found_WF.T))


def test_what_the_model_reads_speaks_for_a_word() -> None:
    found = heard()
    assert found["read"].tolist() == [1.0, 0.0]
    assert found["read_exactly"].tolist() == [1.0, 0.0]
    assert found["read_besides"].tolist() == [0.0, 2.0]
    assert found["clarity"] == pytest.approx([SURE, SURE])
    assert found["certainty"] == pytest.approx([SURE, SURE])
    assert found["speech"] == pytest.approx([3 * 0.95 / 2, 0.95])


def test_a_token_wins_by_its_margin_over_all_other_symbols() -> None:
    found = heard()
    won = np.log(SURE / (1 - SURE))
    lost = np.log((1 - SURE) / 4 / SURE)
    assert found["margin_mean"] == pytest.approx([won, lost], abs=1e-3)
    assert found["margin_min"] == pytest.approx([won, lost], abs=1e-3)
    assert abs(lost) < MARGIN_NATS


def test_letters_between_words_are_counted() -> None:
    found = heard()
    assert found["letters_before"].tolist() == [0.0, 0.0]
    assert found["letters_after"].tolist() == [0.0, 1.0]
    assert found["sure_after"] == pytest.approx([0.0, SURE])


def test_the_greedy_decoding_of_nothing_is_empty() -> None:
    nothing = Track(
        speech_T=np.zeros(0, np.float32),
        maximum_T=np.zeros(0, np.float32),
        greedy_T=np.zeros(0, np.int32),
        blank=0,
        delimiter=1,
    )
    assert len(reading(nothing).symbols) == 0
