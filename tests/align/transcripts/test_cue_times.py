"""Cue times against the audio: what is measured, and what is made of it in words."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from prep_corpus.align.transcripts.cue_times import CueComparison, compare_cues
from prep_corpus.align.transcripts.pieces import Cue

WORDS_A_CUE = 4
CHARACTERS_A_WORD = 5


def compared(
    cue_seconds: np.ndarray, audio_seconds: np.ndarray, skipped: frozenset[int] = frozenset()
) -> CueComparison | None:
    """Cues of four words, whose first words are said at `audio_seconds`, the others half a second apart."""
    length = WORDS_A_CUE * CHARACTERS_A_WORD
    cues = [
        Cue(
            start_seconds=float(at),
            end_seconds=float(at) + 2,
            char_start=q * length,
            char_end=(q + 1) * length - 1,
        )
        for q, at in enumerate(cue_seconds)
    ]
    words = len(cues) * WORDS_A_CUE
    starts = np.repeat(audio_seconds, WORDS_A_CUE) + np.tile(np.arange(WORDS_A_CUE) / 2, len(cues))
    return compare_cues(
        cues,
        char_starts_W=np.arange(words, dtype=np.int32) * CHARACTERS_A_WORD,
        start_seconds_W=starts,
        skipped_W=np.array([w in skipped for w in range(words)], np.bool_),
    )


AUDIO = np.arange(50) * 8.0
JITTER = np.where(np.arange(50) % 2 == 0, 0.2, -0.2)


@pytest.mark.parametrize(
    ("shift", "message"),
    [
        (3.0, "cues are 3.0 s late against the audio"),
        (-3.0, "cues are 3.0 s early against the audio"),
        (40.0, "cues are 40.0 s late against the audio"),
    ],
)
def test_shifted_cues(shift: float, message: str) -> None:
    found = compared(AUDIO + shift + JITTER, AUDIO)
    assert found is not None
    assert (found.cues, found.compared, found.share_off) == (50, 50, 1.0)
    assert found.shift_seconds == pytest.approx(shift, abs=0.21)
    assert found.spread_seconds < 0.21
    assert not found.drifts
    assert found.disagrees
    assert found.message() == message.replace(f"{abs(shift):.1f}", f"{abs(found.shift_seconds):.1f}")


def test_good_cues_agree_though_some_are_wrong() -> None:
    cues = AUDIO + JITTER
    cues[::10] += 60
    found = compared(cues, AUDIO)
    assert found is not None
    assert found.share_off == pytest.approx(0.1)
    assert not found.disagrees
    assert found.message() == "cues agree with the audio (+0.0 s)"


def test_cues_made_for_another_frame_rate_drift() -> None:
    cues = AUDIO * 1.0427 + JITTER
    found = compared(cues, AUDIO)
    assert found is not None
    assert found.drift_seconds_per_hour == pytest.approx(0.0427 * 3600, rel=0.02)
    assert found.disagrees
    assert found.message().startswith("cues fall behind the audio by 15")


def test_cues_around_an_advertisement_that_was_cut_out() -> None:
    cues = AUDIO + np.where(np.arange(50) < 30, 0.0, 31.0)
    found = compared(cues, AUDIO)
    assert found is not None
    assert found.disagrees
    assert found.share_off == pytest.approx(0.4)
    assert "40% of 50 cues are over 2 s from the audio" in found.message()


def test_only_first_words_that_are_said_are_compared() -> None:
    found = compared(AUDIO[:2], AUDIO[:2], skipped=frozenset({0, 5, 6, 7}))
    assert found is not None
    assert (found.cues, found.compared, found.shift_seconds) == (2, 1, 0.0)
    assert compared(AUDIO[:1], AUDIO[:1], skipped=frozenset({0})) is None
    none = np.zeros(0, np.int32)
    assert compare_cues([], char_starts_W=none, start_seconds_W=none * 1.0, skipped_W=none > 0) is None


@settings(max_examples=60, deadline=None)
@given(
    audio=st.lists(st.floats(0, 3600), min_size=1, max_size=60),
    shift=st.floats(-100, 100),
)
def test_any_shift_is_found_whatever_the_times(audio: list[float], shift: float) -> None:
    audio_seconds = np.sort(np.array(audio))
    found = compared(audio_seconds + shift, audio_seconds)
    assert found is not None
    assert found.shift_seconds == pytest.approx(shift, abs=1e-6)
    assert found.drift_seconds_per_hour == pytest.approx(0.0, abs=1e-2)
    assert found.disagrees == (abs(shift) > 1.0) or abs(abs(shift) - 1) < 1e-6 or abs(abs(shift) - 2) < 1e-6
