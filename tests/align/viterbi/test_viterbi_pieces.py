"""Words without a delimiter between them: paths may leave text or audio where a word is said to begin."""

from __future__ import annotations

from itertools import pairwise
from unittest import mock

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.plain_trellis import best_score

from prep_corpus.align.viterbi import search
from prep_corpus.align.viterbi.silence import align_in_silence
from prep_corpus.align.viterbi.viterbi import DetourCosts, align, word_edges

DETOURS = DetourCosts(
    skip_nats=3.0,
    skip_token_nats=0.75,
    long_skip_nats=4.5,
    long_skip_token_nats=0.2,
    enter_nats=1.5,
    speech_nats=0.5,
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.integers(0, 2**32 - 1), st.sampled_from([2, 4, 8]))
def test_the_path_over_given_words_is_the_best_of_the_plain_trellis(seed: int, edge_frames: int) -> None:
    random = np.random.default_rng(seed)
    tokens_L = random.integers(1, 5, size=int(random.integers(1, 9))).astype(np.int32)
    inner = np.flatnonzero(random.random(len(tokens_L) - 1) < 0.5) + 1
    edges_E = np.concatenate(([0], inner, [len(tokens_L)])).astype(np.int64)
    frames = 2 * len(tokens_L) + int(random.integers(0, 20))
    log_probs_TC = -random.gamma(1.0, 3.0, size=(frames, 5)).astype(np.float32)
    best = best_score(
        log_probs_TC, tokens_L, blank=0, detours=DETOURS, edges=edges_E.tolist(), edge_frames=edge_frames
    )
    for direct_cells in (search.DIRECT_CELLS, 0):
        with mock.patch.object(search, "DIRECT_CELLS", direct_cells):
            found = align(
                log_probs_TC, tokens_L, blank=0, detours=DETOURS, edges_E=edges_E, edge_frames=edge_frames
            )
        # Whether to leap is decided in fixed point: each frame may round by half a unit.
        assert found.score_nats == pytest.approx(best, abs=frames / 512)
        for first, last in pairwise(edges_E.tolist()):
            assert len(set(found.skipped_L[first:last].tolist())) == 1


def test_edges_that_the_delimiter_tells_change_nothing() -> None:
    random = np.random.default_rng(0)
    tokens_L = np.array([2, 3, 1, 4, 4, 1, 2, 1, 3], np.int32)
    log_probs_TC = -random.gamma(1.0, 3.0, size=(60, 5)).astype(np.float32)
    told = align(log_probs_TC, tokens_L, blank=0, delimiter=1)
    given_too = align(log_probs_TC, tokens_L, blank=0, delimiter=1, edges_E=word_edges(tokens_L, 1))
    assert given_too.score_nats == told.score_nats
    assert given_too.starts_L.tolist() == told.starts_L.tolist()


def test_words_of_two_pieces_beside_untranscribed_speech_stay_whole() -> None:
    # Words (1, 2) and (3, 4); between them half a minute of speech that no text has.
    frames = 400
    said = {20: 1, 22: 2, 370: 3, 373: 4}
    probabilities_TC = np.full((frames, 6), 0.01)
    symbol_T = np.zeros(frames, int)
    symbol_T[60:340:2] = 5
    for frame, token in said.items():
        symbol_T[frame] = token
    probabilities_TC[np.arange(frames), symbol_T] = 0.95
    found = align_in_silence(
        np.log(probabilities_TC).astype(np.float32),
        np.array([1, 2, 3, 4], np.int32),
        blank=0,
        delimiter=None,
        edges_E=np.array([0, 2, 4], np.int64),
        edge_frames=2,
    )
    assert found.starts_L.tolist() == list(said)
    assert not found.skipped_L.any()
    [(start, end)] = found.untranscribed
    assert (start, end) == (60, 339)
