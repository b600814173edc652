"""A transcript with its sections in the order in which they are read, and the way back to its file.

Sections change places; the white space between them stays where it is, so that the text has the same characters:

    text        A \\n\\n B \\n C
    read C A B  C \\n\\n A \\n B
"""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

from prep_corpus.align.offsets import Link, OffsetMap
from prep_corpus.align.sections.order import ReadingOrder
from prep_corpus.align.sections.part_of_text import Span
from prep_corpus.align.transcripts.formats import PLAIN
from prep_corpus.align.transcripts.pieces import Cue, Turn
from prep_corpus.align.transcripts.versions import TranscriptSource, Version


def moved_spans(order: ReadingOrder) -> list[Span]:
    """Half-open spans of the text, one after the other as the reordered text has them; white space among them."""
    in_text = sorted(order.spans)
    gaps = [(before[1], after[0]) for before, after in pairwise(in_text)]
    spans = [order.spans[0]]
    for gap, section in zip(gaps, order.spans[1:]):
        spans += [gap, section]
    return [span for span in spans if span[0] < span[1]]


def reordered_text(text: str, order: ReadingOrder) -> str:
    """The text with its sections as they are read."""
    return "".join(text[start:end] for start, end in moved_spans(order))


def section_starts(order: ReadingOrder) -> list[int]:
    """Where in the reordered text its sections begin, rising."""
    sections, starts, at = set(order.spans), [], 0
    for span in moved_spans(order):
        if span in sections:
            starts.append(at)
        at += span[1] - span[0]
    return starts


def read_part(order: ReadingOrder) -> Span | None:
    """The half-open span of the reordered text that is read; None where that is all of it."""
    if order.read == len(order.spans):
        return None
    end = 0
    last = order.spans[order.read - 1]
    for span in moved_spans(order):
        end += span[1] - span[0]
        if span == last:
            break
    return 0, end


def reordered_version(version: Version, order: ReadingOrder) -> Version:
    """A transcript with its sections as they are read: text, places in the file, cues and turns.

    A cue or a turn that lies in two sections becomes two. Sections are turns, so that no utterance lies in two.
    """
    spans = moved_spans(order)
    source = version.source or TranscriptSource(name="", format=PLAIN)
    length = len(version.text)
    given = source.offsets.links if source.offsets is not None else ((0, length, 0, length),)
    links: list[Link] = []
    cues: list[Cue] = []
    turns: list[Turn] = []
    sections = set(order.spans)
    at = 0
    for start, end in spans:
        move = at - start
        for link in given:
            if link[0] < end and start < link[1]:
                links += _parts(link, start, end, move)
        cues += [
            replace(cue, char_start=max(cue.char_start, start) + move, char_end=min(cue.char_end, end) + move)
            for cue in source.cues
            if cue.char_start < end and start < cue.char_end
        ]
        turns += [
            replace(
                turn, char_start=max(turn.char_start, start) + move, char_end=min(turn.char_end, end) + move
            )
            for turn in source.turns
            if turn.char_start < end and start < turn.char_end
        ]
        if (start, end) in sections:
            turns.append(Turn(char_start=at, char_end=at + end - start, speaker=""))
        at += end - start
    return Version(
        text=reordered_text(version.text, order),
        source=replace(
            source,
            offsets=OffsetMap(links=tuple(links)),
            cues=tuple(cues),
            turns=tuple(sorted(turns, key=lambda turn: (turn.char_start, turn.char_end))),
        ),
    )


def _parts(link: Link, start: int, end: int, move: int) -> list[Link]:
    """What of a link lies in a half-open span of the text, which is moved."""
    char_start, char_end, file_start, file_end = link
    first, last = max(char_start, start), min(char_end, end)
    if char_end - char_start == file_end - file_start:
        file_start, file_end = file_start + first - char_start, file_end - (char_end - last)
    elif last - first == file_end - file_start:
        # As one link they would look copied.
        return [(at + move, at + 1 + move, file_start, file_end) for at in range(first, last)]
    return [(first + move, last + move, file_start, file_end)]
