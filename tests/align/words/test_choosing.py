"""Which of several transcripts the audio says most of."""

from __future__ import annotations

import numpy as np
import pytest

from prep_corpus.align.words.choosing import UNHEARD_COST, heard_characters
from prep_corpus.align.words.evidence import EVIDENCE_NAMES
from prep_corpus.align.words.words import Words


def heard(*words: tuple[int, float, bool]) -> float:
    """Of words given as (characters, edits, skipped)."""
    lengths, edits, skipped = (np.array(column) for column in zip(*words))
    ends = np.cumsum(lengths + 1).astype(np.int32) - 1
    evidence_WF = np.zeros((len(words), len(EVIDENCE_NAMES)), np.float32)
    evidence_WF[:, EVIDENCE_NAMES.index("edits")] = edits
    starts = (ends - lengths).astype(np.int32)
    table = Words(
        token_starts=starts,
        token_ends=ends,
        frame_starts=starts,
        frame_ends=ends,
        char_starts=starts,
        char_ends=ends,
        skipped=skipped.astype(np.bool_),
    )
    return heard_characters(table, evidence_WF)


def test_by_hand() -> None:
    # 5 characters heard whole; 3 of 4, with one lost; 6 not said; 3 drowned in the edits around them.
    assert heard((5, 0, False), (4, 1, False), (6, 0, True), (3, 7, False)) == pytest.approx(
        5 + 3 - UNHEARD_COST * (1 + 6 + 3)
    )


def test_text_that_nobody_says_costs_less_than_speech_without_text() -> None:
    said = [(5, 0.5, False)] * 10
    with_more = [*said, *[(5, 0, True)] * 5]
    with_less = said[:8]
    with_errors = [*said[:8], (5, 5, False), (5, 4, False)]
    assert heard(*said) > heard(*with_more) > heard(*with_less)
    assert heard(*said) > heard(*with_errors)
    assert heard(*with_errors) > heard(*said[:5])
