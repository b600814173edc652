"""The files that transcripts come in, as plain text with cue times, each character with its place in the file.

Cue times are a check on an alignment; nothing here or later trusts them.

Legend: N characters of the plain text, W words, Q cues.
"""

from __future__ import annotations

import codecs
import os
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from prep_corpus.align.errors import EntryInvalid, TranscriptNotUtf8
from prep_corpus.align.traced import TracedText

ENDINGS = (".txt", ".lab", ".srt", ".vtt", ".stm", ".textgrid", ".html", ".htm", ".xhtml", ".md", ".markdown")
"""Endings of file names that `parse` knows."""

_BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


@dataclass(frozen=True, kw_only=True)
class Cue:
    """One timed piece of a transcript.

    Attributes:
        start_seconds: from the start of the recording.
        end_seconds: not before the start.
        char_start: where its text starts in the plain text.
        char_end: where it ends; the span is half-open and not empty.
        speaker: as the file names them.
    """

    start_seconds: float
    end_seconds: float
    char_start: int
    char_end: int
    speaker: str | None = None


@dataclass(frozen=True, kw_only=True)
class Transcript:
    """What a transcript's file says.

    Attributes:
        original: the decoded file.
        text: N characters: the file without times, numbers of cues, tags and the like. Speaker labels and stage
            directions in the text are still there: `text.TextOptions` strips them where they can be counted.
        starts_N: int32, where in `original` the source of each character starts.
        ends_N: int32, where it ends.
        cues: in the order of the text.
        problems: what in the file broke a rule of its format, each with its line.
    """

    original: str
    text: str
    starts_N: NDArray[np.int32] = field(repr=False)
    ends_N: NDArray[np.int32] = field(repr=False)
    cues: tuple[Cue, ...] = ()
    problems: tuple[str, ...] = ()

    def original_span(self, char_start: int, char_end: int) -> tuple[int, int]:
        """The half-open span of the file behind a half-open span of the plain text."""
        if not 0 <= char_start <= char_end <= len(self.text):
            raise IndexError(f"characters {char_start} to {char_end} of {len(self.text)}")
        if char_start == char_end:
            return 0, 0
        return int(self.starts_N[char_start:char_end].min()), int(self.ends_N[char_start:char_end].max())


@dataclass(frozen=True, kw_only=True)
class Piece:
    """A timed or untimed piece of a file, on its way into a transcript.

    Attributes:
        traced: its text, with offsets in the whole file.
        start_seconds: None where it has no times that can be used.
        end_seconds: None likewise.
        speaker: as the file names them.
    """

    traced: TracedText
    start_seconds: float | None = None
    end_seconds: float | None = None
    speaker: str | None = None


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
    at = 0
    for piece in full:
        end = at + len(piece.traced.text)
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
        problems=tuple(problems),
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


def parse(
    original: str, *, name: str, recording: str | None = None, channel: str | None = None
) -> Transcript:
    """The transcript in a file, by the ending of its name.

    Args:
        original: the decoded file.
        name: the file's name, with an ending in ENDINGS.
        recording: which recording of an STM file; needed where it holds several.
        channel: which channel of an STM file; all where None.

    Raises:
        EntryInvalid: the ending is unknown, or the file is not of that format.
    """
    from prep_corpus.align import annotations, scripts, subtitles

    ending = os.path.splitext(name)[1].lower()
    if ending == ".srt":
        return subtitles.parse_srt(original)
    if ending == ".vtt":
        return subtitles.parse_webvtt(original, name=name)
    if ending == ".stm":
        return annotations.parse_stm(original, name=name, recording=recording, channel=channel)
    if ending == ".textgrid":
        return annotations.parse_textgrid(original, name=name)
    if ending in (".html", ".htm", ".xhtml"):
        return scripts.parse_html(original)
    if ending in (".md", ".markdown"):
        return scripts.parse_markdown(original)
    if ending in (".txt", ".lab"):
        return assemble(original, [Piece(traced=piece_of(original, 0, len(original)))])
    raise EntryInvalid(f"{name}: a transcript's name must end in one of {', '.join(ENDINGS)}, not {ending!r}")


@dataclass(frozen=True, kw_only=True)
class CueDisagreement:
    """How far the cue times of a transcript are from an alignment.

    Attributes:
        cues: how many could be compared.
        median_seconds: alignment minus cue, at the cues' first words: 3 where the speech comes 3 s after its cues.
        spread_seconds: median distance from that median.
        share_off: cues further than the limit from the alignment, of those compared.
    """

    cues: int
    median_seconds: float
    spread_seconds: float
    share_off: float


def compare_cues(
    cues: Sequence[Cue],
    *,
    char_starts_W: NDArray[np.int32],
    start_seconds_W: NDArray[np.float64],
    limit_seconds: float = 2.0,
) -> CueDisagreement | None:
    """How far cue times are from aligned words.

    Args:
        cues: of the same plain text as the words, in its order.
        char_starts_W: where each aligned word starts in the plain text; never falls. Leave out skipped words.
        start_seconds_W: when each is said.
        limit_seconds: a cue further off counts in `share_off`.

    Returns:
        None where no cue holds an aligned word.
    """
    cue_chars_Q = np.array([cue.char_start for cue in cues], np.int64)
    firsts_Q = np.searchsorted(char_starts_W, cue_chars_Q)
    differences = [
        float(start_seconds_W[first]) - cue.start_seconds
        for cue, first in zip(cues, firsts_Q.tolist())
        if first < len(char_starts_W) and char_starts_W[first] < cue.char_end
    ]
    if not differences:
        return None
    off = np.array(differences)
    median = float(np.median(off))
    return CueDisagreement(
        cues=len(off),
        median_seconds=median,
        spread_seconds=float(np.median(np.abs(off - median))),
        share_off=float(np.mean(np.abs(off) > limit_seconds)),
    )
