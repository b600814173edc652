"""Utterances of one recording put together to samples of up to 30 s, with time stamps, as Whisper is trained on.

    clips      |--- one ---|      |- two -|                      |--- three ---|
    sample 1   |--- one ---|......|- two -|                                          pauses as long as they are, but at
    sample 2                                                     |--- three ---|     most a second; without any sound

What stands between two clips may be speech without a text that is trusted, and so none of it is taken. Audio is that
of the clips without noise.

Legend: N samples.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from prep_corpus.align.audio import decode as audio
from prep_corpus.pipeline.shards.rows import Utterance, safe_name

LONGEST_SAMPLE_SECONDS = 30.0
"""What Whisper hears at once. A single longer utterance is a sample of its own."""

MOST_PAUSE_SECONDS = 1.0
"""Pauses between clips are cut to this."""

STEP_SECONDS = 0.02
"""Time stamps are whole multiples of this."""


@dataclass(frozen=True, kw_only=True)
class Packed:
    """One sample.

    Attributes:
        id: of its first and last utterance.
        samples_N: int16.
        sample_rate_hz: their rate.
        segments: (start, end, text) of each utterance, in seconds from the beginning of the sample.
        previous: text of the sample before it in its recording, or "".
        recording_id, language: of its recording.
    """

    id: str
    samples_N: NDArray[np.int16]
    sample_rate_hz: int
    segments: tuple[tuple[float, float, str], ...]
    previous: str
    recording_id: str
    language: str

    @property
    def key(self) -> str:
        """The id as a name that is safe everywhere."""
        return safe_name(self.id)

    @property
    def seconds(self) -> float:
        """Its length."""
        return len(self.samples_N) / self.sample_rate_hz

    @property
    def plain_text(self) -> str:
        """What is said, without time stamps."""
        return " ".join(text for _, _, text in self.segments)

    @property
    def text(self) -> str:
        """What is said, between Whisper's time stamps."""
        return "".join(f"<|{start:.2f}|>{text}<|{end:.2f}|>" for start, end, text in self.segments)

    def to_line(self, path: str) -> bytes:
        """Its line in the manifest; `path` is its audio, relative to the manifest."""
        fields: dict[str, Any] = {
            "audio_filepath": path,
            "duration": self.seconds,
            "text": self.text,
            "plain_text": self.plain_text,
            "prev_text": self.previous,
            "segments": [{"start": start, "end": end, "text": text} for start, end, text in self.segments],
            "lang": self.language,
            "recording_id": self.recording_id,
            "id": self.id,
        }
        return json.dumps(fields, ensure_ascii=False).encode() + b"\n"


def packed(rows: Iterable[Utterance]) -> Iterator[Packed]:
    """The samples of utterances that come recording by recording, each in the order of time."""
    held: list[Utterance] = []
    length = 0.0
    previous = ""
    for row in rows:
        goes_on = bool(held) and held[-1].recording_id == row.recording_id
        pause = _pause(held[-1], row) if goes_on else 0.0
        if held and not (goes_on and length + pause + row.duration <= LONGEST_SAMPLE_SECONDS):
            sample = _sample(held, previous)
            yield sample
            previous = sample.plain_text if goes_on else ""
            held, length, pause = [], 0.0, 0.0
        held.append(row)
        length += pause + row.duration
    if held:
        yield _sample(held, previous)


def _pause(before: Utterance, after: Utterance) -> float:
    return min(max(after.start - before.end, 0.0), MOST_PAUSE_SECONDS)


def _sample(rows: list[Utterance], previous: str) -> Packed:
    rate_hz = rows[0].sample_rate_hz
    pieces: list[NDArray[np.int16]] = []
    segments = []
    at = 0
    for number, row in enumerate(rows):
        if number:
            pause_N = np.zeros(round(_pause(rows[number - 1], row) * rate_hz), np.int16)
            pieces.append(pause_N)
            at += len(pause_N)
        said_N, _ = audio.decode_clip_int16(row.audio)
        pieces.append(said_N)
        start, end = at / rate_hz, (at + len(said_N)) / rate_hz
        if row.word_times:
            start, end = at / rate_hz + row.word_times[0].start, at / rate_hz + row.word_times[-1].end
        segments.append((_stamp(start), _stamp(end), " ".join(row.text.split())))
        at += len(said_N)
    last = rows[-1].id.rpartition("-")[2]
    return Packed(
        id=f"{rows[0].id.rpartition('-')[0]}-{last}",
        samples_N=np.concatenate(pieces),
        sample_rate_hz=rate_hz,
        segments=tuple(segments),
        previous=previous,
        recording_id=rows[0].recording_id,
        language=rows[0].language,
    )


def _stamp(seconds: float) -> float:
    return round(round(seconds / STEP_SECONDS) * STEP_SECONDS, 2)
