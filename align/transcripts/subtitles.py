"""SubRip (.srt) and WebVTT (.vtt) subtitles."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise

from prep_corpus.align.errors import TranscriptMalformed
from prep_corpus.align.text.markup import entity_spans, html_edits, raised_number_edits
from prep_corpus.align.text.print_marks import escape_edits
from prep_corpus.align.traced import TracedText
from prep_corpus.align.transcripts.pieces import Part, Piece, Transcript, assemble, joined, piece_of

_CLOCK = r"(?:(\d{1,4}):)?(\d{1,2}):(\d{1,2})(?:[,.](\d{1,6}))?"
_TIMES = re.compile(rf"^\s*{_CLOCK}\s*-{{1,3}}>\s*{_CLOCK}(?=\s|$)")
_LIKE_TIMES = re.compile(r"-->|^\s*\d{1,4}:[\d:,.]*\s*-+>")
_VOICE_OR_TURN = re.compile(r"<v(?:\.[^\s<>]*)?\s(?P<name>[^<>]+)>|(?<!\S)(?:>|&gt;){2,3}")
_DASH = re.compile(r"[ \t]*[-–—‐](?=\s*[^\s\d-])")
_STYLING = re.compile(
    r"\{\\[^{}]*\}|[♩♪♫♬]|^[ \t]*[-–—‐](?=\s*[^\s\d])|^[ \t]*>{2,3}|(?<!\S)>{2,3}(?!\S)", re.M
)
_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n|$)")
_TRANSITION_SECONDS = 0.05
"""Automatic captions that roll show each finished line once more for a hundredth of a second."""


@dataclass(frozen=True, kw_only=True)
class _Line:
    """One line of a file: its number from 1, and its half-open span without the line's end."""

    number: int
    start: int
    end: int


@dataclass(frozen=True, kw_only=True)
class _Block:
    """A cue under way: its timing line, its times in seconds unless broken, and the lines of its text."""

    timing: _Line
    times: tuple[float, float] | None
    body: tuple[_Line, ...]


def parse_srt(original: str, *, name: str = "SubRip") -> Transcript:
    """SubRip: a number, a line with two times, lines of text, an empty line.

    A text may hold empty lines: it ends at the number of the next cue. Lines before the first cue are left out.

    Args:
        original: the decoded file.
        name: name for the message.

    Raises:
        TranscriptMalformed: no line holds two times.
    """
    lines = list(_lines(original))
    timings = [at for at, line in enumerate(lines) if _LIKE_TIMES.search(original[line.start : line.end])]
    blocks = []
    for at, following in zip(timings, [*timings[1:], len(lines)]):
        body = lines[at + 1 : following]
        is_last = following == len(lines)
        if body and not is_last and original[body[-1].start : body[-1].end].strip(" \t\ufeff").isdecimal():
            body = body[:-1]
        blocks.append(_Block(timing=lines[at], times=_times(original, lines[at]), body=tuple(body)))
    if not blocks and original.strip("\ufeff \t\r\n"):
        raise TranscriptMalformed(
            f"{name}: a SubRip file must hold lines such as '00:00:01,000 --> 00:00:02,500', and none of its "
            f"{len(lines)} lines is one; text without times belongs into a .txt file"
        )
    return _transcript(original, blocks)


def parse_webvtt(original: str, *, name: str = "WebVTT") -> Transcript:
    """WebVTT: cues between empty lines; headers, notes, styles and regions are left out.

    Captions that roll (each cue repeats the last line of the one before, as automatic captions do) are written once.

    Args:
        original: the decoded file.
        name: name for the message.

    Raises:
        TranscriptMalformed: it does not begin with WEBVTT.
    """
    lines = list(_lines(original))
    if not original.lstrip("\ufeff").startswith("WEBVTT"):
        raise TranscriptMalformed(f"{name}: a WebVTT file must begin with WEBVTT, not with {original[:20]!r}")
    blocks = []
    at = 0
    while at < len(lines):
        if "-->" not in original[lines[at].start : lines[at].end]:
            at += 1
            continue
        timing = lines[at]
        end = at + 1
        while end < len(lines) and lines[end].start < lines[end].end:  # a line of spaces is not empty
            if "-->" in original[lines[end].start : lines[end].end]:
                break
            end += 1
        body = tuple(lines[at + 1 : end])
        blocks.append(_Block(timing=timing, times=_times(original, timing), body=body))
        at = end
    return _transcript(original, blocks)


def _lines(original: str) -> Iterator[_Line]:
    for number, found in enumerate(_LINE.finditer(original), start=1):
        yield _Line(number=number, start=found.start(), end=found.start() + len(found[0].rstrip("\r\n")))


def _times(original: str, line: _Line) -> tuple[float, float] | None:
    found = _TIMES.match(original[line.start : line.end])
    if found is None:
        return None
    start, end = (_seconds(found.groups()[at : at + 4]) for at in (0, 4))
    return (start, end) if end >= start else None


def _seconds(clock: tuple[str | None, ...]) -> float:
    hours, minutes, seconds, places = clock
    fraction = int(places) / 10 ** len(places) if places else 0.0
    return int(hours or 0) * 3600 + int(minutes or 0) * 60 + int(seconds or 0) + fraction


def _in_order(blocks: list[_Block]) -> list[_Block]:
    """The cues in the order of their starts; one without times stays behind the cue before it."""
    starts: list[float] = []
    for block in blocks:
        starts.append(block.times[0] if block.times is not None else starts[-1] if starts else 0.0)
    return [blocks[at] for at in sorted(range(len(blocks)), key=starts.__getitem__)]


def _transcript(original: str, given: list[_Block]) -> Transcript:
    blocks = _in_order(given)
    problems = [
        f"line {block.timing.number}: a cue needs two times, the second not before the first, but it has"
        f" {original[block.timing.start : block.timing.end].strip()!r}"
        for block in given
        if block.times is None
    ]
    early = [after for before, after in pairwise(given) if _starts_before(after, before)]
    if early:
        problems.append(
            f"line {early[0].timing.number}: cues should be in the order of their times, but {len(early)} start before"
            " the one above them; they were put in order"
        )
    voiced = [_voiced(original, block) for block in blocks]
    pieces = []
    number: int | None = None
    for block, lines, kept in zip(
        blocks, voiced, _unrolled(blocks, [[one.text for one in lines] for lines in voiced])
    ):
        # What a cue repeats of the one before stands at its head.
        parts: list[Part] = []
        at = 0
        shown = lines[len(lines) - len(kept) :]
        for one in shown:
            if one.is_turn:
                number = (number or 0) + 1
            end = at + len(one.text.text)
            parts.append(Part(start=at, end=end, speaker=one.speaker, turn=None if one.speaker else number))
            at = end + 1
        speaker = next((one.speaker for one in shown if one.speaker), None)
        piece = Piece(traced=joined([one.text for one in shown]), speaker=speaker, parts=tuple(parts))
        if block.times is not None:
            piece = replace(piece, start_seconds=block.times[0], end_seconds=block.times[1])
        pieces.append(piece)
    return assemble(original, pieces, problems)


@dataclass(frozen=True, kw_only=True)
class _Voiced:
    """A line of a cue, or the part of one that one speaker says.

    Attributes:
        text: without tags and marks.
        speaker: whom `<v NAME>` names.
        is_turn: it begins with the mark of another speaker (">>", or a dash where the cue has several).
    """

    text: TracedText
    speaker: str | None
    is_turn: bool


def _voiced(original: str, block: _Block) -> list[_Voiced]:
    """The lines of a cue that hold text, those in which the speaker changes in parts."""
    dashes = sum(_DASH.match(original, line.start, line.end) is not None for line in block.body)
    found = []
    speaker: str | None = None
    for line in block.body:
        is_turn = dashes > 1 and _DASH.match(original, line.start, line.end) is not None
        at = line.start
        for mark in _VOICE_OR_TURN.finditer(original, line.start, line.end):
            found.append(
                _Voiced(
                    text=_clean(original, replace(line, start=at, end=mark.start())),
                    speaker=speaker,
                    is_turn=is_turn,
                )
            )
            at = mark.start()
            if mark["name"] is not None:
                speaker = mark["name"].strip() or None
            is_turn = mark["name"] is None
        found.append(
            _Voiced(text=_clean(original, replace(line, start=at)), speaker=speaker, is_turn=is_turn)
        )
    return [one for one in found if one.text.text.strip()]


def _starts_before(block: _Block, other: _Block) -> bool:
    return block.times is not None and other.times is not None and block.times[0] < other.times[0]


def _clean(original: str, line: _Line) -> TracedText:
    """A line of a cue without tags, positions, dialogue dashes and music signs, with references decoded."""
    traced = piece_of(original, line.start, line.end)
    traced = traced.replaced(raised_number_edits(traced.text))
    traced = traced.replaced([(start, end, "") for start, end, _ in html_edits(traced.text)])
    spans = entity_spans(traced.text)
    traced = traced.replaced([(start, end, html.unescape(traced.text[start:end])) for start, end in spans])
    traced = traced.replaced(escape_edits(traced.text))
    traced = traced.replaced([(*found.span(), "") for found in _STYLING.finditer(traced.text)])
    kept = slice(len(traced.text) - len(traced.text.lstrip()), len(traced.text.rstrip()))
    return TracedText(text=traced.text[kept], starts_L=traced.starts_L[kept], ends_L=traced.ends_L[kept])


def _unrolled(blocks: list[_Block], shown: list[list[TracedText]]) -> list[list[TracedText]]:
    """The lines of each cue without those that it repeats from the cue before, where the file's captions roll."""
    repeats = [0] + [_repeated(before, after) for before, after in pairwise(shown)]
    brief = [
        block.times is not None and block.times[1] - block.times[0] <= _TRANSITION_SECONDS for block in blocks
    ]
    tall = [len(lines) > 1 or is_brief for lines, is_brief in zip(shown, brief)]
    rolling = sum(count > 0 for count, is_tall in zip(repeats, tall) if is_tall)
    if rolling < 2 or rolling * 2 < sum(tall):
        return shown
    return [lines[count:] for lines, count in zip(shown, repeats)]


def _repeated(before: list[TracedText], after: list[TracedText]) -> int:
    """How many of the first lines of a cue are the last ones of the cue before."""
    for count in range(min(len(before), len(after)), 0, -1):
        if [line.text for line in before[-count:]] == [line.text for line in after[:count]]:
            return count
    return 0
