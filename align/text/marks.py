"""Marks in a text that are for the eye: where someone does read them, the audio says so.

Numbers of notes, verses, lines and pages, running heads, and in plain text the names of speakers and what stands in
square brackets.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable

from prep_corpus.align.text.foreign import foreign_lines
from prep_corpus.align.text.markup import direction_edits, speaker_edits
from prep_corpus.align.traced import Edit

Span = tuple[int, int]

_RAISED = "⁰¹²³⁴⁵⁶⁷⁸⁹"
_PLAIN = str.maketrans(_RAISED, "0123456789")
_RAISED_NUMBER = re.compile(rf"[{_RAISED}]+(?:[,–-][{_RAISED}]+)*")
_TAKES_MARK = re.compile(r"(?:[^\W\d_]{2}|[.,;:!?\"'”’)\]*])\Z")
_MEASURES = frozenset({"km", "cm", "mm", "dm", "ft", "mi", "yd", "nm", "um", "in", "sq", "ha"})
_LETTERS_BEFORE = re.compile(r"[^\W\d_]+\Z")
_WHICH = r"(?:(?:see\s|cf\.\s)?(?:pages?|pp?\.?|pg\.?|notes?|fn\.?|verses?|vv?\.|lines?|footnotes?|seite|s\.)\s{0,3})?"
_COUNT = r"\d{1,5}[a-z]?(?:\s?[,;–-]\s?\d{1,5}[a-z]?){0,8}"
_CLOCK = r"\d{1,2}:\d{2}(?::\d{2})?(?:[.,]\d{1,3})?"
_BRACKETED = re.compile(
    rf"\[\s?{_WHICH}{_COUNT}\s?\]|\(\s?{_WHICH}{_COUNT}\s?\)|\{{\s?{_WHICH}{_COUNT}\s?\}}"
    rf"|\[\s?{_CLOCK}\s?\]|\(\s?{_CLOCK}\s?\)",
    re.I,
)
_AT_LINE_START = re.compile(r"^[ \t]*(?P<it>\d{1,4}(?:[:.]\d{1,3}){0,2}[.):]?)(?=[ \t]+\S)", re.M)
_AT_LINE_END = re.compile(r"(?<=\S)(?:[ ]{3,}|\t+)(?P<it>\d{1,4})(?=[ \t]*$)", re.M)
_ALONE = re.compile(
    rf"^[ \t]{{0,20}}(?P<it>[-–—~*•|]{{0,9}}[ \t]{{0,9}}{_WHICH}(?:\d{{1,5}}|[ivxlc]{{2,7}})[.):]?"
    r"[ \t]{0,9}[-–—~*•|]{0,9})[ \t]*$",
    re.M | re.I,
)
_BEHIND_STOP = re.compile(r"(?<=[^\W\d_][.!?;:,\"”’)\]])(?P<it>\d{1,3})(?=\s|$)")
_AFTER_SENTENCE = re.compile(r"(?<=[.!?;:,\"”’)\]])\s+(?P<it>\d{1,3})(?=\s+[\"“'‘(]?[^\W\d_])")
_HEAD = re.compile(
    r"^[ \t]*(?:(?P<left>\d{1,4})[ \t]+(?P<after>\S[^\n]{1,80})"
    r"|(?P<before>\S[^\n]{1,80}?)[ \t]{1,20}(?P<right>\d{1,4}))[ \t]*$",
    re.M,
)
_HASH = re.compile(r"#(?=[^\W\d_])")
_LEAST_HEADS = 3


def lowered_edits(text: str) -> list[Edit]:
    """Edits that write the raised numbers of notes as plain ones; powers and measures ("m²") stay.

    Args:
        text: came through `characters.cleaning_edits`.
    """
    if text.isascii():
        return []
    edits = []
    for found in _RAISED_NUMBER.finditer(text):
        if not _TAKES_MARK.search(text, max(0, found.start() - 2), found.start()):
            continue
        letters = _LETTERS_BEFORE.search(text, max(0, found.start() - 12), found.start())
        if letters is None or letters[0].lower() not in _MEASURES:
            edits.append((*found.span(), f" {found[0].translate(_PLAIN)} "))
    return edits


def mark_spans(text: str, *, speakers: bool, brackets: bool, language: str) -> list[Span]:
    """Half-open spans of what may be there for the eye alone, merged and in order.

    Args:
        text: came through `characters.cleaning_edits`.
        speakers: whether names of speakers at the starts of lines are among them.
        brackets: whether square brackets and stage directions are.
        language: primary subtag of what is said, for lines in another.
    """
    spans: list[Span] = [found.span() for found in _HASH.finditer(text)]
    spans += [found.span() for found in _BRACKETED.finditer(text)]
    for pattern in (_AT_LINE_START, _AT_LINE_END, _ALONE, _AFTER_SENTENCE, _BEHIND_STOP):
        spans += [found.span("it") for found in pattern.finditer(text)]
    spans += _running_heads(text)
    spans += foreign_lines(text, language)
    if speakers:
        spans += [(start, end) for start, end, _ in speaker_edits(text)]
    if brackets:
        spans += [(start, end) for start, end, _ in direction_edits(text)]
    return _merged(spans)


def _running_heads(text: str) -> list[Span]:
    """Lines that come back at least three times with another number each time."""
    places: dict[str, list[Span]] = defaultdict(list)
    numbers: dict[str, set[str]] = defaultdict(set)
    for found in _HEAD.finditer(text):
        title = " ".join((found["after"] or found["before"]).lower().split())
        if title[:1].isalpha():
            places[title].append(found.span())
            numbers[title].add(found["left"] or found["right"])
    return [span for title in places if len(numbers[title]) >= _LEAST_HEADS for span in places[title]]


def _merged(spans: Iterable[Span]) -> list[Span]:
    merged: list[Span] = []
    for start, end in sorted(spans):
        if merged and start < merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        elif start < end:
            merged.append((start, end))
    return merged
