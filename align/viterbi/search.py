"""The best path through the trellis: forward with checkpoints, then backward strip by strip.

Legend: T frames, F frames of a block, P pairs, E word edges, N tiles.

Forward, only the scores at every K-th frame are kept. Backward, from one checkpoint to the one before, a
strip of pairs that ends at the path is computed once more, this time remembering how each cell was reached:

    pairs |            . . . . path
          |    . . . . |#####/|
          |    |#####/         each strip is K frames long and as wide as it must be
          | |##/|
          +--------------------- frames
"""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from prep_corpus.align.viterbi import kernels, tiles
from prep_corpus.align.viterbi.checkpoints import HELD_BYTES, Checkpoints, checkpoints
from prep_corpus.align.viterbi.kernels import BLANK, DEAD, TOKEN
from prep_corpus.align.viterbi.tiles import BLOCK_FRAMES, DEAD_32, DRIFT_32, TILE_PAIRS
from prep_corpus.align.viterbi.trellis import (
    CHUNK_FRAMES,
    Int32,
    Int64,
    Rows,
    State,
    Trellis,
    blocks,
    first_rows,
)

DIRECT_CELLS = 1 << 22  # a trellis of this many cells, in bytes and frames x pairs, is kept whole


class Checkpoint(Protocol):
    """Scores of the pairs from `low` on, after some frame."""

    @property
    def low(self) -> int:
        """The first pair held; those before it are dead."""

    def strip(self, trellis: Trellis, low: int, high: int) -> Rows:
        """The pairs [low, high), in 64 bits; a copy."""


@dataclass(frozen=True)
class TiledRows:
    """Scores of some tiles, in 32 bits over the base of each."""

    low: int
    blank_P: Int32
    token_P: Int32
    speech_E: Int32
    bases_N: Int64

    def strip(self, trellis: Trellis, low: int, high: int) -> Rows:
        """The pairs [low, high); what is not held is dead."""
        first, last = np.searchsorted(trellis.edges_E, (low, high))
        return Rows(
            low,
            self._wide(self.blank_P, np.arange(low, high) - self.low),
            self._wide(self.token_P, np.arange(low, high) - self.low),
            self._wide(self.speech_E, trellis.edges_E[first:last] - self.low, np.arange(first, last)),
        )

    @classmethod
    def first(cls, trellis: Trellis, count: int) -> TiledRows:
        """The scores before the first frame, in `count` tiles."""
        rows = first_rows(trellis)
        blank_P, token_P = tiles.aligned(count * TILE_PAIRS), tiles.aligned(count * TILE_PAIRS)
        padded_P = np.full(count * TILE_PAIRS, DEAD)
        padded_P[: trellis.pairs] = rows.blank_P
        bases_N = padded_P.reshape(count, TILE_PAIRS).max(axis=1)
        bases_N[bases_N < DEAD // 2] = 0
        blank_P[:] = np.maximum(padded_P - np.repeat(bases_N, TILE_PAIRS), DEAD_32)
        token_P[:] = DEAD_32
        speech_E = np.maximum(rows.speech_E - bases_N[trellis.edges_E // TILE_PAIRS], DEAD_32).astype(
            np.int32
        )
        return cls(0, blank_P, token_P, speech_E, bases_N)

    def checkpoint(self, trellis: Trellis, frames: int) -> TiledRows:
        """A copy, after that many frames, of the tiles that are alive and can still reach the end."""
        low, high = tiles.live_tiles(frames, trellis.frames - frames, trellis.pairs, len(trellis.edges_E) > 0)
        pairs = slice(low * TILE_PAIRS, (high + 1) * TILE_PAIRS)
        return TiledRows(
            pairs.start,
            self.blank_P[pairs].copy(),
            self.token_P[pairs].copy(),
            self.speech_E.copy(),
            self.bases_N[low : high + 1].copy(),
        )

    def _wide(self, values: Int32, pairs: Int64, places: Int64 | None = None) -> Int64:
        out = np.full(len(pairs), DEAD, np.int64)
        held = (pairs >= 0) & (pairs < len(self.blank_P))
        found = values[(pairs if places is None else places)[held]].astype(np.int64)
        bases = self.bases_N[pairs[held] // TILE_PAIRS]
        out[held] = np.where(found < DEAD_32 + DRIFT_32, DEAD, found + bases)
        return out


def _forward_wide(trellis: Trellis, spacing: int, kept: Checkpoints[Checkpoint]) -> None:
    """Keep the scores after every `spacing` frames, and after the last, in 64 bits."""
    rows = first_rows(trellis)
    for start, end in blocks(0, trellis.frames, spacing):
        kept.push(rows.strip(trellis, 0, trellis.pairs))
        rows.advance(trellis, start, end, keep=False)
    kept.push(rows)


def _forward(trellis: Trellis, spacing: int, kept: Checkpoints[Checkpoint]) -> bool:
    """The same with 32 bits a score; whether these do."""
    count = -(-trellis.pairs // TILE_PAIRS)
    scores = TiledRows.first(trellis, count)
    symbols_P = np.full(count * TILE_PAIRS, len(trellis.columns), np.int32)
    symbols_P[: trellis.pairs] = trellis.symbols_P
    joins_P = np.zeros(count * TILE_PAIRS, np.int8)
    joins_P[: trellis.pairs] = trellis.joins_P
    lookup_H, firsts_G, seconds_G = _twins(symbols_P, len(trellis.columns) + 1)
    edge_starts_N = np.searchsorted(trellis.edges_E, np.arange(count + 1) * TILE_PAIRS)
    skip_costs_E = trellis.skip_costs_E.astype(np.int32)
    long_costs_E = trellis.long_costs_E.astype(np.int32)
    found_P = tiles.aligned(TILE_PAIRS)
    for start, end in blocks(0, trellis.frames, spacing):
        kept.push(scores.checkpoint(trellis, start))
        for chunk in blocks(start, end, CHUNK_FRAMES):
            far = tiles.advance_tiles(
                scores.blank_P,
                scores.token_P,
                scores.speech_E,
                scores.bases_N,
                trellis.scores(chunk, trellis.columns),
                trellis.speech_T[chunk[0] : chunk[1]],
                lookup_H,
                firsts_G,
                seconds_G,
                joins_P,
                trellis.edges_E,
                edge_starts_N,
                skip_costs_E,
                long_costs_E,
                np.int32(trellis.opening_cost),
                np.int32(trellis.long_opening_cost),
                np.int32(trellis.entry_cost),
                trellis.edge_frames,
                chunk[0],
                trellis.frames - chunk[0],
                trellis.pairs,
                found_P,
            )
            if far:
                return False
    kept.push(scores.checkpoint(trellis, trellis.frames))
    return True


def _twins(symbols_P: Int32, columns: int) -> tuple[npt.NDArray[np.uint32], Int32, Int32]:
    """The distinct neighbours (pair 2i, pair 2i + 1) and where each stands; none where there are too many."""
    both_H = symbols_P[0::2].astype(np.int64) * columns + symbols_P[1::2]
    distinct_G, lookup_H = np.unique(both_H, return_inverse=True)
    if len(distinct_G) > tiles.TWINS_LIMIT:
        none = np.empty(0, np.int32)
        return symbols_P.astype(np.uint32), none, none
    first_G, second_G = np.divmod(distinct_G, columns)
    return lookup_H.astype(np.uint32), first_G.astype(np.int32), second_G.astype(np.int32)


def _trace(
    trellis: Trellis,
    before: Checkpoint,
    span: tuple[int, int],
    state: State,
    value: int,
    path_T: npt.NDArray[np.int32],
    budget_bytes: int,
) -> State:
    """Find the best path into a state whose score is known; return the state where it begins.

    Only a strip of pairs ending at the state is recomputed. If its score at the end falls short of the known
    one, the path came from outside: the strip is doubled and tried again. Scores are integers, so equality
    proves that none was missed.
    """
    start, end = span
    kind, pair = state
    # A little more than the tokens that fall on the span at an even pace.
    width = int(1.25 * (end - start) * trellis.pairs / trellis.frames) + 64
    while True:
        low = max(before.low, pair + 1 - width)
        rows = before.strip(trellis, low, pair + 1)
        step = trellis.edge_frames
        frames = max(step, budget_bytes // (pair + 1 - low) // step * step)
        if frames >= end - start:
            moves_FP, moves_VE = rows.advance(trellis, start, end, keep=True)
        else:
            kept = []
            for block in blocks(start, end, frames):
                kept.append((block, rows.strip(trellis, low, pair + 1)))
                rows.advance(trellis, *block, keep=False)
        if low == before.low or rows.value(trellis, state) == value:
            break
        width *= 2
    if frames >= end - start:
        first, last = np.searchsorted(trellis.edges_E, (low, pair + 1))
        edges_E = trellis.edges_E[first:last] - low
        out_F = path_T[start:end]
        kind, offset = kernels.trace_rows(
            moves_FP, moves_VE, edges_E, step, end == trellis.frames, kind, pair - low, out_F
        )
        np.add(out_F, np.where(out_F < 0, -low, 2 * low), out=out_F, casting="unsafe")
        return kind, offset + low
    value = rows.value(trellis, state)
    while kept:
        block, rows = kept.pop()
        state = _trace(trellis, rows, block, state, value, path_T, budget_bytes)
        value = rows.value(trellis, state)
    return state


def _better_end(trellis: Trellis, rows: Rows) -> State:
    last = trellis.pairs - 1
    return max(((BLANK, last), (TOKEN, last - 1)), key=lambda end: rows.value(trellis, end))


def _trace_directly(trellis: Trellis, path_T: Int32) -> None:
    """The whole trellis as one strip, for recordings so short that bookkeeping would cost more."""
    rows = first_rows(trellis)
    moves_FP, moves_VE = rows.advance(trellis, 0, trellis.frames, keep=True)
    end = _better_end(trellis, rows)
    kernels.trace_rows(moves_FP, moves_VE, trellis.edges_E, trellis.edge_frames, True, *end, path_T)


def best_path(trellis: Trellis) -> npt.NDArray[np.int32]:
    """The best path: one state a frame.

    Returns:
        int32 [T]: 2 * pair for blank, 2 * pair + 1 for a token, -1 - pair for untranscribed speech.
    """
    frames, last = trellis.frames, trellis.pairs - 1
    path_T = np.empty(frames, np.int32)
    if frames * trellis.pairs <= DIRECT_CELLS:
        _trace_directly(trellis, path_T)
        return path_T
    spacing = checkpoint_frames(frames, trellis.pairs)
    with ExitStack() as stack:
        kept = stack.enter_context(checkpoints(HELD_BYTES))
        if not _forward(trellis, spacing, kept):
            kept.close()
            kept = stack.enter_context(checkpoints(HELD_BYTES))
            _forward_wide(trellis, spacing, kept)
        rows = kept.pop().strip(trellis, last - 1, last + 1)
        state = _better_end(trellis, rows)
        for block in reversed(list(blocks(0, frames, spacing))):
            value = rows.value(trellis, state)
            before = kept.pop()
            state = _trace(trellis, before, block, state, value, path_T, spacing * spacing)
            rows = before.strip(trellis, state[1], state[1] + 1)
    return path_T


def checkpoint_frames(frames: int, pairs: int) -> int:
    """Frames K between two checkpoints, a multiple of the block.

    Room is 8 bytes x pairs x frames / K for the checkpoints and at most K^2 bytes for a strip, least at
    K = (4 x pairs x frames)^(1/3). Half of that K costs 1.4 times the memory, but the strips are narrower, and
    recomputing them takes less than a tenth of the time.
    """
    spacing: float = (0.5 * pairs * frames) ** (1 / 3)
    return max(1, round(spacing / BLOCK_FRAMES)) * BLOCK_FRAMES
