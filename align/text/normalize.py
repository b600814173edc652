"""A transcript in the characters of a model, with the way back to what was written.

Legend: L characters of the normalised text, O characters of the original, W words.

The original passes through five steps, each of which keeps for every character the span it came from:
stripped (what only the eye sees; tags, labels, directions, by option), cleaned (NFKC, one kind of apostrophe), spoken
out (numbers, units, abbreviations), folded (case, accents, alphabet), and spaced (one space between words).
"""

from __future__ import annotations

import html
import unicodedata
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from prep_corpus.align.errors import UsageError
from prep_corpus.align.spoken.reading import counting_language, primary_language, spoken_edits
from prep_corpus.align.text import markup, print_marks
from prep_corpus.align.text.characters import cleaning_edits
from prep_corpus.align.text.folding import APOSTROPHES, Folding
from prep_corpus.align.text.marks import lowered_edits, mark_spans
from prep_corpus.align.text.normalized import (
    NO_WORDS,
    STRIPPED,
    UNREAD,
    UNSAYABLE,
    NormalizedText,
    Offer,
    offers_of,
    runs_of,
)
from prep_corpus.align.text.romanised import roman_edits
from prep_corpus.align.text.spacing import SPACE, quote_edits, spaced
from prep_corpus.align.traced import Edit, TracedText, codes, distinct_codes

__all__ = [
    "NO_WORDS",
    "STRIPPED",
    "UNREAD",
    "UNSAYABLE",
    "VERSION",
    "NormalizedText",
    "Offer",
    "TextOptions",
    "alphabet_of",
    "encode",
    "normalize",
]

VERSION = 10
"""Raised whenever the normalised text may change."""


@dataclass(frozen=True, kw_only=True)
class TextOptions:
    """What is taken out of a transcript before it is read, and whether numbers are spoken out.

    Attributes:
        strip_markup: HTML and Markdown tags; character references are decoded.
        strip_speakers: names of speakers at the starts of lines ("JOHN:"); None: in scripts and subtitles, and
            elsewhere they are offered as unread.
        strip_directions: stage directions in brackets; None likewise.
        speak: numbers, units, abbreviations and symbols as words.
        romanize: other scripts in Latin letters, for models that spell in no others.
    """

    strip_markup: bool = False
    strip_speakers: bool | None = None
    strip_directions: bool | None = None
    speak: bool = True
    romanize: bool = False

    @property
    def identity(self) -> dict[str, Any]:
        """What stage files are named by; what came later is in it only where it is used."""
        fields = asdict(self)
        if not self.romanize:
            del fields["romanize"]
        return fields

    def for_script(self, is_script: bool) -> TextOptions:
        """The options with what depends on the transcript settled.

        Args:
            is_script: it is made to be read with the eyes, as scripts and subtitles are.
        """
        return replace(
            self,
            strip_speakers=True if is_script and self.strip_speakers is None else self.strip_speakers,
            strip_directions=True if is_script and self.strip_directions is None else self.strip_directions,
        )


def normalize(
    original: str,
    *,
    alphabet: frozenset[str],
    language: str = "en",
    has_spaces: bool = True,
    options: TextOptions | None = None,
) -> NormalizedText:
    """The transcript in the model's characters.

    Args:
        original: the transcript as written.
        alphabet: the model's single characters, without blank and word delimiter. Case follows it.
        language: BCP 47 tag ("en", "de-AT", "zh"). Numbers are spoken out in it where there are rules for it;
            digits in any other language are unsayable, unless the alphabet has them.
        has_spaces: whether the language parts its words by spaces.
        options: what is stripped; nothing by default.
    """
    options = options or TextOptions()
    folding = _folding(alphabet, primary_language(language))
    traced, stripped, breaks = _strip(TracedText.of(original), options)
    traced = traced.replaced(cleaning_edits(traced.text))
    raised = lowered_edits(traced.text)
    marks = _original_spans(traced, [(start, end) for start, end, _ in raised])
    traced = traced.replaced(raised)
    read_speakers, read_brackets = options.strip_speakers is None, options.strip_directions is None
    marks += _original_spans(
        traced,
        mark_spans(traced.text, speakers=read_speakers, brackets=read_brackets, language=folding.language),
    )
    if options.speak:
        traced = traced.replaced(
            _sayable_edits(traced.text, folding, counting_language(language), options.romanize)
        )
    if options.romanize:
        traced = traced.replaced(roman_edits(traced.text, language))
    folded, unsayable_S = folding.fold_text(traced)
    text = spaced(folded.replaced(quote_edits(folded.text)), has_spaces)
    return NormalizedText(
        original=original,
        text=text.text,
        starts_L=text.starts_L,
        ends_L=text.ends_L,
        unsayable=_unsaid_spans(
            len(original), traced.starts_L[unsayable_S], traced.ends_L[unsayable_S], text
        ),
        stripped=stripped,
        has_spaces=has_spaces,
        decodes_references=options.strip_markup,
        offers=offers_of(text, sorted(set(marks)), breaks, has_spaces),
    )


def encode(
    normalized: NormalizedText, vocabulary: tuple[str, ...], word_delimiter: str | None
) -> NDArray[np.int32]:
    """The token ids of a normalised text, one for each of its L characters.

    Args:
        normalized: made for this vocabulary's alphabet.
        vocabulary: the model's symbols; those of several characters ("<pad>") are never used.
        word_delimiter: the symbol that stands for a space, or None where the model has none.

    Raises:
        UsageError: a character of the text is not in the vocabulary.
    """
    indices = _indices(vocabulary, word_delimiter)
    distinct, which_L = distinct_codes(normalized.text)
    missing = [chr(code) for code in distinct.tolist() if chr(code) not in indices]
    if missing:
        raise UsageError(
            f"every character of the text must be a symbol of the model: {missing[:10]} are not among its"
            f" {len(vocabulary)} (word delimiter {word_delimiter!r})"
        )
    return np.array([indices[chr(code)] for code in distinct.tolist()], np.int32)[which_L]


@lru_cache(maxsize=16)
def _indices(vocabulary: tuple[str, ...], word_delimiter: str | None) -> dict[str, int]:
    """The token of each character."""
    indices = {symbol: at for at, symbol in reversed(list(enumerate(vocabulary))) if len(symbol) == 1}
    if word_delimiter is not None:
        indices[" "] = vocabulary.index(word_delimiter)
    return indices


def alphabet_of(vocabulary: tuple[str, ...], *, blank: int, word_delimiter: str | None) -> frozenset[str]:
    """The characters that a model can say: letters, marks, digits and apostrophes among its symbols."""
    return frozenset(
        symbol
        for at, symbol in enumerate(vocabulary)
        if at != blank
        and symbol != word_delimiter
        and len(symbol) == 1
        and (unicodedata.category(symbol)[0] in "LMN" or symbol in APOSTROPHES)
    )


@lru_cache(maxsize=64)
def _folding(alphabet: frozenset[str], language: str) -> Folding:
    return Folding(alphabet=alphabet, language=language)


def _strip(
    traced: TracedText, options: TextOptions
) -> tuple[TracedText, tuple[tuple[int, int], ...], list[tuple[int, int]]]:
    """The text without what is no text; the merged spans of that; and the open breaks inside words."""
    joins, ends, breaks = print_marks.broken_words(traced.text)
    finders: list[Callable[[str], list[Edit]]] = [
        lambda _: sorted(joins + ends),
        print_marks.invisible_edits,
        print_marks.escape_edits,
    ]
    if options.strip_markup:
        traced = traced.replaced(markup.raised_number_edits(traced.text))
        finders += [markup.html_edits, markup.markdown_edits]
    if options.strip_speakers:
        finders += [markup.speaker_edits, markup.turn_edits]
    if options.strip_directions:
        finders.append(markup.direction_edits)
    finders += [print_marks.sign_edits, print_marks.attached_edits]
    taken_O = np.zeros(len(traced.text) + 1, np.int32)
    for finder in finders:
        edits = finder(traced.text)
        for start, end, _ in edits:
            taken_O[traced.starts_L[start]] += 1
            taken_O[traced.ends_L[end - 1]] -= 1
        traced = traced.replaced(edits)
    stripped = runs_of(np.cumsum(taken_O[:-1]) > 0)
    if options.strip_markup:
        spans = markup.entity_spans(traced.text)
        traced = traced.replaced(
            [(start, end, html.unescape(traced.text[start:end])) for start, end in spans]
        )
    return traced, stripped, breaks


def _original_spans(traced: TracedText, spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Half-open spans of the original behind those of a text under way."""
    return [(int(traced.starts_L[start]), int(traced.ends_L[end - 1])) for start, end in spans]


def _sayable_edits(text: str, folding: Folding, language: str, any_script: bool) -> list[Edit]:
    """The spoken forms that the alphabet can write, or all of them; digits stay where it has them."""
    digits_are_said = folding.alphabet.issuperset("0123456789")
    return [
        (start, end, spoken)
        for start, end, spoken in spoken_edits(text, language)
        if (any_script or folding.can_say(spoken))
        and not (digits_are_said and any(c.isdecimal() for c in text[start:end]))
    ]


def _unsaid_spans(
    length: int, starts: NDArray[np.int32], ends: NDArray[np.int32], said: TracedText
) -> tuple[tuple[int, int], ...]:
    """Spans of the original that gave something unsayable and nothing that is said."""
    if not len(starts):
        return ()
    unsaid_O = _covered(length, starts, ends)
    is_word_L = codes(said.text) != SPACE
    unsaid_O &= ~_covered(length, said.starts_L[is_word_L], said.ends_L[is_word_L])
    return runs_of(unsaid_O)


def _covered(length: int, starts: NDArray[np.int32], ends: NDArray[np.int32]) -> NDArray[np.bool_]:
    changes = np.zeros(length + 1, np.int64)
    np.add.at(changes, starts, 1)
    np.add.at(changes, ends, -1)
    return np.asarray(np.cumsum(changes[:-1]) > 0)
