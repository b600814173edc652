"""JSON and XML with the place in the file of every string, read without trusting the file.

Nothing is fetched, no entity is declared by the file, and depth is bounded.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from xml.parsers import expat

import numpy as np

from prep_corpus.align.errors import TranscriptMalformed
from prep_corpus.align.traced import TracedText
from prep_corpus.align.transcripts.pieces import piece_of

MAX_DEPTH = 100

_JSON_TOKEN = re.compile(
    r'[ \t\r\n\ufeff]*(?:"(?P<string>(?:[^"\\]|\\.)*)"|(?P<mark>[{}\[\],:])|(?P<other>[-+.\w]+))', re.S
)
_ESCAPE = re.compile(
    r"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|.)", re.S
)
_SURROGATE = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True, kw_only=True)
class JsonString:
    """A string of a JSON file.

    Attributes:
        traced: the string with its escapes decoded; places are those of the file.
    """

    traced: TracedText

    @property
    def text(self) -> str:
        """The string itself."""
        return self.traced.text


JsonValue = JsonString | float | bool | None | list["JsonValue"] | dict[str, "JsonValue"]


def read_json(original: str, *, name: str) -> JsonValue:
    """The value of a JSON file.

    Args:
        original: the decoded file.
        name: name for messages.

    Raises:
        TranscriptMalformed: it is no JSON, or nested deeper than 100 levels.
    """
    reader = _JsonReader(original, name)
    value = reader.value(0)
    if original[reader.at :].strip("\ufeff \t\r\n"):
        raise reader.broken("one value")
    return value


class _JsonReader:
    def __init__(self, original: str, name: str) -> None:
        self._original, self._name = original, name
        self.at = 0

    def broken(self, rule: str) -> TranscriptMalformed:
        line = self._original.count("\n", 0, self.at) + 1
        seen = self._original[self.at : self.at + 40]
        return TranscriptMalformed(
            f"{self._name}: a JSON transcript must be {rule} here, but line {line} has {seen!r}"
        )

    def _next(self) -> re.Match[str]:
        found = _JSON_TOKEN.match(self._original, self.at)
        if found is None:
            raise self.broken("valid JSON")
        self.at = found.end()
        return found

    def value(self, depth: int) -> JsonValue:
        if depth > MAX_DEPTH:
            raise self.broken(f"nested at most {MAX_DEPTH} levels deep")
        token = self._next()
        if token["string"] is not None:
            return self._string(token)
        if token["other"] is not None:
            return self._plain(token["other"])
        if token["mark"] == "[":
            return self._list(depth)
        if token["mark"] == "{":
            return self._object(depth)
        self.at = token.start()
        raise self.broken("a value")

    def _list(self, depth: int) -> list[JsonValue]:
        values: list[JsonValue] = []
        if self._closes("]"):
            return values
        while True:
            values.append(self.value(depth + 1))
            if self._separator("]"):
                return values

    def _object(self, depth: int) -> dict[str, JsonValue]:
        values: dict[str, JsonValue] = {}
        if self._closes("}"):
            return values
        while True:
            key = self._next()
            colon = self._next()
            if key["string"] is None or colon["mark"] != ":":
                self.at = key.start()
                raise self.broken("a key and a colon")
            values[self._string(key).text] = self.value(depth + 1)
            if self._separator("}"):
                return values

    def _closes(self, mark: str) -> bool:
        before = self.at
        if self._next()["mark"] == mark:
            return True
        self.at = before
        return False

    def _separator(self, closing: str) -> bool:
        token = self._next()
        if token["mark"] not in (closing, ","):
            self.at = token.start()
            raise self.broken(f"a comma or {closing}")
        return token["mark"] == closing

    def _string(self, token: re.Match[str]) -> JsonString:
        traced = piece_of(self._original, *token.span("string"))
        if "\\" not in traced.text:
            return JsonString(traced=traced)
        edits = []
        for found in _ESCAPE.finditer(traced.text):
            try:
                decoded = json.loads(f'"{found[0]}"', strict=False)
            except ValueError:
                raise self.broken("valid JSON before") from None
            edits.append((*found.span(), _SURROGATE.sub("\ufffd", decoded)))
        return JsonString(traced=traced.replaced(edits))

    def _plain(self, written: str) -> JsonValue:
        known: dict[str, JsonValue] = {
            "true": True,
            "false": False,
            "null": None,
            "NaN": None,
            "Infinity": None,
            "-Infinity": None,
        }
        if written in known:
            return known[written]
        try:
            return float(written)
        except ValueError:
            self.at -= len(written)
            raise self.broken("a value") from None


@dataclass(frozen=True, kw_only=True)
class XmlElement:
    """An element of an XML file.

    Attributes:
        tag: its name without prefix and namespace.
        attributes: attributes by their names without prefix.
        content: the elements and the texts in it, in order.
        line: where it starts, from 1.
        start: the cue's start, as a place among the file's characters.
    """

    tag: str
    attributes: dict[str, str]
    content: list[XmlElement | TracedText] = field(default_factory=list)
    line: int = 0
    start: int = 0

    @property
    def space(self) -> TracedText:
        """A space in place of the element, as for a line break."""
        place = np.array([self.start], np.int32)
        return TracedText(text=" ", starts_L=place, ends_L=place)

    def elements(self, tag: str | None = None) -> Iterator[XmlElement]:
        """The elements directly in it, of one name where one is given."""
        for inner in self.content:
            if isinstance(inner, XmlElement) and tag in (None, inner.tag):
                yield inner

    def all_of(self, tag: str) -> Iterator[XmlElement]:
        """The elements of a name at any depth, in the order of the file."""
        for inner in self.elements():
            if inner.tag == tag:
                yield inner
            yield from inner.all_of(tag)

    def texts(self, skip: frozenset[str] = frozenset()) -> Iterator[TracedText]:
        """The texts at any depth, in order, but for those in elements of the names to skip."""
        for inner in self.content:
            if isinstance(inner, TracedText):
                yield inner
            elif inner.tag not in skip:
                yield from inner.texts(skip)


def read_xml(original: str, *, name: str) -> XmlElement:
    """The root of an XML file.

    Args:
        original: the decoded file; what its declaration says of the encoding no longer counts.
        name: name for messages.

    Raises:
        TranscriptMalformed: it is no well-formed XML, declares entities, or is nested deeper than 100 levels.
    """
    return _XmlReader(original, name).read()


class _XmlReader:
    def __init__(self, original: str, name: str) -> None:
        self._original, self._name = original, name
        self._encoded = original.encode("utf-8", "surrogatepass")
        # The character that each byte belongs to; the same where the file is ASCII.
        self._char_of_byte = None
        if len(self._encoded) != len(original):
            widths = np.frombuffer(self._encoded, np.uint8) & 0xC0 != 0x80
            self._char_of_byte = np.append(np.cumsum(widths) - 1, len(original)).astype(np.int64)
        self._open: list[XmlElement] = []
        self._root: XmlElement | None = None
        self._parser = expat.ParserCreate("utf-8", " ")
        self._parser.buffer_text = False
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.CharacterDataHandler = self._text
        self._parser.EntityDeclHandler = self._entity

    def read(self) -> XmlElement:
        start = len(self._encoded) - len(self._encoded.lstrip(b"\xef\xbb\xbf \t\r\n"))
        self._base = start
        try:
            self._parser.Parse(self._encoded[start:], True)
        except expat.ExpatError as error:
            raise TranscriptMalformed(
                f"{self._name}: the file must be well-formed XML, but line {error.lineno} is not: {error}"
            ) from error
        assert self._root is not None
        return self._root

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        if len(self._open) >= MAX_DEPTH:
            raise TranscriptMalformed(
                f"{self._name}: XML must be nested at most {MAX_DEPTH} levels deep, and is deeper in line "
                f"{self._parser.CurrentLineNumber}"
            )
        element = XmlElement(
            tag=tag.rpartition(" ")[2],
            attributes={key.rpartition(" ")[2]: value for key, value in attributes.items()},
            line=self._parser.CurrentLineNumber,
            start=self._place(),
        )
        if self._open:
            self._open[-1].content.append(element)
        else:
            self._root = element
        self._open.append(element)

    def _end(self, _tag: str) -> None:
        self._open.pop()

    def _text(self, text: str) -> None:
        start = self._place()
        if self._original.startswith(text, start):
            traced = piece_of(self._original, start, start + len(text))
        else:
            # A character reference, or a line end of two characters.
            end = self._original.find(";", start) + 1 if self._original[start] == "&" else start + 2
            traced = piece_of(self._original, start, end).replaced([(0, end - start, text)])
        self._open[-1].content.append(traced)

    def _place(self) -> int:
        """The character of the file at which the parser stands."""
        byte = self._base + self._parser.CurrentByteIndex
        return byte if self._char_of_byte is None else int(self._char_of_byte[byte])

    def _entity(self, *_declared: object) -> None:
        raise TranscriptMalformed(
            f"{self._name}: the file declares entities of its own, which transcripts have no use for; take the "
            "declarations out"
        )


def adjoined(parts: list[TracedText]) -> TracedText:
    """Texts one after another, nothing between them."""
    if len(parts) == 1:
        return parts[0]
    if not parts:
        return piece_of("", 0, 0)
    return TracedText(
        text="".join(part.text for part in parts),
        starts_L=np.concatenate([part.starts_L for part in parts]),
        ends_L=np.concatenate([part.ends_L for part in parts]),
    )


def with_single_spaces(traced: TracedText) -> TracedText:
    """The text with every run of white space as one space, and none at its edges."""
    edits = []
    for found in re.finditer(r"\s+", traced.text):
        at_edge = found.start() == 0 or found.end() == len(traced.text)
        if at_edge or found[0] != " ":
            edits.append((*found.span(), "" if at_edge else " "))
    return traced.replaced(edits)
