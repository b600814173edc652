"""The forward pass in 32 bits, tile by tile, so that what is in work stays in the first-level cache.

Legend: F frames, C columns of scores, P pairs (a multiple of the tile), H twins of pairs (P / 2), G distinct
twins, E word edges, N tiles, V visits of the edges. See `trellis_kernels` for what is computed.

    frames |  tile 0   tile 1   tile 2         A block of frames runs through one tile, then through the next:
      64   | [------->[------->[------->       all that a tile needs of its left neighbour is that one's last
      64   | [------->[------->[------->       token, frame by frame, and its skipped words, visit by visit.

Each tile counts from its own base, so that no sum outgrows 32 bits however long the recording is. Scores are
looked up for four frames and two neighbouring tokens at once: four 16-bit scores of a token make 64 bits, two
tokens make 128, which are moved as complex numbers.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from prep_corpus.align.viterbi.compiling import compiled
from prep_corpus.align.viterbi.kernels import Array

Int32 = npt.NDArray[np.int32]
Int64 = npt.NDArray[np.int64]

TILE_PAIRS = 512
BLOCK_FRAMES = 64
DEAD_32 = -(1 << 30)
FAR_32 = -(1 << 29)  # a living score may not be this far below the best of its tile
DRIFT_32 = 1 << 27  # dead scores stay within this of DEAD_32 between two rebasings
TWINS_LIMIT = 2048  # more distinct twins than this no longer fit the cache: tokens are looked up one by one
TWINS_PAIRS = 4096  # of fewer pairs so are they: the table of the twins would cost more than it saves


@compiled
def live_tiles(frames: int, frames_left: int, pairs: int, has_edges: bool) -> tuple[int, int]:
    """The first and the last tile that may be reached after some frames, and may still reach the end.

    A path moves by one token a frame at most; with word edges it can leap.
    """
    last = (pairs - 1) // TILE_PAIRS
    if has_edges:
        return 0, last
    return max(0, pairs - 2 - frames_left) // TILE_PAIRS, min(last, frames // TILE_PAIRS)


@compiled
def _gather(out_H: Array, table_G: Array, twins_H: Array) -> None:
    # Unsigned indices, since numba lets signed ones wrap around, which costs more than the look-up.
    for i in range(out_H.shape[0]):
        out_H[i] = table_G[twins_H[i]]


@compiled
def _step_four(blank_P: Array, token_P: Array, scores_2P: Array, joins_P: Array, lefts_4: Array) -> None:
    """Four frames at once, in place; what a pair needs of its left neighbour is carried along in registers.

    Args:
        blank_P, token_P: scores before; changed into those after all four frames.
        scores_2P: each token's scores, 16 bits a frame: two frames in 32 bits, the first in the low ones, then two.
        joins_P: not 0 where a token may follow its predecessor without a blank between.
        lefts_4: the left neighbour's last token before each frame; changed into that of these pairs.
    """
    left_0, left_1, left_2, left_3 = lefts_4[0], lefts_4[1], lefts_4[2], lefts_4[3]
    for p in range(blank_P.shape[0]):
        stay, token_0 = blank_P[p], token_P[p]
        early, late = scores_2P[2 * p], scores_2P[2 * p + 1]
        joins = joins_P[p] != 0
        moved = max(stay, left_0)
        entered = moved if joins else stay
        token_1 = np.int32(max(token_0, entered) + np.int32(np.int16(early)))
        moved_on = max(moved, left_1)
        entered = moved_on if joins else moved
        token_2 = np.int32(max(token_1, entered) + (early >> 16))
        moved = max(moved_on, left_2)
        entered = moved if joins else moved_on
        token_3 = np.int32(max(token_2, entered) + np.int32(np.int16(late)))
        moved_on = max(moved, left_3)
        entered = moved_on if joins else moved
        blank_P[p] = moved_on
        token_P[p] = max(token_3, entered) + (late >> 16)
        left_0, left_1, left_2, left_3 = token_0, token_1, token_2, token_3
    lefts_4[0], lefts_4[1], lefts_4[2], lefts_4[3] = left_0, left_1, left_2, left_3


@compiled
def _step_two(
    blank_P: Array, token_P: Array, scores_2P: Array, half: int, joins_P: Array, lefts_2: Array
) -> None:
    """Two frames, as `_step_four`: those of the first 32 bits of a token's scores, or of the second."""
    left_even, left_odd = lefts_2[0], lefts_2[1]
    for p in range(blank_P.shape[0]):
        stay, token, both = blank_P[p], token_P[p], scores_2P[2 * p + half]
        joins = joins_P[p] != 0
        moved = max(stay, left_even)
        entered = moved if joins else stay
        between = np.int32(max(token, entered) + np.int32(np.int16(both)))
        moved_on = max(moved, left_odd)
        entered = moved_on if joins else moved
        blank_P[p] = moved_on
        token_P[p] = max(between, entered) + (both >> 16)
        left_even, left_odd = token, between
    lefts_2[0], lefts_2[1] = left_even, left_odd


@compiled
def _step_one(
    blank_P: Array, token_P: Array, scores_2P: Array, half: int, joins_P: Array, left_1: Array
) -> None:
    """The recording's last frame, where it has no second."""
    left = left_1[0]
    for p in range(blank_P.shape[0]):
        stay, token = blank_P[p], token_P[p]
        moved = max(stay, left)
        entered = moved if joins_P[p] != 0 else stay
        blank_P[p] = moved
        token_P[p] = max(token, entered) + np.int32(np.int16(scores_2P[2 * p + half]))
        left = token
    left_1[0] = left


@compiled
def _highest(values_P: Array, best: Any) -> Any:
    for p in range(values_P.shape[0]):
        best = max(best, values_P[p])
    return best


@compiled
def _lower(values_P: Array, by: int) -> Any:
    """Count from a base higher by `by`; return how many living scores this left too far below it."""
    far = np.int32(0)
    for p in range(values_P.shape[0]):
        value = values_P[p]
        dead = value < np.int32(DEAD_32 + DRIFT_32)
        lowered = np.int32(value - by)
        far += np.int32((not dead) and lowered < np.int32(FAR_32))
        values_P[p] = np.int32(DEAD_32) if dead else lowered
    return far


@compiled
def _carry(values_F: Array, by: int) -> int:
    """Carry a neighbour's scores over to this tile's base; return how many do not fit."""
    far = 0
    for f in range(values_F.shape[0]):
        if values_F[f] < FAR_32:
            values_F[f] = DEAD_32
        else:
            carried = np.int64(values_F[f]) + by
            far += int(carried < FAR_32 or carried > -FAR_32)
            values_F[f] = max(FAR_32, min(-FAR_32, carried))
    return far


@compiled
def _visit(
    blank_P: Array,
    speech_E: Array,
    edges_E: Array,
    skip_costs_E: Array,
    long_costs_E: Array,
    first_pair: int,
    opening_cost: Any,
    long_opening_cost: Any,
    entry_cost: Any,
    gain: Any,
    chains: Array,
) -> None:
    """`trellis_kernels.visit_edges` for one tile; the two chains of skipped words go on to the next.

    No chain begins where the other ends: the cheaper of the two for each word would have been cheaper all the way.
    """
    chain, long_chain = chains[0], chains[1]
    for e in range(edges_E.shape[0]):
        at = np.uint64(edges_E[e] - first_pair)
        # In 32 bits to the end: numba adds in 64, which takes half as long again.
        speech = np.int32(speech_E[e] + gain)
        skipped = np.int32(chain - skip_costs_E[e])
        long_skipped = np.int32(long_chain - long_costs_E[e])
        said = max(blank_P[at], speech)
        here = max(said, max(skipped, long_skipped))
        chain = max(skipped, np.int32(said - opening_cost))
        long_chain = max(long_skipped, np.int32(said - long_opening_cost))
        blank_P[at] = here
        speech_E[e] = max(speech, np.int32(here - entry_cost))
    chains[0], chains[1] = chain, long_chain


@compiled
def _pack(scores_FC: Array, tables_XC: Array) -> None:
    """One table for each four frames: the scores of one token in these frames, in 64 bits."""
    last = scores_FC.shape[0] - 1
    for x in range(last // 4 + 1):
        for c in range(scores_FC.shape[1]):
            packed = np.int64(scores_FC[min(4 * x + 3, last), c])
            for f in range(4 * x + 2, 4 * x - 1, -1):
                packed = (packed << 16) | (np.int64(scores_FC[min(f, last), c]) & 0xFFFF)
            tables_XC[x, c] = packed


@compiled
def _pack_twins(tables_XC: Array, firsts_G: Array, seconds_G: Array, tables_XG: Array) -> None:
    """The same of two tokens, in 128 bits; `tables_XG` has two places for each twin."""
    for x in range(tables_XC.shape[0]):
        for g in range(firsts_G.shape[0]):
            tables_XG[x, 2 * g] = tables_XC[x, firsts_G[g]]
            tables_XG[x, 2 * g + 1] = tables_XC[x, seconds_G[g]]


@compiled
def _rebase(tile: int, low_tile: int, blank_P: Array, token_P: Array, speech_E: Array, bases_N: Array) -> int:
    best = _highest(token_P, _highest(blank_P, _highest(speech_E, np.int32(DEAD_32))))
    if best < FAR_32:
        if tile > low_tile:
            bases_N[tile] = bases_N[tile - 1]
        best = np.int32(0)
    bases_N[tile] += best
    lowered: int = _lower(blank_P, best) + _lower(token_P, best) + _lower(speech_E, best)
    return lowered


@compiled
def advance_tiles(
    blank_P: Array,
    token_P: Array,
    speech_E: Array,
    bases_N: Array,
    scores_FC: Array,
    gains_F: Array,
    symbols_P: Array,
    lookup_H: Array,
    firsts_G: Array,
    seconds_G: Array,
    tables_XG: Array,
    joins_P: Array,
    edges_E: Array,
    edge_starts_N: Array,
    skip_costs_E: Array,
    long_costs_E: Array,
    opening_cost: Any,
    long_opening_cost: Any,
    entry_cost: Any,
    edge_frames: int,
    start: int,
    frames_left: int,
    pairs: int,
    found_P: Array,
    low_tile: int,
    high_tile: int,
) -> int:
    """Advance all tiles that matter by some frames.

    Args:
        blank_P, token_P, speech_E: scores over the base of their tile; changed.
        bases_N: bases of the tiles, in units; changed.
        scores_FC: blank-normalised scores, in units; all but the recording's last piece must be whole blocks.
        gains_F: gain of untranscribed speech in each frame.
        symbols_P: column of each pair's token.
        lookup_H: place in the tables of each twin of pairs; empty where twins are too many.
        firsts_G, seconds_G: columns of the two tokens of each distinct twin.
        tables_XG: int64, room for the tables of a block's frames.
        joins_P: not 0 where a token may follow its predecessor without a blank between.
        edges_E, skip_costs_E, long_costs_E: see `trellis_kernels.visit_edges`.
        opening_cost, long_opening_cost, entry_cost: likewise.
        edge_frames: frames between two visits of the edges: even, and a divisor of `BLOCK_FRAMES`.
        edge_starts_N: first edge of each tile, and the number of edges.
        start: the first frame's number.
        frames_left: frames from the first one to the recording's end.
        pairs: pairs that are not padding.
        found_P: int64, room for the scores of one tile's tokens.
        low_tile, high_tile: the tiles that are followed; all that may be reached and may reach the end where -1.

    Returns:
        How many living scores were too far below their neighbours' for 32 bits; where there are any, the
        result is worthless.
    """
    columns = scores_FC.shape[1]
    tile_pairs = TILE_PAIRS
    found_H, found_2P = found_P.view(np.complex128), found_P.view(np.int32)
    twins_XG = tables_XG.view(np.complex128)
    tables_XC = np.empty((BLOCK_FRAMES // 4, columns), np.int64)
    right_F = np.empty(BLOCK_FRAMES, np.int32)
    chains_V2 = np.empty((BLOCK_FRAMES // edge_frames, 2), np.int32)
    has_edges = edges_E.shape[0] > 0
    fours = not has_edges or edge_frames % 4 == 0
    far = 0
    for block in range(0, scores_FC.shape[0], BLOCK_FRAMES):
        count = min(BLOCK_FRAMES, scores_FC.shape[0] - block)
        low, _ = live_tiles(start + block, frames_left - block, pairs, has_edges)
        _, high = live_tiles(start + block + count, frames_left - block - count, pairs, has_edges)
        if low_tile >= 0:
            low, high = low_tile, high_tile
        twins = firsts_G.shape[0] > 0 and (high + 1 - low) * tile_pairs >= TWINS_PAIRS
        _pack(scores_FC[block : block + count], tables_XC)
        if twins:
            _pack_twins(tables_XC[: (count + 3) // 4], firsts_G, seconds_G, tables_XG)
        closing = block + count == frames_left
        right_F[:] = DEAD_32
        chains_V2[:] = DEAD_32
        for tile in range(low, high + 1):
            first = tile * tile_pairs
            blank = blank_P[first : first + tile_pairs]
            token = token_P[first : first + tile_pairs]
            joins = joins_P[first : first + tile_pairs]
            symbols = symbols_P[first : first + tile_pairs]
            lookup = lookup_H[first // 2 : (first + tile_pairs) // 2]
            e0, e1 = edge_starts_N[tile], edge_starts_N[tile + 1]
            far += _rebase(tile, low, blank, token, speech_E[e0:e1], bases_N)
            if tile > low:
                by = bases_N[tile - 1] - bases_N[tile]
                far += _carry(right_F[:count], by)
                far += _carry(chains_V2.reshape(-1), by)
            gain = np.int32(0)
            f = 0
            while f < count:
                if f % 4 == 0:
                    if twins:
                        _gather(found_H, twins_XG[f // 4], lookup)
                    else:
                        _gather(found_P, tables_XC[f // 4], symbols)
                if fours and f + 4 <= count:
                    after = f + 4
                    _step_four(blank, token, found_2P, joins, right_F[f:after])
                else:
                    after = min(f + 2, count)
                    half = f // 2 % 2
                    if f + 2 <= count:
                        _step_two(blank, token, found_2P, half, joins, right_F[f:after])
                    else:
                        _step_one(blank, token, found_2P, half, joins, right_F[f:after])
                for g in range(f, after):
                    gain += gains_F[block + g]
                if has_edges and (after % edge_frames == 0 or (closing and after == count)):
                    _visit(
                        blank,
                        speech_E[e0:e1],
                        edges_E[e0:e1],
                        skip_costs_E[e0:e1],
                        long_costs_E[e0:e1],
                        first,
                        opening_cost,
                        long_opening_cost,
                        entry_cost,
                        gain,
                        chains_V2[f // edge_frames],
                    )
                    gain = np.int32(0)
                f = after
    return far


def aligned(count: int) -> Int32:
    """An array that starts on a cache line."""
    raw = np.empty(count * 4 + 64, np.uint8)
    offset = -raw.ctypes.data % 64
    return raw[offset : offset + count * 4].view(np.int32)
