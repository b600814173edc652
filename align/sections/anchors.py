"""Anchors: runs of letters that stand once in a text, and that the model itself reads in the audio.

Legend: O characters of the text, P letters of it, G letters that are read, M runs that are found in both.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from prep_corpus.align.traced import distinct_codes

RUN_LETTERS = (10, 16, 24)
"""Lengths of the runs, tried one after the other: a text of few words has longer ones that stand once."""

LongArray = NDArray[np.int64]
RunArray = NDArray[np.uint64]


@dataclass(frozen=True, kw_only=True)
class ReadLetters:
    """The letters of a recording, as its greedy decoding reads them.

    Attributes:
        known: the letters that the model has, in lower case.
        letters_G: what is read, code points.
    """

    known: frozenset[str]
    letters_G: LongArray

    @staticmethod
    def of(symbols: Iterable[int], vocabulary: Sequence[str]) -> ReadLetters:
        """The letters of the columns that the greedy decoding reads.

        Args:
            symbols: the columns.
            vocabulary: what each column stands for.
        """
        known = _known_letters(tuple(vocabulary))
        written = "".join(vocabulary[one] for one in symbols)
        return ReadLetters(known=known, letters_G=_letters(written, known)[1])

    @staticmethod
    def joined(parts: Sequence[ReadLetters]) -> ReadLetters:
        """What is read in several stretches of a recording, one after the other."""
        letters = [part.letters_G for part in parts]
        return ReadLetters(
            known=frozenset().union(*(part.known for part in parts)),
            letters_G=np.concatenate([np.zeros(0, np.int64), *letters]),
        )

    def runs(self, length: int) -> RunArray:
        """A number for the run of so many letters that begins at each letter."""
        return _runs(self.letters_G, length)

    @staticmethod
    def places_of(runs_G: RunArray, once: RunArray, firsts: LongArray) -> tuple[LongArray, LongArray]:
        """Where runs that stand once in a text are read; see `TextLetters.anchors`.

        Args:
            runs_G: what `runs` gave.
            once, firsts: what `TextLetters.runs_once` gave.
        """
        if not len(once):
            return firsts, firsts
        at_G = np.minimum(np.searchsorted(once, runs_G), len(once) - 1)
        found = np.flatnonzero(once[at_G] == runs_G)
        return firsts[at_G[found]], found


@dataclass(frozen=True, kw_only=True)
class TextLetters:
    """The letters of a text.

    Attributes:
        places_P: where in the text each stands.
        letters_P: code points, in lower case, and without their accents where the model knows none.
    """

    places_P: LongArray
    letters_P: LongArray

    @staticmethod
    def of(text: str, known: frozenset[str]) -> TextLetters:
        """The letters of a text that a model knows."""
        places_P, letters_P = _letters(text, known)
        return TextLetters(places_P=places_P, letters_P=letters_P)

    def anchors(self, read: ReadLetters, length: int) -> tuple[LongArray, LongArray]:
        """Where the runs begin that stand once in the text and are read.

        Args:
            read: what is read.
            length: letters of a run.

        Returns:
            Letters of the text [M] and letters that are read [M], rising in the latter.
        """
        runs_P, runs_G = _runs(self.letters_P, length), read.runs(length)
        # What is not read is not looked at again: most of a book.
        wanted = np.unique(runs_G)
        if not len(wanted):
            return np.zeros(0, np.int64), np.zeros(0, np.int64)
        at_P = np.minimum(np.searchsorted(wanted, runs_P), len(wanted) - 1)
        found = np.flatnonzero(wanted[at_P] == runs_P)
        once, firsts, counts = np.unique(runs_P[found], return_index=True, return_counts=True)
        return read.places_of(runs_G, once[counts == 1], found[firsts[counts == 1]])

    def distinct_runs(self, length: int) -> int:
        """How many different runs of so many letters it has."""
        return len(np.unique(_runs(self.letters_P, length)))

    def runs_once(self, length: int) -> tuple[RunArray, LongArray]:
        """The runs of so many letters that stand once in the text, rising, and where they begin."""
        runs, firsts, counts = np.unique(_runs(self.letters_P, length), return_index=True, return_counts=True)
        return runs[counts == 1], firsts[counts == 1].astype(np.int64)


@lru_cache(maxsize=16)
def _known_letters(vocabulary: tuple[str, ...]) -> frozenset[str]:
    return frozenset(letter for symbol in vocabulary for letter in symbol.lower() if letter.isalnum())


def _letters(text: str, known: frozenset[str]) -> tuple[LongArray, LongArray]:
    """Where a text has letters that the model knows, without their accents where it knows none, and which they are."""
    distinct, which_O = distinct_codes(text)
    letters_O = np.array([_letter_of(code, known) for code in distinct.tolist()], np.int64)[which_O]
    places = np.flatnonzero(letters_O >= 0)
    return places, letters_O[places]


def _letter_of(code: int, known: frozenset[str]) -> int:
    """The code point of the letter that a character is to the model, or -1."""
    letter = chr(code).lower()
    if letter not in known:
        letter = unicodedata.normalize("NFD", letter)[:1]
    return ord(letter) if letter in known else -1


def _runs(letters: LongArray, length: int) -> RunArray:
    """A number for each run of so many letters; runs of one number are the same but for one in 2^64."""
    count = max(len(letters) - length + 1, 0)
    mixed = letters.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    mixed ^= mixed >> np.uint64(29)
    found = np.zeros(count, np.uint64)
    for at in range(length):
        found = found * np.uint64(0x100000001B3) + mixed[at : at + count]
    return found
