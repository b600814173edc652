"""The source of a recording's transcript, and several versions of one transcript."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeGuard

from prep_corpus.align.errors import EntryInvalid
from prep_corpus.align.offsets import OffsetMap
from prep_corpus.align.transcripts.formats import SCRIPTS
from prep_corpus.align.transcripts.pieces import Cue, Transcript, Turn, turns_of

SEGMENTS = "segments"
"""Format of a text that a manifest entry gives in timed segments."""

_MAX_SECONDS = 1e9


@dataclass(frozen=True, kw_only=True)
class TranscriptSource:
    """Where a transcript comes from.

    Attributes:
        name: path or URI of its file; "" where the manifest holds it.
        format: format of `transcripts.ENDINGS`, or `SEGMENTS`.
        offsets: where its characters stand in the decoded file; None where the text is the file's, character for
            character.
        cues: times that it gives to its pieces.
        problems: lines that broke a rule of the format.
        turns: who says what in it, in the order of the text.
    """

    name: str
    format: str
    offsets: OffsetMap | None = None
    cues: tuple[Cue, ...] = ()
    problems: tuple[str, ...] = ()
    turns: tuple[Turn, ...] = ()

    @property
    def is_script(self) -> bool:
        """Whether it is made for eyes: names of speakers and stage directions in it are not said."""
        return self.format in SCRIPTS


@dataclass(frozen=True, kw_only=True)
class Version:
    """One transcript of a recording, of which there may be several.

    Attributes:
        text: the plain text.
        source: where it comes from; None for plain text of the manifest's own.
    """

    text: str
    source: TranscriptSource | None = None

    @property
    def name(self) -> str:
        """The file, or "" where the manifest holds it."""
        return self.source.name if self.source is not None else ""

    @property
    def is_script(self) -> bool:
        """See `TranscriptSource.is_script`."""
        return self.source is not None and self.source.is_script


def version_of(transcript: Transcript, *, name: str, kind: str) -> Version:
    """A transcript read from a file, without the file.

    Args:
        transcript: the parsed transcript.
        name: path or URI of its file.
        kind: its format.
    """
    is_copy = transcript.text == transcript.original
    return Version(
        text=transcript.text,
        source=TranscriptSource(
            name=name,
            format=kind,
            offsets=None if is_copy else transcript.offsets,
            cues=transcript.cues,
            problems=transcript.problems,
            turns=transcript.turns,
        ),
    )


def file_span(source: TranscriptSource | None, char_start: int, char_end: int) -> tuple[int, int]:
    """Where a half-open span of the plain text stands in the decoded file; as it is where the text is the file's."""
    if source is None or source.offsets is None:
        return char_start, char_end
    return source.offsets.span(char_start, char_end)


def file_links(source: TranscriptSource | None) -> list[int]:
    """All that decides what `file_span` says; nothing where the text is the file's."""
    return [] if source is None or source.offsets is None else source.offsets.flat()


def timed_text(segments: Any, name: str) -> tuple[str, tuple[Cue, ...]]:
    """The text of timed segments, one per line in the order of their starts, and their times as cues.

    Args:
        segments: objects with text, start and end in seconds, and perhaps a speaker. Those without text count for
            nothing.
        name: name of the manifest entry, for messages.

    Raises:
        EntryInvalid: they are not of that form.
    """
    rule = f"{name}: segments must be a list of objects with text, start and end in seconds"
    if not isinstance(segments, list):
        raise EntryInvalid(f"{rule}; they are {ascii(segments)[:60]}")
    found: list[tuple[float, float, str, str | None]] = []
    for number, segment in enumerate(segments):
        if not isinstance(segment, Mapping):
            raise EntryInvalid(f"{rule}; number {number} is {ascii(segment)[:60]}")
        start, end, text = (segment.get(key) for key in ("start", "end", "text"))
        speaker = segment.get("speaker")
        if text is None:
            continue
        if not (_is_time(start) and _is_time(end) and isinstance(text, str)):
            raise EntryInvalid(f"{rule}; number {number} is {ascii(dict(segment))[:120]}")
        if text.strip():
            shown = None if speaker is None else str(speaker)
            found.append((float(start), max(float(start), float(end)), text.strip(), shown))
    cues = []
    at = 0
    found.sort(key=lambda segment: segment[0])
    for start, end, text, speaker in found:
        cues.append(
            Cue(start_seconds=start, end_seconds=end, char_start=at, char_end=at + len(text), speaker=speaker)
        )
        at += len(text) + 1
    return "\n".join(text for _, _, text, _ in found), tuple(cues)


def segments_source(cues: tuple[Cue, ...]) -> TranscriptSource:
    """The source of a text that a manifest entry gives in timed segments."""
    return TranscriptSource(name="", format=SEGMENTS, cues=cues, turns=turns_of(cues))


def _is_time(edge: object) -> TypeGuard[float]:
    return isinstance(edge, int | float) and not isinstance(edge, bool) and abs(edge) < _MAX_SECONDS
