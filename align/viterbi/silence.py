"""Alignment of a transcript that silence may surround, for models that say silence as their word delimiter.

Some models say a space, not the blank, in silence; with blanks alone before its first letter, a transcript's first
word would be drawn to the first frame. So the text is aligned with a delimiter on both sides, which takes the
silence, and the two are taken off again.

Legend: T frames, C classes, L tokens.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from prep_corpus.align.viterbi.settle import settle
from prep_corpus.align.viterbi.viterbi import DEFAULT_DETOURS, Alignment, DetourCosts, LogProbs, align


def align_in_silence(
    log_probs_TC: LogProbs,
    tokens_L: NDArray[np.int32],
    *,
    blank: int,
    delimiter: int | None,
    detours: DetourCosts | None = DEFAULT_DETOURS,
    recording_id: str = "",
) -> Alignment:
    """Align as `viterbi.align` does, with room for silence before the first word and after the last.

    Where the recording has no frames left for two more tokens, or the model has no delimiter, this is plain `align`.

    Args:
        log_probs_TC: natural log-probabilities.
        tokens_L: column of each token, without blanks and without outer delimiters.
        blank: column of the blank.
        delimiter: column of the symbol between words, or None.
        detours: as for `align`.
        recording_id: named in errors.

    Returns:
        The alignment of the L tokens; its score counts the two delimiters too.

    Raises:
        Infeasible: there are more tokens, with a blank between repeated ones, than frames.
    """
    repeats = int(np.count_nonzero(tokens_L[1:] == tokens_L[:-1]))
    if delimiter is None or len(tokens_L) == 0 or len(log_probs_TC) < len(tokens_L) + repeats + 2:
        return _aligned(log_probs_TC, tokens_L, blank, delimiter, detours, recording_id)
    outer = np.array([delimiter], np.int32)
    silent_L = np.concatenate((outer, tokens_L, outer)).astype(np.int32)
    found = _aligned(log_probs_TC, silent_L, blank, delimiter, detours, recording_id)
    return replace(
        found,
        starts_L=found.starts_L[1:-1],
        ends_L=found.ends_L[1:-1],
        skipped_L=found.skipped_L[1:-1],
    )


def _aligned(
    log_probs_TC: LogProbs,
    tokens_L: NDArray[np.int32],
    blank: int,
    delimiter: int | None,
    detours: DetourCosts | None,
    recording_id: str,
) -> Alignment:
    found = align(
        log_probs_TC, tokens_L, blank=blank, delimiter=delimiter, detours=detours, recording_id=recording_id
    )
    if detours is None:
        return found
    return settle(found, log_probs_TC, tokens_L, blank=blank, delimiter=delimiter, detours=detours)
