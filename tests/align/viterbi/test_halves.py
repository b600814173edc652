"""Log-probs of 16 bits are read as numpy reads them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from prep_corpus.align.viterbi.detours import sharpness
from prep_corpus.align.viterbi.halves import nats_of_halves, read_best
from prep_corpus.align.viterbi.trellis import FLOOR_NATS
from prep_corpus.align.viterbi.viterbi import align

LOG_PROBS = hnp.arrays(
    np.float16,
    st.tuples(st.integers(1, 9), st.integers(1, 40)),
    elements=st.floats(-70, 0, width=16) | st.sampled_from((0.0, -0.0, -np.inf)),
)


def best_of(log_probs_TC: NDArray[np.float16]) -> tuple[bool, list[float], list[int]]:
    best_T, greedy_T = np.empty(len(log_probs_TC), np.float32), np.empty(len(log_probs_TC), np.int32)
    good = read_best(log_probs_TC.view(np.uint16), nats_of_halves(-np.inf), best_T, greedy_T)
    return good, best_T.tolist(), greedy_T.tolist()


@settings(max_examples=40)
@given(LOG_PROBS)
def test_the_likeliest_class_is_numpys(log_probs_TC: NDArray[np.float16]) -> None:
    assert best_of(log_probs_TC) == (True, log_probs_TC.max(axis=1).tolist(), log_probs_TC.argmax(1).tolist())


@pytest.mark.parametrize("value", [np.nan, -np.nan, 0.001, np.inf])
def test_what_is_no_log_prob_is_left_to_numpy(value: float) -> None:
    log_probs_TC = np.full((3, 4), -1, np.float16)
    log_probs_TC[1, 2] = value
    assert not best_of(log_probs_TC)[0]


@pytest.mark.parametrize("classes", [4, 300])
def test_16_bits_lead_where_the_same_numbers_in_32_do(classes: int) -> None:
    random = np.random.default_rng(3)
    log_probs_TC = (-8 * random.random((900, classes))).astype(np.float16)
    log_probs_TC[::7, 0] = -0.0
    log_probs_TC[5, 1:] = -100.0
    tokens_L = random.integers(1, classes, 90).astype(np.int32)
    wide_TC = log_probs_TC.astype(np.float32)
    found, wide = (align(one, tokens_L, blank=0) for one in (log_probs_TC, wide_TC))
    assert found.starts_L.tolist() == wide.starts_L.tolist()
    assert found.ends_L.tolist() == wide.ends_L.tolist()
    assert (found.untranscribed, found.score_nats) == (wide.untranscribed, wide.score_nats)
    sharp, wide_sharp = (
        sharpness(one, tokens_L, blank=0, floor_nats=FLOOR_NATS) for one in (log_probs_TC, wide_TC)
    )
    assert sharp == wide_sharp
    log_probs_TC[400, int(tokens_L[0])] = np.nan
    with pytest.raises(ValueError, match="must be numbers"):
        align(log_probs_TC, tokens_L, blank=0)
