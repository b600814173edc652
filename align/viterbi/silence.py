"""Alignment of a transcript that silence may surround, for models that say silence as their word delimiter.

Some models say a space, not the blank, in silence; with blanks alone before its first letter, a transcript's first
word would be drawn to the first frame. So the text is aligned with a delimiter on both sides, which takes the
silence, and the two are taken off again.

Legend: T frames, C classes, L tokens.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from prep_corpus.align.viterbi.detours import EDGE_FRAMES
from prep_corpus.align.viterbi.settle import settle
from prep_corpus.align.viterbi.viterbi import (
    DEFAULT_DETOURS,
    Alignment,
    DetourCosts,
    EdgeArray,
    LogProbs,
    align,
)


def align_in_silence(
    log_probs_TC: LogProbs,
    tokens_L: NDArray[np.int32],
    *,
    blank: int,
    delimiter: int | None,
    detours: DetourCosts | None = DEFAULT_DETOURS,
    edges_E: EdgeArray | None = None,
    edge_frames: int = EDGE_FRAMES,
    recording_id: str = "",
) -> Alignment:
    """Align as `viterbi.align` does, with room for silence before the first word and after the last.

    Where the recording has no frames left for two more tokens, or the model has no delimiter, this is plain `align`.

    Args:
        log_probs_TC: natural log-probabilities.
        tokens_L: column of each token, without blanks and without outer delimiters.
        blank: column of the blank.
        delimiter: column of the symbol between words, or None.
        detours, edges_E, edge_frames: as for `align`; edges go without a delimiter.
        recording_id: named in errors.

    Returns:
        The alignment of the L tokens; its score counts the two delimiters too.

    Raises:
        Infeasible: there are more tokens, with a blank between repeated ones, than frames.
    """
    repeats = int(np.count_nonzero(tokens_L[1:] == tokens_L[:-1]))
    rest = _Rest(
        blank=blank,
        delimiter=delimiter,
        detours=detours,
        edges_E=edges_E,
        edge_frames=edge_frames,
        name=recording_id,
    )
    if delimiter is None or len(tokens_L) == 0 or len(log_probs_TC) < len(tokens_L) + repeats + 2:
        return _aligned(log_probs_TC, tokens_L, rest)
    outer = np.array([delimiter], np.int32)
    silent_L = np.concatenate((outer, tokens_L, outer)).astype(np.int32)
    found = _aligned(log_probs_TC, silent_L, rest)
    return replace(
        found,
        starts_L=found.starts_L[1:-1],
        ends_L=found.ends_L[1:-1],
        skipped_L=found.skipped_L[1:-1],
    )


@dataclass(frozen=True, kw_only=True)
class _Rest:
    """What `align` is told beside emissions and tokens."""

    blank: int
    delimiter: int | None
    detours: DetourCosts | None
    edges_E: EdgeArray | None
    edge_frames: int
    name: str


def _aligned(log_probs_TC: LogProbs, tokens_L: NDArray[np.int32], rest: _Rest) -> Alignment:
    found = align(
        log_probs_TC,
        tokens_L,
        blank=rest.blank,
        delimiter=rest.delimiter,
        detours=rest.detours,
        edges_E=rest.edges_E,
        edge_frames=rest.edge_frames,
        recording_id=rest.name,
    )
    if rest.detours is None:
        return found
    return settle(
        found,
        log_probs_TC,
        tokens_L,
        blank=rest.blank,
        delimiter=rest.delimiter,
        detours=rest.detours,
        edges_E=rest.edges_E,
    )
