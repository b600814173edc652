"""What a text costs, summed over all paths: the CTC loss, on the same trellis as the best path.

Legend: T frames, C classes, L tokens, S = 2 L + 1 states: blank, token, blank, ..., token, blank.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from prep_corpus.align.viterbi.compiling import compiled

NEGLIGIBLE_NATS = 38.0
"""Two terms so far below a third leave no trace in their sum: exp(-38) is a quarter of the last bit of 1."""

SUMMED_NATS = 600.0
"""A cost up to which sums of probabilities hold.

What they lose is smaller than the least double, 1e-308 or 708 nats, for each state and frame, so that nothing is left
of it in a sum of exp(-600).
"""

_FRAMES_PER_SCALING = 8


@compiled
def path_sum_cost(log_probs_TC: NDArray[np.float32], tokens_L: NDArray[np.int32], blank: int) -> float:
    """-log p(tokens | emissions) in nats; infinite where the frames cannot hold the tokens.

    Args:
        log_probs_TC: natural log-probabilities, at least one frame.
        tokens_L: at least one token.
        blank: index of the blank.

    Source: Graves et al. 2006, section 4.1.
    """
    cost = _summed(log_probs_TC, tokens_L, blank)
    # Written so that a NaN gets there too.
    return cost if cost <= SUMMED_NATS else _summed_in_logarithms(log_probs_TC, tokens_L, blank)


@compiled
def _summed(log_probs_TC: NDArray[np.float32], tokens_L: NDArray[np.int32], blank: int) -> float:
    """The cost by sums of probabilities, scaled every few frames; see `SUMMED_NATS`."""
    frames, count = log_probs_TC.shape[0], len(tokens_L)
    place_C = np.full(log_probs_TC.shape[1], -1, np.int64)
    columns_U = np.empty(count, np.int64)
    used = 0
    symbols_L = np.empty(count, np.int64)
    joins_L = np.zeros(count)
    for p in range(count):
        token = tokens_L[p]
        if place_C[token] < 0:
            place_C[token], columns_U[used] = used, token
            used += 1
        symbols_L[p] = place_C[token]
        if p and token != tokens_L[p - 1]:
            joins_L[p] = 1.0
    probs_U = np.empty(used)
    # A state before the first, which is never reached, and the blank after the last token.
    blank_P, next_blank_P = np.zeros(count + 1), np.zeros(count + 1)
    token_P, next_token_P = np.zeros(count + 1), np.zeros(count + 1)
    blank_P[0] = 1.0
    logs = 0.0
    for t in range(frames):
        silent = math.exp(np.float64(log_probs_TC[t, blank]))
        for u in range(used):
            probs_U[u] = math.exp(np.float64(log_probs_TC[t, columns_U[u]]))
        # Token p stands at p + 1.
        next_blank_P[0] = blank_P[0] * silent
        for p in range(count):
            reached = token_P[p + 1] + blank_P[p] + joins_L[p] * token_P[p]
            next_token_P[p + 1] = reached * probs_U[symbols_L[p]]
            next_blank_P[p + 1] = (blank_P[p + 1] + token_P[p + 1]) * silent
        blank_P, next_blank_P = next_blank_P, blank_P
        token_P, next_token_P = next_token_P, token_P
        if t % _FRAMES_PER_SCALING == _FRAMES_PER_SCALING - 1:
            total = 0.0
            for p in range(count + 1):
                total += blank_P[p] + token_P[p]
            if not total > 0.0:
                return np.inf
            logs += math.log(total)
            scale = 1.0 / total
            for p in range(count + 1):
                blank_P[p] *= scale
                token_P[p] *= scale
    ended = blank_P[count] + token_P[count]
    return -(math.log(ended) + logs) if ended > 0.0 else np.inf


@compiled
def _summed_in_logarithms(
    log_probs_TC: NDArray[np.float32], tokens_L: NDArray[np.int32], blank: int
) -> float:
    """The cost by sums of logarithms, however high it is."""
    frames, states = log_probs_TC.shape[0], 2 * len(tokens_L) + 1
    sums_S = np.full(states, -np.inf)
    sums_S[0] = log_probs_TC[0, blank]
    sums_S[1] = log_probs_TC[0, tokens_L[0]]
    for t in range(1, frames):
        # Below `low` the end is out of reach; from `high` on no path has come yet.
        low, high = max(0, states - 2 * (frames - t)), min(states, 2 * t + 2)
        silent = log_probs_TC[t, blank]
        # A token is reached from states before it, which must still be those of the last frame.
        for p in range((high - 1) // 2, low // 2 - 1, -1):
            at = 2 * p
            before = sums_S[at - 1] if p else -np.inf
            if low <= at + 1 < high:
                if p and tokens_L[p] != tokens_L[p - 1]:
                    reached = _sum_of_three(sums_S[at + 1], sums_S[at], before)
                else:
                    reached = _sum_of_two(sums_S[at + 1], sums_S[at])
                sums_S[at + 1] = reached + log_probs_TC[t, tokens_L[p]]
            if at >= low:
                sums_S[at] = _sum_of_two(sums_S[at], before) + silent
        # What is out of reach must not be read as a neighbour in the next frame.
        for s in range(max(0, low - 2), low):
            sums_S[s] = -np.inf
    return float(-_sum_of_two(sums_S[states - 1], sums_S[states - 2]))


@compiled
def _sum_of_two(first: float, second: float) -> float:
    """log(exp(first) + exp(second))."""
    if first < second:
        first, second = second, first
    # Written so that it holds for two infinities as well.
    if not second >= first - NEGLIGIBLE_NATS:
        return first
    if second == -np.inf:
        return second
    return first + math.log(1.0 + math.exp(second - first))


@compiled
def _sum_of_three(first: float, second: float, third: float) -> float:
    """log(exp(first) + exp(second) + exp(third)), added up in this order."""
    if third == -np.inf:
        return _sum_of_two(first, second)
    most = max(first, second, third)
    # The highest has a share of 1, and the logarithm of all is 0 where there is nothing beside it.
    low = most - NEGLIGIBLE_NATS
    if (first >= low) + (second >= low) + (third >= low) == 1:
        return most
    total = 1.0 if first == most else math.exp(first - most)
    total += 1.0 if second == most else math.exp(second - most)
    total += 1.0 if third == most else math.exp(third - most)
    return most + math.log(total)
