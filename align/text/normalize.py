"""A transcript in the characters of a model, with the way back to what was written.

Legend: L characters of the normalised text, O characters of the original, W words.

The original passes through five steps, each of which keeps for every character the span it came from:
stripped (tags, labels, directions, by option), cleaned (NFKC, one kind of apostrophe), spoken out (numbers,
units, abbreviations), folded (case, accents, alphabet), and spaced (one space between words).
"""

from __future__ import annotations

import html
import unicodedata
from bisect import bisect_left
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache

import numpy as np
from numpy.typing import NDArray

from prep_corpus.align.errors import UsageError
from prep_corpus.align.spoken.reading import primary_language, spoken_edits
from prep_corpus.align.text import markup
from prep_corpus.align.text.characters import cleaning_edits
from prep_corpus.align.text.folding import APOSTROPHES, Folding
from prep_corpus.align.text.spacing import SPACE, quote_edits, spaced
from prep_corpus.align.traced import Edit, TracedText, codes

VERSION = 1
"""Raised whenever the normalised text may change."""

UNSAYABLE = -1
STRIPPED = -2
NO_WORDS = -3


@dataclass(frozen=True, kw_only=True)
class TextOptions:
    """What is taken out of a transcript before it is read, and whether numbers are spoken out.

    Attributes:
        strip_markup: HTML and Markdown tags; character references are decoded.
        strip_speakers: names of speakers at the starts of lines ("JOHN:"); None: only in scripts and subtitles.
        strip_directions: stage directions in brackets; None likewise.
        speak: numbers, units, abbreviations and symbols as words.
    """

    strip_markup: bool = False
    strip_speakers: bool | None = None
    strip_directions: bool | None = None
    speak: bool = True

    def for_script(self, is_script: bool) -> TextOptions:
        """The options with what depends on the transcript settled.

        Args:
            is_script: it is made to be read with the eyes, as scripts and subtitles are.
        """
        return replace(
            self,
            strip_speakers=is_script if self.strip_speakers is None else self.strip_speakers,
            strip_directions=is_script if self.strip_directions is None else self.strip_directions,
        )


@dataclass(frozen=True, kw_only=True)
class NormalizedText:
    """A transcript as a model reads it, beside the transcript as it was written.

    All spans are half-open. In a language without spaces every character is a word.

    Attributes:
        original: O characters.
        text: L characters of the model's alphabet, words joined by one space (none without `has_spaces`).
        starts_L: int32, where in `original` the source of each character starts; never falls.
        ends_L: int32, where it ends; never falls. All of "twenty five" carries the span of "25". The
            span of a space is what lies between two words, and may be empty.
        unsayable: spans of `original` that hold letters, digits or symbols which the model cannot say.
        stripped: spans that the options took out.
        has_spaces: whether words are parted by spaces.
        decodes_references: whether `&amp;` and the like stand for characters.
    """

    original: str
    text: str
    starts_L: NDArray[np.int32] = field(repr=False)
    ends_L: NDArray[np.int32] = field(repr=False)
    unsayable: tuple[tuple[int, int], ...] = ()
    stripped: tuple[tuple[int, int], ...] = ()
    has_spaces: bool = True
    decodes_references: bool = False

    def words(self) -> list[tuple[int, int]]:
        """Half-open spans of `text`, one for each word."""
        return [(int(start), int(end)) for start, end in zip(*self._word_bounds)]

    @property
    def unsayable_share(self) -> float:
        """Unsayable letters and digits, of all that were not stripped; 0 where there are none."""
        read = _count_letters(self.original) - sum(
            _count_letters(self.original[a:b]) for a, b in self.stripped
        )
        lost = sum(_count_letters(self.original[a:b]) for a, b in self.unsayable)
        return lost / read if read else 0.0

    def char_ownership(self) -> NDArray[np.int32]:
        """For each of the O characters of the original the word it belongs to.

        White space and punctuation belong to the word before them; what stands after white space and directly
        before a word, and an opening bracket or quotation mark, to the word after it; what comes before the
        first word, to the first. Words that share their source ("25") leave it to the first of them.

        Returns:
            int32 [O]: the word's index, or UNSAYABLE (-1), STRIPPED (-2), NO_WORDS (-3).
        """
        return self._owners_O.copy()

    def span_of(self, word_start: int, word_end: int) -> tuple[int, int]:
        """The half-open span of the original that a half-open range of words owns, without outer white space.

        Consecutive ranges never overlap. A range that owns nothing (the "five" of "25") has an empty span.
        """
        if not 0 <= word_start <= word_end <= len(self._word_bounds[0]):
            raise IndexError(f"words {word_start} to {word_end} of {len(self._word_bounds[0])}")
        if word_start == word_end:
            return 0, 0
        firsts_W, lasts_W = self._owned_bounds
        return int(firsts_W[word_start]), int(lasts_W[word_end - 1])

    def text_of(self, word_start: int, word_end: int) -> str:
        """The original writing of a half-open range of words, with the punctuation that belongs to it.

        What the options stripped is left out.
        """
        at, end = self.span_of(word_start, word_end)
        inside = self.stripped[bisect_left(self.stripped, (at, 0)) : bisect_left(self.stripped, (end, 0))]
        kept = ""
        owner_before = -1
        for stripped_start, stripped_end in (*inside, (end, end)):
            piece = self.original[at:stripped_start]
            if piece and kept:
                if kept[-1].isspace():
                    piece = piece.lstrip()
                elif not piece[0].isspace() and self._owners_O[at] != owner_before:
                    kept += " "  # a tag or a direction stood between two words
            if piece:
                owner_before = self._owners_O[stripped_start - 1]
            kept += piece
            at = stripped_end
        return (html.unescape(kept) if self.decodes_references else kept).strip()

    def spoken_of(self, word_start: int, word_end: int) -> str:
        """The normalised writing of a half-open range of words."""
        starts_W, ends_W = self._word_bounds
        if word_start >= word_end:
            return ""
        return self.text[int(starts_W[word_start]) : int(ends_W[word_end - 1])]

    @cached_property
    def _word_bounds(self) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        if not self.text:
            return np.zeros(0, np.int32), np.zeros(0, np.int32)
        if not self.has_spaces:
            starts_W = np.arange(len(self.text), dtype=np.int32)
            return starts_W, starts_W + np.int32(1)
        spaces = np.flatnonzero(codes(self.text) == SPACE).astype(np.int32)
        starts_W = np.concatenate(([np.int32(0)], spaces + np.int32(1))).astype(np.int32)
        return starts_W, np.append(spaces, np.int32(len(self.text))).astype(np.int32)

    @cached_property
    def _owners_O(self) -> NDArray[np.int32]:
        starts_W, ends_W = self._word_bounds
        if len(starts_W):
            owners_O = self._owners_before_marking(self.starts_L[starts_W], self.ends_L[ends_W - 1])
        else:
            owners_O = np.full(len(self.original), NO_WORDS, np.int32)
        for a, b in self.unsayable:
            owners_O[a:b] = UNSAYABLE
        for a, b in self.stripped:
            owners_O[a:b] = STRIPPED
        return owners_O

    def _owners_before_marking(
        self, starts_W: NDArray[np.int32], ends_W: NDArray[np.int32]
    ) -> NDArray[np.int32]:
        """Owners as if nothing were stripped or unsayable: runs of characters, one for each source."""
        shares_source_W = np.concatenate(([False], starts_W[1:] < ends_W[:-1]))
        owners = np.flatnonzero(~shares_source_W).astype(np.int32)
        gap_starts, borders = ends_W[owners[1:] - 1], starts_W[owners[1:]].copy()
        for at in np.flatnonzero(borders - gap_starts > 1).tolist():
            borders[at] -= _leading(self.original[gap_starts[at] : borders[at]])
        lone = np.flatnonzero(borders - gap_starts == 1)
        for at in lone[(codes(self.original)[gap_starts[lone]] != SPACE)].tolist():
            borders[at] -= _leading(self.original[gap_starts[at]])
        return np.repeat(owners, np.diff(borders, prepend=0, append=len(self.original)))

    @cached_property
    def _owned_bounds(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """First and one past the last printed character of each word, or twice the end of the word before."""
        count = len(self._word_bounds[0])
        firsts_W = np.full(count, len(self.original) + 1, np.int64)
        lasts_W = np.zeros(count, np.int64)
        distinct, which_O = np.unique(codes(self.original), return_inverse=True)
        is_printed = np.array([not chr(code).isspace() for code in distinct.tolist()], np.bool_)
        owned = np.flatnonzero((self._owners_O >= 0) & is_printed[which_O])
        owners = self._owners_O[owned]
        np.minimum.at(firsts_W, owners, owned)
        np.maximum.at(lasts_W, owners, owned + 1)
        ends_W: NDArray[np.int64] = np.maximum.accumulate(lasts_W)
        return np.minimum(firsts_W, ends_W), ends_W


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
    traced, stripped = _strip(TracedText.of(original), options)
    traced = traced.replaced(cleaning_edits(traced.text))
    if options.speak:
        traced = traced.replaced(_sayable_edits(traced.text, folding))
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
    indices = {symbol: at for at, symbol in reversed(list(enumerate(vocabulary))) if len(symbol) == 1}
    if word_delimiter is not None:
        indices[" "] = vocabulary.index(word_delimiter)
    distinct, which_L = np.unique(codes(normalized.text), return_inverse=True)
    missing = [chr(code) for code in distinct.tolist() if chr(code) not in indices]
    if missing:
        raise UsageError(
            f"every character of the text must be a symbol of the model: {missing[:10]} are not among its"
            f" {len(vocabulary)} (word delimiter {word_delimiter!r})"
        )
    return np.array([indices[chr(code)] for code in distinct.tolist()], np.int32)[which_L]


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


def _strip(traced: TracedText, options: TextOptions) -> tuple[TracedText, tuple[tuple[int, int], ...]]:
    """The text without what the options take out, and the merged spans of that."""
    finders = []
    if options.strip_markup:
        finders += [markup.html_edits, markup.markdown_edits]
    if options.strip_speakers:
        finders.append(markup.speaker_edits)
    if options.strip_directions:
        finders.append(markup.direction_edits)
    taken_O = np.zeros(len(traced.text) + 1, np.int32)
    for finder in finders:
        edits = finder(traced.text)
        for start, end, _ in edits:
            taken_O[traced.starts_L[start]] += 1
            taken_O[traced.ends_L[end - 1]] -= 1
        traced = traced.replaced(edits)
    stripped = _runs(np.cumsum(taken_O[:-1]) > 0)
    if options.strip_markup:
        spans = markup.entity_spans(traced.text)
        traced = traced.replaced(
            [(start, end, html.unescape(traced.text[start:end])) for start, end in spans]
        )
    return traced, stripped


def _sayable_edits(text: str, folding: Folding) -> list[Edit]:
    """The spoken forms that the alphabet can write; digits stay where it has them."""
    digits_are_said = folding.alphabet.issuperset("0123456789")
    return [
        (start, end, spoken)
        for start, end, spoken in spoken_edits(text, folding.language)
        if folding.can_say(spoken) and not (digits_are_said and any(c.isdecimal() for c in text[start:end]))
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
    return _runs(unsaid_O)


def _covered(length: int, starts: NDArray[np.int32], ends: NDArray[np.int32]) -> NDArray[np.bool_]:
    changes = np.zeros(length + 1, np.int64)
    np.add.at(changes, starts, 1)
    np.add.at(changes, ends, -1)
    return np.asarray(np.cumsum(changes[:-1]) > 0)


def _runs(mask: NDArray[np.bool_]) -> tuple[tuple[int, int], ...]:
    """Half-open spans of the true runs."""
    borders = np.flatnonzero(np.diff(mask.astype(np.int8), prepend=0, append=0)).tolist()
    return tuple(zip(borders[::2], borders[1::2]))


def _leading(gap: str) -> int:
    """How many characters at the end of what lies between two words belong to the second."""
    tail = len(gap) - max((at for at, c in enumerate(gap) if c.isspace()), default=-1) - 1
    if tail < len(gap):
        return tail
    opening = 0
    while opening < len(gap) and _opens(gap[-1 - opening]):
        opening += 1
    return opening


def _opens(character: str) -> bool:
    return unicodedata.category(character) in ("Ps", "Pi") or character in "¿¡"


def _count_letters(text: str) -> int:
    return sum(unicodedata.category(c)[0] in "LN" for c in text)
