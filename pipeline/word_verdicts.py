"""What a filter says of the words of a recording, kept as long as there is room: measure needs it, and then segment."""

from __future__ import annotations

from collections.abc import Hashable
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

from prep_corpus.filters.linear import Filter
from prep_corpus.filters.scoring import Verdicts, heard_verdicts, heard_words, judge_words, own_scores, worth
from prep_corpus.pipeline.storage.recent_files import Recent

_RECENT: Recent[tuple[Hashable, ...], Verdicts] = Recent()


def word_verdicts(
    evidence_WF: NDArray[np.float32], fitted: Filter, cut: str, word_threshold: float
) -> Verdicts:
    """The verdict on each word: it is said (cut "words"), or heard at all (cut "paper").

    Args:
        evidence_WF: of one recording's words in order, as `align.evidence` gives it.
        fitted: the filter.
        cut: "words" or "paper".
        word_threshold: lowest score of a word that is said.
    """
    content = blake2b(evidence_WF.tobytes(), digest_size=16).digest()
    key = content, evidence_WF.shape, fitted.digest, cut, word_threshold
    found = _RECENT.find(key)
    if found is None:
        found = _judged(evidence_WF, fitted, cut, word_threshold)
        _RECENT.keep(key, 4 * len(evidence_WF), found)
    return found


def _judged(evidence_WF: NDArray[np.float32], fitted: Filter, cut: str, word_threshold: float) -> Verdicts:
    if cut == "paper":
        own_W = own_scores(evidence_WF, fitted)
        return heard_verdicts(heard_words(evidence_WF, fitted, own_W), worth(own_W, evidence_WF, fitted))
    return judge_words(evidence_WF, fitted, word_threshold)
