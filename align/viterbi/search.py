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

import numpy as np
import numpy.typing as npt

from prep_corpus.align.viterbi import kernels
from prep_corpus.align.viterbi.checkpoints import HELD_BYTES, Checkpoints, checkpoints
from prep_corpus.align.viterbi.forward.alive import NOTHING
from prep_corpus.align.viterbi.forward.ceiling import Ceiling
from prep_corpus.align.viterbi.forward.rows import Bar, Checkpoint, forward
from prep_corpus.align.viterbi.forward.tiles import BLOCK_FRAMES, TILE_PAIRS
from prep_corpus.align.viterbi.kernels import BLANK, DEAD, TOKEN
from prep_corpus.align.viterbi.trellis import (
    Int32,
    Rows,
    State,
    Trellis,
    blocks,
    first_rows,
)

DIRECT_CELLS = 1 << 22  # a trellis of this many cells, in bytes and frames x pairs, is kept whole
NARROW_PAIRS = 8 * TILE_PAIRS  # of fewer pairs all tiles are followed
PACE = 0.5  # what a first pass takes saying a token to be worth, of what leaving it out costs
BEAM_TOKENS = 500  # a first pass gives up what is behind the best by the cost of leaving out so many tokens


def _forward_wide(trellis: Trellis, spacing: int, kept: Checkpoints[Checkpoint]) -> None:
    """Keep the scores after every `spacing` frames, and after the last, in 64 bits."""
    rows = first_rows(trellis)
    for start, end in blocks(0, trellis.frames, spacing):
        kept.push(rows.strip(trellis, 0, trellis.pairs))
        rows.advance(trellis, start, end, keep=False)
    kept.push(rows)


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
        kept, between = _all_kept(trellis, spacing, stack)
        rows = kept.pop().strip(trellis, last - 1, last + 1)
        state = _better_end(trellis, rows)
        for block in reversed(list(blocks(0, frames, between))):
            value = rows.value(trellis, state)
            before = kept.pop()
            state = _trace(trellis, before, block, state, value, path_T, spacing * spacing)
            rows = before.strip(trellis, state[1], state[1] + 1)
    return path_T


def _all_kept(trellis: Trellis, spacing: int, stack: ExitStack) -> tuple[Checkpoints[Checkpoint], int]:
    """The forward pass, no wider than it must be, and the frames between two of its checkpoints.

    A first pass follows the best paths alone. If all that it gave up could not have ended better than the path which it
    found, this is the best path; else the score of that path is the bar for a second pass, which is exact. Either keeps
    a part of the pairs alone, so that twice as many checkpoints take no more room, and halve the way back.
    """
    kept = stack.enter_context(checkpoints(HELD_BYTES))
    if trellis.pairs > NARROW_PAIRS:
        ceiling = Ceiling.of(trellis)
        bar = Bar(ceiling=ceiling, beam=BEAM_TOKENS * ceiling.skip, pace=round(PACE * ceiling.skip))
        close = max(1, spacing // BLOCK_FRAMES // 2) * BLOCK_FRAMES
        if forward(trellis, close, kept, bar):
            found = _found(trellis, kept)
            if bar.missed_1[0] < found:
                return kept, close
            kept.close()
            kept = stack.enter_context(checkpoints(HELD_BYTES))
            if forward(trellis, close, kept, Bar(ceiling=ceiling, least=found)):
                return kept, close
        kept.close()
        kept = stack.enter_context(checkpoints(HELD_BYTES))
    if not forward(trellis, spacing, kept):
        kept.close()
        kept = stack.enter_context(checkpoints(HELD_BYTES))
        _forward_wide(trellis, spacing, kept)
    return kept, spacing


def _found(trellis: Trellis, kept: Checkpoints[Checkpoint]) -> int:
    """The score of the path that a forward pass has found, or less than any."""
    last = kept.pop()
    kept.push(last)
    rows = last.strip(trellis, trellis.pairs - 2, trellis.pairs)
    score = rows.value(trellis, _better_end(trellis, rows))
    return score if score > DEAD // 2 else NOTHING


def checkpoint_frames(frames: int, pairs: int) -> int:
    """Frames K between two checkpoints, a multiple of the block.

    Room is 8 bytes x pairs x frames / K for the checkpoints and at most K^2 bytes for a strip, least at
    K = (4 x pairs x frames)^(1/3). Half of that K costs 1.4 times the memory, but the strips are narrower, and
    recomputing them takes less than a tenth of the time.
    """
    spacing: float = (0.5 * pairs * frames) ** (1 / 3)
    return max(1, round(spacing / BLOCK_FRAMES)) * BLOCK_FRAMES
