"""RTTM, the format in which diarisation says who speaks when.

    SPEAKER recording 1 12.340 3.500 <NA> <NA> ann <NA> <NA>

Source: NIST, "The 2009 (RT-09) Rich Transcription Meeting Recognition Evaluation Plan", appendix A.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from prep_corpus.align.errors import TranscriptMalformed

ENDING = ".rttm"


@dataclass(frozen=True, kw_only=True)
class SpeakerSpan:
    """A stretch of audio in which someone speaks.

    Attributes:
        start_seconds, end_seconds: half-open, from the start of the recording.
        speaker: name of the speaker.
    """

    start_seconds: float
    end_seconds: float
    speaker: str


def parse_rttm(content: bytes, *, name: str, recordings: Sequence[str] = ()) -> tuple[SpeakerSpan, ...]:
    """The stretches of one recording, in the order of their starts.

    Args:
        content: the file.
        name: name for messages.
        recordings: names that the recording may have in a file of several.

    Raises:
        TranscriptMalformed: a line breaks the format, or the file does not hold the recording.
    """
    try:
        lines = content.decode("utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise TranscriptMalformed(f"{name}: an RTTM file must be UTF-8; {error}") from error
    found: dict[str, list[SpeakerSpan]] = {}
    for number, line in enumerate(lines, start=1):
        fields = line.split()
        if not fields or fields[0] != "SPEAKER":
            continue
        span = _span_of(fields)
        if span is None:
            raise TranscriptMalformed(
                f"{name}: line {number}: a line must be SPEAKER recording channel start duration <NA> <NA> name, "
                f"times in seconds, not {ascii(line)[:100]}"
            )
        found.setdefault(fields[1], []).append(span)
    chosen = next((wanted for wanted in recordings if wanted in found), None)
    if chosen is None and len(found) != 1:
        raise TranscriptMalformed(
            f"{name}: an RTTM file must hold speakers of {' or '.join(map(repr, recordings)) or 'one recording'}, "
            f"and holds those of {sorted(found)[:10]}"
        )
    spans = found[chosen] if chosen is not None else next(iter(found.values()))
    return tuple(sorted(spans, key=lambda span: (span.start_seconds, span.end_seconds)))


def shifted(spans: Sequence[SpeakerSpan], offset_seconds: float) -> tuple[SpeakerSpan, ...]:
    """The stretches of a recording that starts this far into the file; those before it are left out."""
    if offset_seconds == 0:
        return tuple(spans)
    moved = (
        replace(
            span,
            start_seconds=max(0.0, span.start_seconds - offset_seconds),
            end_seconds=span.end_seconds - offset_seconds,
        )
        for span in spans
    )
    return tuple(span for span in moved if span.end_seconds > 0)


def _span_of(fields: list[str]) -> SpeakerSpan | None:
    if len(fields) < 8:
        return None
    try:
        start, length = float(fields[3]), float(fields[4])
    except ValueError:
        return None
    if not (math.isfinite(start) and math.isfinite(length) and start >= 0 and length >= 0):
        return None
    return SpeakerSpan(start_seconds=start, end_seconds=start + length, speaker=fields[7])
