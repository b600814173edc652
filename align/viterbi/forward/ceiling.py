"""The most that a path can still gain, from what is left of the audio and of the text.

With it a search leaves out what cannot be on the best path, and proves it: a state is left out if its score and all
that it may still gain stay under the score of a path that is known.

In every frame a path gains at most what the frame's best symbol does. And each token of the text begins in a frame of
its own, which costs what that frame loses by saying a token at all:

    greedy      _ _ t t _ h e e _ _ |      a run of one symbol has one place for a token that costs nothing,
    places          0 .   0 0 .     0      and more of them at half of what the run loses by another symbol or a blank;
    elsewhere   5 3     2       4 6        a frame of blank loses what its best token is short of the blank

So whoever has more tokens left than there are places at no cost pays for each, or for leaving it out of the text.

Why half: between two tokens of the same symbol that begin in a run stands a frame of another symbol. So of n tokens
that begin in a run at least (n - 1) / 2 frames lose.

Legend: T frames, F frames of a chunk, C columns of scores, B blocks of frames, X bins of costs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from prep_corpus.align.viterbi.compiling import compiled
from prep_corpus.align.viterbi.forward.tiles import BLOCK_FRAMES
from prep_corpus.align.viterbi.kernels import Array
from prep_corpus.align.viterbi.trellis import CHUNK_FRAMES, UNITS_PER_NAT, Int32, Int64, Trellis, blocks

PLAIN_SKIP_UNITS = round(6.0 * UNITS_PER_NAT)
"""What leaving out a token is taken to cost where none may be left out."""

COST_BINS = 64
"""Places for tokens are counted by what they cost, to a 64th of leaving a token out."""


@dataclass(frozen=True, kw_only=True)
class Ceiling:
    """What a path may still gain at the start of each block of frames.

    Attributes:
        gains_B: int64 [B + 1], sums of the best gains of all frames from the block on, in units.
        places_BX: int32 [B + 1, X], places for tokens in these frames; those of bin x cost at least x * `width`.
        width: of a bin, in units.
        skip: what leaving a token out of the text costs at least, in units.
    """

    gains_B: Int64
    places_BX: Int32
    width: int
    skip: int

    @classmethod
    def of(cls, trellis: Trellis) -> Ceiling:
        """For a trellis."""
        skip = _least_skip(trellis)
        width = max(1, -(-skip // COST_BINS))
        count = -(-trellis.frames // BLOCK_FRAMES)
        gains_B = np.zeros(count + 1, np.int64)
        places_BX = np.zeros((count + 1, COST_BINS), np.int32)
        for start, end in blocks(0, trellis.frames, CHUNK_FRAMES):
            first = start // BLOCK_FRAMES
            count_places(
                trellis.scores((start, end), trellis.columns),
                trellis.speech_T[start:end],
                width,
                gains_B[first:],
                places_BX[first:],
            )
        gains_B[:] = np.cumsum(gains_B[::-1])[::-1]
        np.cumsum(places_BX[::-1], axis=0, out=places_BX[::-1])
        return cls(gains_B=gains_B, places_BX=places_BX, width=width, skip=skip)


def _least_skip(trellis: Trellis) -> int:
    """What leaving out a token costs at least, whatever the words are.

    Where no token may be left out, a bound that allows it holds all the more.
    """
    if not len(trellis.edges_E):
        return PLAIN_SKIP_UNITS
    lengths_E = np.diff(trellis.edges_E)
    costs_E = np.minimum(trellis.skip_costs_E[1:], trellis.long_costs_E[1:])
    return int((costs_E // np.maximum(lengths_E, 1)).min())


@compiled
def count_places(scores_FC: Array, gains_F: Array, width: int, gains_B: Array, places_BX: Array) -> None:
    """Add up the best gains, and the places for tokens by cost, of each block.

    Args:
        scores_FC: blank-normalised scores in units, whole blocks but for the last; the last column is never said.
        gains_F: gain of untranscribed speech in each frame.
        width: of a bin.
        gains_B, places_BX: of the blocks, from the first of the chunk; changed.
    """
    symbol, places, first_loss, other_loss = -1, 0, np.int64(0), np.int64(0)
    for f in range(scores_FC.shape[0]):
        best, second, best_symbol = np.int64(-(1 << 40)), np.int64(-(1 << 40)), -1
        for c in range(scores_FC.shape[1] - 1):
            score = np.int64(scores_FC[f, c])
            if score > best:
                best, second, best_symbol = score, best, c
            elif score > second:
                second = score
        most = max(np.int64(0), best, np.int64(gains_F[f]))
        gains_B[f // BLOCK_FRAMES] += most
        is_run = best >= 0
        if places and (not is_run or best_symbol != symbol or f % BLOCK_FRAMES == 0):
            _close_run(places, first_loss, other_loss, width, places_BX[(f - 1) // BLOCK_FRAMES])
            places = 0
        if not is_run:
            _close_run(1, most - best, np.int64(0), width, places_BX[f // BLOCK_FRAMES])
            continue
        other = most - max(second, np.int64(0))
        if places == 0:
            symbol, first_loss, other_loss = best_symbol, most - best, other
        places += 1
        first_loss, other_loss = min(first_loss, most - best), min(other_loss, other)
    if places:
        _close_run(places, first_loss, other_loss, width, places_BX[(scores_FC.shape[0] - 1) // BLOCK_FRAMES])


@compiled
def _close_run(places: int, first_loss: Any, other_loss: Any, width: int, places_X: Array) -> None:
    at = first_loss // width
    if at < places_X.shape[0]:
        places_X[at] += 1
    at = other_loss // 2 // width
    if places > 1 and at < places_X.shape[0]:
        places_X[at] += places - 1
