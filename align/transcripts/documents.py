"""HTML and Markdown documents as plain text: scripts of plays and films, pages of transcripts."""

from __future__ import annotations

import html
import re
from collections import Counter
from html.parser import HTMLParser
from itertools import accumulate

import numpy as np

from prep_corpus.align.text.markup import (
    entity_spans,
    html_edits,
    markdown_edits,
    raised_edits,
    raised_number_edits,
)
from prep_corpus.align.traced import TracedText
from prep_corpus.align.transcripts.pieces import Piece, Transcript, assemble, piece_of

# Elements whose text nobody reads out, TEI's speakers and stage directions among them.
_UNREAD = frozenset(
    {
        "head",
        "script",
        "style",
        "template",
        "noscript",
        "nav",
        "footer",
        "svg",
        "math",
        "speaker",
        "stage",
        "rt",
        "rp",
    }
)
_UNREAD_CLASSES = frozenset(
    {"speaker", "stage-direction", "stagedirection", "stagedir", "direction", "footnote"}
)
_UNREAD_ROLES = frozenset(
    {
        "pagebreak",
        "footnote",
        "footnotes",
        "endnote",
        "endnotes",
        "rearnote",
        "rearnotes",
        "noteref",
        "toc",
        "page-list",
    }
)
"""What books mark with `epub:type`, or with a `role` that begins with doc-: page marks, notes, references to them."""
_INLINE = frozenset({
    "a", "abbr", "b", "bdi", "bdo", "big", "cite", "code", "data", "del", "dfn", "em", "font", "i", "ins", "kbd",
    "label", "mark", "q", "ruby", "s", "samp", "small", "span", "strike", "strong", "sub", "sup", "time", "tt", "u",
    "var", "wbr", "rb",
})  # fmt: skip
VOID = frozenset(
    {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}
)
CLOSED_BY_THE_LIKE = frozenset({"p", "li", "dt", "dd", "tr", "td", "th", "option"})
_WHITE_SPACE = re.compile(r"\s+")
_FRONT_MATTER = re.compile(r"\A\ufeff?---[ \t]*\r?\n.*?\r?\n(?:---|\.\.\.)[ \t]*(?:\r?\n|\Z)", re.S)
_STRAY_BRACKETS = 20
_SHORT_REST = 1000
_FENCE = re.compile(r"^[ \t]*(?:```|~~~)[^\n]*$", re.M)


def parse_html(original: str) -> Transcript:
    """The text of an HTML page, one line for each block.

    Left out: head, scripts, styles, navigation, footers, and elements whose name or class says that they are
    a speaker's name or a stage direction. White space is one space, as a browser shows it.

    Args:
        original: the decoded file.
    """
    reader = HtmlReader(original)
    reader.read()
    return assemble(original, [Piece(traced=line) for line in reader.lines()], reader.problems())


def parse_markdown(original: str) -> Transcript:
    """The text of a Markdown document without front matter, marks, pictures, link targets, fences and HTML tags.

    Args:
        original: the decoded file.
    """
    matter = _FRONT_MATTER.match(original)
    traced = piece_of(original, matter.end() if matter else 0, len(original))
    traced = traced.replaced([(*found.span(), "") for found in _FENCE.finditer(traced.text)])
    traced = traced.replaced(raised_number_edits(traced.text))
    traced = traced.replaced(html_edits(traced.text))
    traced = traced.replaced(markdown_edits(traced.text))
    spans = entity_spans(traced.text)
    traced = traced.replaced([(start, end, html.unescape(traced.text[start:end])) for start, end in spans])
    return assemble(original, [Piece(traced=traced)])


class HtmlReader(HTMLParser):
    """Collects the spans of text that are read out, block by block."""

    def __init__(self, original: str) -> None:
        super().__init__(convert_charrefs=False)
        self._original = original
        self._line_starts = [0, *accumulate(len(line) for line in original.split("\n"))]
        self._line_starts = [start + number for number, start in enumerate(self._line_starts)]
        self._unread: list[str] = []
        self._unread_tags: Counter[str] = Counter()
        self._unread_line = 0
        self._raised = 0
        self._broken_line = 0
        self._blocks: list[list[TracedText]] = [[]]

    def read(self) -> None:
        """Read the whole page, in a time that grows with its length alone.

        Closing the parser looks at all that follows once more for each "<" that nothing ends: so those are taken for
        text first, and where there are many, what follows is left out.
        """
        self.feed(self._original)
        for _ in range(_STRAY_BRACKETS):
            if len(self.rawdata) <= _SHORT_REST:
                break
            # Of the same length, so that places stay; the text itself comes from the original.
            self.rawdata = " " + self.rawdata[1:]
            self.feed("")
        if len(self.rawdata) > _SHORT_REST:
            self._broken_line = self.getpos()[0]
            self.rawdata = ""
        self.close()

    def lines(self) -> list[TracedText]:
        """The blocks with white space as a browser shows it."""
        return [line for line in (_shown(block) for block in self._blocks) if line.text]

    def problems(self) -> list[str]:
        """What swallowed the rest of the page, if anything did."""
        if self._broken_line:
            return [f"line {self._broken_line}: tags are never closed, and all after them is left out"]
        if not self._unread:
            return []
        return [
            f"line {self._unread_line}: <{self._unread[0]}> is never closed, and all after it is left out"
        ]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        classes = next((value or "" for key, value in attrs if key == "class"), "").lower().split()
        roles = {
            role.removeprefix("doc-")
            for key, value in attrs
            if key in ("epub:type", "role")
            for role in (value or "").lower().split()
        }
        if tag not in _INLINE:
            self._blocks.append([])
            self._raised = 0
        self._raised += tag == "sup"
        if tag in CLOSED_BY_THE_LIKE and self._unread[-1:] == [tag]:
            self._unread_tags[self._unread.pop()] -= 1
        if not self._unread:
            self._unread_line = self.getpos()[0]
        unread = (
            tag in _UNREAD or not _UNREAD_CLASSES.isdisjoint(classes) or not _UNREAD_ROLES.isdisjoint(roles)
        )
        if tag not in VOID and (self._unread or unread):
            self._unread.append(tag)
            self._unread_tags[tag] += 1

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in _INLINE:
            self._blocks.append([])

    def handle_endtag(self, tag: str) -> None:
        closed = ""
        while self._unread_tags[tag] and closed != tag:
            closed = self._unread.pop()
            self._unread_tags[closed] -= 1
        if tag == "sup" and self._raised:
            self._raised -= 1
        if tag not in _INLINE:
            self._blocks.append([])
            self._raised = 0

    def unread_apart(self, tag: str) -> tuple[list[str], Counter[str]] | None:
        """Read what is in an element that has just begun, though it stands in one that is left out.

        Returns:
            What to give to `unread_again` where the element ends; None where nothing is changed.
        """
        if not self._unread or tag in _UNREAD:
            return None
        unread = self._unread, self._unread_tags
        self._unread, self._unread_tags = [], Counter()
        return unread

    def unread_again(self, unread: tuple[list[str], Counter[str]] | None) -> None:
        """Leave out again what `unread_apart` has let be read."""
        if unread is not None:
            self._unread, self._unread_tags = unread

    def handle_data(self, data: str) -> None:
        self._add(len(data), None)

    def handle_entityref(self, name: str) -> None:
        self._add_reference(f"&{name}")

    def handle_charref(self, name: str) -> None:
        self._add_reference(f"&#{name}")

    def _add_reference(self, written: str) -> None:
        start = self.place()
        semicolon = self._original[start + len(written) : start + len(written) + 1] == ";"
        self._add(len(written) + semicolon, html.unescape(written + ";"))

    def _add(self, length: int, decoded: str | None) -> None:
        if self._unread:
            return
        start = self.place()
        traced = piece_of(self._original, start, start + length)
        if self._raised:
            written = traced.text.strip()
            if written.isdecimal():
                traced = traced.replaced(raised_edits(traced.text, 0))
            elif _is_note(written, self._blocks[-1]):
                return
        self._blocks[-1].append(traced if decoded is None else traced.replaced([(0, length, decoded)]))

    def place(self) -> int:
        """The character of the page at which the reader stands."""
        line, column = self.getpos()
        return self._line_starts[line - 1] + column


def _is_note(written: str, before: list[TracedText]) -> bool:
    """Whether a raised sign or letter points to a note: not the "th" of "19th"."""
    after_digit = bool(before) and before[-1].text[-1:].isdigit()
    return len(written) == 1 and not (after_digit and written.isalpha())


def _shown(block: list[TracedText]) -> TracedText:
    if not block:
        return piece_of("", 0, 0)
    whole = block[0]
    if len(block) > 1:
        whole = TracedText(
            text="".join(part.text for part in block),
            starts_L=np.concatenate([part.starts_L for part in block]),
            ends_L=np.concatenate([part.ends_L for part in block]),
        )
    edits = []
    for found in _WHITE_SPACE.finditer(whole.text):
        at_edge = found.start() == 0 or found.end() == len(whole.text)
        if at_edge or found[0] != " ":
            edits.append((*found.span(), "" if at_edge else " "))
    return whole.replaced(edits)
