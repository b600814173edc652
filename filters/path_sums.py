"""What a text costs, summed over all paths: the CTC loss, on the same trellis as the best path.

Legend: T frames, C classes, L tokens, S = 2 L + 1 states: blank, token, blank, ..., token, blank.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from prep_corpus.align.viterbi.compiling import compiled


@compiled
def path_sum_cost(log_probs_TC: NDArray[np.float32], tokens_L: NDArray[np.int32], blank: int) -> float:
    """-log p(tokens | emissions) in nats; infinite where the frames cannot hold the tokens.

    Args:
        log_probs_TC: natural log-probabilities, at least one frame.
        tokens_L: at least one token.
        blank: index of the blank.

    Source: Graves et al. 2006, section 4.1, in logarithms.
    """
    frames, states = log_probs_TC.shape[0], 2 * len(tokens_L) + 1
    sums_S = np.full(states, -np.inf)
    sums_S[0] = log_probs_TC[0, blank]
    sums_S[1] = log_probs_TC[0, tokens_L[0]]
    for t in range(1, frames):
        # Below `low` the end is out of reach; from `high` on no path has come yet.
        low, high = max(0, states - 2 * (frames - t)), min(states, 2 * t + 2)
        for s in range(high - 1, low - 1, -1):
            first = sums_S[s]
            second = sums_S[s - 1] if s >= 1 else -np.inf
            third = -np.inf
            symbol = blank
            if s % 2 == 1:
                symbol = tokens_L[s // 2]
                if s >= 3 and symbol != tokens_L[s // 2 - 1]:
                    third = sums_S[s - 2]
            most = max(first, second, third)
            if most > -np.inf:
                total = math.exp(first - most) + math.exp(second - most) + math.exp(third - most)
                sums_S[s] = most + math.log(total) + log_probs_TC[t, symbol]
        # What is out of reach must not be read as a neighbour in the next frame.
        for s in range(max(0, low - 2), low):
            sums_S[s] = -np.inf
    first, second = sums_S[states - 1], sums_S[states - 2]
    most = max(first, second)
    if most == -np.inf:
        return math.inf
    return float(-(most + math.log(math.exp(first - most) + math.exp(second - most))))
