"""From any character to the characters of one model's alphabet.

Legend: S characters of the text before folding.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from prep_corpus.align.traced import TracedText, codes, distinct_codes, string

APOSTROPHES = "'’ʼ"

# Letters that no accent rule takes apart.
_PLAIN_LETTERS = {
    "ß": "ss", "ẞ": "ss", "æ": "ae", "œ": "oe", "ø": "o", "đ": "d", "ð": "d", "þ": "th", "ł": "l", "ħ": "h",
    "ı": "i", "ŧ": "t", "ŋ": "ng", "ĸ": "k", "ə": "e", "ʻ": "'", "ʼ": "'", "ʹ": "", "ё": "е", "ґ": "г",
}  # fmt: skip

# Symbols that stand for a word. Where no rule has spoken them out, they are unsayable, not punctuation.
_WORD_SYMBOLS = frozenset("%&@+=$§‰¢")
_SILENT_ASCII_SYMBOLS = frozenset("^`|~<>")
_JOINING_PUNCTUATION = frozenset("()[]{}'’‘")


@dataclass(frozen=True, kw_only=True)
class Fold:
    """What becomes of one character.

    Attributes:
        text: the characters of the alphabet, " " for a word break, or nothing.
        unsayable: whether it is a letter, digit or symbol that the alphabet lacks.
    """

    text: str
    unsayable: bool = False


@dataclass(frozen=True, kw_only=True)
class Folding:
    """How single characters reach an alphabet.

    Attributes:
        alphabet: the model's characters, without blank and word delimiter.
        language: primary subtag. Turkish and Azerbaijani have a dotless i; in French, Italian, Catalan and
            Occitan an apostrophe that the alphabet lacks parts two words (l'homme).
    """

    alphabet: frozenset[str]
    language: str = "en"
    _known: dict[str, Fold] = field(default_factory=dict, init=False, repr=False, compare=False)

    @cached_property
    def is_upper(self) -> bool:
        """Whether the model writes capitals alone."""
        return not any(c.islower() for c in self.alphabet) and any(c.isupper() for c in self.alphabet)

    def fold(self, character: str) -> Fold:
        """The alphabet's writing of one character that came through `cleaning_edits`."""
        category = unicodedata.category(character)
        if category[0] in "LMN" or character in APOSTROPHES:
            said = self._said(character)
            if said is not None:
                return Fold(text=said)
            if category in ("Mn", "Me"):
                return Fold(text="")
            if character in APOSTROPHES:
                return Fold(text=" " if self.language in ("fr", "it", "ca", "oc") else "")
            return Fold(text=" ", unsayable=True)
        if character in _WORD_SYMBOLS:
            return Fold(text=" ", unsayable=True)
        if category in ("So", "Sm", "Sc", "Cn", "Co", "Cs") and character not in _SILENT_ASCII_SYMBOLS:
            return Fold(text=" ", unsayable=True)
        if category == "Sk" and character > "\uffff":  # the skin tones of emoji
            return Fold(text=" ", unsayable=True)
        if character in _JOINING_PUNCTUATION or category == "Cf":
            return Fold(text="")
        return Fold(text=" ")

    def can_say(self, text: str) -> bool:
        """Whether nothing in the text is unsayable and something of it is heard."""
        folds = [self._fold_once(character) for character in text]
        return not any(fold.unsayable for fold in folds) and any(fold.text.strip() for fold in folds)

    def fold_text(self, traced: TracedText) -> tuple[TracedText, NDArray[np.bool_]]:
        """The whole text folded, character by character.

        Args:
            traced: a text of S characters that came through `cleaning_edits`.

        Returns:
            The folded text, with word breaks as one or more spaces; and bool [S], true where `traced` has a
            character that is unsayable.
        """
        distinct, which_S = distinct_codes(traced.text)
        folds = [self._fold_once(chr(code)) for code in distinct.tolist()]
        lengths_S = np.array([len(fold.text) for fold in folds], np.int64)[which_S]
        sources = np.repeat(np.arange(len(which_S)), lengths_S)
        if all(len(fold.text) <= 1 for fold in folds):
            table = codes("".join(fold.text or "\0" for fold in folds))
            text = string(table[which_S[sources]])
        else:
            text = "".join(folds[which].text for which in which_S.tolist())
        unsayable_S = np.array([fold.unsayable for fold in folds], np.bool_)[which_S]
        folded = TracedText(text=text, starts_L=traced.starts_L[sources], ends_L=traced.ends_L[sources])
        return folded, unsayable_S

    def _fold_once(self, character: str) -> Fold:
        found = self._known.get(character)
        if found is None:
            found = self._known[character] = self.fold(character)
        return found

    def _said(self, character: str) -> str | None:
        """The first writing of a letter, mark or digit that the alphabet has."""
        cased = self._cased(character)
        for candidate in (cased, character, character.lower(), character.upper(), character.casefold()):
            if candidate and self.alphabet.issuperset(candidate):
                return candidate
        if character in APOSTROPHES:
            return next((other for other in APOSTROPHES if other in self.alphabet), None)
        taken_apart = unicodedata.normalize("NFKD", cased)
        bare = "".join(c for c in taken_apart if not unicodedata.combining(c))
        plain = _PLAIN_LETTERS.get(character.lower()) or _PLAIN_LETTERS.get(bare.lower(), "")
        for candidate in (taken_apart, bare, plain):
            for written in (candidate, candidate.lower(), candidate.upper()):
                if written and self.alphabet.issuperset(written):
                    return written
        return None

    def _cased(self, character: str) -> str:
        if self.language in ("tr", "az"):
            dotted = {"i": "İ", "ı": "I"} if self.is_upper else {"I": "ı", "İ": "i"}
            character = dotted.get(character, character)
            if character in dotted.values():
                return character
        return character.upper() if self.is_upper else character.lower()
