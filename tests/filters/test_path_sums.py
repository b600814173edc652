"""The cost of a text over all paths, against torch's."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from prep_corpus.filters.path_sums import path_sum_cost

torch = pytest.importorskip("torch", reason="its CTC loss is what is compared with")


def torch_cost(log_probs_TC: np.ndarray, tokens_L: np.ndarray, blank: int) -> float:
    cost = torch.nn.functional.ctc_loss(
        torch.from_numpy(log_probs_TC.astype(np.float64))[:, None],
        torch.from_numpy(tokens_L.astype(np.int64)),
        torch.tensor([len(log_probs_TC)]),
        torch.tensor([len(tokens_L)]),
        blank=blank,
        reduction="none",
    )
    return float(cost)


def log_probs(frames: int, classes: int, seed: int, sharpness: float) -> np.ndarray:
    logits = sharpness * np.random.default_rng(seed).normal(size=(frames, classes))
    return (logits - np.logaddexp.reduce(logits, axis=1, keepdims=True)).astype(np.float32)


@settings(max_examples=60, deadline=None)
@given(
    frames=st.integers(1, 30),
    tokens=st.lists(st.integers(0, 3), min_size=1, max_size=12),
    blank=st.sampled_from([0, 4]),
    seed=st.integers(0, 99),
    sharpness=st.sampled_from([0.5, 5.0, 60.0]),
)
def test_the_cost_is_torchs(frames: int, tokens: list[int], blank: int, seed: int, sharpness: float) -> None:
    log_probs_TC = log_probs(frames, 5, seed, sharpness)
    tokens_L = np.array([token + (blank == 0) for token in tokens], np.int32)
    found, expected = path_sum_cost(log_probs_TC, tokens_L, blank), torch_cost(log_probs_TC, tokens_L, blank)
    assert found == pytest.approx(expected, rel=1e-6, abs=1e-6)


def test_a_text_that_nobody_says_costs_what_it_costs_in_any_length() -> None:
    log_probs_TC = log_probs(2000, 29, 1, 30.0)
    tokens_L = np.random.default_rng(2).integers(0, 28, 700).astype(np.int32)
    found = path_sum_cost(log_probs_TC, tokens_L, 28)
    assert found > 10_000
    assert found == pytest.approx(torch_cost(log_probs_TC, tokens_L, 28), rel=1e-6)


def test_frames_that_cannot_be_are_no_numbers_out_of_nothing() -> None:
    log_probs_TC = np.full((3, 3), -np.inf, np.float32)
    assert path_sum_cost(log_probs_TC, np.array([1], np.int32), 0) == np.inf
