"""Which part of a text is said, where the text is far longer than its recording: one chapter of a book.

Runs of letters that stand once in the text are looked for in what the model itself reads. In what is read, such a run
stands at letter g, in the text at letter p; of the part that is said, p - g changes little:

    text        ....................|== chapter ==|.......................................
    read                            |== chapter ==|             p - g is the same for most runs that are found in both

Found nowhere twice as often as elsewhere, the part is not told. Nothing here steers the alignment inside the part, and
what lies around it is left to it: the part reaches a little further than what was found.

Legend: O characters of the text, M runs that are found in both.
"""

from __future__ import annotations

import numpy as np

from prep_corpus.align.sections.anchors import RUN_LETTERS, LongArray, ReadLetters, TextLetters

LETTERS_PER_SECOND = 30.0
"""Nobody says more, over a whole recording; a text with more is longer than what is said."""

FEWEST_RUNS = 8
FEWEST_SHARE = 0.01
"""So many runs must agree, and this share of the letters that are read."""

OTHERS_SHARE = 0.5
"""And elsewhere at most this share of them."""

MARGIN_LETTERS = 300
MARGIN_SHARE = 0.03

Span = tuple[int, int]


def is_far_longer(text: str, seconds: float) -> bool:
    """Whether nobody could say a text in a recording of this length."""
    # Without counting where there is nothing to count.
    if len(text) <= LETTERS_PER_SECOND * seconds:
        return False
    return len(text) - sum(map(text.count, " \n\t")) > LETTERS_PER_SECOND * seconds


def part_that_is_said(text: str, read: ReadLetters, *, margin_share: float = 1.0) -> Span | None:
    """The half-open span of a text's characters that is said, with a little more on both sides.

    Args:
        text: O characters.
        read: what is read in the recording.
        margin_share: how much of the usual margin is more on both sides.

    Returns:
        None where no part of it is.
    """
    letters = TextLetters.of(text, read.known)
    count = len(read.letters_G)
    for length in RUN_LETTERS:
        span = _where_most_agree(*letters.anchors(read, length), count)
        if span is not None:
            margin = round(margin_share * margin_letters(count))
            first = max(span[0] - margin, 0)
            last = min(span[1] + length + margin, len(letters.places_P)) - 1
            return _whole_words(text, int(letters.places_P[first]), int(letters.places_P[last]) + 1)
    return None


def margin_letters(read_letters: int) -> int:
    """How much further than what was found a part reaches, in letters of the text."""
    return MARGIN_LETTERS + round(MARGIN_SHARE * read_letters)


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
