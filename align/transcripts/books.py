"""EPUB and DOCX: archives of XML, as one text in reading order."""

from __future__ import annotations

import io
import posixpath
import re
import zipfile
from collections.abc import Iterator
from urllib.parse import unquote

from prep_corpus.align.errors import TranscriptMalformed
from prep_corpus.align.traced import TracedText
from prep_corpus.align.transcripts.pieces import Piece, Transcript, assemble
from prep_corpus.align.transcripts.positions import XmlElement, adjoined, read_xml, with_single_spaces

MAX_TEXT_BYTES = 64 << 20
"""Most that the texts of one archive may unpack to."""
_MAX_MEMBERS = 20_000
_XML_DECLARATION = re.compile(r"\A\ufeff?\s*<\?xml[^>]*\?>|<!DOCTYPE[^>\[]*(?:\[[^\]]*\])?[^>]*>")
_DOCX_UNREAD = frozenset(
    {"del", "moveFrom", "instrText", "delText", "footnoteReference", "Fallback", "rt", "pPr", "rPr"}
)


def unpack_epub(content: bytes, *, name: str) -> str:
    """The documents of an EPUB in the order of its spine, one after another, as XHTML.

    Documents that the spine marks as auxiliary (`linear="no"`) and the table of contents are left out.

    Args:
        content: the archive.
        name: name for messages.

    Raises:
        TranscriptMalformed: it is no EPUB, or its texts are larger than 64 MiB.
    """
    archive = _Archive(content, name)
    package = archive.rootfile()
    base = posixpath.dirname(package)
    root = read_xml(archive.text(package), name=f"{name}: {package}")
    items = {item.attributes.get("id", ""): item for item in root.all_of("item")}
    texts = []
    for reference in root.all_of("itemref"):
        item = items.get(reference.attributes.get("idref", ""))
        if item is None or reference.attributes.get("linear") == "no":
            continue
        if "nav" in item.attributes.get("properties", "").split():
            continue
        if "html" in item.attributes.get("media-type", ""):
            path = posixpath.normpath(posixpath.join(base, unquote(item.attributes.get("href", ""))))
            texts.append(_XML_DECLARATION.sub("", archive.text(path)))
    if not texts:
        raise TranscriptMalformed(f"{name}: the spine of the EPUB must name documents, and names none")
    return "\n".join(texts)


def unpack_docx(content: bytes, *, name: str) -> str:
    """The main document of a DOCX, as XML.

    Raises:
        TranscriptMalformed: it is no DOCX, or larger than 64 MiB.
    """
    return _Archive(content, name).text("word/document.xml")


def parse_docx(original: str, *, name: str = "DOCX") -> Transcript:
    """The paragraphs of a Word document: inserted text is read, deleted text, fields' codes and notes are not.

    Args:
        original: `word/document.xml`.
        name: name for messages.

    Raises:
        TranscriptMalformed: it is no well-formed XML.
    """
    root = read_xml(original, name=name)
    pieces = [Piece(traced=with_single_spaces(adjoined(list(_runs(one))))) for one in _paragraphs(root)]
    return assemble(original, pieces)


def _paragraphs(element: XmlElement) -> Iterator[XmlElement]:
    for inner in element.elements():
        if inner.tag in _DOCX_UNREAD:
            continue
        if inner.tag == "p":
            yield inner
        yield from _paragraphs(inner)


def _runs(element: XmlElement) -> Iterator[TracedText]:
    for inner in element.elements():
        if inner.tag in _DOCX_UNREAD or inner.tag == "p":
            continue
        if inner.tag == "t":
            yield from inner.texts()
        elif inner.tag in ("tab", "br", "cr"):
            yield inner.space
        else:
            yield from _runs(inner)


class _Archive:
    """A ZIP archive of which texts are read, up to a bound."""

    def __init__(self, content: bytes, name: str) -> None:
        self._name, self._left = name, MAX_TEXT_BYTES
        try:
            self._zip = zipfile.ZipFile(io.BytesIO(content))
        except (zipfile.BadZipFile, ValueError, NotImplementedError) as error:
            raise TranscriptMalformed(
                f"{name}: the file must be a ZIP archive, and is none: {error}"
            ) from error
        if len(self._zip.infolist()) > _MAX_MEMBERS:
            raise TranscriptMalformed(f"{name}: the archive must hold at most {_MAX_MEMBERS} files")

    def text(self, path: str) -> str:
        try:
            with self._zip.open(path) as file:
                data = file.read(self._left + 1)
        except (
            KeyError,
            zipfile.BadZipFile,
            RuntimeError,
            NotImplementedError,
            EOFError,
            OSError,
            ValueError,
        ) as error:
            raise TranscriptMalformed(f"{self._name}: the archive must hold {path} whole: {error}") from error
        except Exception as error:  # zlib, bz2 and lzma have errors of their own
            raise TranscriptMalformed(f"{self._name}: {path} in the archive is damaged: {error}") from error
        if len(data) > self._left:
            raise TranscriptMalformed(
                f"{self._name}: the texts of the archive must take at most {MAX_TEXT_BYTES >> 20} MiB, and take more"
            )
        self._left -= len(data)
        return data.decode("utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig", "replace")

    def rootfile(self) -> str:
        """The package document that the container names."""
        container = read_xml(self.text("META-INF/container.xml"), name=self._name)
        for one in container.all_of("rootfile"):
            if one.attributes.get("full-path"):
                return one.attributes["full-path"]
        raise TranscriptMalformed(f"{self._name}: the EPUB's container must name a package document")
