"""The files that transcripts come in, as plain text with cue times, each character with its place in the file.

Cue times are a check on an alignment (`cue_times.py`); nothing here or later trusts them.

Legend: N characters of the plain text.
"""

from __future__ import annotations

import codecs
import os

from prep_corpus.align.errors import TranscriptNotUtf8
from prep_corpus.align.transcripts import documents, subtitles
from prep_corpus.align.transcripts.annotations import parse_stm, parse_textgrid
from prep_corpus.align.transcripts.pieces import EVERYTHING, Piece, Selection, Transcript, assemble, piece_of

PLAIN = "text"
ENDINGS = {
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


_BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


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


def format_of(name: str) -> str:
    """The format that the ending of a file's name stands for; plain text where it is none of `ENDINGS`."""
    return ENDINGS.get(os.path.splitext(name)[1].lower(), PLAIN)


def parse(original: str, *, name: str, selection: Selection = EVERYTHING) -> Transcript:
    """The transcript in a file, by the ending of its name.

    Args:
        original: the decoded file.
        name: the file's name; one with no ending in `ENDINGS` is plain text.
        selection: which part of the file.

    Raises:
        TranscriptMalformed: the file is not of that format, or does not hold what is selected.
    """
    kind = format_of(name)
    if kind == "srt":
        return subtitles.parse_srt(original, name=name)
    if kind == "vtt":
        return subtitles.parse_webvtt(original, name=name)
    if kind == "stm":
        return parse_stm(original, name=name, selection=selection)
    if kind == "textgrid":
        return parse_textgrid(original, name=name, tiers=selection.tiers)
    if kind == "html":
        return documents.parse_html(original)
    if kind == "markdown":
        return documents.parse_markdown(original)
    return assemble(original, [Piece(traced=piece_of(original, 0, len(original)))])
