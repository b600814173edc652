"""The forward pass: scores of all pairs at every K-th frame, in 32 bits, tile by tile.

Legend: T frames, F frames of a block, P pairs, E word edges, N tiles, G distinct twins, H twins of pairs.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from prep_corpus.align.viterbi.checkpoints import Checkpoints
from prep_corpus.align.viterbi.forward import tiles
from prep_corpus.align.viterbi.forward.alive import NOTHING
from prep_corpus.align.viterbi.forward.ceiling import Ceiling
from prep_corpus.align.viterbi.forward.following import follow_tiles
from prep_corpus.align.viterbi.forward.tiles import BLOCK_FRAMES, DEAD_32, DRIFT_32, TILE_PAIRS
from prep_corpus.align.viterbi.kernels import DEAD
from prep_corpus.align.viterbi.trellis import CHUNK_FRAMES, Int32, Int64, Rows, Trellis, blocks, first_rows


@dataclass(frozen=True, kw_only=True)
class Bar:
    """What a path must be able to reach, so that it is followed.

    Attributes:
        ceiling: what paths may still gain.
        least: the score, in units, with which it must be able to end.
        beam: where it is not 0 another rule holds: a path may be so much behind the best one now, in units,
        pace: if each token that is left counts for so much, in units.
        missed_1: the best end that a path through what was given up might have had.
        followed_1: frames times pairs that were followed.
    """

    ceiling: Ceiling
    least: int = NOTHING
    beam: int = 0
    pace: int = 0
    missed_1: Int64 = field(default_factory=lambda: np.full(1, NOTHING, np.int64))
    followed_1: Int64 = field(default_factory=lambda: np.zeros(1, np.int64))


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
            self._wide(self.blank_P, low - self.low, high - self.low),
            self._wide(self.token_P, low - self.low, high - self.low),
            self._wide_edges(self.speech_E[first:last], trellis.edges_E[first:last] - self.low),
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

    def checkpoint(self, low: int, high: int) -> TiledRows:
        """A copy of the tiles from `low` to `high`."""
        pairs = slice(low * TILE_PAIRS, (high + 1) * TILE_PAIRS)
        return TiledRows(
            pairs.start,
            self.blank_P[pairs].copy(),
            self.token_P[pairs].copy(),
            self.speech_E.copy(),
            self.bases_N[low : high + 1].copy(),
        )

    def _wide(self, values_P: Int32, low: int, high: int) -> Int64:
        """The values of the pairs [low, high), counted from the first pair held."""
        out_P = np.full(high - low, DEAD, np.int64)
        start, end = max(low, 0), min(high, len(values_P))
        if start < end:
            bases_P = self.bases_N[np.arange(start, end) // TILE_PAIRS]
            out_P[start - low : end - low] = _over(values_P[start:end], bases_P)
        return out_P

    def _wide_edges(self, speech_E: Int32, pairs_E: Int64) -> Int64:
        """The values of edges, at pairs counted likewise."""
        out_E = np.full(len(pairs_E), DEAD, np.int64)
        held = (pairs_E >= 0) & (pairs_E < len(self.blank_P))
        out_E[held] = _over(speech_E[held], self.bases_N[pairs_E[held] // TILE_PAIRS])
        return out_E


def _over(values: Int32, bases: Int64) -> Int64:
    """Scores in 64 bits; dead ones have no base."""
    wide: Int64 = np.where(values < DEAD_32 + DRIFT_32, DEAD, values.astype(np.int64) + bases)
    return wide


def forward(trellis: Trellis, spacing: int, kept: Checkpoints[Checkpoint], bar: Bar | None = None) -> bool:
    """Keep the scores after every `spacing` frames, and after the last.

    Args:
        trellis: the recording beside its tokens.
        spacing: a multiple of the block.
        kept: takes the scores.
        bar: which paths are followed; all where None.

    Returns:
        Whether 32 bits a score do; where they do not, what was kept is worthless.
    """
    count = -(-trellis.pairs // TILE_PAIRS)
    scores, tables = TiledRows.first(trellis, count), _Tables.of(trellis, count)
    span_2, tops_N = np.array((0, count - 1), np.int64), np.empty(count, np.int64)
    for start, end in blocks(0, trellis.frames, spacing):
        kept.push(scores.checkpoint(*_alive(trellis, start, span_2, bar)))
        for chunk in blocks(start, end, CHUNK_FRAMES):
            scores_FC = trellis.scores(chunk, trellis.columns)
            if bar is None:
                far = tables.advance(trellis, scores, chunk, scores_FC)
            else:
                far = tables.follow(trellis, scores, chunk, scores_FC, bar, span_2, tops_N)
            if far:
                return False
    kept.push(scores.checkpoint(*_alive(trellis, trellis.frames, span_2, bar)))
    return True


def _alive(trellis: Trellis, frames: int, span_2: Int64, bar: Bar | None) -> tuple[int, int]:
    """The first and the last tile that are alive after that many frames and can still reach the end."""
    if bar is not None:
        return int(span_2[0]), int(span_2[1])
    has_edges = len(trellis.edges_E) > 0
    return tiles.live_tiles(frames, trellis.frames - frames, trellis.pairs, has_edges)


@dataclass(frozen=True, kw_only=True)
class _Tables:
    """What the tiles are advanced with; see `tiles.advance_tiles`."""

    symbols_P: npt.NDArray[np.uint32]
    lookup_H: npt.NDArray[np.uint32]
    firsts_G: Int32
    seconds_G: Int32
    tables_XG: Int64
    joins_P: npt.NDArray[np.int8]
    edge_starts_N: Int64
    skip_costs_E: Int32
    long_costs_E: Int32
    found_P: Int64

    @classmethod
    def of(cls, trellis: Trellis, count: int) -> _Tables:
        """For a trellis in `count` tiles."""
        symbols_P = np.full(count * TILE_PAIRS, len(trellis.columns), np.int32)
        symbols_P[: trellis.pairs] = trellis.symbols_P
        joins_P = np.zeros(count * TILE_PAIRS, np.int8)
        joins_P[: trellis.pairs] = trellis.joins_P
        lookup_H, firsts_G, seconds_G = _twins(symbols_P, len(trellis.columns) + 1)
        room_G = tiles.aligned(BLOCK_FRAMES * len(firsts_G))
        return cls(
            symbols_P=symbols_P.astype(np.uint32),
            lookup_H=lookup_H,
            firsts_G=firsts_G,
            seconds_G=seconds_G,
            tables_XG=room_G.view(np.int64).reshape(BLOCK_FRAMES // 4, -1),
            joins_P=joins_P,
            edge_starts_N=np.searchsorted(trellis.edges_E, np.arange(count + 1) * TILE_PAIRS),
            skip_costs_E=trellis.skip_costs_E.astype(np.int32),
            long_costs_E=trellis.long_costs_E.astype(np.int32),
            found_P=tiles.aligned(2 * TILE_PAIRS).view(np.int64),
        )

    def advance(
        self, trellis: Trellis, scores: TiledRows, span: tuple[int, int], scores_FC: npt.NDArray[np.int16]
    ) -> int:
        """Advance all tiles by a span of frames."""
        arguments = (*self._arguments(trellis, scores, span, scores_FC), -1, -1)
        far: int = tiles.advance_tiles(*arguments)
        return far

    def follow(
        self,
        trellis: Trellis,
        scores: TiledRows,
        span: tuple[int, int],
        scores_FC: npt.NDArray[np.int16],
        bar: Bar,
        span_2: Int64,
        tops_N: Int64,
    ) -> int:
        """Advance the tiles that may matter by a span of frames; which those are is looked at before each block."""
        arguments = (
            *self._arguments(trellis, scores, span, scores_FC),
            bar.ceiling.gains_B,
            bar.ceiling.places_BX,
            bar.ceiling.width,
            bar.ceiling.skip,
            bar.least,
            bar.beam,
            bar.pace,
            span_2,
            bar.missed_1,
            bar.followed_1,
            tops_N,
        )
        far: int = follow_tiles(*arguments)
        return far

    def _arguments(
        self, trellis: Trellis, scores: TiledRows, span: tuple[int, int], scores_FC: npt.NDArray[np.int16]
    ) -> tuple[Any, ...]:
        """What both loops take, in order."""
        return (
            scores.blank_P,
            scores.token_P,
            scores.speech_E,
            scores.bases_N,
            scores_FC,
            trellis.speech_T[span[0] : span[1]],
            self.symbols_P,
            self.lookup_H,
            self.firsts_G,
            self.seconds_G,
            self.tables_XG,
            self.joins_P,
            trellis.edges_E,
            self.edge_starts_N,
            self.skip_costs_E,
            self.long_costs_E,
            np.int32(trellis.opening_cost),
            np.int32(trellis.long_opening_cost),
            np.int32(trellis.entry_cost),
            trellis.edge_frames,
            span[0],
            trellis.frames - span[0],
            trellis.pairs,
            self.found_P,
        )


def _twins(symbols_P: Int32, columns: int) -> tuple[npt.NDArray[np.uint32], Int32, Int32]:
    """The distinct neighbours (pair 2i, pair 2i + 1) and where each stands; none where there are too many."""
    both_H = symbols_P[0::2].astype(np.int64) * columns + symbols_P[1::2]
    distinct_G, lookup_H = np.unique(both_H, return_inverse=True)
    if len(distinct_G) > tiles.TWINS_LIMIT:
        none = np.empty(0, np.int32)
        return none.astype(np.uint32), none, none
    first_G, second_G = np.divmod(distinct_G, columns)
    return lookup_H.astype(np.uint32), first_G.astype(np.int32), second_G.astype(np.int32)
