"""Utterances of recognised words stand outside those of the transcript, and are none the shorter for it."""

from __future__ import annotations

import numpy as np
import pytest
from support.cutting_words import STRIDE, options, track_of, words_at

from prep_corpus.align.cutting.segments import Segment
from prep_corpus.align.recognition.uncovered import RecognisedText, cut_outside
from prep_corpus.align.words.words import Words


def cut_beside(words: Words, *kept: tuple[int, int], **changes: float) -> list[tuple[int, int]]:
    """Frames of the utterances of some words, all trusted, beside segments in the given frames."""
    trusted_W = np.ones(len(words), bool)
    found = cut_outside(
        track_of(words, 400),
        RecognisedText(words=words, tokens_L=np.full(4 * len(words), 5, np.int32)),
        trusted_W,
        trusted_W,
        [
            Segment(
                frame_start=start,
                frame_end=end,
                sample_start=start * STRIDE,
                sample_end=end * STRIDE,
                word_start=at,
                word_end=at + 1,
            )
            for at, (start, end) in enumerate(kept)
        ],
        k_frames=50,
        options=options(**changes),
        levels=None,
    )
    return [(one.sample_start // STRIDE, one.sample_end // STRIDE) for one in found]


@pytest.mark.parametrize(
    ("kept", "place"),
    [
        ((), (0, 105)),
        (((0, 15), (60, 90)), (15, 60)),
        # The middle of what it would have lies in another.
        (((40, 60),), (0, 40)),
        (((33, 35), (35, 400)), (0, 33)),
    ],
)
def test_an_utterance_gives_way_where_its_padding_is_anothers(
    kept: tuple[tuple[int, int], ...], place: tuple[int, int]
) -> None:
    assert cut_beside(words_at((20, 30)), *kept, padding_seconds=1.5) == [place]


def test_what_is_too_short_without_it_is_left_out() -> None:
    words = words_at((200, 210))
    assert cut_beside(words, (100, 195), (212, 300), padding_seconds=0.5, min_seconds=0.4) == []
    assert cut_beside(words, (100, 195), (215, 300), padding_seconds=0.5, min_seconds=0.4) == [(195, 215)]


def test_none_stands_around_another() -> None:
    assert cut_beside(words_at((100, 120), (150, 170)), (130, 140), padding_seconds=0.2) == []
