"""Which of many texts is that of a recording, where nothing but what is read in it tells.

Legend: G letters that are read, M anchors.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from prep_corpus.align.sections.anchors import RUN_LETTERS, ReadLetters, TextLetters
from prep_corpus.align.sections.chains import Stretches, chained_anchors

FEWEST_ANCHORS = (20, 40)
"""A text has so many anchors in their order, or does not fit: from short recordings to long ones.

One phrase that two texts share gives up to 13, as in 84 minutes of ten readers: each minute against what else they say.
"""

_LETTERS_AN_ANCHOR = 40

ALIKE_SHARE = 0.8
"""Texts with this share of the anchors of the best one are versions of it, as a book is of its chapter."""

OTHERS_SHARE = 0.5
"""And the others must have less than this share."""

MOST_VERSIONS = 5
_MOST_COMPARED = 8


def fewest_anchors(letters: int) -> int:
    """How many anchors a text must have at least where so many letters are read: a minute of speech has 500 to 700."""
    least, most = FEWEST_ANCHORS
    return min(max(letters // _LETTERS_AN_ANCHOR, least), most)


@dataclass(frozen=True, kw_only=True)
class TextFit:
    """The texts that fit a recording.

    Attributes:
        numbers: their places among those that were given, the best first; none where that is not certain.
        anchors: how many anchors the best has in its order.
        others: how many the best of the texts has that are no version of it.
    """

    numbers: tuple[int, ...]
    anchors: int
    others: int

    @property
    def is_clear(self) -> bool:
        """Whether there is a text, or its versions."""
        return bool(self.numbers)


class ManyTexts:
    """Texts of which those of recordings are found.

    Args:
        texts: the texts.
        known: letters of the model, in lower case.
    """

    def __init__(self, texts: Sequence[str], known: frozenset[str]) -> None:
        self._letters = [TextLetters.of(text, known) for text in texts]
        self._runs: dict[int, list[tuple[NDArray[np.uint64], NDArray[np.int64]]]] = {}

    def fit(self, read: ReadLetters) -> TextFit:
        """The texts that fit what is read in a recording, or in parts of it, best of all where they are far apart."""
        best = TextFit(numbers=(), anchors=0, others=0)
        for length in RUN_LETTERS:
            found = self._fit(read, length)
            if found.is_clear:
                return found
            best = max(best, found, key=lambda fit: fit.anchors)
        return best

    def _fit(self, read: ReadLetters, length: int) -> TextFit:
        if length not in self._runs:
            self._runs[length] = [letters.runs_once(length) for letters in self._letters]
        runs_G = read.runs(length)
        found = [read.places_of(runs_G, *runs) for runs in self._runs[length]]
        nearest = sorted(range(len(found)), key=lambda one: (-len(found[one][0]), one))[:_MOST_COMPARED]
        anchors = {one: chained_anchors(Stretches.of(*found[one])) for one in nearest}
        order = sorted(anchors, key=lambda one: (-anchors[one], len(self._letters[one].letters_P), one))
        if not order:
            return TextFit(numbers=(), anchors=0, others=0)
        most = anchors[order[0]]
        alike = tuple(one for one in order if anchors[one] >= ALIKE_SHARE * most)
        others = max((anchors[one] for one in order if one not in alike), default=0)
        is_enough = most >= fewest_anchors(len(read.letters_G))
        is_clear = is_enough and others < OTHERS_SHARE * most and len(alike) <= MOST_VERSIONS
        return TextFit(numbers=alike if is_clear else (), anchors=most, others=others)
