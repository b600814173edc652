"""Which of several transcripts of a recording the audio says most of.

Legend: W words, F features.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from prep_corpus.align.words.evidence import EVIDENCE_NAMES
from prep_corpus.align.words.words import Words

VERSION = 1
"""Raised whenever another transcript may be chosen."""

UNHEARD_COST = 0.1
"""A character that is not heard takes this much from one that is: text that nobody says is cut out later, and little
of what stands around it; speech without text is lost whole."""


def heard_characters(words: Words, evidence_WF: NDArray[np.float32]) -> float:
    """How many characters of a transcript the audio says, less a part of those that it does not.

    A word is heard by as many characters as remain when the edits between it and the greedy decoding around it are
    taken off; a word that the alignment left out is not heard. The score of the alignment would not do: it takes a
    text with half of its sentences missing for better than one with each fifth word wrong.

    Args:
        words: the words of an aligned transcript.
        evidence_WF: columns as `EVIDENCE_NAMES`.

    Returns:
        The more, the better; comparable between transcripts of one recording.
    """
    lengths_W = words.letter_counts.astype(np.float64)
    edits_W = evidence_WF[:, EVIDENCE_NAMES.index("edits")].astype(np.float64)
    heard_W = np.where(words.skipped, 0.0, np.maximum(lengths_W - edits_W, 0.0))
    return float((heard_W - UNHEARD_COST * (lengths_W - heard_W)).sum())
