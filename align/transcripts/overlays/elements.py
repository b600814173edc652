"""The text of single elements of an HTML document, by their ids."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np

from prep_corpus.align.traced import TracedText
from prep_corpus.align.transcripts.documents import CLOSED_BY_THE_LIKE, VOID, HtmlReader
from prep_corpus.align.transcripts.pieces import joined, piece_of

Span = tuple[int, int]
"""Half-open, in characters of the document."""

WHOLE = ""
"""Stands for the whole document where an id is asked for."""

_ROLES = frozenset({"class", "role", "epub:type"})


class NamedElements(HtmlReader):
    """A document of which elements are read by their ids.

    An element that is named is read whatever its own class or role, or those around it, say; what is in it follows the
    rules of documents. Of several elements with one id the first counts.

    Args:
        original: the decoded document.
        ids: those that are asked for.
    """

    def __init__(self, original: str, ids: frozenset[str]) -> None:
        super().__init__(original)
        self._ids = ids
        self._spans: dict[str, Span] = {WHOLE: (0, len(original))}
        self._open: list[_Open] = []
        self._open_tags: Counter[str] = Counter()
        self.read()
        while self._open:
            self._end_last(len(original))
        self._text = joined(self.lines())

    def span(self, element_id: str) -> Span | None:
        """What stands between the tags of an element, or None where there is no such element."""
        return self._spans.get(element_id)

    def text(self, span: Span) -> TracedText:
        """What is read of a span of the document, without white space at its edges."""
        # Of the same type: else all of `starts_L` is copied for each span.
        start, end = map(int, np.searchsorted(self._text.starts_L, np.array(span, self._text.starts_L.dtype)))
        text = self._text.text[start:end]
        start += len(text) - len(text.lstrip())
        end = start + len(text.strip())
        if start == end:
            return piece_of("", 0, 0)
        return TracedText(
            text=text.strip(), starts_L=self._text.starts_L[start:end], ends_L=self._text.ends_L[start:end]
        )

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        start = self.place()
        if tag in CLOSED_BY_THE_LIKE and self._open and self._open[-1].tag == tag:
            self._end_last(start)
        named = self._new_id(attrs)
        inside = start + len(self.get_starttag_text() or "")
        if tag in VOID:
            super().handle_starttag(tag, attrs)
            if named:
                self._spans[named] = (inside, inside)
            return
        if not named:
            super().handle_starttag(tag, attrs)
            self._open.append(_Open(tag=tag))
        else:
            super().handle_starttag(tag, [one for one in attrs if one[0] not in _ROLES])
            self._spans[named] = (inside, inside)
            self._open.append(_Open(tag=tag, named=named, unread=self.unread_apart(tag)))
        self._open_tags[tag] += 1

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        super().handle_startendtag(tag, attrs)
        if named := self._new_id(attrs):
            self._spans[named] = (self.place(), self.place())

    def handle_endtag(self, tag: str) -> None:
        while self._open_tags[tag] and self._end_last(self.place()) != tag:
            pass
        super().handle_endtag(tag)

    def _new_id(self, attrs: list[tuple[str, str | None]]) -> str:
        """The element's id where it is asked for and is the first of its kind; else ""."""
        for key, value in attrs:
            if key in ("id", "xml:id") and value in self._ids and value not in self._spans:
                return value or ""
        return ""

    def _end_last(self, end: int) -> str:
        """End the innermost open element, and return its tag."""
        last = self._open.pop()
        self._open_tags[last.tag] -= 1
        if last.named:
            self._spans[last.named] = (self._spans[last.named][0], end)
            self.unread_again(last.unread)
        return last.tag


@dataclass(frozen=True, kw_only=True)
class _Open:
    """An element that is open.

    Attributes:
        tag: its name.
        named: its id where it is asked for, else "".
        unread: what is left out around it, for `unread_again`.
    """

    tag: str
    named: str = ""
    unread: tuple[list[str], Counter[str]] | None = None
