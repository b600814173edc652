"""The files that transcripts come in: which format a file is of, and its plain text with cue times.

No format is guessed: an ending that is known is read by its rules or refused with what to do; a text file that is of a
known format inside is read as such, and one that is mostly markup or times is refused.
"""

from __future__ import annotations

import codecs
import os
import re
from collections.abc import Callable, Mapping
from types import MappingProxyType

from prep_corpus.align.errors import TranscriptMalformed, TranscriptNotUtf8
from prep_corpus.align.text.markup import html_edits
from prep_corpus.align.transcripts import books, cue_lines, subtitles
from prep_corpus.align.transcripts.annotations import parse_stm, parse_textgrid
from prep_corpus.align.transcripts.chat import parse_chat
from prep_corpus.align.transcripts.documents import parse_html, parse_markdown
from prep_corpus.align.transcripts.overlays import smil
from prep_corpus.align.transcripts.pieces import EVERYTHING, Piece, Selection, Transcript, assemble, piece_of
from prep_corpus.align.transcripts.recognisers import parse_json
from prep_corpus.align.transcripts.timed_xml import parse_xml

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
    ".json": "json",
    ".json3": "json",
    ".tsv": "tsv",
    ".ctm": "ctm",
    ".sbv": "sbv",
    ".sub": "sub",
    ".lrc": "lrc",
    ".ass": "ass",
    ".ssa": "ass",
    ".ttml": "ttml",
    ".dfxp": "ttml",
    ".xml": "ttml",
    ".srv1": "ttml",
    ".srv2": "ttml",
    ".srv3": "ttml",
    ".trs": "trs",
    ".eaf": "eaf",
    ".cha": "chat",
    ".smil": "smil",
    ".epub": "epub",
    ".docx": "docx",
}
"""Formats by the ending of the file's name."""

_AS_TEXT = "save its text as .txt (UTF-8)"
_AS_SUBTITLES = "convert it to .srt or .vtt"
NOT_READ = {
    ".pdf": _AS_TEXT,
    ".doc": "save it as .docx, or its text as .txt (UTF-8)",
    ".odt": "save it as .docx, or its text as .txt (UTF-8)",
    ".rtf": _AS_TEXT,
    ".pages": _AS_TEXT,
    ".mobi": "convert it to .epub",
    ".azw3": "convert it to .epub",
    ".smi": "a SMIL file must end in .smil; SAMI captions convert to .srt or .vtt",
    ".sami": _AS_SUBTITLES,
    ".stl": _AS_SUBTITLES,
    ".scc": _AS_SUBTITLES,
    ".mcc": _AS_SUBTITLES,
    ".idx": "its subtitles are pictures; find them as text",
    ".sup": "its subtitles are pictures; find them as text",
    ".rttm": "it says who speaks, not what is said",
    ".csv": "a table of recordings is a manifest; a transcript in a table is a .tsv with start, end and text",
    ".jsonl": "a table of recordings is a manifest; a transcript in JSON is one object",
}
"""Endings of transcripts that are not read, each with the way out."""

SCRIPTS = frozenset(
    {
        "srt",
        "vtt",
        "html",
        "markdown",
        "json",
        "tsv",
        "sbv",
        "sub",
        "lrc",
        "ass",
        "ttml",
        "smil",
        "epub",
        "docx",
    }
)
"""Formats made to be read with the eyes, in which names of speakers and stage directions are not said."""

_BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_XML_ENCODING = re.compile(rb"""\A\s*<\?xml[^>]{0,200}?encoding\s*=\s*["']([\w.-]{1,30})["']""")
_XML_ENCODINGS = re.compile(
    r"iso-?8859-?\d{1,2}|latin-?\d|windows-?125\d|cp125\d|us-ascii|koi8-[ru]|utf-?8", re.I
)

_SRT_TIMES = re.compile(r"^\s*\d{1,3}:\d{2}:\d{2}[,.]\d{1,3}\s*-->\s*\d", re.M)
_SBV_TIMES = re.compile(r"^\s*\d{1,3}:\d{2}:\d{2}\.\d{2,3},\d{1,3}:\d{2}:\d{2}\.\d{2,3}\s*$", re.M)
_LRC_LINE = re.compile(r"^\[\d{1,3}:\d{1,2}(?:[.:]\d{1,3})?\]", re.M)
_LRC_TAG = re.compile(r"\[[A-Za-z#]{1,10}:[^\]]*\]\s*$")
_XML_ROOT = re.compile(
    r"\s*(?:<\?xml[^>]*\?>\s*)?(?:<!--.*?-->\s*|<!DOCTYPE\s+(?:tt|Trans)\b[^>]*>\s*)*"
    r"<(?:\w+:)?(?:tt|timedtext|transcript|Trans|ANNOTATION_DOCUMENT)[\s>]",
    re.S,
)
_HTML_ROOT = re.compile(r"\s*(?:<\?xml[^>]*\?>\s*)?(?:<!DOCTYPE\s+html|<html)[\s>]", re.I)
_CTM_LINE = re.compile(
    r"[^\S\n]*\S+[ \t]+[12AB][ \t]+\d+\.\d+[ \t]+\d*\.\d+[ \t]+\S+(?:[ \t]+[\d.]+)?[ \t]*\r?"
)
_CLOCK_LINE = re.compile(r"[^\S\n]*[\[(]?(?:\d{1,2}:)?\d{1,2}:\d{2}(?:[.,]\d{1,3})?[\])]?[^\S\n]*\r?")
_SNIFFED_CHARACTERS = 20_000


def decode(content: bytes, *, name: str) -> str:
    """The text of a file: UTF-8, UTF-16 with a byte order mark, the encoding that XML declares, or an archive's text.

    Args:
        content: the whole file.
        name: the file, for the message; its ending says whether it is an archive.

    Raises:
        TranscriptNotUtf8: it is neither.
        TranscriptMalformed: an archive is none, or is damaged.
    """
    kind = _by_ending(name)
    if kind == "epub":
        return books.unpack_epub(content, name=name)
    if kind == "docx":
        return books.unpack_docx(content, name=name)
    encoding = next((encoding for mark, encoding in _BYTE_ORDER_MARKS if content.startswith(mark)), "utf-8")
    declared = _XML_ENCODING.match(content)
    if declared and _XML_ENCODINGS.fullmatch(declared[1].decode("ascii")):
        encoding = declared[1].decode("ascii")
    try:
        return content.decode(encoding)
    except LookupError:
        raise TranscriptNotUtf8(
            f"{name}: the transcript declares an unknown encoding, {encoding!r}"
        ) from None
    except UnicodeDecodeError as error:
        raise TranscriptNotUtf8(
            f"{name}: the transcript must be UTF-8, or UTF-16 with a byte order mark, but byte {error.start} of "
            f"{len(content)} is {content[error.start]:#04x}; where it is of Western Windows, "
            "`iconv -f WINDOWS-1252 -t UTF-8 OLD > NEW` makes it UTF-8"
        ) from error


def _by_ending(name: str) -> str:
    """The format that the ending of a file's name stands for; plain text where it is none of `ENDINGS`."""
    return ENDINGS.get(os.path.splitext(name)[1].lower(), PLAIN)


def format_of(name: str, original: str) -> str:
    """The format of a file, by the ending of its name; a text file's by what it holds.

    Args:
        name: the file's name.
        original: the decoded file.

    Raises:
        TranscriptMalformed: the ending is one that is not read, or a text is mostly markup or times.
    """
    ending = os.path.splitext(name)[1].lower()
    if ending in NOT_READ:
        raise TranscriptMalformed(
            f"{name}: transcripts of the format {ending} are not read: {NOT_READ[ending]}"
        )
    kind = ENDINGS.get(ending, PLAIN)
    if kind != PLAIN:
        return kind
    found = _inside(original)
    if found == PLAIN:
        _refuse_what_is_no_text(original, name)
    return found


def _inside(original: str) -> str:
    """The format that a text is of, by what it begins with or what all its lines are; else plain text."""
    text = original.lstrip("\ufeff")
    head = text[:_SNIFFED_CHARACTERS]
    start = head.lstrip()
    if start.startswith("WEBVTT"):
        return "vtt"
    if start.startswith(("File type = ", '"ooTextFile')):
        return "textgrid"
    if start.lower().startswith("[script info]"):
        return "ass"
    if start.startswith(("@UTF8", "@Begin")):
        return "chat"
    if start.startswith("start\tend\ttext"):
        return "tsv"
    if _XML_ROOT.match(head):
        return "ttml"
    if _HTML_ROOT.match(head):
        return "html"
    if start[:1] in ("{", "[") and _is_json(text):
        return "json"
    for pattern, kind in ((_SRT_TIMES, "srt"), (_SBV_TIMES, "sbv")):
        if len(pattern.findall(head)) > 1:
            return kind
    lines = [line for line in head.splitlines() if line.strip()]
    sung = [line for line in lines if not _LRC_TAG.match(line)]
    if len(sung) > 1 and sum(_LRC_LINE.match(line) is not None for line in sung) * 10 > len(sung) * 8:
        return "lrc"
    if len(lines) > 4 and all(_CTM_LINE.fullmatch(line) for line in lines[:-1]):
        return "ctm"
    return "labels" if cue_lines.is_labels(text) else PLAIN


def _is_json(text: str) -> bool:
    try:
        parse_json(text)
    except TranscriptMalformed as error:
        # JSON of another kind is refused as such, by name; a text that begins with a bracket is none.
        return "must have segments" in str(error)
    return True


def _refuse_what_is_no_text(original: str, name: str) -> None:
    """Refuse a text of which most is markup, or every other line a time."""
    head = original[:_SNIFFED_CHARACTERS]
    tags = sum(end - start for start, end, _ in html_edits(head)) if head.count("<") > 10 else 0
    if tags * 2 > len(head):
        raise TranscriptMalformed(
            f"{name}: a plain text must be what is said, but {tags / len(head):.0%} of this one is markup; give the "
            "file the ending of its format (.html, .xml, .ttml), or take the markup out"
        )
    lines = [line for line in head.splitlines() if line.strip()]
    clocks = sum(_CLOCK_LINE.fullmatch(line) is not None for line in lines)
    if len(lines) > 5 and clocks * 3 > len(lines):
        raise TranscriptMalformed(
            f"{name}: a plain text must be what is said, but {clocks} of its first {len(lines)} lines are times; save "
            "it as .srt, .vtt or .sbv, or take the times out"
        )


def documents_of(content: bytes, *, name: str, up: int = 0) -> dict[str, int]:
    """The other files that a transcript's text stands in, which `parse` needs.

    Args:
        content: the whole file.
        name: the file, for messages; its ending says the format.
        up: how many folders above the file's own a document may stand, as in an unpacked EPUB.

    Returns:
        Paths from the file's folder, each with the line that names it first; most often none.

    Raises:
        TranscriptMalformed: the file is not of its format, or names a file elsewhere.
        TranscriptNotUtf8: as for `decode`.
    """
    if not names_documents(name):
        return {}
    return smil.documents_of(decode(content, name=name), name=name, up=up)


def names_documents(name: str) -> bool:
    """Whether the text of a transcript of that name stands in other files, which `documents_of` tells."""
    return _by_ending(name) == "smil"


def parse(
    original: str,
    *,
    name: str,
    selection: Selection = EVERYTHING,
    documents: Mapping[str, bytes] = MappingProxyType({}),
) -> Transcript:
    """The transcript in a file, by the ending of its name; of a text file, by what it holds.

    Args:
        original: the decoded file.
        name: the file's name; one with no ending in `ENDINGS` is a text file.
        selection: which part of the file.
        documents: the files of `documents_of`, by their paths there.

    Raises:
        TranscriptMissing: one of the documents is not handed over.
        TranscriptMalformed: the file is not of that format, does not hold what is selected, or is of a format that is
            not read.
    """
    kind = format_of(name, original)
    if kind == "stm":
        return parse_stm(original, name=name, selection=selection)
    if kind == "ctm":
        return cue_lines.parse_ctm(original, name=name, selection=selection)
    if kind == "textgrid":
        return parse_textgrid(original, name=name, tiers=selection.tiers)
    if kind in ("ttml", "trs", "eaf"):
        return parse_xml(original, name=name, tiers=selection.tiers)
    if kind == "smil":
        texts = {path: decode(data, name=f"{name}: {path}") for path, data in documents.items()}
        return smil.parse_smil(original, texts, name=name, selection=selection)
    if kind in ("html", "epub"):
        return parse_html(original)
    if kind == "markdown":
        return parse_markdown(original)
    if kind in _OF_NAME:
        return _OF_NAME[kind](original, name)
    return assemble(original, [Piece(traced=piece_of(original, 0, len(original)))])


# By name, so that each is looked up when it is called.
_OF_NAME: dict[str, Callable[[str, str], Transcript]] = {
    "srt": lambda original, name: subtitles.parse_srt(original, name=name),
    "vtt": lambda original, name: subtitles.parse_webvtt(original, name=name),
    "json": lambda original, name: parse_json(original, name=name),
    "tsv": lambda original, name: cue_lines.parse_whisper_tsv(original, name=name),
    "labels": lambda original, name: cue_lines.parse_labels(original, name=name),
    "sbv": lambda original, name: cue_lines.parse_sbv(original, name=name),
    "sub": lambda original, name: cue_lines.parse_sub(original, name=name),
    "lrc": lambda original, name: cue_lines.parse_lrc(original, name=name),
    "ass": lambda original, name: cue_lines.parse_ass(original, name=name),
    "chat": lambda original, name: parse_chat(original, name=name),
    "docx": lambda original, name: books.parse_docx(original, name=name),
}
