"""What print and captions leave in a text: breaks inside words, invisible characters, marks that no one says."""

from __future__ import annotations

import re

from prep_corpus.align.traced import Edit

Span = tuple[int, int]

_HYPHENS = "-\u2010\u00ad¬"
# A number of a page, on a line of its own.
_PAGE = r"[-–—\[(~* \t]{0,9}(?:(?:page|pg\.?|p\.)[ \t]{0,3})?\d{1,5}[-–—\])~* \t]{0,9}"
# A word broken at the end of a line, or of a page, or where a line's end once was.
_BREAK = re.compile(
    rf"(?<=\w)(?P<hyphen>[{_HYPHENS}])"
    rf"(?P<gap>[ \t\u200b]*\r?\n[ \t]*(?:\r?\n[ \t]*)?(?:{_PAGE}\r?\n[ \t]*(?:\r?\n[ \t]*)?)?|[ ])(?=[^\W\d_])",
    re.I,
)
_LEFT = re.compile(r"[^\W\d_][\w'’]{0,40}\Z")
_RIGHT = re.compile(r"[^\W\d_][\w'’]{0,40}")
_REACH = 42
_HANGING = frozenset(
    {
        "and",
        "or",
        "to",
        "nor",
        "und",
        "oder",
        "bis",
        "als",
        "et",
        "ou",
        "y",
        "o",
        "e",
        "u",
        "en",
        "of",
        "och",
        "eller",
    }
)
"""Words behind the first of two that share an end: "pre- and post-war"."""
_INVISIBLE = re.compile(
    "[\u00ad\u200b\u200e\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufeff\ufff9-\ufffb]+"
)
_ESCAPED_BREAK = re.compile(r"(?<![:\\])\\[Nnh](?!\\)")
_SIGNS = re.compile(
    r"(?<!\S)(?:>{1,3}|\#+|\*+|~+|[♩♪♫♬]+|\(\s?[♩♪♫♬]{0,9}\s?\)|\[\s?[♩♪♫♬]{0,9}\s?\]|\{\s?\})(?!\S)"
    r"|(?<!\S)>{2,3}(?=[^\W\d])"
    r"|<\|[^|<>\s]{1,30}\|>|\{[A-Za-z]:[^{}\s]{1,20}\}"  # codes of recognisers and of subtitles
    r"|^(?=[^\S\n]{0,9}[^\w\s])[-–—―‐_.…?!*~=•·|/\\'\"“”‘’ \t]{1,200}$",  # a line without a word or number
    re.M,
)
# Signs of notes behind words, and stars and lines around words that print would set in italics.
_ATTACHED = re.compile(
    r"[†‡¶❧☙]+"
    r"|(?<=[^\W\d_][^\W\d_])\*(?![\w*])|(?<=[.,;:!?\"”’)])\*(?![\w*])|(?<![\w*])\*(?=[^\W\d_])"
    r"|(?<!\w)_{1,3}(?=[^\W_]|[$€£\"“‘'’(¿¡])|(?<=[^\W_])_{1,3}(?!\w)|(?<=[.,;:!?\"”’)])_{1,3}(?!\w)"
)
_WORDS = re.compile(r"[^\W\d_](?:[\w'’]|-(?=[^\W\d_]))*")


def broken_words(text: str) -> tuple[list[Edit], list[Edit], list[Span]]:
    """Words that a hyphen breaks at the end of a line, as print has them.

    The text's own words decide where they can: a word that it also writes whole is joined, one that it also writes
    with a hyphen in a line keeps it. A soft hyphen always joins. The rest is for the audio to decide.

    Args:
        text: any text.

    Returns:
        Edits that join words; edits that take out a line's end behind a hyphen that stays or may stay; the half-open
        spans, in `text`, of the hyphens that may.
    """
    if not any(hyphen in text for hyphen in _HYPHENS):
        return [], [], []
    whole: set[str] | None = None
    joins: list[Edit] = []
    ends: list[Edit] = []
    open_breaks: list[Span] = []
    for found in _BREAK.finditer(text):
        left_part = _LEFT.search(text, max(0, found.start() - _REACH), found.start())
        right_part = _RIGHT.match(text, found.end())
        if left_part is None or right_part is None:
            continue
        left, right = left_part[0], right_part[0]
        at_line_end = "\n" in found["gap"]
        if not _may_be_one_word(left, right, found["hyphen"], at_line_end):
            continue
        if whole is None:
            whole = {word.lower() for word in _WORDS.findall(text)}
        if found["hyphen"] in "\u00ad¬" or (left + right).lower() in whole:
            joins.append((*found.span(), ""))
            continue
        if at_line_end:
            ends.append((*found.span("gap"), ""))
        if f"{left}-{right}".lower() not in whole:
            open_breaks.append(found.span("hyphen") if at_line_end else found.span())
    return joins, ends, open_breaks


def _may_be_one_word(left: str, right: str, hyphen: str, at_line_end: bool) -> bool:
    """Whether the two parts look like one word: in one case, and not the first of "pre- and post-war"."""
    if hyphen == "\u00ad":
        return True
    same_case = right[0].islower() or (left.isupper() and right.isupper() and len(right) > 1)
    return same_case and (at_line_end or (len(left) > 1 and right.lower() not in _HANGING))


def invisible_edits(text: str) -> list[Edit]:
    """Edits that take out soft hyphens, zero-width spaces, marks of direction and of byte order.

    Joiners of zero width stay: they change the letters beside them.
    """
    return [] if text.isascii() else [(*found.span(), "") for found in _INVISIBLE.finditer(text)]


def escape_edits(text: str) -> list[Edit]:
    r"""Edits that make white space of the line breaks that captions and data write as "\N", "\n" and "\h"."""
    if "\\" not in text:
        return []
    return [(*found.span(), " " if found[0][1] == "h" else "\n") for found in _ESCAPED_BREAK.finditer(text)]


def sign_edits(text: str) -> list[Edit]:
    """Edits that take out signs that stand alone and are no words: ">>", "#", "*", empty brackets, notes of music."""
    return [(*found.span(), " ") for found in _SIGNS.finditer(text)]


def attached_edits(text: str) -> list[Edit]:
    """Edits that take out signs beside words: those of notes ("†", "*"), and of emphasis ("_so_", "*so*")."""
    return [(*found.span(), "") for found in _ATTACHED.finditer(text)]
