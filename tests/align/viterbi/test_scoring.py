"""The score of a few words in a few frames, against plain CTC and against every placing tried in turn."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from prep_corpus.align.viterbi.detours import DetourCosts
from prep_corpus.align.viterbi.scoring import IMPOSSIBLE, score_words

BLANK, SPACE, A, B = range(4)
NEVER = DetourCosts(enter_nats=9000.0, speech_nats=0.5)


def score(log_probs_FC: np.ndarray, tokens: list[int], detours: DetourCosts = NEVER) -> float:
    return score_words(
        log_probs_FC, np.array(tokens, np.int32), blank=BLANK, delimiter=SPACE, detours=detours
    )


def collapsed(labels: tuple[int, ...]) -> list[int]:
    """What a path of labels says: repetitions and blanks out, any silence between words once."""
    found: list[int] = []
    for before, label in zip((BLANK, *labels), labels):
        if label not in (BLANK, before):
            found.append(label)
    return found


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    frames=st.integers(1, 5),
    tokens=st.sampled_from([[A], [A, B], [A, A], [A, SPACE, B], [B, SPACE, B]]),
)
def test_without_silence_said_as_delimiter_it_is_plain_ctc(seed: int, frames: int, tokens: list[int]) -> None:
    log_probs_FC = np.random.default_rng(seed).uniform(-6, 0, (frames, 4)).astype(np.float32)
    log_probs_FC[:, SPACE] = -30.0  # never better than the blank beside it
    best = max(
        (
            float(log_probs_FC[range(frames), labels].sum())
            for labels in product(range(4), repeat=frames)
            if collapsed(labels) == tokens
        ),
        default=None,
    )
    found = score(log_probs_FC, tokens)
    if best is None:
        assert found < IMPOSSIBLE / 2
    else:
        assert found == pytest.approx(best, abs=1e-4)


def test_silence_beside_words_may_be_said_as_blank_or_delimiter() -> None:
    log_probs_FC = np.full((7, 4), -10.0, np.float32)
    said = [SPACE, A, SPACE, BLANK, SPACE, B, SPACE]
    log_probs_FC[range(7), said] = -0.1
    assert score(log_probs_FC, [A, SPACE, B]) == pytest.approx(-0.7, abs=1e-5)
    assert score(log_probs_FC, [A, B]) == pytest.approx(-0.1 * 5 - 20, abs=1e-5)


def test_speech_that_the_words_lack_costs_what_the_gaps_say() -> None:
    log_probs_FC = np.full((30, 4), -10.0, np.float32)
    said = [A, SPACE, *[B, A] * 13, SPACE, B]
    log_probs_FC[range(30), said] = -0.1
    detours = DetourCosts(enter_nats=20.0, speech_nats=0.5)
    assert score(log_probs_FC, [A, SPACE, B], detours) == pytest.approx(-3.0 - 20.0 - 26 * 0.5, abs=1e-3)
    assert score(log_probs_FC, [], detours) == pytest.approx(-3.0 - 20.0 - 30 * 0.5, abs=1e-3)
    whole = [A, SPACE, *[B, A] * 13, SPACE, B]
    assert score(log_probs_FC, whole, detours) == pytest.approx(-3.0, abs=1e-3)


def test_of_a_model_without_a_delimiter_every_token_is_a_word() -> None:
    log_probs_FC = np.full((4, 4), -10.0, np.float32)
    log_probs_FC[range(4), [A, BLANK, A, B]] = -0.1
    found = score_words(
        log_probs_FC, np.array([A, A, B], np.int32), blank=BLANK, delimiter=None, detours=NEVER
    )
    assert found == pytest.approx(-0.4, abs=1e-5)
