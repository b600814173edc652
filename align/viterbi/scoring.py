"""How well a stretch of a recording says a few words, with room for silence and for speech that they lack.

The same paths as in `kernels`, but with untranscribed speech at every frame, any silence between words (the blank or
the delimiter, whichever is likelier), and no way back: the score alone.

Legend: F frames, C classes, N tokens, P pairs (N + 1).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from prep_corpus.align.viterbi.compiling import compiled
from prep_corpus.align.viterbi.detours import DetourCosts
from prep_corpus.align.viterbi.trellis import FLOOR_NATS

Array = npt.NDArray[Any]
IMPOSSIBLE = -1e30


def score_words(
    log_probs_FC: npt.NDArray[np.floating],
    tokens_N: npt.NDArray[np.int32],
    *,
    blank: int,
    delimiter: int | None,
    detours: DetourCosts,
    edges_E: npt.NDArray[np.int64] | None = None,
) -> float:
    """The score of the best path of some words through some frames.

    Args:
        log_probs_FC: natural log-probabilities; those under the trellis's floor count as that.
        tokens_N: columns of the tokens; none for silence and speech without text alone.
        blank: column of the blank.
        delimiter: column of the symbol between words, or None, where every token is a word.
        edges_E: the first token of each word, and the end of the last; None where the delimiter tells them.
        detours: what speech without text costs; fitted to the model (`DetourCosts.fitted`).

    Returns:
        Natural log; very low where the frames cannot hold the tokens.
    """
    rows_FC = np.maximum(log_probs_FC.astype(np.float32), np.float32(FLOOR_NATS))
    silent_F = rows_FC[:, blank]
    if delimiter is not None:
        silent_F = np.maximum(silent_F, rows_FC[:, delimiter])
    is_edge_P = np.ones(len(tokens_N) + 1, np.bool_)
    between_P = np.ones(len(tokens_N) + 1, np.bool_)
    if delimiter is not None and len(tokens_N):
        is_delimiter_N = tokens_N == delimiter
        is_edge_P[1:-1] = is_delimiter_N[:-1]
        between_P[1:-1] = is_delimiter_N[:-1] | is_delimiter_N[1:]
    if edges_E is not None and len(tokens_N):
        is_edge_P[:] = False
        is_edge_P[edges_E] = True
        between_P = is_edge_P
    joins_P = np.ones(len(tokens_N) + 1, np.bool_)
    joins_P[1:-1] = tokens_N[1:] != tokens_N[:-1]
    speech_F = rows_FC.max(axis=1) - np.float32(detours.speech_nats)
    return float(
        _best_score(
            rows_FC[:, tokens_N].astype(np.float64),
            rows_FC[:, blank].astype(np.float64),
            silent_F.astype(np.float64),
            speech_F.astype(np.float64),
            is_edge_P,
            between_P,
            joins_P,
            detours.enter_nats,
        )
    )


@compiled
def _best_score(
    tokens_FN: Array,
    blank_F: Array,
    silent_F: Array,
    speech_F: Array,
    is_edge_P: Array,
    between_P: Array,
    joins_P: Array,
    enter_nats: float,
) -> float:
    frames, count = tokens_FN.shape
    blank_P = np.full(count + 1, IMPOSSIBLE)
    token_P = np.full(count + 1, IMPOSSIBLE)
    speech_P = np.full(count + 1, IMPOSSIBLE)
    blank_P[0] = 0.0
    for f in range(frames):
        for p in range(count, -1, -1):
            stay = blank_P[p]
            before = token_P[p - 1] if p else IMPOSSIBLE
            arrived = max(stay, before)
            speech = speech_P[p]
            if is_edge_P[p]:
                arrived = max(arrived, speech)
                speech_P[p] = max(speech, max(stay, before) - enter_nats) + speech_F[f]
            if p < count:
                entered = arrived if joins_P[p] else max(stay, speech)
                token_P[p] = max(token_P[p], entered) + tokens_FN[f, p]
            blank_P[p] = arrived + (silent_F[f] if between_P[p] else blank_F[f])
    best: float = max(blank_P[count], speech_P[count])
    return max(best, token_P[count - 1]) if count else best
