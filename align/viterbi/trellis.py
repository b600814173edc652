"""One recording's emissions beside its tokens, and the scores of a strip of the trellis between them.

Legend: T frames, C classes of the model, F frames of a block, P pairs (L + 1), E word edges, V visits of the
edges. What a pair and an edge are: see `trellis_kernels`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from prep_corpus.align.viterbi import halves, kernels
from prep_corpus.align.viterbi.kernels import BLANK, DEAD, SPEECH

UNITS_PER_NAT = 512
CHUNK_FRAMES = 1024  # frames whose scores are held at a time
FLOOR_NATS = -63.0  # log-probs below count as this, so that a difference of two fits 16 bits

Int32 = npt.NDArray[np.int32]
Int64 = npt.NDArray[np.int64]
State = tuple[int, int]  # kind and pair


@dataclass(frozen=True, kw_only=True)
class Trellis:
    """One recording's emissions beside its tokens.

    Attributes:
        log_probs_TC: natural log-probabilities, float16 or float32.
        columns: the classes in use, in increasing order.
        blank: the blank's class.
        symbols_P: position in `columns` of each pair's token; that of the last pair is the extra column that
            is never said.
        joins_P: 1 where a token may follow its predecessor without a blank.
        edges_E: pair of each word edge; empty where no path may leave text or audio.
        skip_costs_E, long_costs_E: cost, in units, of leaving out the word that ends at the edge, in a short
            and in a long run of such words.
        opening_cost, long_opening_cost: cost, in units, of such a run.
        entry_cost: cost, in units, of entering untranscribed speech.
        speech_T: blank-normalised score of untranscribed speech, in units; zeros without edges.
        edge_frames: frames between two visits of the edges: even, and a divisor of a block of frames.
    """

    log_probs_TC: npt.NDArray[np.float32] | npt.NDArray[np.float16]
    columns: Int64
    blank: int
    symbols_P: npt.NDArray[np.int32]
    joins_P: npt.NDArray[np.uint8]
    edges_E: Int64
    skip_costs_E: Int64
    long_costs_E: Int64
    opening_cost: int
    long_opening_cost: int
    entry_cost: int
    speech_T: npt.NDArray[np.int32]
    edge_frames: int

    @property
    def frames(self) -> int:
        """Frames of the recording."""
        return int(self.log_probs_TC.shape[0])

    @property
    def pairs(self) -> int:
        """Tokens, and one for the blank after the last."""
        return int(self.symbols_P.shape[0])

    def log_probs(self, span: tuple[int, int], columns: Int64) -> npt.NDArray[np.float32]:
        """Log-probs of a span of frames: the given columns, then the blank; none under the floor."""
        rows, classes = self.log_probs_TC[span[0] : span[1]], np.append(columns, self.blank)
        if rows.dtype == np.float16:
            nats_FC = np.empty((len(rows), len(classes)), np.float32)
            halves.read_nats(rows.view(np.uint16), classes, halves.nats_of_halves(FLOOR_NATS), nats_FC)
            return nats_FC
        kept = rows[:, classes].astype(np.float32)
        return np.maximum(kept, np.float32(FLOOR_NATS), out=kept)

    def scores(self, span: tuple[int, int], columns: Int64) -> npt.NDArray[np.int16]:
        """Blank-normalised scores of a span of frames in units, with a last column never said."""
        if self.log_probs_TC.dtype == np.float16:
            bits_FX = self.log_probs_TC[span[0] : span[1]].view(np.uint16)
            scores_FC = np.empty((len(bits_FX), len(columns) + 1), np.int16)
            units = np.float32(UNITS_PER_NAT)
            if not halves.read_units(
                bits_FX, columns, self.blank, halves.nats_of_halves(FLOOR_NATS), units, scores_FC
            ):
                raise _not_numbers(span)
            return scores_FC
        kept = self.log_probs(span, columns)
        kept -= kept[:, -1:].copy()
        kept[:, -1] = -np.inf
        kept *= UNITS_PER_NAT
        if np.isnan(kept).any():
            raise _not_numbers(span)
        np.rint(kept, out=kept)
        return np.clip(kept, -32768, 32767, out=kept).astype(np.int16)

    def narrowed(self, low: int, high: int) -> tuple[Int64, Int64]:
        """The columns of the pairs [low, high), and for each pair the place of its own; the extra one is last."""
        if low == 0 and high == self.pairs:
            return self.columns, self.symbols_P.astype(np.int64)
        distinct, symbols_P = distinct_numbers(self.symbols_P[low:high], len(self.columns) + 1)
        return self.columns[distinct[distinct < len(self.columns)]], symbols_P


def distinct_numbers(numbers_P: npt.NDArray[np.integer], limit: int) -> tuple[Int64, Int64]:
    """The distinct ones of numbers in [0, limit), rising, and which of them each is; sorting takes thrice as long."""
    is_there = np.zeros(limit, np.bool_)
    is_there[numbers_P] = True
    return np.flatnonzero(is_there), (np.cumsum(is_there) - 1)[numbers_P]


def _not_numbers(span: tuple[int, int]) -> ValueError:
    return ValueError(f"log-probs must be numbers: there is a NaN in frames {span[0]} to {span[1]}")


def blocks(start: int, end: int, frames: int) -> Iterator[tuple[int, int]]:
    """Half-open spans of at most `frames` frames that cover [start, end)."""
    for low in range(start, end, frames):
        yield low, min(low + frames, end)


@dataclass
class Rows:
    """Scores of the pairs [low, low + len(blank_P)) and of the edges among them, in 64 bits."""

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
        """The pairs [low, high), all of which must be held."""
        own = np.searchsorted(trellis.edges_E, self.low)
        first, last = np.searchsorted(trellis.edges_E, (low, high)) - own
        pairs = slice(low - self.low, high - self.low)
        return Rows(
            low, self.blank_P[pairs].copy(), self.token_P[pairs].copy(), self.speech_E[first:last].copy()
        )

    def advance(
        self, trellis: Trellis, start: int, end: int, keep: bool
    ) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8]]:
        """Advance by the frames [start, end), keeping the way back if asked: see `trace_rows`."""
        pairs = len(self.blank_P)
        high = self.low + pairs
        first, last = np.searchsorted(trellis.edges_E, (self.low, high))
        visits = -(-(end - start) // trellis.edge_frames)
        moves_FP = np.empty((end - start, pairs) if keep else (0, 0), np.uint8)
        moves_VE = np.empty((visits, last - first if keep else 0), np.uint8)
        columns, symbols_P = trellis.narrowed(self.low, high)
        for chunk in blocks(start, end, CHUNK_FRAMES):
            rows = slice(chunk[0] - start, chunk[1] - start)
            kernels.advance_rows(
                self.blank_P,
                self.token_P,
                self.speech_E,
                trellis.scores(chunk, columns),
                trellis.speech_T[chunk[0] : chunk[1]],
                symbols_P,
                trellis.joins_P[self.low : high],
                trellis.edges_E[first:last] - self.low,
                trellis.skip_costs_E[first:last],
                trellis.long_costs_E[first:last],
                trellis.opening_cost,
                trellis.long_opening_cost,
                trellis.entry_cost,
                trellis.edge_frames,
                chunk[1] == trellis.frames,
                moves_FP[rows],
                moves_VE[rows.start // trellis.edge_frames :],
            )
        return moves_FP, moves_VE


def first_rows(trellis: Trellis) -> Rows:
    """Scores before the first frame."""
    blank_P = np.full(trellis.pairs, DEAD, np.int64)
    blank_P[0] = 0
    speech_E = np.full(len(trellis.edges_E), DEAD, np.int64)
    none = np.empty(0, np.uint8)
    kernels.visit_edges(
        blank_P,
        speech_E,
        trellis.edges_E,
        trellis.skip_costs_E,
        trellis.long_costs_E,
        trellis.opening_cost,
        trellis.long_opening_cost,
        trellis.entry_cost,
        0,
        none,
    )
    return Rows(0, blank_P, np.full(trellis.pairs, DEAD, np.int64), speech_E)
