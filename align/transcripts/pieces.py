"""Pieces of a transcript's file, and the transcript that they make: plain text with cue times, and the way back.

Cue times are a check on an alignment (`cue_times.py`); nothing here or later trusts them.

Legend: N characters of the plain text.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from prep_corpus.align.offsets import OffsetMap
from prep_corpus.align.traced import TracedText

_TURN_MARK = re.compile(r"(?<!\S)>{2,3}\s*")
_MAX_PROBLEMS = 100
_MAX_SECONDS = 1e9


@dataclass(frozen=True, kw_only=True)
class Cue:
    """One timed piece of a transcript.

    Attributes:
        start_seconds: time from the start of the recording.
        end_seconds: not before the start.
        char_start: where its text starts in the plain text.
        char_end: where it ends; the span is half-open and not empty.
        speaker: the speaker's name in the file.
    """

    start_seconds: float
    end_seconds: float
    char_start: int
    char_end: int
    speaker: str | None = None


@dataclass(frozen=True, kw_only=True)
class Turn:
    """A part of a plain text that one speaker says.

    Attributes:
        char_start, char_end: half-open span of the plain text, not empty.
        speaker: the speaker's name in the file; "" where it only says that another speaks than before.
    """

    char_start: int
    char_end: int
    speaker: str


@dataclass(frozen=True, kw_only=True)
class Transcript:
    """What a transcript's file says.

    Attributes:
        original: the decoded file.
        text: N characters: the file without times, numbers of cues, tags and the like. Speaker labels and stage
            directions in the text are still there: `text.TextOptions` strips them where they can be counted.
        starts_N: int32, where in `original` the source of each character starts.
        ends_N: int32, where it ends.
        cues: cues in the order of the text.
        problems: what in the file broke a rule of its format, each with its line.
        turns: who says what, in the order of the text; what nobody is named for is in none.
    """

    original: str
    text: str
    starts_N: NDArray[np.int32] = field(repr=False)
    ends_N: NDArray[np.int32] = field(repr=False)
    cues: tuple[Cue, ...] = ()
    problems: tuple[str, ...] = ()
    turns: tuple[Turn, ...] = ()

    @cached_property
    def offsets(self) -> OffsetMap:
        """The places of the characters in few numbers, as they are kept."""
        return OffsetMap.of(self.starts_N, self.ends_N)

    def original_span(self, char_start: int, char_end: int) -> tuple[int, int]:
        """The half-open span of the file behind a half-open span of the plain text."""
        return self.offsets.span(char_start, char_end)


@dataclass(frozen=True, kw_only=True)
class Part:
    """What one speaker says of a piece.

    Attributes:
        start, end: half-open span of the piece's text.
        speaker: as the file names them, or None.
        turn: number of the turn in the file, where it tells turns apart and names nobody.
    """

    start: int
    end: int
    speaker: str | None = None
    turn: int | None = None


@dataclass(frozen=True, kw_only=True)
class Piece:
    """A timed or untimed piece of a file, on its way into a transcript.

    Attributes:
        traced: its text, with offsets in the whole file.
        start_seconds: None where it has no times that can be used.
        end_seconds: None likewise.
        speaker: the speaker's name in the file.
        parts: what of its text each of several speakers says; none where it is one speaker's.
    """

    traced: TracedText
    start_seconds: float | None = None
    end_seconds: float | None = None
    speaker: str | None = None
    parts: tuple[Part, ...] = ()


def timed_piece(
    traced: TracedText, start_seconds: float | None, end_seconds: float | None, speaker: str | None = None
) -> Piece:
    """A piece with both times, or with neither where one is missing, negative, beyond all files or runs backwards."""
    good = (
        start_seconds is not None
        and end_seconds is not None
        and 0 <= start_seconds <= end_seconds < _MAX_SECONDS
    )
    return Piece(
        traced=traced,
        start_seconds=start_seconds if good else None,
        end_seconds=end_seconds if good else None,
        speaker=speaker,
    )


def with_turns(pieces: Iterable[Piece]) -> list[Piece]:
    """Pieces without the marks (">>") that say that another speaks than before, each in turns by them.

    Args:
        pieces: in the order of the text; one that names its speaker keeps that name.
    """
    number: int | None = None
    found = []
    for piece in pieces:
        text = piece.traced.text
        parts: list[Part] = []
        at = removed = 0
        marks = list(_TURN_MARK.finditer(text))
        for start, end in [*(mark.span() for mark in marks), (len(text), len(text))]:
            if text[at:start].strip():
                parts.append(Part(start=at - removed, end=start - removed, turn=number))
            if start < end:
                number = (number or 0) + 1
            removed += end - start
            at = end
        found.append(
            replace(
                piece,
                traced=piece.traced.replaced([(*mark.span(), "") for mark in marks]),
                parts=() if piece.speaker else tuple(parts),
            )
        )
    return found


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
    turns: list[Turn] = []
    at = 0
    number = None
    for piece in full:
        end = at + len(piece.traced.text)
        for part in piece.parts or (Part(start=0, end=end - at, speaker=piece.speaker),):
            if part.speaker or part.turn is not None:
                goes_on = bool(part.speaker) or part.turn == number
                _add_turn(turns, at + part.start, at + part.end, part.speaker or "", goes_on=goes_on)
            number = part.turn
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
        turns=tuple(turns),
    )


def _add_turn(turns: list[Turn], start: int, end: int, speaker: str, *, goes_on: bool = True) -> None:
    """One turn more, or the last one longer where it is the same speaker's, touches it, and goes on."""
    if goes_on and turns and turns[-1].speaker == speaker and turns[-1].char_end >= start - 1:
        start = turns.pop().char_start
    turns.append(Turn(char_start=start, char_end=end, speaker=speaker))


def turns_of(cues: Sequence[Cue]) -> tuple[Turn, ...]:
    """The turns of cues that name their speakers, in the order of the text."""
    turns: list[Turn] = []
    for cue in cues:
        if cue.speaker:
            _add_turn(turns, cue.char_start, cue.char_end, cue.speaker)
    return tuple(turns)


def _told(problems: Sequence[str]) -> tuple[str, ...]:
    """The first problems, and how many more there are."""
    if len(problems) <= _MAX_PROBLEMS:
        return tuple(problems)
    return (*problems[:_MAX_PROBLEMS], f"{len(problems) - _MAX_PROBLEMS} more lines like these")


@dataclass(frozen=True, kw_only=True)
class Selection:
    """Which part of a file is a recording's transcript, where the file may hold more.

    Attributes:
        recordings: names of the recording, the first that an STM file knows counts; empty where it holds one.
        channel: which channel of an STM file, as its second column names it; all where None.
        channel_index: the channel's place among the file's channels, from 0, where its name is not known.
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


def lines_of_words(
    words: Sequence[Piece], *, pause_seconds: float = 1.0, most_words: int = 25
) -> list[Piece]:
    """Words with times put together into lines, which end at pauses, at changes of speaker, and when long.

    Args:
        words: each with both times or none, in order.
        pause_seconds: a longer gap between two words ends a line.
        most_words: the largest number of words in a line.
    """
    lines: list[list[Piece]] = []
    for word in words:
        before = lines[-1][-1] if lines else None
        far = (
            before is not None
            and before.end_seconds is not None
            and word.start_seconds is not None
            and not 0 <= word.start_seconds - before.end_seconds + pause_seconds <= 2 * pause_seconds
        )
        if before is None or far or word.speaker != before.speaker or len(lines[-1]) >= most_words:
            lines.append([])
        lines[-1].append(word)
    return [
        Piece(
            traced=joined([word.traced for word in line], " "),
            start_seconds=line[0].start_seconds,
            end_seconds=line[-1].end_seconds,
            speaker=line[0].speaker,
        )
        for line in lines
    ]
