"""A normalised text: what a model reads, beside what was written, and who owns each written character.

Legend: L characters of the normalised text, O characters of the original, W words.
"""

from __future__ import annotations

import html
import re
import unicodedata
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from prep_corpus.align.text.spacing import SPACE, spaced
from prep_corpus.align.text.styles import CLEAN, NORMALIZED, WRITTEN
from prep_corpus.align.traced import TracedText, codes, distinct_codes, string

UNSAYABLE = -1
STRIPPED = -2
NO_WORDS = -3
UNREAD = -4


Span = tuple[int, int]

_WHITE_SPACE = re.compile(r"\s\s+|[\n\r\t\v\f\x1c-\x1f\x85\u2028\u2029]")
_CLOSING = ".,;:!?…)]}»”"


@dataclass(frozen=True, kw_only=True)
class Offer:
    """Something of a text that may well be unsaid: a mark for the eye, or the break of a word at the end of a line.

    Attributes:
        start, end: half-open span of the normalised text that is left out where it is unsaid.
        char_start, char_end: half-open span of the original that then belongs to no word.
        joins: it is a break between two parts of a word, and without it they are one word.
    """

    start: int
    end: int
    char_start: int
    char_end: int
    joins: bool = False


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
        stripped: spans that are no text: what the options took out, and what only the eye sees.
        has_spaces: whether words are parted by spaces.
        decodes_references: whether `&amp;` and the like stand for characters.
        offers: parts of `text` that may be unsaid, in order, without overlap; see `without`.
        unread: spans of `original` that turned out to be unsaid.
    """

    original: str
    text: str
    starts_L: NDArray[np.int32] = field(repr=False)
    ends_L: NDArray[np.int32] = field(repr=False)
    unsayable: tuple[Span, ...] = ()
    stripped: tuple[Span, ...] = ()
    has_spaces: bool = True
    decodes_references: bool = False
    offers: tuple[Offer, ...] = ()
    unread: tuple[Span, ...] = ()

    def words(self) -> list[Span]:
        """Half-open spans of `text`, one for each word."""
        return [(int(start), int(end)) for start, end in zip(*self.word_bounds)]

    @property
    def unsayable_share(self) -> float:
        """Unsayable letters and digits, of all that were not stripped; 0 where there are none."""
        read = _count_letters(self.original) - sum(
            _count_letters(self.original[a:b]) for a, b in self.stripped
        )
        lost = sum(_count_letters(self.original[a:b]) for a, b in self.unsayable)
        return lost / read if read else 0.0

    def without(self, unsaid: Iterable[int]) -> NormalizedText:
        """The text without some of its offers; the others stay, and nothing is offered any more.

        Args:
            unsaid: which of `offers` are left out.
        """
        left_out = [self.offers[which] for which in unsaid]
        if not left_out:
            return replace(self, offers=())
        keep_L = np.ones(len(self.text), np.bool_)
        for offer in left_out:
            keep_L[offer.start : offer.end] = False
        kept = np.flatnonzero(keep_L)
        text = string(codes(self.text)[kept])
        said = spaced(
            TracedText(text=text, starts_L=self.starts_L[kept], ends_L=self.ends_L[kept]), self.has_spaces
        )
        return replace(
            self,
            text=said.text,
            starts_L=said.starts_L,
            ends_L=said.ends_L,
            offers=(),
            unread=tuple(sorted([*self.unread, *((one.char_start, one.char_end) for one in left_out)])),
        )

    def placed_in(self, whole: str, start: int) -> NormalizedText:
        """The same as a part of a longer text, of which the rest turned out to be unsaid.

        Args:
            whole: the longer text; `original` stands in it at `start`.
            start: character at which it stands.
        """
        end = start + len(self.original)

        def moved(spans: Iterable[Span]) -> tuple[Span, ...]:
            return tuple((a + start, b + start) for a, b in spans)

        around = tuple((a, b) for a, b in ((0, start), (end, len(whole))) if a < b)
        return replace(
            self,
            original=whole,
            starts_L=self.starts_L + np.int32(start),
            ends_L=self.ends_L + np.int32(start),
            unsayable=moved(self.unsayable),
            stripped=moved(self.stripped),
            offers=tuple(
                replace(offer, char_start=offer.char_start + start, char_end=offer.char_end + start)
                for offer in self.offers
            ),
            unread=tuple(sorted((*moved(self.unread), *around))),
        )

    def char_ownership(self) -> NDArray[np.int32]:
        """For each of the O characters of the original the word it belongs to.

        White space and punctuation belong to the word before them; what stands after white space and directly
        before a word, and an opening bracket or quotation mark, to the word after it; what comes before the
        first word, to the first. Words that share their source ("25") leave it to the first of them. Punctuation
        and white space within and around what cannot be said goes with it.

        Returns:
            int32 [O]: the word's index, or UNSAYABLE (-1), STRIPPED (-2), NO_WORDS (-3), UNREAD (-4).
        """
        return self._owners_O.copy()

    def span_of(self, word_start: int, word_end: int) -> Span:
        """The half-open span of the original that a half-open range of words owns, without outer white space.

        Consecutive ranges never overlap. A range that owns nothing (the "five" of "25") has an empty span.
        """
        if not 0 <= word_start <= word_end <= len(self.word_bounds[0]):
            raise IndexError(f"words {word_start} to {word_end} of {len(self.word_bounds[0])}")
        if word_start == word_end:
            return 0, 0
        firsts_W, lasts_W = self._owned_bounds
        return int(firsts_W[word_start]), int(lasts_W[word_end - 1])

    def text_of(self, word_start: int, word_end: int) -> str:
        """The writing of a half-open range of words, with the punctuation that belongs to it, on one line.

        What nobody says is left out: what was stripped, what is unread, and what the model cannot say, but for
        single characters inside a word that it can say.
        """
        at, end = self.span_of(word_start, word_end)
        omitted = self._omitted
        inside = omitted[bisect_left(omitted, (at, 0)) : bisect_left(omitted, (end, 0))]
        kept = ""
        owner_before = -1
        for omitted_start, omitted_end in (*inside, (end, end)):
            piece = self.original[at:omitted_start]
            if piece and kept:
                if piece[0] in _CLOSING and inside:
                    kept = kept.rstrip()
                elif kept[-1].isspace():
                    piece = piece.lstrip()
                elif not piece[0].isspace() and self._owners_O[at] != owner_before and kept[-1] not in "-‐–—":
                    kept += " "  # a tag or a direction stood between two words
            if piece:
                owner_before = self._owners_O[omitted_start - 1]
            kept += piece
            at = omitted_end
        if self.decodes_references:
            kept = html.unescape(kept)
        return _WHITE_SPACE.sub(" ", kept).strip()

    def spoken_of(self, word_start: int, word_end: int) -> str:
        """The normalised writing of a half-open range of words."""
        starts_W, ends_W = self.word_bounds
        if word_start >= word_end:
            return ""
        return self.text[int(starts_W[word_start]) : int(ends_W[word_end - 1])]

    def written_of(self, word_start: int, word_end: int) -> str:
        """The transcript from the first to the last character of a half-open range of words, as it stands."""
        start, end = self.span_of(word_start, word_end)
        return self.original[start:end]

    def styled(self, word_start: int, word_end: int, style: str) -> str:
        """The writing of a half-open range of words in one of `TEXT_STYLES`."""
        of_style = {CLEAN: self.text_of, WRITTEN: self.written_of, NORMALIZED: self.spoken_of}
        return of_style[style](word_start, word_end)

    @cached_property
    def word_bounds(self) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        """Where in `text` each word starts, and where it ends: int32 [W] each."""
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
        starts_W, ends_W = self.word_bounds
        if len(starts_W):
            owners_O = self._owners_before_marking(self.starts_L[starts_W], self.ends_L[ends_W - 1])
        else:
            owners_O = np.full(len(self.original), NO_WORDS, np.int32)
        for a, b in (*self.unsayable, *self._unsayable_writing):
            owners_O[a:b] = UNSAYABLE
        for a, b in self.stripped:
            owners_O[a:b] = STRIPPED
        for a, b in self.unread:
            owners_O[a:b] = np.where(owners_O[a:b] == STRIPPED, STRIPPED, UNREAD)
        return owners_O

    @cached_property
    def _unsayable_writing(self) -> tuple[Span, ...]:
        """What cannot be said with the punctuation that goes with it, but for characters inside words."""
        if not self.unsayable:
            return ()
        is_said_O = np.zeros(len(self.original) + 1, np.int64)
        spoken = np.flatnonzero(codes(self.text) != SPACE)
        np.add.at(is_said_O, self.starts_L[spoken], 1)
        np.add.at(is_said_O, self.ends_L[spoken], -1)
        said_before_O = np.concatenate(([0], np.cumsum(np.cumsum(is_said_O)[:-1] > 0)))
        groups: list[Span] = []
        for start, end in self.unsayable:
            if groups and said_before_O[groups[-1][1]] == said_before_O[start]:
                groups[-1] = (groups[-1][0], end)
            else:
                groups.append((start, end))
        return tuple(
            span for group in groups if (span := _whole(self.original, *group, said_before_O)) is not None
        )

    @cached_property
    def _omitted(self) -> tuple[Span, ...]:
        """What `text_of` leaves out, merged and in order."""
        changes_O = np.zeros(len(self.original) + 1, np.int32)
        for a, b in (*self.stripped, *self.unread, *self._unsayable_writing):
            changes_O[a] += 1
            changes_O[b] -= 1
        return runs_of(np.cumsum(changes_O[:-1]) > 0)

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
        count = len(self.word_bounds[0])
        firsts_W = np.full(count, len(self.original) + 1, np.int64)
        lasts_W = np.zeros(count, np.int64)
        distinct, which_O = distinct_codes(self.original)
        is_printed = np.array([not chr(code).isspace() for code in distinct.tolist()], np.bool_)
        owned = np.flatnonzero((self._owners_O >= 0) & is_printed[which_O])
        owners = self._owners_O[owned]
        np.minimum.at(firsts_W, owners, owned)
        np.maximum.at(lasts_W, owners, owned + 1)
        ends_W: NDArray[np.int64] = np.maximum.accumulate(lasts_W)
        return np.minimum(firsts_W, ends_W), ends_W


def runs_of(mask: NDArray[np.bool_]) -> tuple[Span, ...]:
    """Half-open spans of the true runs."""
    borders = np.flatnonzero(np.diff(mask.astype(np.int8), prepend=0, append=0)).tolist()
    return tuple(zip(borders[::2], borders[1::2]))


def _whole(original: str, start: int, end: int, said_before_O: NDArray[np.int64]) -> Span | None:
    """A run of what cannot be said with its brackets and full stops; None for a sign inside a word."""
    categories = [unicodedata.category(c) for c in original[start:end]]
    letters = sum(category[0] in "LN" for category in categories)
    if letters:
        while end < len(original) and said_before_O[end] == said_before_O[end + 1] and _closes(original[end]):
            end += 1
        while start and said_before_O[start - 1] == said_before_O[start] and _opens(original[start - 1]):
            start -= 1
    is_free = all(c.isspace() for c in (original[start - 1 : start], original[end : end + 1]) if c)
    return (start, end) if is_free or letters > 1 or "So" in categories else None


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


def _closes(character: str) -> bool:
    return unicodedata.category(character) in ("Po", "Pe", "Pf")


def _count_letters(text: str) -> int:
    return sum(count for c, count in Counter(text).items() if unicodedata.category(c)[0] in "LN")


def offers_of(
    text: TracedText, marks: Sequence[Span], breaks: Sequence[Span], has_spaces: bool
) -> tuple[Offer, ...]:
    """What of a normalised text may be unsaid.

    Args:
        text: L characters.
        marks: half-open spans of the original, in order and without overlap. One that holds no whole word of the
            text, or parts of a word alone, offers nothing.
        breaks: half-open spans of the original between two parts of a word that a line's end has broken.
        has_spaces: whether words are parted by spaces.
    """
    found = []
    is_space_L = codes(text.text) == SPACE
    # All at once: each search of its own would cast the whole array anew.
    places = np.array(marks, np.int64).reshape(-1, 2)
    starts = np.searchsorted(text.starts_L, places[:, 0]).tolist()
    ends = np.searchsorted(text.ends_L, places[:, 1], side="right").tolist()
    for (char_start, char_end), start, end in zip(marks, starts, ends):
        while start < end and is_space_L[start]:
            start += 1
        while start < end and is_space_L[end - 1]:
            end -= 1
        whole = not has_spaces or (
            (start == 0 or is_space_L[start - 1]) and (end == len(is_space_L) or is_space_L[end])
        )
        if start < end and whole:
            found.append(Offer(start=start, end=end, char_start=char_start, char_end=char_end))
    broken = breaks if has_spaces else ()
    firsts = np.searchsorted(text.starts_L, np.array([end for _, end in broken], np.int64)) - 1
    for (char_start, char_end), at in zip(broken, firsts.tolist()):
        if at > 0 and is_space_L[at] and text.ends_L[at - 1] <= char_start:
            found.append(Offer(start=at, end=at + 1, char_start=char_start, char_end=char_end, joins=True))
    found.sort(key=lambda offer: (offer.start, -offer.end))
    return tuple(
        offer for before, offer in zip([None, *found], found) if before is None or before.end <= offer.start
    )
