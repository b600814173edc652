"""The paper's six features, and words with their context."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from prep_corpus.align.cutting.cutting import Segment
from prep_corpus.align.errors import UsageError
from prep_corpus.align.words.evidence import EVIDENCE_NAMES
from prep_corpus.align.words.words import Words
from prep_corpus.filters.features import ctc_cost, utterance_features, word_feature_blocks, word_features
from prep_corpus.filters.linear import bundled_filter


def brute_force_cost(log_probs_TC: np.ndarray, tokens: list[int], blank: int) -> float:
    total = 0.0
    for path in product(range(log_probs_TC.shape[1]), repeat=len(log_probs_TC)):
        collapsed = [c for t, c in enumerate(path) if c != blank and (t == 0 or path[t - 1] != c)]
        if collapsed == tokens:
            total += float(np.exp(sum(log_probs_TC[t, c] for t, c in enumerate(path))))
    return -float(np.log(total))


def log_probs(frames: int, classes: int, seed: int) -> np.ndarray:
    logits = np.random.default_rng(seed).normal(size=(frames, classes))
    return (logits - np.log(np.exp(logits).sum(1, keepdims=True))).astype(np.float32)


@pytest.mark.parametrize("tokens", [[1], [1, 2], [2, 2], [1, 2, 1]])
def test_the_cost_sums_over_all_paths(tokens: list[int]) -> None:
    log_probs_TC = log_probs(5, 3, seed=len(tokens))
    cost = ctc_cost(log_probs_TC, np.array(tokens, np.int32), 0)
    assert cost == pytest.approx(brute_force_cost(log_probs_TC, tokens, 0), rel=1e-4)


def test_tokens_that_have_no_path_cost_thirty_nats_each() -> None:
    cost = ctc_cost(log_probs(2, 3, seed=0), np.array([1, 2, 1], np.int32), 0)
    assert cost == 90.0


def words_and_tokens() -> tuple[Words, np.ndarray]:
    """Three words of two letters in frames 2-4, 6-8 and 12-14; token 1 is the delimiter."""
    starts = np.array([0, 3, 6], np.int32)
    frame_starts = np.array([2, 6, 12], np.int32)
    words = Words(
        token_starts=starts,
        token_ends=starts + 2,
        frame_starts=frame_starts,
        frame_ends=frame_starts + 2,
        char_starts=starts,
        char_ends=starts + 2,
        skipped=np.zeros(3, bool),
    )
    return words, np.array([2, 3, 1, 3, 2, 1, 2, 3], np.int32)


def segment(start: int, end: int, first: int, last: int, unspoken: tuple[int, ...] = ()) -> Segment:
    return Segment(
        frame_start=start,
        frame_end=end,
        sample_start=start * 320,
        sample_end=end * 320,
        word_start=first,
        word_end=last,
        unspoken=unspoken,
    )


def test_the_six_features_by_hand() -> None:
    words, tokens_L = words_and_tokens()
    log_probs_TC = log_probs(16, 4, seed=5)
    segments = [segment(1, 10, 0, 2), segment(11, 16, 2, 3), segment(1, 16, 0, 3, unspoken=(1,))]
    found = utterance_features(log_probs_TC, tokens_L, words, segments, blank=0)
    texts = [[2, 3, 1, 3, 2], [2, 3], [2, 3, 2, 3]]
    for row, one, tokens in zip(found, segments, texts):
        piece = log_probs_TC[one.frame_start : one.frame_end]
        cost = ctc_cost(piece, np.array(tokens, np.int32), 0)
        frames = one.frame_end - one.frame_start
        assert row[0] == pytest.approx(cost, rel=1e-4)
        assert row[1:4] == pytest.approx([cost / frames, cost / len(tokens), frames / len(tokens)], rel=1e-4)
    assert found[:, 4].tolist() == [2, 1, 2]
    assert found[:, 5].tolist() == [4, 2, 4]
    with_delimiter = utterance_features(log_probs_TC, tokens_L, words, [segments[2]], blank=0, delimiter=1)
    assert with_delimiter[0, 3] == 15 / 5


def test_padding_said_as_delimiter_costs_nothing() -> None:
    words, tokens_L = words_and_tokens()
    log_probs_TC = np.full((16, 4), -20.0, np.float32)
    log_probs_TC[:, 1] = 0.0
    for frame, token in zip((2, 3, 6, 7, 12, 13), (2, 3, 3, 2, 2, 3)):
        log_probs_TC[frame] = -20.0
        log_probs_TC[frame, token] = 0.0
    [row] = utterance_features(log_probs_TC, tokens_L, words, [segment(0, 10, 0, 2)], blank=0, delimiter=1)
    assert row[0] == pytest.approx(0.0, abs=1e-3)
    [without] = utterance_features(log_probs_TC, tokens_L, words, [segment(0, 10, 0, 2)], blank=0)
    assert without[0] > 40


def test_words_see_their_neighbours() -> None:
    evidence_WF = np.zeros((4, len(EVIDENCE_NAMES)), np.float32)
    evidence_WF[:, 0] = [1, 2, 4, 8]
    found = word_features(evidence_WF, ("ratio_mean", "ratio_mean@-1", "ratio_mean@+2", "ratio_mean~3"))
    assert found.T.tolist() == [[1, 2, 4, 8], [1, 1, 2, 4], [4, 8, 8, 8], [1.5, 7 / 3, 14 / 3, 6]]


@pytest.mark.parametrize("name", ["english", "quartznet"])
def test_words_some_at_a_time_have_the_same_features_and_scores_to_the_last_bit(name: str) -> None:
    word = bundled_filter(name).word
    evidence_WF = np.random.default_rng(0).normal(0, 3, (1000, len(EVIDENCE_NAMES))).astype(np.float32)
    whole_WF = word_features(evidence_WF, word.names)
    for block_words in (7, 256, 1000, 4096):
        blocks = list(word_feature_blocks(evidence_WF, word.names, block_words))
        assert np.concatenate(blocks).tobytes() == whole_WF.tobytes()
        scores_W = np.concatenate([word.score(block_WF) for block_WF in blocks])
        assert scores_W.tobytes() == word.score(whole_WF).tobytes()
    assert list(word_feature_blocks(evidence_WF[:0], word.names)) == []


def test_unknown_features_are_refused() -> None:
    for name in ("speed", "ratio_mean@1", "ratio_mean~", "ratio_mean@+1~3"):
        with pytest.raises(UsageError, match="unknown word feature"):
            word_features(np.zeros((1, len(EVIDENCE_NAMES))), (name,))


def test_evidence_of_an_earlier_version_is_refused_by_name() -> None:
    with pytest.raises(UsageError, match="an earlier version aligned this run"):
        word_features(np.zeros((1, 13)), ("read~9",))
