"""The files that transcripts come in, as plain text with cue times, each character with its place in the file.

Cue times are a check on an alignment (`cue_times.py`); nothing here or later trusts them.

Legend: N characters of the plain text.
"""

from __future__ import annotations

import codecs
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from prep_corpus.align.errors import TranscriptNotUtf8
from prep_corpus.align.offsets import OffsetMap
from prep_corpus.align.traced import TracedText

PLAIN = "text"
FORMATS = {
    ".txt": PLAIN,
    ".lab": PLAIN,
    ".srt": "srt",
    ".vtt": "vtt",
    ".stm": "stm",
    ".textgrid": "textgrid",
    ".html": "html",
    ".htm": "html",
    ".xhtml": "html",
    ".md": "markdown",
    ".markdown": "markdown",
}
"""Formats by the ending of the file's name."""

SCRIPTS = frozenset({"srt", "vtt", "html", "markdown"})
"""Formats made to be read with the eyes, in which names of speakers and stage directions are not said."""

_MAX_PROBLEMS = 100

_BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


@dataclass(frozen=True, kw_only=True)
class Cue:
    """One timed piece of a transcript.

    Attributes:
        start_seconds: from the start of the recording.
        end_seconds: not before the start.
        char_start: where its text starts in the plain text.
        char_end: where it ends; the span is half-open and not empty.
        speaker: as the file names them.
    """

    start_seconds: float
    end_seconds: float
    char_start: int
    char_end: int
    speaker: str | None = None


@dataclass(frozen=True, kw_only=True)
class Transcript:
    """What a transcript's file says.

    Attributes:
        original: the decoded file.
        text: N characters: the file without times, numbers of cues, tags and the like. Speaker labels and stage
            directions in the text are still there: `text.TextOptions` strips them where they can be counted.
        starts_N: int32, where in `original` the source of each character starts.
        ends_N: int32, where it ends.
        cues: in the order of the text.
        problems: what in the file broke a rule of its format, each with its line.
    """

    original: str
    text: str
    starts_N: NDArray[np.int32] = field(repr=False)
    ends_N: NDArray[np.int32] = field(repr=False)
    cues: tuple[Cue, ...] = ()
    problems: tuple[str, ...] = ()

    @cached_property
    def offsets(self) -> OffsetMap:
        """The places of the characters in few numbers, as they are kept."""
        return OffsetMap.of(self.starts_N, self.ends_N)

    def original_span(self, char_start: int, char_end: int) -> tuple[int, int]:
        """The half-open span of the file behind a half-open span of the plain text."""
        return self.offsets.span(char_start, char_end)


@dataclass(frozen=True, kw_only=True)
class Piece:
    """A timed or untimed piece of a file, on its way into a transcript.

    Attributes:
        traced: its text, with offsets in the whole file.
        start_seconds: None where it has no times that can be used.
        end_seconds: None likewise.
        speaker: as the file names them.
    """

    traced: TracedText
    start_seconds: float | None = None
    end_seconds: float | None = None
    speaker: str | None = None


def piece_of(original: str, start: int, end: int) -> TracedText:
    """A half-open span of a file, with the offsets of the whole."""
    offsets = np.arange(start, end + 1, dtype=np.int32)
    return TracedText(text=original[start:end], starts_L=offsets[:-1], ends_L=offsets[1:])


def joined(traced: Sequence[TracedText], separator: str = "\n") -> TracedText:
    """Texts one after another; a separator carries the span between its neighbours, or an empty one."""
    texts: list[str] = []
    starts: list[NDArray[np.int32]] = []
    ends: list[NDArray[np.int32]] = []
    for part in (part for part in traced if part.text):
        if texts:
            before, after = int(ends[-1][-1]), int(part.starts_L[0])
            texts.append(separator)
            starts.append(np.full(len(separator), before, np.int32))
            ends.append(np.full(len(separator), max(before, after), np.int32))
        texts.append(part.text)
        starts.append(part.starts_L)
        ends.append(part.ends_L)
    if not texts:
        return piece_of("", 0, 0)
    return TracedText(text="".join(texts), starts_L=np.concatenate(starts), ends_L=np.concatenate(ends))


def assemble(original: str, pieces: Sequence[Piece], problems: Sequence[str] = ()) -> Transcript:
    """The transcript of pieces in order, one line each; pieces without text are left out."""
    full = [piece for piece in pieces if piece.traced.text.strip()]
    whole = joined([piece.traced for piece in full])
    cues = []
    at = 0
    for piece in full:
        end = at + len(piece.traced.text)
        if piece.start_seconds is not None and piece.end_seconds is not None:
            cues.append(
                Cue(
                    start_seconds=piece.start_seconds,
                    end_seconds=piece.end_seconds,
                    char_start=at,
                    char_end=end,
                    speaker=piece.speaker,
                )
            )
        at = end + 1
    return Transcript(
        original=original,
        text=whole.text,
        starts_N=whole.starts_L,
        ends_N=whole.ends_L,
        cues=tuple(cues),
        problems=_told(problems),
    )


def _told(problems: Sequence[str]) -> tuple[str, ...]:
    """The first problems, and how many more there are."""
    if len(problems) <= _MAX_PROBLEMS:
        return tuple(problems)
    return (*problems[:_MAX_PROBLEMS], f"{len(problems) - _MAX_PROBLEMS} more lines like these")


def decode(content: bytes, *, name: str) -> str:
    """The text of a file: UTF-8, or UTF-16 with a byte order mark, as Praat writes it.

    Args:
        content: the whole file.
        name: the file, for the message.

    Raises:
        TranscriptNotUtf8: it is neither.
    """
    encoding = next((encoding for mark, encoding in _BYTE_ORDER_MARKS if content.startswith(mark)), "utf-8")
    try:
        return content.decode(encoding)
    except UnicodeDecodeError as error:
        raise TranscriptNotUtf8(
            f"{name}: the transcript must be UTF-8, or UTF-16 with a byte order mark, but byte {error.start} of "
            f"{len(content)} is {content[error.start]:#04x}"
        ) from error


@dataclass(frozen=True, kw_only=True)
class Selection:
    """Which part of a file is a recording's transcript, where the file may hold more.

    Attributes:
        recordings: names of the recording, the first that an STM file knows counts; empty where it holds one.
        channel: which channel of an STM file, as its second column names it; all where None.
        channel_index: the same by its place among the file's channels, from 0, where the name is not known.
        tiers: tiers of a TextGrid; the usual ones where empty.
        strict: that the recording's name was given, not guessed: it must be in the file, even in one of a single
            recording.
    """

    recordings: tuple[str, ...] = ()
    channel: str | None = None
    channel_index: int | None = None
    tiers: tuple[str, ...] = ()
    strict: bool = False


EVERYTHING = Selection()


def format_of(name: str) -> str:
    """The format that the ending of a file's name stands for; plain text where it is none of `FORMATS`."""
    return FORMATS.get(os.path.splitext(name)[1].lower(), PLAIN)


def parse(original: str, *, name: str, selection: Selection = EVERYTHING) -> Transcript:
    """The transcript in a file, by the ending of its name.

    Args:
        original: the decoded file.
        name: the file's name; one with no ending in `FORMATS` is plain text.
        selection: which part of the file.

    Raises:
        TranscriptMalformed: the file is not of that format, or does not hold what is selected.
    """
    from prep_corpus.align import annotations, scripts, subtitles

    kind = format_of(name)
    if kind == "srt":
        return subtitles.parse_srt(original, name=name)
    if kind == "vtt":
        return subtitles.parse_webvtt(original, name=name)
    if kind == "stm":
        return annotations.parse_stm(original, name=name, selection=selection)
    if kind == "textgrid":
        return annotations.parse_textgrid(original, name=name, tiers=selection.tiers)
    if kind == "html":
        return scripts.parse_html(original)
    if kind == "markdown":
        return scripts.parse_markdown(original)
    return assemble(original, [Piece(traced=piece_of(original, 0, len(original)))])
