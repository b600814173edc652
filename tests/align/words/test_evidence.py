"""What is measured of each word."""

from __future__ import annotations

import numpy as np
import pytest

from prep_corpus.align.model.models import ModelInfo
from prep_corpus.align.viterbi.viterbi import Alignment
from prep_corpus.align.words.evidence import EVIDENCE_NAMES, evidence, gap_bounds, track
from prep_corpus.align.words.words import Words

INFO = ModelInfo(
    sample_rate_hz=16_000,
    stride_samples=320,
    vocabulary=("<blank>", " ", "a", "b", "c"),
    blank=0,
    word_delimiter=" ",
    case="lower",
    digest="test",
)


def log_probs_of(rows: list[dict[int, float]]) -> np.ndarray:
    """Rows of probabilities by column; what is left is shared by the other columns."""
    probs = np.zeros((len(rows), 5))
    for t, row in enumerate(rows):
        rest = (1 - sum(row.values())) / (5 - len(row))
        probs[t] = [row.get(c, rest) for c in range(5)]
    return np.log(probs).astype(np.float32)


def case() -> tuple[np.ndarray, np.ndarray, Alignment, Words]:
    """The text "ab c": a and b are clear, c was put where the emissions say b; then a lone a that no text covers."""
    blank, a, b = {0: 0.9}, {2: 0.9}, {3: 0.9}
    log_probs_TC = log_probs_of([blank, a, blank, b, {1: 0.9}, {3: 0.9, 4: 0.05}, blank, a, blank])
    tokens_L = np.array([2, 3, 1, 4], np.int32)
    starts_L = np.array([1, 3, 4, 5], np.int32)
    alignment = Alignment(
        starts_L=starts_L,
        ends_L=starts_L + 1,
        skipped_L=np.zeros(4, bool),
        untranscribed=(),
        score_nats=0.0,
    )
    words = Words(
        token_starts=np.array([0, 3], np.int32),
        token_ends=np.array([2, 4], np.int32),
        frame_starts=np.array([1, 5], np.int32),
        frame_ends=np.array([4, 6], np.int32),
        char_starts=np.array([0, 3], np.int32),
        char_ends=np.array([2, 4], np.int32),
        skipped=np.zeros(2, bool),
    )
    return log_probs_TC, tokens_L, alignment, words


def test_track_names_speech_and_silence() -> None:
    log_probs_TC, _, _, _ = case()
    seen = track(log_probs_TC.astype(np.float16), INFO)
    assert seen.greedy_T.tolist() == [0, 2, 0, 3, 1, 3, 0, 2, 0]
    assert seen.quiet_T.tolist() == [True, False, True, False, True, False, True, False, True]
    assert seen.speech_T[1] == pytest.approx(0.95, abs=1e-3)
    assert seen.speech_T[0] == pytest.approx(0.075, abs=1e-3)


def test_gaps_lie_before_between_and_after_the_words() -> None:
    _, _, _, words = case()
    starts, ends = gap_bounds(words, 9)
    assert list(zip(starts.tolist(), ends.tolist())) == [(0, 1), (4, 5), (6, 9)]


def test_evidence_by_hand() -> None:
    log_probs_TC, tokens_L, alignment, words = case()
    found = dict(zip(EVIDENCE_NAMES, evidence(log_probs_TC, tokens_L, alignment, words, INFO).T))
    worse = np.log(0.05) - np.log(0.9)
    assert found["ratio_mean"] == pytest.approx([0, worse], abs=1e-4)
    assert found["ratio_min"] == pytest.approx([0, worse], abs=1e-4)
    # Three frames to the right of "ab" reach the misplaced c, and three after c the uncovered a.
    lost = np.log(0.025) - np.log(0.9)
    assert found["ratio_sum_wide"] == pytest.approx([worse, worse + lost], abs=1e-4)
    assert found["character_mean"] == pytest.approx([np.log(0.9), np.log(0.05)], abs=1e-4)
    assert found["character_min"] == pytest.approx([np.log(0.9), np.log(0.05)], abs=1e-4)
    assert found["edits"].tolist() == [0.0, 2.0]
    assert found["edits_per_character"].tolist() == [0.0, 2.0]
    assert found["frames_per_character"].tolist() == [1.5, 1.0]
    assert found["log_mass_after"][1] == pytest.approx(np.log1p(0.95 + 2 * 0.075), abs=1e-3)
    assert found["log_gap_before"] == pytest.approx([np.log(2), np.log(2)], abs=1e-6)


def test_a_skipped_word_has_finite_evidence() -> None:
    log_probs_TC, tokens_L, _, words = case()
    skipped = Words(
        token_starts=words.token_starts,
        token_ends=words.token_ends,
        frame_starts=np.array([1, 4], np.int32),
        frame_ends=np.array([4, 4], np.int32),
        char_starts=words.char_starts,
        char_ends=words.char_ends,
        skipped=np.array([False, True]),
    )
    passed = Alignment(
        starts_L=np.array([1, 3, 4, 4], np.int32),
        ends_L=np.array([2, 4, 4, 4], np.int32),
        skipped_L=np.array([False, False, True, True]),
        untranscribed=(),
        score_nats=0.0,
    )
    found = evidence(log_probs_TC, tokens_L, passed, skipped, INFO)
    assert np.isfinite(found).all()
    assert found[1, EVIDENCE_NAMES.index("character_min")] == -30.0


def test_no_words_no_rows() -> None:
    log_probs_TC, _, _, _ = case()
    none = np.zeros(0, np.int32)
    words = Words(
        token_starts=none,
        token_ends=none,
        frame_starts=none,
        frame_ends=none,
        char_starts=none,
        char_ends=none,
        skipped=np.zeros(0, bool),
    )
    alignment = Alignment(
        starts_L=none, ends_L=none, skipped_L=np.zeros(0, bool), untranscribed=(), score_nats=0.0
    )
    assert evidence(log_probs_TC, none, alignment, words, INFO).shape == (0, len(EVIDENCE_NAMES))
