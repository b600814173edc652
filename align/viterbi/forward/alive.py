"""Which tiles of the trellis are followed: those that a path may reach, and from which it may end well enough.

Legend: F frames, P pairs, E word edges, N tiles, X bins of costs or parts of a tile. See `kernels` for what a pair and
an edge are.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from prep_corpus.align.viterbi.compiling import compiled
from prep_corpus.align.viterbi.forward.tiles import BLOCK_FRAMES, DEAD_32, FAR_32, TILE_PAIRS
from prep_corpus.align.viterbi.kernels import Array

NOTHING = -(1 << 60)  # less than any score
PART_PAIRS = 128  # how finely the last tile is looked at


@compiled
def still_gained(gains: Any, places_X: Array, width: Any, skip: Any, tokens: Any) -> Any:
    """The most that a path may still gain with so many tokens left; see `ceiling`.

    Args:
        gains: best gains of the frames that are left, added up.
        places_X: places for tokens in these frames, by what they cost.
        width: of a bin of costs.
        skip: least cost of leaving out a token.
        tokens: how many tokens it must still say or leave out.
    """
    for x in range(places_X.shape[0]):
        taken = min(np.int64(places_X[x]), tokens)
        gains -= taken * min(x * width, skip)
        tokens -= taken
        if tokens == 0:
            break
    return gains - tokens * skip


@compiled
def _top(blank_P: Array, token_P: Array, speech_E: Array, base: Any) -> Any:
    best = np.int32(DEAD_32)
    for values_P in (blank_P, token_P, speech_E):
        for p in range(values_P.shape[0]):
            best = max(best, values_P[p])
    return base + np.int64(best) if best >= FAR_32 else np.int64(NOTHING)


@compiled
def _reached(tops_N: Array, low: int, high: int, parts_X: Array, target: int, skip: int) -> Any:
    """The most that a path may have at a pair to the right of all tiles that are alive, but for what it gains.

    In a block of frames it moves by one token a frame at most; all else it must leave out.
    """
    first = high * TILE_PAIRS
    most = np.int64(NOTHING)
    for x in range(parts_X.shape[0]):
        away = target - (first + (x + 1) * PART_PAIRS) - BLOCK_FRAMES
        most = max(most, parts_X[x] - skip * max(0, away))
    for tile in range(low, high):
        most = max(most, tops_N[tile] - skip * max(0, target - (tile + 1) * TILE_PAIRS - BLOCK_FRAMES))
    return most


@compiled
def _parts(
    blank_P: Array, token_P: Array, speech_E: Array, edges_E: Array, first: int, base: int, parts_X: Array
) -> None:
    """The best score in each part of a tile."""
    for x in range(parts_X.shape[0]):
        part = slice(x * PART_PAIRS, (x + 1) * PART_PAIRS)
        parts_X[x] = _top(blank_P[part], token_P[part], speech_E[:0], base)
    for e in range(edges_E.shape[0]):
        x = (edges_E[e] - first) // PART_PAIRS
        if speech_E[e] >= FAR_32:
            parts_X[x] = max(parts_X[x], base + np.int64(speech_E[e]))


@compiled
def narrow_tiles(
    blank_P: Array,
    token_P: Array,
    speech_E: Array,
    bases_N: Array,
    edges_E: Array,
    edge_starts_N: Array,
    pairs: int,
    gains: int,
    places_X: Array,
    width: int,
    skip: int,
    least: int,
    beam: int,
    pace: int,
    span_2: Array,
    missed_1: Array,
    tops_N: Array,
) -> None:
    """Give up the tiles from which no path can end well enough; take in those that one may reach in the next block.

    Args:
        blank_P, token_P, speech_E, bases_N: as in `advance_tiles`; scores of tiles given up on the right are changed.
        edges_E, edge_starts_N: likewise.
        pairs: pairs that are not padding.
        gains, places_X, width, skip: as in `still_gained`, from the next block on.
        least: a path must be able to end with this score.
        beam: where it is not 0 another rule holds: a path may be so much behind the best one now,
        pace: if each token that is left counts for so much.
        span_2: first and last tile that are alive; changed.
        missed_1: the best end that a path through what was given up might have had; changed.
        tops_N: room for one score of each tile.
    """
    low, high = span_2[0], span_2[1]
    limits_N = np.empty(high - low + 1, np.int64)
    ranks_N = np.empty(high - low + 1, np.int64)
    bar: Any = np.int64(least)
    for tile in range(low, high + 1):
        first, end = tile * TILE_PAIRS, (tile + 1) * TILE_PAIRS
        e0, e1 = edge_starts_N[tile], edge_starts_N[tile + 1]
        top = _top(blank_P[first:end], token_P[first:end], speech_E[e0:e1], bases_N[tile])
        left = max(0, pairs - 1 - end)
        limit: Any = np.int64(NOTHING)
        rank: Any = limit
        if top > NOTHING:
            limit = top + still_gained(gains, places_X, width, skip, left)
            rank = top - pace * left if beam > 0 else limit
        tops_N[tile], limits_N[tile - low], ranks_N[tile - low] = top, limit, rank
        if beam > 0:
            bar = max(bar, rank - beam)
    first_tile = low
    while low < high and ranks_N[low - first_tile] < bar:
        missed_1[0] = max(missed_1[0], limits_N[low - first_tile])
        low += 1
    while high > low and ranks_N[high - first_tile] < bar:
        missed_1[0] = max(missed_1[0], limits_N[high - first_tile])
        blank_P[high * TILE_PAIRS : (high + 1) * TILE_PAIRS] = DEAD_32
        token_P[high * TILE_PAIRS : (high + 1) * TILE_PAIRS] = DEAD_32
        speech_E[edge_starts_N[high] : edge_starts_N[high + 1]] = DEAD_32
        high -= 1
    first, end = high * TILE_PAIRS, (high + 1) * TILE_PAIRS
    e0, e1 = edge_starts_N[high], edge_starts_N[high + 1]
    parts_X = np.empty(TILE_PAIRS // PART_PAIRS, np.int64)
    _parts(
        blank_P[first:end], token_P[first:end], speech_E[e0:e1], edges_E[e0:e1], first, bases_N[high], parts_X
    )
    alive = high
    for tile in range(high + 1, (pairs - 1) // TILE_PAIRS + 1):
        reached = _reached(tops_N, low, alive, parts_X, tile * TILE_PAIRS, skip)
        left = max(0, pairs - 1 - (tile + 1) * TILE_PAIRS)
        limit = reached + still_gained(gains, places_X, width, skip, left)
        rank = reached - pace * (pairs - tile * TILE_PAIRS) if beam > 0 else limit
        if rank >= bar:
            high = tile
            continue
        # Those behind it are farther away by as much as they can gain by it, but for the steps of one block.
        limit += skip * BLOCK_FRAMES
        missed_1[0] = max(missed_1[0], limit)
        if rank + skip * BLOCK_FRAMES < bar:
            break
    span_2[0], span_2[1] = low, high
