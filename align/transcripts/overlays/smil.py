"""SMIL: media overlays of EPUB 3, what aeneas writes, and DAISY's; the text stands in the documents that they name.

SMIL 3.0, https://www.w3.org/TR/SMIL3/; EPUB 3.3, https://www.w3.org/TR/epub-33/#sec-media-overlays.
"""

from __future__ import annotations

import bisect
import os
import posixpath
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import groupby
from urllib.parse import unquote

from prep_corpus.align.errors import TranscriptMalformed, TranscriptMissing
from prep_corpus.align.traced import TracedText
from prep_corpus.align.transcripts.overlays.elements import WHOLE, NamedElements, Span
from prep_corpus.align.transcripts.pieces import (
    EVERYTHING,
    Selection,
    Transcript,
    assemble,
    lines_of_words,
    timed_piece,
)
from prep_corpus.align.transcripts.positions import XmlElement, read_xml

MOST_DOCUMENTS = 1000
MOST_UP = 3
"""So many folders above the SMIL file's are looked into for the mark of an unpacked EPUB."""

EPUB_MARK = "META-INF/container.xml"
"""The file that the outermost folder of every EPUB has."""

DOCUMENT_ENDINGS = (".xhtml", ".html", ".htm", ".xml")
_RULE = "must name a document in the folder of the SMIL file or below it"
_WAY_OUT = (
    "put it there and name it so, or give the document itself (XHTML, EPUB) as the transcript; '..' may lead to any "
    f"folder of an unpacked EPUB, whose outermost folder has {EPUB_MARK}"
)
_LEADING_UP = re.compile(r"(?:\.\./)*")
_NOT_IN_PATHS = re.compile(r"[:?#\\\x00-\x1f\x7f]")
_CLOCK = re.compile(r"(?:npt=)?(?:(?:(\d{1,9}):)?(\d{1,2}):)?(\d{1,9}(?:\.\d{0,30})?)(h|min|s|ms)?", re.ASCII)
_UNIT_SECONDS = {"h": 3600.0, "min": 60.0, "s": 1.0, "ms": 0.001}
_WORD_CHARACTERS = 12


@dataclass(frozen=True, kw_only=True)
class _Clip:
    """A text that a SMIL file names, and where it is said.

    Attributes:
        document: path of the text's document, from the SMIL file's folder.
        id: the element in it, or `WHOLE`.
        line: line of the SMIL file that names it, from 1.
        audio: file of the audio as the SMIL file names it; "" where it names none, or several.
        start_seconds, end_seconds: as the SMIL file has them; None where it has none that can be read.
    """

    document: str
    id: str
    line: int
    audio: str = ""
    start_seconds: float | None = None
    end_seconds: float | None = None


def documents_of(original: str, *, name: str, up: int = 0) -> dict[str, int]:
    """The documents that a SMIL file names, each with the first line that does.

    Args:
        original: the decoded file.
        name: name for messages.
        up: by how many ".." a path may begin.

    Returns:
        Paths from the file's folder, with "/" and with ".." at their beginning alone, in the order in which they are
        named.

    Raises:
        TranscriptMalformed: it is no SMIL, names no text, or a document that stands elsewhere.
    """
    lines: dict[str, int] = {}
    for clip in _clips(original, name, [], up):
        lines.setdefault(clip.document, clip.line)
    if len(lines) > MOST_DOCUMENTS:
        raise TranscriptMalformed(
            f"{name}: a SMIL file must name at most {MOST_DOCUMENTS} documents, and names {len(lines)}; give a file "
            "for each part"
        )
    return lines


def folders_up(folder: str, documents: Mapping[str, int], exists: Callable[[str], bool]) -> int:
    """How many folders above the SMIL file's the outermost of its unpacked EPUB is; 0 where it is in none.

    Args:
        folder: of the SMIL file, a path or URI.
        documents: of `documents_of`; nothing is looked for where all stand in the folder or below it.
        exists: whether there is a file.
    """
    if not any(document.startswith("../") for document in documents):
        return 0
    above = (up for up in range(MOST_UP + 1) if exists(place_of(folder, "../" * up + EPUB_MARK)))
    return next(above, 0)


def place_of(folder: str, document: str) -> str:
    """Where a document stands, a path or URI.

    Args:
        folder: of the SMIL file.
        document: path of `documents_of`.
    """
    if "://" not in folder:
        return os.path.join(folder, document)
    while document.startswith("../") and "/" in folder.partition("://")[2]:
        folder, document = folder.rpartition("/")[0], document[3:]
    return f"{folder}/{document}"


def check_below(folder: str, document: str, *, place: str, up: int = 0) -> None:
    """Refuse a document on a disk that a link leads out of the SMIL file's folder, or of its EPUB.

    Args:
        folder: of the SMIL file.
        up: how many folders above it the EPUB's outermost is.
        document: path from there, of `documents_of`.
        place: the SMIL file and its line, for the message.

    Raises:
        TranscriptMalformed: it stands elsewhere.
    """
    within = os.path.realpath(os.path.join(folder, *[".."] * up))
    found = os.path.realpath(os.path.join(folder, document))
    if os.path.commonpath([within, found]) != within:
        raise TranscriptMalformed(
            f"{place}: <text> {_RULE}, but {document} is a link out of it, to {found}; {_WAY_OUT}"
        )


def absent(document: str, error: object, *, place: str) -> TranscriptMissing:
    """What to raise where a document is not there.

    Args:
        document: path of `documents_of`.
        error: what was said when it was opened.
        place: the SMIL file and its line, for the message.
    """
    return TranscriptMissing(
        f"{place}: <text> {_RULE}, but there is no {document} that can be read: {error}; {_WAY_OUT}"
    )


def parse_smil(
    original: str, documents: Mapping[str, str], *, name: str = "SMIL", selection: Selection = EVERYTHING
) -> Transcript:
    """The texts that a SMIL file names, in its order.

    A text is read once: where it is named again, or is part of one that is read already, that is among the problems.

    Args:
        original: the decoded file.
        documents: each of `documents_of`, decoded.
        name: name for messages.
        selection: names of the recording, which count where the file names the audio of several.

    Returns:
        Its `original` are the documents one after another, a line end between them: places are those of the document
        where there is one.

    Raises:
        TranscriptMalformed: it is no SMIL, an element that it names is not there, or it names several audio files and
            none is the recording.
    """
    problems: list[str] = []
    # Those that are handed over were looked for where they may stand.
    clips = list(_clips(original, name, problems, MOST_UP))
    order = list(dict.fromkeys(clip.document for clip in clips))
    missing = next((clip for clip in clips if clip.document not in documents), None)
    if missing is not None:
        raise absent(missing.document, "it was not handed over", place=f"{name}: line {missing.line}")
    ids: dict[str, set[str]] = {document: set() for document in order}
    for clip in clips:
        ids[clip.document].add(clip.id)
    pages, bases, base = {}, {}, 0
    for document in order:
        pages[document] = NamedElements(documents[document], frozenset(ids[document]))
        bases[document] = base
        base += len(documents[document]) + 1
        problems += [f"{document}: {problem}" for problem in pages[document].problems()]
    pieces = []
    read: dict[str, list[Span]] = {document: [] for document in order}
    for clip in _joined(_of_recording(clips, selection, name, problems)):
        span = pages[clip.document].span(clip.id)
        if span is None:
            raise TranscriptMalformed(
                f"{name}: line {clip.line}: <text> must name an element that is there, but {clip.document} has none "
                f"with the id {clip.id[:80]!r}; give the document that it was made for, or take the <par> out"
            )
        if not _is_new(read[clip.document], span):
            problems.append(
                f"line {clip.line}: {clip.document}#{clip.id[:80]} is read already, and not again"
            )
            continue
        traced = _moved(pages[clip.document].text(span), bases[clip.document])
        pieces.append(timed_piece(traced, clip.start_seconds, clip.end_seconds))
    words = [piece for piece in pieces if piece.traced.text]
    if sum(_is_word(piece.traced.text) for piece in words) * 2 > len(words):
        pieces = lines_of_words(words)
    return assemble("\n".join(documents[document] for document in order), pieces, problems)


def _clips(original: str, name: str, problems: list[str], up: int) -> Iterator[_Clip]:
    """The texts that a SMIL file names, in order; times that cannot be read go to the problems.

    Raises:
        TranscriptMalformed: it is no SMIL, or names no text, or a document elsewhere.
    """
    root = read_xml(original, name=name)
    if root.tag != "smil":
        raise TranscriptMalformed(f"{name}: the root of a SMIL file must be <smil>, and is <{root.tag[:40]}>")
    found = False
    for element in _elements(root):
        audios = list(_audios(element)) if element.tag == "par" else []
        for text in element.elements("text"):
            found = True
            yield _clip(text, audios, _target(text, name, up), problems)
            audios = []
    if not found:
        raise TranscriptMalformed(
            f'{name}: a SMIL file must name texts (<par><text src="page.xhtml#f001"/>...), and names none; give the '
            "document itself (XHTML, EPUB) as the transcript"
        )


def _elements(element: XmlElement) -> Iterator[XmlElement]:
    """All elements in the order of the file."""
    yield element
    for inner in element.elements():
        yield from _elements(inner)


def _audios(par: XmlElement) -> Iterator[XmlElement]:
    """The clips of a par: its own, and those of sequences in it (DAISY)."""
    yield from par.elements("audio")
    for inner in par.elements("seq"):
        yield from inner.elements("audio")


def _clip(text: XmlElement, audios: list[XmlElement], target: tuple[str, str], problems: list[str]) -> _Clip:
    clip = _Clip(document=target[0], id=target[1], line=text.line)
    files = {audio.attributes.get("src", "").strip() for audio in audios}
    if len(files) != 1:
        return clip
    times: list[float | None] = []
    for audio, names in ((audios[0], ("clipBegin", "clip-begin")), (audios[-1], ("clipEnd", "clip-end"))):
        written = next((audio.attributes[one] for one in names if one in audio.attributes), None)
        seconds = None if written is None else _seconds(written.strip())
        if written is not None and seconds is None:
            problems.append(f"line {audio.line}: {names[0]} is no time that can be read: {written[:40]!r}")
        times.append(0.0 if written is None and "clipBegin" in names else seconds)
    return replace(clip, audio=files.pop(), start_seconds=times[0], end_seconds=times[1])


def _target(text: XmlElement, name: str, up: int) -> tuple[str, str]:
    """The document and the element that a text's address names.

    Raises:
        TranscriptMalformed: the document is elsewhere, or of another kind.
    """
    written = text.attributes.get("src", "").strip()
    address, _, fragment = written.partition("#")
    path = unquote(address)
    # Where a link stands before it, ".." leads from where the link leads.
    above = len(_LEADING_UP.match(path)[0]) // 3  # type: ignore[index]
    if (
        not path
        or path.startswith("/")
        or above > up
        or ".." in path[3 * above :].split("/")
        or _NOT_IN_PATHS.search(path)
    ):
        raise TranscriptMalformed(
            f"{name}: line {text.line}: <text> {_RULE}, by a relative path without '..', but its src is "
            f"{written[:200]!r}; {_WAY_OUT}"
        )
    path = posixpath.normpath(path)
    if not path.lower().endswith(DOCUMENT_ENDINGS):
        raise TranscriptMalformed(
            f"{name}: line {text.line}: <text> must name an XHTML document ({', '.join(DOCUMENT_ENDINGS)}), but its "
            f"src is {written[:200]!r}; give that file as the transcript"
        )
    return path, unquote(fragment) or WHOLE


def _seconds(written: str) -> float | None:
    """A clock value (`0:00:01.5`, `00:01.5`, `1.5h`, `90min`, `1.5s`, `400ms`, `1.5`), or None where it is none."""
    found = _CLOCK.fullmatch(written)
    if found is None or (found[2] and found[4]):
        return None
    if found[2] is None:
        return float(found[3]) * _UNIT_SECONDS[found[4] or "s"]
    seconds, minutes = float(found[3]), int(found[2])
    if seconds >= 60 or (found[1] and minutes >= 60):
        return None
    return int(found[1] or 0) * 3600 + minutes * 60 + seconds


def _of_recording(
    clips: list[_Clip], selection: Selection, name: str, problems: list[str]
) -> Iterator[_Clip]:
    """Of a file that names several audio files, the clips of the recording's; a text without audio is the last one's.

    Raises:
        TranscriptMalformed: none of the audio files is the recording's.
    """
    audios = list(dict.fromkeys(clip.audio for clip in clips if clip.audio))
    if len(audios) < 2:
        yield from clips
        return
    if not selection.recordings:
        problems.append(f"the file names {len(audios)} audio files, whose times cannot be told apart")
        yield from (replace(clip, start_seconds=None, end_seconds=None) for clip in clips)
        return
    known = {audio for audio in audios if not _names_of(audio).isdisjoint(selection.recordings)}
    if not known:
        raise TranscriptMalformed(
            f"{name}: of several audio files that a SMIL file names one must be the recording's "
            f"({' or '.join(selection.recordings)}), but they are {', '.join(audios[:5])[:200]}; name it in "
            "text_recording"
        )
    last = audios[0]
    for clip in clips:
        last = clip.audio or last
        if last in known:
            yield clip


def _names_of(audio: str) -> set[str]:
    """What a recording with this audio may be called."""
    base = posixpath.basename(unquote(audio))
    return {base, posixpath.splitext(base)[0]}


def _joined(clips: Iterator[_Clip]) -> Iterator[_Clip]:
    """Clips of one text that follow each other, as one."""
    for _, same in groupby(clips, key=lambda clip: (clip.document, clip.id)):
        first, *_, last = [*same] * 2
        is_timed = first.audio == last.audio
        yield replace(first, end_seconds=last.end_seconds if is_timed else None)


def _is_new(read: list[Span], span: Span) -> bool:
    """Whether a span touches none that is read, which are in order; then it is put among them."""
    at = bisect.bisect_left(read, span)
    if at < len(read) and (read[at] == span or read[at][0] < span[1]):
        return False
    if at and read[at - 1][1] > span[0]:
        return False
    read.insert(at, span)
    return True


def _is_word(text: str) -> bool:
    return len(text) <= _WORD_CHARACTERS and len(text.split()) == 1


def _moved(traced: TracedText, by: int) -> TracedText:
    """A text whose file stands behind so many characters of others."""
    return TracedText(text=traced.text, starts_L=traced.starts_L + by, ends_L=traced.ends_L + by)
