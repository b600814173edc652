"""The trellis of CTC as the textbook draws it: one list of states, every arc tried, nothing saved.

With detours, states for untranscribed speech stand beside it. It is slow, and knows nothing of pairs, tiles,
checkpoints or fixed point.
"""

from __future__ import annotations

import itertools
import math

import numpy as np
from numpy.typing import NDArray

from prep_corpus.align.viterbi.viterbi import Alignment, DetourCosts

EDGE_FRAMES = 8
FLOOR_NATS = -63.0


def best_score(
    log_probs_TC: NDArray[np.floating],
    tokens_L: NDArray[np.int32],
    *,
    blank: int,
    delimiter: int | None = None,
    detours: DetourCosts | None = None,
    edges: list[int] | None = None,
    edge_frames: int = EDGE_FRAMES,
) -> float:
    """The score of the best path, in float64."""
    # Lists of Python's floats, which are float64 too: element by element they are several times as fast as arrays.
    log_probs: list[list[float]] = np.maximum(log_probs_TC.astype(np.float64), FLOOR_NATS).tolist()
    states = [blank]
    for token in tokens_L.tolist():
        states += [token, blank]
    if detours is None:
        edges = []
    elif edges is None:
        edges = word_edges(tokens_L, delimiter)
    score = [-math.inf] * len(states)
    speech = dict.fromkeys(edges, -math.inf)
    score[0] = 0.0
    _leap(score, speech, edges, detours)
    for t in range(len(log_probs)):
        new = [-math.inf] * len(states)
        for s, symbol in enumerate(states):
            ways = [score[s]]
            if s >= 1:
                ways.append(score[s - 1])
            if s >= 3 and s % 2 == 1 and symbol != states[s - 2]:
                ways.append(score[s - 2])
            new[s] = max(ways) + log_probs[t][symbol]
        score = new
        for edge in edges:
            speech[edge] += max(log_probs[t]) - detours.speech_nats if detours is not None else 0.0
        if (t + 1) % edge_frames == 0 or t + 1 == len(log_probs):
            _leap(score, speech, edges, detours)
    return max(score[-1], score[-2] if len(states) > 1 else -math.inf)


def _leap(
    score: list[float], speech: dict[int, float], edges: list[int], detours: DetourCosts | None
) -> None:
    if detours is None:
        return
    for edge in edges:
        score[2 * edge] = max(score[2 * edge], speech[edge])
    own = score.copy()
    for i, before in enumerate(edges):
        for after in edges[i + 1 :]:
            score[2 * after] = max(score[2 * after], own[2 * before] - _skip_cost(after - before, detours))
    for edge in edges:
        speech[edge] = max(speech[edge], score[2 * edge] - detours.enter_nats)


def _skip_cost(tokens: int, detours: DetourCosts) -> float:
    short = detours.skip_nats + tokens * detours.skip_token_nats
    return min(short, detours.long_skip_nats + tokens * detours.long_skip_token_nats)


def word_edges(tokens_L: NDArray[np.int32], delimiter: int | None) -> list[int]:
    """The first token of each word, and the end of the last."""
    count = len(tokens_L)
    if delimiter is None:
        return list(range(count + 1))
    return [0, *(j for j in range(1, count) if tokens_L[j - 1] == delimiter), count]


def score_of(
    alignment: Alignment,
    log_probs_TC: NDArray[np.floating],
    tokens_L: NDArray[np.int32],
    *,
    blank: int,
    delimiter: int | None = None,
    detours: DetourCosts | None = None,
) -> float:
    """The score of the path that an alignment describes, after checking that it is a path at all."""
    frames = len(log_probs_TC)
    symbol_T = np.full(frames, blank)
    covered = np.zeros(frames, bool)
    before, last = 0, -1
    for token, start, end, skipped in zip(
        tokens_L.tolist(),
        alignment.starts_L.tolist(),
        alignment.ends_L.tolist(),
        alignment.skipped_L.tolist(),
    ):
        assert start >= before
        assert start == end if skipped else start < end
        if skipped:
            last = -1
            continue
        if token == last:
            assert start > before, "a blank must part repeated tokens"
        symbol_T[start:end] = token
        covered[start:end] = True
        before, last = end, token
    assert before <= frames
    score_T = np.maximum(log_probs_TC[np.arange(frames), symbol_T].astype(np.float64), FLOOR_NATS)
    cost = 0.0
    if detours is None:
        assert not alignment.skipped_L.any()
        assert not alignment.untranscribed
    else:
        for start, end in alignment.untranscribed:
            assert start % EDGE_FRAMES == 0
            assert end % EDGE_FRAMES == 0 or end == frames
            assert not covered[start:end].any()
            covered[start:end] = True
            best = np.maximum(log_probs_TC[start:end].max(axis=1).astype(np.float64), FLOOR_NATS)
            score_T[start:end] = best - detours.speech_nats
            cost += detours.enter_nats
        edges = word_edges(tokens_L, delimiter)
        for start, end in itertools.pairwise(edges):
            assert len(set(alignment.skipped_L[start:end].tolist())) == 1, "a word is skipped as a whole"
        run = 0
        for skipped in [*alignment.skipped_L.tolist(), False]:
            if run and not skipped:
                cost += _skip_cost(run, detours)
            run = run + 1 if skipped else 0
    return float(score_T.sum()) - cost
