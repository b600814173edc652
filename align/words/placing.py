"""From a normalised transcript and emissions to words: spelled, aligned, gathered."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from prep_corpus.align.model.models import ModelInfo
from prep_corpus.align.text.normalize import NormalizedText
from prep_corpus.align.viterbi.silence import align_in_silence
from prep_corpus.align.viterbi.viterbi import DEFAULT_DETOURS, Alignment, DetourCosts, LogProbs
from prep_corpus.align.words.words import Words, word_table


@dataclass(frozen=True, kw_only=True)
class PlacedText:
    """A transcript where the emissions say it.

    Attributes:
        tokens_L: int32, column of each token.
        alignment: frames of each token.
        words: tokens, frames and characters of each word.
    """

    tokens_L: NDArray[np.int32]
    alignment: Alignment
    words: Words


def place_text(
    log_probs_TC: LogProbs,
    normalized: NormalizedText,
    info: ModelInfo,
    *,
    detours: DetourCosts | None = DEFAULT_DETOURS,
    recording_id: str = "",
) -> PlacedText:
    """Align a transcript as the model spells it.

    Args:
        log_probs_TC: natural log-probabilities; columns as in `info.vocabulary`.
        normalized: the transcript in the model's alphabet.
        info: the model's description.
        detours: the detours' costs, as `viterbi.align` takes them.
        recording_id: named in errors.

    Raises:
        Infeasible: there are more tokens, with a blank between repeated ones, than frames.
        UsageError: the emissions have no column for what the text needs.
    """
    spelled = info.spell(normalized)
    alignment = align_in_silence(
        log_probs_TC,
        spelled.tokens_L,
        blank=info.blank,
        delimiter=info.delimiter_index,
        detours=detours,
        edges_E=spelled.edges_E,
        edge_frames=info.edge_frames,
        recording_id=recording_id,
    )
    words = word_table(alignment, normalized, spelled)
    return PlacedText(tokens_L=spelled.tokens_L, alignment=alignment, words=words)


def placed_again(alignment: Alignment, normalized: NormalizedText, info: ModelInfo) -> PlacedText:
    """A stored alignment of the same transcript, with its words."""
    spelled = info.spell(normalized)
    words = word_table(alignment, normalized, spelled)
    return PlacedText(tokens_L=spelled.tokens_L, alignment=alignment, words=words)
