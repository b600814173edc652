"""Unicode as people type it, brought to one form, with the places of the changes."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from functools import lru_cache

from prep_corpus.align.traced import Edit

# What writers type for one and the same mark. Dashes stay apart: "10–15" is a range, "well-known" is not.
_TYPOGRAPHIC = {
    "’": "'", "‘": "'", "‛": "'", "‚": "'", "´": "'",
    "“": '"', "”": '"', "„": '"', "‟": '"', "«": '"', "»": '"', "″": '"', "′": "'",
    "‐": "-", "‑": "-", "⁃": "-", "﹣": "-", "－": "-",
    "‒": "–",
}  # fmt: skip

# Their compatibility forms would run into a neighbour: 3½ -> 31/2, 10² -> 102, 1º -> 1o.
_KEPT_AS_WRITTEN = frozenset("™℠®©ºª") | {"\N{FRACTION SLASH}"}

_ZERO_WIDTH_JOINER = "\u200d"
_LONGEST_CACHED_WORD = 32


@lru_cache(maxsize=65536)
def _belongs_to_previous(character: str) -> bool:
    """Whether it may change the character before: marks, joiners, later parts of Hangul syllables."""
    if unicodedata.category(character)[0] == "M" or character == _ZERO_WIDTH_JOINER:
        return True
    return "\u1160" <= character <= "\u11ff" or "\ud7b0" <= character <= "\ud7ff"


@lru_cache(maxsize=65536)
def _clean_segment(segment: str) -> str:
    """NFKC of one character with its marks, with typographic variants mapped to one form."""
    first = segment[0]
    if first in _TYPOGRAPHIC:
        return _TYPOGRAPHIC[first] + segment[1:]
    if first in _KEPT_AS_WRITTEN or _is_raised_or_fraction(first):
        return segment
    digit = unicodedata.decimal(first, None)
    if digit is not None:
        return str(digit) + segment[1:]
    clean = unicodedata.normalize("NFKC", segment)
    return segment if clean.startswith(" ") and not segment[0].isspace() else clean


def _is_raised_or_fraction(character: str) -> bool:
    decomposition = unicodedata.decomposition(character)
    return decomposition.startswith(("<super> 00", "<fraction>")) and not character.isalpha()


def _segments(run: str) -> Iterator[tuple[int, int]]:
    """Half-open spans of the run: each one character and what belongs to it."""
    start = 0
    for at in range(1, len(run)):
        if not _belongs_to_previous(run[at]):
            yield start, at
            start = at
    yield start, len(run)


@lru_cache(maxsize=65536)
def _clean_word(word: str) -> tuple[Edit, ...]:
    return _clean_anew(word)


def _clean_anew(run: str) -> tuple[Edit, ...]:
    return tuple(
        (start, end, clean)
        for start, end in _segments(run)
        if (clean := _clean_segment(run[start:end])) != run[start:end]
    )


def cleaning_edits(text: str) -> list[Edit]:
    """The edits that bring a text to NFKC, with one apostrophe, one quotation mark, and digits as 0 to 9.

    Superscripts and vulgar fractions are left for the rules that read them aloud.

    Args:
        text: any text.
    """
    if text.isascii():
        return []
    edits: list[Edit] = []
    at = 0
    for word in text.split():
        at = text.index(word, at)
        if not word.isascii():
            # Words recur, so most are looked up; sentences of a script without spaces do not.
            found = _clean_word(word) if len(word) <= _LONGEST_CACHED_WORD else _clean_anew(word)
            edits += [(start + at, end + at, clean) for start, end, clean in found]
        at += len(word)
    return edits
