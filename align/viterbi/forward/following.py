"""The forward pass through the tiles that matter, block by block, without a word of Python between two blocks.

Legend: F frames of a chunk, P pairs, E word edges, N tiles, B blocks, X bins of costs, C, H and G as in `tiles`.
"""

from __future__ import annotations

from typing import Any

from prep_corpus.align.viterbi.compiling import compiled
from prep_corpus.align.viterbi.forward.alive import narrow_tiles
from prep_corpus.align.viterbi.forward.tiles import BLOCK_FRAMES, TILE_PAIRS, advance_tiles
from prep_corpus.align.viterbi.kernels import Array


@compiled
def follow_tiles(
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
    gains_B: Array,
    places_BX: Array,
    width: int,
    skip: int,
    least: int,
    beam: int,
    pace: int,
    span_2: Array,
    missed_1: Array,
    followed_1: Array,
    tops_N: Array,
) -> int:
    """Before each block of a chunk narrow the tiles, then advance those that are alive.

    Args:
        blank_P to found_P: as in `advance_tiles`.
        gains_B, places_BX: of the blocks of the whole recording, see `Ceiling`.
        width, skip, least, beam, pace, span_2, missed_1, tops_N: as in `narrow_tiles`.
        followed_1: frames times pairs that were followed so far; changed.

    Returns:
        As `advance_tiles` does, of the first block where it is not 0.
    """
    for block in range(0, scores_FC.shape[0], BLOCK_FRAMES):
        end = min(block + BLOCK_FRAMES, scores_FC.shape[0])
        number = (start + block) // BLOCK_FRAMES
        narrow_tiles(
            blank_P,
            token_P,
            speech_E,
            bases_N,
            edges_E,
            edge_starts_N,
            pairs,
            gains_B[number],
            places_BX[number],
            width,
            skip,
            least,
            beam,
            pace,
            span_2,
            missed_1,
            tops_N,
        )
        followed_1[0] += (end - block) * (span_2[1] - span_2[0] + 1) * TILE_PAIRS
        far = advance_tiles(
            blank_P,
            token_P,
            speech_E,
            bases_N,
            scores_FC[block:end],
            gains_F[block:end],
            symbols_P,
            lookup_H,
            firsts_G,
            seconds_G,
            tables_XG,
            joins_P,
            edges_E,
            edge_starts_N,
            skip_costs_E,
            long_costs_E,
            opening_cost,
            long_opening_cost,
            entry_cost,
            edge_frames,
            start + block,
            frames_left - block,
            pairs,
            found_P,
            span_2[0],
            span_2[1],
        )
        if far:
            return far
    return 0
