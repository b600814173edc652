"""Parts of a text that are read, though many of their letters are read wrongly, or stand wrongly in the text.

Letters that agree gain and others lose; where that is worth its price, a new part begins anywhere in the text:

    text        |== A ==|== B ==|== C ==|
    read        |== C ==|...|== A ==|== B ==|       C, then A with B

What is known already is left out, on both sides, so that a long text of which little is in question takes little time.
Every cell of the one row that is kept knows where its part began, so nothing is traced back. A cell is one number, and
of two the greater is the better: what is gained, the letter that is read first, and the text's first letter.

Legend: P letters of the text, G letters that are read.

Source: Smith and Waterman, Identification of common molecular subsequences, J. Mol. Biol. 147 (1981).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from prep_corpus.align.sections.anchors import LongArray
from prep_corpus.align.viterbi.compiling import compiled

AGREE, DIFFER, ALONE = 3, 2, 2
"""What a letter gains that agrees, what one loses that differs, and one that the other side lacks."""

JUMP = 60
"""What a new part costs. In text and reading of ten minutes each, of different books, the best part gains 40."""

START_BITS = 20
COMPARED_LETTERS = 1 << START_BITS
"""No more letters are compared, on either side."""


_BORDER = -1
"""Stands in place of what is left out; no part goes over it."""


@dataclass(frozen=True, kw_only=True)
class LikePart:
    """A part of a text that is read, half-open spans of letters.

    Attributes:
        text_start, text_end: in the text.
        read_start, read_end: in what is read.
        gain: `AGREE` for each letter that agrees, less what others lose.
    """

    text_start: int
    text_end: int
    read_start: int
    read_end: int
    gain: int


def like_parts(letters_P: LongArray, letters_G: LongArray, known: Sequence[LikePart] = ()) -> list[LikePart]:
    """The parts of a text that gain most, in the order in which they are read; no letter of the text is in two.

    Args:
        letters_P: of the text, under `COMPARED_LETTERS`.
        letters_G: that are read, under `COMPARED_LETTERS`.
        known: parts that are known, apart from each other; they are among those that are returned.
    """
    rest_P, places_P = _rest(letters_P, [(part.text_start, part.text_end) for part in known])
    rest_G, places_G = _rest(letters_G, [(part.read_start, part.read_end) for part in known])
    gains, ends, starts = _best_parts(rest_P, rest_G)
    parts: list[LikePart] = []
    at = len(rest_G)
    while gains[at] > 0:
        read_end, text_end = divmod(int(ends[at]), COMPARED_LETTERS)
        read_start, text_start = divmod(int(starts[at]), COMPARED_LETTERS)
        before = max(int(gains[read_start]) - JUMP, 0)
        parts.append(
            LikePart(
                text_start=int(places_P[text_start]),
                text_end=int(places_P[text_end - 1]) + 1,
                read_start=int(places_G[read_start]),
                read_end=int(places_G[read_end - 1]) + 1,
                gain=int(gains[at]) - before,
            )
        )
        if not before:
            break
        at = read_start
    return _each_letter_once([*known, *(part for part in parts if part.gain >= JUMP)])


def _rest(letters: LongArray, spans: list[tuple[int, int]]) -> tuple[LongArray, LongArray]:
    """The letters outside half-open spans, with a border in place of each, and where each of them stands."""
    is_left = np.ones(len(letters), np.bool_)
    rest = letters.copy()
    for start, end in spans:
        is_left[start + 1 : end] = False
        rest[start] = _BORDER
    return rest[is_left].astype(np.int64), np.flatnonzero(is_left).astype(np.int64)


@compiled
def _best_parts(letters_P: LongArray, letters_G: LongArray) -> tuple[LongArray, LongArray, LongArray]:
    """The parts that gain most in the first letters that are read, by the number of these.

    Returns:
        What they gain [G + 1]; where the last of them ends, and where it begins: the letter that is read times
        `COMPARED_LETTERS`, plus the letter of the text.
    """
    bits = np.int64(2 * START_BITS)
    agree, differ, alone = np.int64(AGREE) << bits, np.int64(DIFFER) << bits, np.int64(ALONE) << bits
    count = len(letters_G)
    gains, ends, starts = (
        np.zeros(count + 1, np.int64),
        np.zeros(count + 1, np.int64),
        np.zeros(count + 1, np.int64),
    )
    never = -(np.int64(1) << np.int64(62))
    row = np.full(len(letters_P) + 1, never, np.int64)
    for g in range(count):
        gains[g + 1], ends[g + 1], starts[g + 1] = gains[g], ends[g], starts[g]
        letter = letters_G[g]
        if letter == _BORDER:
            row[:] = never
            continue
        new = (max(gains[g] - JUMP, np.int64(0)) << bits) + (np.int64(g) << np.int64(START_BITS))
        before, left, best, best_at = row[0], never, never, 0
        for p in range(len(letters_P)):
            above = row[p + 1]
            both = max(before, new + p)
            both = both + agree if letters_P[p] == letter else both - differ
            cell = max(both, max(above, left) - alone) if letters_P[p] != _BORDER else never
            before = above
            row[p + 1] = cell
            left = cell
            if cell > best:
                best, best_at = cell, p
        if best >> bits > gains[g]:
            gains[g + 1] = best >> bits
            ends[g + 1] = (np.int64(g + 1) << np.int64(START_BITS)) + best_at + 1
            starts[g + 1] = best & ((np.int64(1) << bits) - 1)
    return gains, ends, starts


def _each_letter_once(parts: list[LikePart]) -> list[LikePart]:
    """Parts in the order in which they are read, without what lies in one that gains more as well."""
    kept: list[LikePart] = []
    for part in sorted(parts, key=lambda part: (-part.gain, part.read_start)):
        start, end = part.text_start, part.text_end
        for other in kept:
            if other.text_end <= start or end <= other.text_start:
                continue
            # What is left on the longer side.
            if other.text_start - start >= end - other.text_end:
                end = other.text_start
            else:
                start = other.text_end
        letters = part.text_end - part.text_start
        if 2 * (end - start) > letters:
            gain = part.gain * (end - start) // letters
            kept.append(
                LikePart(
                    text_start=start,
                    text_end=end,
                    read_start=part.read_start,
                    read_end=part.read_end,
                    gain=gain,
                )
            )
    return sorted(kept, key=lambda part: part.read_start)
