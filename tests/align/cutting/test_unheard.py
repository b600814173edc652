"""Texts that the model does not hear where they should be: what is dropped of them, and what is cut off from them."""

from __future__ import annotations

import numpy as np
from support.cutting_words import options, track_of, words_at

from prep_corpus.align.cutting.cutting import NOT_HEARD, Cuts, cut_paper
from prep_corpus.align.cutting.unheard import (
    NEAR_WORDS,
    SURE_WORDS,
    outside_rows,
    unheard_rows,
    without_unheard,
)
from prep_corpus.align.words.words import Words


def ranges(cuts: Cuts) -> list[tuple[int, int, str]]:
    return [(s.word_start, s.word_end, s.reason) for s in cuts.segments]


def test_text_that_is_not_heard_is_dropped_whole() -> None:
    spans = [(10 + 20 * w, 28 + 20 * w) for w in range(9)]
    words = words_at(*spans, (350, 380), (382, 390))
    cuts = cut_paper(track_of(words, 450), words, k_frames=50, options=options(padding_seconds=0.0))
    assert ranges(cuts) == [(0, 9, ""), (9, 11, "")]

    def heard(*missed: int) -> list[str]:
        heard_W = np.ones(11, bool)
        heard_W[list(missed)] = False
        return [segment.reason for segment in without_unheard(cuts, heard_W).segments]

    assert heard() == heard(0, 2, 4, 6) == heard(4, 5, 6, 7) == heard(9) == ["", ""]
    # Five of nine; both of two.
    assert heard(0, 2, 4, 6, 8) == [NOT_HEARD, ""]
    assert heard(9, 10) == ["", NOT_HEARD]


def test_without_words_nothing_is_dropped_as_unheard() -> None:
    nothing = words_at()
    cuts = cut_paper(track_of(nothing, 300), nothing, k_frames=20, options=options())
    assert without_unheard(cuts, np.zeros(0, bool)).segments == cuts.segments


def test_an_utterance_with_a_part_of_a_text_that_nobody_says_is_dropped() -> None:
    spans = [(10 + 20 * w, 28 + 20 * w) for w in range(6)]
    later = [(230 + 20 * w, 248 + 20 * w) for w in range(9)]
    words = words_at(*spans, *later)
    cuts = cut_paper(track_of(words, 450), words, k_frames=50, options=options(padding_seconds=0.0))
    assert ranges(cuts) == [(0, 6, ""), (6, 15, "")]

    def heard(*missed: int) -> list[str]:
        heard_W = np.ones(15, bool)
        heard_W[list(missed)] = False
        return [segment.reason for segment in without_unheard(cuts, heard_W).segments]

    # The last two words of the first, and six of the nine after it, of which one in between is heard.
    assert heard(4, 5, 6, 7, 9, 10, 11) == [NOT_HEARD, NOT_HEARD]
    # Seven in a row, fewer than half of each.
    assert heard(3, 4, 5, 6, 7, 8, 9) == ["", ""]


def test_rows_of_unheard_words_and_what_is_around_them() -> None:
    heard_W = np.ones(30, bool)
    assert unheard_rows(heard_W) == outside_rows(heard_W) == []
    heard_W[[*range(8), *range(12, 16), *range(17, 21), *range(23, 30)]] = False
    # One heard word is chance, two are not, and seven unheard ones are no row.
    assert unheard_rows(heard_W) == [(0, 8), (12, 21)]
    assert outside_rows(heard_W) == [(8, 12), (21, 30)]
    assert outside_rows(np.zeros(9, bool)) == []


def cut_off(words: Words, *doubtful: int) -> list[tuple[int, int, str]]:
    """The paper's cuts of words of which nobody says the eight from the tenth on, with words that are not sure."""
    heard_W, sure_W = np.ones(len(words), bool), np.ones(len(words), bool)
    heard_W[10:18] = False
    sure_W[[*range(10, 18), *doubtful]] = False
    seen, shape = track_of(words, 700), options(padding_seconds=0.0)
    return ranges(cut_paper(seen, words, k_frames=50, options=shape, heard_W=heard_W, sure_W=sure_W))


def test_a_text_that_nobody_says_is_cut_off_from_the_speech_around_it() -> None:
    spans = [(10 + 20 * w, 26 + 20 * w) for w in range(28)]
    words = words_at(*spans)
    assert (NEAR_WORDS, SURE_WORDS) == (2, 3)
    assert cut_off(words) == [(0, 8, ""), (8, 20, NOT_HEARD), (20, 28, "")]
    # The nearest gap that has three sure words on its far side.
    assert cut_off(words, 6, 20) == [(0, 6, ""), (6, 21, NOT_HEARD), (21, 28, "")]
    assert cut_off(words, *range(10), 25) == [(0, 20, NOT_HEARD), (20, 28, "")]

    # Words without a quiet place between them are not parted.
    for w in (8, 19, 20, 21):
        spans[w] = (spans[w - 1][1], spans[w][1])
    assert cut_off(words_at(*spans)) == [(0, 7, ""), (7, 22, NOT_HEARD), (22, 28, "")]


def test_a_text_that_nobody_says_costs_the_speech_it_cannot_be_cut_off_from() -> None:
    words = words_at(*[(10 + 20 * w, 30 + 20 * w) for w in range(28)])
    assert cut_off(words) == [(0, 28, NOT_HEARD)]
