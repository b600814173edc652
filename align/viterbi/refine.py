"""Refinement of a path in float64, within a few tokens of the path that was found in fixed point.

Legend: T frames, F frames of a chunk, C columns, P pairs, R pairs of the band around the path.

Fixed point decides between paths whose scores differ by less than its rounding as it falls out; such paths
differ in when a token begins or ends, hardly ever in which tokens are where. So the band is narrow, and
exact sums within it make the best path best to the last digit. Between two leaps (over unspoken words, or
through untranscribed speech) the path is refined on its own, its ends held fixed.
"""

from __future__ import annotations

import itertools

import numpy as np
import numpy.typing as npt

from prep_corpus.align.viterbi.compiling import compiled
from prep_corpus.align.viterbi.kernels import (
    BLANK,
    BLANK_FROM_TOKEN,
    TOKEN,
    TOKEN_FROM_BLANK,
    TOKEN_FROM_TOKEN,
    Array,
)
from prep_corpus.align.viterbi.trellis import CHUNK_FRAMES, Int32, Int64, Trellis, blocks

BAND_PAIRS = 16


@compiled
def _advance_band(
    log_probs_FC: Array,
    symbols_P: Array,
    joins_P: Array,
    centers_F: Array,
    first: int,
    last: int,
    blank_R: Array,
    token_R: Array,
    low: int,
    moves_FR: Array,
    lows_F: Array,
) -> int:
    """Advance a band that follows the path; the blank is the last column. Returns the band's first pair."""
    width = blank_R.shape[0]
    blank_column = log_probs_FC.shape[1] - 1
    for f in range(log_probs_FC.shape[0]):
        shift = max(first, centers_F[f] - width // 2) - low
        if shift > 0:
            low += shift
            for r in range(width):
                inside = r + shift < width
                blank_R[r] = blank_R[r + shift] if inside else -np.inf
                token_R[r] = token_R[r + shift] if inside else -np.inf
        lows_F[f] = low
        silence = np.float64(log_probs_FC[f, blank_column])
        for r in range(min(width - 1, last - low), -1, -1):
            stay = blank_R[r]
            before = token_R[r - 1] if r else -np.inf
            moved, move = stay, 0
            if before > stay:
                moved, move = before, BLANK_FROM_TOKEN
            joins = joins_P[low + r] != 0
            entered = moved if joins else stay
            if low + r < last:
                score = np.float64(log_probs_FC[f, symbols_P[low + r]])
                if entered > token_R[r]:
                    token_R[r] = entered
                    move |= TOKEN_FROM_TOKEN if joins and before > stay else TOKEN_FROM_BLANK
                token_R[r] += score - silence
            blank_R[r] = moved
            moves_FR[f, r] = move
    return low


@compiled
def _trace_band(moves_FR: Array, lows_F: Array, kind: int, pair: int, path_F: Array) -> None:
    for f in range(moves_FR.shape[0] - 1, -1, -1):
        move = moves_FR[f, pair - lows_F[f]]
        if kind == BLANK:
            path_F[f] = 2 * pair
            if move & BLANK_FROM_TOKEN:
                kind, pair = TOKEN, pair - 1
        else:
            path_F[f] = 2 * pair + 1
            if move & TOKEN_FROM_BLANK:
                kind = BLANK
            elif move & TOKEN_FROM_TOKEN:
                pair -= 1


def refine(trellis: Trellis, path_T: Int32) -> None:
    """Improve a path in place; see the head of this file."""
    moves_FR = np.empty((trellis.frames, 2 * BAND_PAIRS + 1), np.uint8)
    lows_F = np.empty(trellis.frames, np.int64)
    for start, end in _stretches(path_T):
        _refine_stretch(trellis, path_T, start, end, moves_FR, lows_F)


def _stretches(path_T: Int32) -> list[tuple[int, int]]:
    """Spans of frames in which the path neither leaps nor crosses untranscribed speech."""
    step_T = np.diff(path_T)
    leaps = (step_T > 2) | ((step_T == 2) & (path_T[1:] % 2 == 0))
    breaks = np.flatnonzero(leaps | (path_T[1:] < 0) | (path_T[:-1] < 0)) + 1
    bounds = [0, *breaks.tolist(), len(path_T)]
    return [(a, b) for a, b in itertools.pairwise(bounds) if path_T[a] >= 0]


def _refine_stretch(
    trellis: Trellis, path_T: Int32, start: int, end: int, moves_TR: npt.NDArray[np.uint8], lows_T: Int64
) -> None:
    first, last = int(path_T[start] // 2), int((path_T[end - 1] + 1) // 2)
    if first == last:
        return
    width = moves_TR.shape[1]
    blank_R, token_R = np.full(width, -np.inf), np.full(width, -np.inf)
    blank_R[0] = 0.0
    low = first
    for a, b in blocks(start, end, CHUNK_FRAMES):
        held = low
        columns, symbols_P = trellis.narrowed(held, min(int(path_T[b - 1] // 2) + width + 1, trellis.pairs))
        low = _advance_band(
            trellis.log_probs((a, b), columns),
            symbols_P,
            trellis.joins_P[held:],
            path_T[a:b] // 2 - held,
            first - held,
            last - held,
            blank_R,
            token_R,
            low - held,
            moves_TR[a:b],
            lows_T[a:b],
        )
        lows_T[a:b] += held
        low += held
    kind, pair = BLANK, last
    if end == trellis.frames and last == trellis.pairs - 1 and token_R[last - 1 - low] > blank_R[last - low]:
        kind, pair = TOKEN, last - 1
    _trace_band(moves_TR[start:end], lows_T[start:end], kind, pair, path_T[start:end])
