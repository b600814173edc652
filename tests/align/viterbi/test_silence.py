"""Silence said as the word delimiter, before and after the text."""

from __future__ import annotations

import numpy as np
import pytest

from prep_corpus.align.errors import Infeasible
from prep_corpus.align.viterbi.silence import align_in_silence
from prep_corpus.align.viterbi.viterbi import DEFAULT_DETOURS, DetourCosts, align

BLANK, SPACE, A, B = 0, 1, 2, 3


def emissions(symbols: list[int]) -> np.ndarray:
    log_probs_TC = np.full((len(symbols), 4), -12.0, np.float32)
    log_probs_TC[np.arange(len(symbols)), symbols] = -0.01
    return log_probs_TC


TOKENS = np.array([A, B, SPACE, A], np.int32)


@pytest.mark.parametrize("detours", [None, DEFAULT_DETOURS])
@pytest.mark.parametrize("silence", [BLANK, SPACE])
def test_the_first_and_last_word_stay_where_they_are_said(silence: int, detours: DetourCosts | None) -> None:
    middle = [A, BLANK, B, SPACE, A]
    log_probs_TC = emissions([silence] * 20 + middle + [silence] * 15)
    found = align_in_silence(log_probs_TC, TOKENS, blank=BLANK, delimiter=SPACE, detours=detours)
    assert found.starts_L.tolist() == [20, 22, 23, 24]
    assert found.ends_L.tolist() == [21, 23, 24, 25]
    assert not found.skipped_L.any()


def test_without_room_for_silence_a_spoken_space_draws_the_first_letter_away() -> None:
    log_probs_TC = emissions([SPACE] * 20 + [A, BLANK, B, SPACE, A])
    plain = align(log_probs_TC, TOKENS, blank=BLANK, delimiter=SPACE, detours=None)
    assert plain.starts_L[0] == 0


def test_a_recording_without_a_spare_frame_is_still_aligned() -> None:
    log_probs_TC = emissions([A, B, SPACE, A, BLANK])
    found = align_in_silence(log_probs_TC, TOKENS, blank=BLANK, delimiter=SPACE)
    assert found.starts_L.tolist() == [0, 1, 2, 3]
    with pytest.raises(Infeasible):
        align_in_silence(log_probs_TC[:3], TOKENS, blank=BLANK, delimiter=SPACE)


def test_without_a_delimiter_nothing_is_added() -> None:
    log_probs_TC = emissions([BLANK, A, B, BLANK])
    found = align_in_silence(log_probs_TC, np.array([A, B], np.int32), blank=BLANK, delimiter=None)
    assert found.starts_L.tolist() == [1, 2]
    none = align_in_silence(log_probs_TC, np.zeros(0, np.int32), blank=BLANK, delimiter=SPACE)
    assert len(none.starts_L) == 0
