"""Compiled loops of the CTC trellis.

Legend: F frames of one block, C columns of the block's scores, P pairs, E word edges, V visits of the edges.

Pair p is the blank before token p, and token p; the last pair is the blank after the last token. Blank scores
are subtracted from every frame, so that a frame in blank costs nothing:

    blank'[p] = max(blank[p], token[p-1])
    token'[p] = max(token[p], blank'[p] if token p differs from token p-1 else blank[p]) + score[symbol of p]

A word edge is the blank before a word's first token, or the blank after the last word. Only there, and only
every `edge_frames` frames, may a path leave the text (untranscribed speech) or the audio (unspoken words):

    blank'[e]  = max(blank[e], speech[e] + gain since then, skip[e], long[e])
    skip[e+1]  = max(skip[e], blank'[e] - opening cost) - cost of the word between
    long[e+1]  = the same with a higher opening cost and lower costs of words
    speech'[e] = max(speech[e] + gain since then, blank'[e] - entry cost)
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from prep_corpus.align.viterbi.compiling import compiled

Array = npt.NDArray[Any]

DEAD = -(1 << 60)  # a state that no path has reached; far from overflow after any number of frames

BLANK, TOKEN, SPEECH = 0, 1, 2  # the three kinds of state

# What a cell remembers on the way back.
BLANK_FROM_TOKEN = 1
TOKEN_FROM_BLANK = 2
TOKEN_FROM_TOKEN = 4
# What an edge remembers.
EDGE_FROM_SKIP = 1
EDGE_FROM_SPEECH = 2
SPEECH_FROM_EDGE = 4
EDGE_OPENS_SKIP = 8  # the words skipped from here on are the first of their run
EDGE_FROM_LONG = 16
EDGE_OPENS_LONG = 32


@compiled
def visit_edges(
    blank_P: Array,
    speech_E: Array,
    edges_E: Array,
    skip_costs_E: Array,
    long_costs_E: Array,
    opening_cost: int,
    long_opening_cost: int,
    entry_cost: int,
    gain: int,
    moves_E: Array,
) -> None:
    """Let every word edge be reached by skipped words and by untranscribed speech, and speech be entered.

    Args:
        blank_P: scores of the blanks; changed.
        speech_E: scores of untranscribed speech at each edge; changed.
        edges_E: pair of each edge, counted from the first element of blank_P.
        skip_costs_E, long_costs_E: cost of the word that ends at each edge, in a short and in a long run.
        opening_cost, long_opening_cost: cost of each run of skipped words.
        entry_cost: cost of entering untranscribed speech.
        gain: what untranscribed speech gained since the last visit.
        moves_E: how each edge was reached; empty where nobody asks.
    """
    keep = moves_E.shape[0] > 0
    chain = long_chain = DEAD
    for e in range(edges_E.shape[0]):
        move = 0
        here = blank_P[edges_E[e]]
        speech = speech_E[e] + gain
        if speech > here:
            here = speech
            move = EDGE_FROM_SPEECH
        skipped = chain - skip_costs_E[e]
        if skipped > here:
            here = skipped
            move = EDGE_FROM_SKIP
        long_skipped = long_chain - long_costs_E[e]
        if long_skipped > here:
            here = long_skipped
            move = EDGE_FROM_LONG
        chain, long_chain = skipped, long_skipped
        if here - opening_cost > skipped:
            chain = here - opening_cost
            move |= EDGE_OPENS_SKIP
        if here - long_opening_cost > long_skipped:
            long_chain = here - long_opening_cost
            move |= EDGE_OPENS_LONG
        if here - entry_cost > speech:
            speech = here - entry_cost
            move |= SPEECH_FROM_EDGE
        blank_P[edges_E[e]] = here
        speech_E[e] = speech
        if keep:
            moves_E[e] = move


@compiled
def _step(blank_P: Array, token_P: Array, next_P: Array, gather_P: Array, joins_P: Array) -> None:
    for p in range(1, blank_P.shape[0]):
        stay = blank_P[p]
        moved = max(stay, token_P[p - 1])
        entered = moved if joins_P[p] else stay
        blank_P[p] = moved
        next_P[p] = max(token_P[p], entered) + gather_P[p]


@compiled
def _step_moves(
    blank_P: Array, token_P: Array, next_P: Array, gather_P: Array, joins_P: Array, moves_P: Array
) -> None:
    for p in range(1, blank_P.shape[0]):
        stay = blank_P[p]
        before = token_P[p - 1]
        moved = max(stay, before)
        entered = moved if joins_P[p] else stay
        blank_P[p] = moved
        next_P[p] = max(token_P[p], entered) + gather_P[p]
        from_token = np.uint8(before > stay)
        from_before = np.uint8(entered > token_P[p])
        direct = from_token & joins_P[p]
        moves_P[p] = from_token | (from_before << (np.uint8(1) + direct))


@compiled
def advance_rows(
    blank_P: Array,
    token_P: Array,
    speech_E: Array,
    scores_FC: Array,
    gains_F: Array,
    symbols_P: Array,
    joins_P: Array,
    edges_E: Array,
    skip_costs_E: Array,
    long_costs_E: Array,
    opening_cost: int,
    long_opening_cost: int,
    entry_cost: int,
    edge_frames: int,
    closing: bool,
    moves_FP: Array,
    moves_VE: Array,
) -> None:
    """Advance a strip of pairs by a block of frames, in 64 bits.

    Args:
        blank_P, token_P, speech_E: scores before the block; changed into those after it.
        scores_FC: blank-normalised scores of the block, in units.
        gains_F: gain of untranscribed speech in each frame.
        symbols_P: column of each pair's token.
        joins_P: 1 where a token may follow its predecessor without a blank between.
        edges_E, skip_costs_E, long_costs_E, opening_cost, long_opening_cost, entry_cost: see `visit_edges`.
        edge_frames: frames between two visits of the edges.
        closing: whether the recording ends with the block, so that the edges are visited once more.
        moves_FP, moves_VE: receive the way back; empty where nobody asks.
    """
    frames, pairs = scores_FC.shape[0], blank_P.shape[0]
    next_P = np.empty_like(token_P)
    gather_P = np.empty_like(token_P)
    keep = moves_FP.shape[0] > 0
    gain = 0
    visit = 0
    for f in range(frames):
        row = scores_FC[f]
        for p in range(pairs):
            gather_P[p] = row[symbols_P[p]]
        # The strip's first pair has no neighbour on the left.
        next_P[0] = max(token_P[0], blank_P[0]) + gather_P[0]
        if keep:
            moves_FP[f, 0] = TOKEN_FROM_BLANK if blank_P[0] > token_P[0] else 0
            _step_moves(blank_P, token_P, next_P, gather_P, joins_P, moves_FP[f])
        else:
            _step(blank_P, token_P, next_P, gather_P, joins_P)
        token_P, next_P = next_P, token_P
        gain += gains_F[f]
        if (f + 1) % edge_frames == 0 or (closing and f + 1 == frames):
            visit_edges(
                blank_P,
                speech_E,
                edges_E,
                skip_costs_E,
                long_costs_E,
                opening_cost,
                long_opening_cost,
                entry_cost,
                gain,
                moves_VE[visit],
            )
            gain = 0
            visit += 1
    if frames % 2:
        next_P[:] = token_P


@compiled
def _edge_from(edges_E: Array, pair: int) -> int:
    """The first edge at a pair or after it; `np.searchsorted` would bring SciPy into each process."""
    low, high = 0, edges_E.shape[0]
    while low < high:
        middle = (low + high) // 2
        if edges_E[middle] < pair:
            low = middle + 1
        else:
            high = middle
    return low


@compiled
def trace_rows(
    moves_FP: Array,
    moves_VE: Array,
    edges_E: Array,
    edge_frames: int,
    closing: bool,
    kind: int,
    pair: int,
    path_F: Array,
) -> tuple[int, int]:
    """Walk back through a strip.

    Args:
        moves_FP, moves_VE: what `advance_rows` kept.
        edges_E: pair of each edge, counted from the strip's first.
        edge_frames, closing: as in `advance_rows`.
        kind, pair: the state after the block (for SPEECH the pair of its edge).
        path_F: receives 2 * pair for blank, 2 * pair + 1 for a token, -1 - pair for untranscribed speech.

    Returns:
        Kind and pair of the state before the block.
    """
    frames = moves_FP.shape[0]
    for f in range(frames - 1, -1, -1):
        visited = (f + 1) % edge_frames == 0 or (closing and f + 1 == frames)
        if visited and kind != TOKEN and edges_E.shape[0]:
            e = _edge_from(edges_E, pair)
            if e < edges_E.shape[0] and edges_E[e] == pair:
                visit = f // edge_frames
                if kind == SPEECH and moves_VE[visit, e] & SPEECH_FROM_EDGE:
                    kind = BLANK
                if kind == BLANK:
                    leap = moves_VE[visit, e] & (EDGE_FROM_SKIP | EDGE_FROM_LONG)
                    if leap:
                        opens = EDGE_OPENS_SKIP if leap == EDGE_FROM_SKIP else EDGE_OPENS_LONG
                        e -= 1
                        while not moves_VE[visit, e] & opens:
                            e -= 1
                    if moves_VE[visit, e] & EDGE_FROM_SPEECH:
                        kind = SPEECH
                pair = edges_E[e]
        if kind == SPEECH:
            path_F[f] = -1 - pair
            continue
        move = moves_FP[f, pair]
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
    return kind, pair
