"""The best path through the CTC trellis: forward with checkpoints, then backward strip by strip.

Legend: T frames, C classes of the model, F frames of a block, P pairs (L + 1), E word edges, V visits of the edges.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from prep_corpus.align import trellis_kernels as kernels
from prep_corpus.align.trellis_kernels import BLANK, DEAD, EDGE_FRAMES, SPEECH, TOKEN

UNITS_PER_NAT = 512
FLOOR_NATS = -63.0  # log-probs below count as this, so that a difference of two fits 16 bits

Int64 = npt.NDArray[np.int64]
State = tuple[int, int]  # kind and pair


@dataclass(frozen=True, kw_only=True)
class Trellis:
    """One recording's emissions beside its tokens.

    Attributes:
        log_probs_TC: natural log-probabilities.
        columns: the classes in use, in increasing order.
        blank: the blank's class.
        symbols_P: position in `columns` of each pair's token; the last pair has the extra column that is never said.
        joins_P: 1 where a token may follow its predecessor without a blank.
        edges_E: pair of each word edge; empty where no path may leave text or audio.
        skip_costs_E: cost, in units, of leaving out the word that ends at the edge.
        entry_cost: cost, in units, of entering untranscribed speech.
        speech_T: blank-normalised score of untranscribed speech, in units; zeros without edges.
    """

    log_probs_TC: npt.NDArray[np.float32]
    columns: Int64
    blank: int
    symbols_P: npt.NDArray[np.int32]
    joins_P: npt.NDArray[np.uint8]
    edges_E: Int64
    skip_costs_E: Int64
    entry_cost: int
    speech_T: npt.NDArray[np.int32]

    @property
    def frames(self) -> int:
        """Frames of the recording."""
        return int(self.log_probs_TC.shape[0])

    @property
    def pairs(self) -> int:
        """Tokens, and one for the blank after the last."""
        return int(self.symbols_P.shape[0])

    def scores(self, start: int, end: int) -> npt.NDArray[np.int16]:
        """Blank-normalised scores of the frames [start, end) in units, with a last column that is never said."""
        rows = self.log_probs_TC[start:end]
        kept = np.maximum(rows[:, self.columns].astype(np.float32), FLOOR_NATS)
        kept -= np.maximum(rows[:, self.blank].astype(np.float32), FLOOR_NATS)[:, None]
        if np.isnan(kept).any():
            raise ValueError(f"log-probs must be numbers: there is a NaN in frames {start} to {end}")
        kept *= UNITS_PER_NAT
        out = np.full((end - start, len(self.columns) + 1), -32768, np.int16)
        np.clip(np.rint(kept, out=kept), -32767, 32767, out=out[:, :-1], casting="unsafe")
        return out


@dataclass
class Rows:
    """Scores after some frame of the pairs [low, low + len(blank_P)) and of the edges among them."""

    low: int
    blank_P: Int64
    token_P: Int64
    speech_E: Int64

    def value(self, trellis: Trellis, state: State) -> int:
        """Score of one state."""
        kind, pair = state
        if kind == SPEECH:
            first = np.searchsorted(trellis.edges_E, self.low)
            return int(self.speech_E[np.searchsorted(trellis.edges_E, pair) - first])
        return int((self.blank_P if kind == BLANK else self.token_P)[pair - self.low])

    def strip(self, trellis: Trellis, low: int, high: int) -> Rows:
        """A copy of the pairs [low, high)."""
        own = np.searchsorted(trellis.edges_E, self.low)
        first, last = np.searchsorted(trellis.edges_E, (low, high)) - own
        pairs = slice(low - self.low, high - self.low)
        return Rows(
            low, self.blank_P[pairs].copy(), self.token_P[pairs].copy(), self.speech_E[first:last].copy()
        )


def _advance(
    trellis: Trellis, rows: Rows, start: int, end: int, keep: bool
) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8]]:
    """Advance rows in place by the frames [start, end), and keep the way back if asked."""
    pairs = len(rows.blank_P)
    high = rows.low + pairs
    first, last = np.searchsorted(trellis.edges_E, (rows.low, high))
    visits = -(-(end - start) // EDGE_FRAMES)
    moves_FP = np.empty((end - start, pairs) if keep else (0, 0), np.uint8)
    moves_VE = np.empty((visits, last - first if keep else 0), np.uint8)
    kernels.advance_rows(
        rows.blank_P,
        rows.token_P,
        rows.speech_E,
        trellis.scores(start, end),
        trellis.speech_T[start:end],
        trellis.symbols_P[rows.low : high],
        trellis.joins_P[rows.low : high],
        trellis.edges_E[first:last] - rows.low,
        trellis.skip_costs_E[first:last],
        trellis.entry_cost,
        end == trellis.frames,
        moves_FP,
        moves_VE,
    )
    return moves_FP, moves_VE


def first_rows(trellis: Trellis) -> Rows:
    """Scores before the first frame."""
    blank_P = np.full(trellis.pairs, DEAD, np.int64)
    blank_P[0] = 0
    speech_E = np.full(len(trellis.edges_E), DEAD, np.int64)
    kernels.visit_edges(
        blank_P, speech_E, trellis.edges_E, trellis.skip_costs_E, trellis.entry_cost, 0, np.empty(0, np.uint8)
    )
    return Rows(0, blank_P, np.full(trellis.pairs, DEAD, np.int64), speech_E)


def _blocks(start: int, end: int, frames: int) -> Iterator[tuple[int, int]]:
    for low in range(start, end, frames):
        yield low, min(low + frames, end)


def _trace(
    trellis: Trellis,
    before: Rows,
    span: tuple[int, int],
    state: State,
    value: int,
    path_T: npt.NDArray[np.int32],
    budget_bytes: int,
) -> State:
    """Find the best path into a state whose score is known; return the state where it begins.

    Only a strip of pairs ending at the state is recomputed. If its score at the end falls short of the known one,
    the path came from outside: the strip is doubled and tried again. Scores are integers, so equality proves it.
    """
    start, end = span
    kind, pair = state
    width = 256
    while True:
        low = max(before.low, pair + 1 - width)
        rows = before.strip(trellis, low, pair + 1)
        frames = max(EDGE_FRAMES, budget_bytes // (pair + 1 - low) // EDGE_FRAMES * EDGE_FRAMES)
        if frames >= end - start:
            moves_FP, moves_VE = _advance(trellis, rows, start, end, keep=True)
        else:
            kept = []
            for block in _blocks(start, end, frames):
                kept.append((block, rows.strip(trellis, low, pair + 1)))
                _advance(trellis, rows, *block, keep=False)
        if low == before.low or rows.value(trellis, state) == value:
            break
        width *= 2
    if frames >= end - start:
        first, last = np.searchsorted(trellis.edges_E, (low, pair + 1))
        edges_E = trellis.edges_E[first:last] - low
        out_F = path_T[start:end]
        kind, offset = kernels.trace_rows(
            moves_FP, moves_VE, edges_E, end == trellis.frames, kind, pair - low, out_F
        )
        np.add(out_F, np.where(out_F < 0, -low, 2 * low), out=out_F, casting="unsafe")
        return kind, offset + low
    value = rows.value(trellis, state)
    while kept:
        block, rows = kept.pop()
        state = _trace(trellis, rows, block, state, value, path_T, budget_bytes)
        value = rows.value(trellis, state)
    return state


def best_path(trellis: Trellis) -> npt.NDArray[np.int32]:
    """The best path, one state a frame: 2 * pair for blank, 2 * pair + 1 for a token, -1 - pair for speech."""
    frames = trellis.frames
    spacing = checkpoint_frames(frames, trellis.pairs)
    rows = first_rows(trellis)
    kept: list[tuple[tuple[int, int], Rows]] = []
    for block in _blocks(0, frames, spacing):
        kept.append((block, rows.strip(trellis, 0, trellis.pairs)))
        _advance(trellis, rows, *block, keep=False)
    last = trellis.pairs - 1
    state = max(((BLANK, last), (TOKEN, last - 1)), key=lambda end: rows.value(trellis, end))
    value = rows.value(trellis, state)
    path_T = np.empty(frames, np.int32)
    while kept:
        block, rows = kept.pop()
        state = _trace(trellis, rows, block, state, value, path_T, spacing * spacing)
        value = rows.value(trellis, state)
    return path_T


def checkpoint_frames(frames: int, pairs: int) -> int:
    """Frames between two checkpoints, balancing 8 bytes x pairs a checkpoint with one byte a cell of a strip."""
    spacing = (4.0 * pairs * frames) ** (1 / 3)
    return max(1, round(spacing / EDGE_FRAMES)) * EDGE_FRAMES
