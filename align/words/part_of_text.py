"""Which part of a text is said, where the text is far longer than its recording: one chapter of a book.

Runs of letters that stand once in the text are looked for in what the model itself reads. In what is read, such a run
stands at letter g, in the text at letter p; of the part that is said, p - g changes little:

    text        ....................|== chapter ==|.......................................
    read                            |== chapter ==|             p - g is the same for most runs that are found in both

Found nowhere twice as often as elsewhere, the part is not told. Nothing here steers the alignment inside the part, and
what lies around it is left to it: the part reaches a little further than what was found.

Legend: O characters of the text, P letters of it, G letters that are read, M runs that are found in both.
"""

from __future__ import annotations

import unicodedata

import numpy as np
from numpy.typing import NDArray

from prep_corpus.align.model.models import ModelInfo
from prep_corpus.align.traced import codes
from prep_corpus.align.words.evidence import track
from prep_corpus.align.words.hearing import reading

LETTERS_PER_SECOND = 30.0
"""Nobody says more, over a whole recording; a text with more is longer than what is said."""

RUN_LETTERS = (10, 16, 24)
"""Lengths of the runs, tried one after the other: a text of few words has longer ones that stand once."""

FEWEST_RUNS = 8
FEWEST_SHARE = 0.01
"""So many runs must agree, and this share of the letters that are read."""

OTHERS_SHARE = 0.5
"""And elsewhere at most this share of them."""

MARGIN_LETTERS = 300
MARGIN_SHARE = 0.03

LongArray = NDArray[np.int64]
Span = tuple[int, int]


def is_far_longer(text: str, seconds: float) -> bool:
    """Whether nobody could say a text in a recording of this length."""
    # Without counting where there is nothing to count.
    if len(text) <= LETTERS_PER_SECOND * seconds:
        return False
    return len(text) - sum(map(text.count, " \n\t")) > LETTERS_PER_SECOND * seconds


def part_that_is_said(text: str, log_probs_TC: NDArray[np.floating], info: ModelInfo) -> Span | None:
    """The half-open span of a text's characters that is said, with a little more on both sides.

    Args:
        text: O characters.
        log_probs_TC: of the recording.
        info: the model.

    Returns:
        None where no part of it is.
    """
    known = {letter for symbol in info.vocabulary for letter in symbol.lower() if letter.isalnum()}
    read_G = _letters("".join(info.vocabulary[one] for one in _read(log_probs_TC, info)), known)[1]
    places_P, letters_P = _letters(text, known)
    for length in RUN_LETTERS:
        found = _in_both(letters_P, read_G, length)
        span = _where_most_agree(*found, len(read_G))
        if span is not None:
            margin = MARGIN_LETTERS + round(MARGIN_SHARE * len(read_G))
            first, last = max(span[0] - margin, 0), min(span[1] + length + margin, len(places_P)) - 1
            return _whole_words(text, int(places_P[first]), int(places_P[last]) + 1)
    return None


def _read(log_probs_TC: NDArray[np.floating], info: ModelInfo) -> list[int]:
    """Columns that the greedy decoding reads."""
    return [int(one) for one in reading(track(log_probs_TC, info)).symbols]


def _letters(text: str, known: set[str]) -> tuple[LongArray, LongArray]:
    """Where a text has letters that the model knows, without their accents where it knows none, and which they are."""
    distinct, which_O = np.unique(codes(text), return_inverse=True)
    numbers = np.full(len(distinct), -1, np.int64)
    for at, code in enumerate(distinct.tolist()):
        letter = chr(code).lower()
        if letter not in known:
            letter = unicodedata.normalize("NFD", letter)[:1]
        if letter in known:
            numbers[at] = ord(letter)
    letters_O = numbers[which_O]
    places = np.flatnonzero(letters_O >= 0)
    return places, letters_O[places]


def _runs(letters: LongArray, length: int) -> NDArray[np.uint64]:
    """A number for each run of so many letters; runs of one number are the same but for one in 2^64."""
    count = max(len(letters) - length + 1, 0)
    mixed = letters.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    mixed ^= mixed >> np.uint64(29)
    found = np.zeros(count, np.uint64)
    for at in range(length):
        found = found * np.uint64(0x100000001B3) + mixed[at : at + count]
    return found


def _in_both(letters_P: LongArray, read_G: LongArray, length: int) -> tuple[LongArray, LongArray]:
    """Places in the text and in what is read of the runs that stand once in the text."""
    runs_P, runs_G = _runs(letters_P, length), _runs(read_G, length)
    alone, firsts, counts = np.unique(runs_P, return_index=True, return_counts=True)
    alone, firsts = alone[counts == 1], firsts[counts == 1]
    if not len(alone):
        return firsts.astype(np.int64), firsts.astype(np.int64)
    at_G = np.minimum(np.searchsorted(alone, runs_G), len(alone) - 1)
    found = np.flatnonzero(alone[at_G] == runs_G)
    return firsts[at_G[found]].astype(np.int64), found


def _where_most_agree(text_M: LongArray, read_M: LongArray, read_letters: int) -> Span | None:
    """The half-open span of the text's letters that is said, by the runs whose shift is that of most."""
    width = max(read_letters // 10, 200)
    shifts_M = (text_M - read_M) // width
    low = int(shifts_M.min(initial=0))
    counts = np.bincount(shifts_M - low, minlength=1)
    # What agrees may lie on both sides of a border.
    pairs = counts + np.append(counts[1:], 0)
    best = int(pairs.argmax())
    others = np.delete(pairs, np.arange(max(best - 2, 0), min(best + 3, len(pairs))))
    most = int(pairs[best])
    if most < max(FEWEST_RUNS, FEWEST_SHARE * read_letters) or most * OTHERS_SHARE < others.max(initial=0):
        return None
    agree = np.abs(shifts_M - low - best - 0.5) < 2
    text, read = text_M[agree], read_M[agree]
    # Single runs that agree by chance lie outside; what is read before and after the rest is said too.
    shift_before, shift_after = (
        int(np.median(part))
        for part in ((text - read)[: max(len(text) // 10, 1)], (text - read)[-max(len(text) // 10, 1) :])
    )
    return max(shift_before, 0), max(read_letters + shift_after, shift_before + 1, 1)


def _whole_words(text: str, start: int, end: int) -> Span:
    """A span that ends at white space, where there is any near."""
    while start > 0 and not text[start - 1].isspace() and end - start < len(text):
        start -= 1
    while end < len(text) and not text[end].isspace():
        end += 1
    return start, end
