"""A manifest of everything that goes wrong in real corpora, beside good recordings, with the outcome of each.

Shapes: N samples, C channels.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import soxr
from support.encoders import FloatArray, encode_av, encode_sound, vbr_mp3_without_xing

PROCESSED = "processed"
CYRILLIC = "Съешь же ещё этих мягких французских булок да выпей чаю"
SHORT_SECONDS = 3
SECRETS = ("uvula", "pa55", "w0rd")
"""Parts of user names and passwords in URIs of the manifest."""


@dataclass(frozen=True, kw_only=True)
class Speech:
    """A good recording to make bad ones of.

    Attributes:
        audio_N: mono, in [-1, 1]; at least 10 s of speech.
        sample_rate_hz: of `audio_N`.
        text: what is said in it.
    """

    audio_N: FloatArray
    sample_rate_hz: int
    text: str


@dataclass(frozen=True, kw_only=True)
class HostileEntry:
    """One entry of the manifest and what must become of it.

    Attributes:
        case: what is wrong with it, or "good".
        recording_id: under which it is processed or rejected; for an entry without a usable id its place in
            the manifest.
        outcome: `PROCESSED`, or the reason of its dead letter.
        seconds: audio in it, where it is processed.
    """

    case: str
    recording_id: str
    outcome: str
    seconds: float = 0.0


@dataclass(frozen=True, kw_only=True)
class HostileCorpus:
    """What was written.

    Attributes:
        manifest: the file of JSON lines.
        entries: one for each line of it, in order.
    """

    manifest: Path
    entries: tuple[HostileEntry, ...]

    @property
    def processed(self) -> frozenset[str]:
        """Ids of the recordings that must go through."""
        return frozenset(entry.recording_id for entry in self.entries if entry.outcome == PROCESSED)

    @property
    def rejected(self) -> frozenset[tuple[str, str]]:
        """(id, reason) of every dead letter that must be there."""
        return frozenset(
            (entry.recording_id, entry.outcome) for entry in self.entries if entry.outcome != PROCESSED
        )


def write_hostile(folder: Path, speech: Sequence[Speech], *, short_recordings: int = 1000) -> HostileCorpus:
    """Write the corpus.

    Args:
        folder: a new folder.
        speech: at least two good recordings of different text, under a minute each for a quick run.
        short_recordings: how many 3-second recordings to add; all share one file a second of start.

    Returns:
        Where it is, and the outcome that each entry must have.
    """
    (folder / "audio").mkdir(parents=True)
    (folder / "text").mkdir()
    writer = _Writer(folder)
    for s, good in enumerate(speech):
        writer.audio("good", f"good-{s}.flac", _flac(good), text=good.text, seconds=_seconds(good))
    _bad_audio(writer, speech[0])
    _unusual_audio(writer, speech[0])
    _bad_text(writer, speech[0], speech[1])
    _secrets(writer, speech[0])
    _bad_entries(writer, speech[0])
    _short(writer, speech[0], short_recordings)
    return writer.close()


def _bad_audio(writer: _Writer, good: Speech) -> None:
    rate, text = good.sample_rate_hz, good.text
    wav, flac = encode_sound(good.audio_N, rate, container="WAV"), _flac(good)
    broken_N = good.audio_N.copy()
    broken_N[len(broken_N) // 2] = np.nan
    silence_N = np.zeros(10 * rate, np.float32)
    writer.entry("missing file", {"audio_filepath": "audio/not-there.wav", "text": text}, "audio-missing")
    writer.audio("empty file", "empty.wav", b"", "audio-empty", text=text)
    writer.audio("text named .wav", "text.wav", (text * 20).encode(), "audio-unreadable", text=text)
    writer.audio("truncated FLAC", "truncated.flac", flac[: len(flac) // 2], "audio-truncated", text=text)
    writer.audio("truncated WAV", "half.wav", wav[: len(wav) // 2], "audio-truncated", text=text)
    nan = encode_sound(broken_N, rate, container="WAV", subtype="FLOAT")
    writer.audio("NaN samples", "nan.wav", nan, "audio-not-finite", text=text)
    silence = encode_sound(silence_N, rate, container="WAV")
    writer.audio("silence", "silence.wav", silence, "audio-silent", text=text)
    none = encode_sound(silence_N[:0], rate, container="WAV")
    writer.audio("zero length", "zero-length.wav", none, "audio-empty", text=text)
    wrong = round(1.02 * _seconds(good), 3)
    writer.audio("duration 2 % wrong", "long.flac", flac, "duration-mismatch", text=text, duration=wrong)
    writer.audio("no such channel", "mono.flac", flac, "entry-invalid", text=text, channel=1)


def _unusual_audio(writer: _Writer, good: Speech) -> None:
    rate, text, seconds = good.sample_rate_hz, good.text, _seconds(good)
    narrow_N = soxr.resample(good.audio_N, rate, 8000)
    stereo = encode_sound(np.stack([narrow_N, narrow_N], axis=1), 8000, container="WAV")
    writer.audio("8 kHz stereo", "stereo-8k.wav", stereo, text=text, seconds=seconds)
    vbr = vbr_mp3_without_xing(good.audio_N, rate)
    writer.audio("VBR MP3 without Xing", "vbr.mp3", vbr, text=text, seconds=seconds)
    mp3 = encode_av(good.audio_N, rate, codec="libmp3lame", container="mp3")
    twice = f"{text} {text}"
    writer.audio("two MP3s joined", "joined.mp3", mp3 + mp3, text=twice, seconds=2 * seconds)
    m4a = encode_av(good.audio_N, rate, codec="aac", container="ipod")
    writer.audio("m4a", "aac.m4a", m4a, text=text, seconds=seconds)
    wide_N = soxr.resample(good.audio_N, rate, 48_000)
    webm = encode_av(wide_N, 48_000, codec="libopus", container="webm")
    writer.audio("webm", "web.webm", webm, text=text, seconds=seconds)
    opus = encode_sound(wide_N, 48_000, container="OGG", subtype="OPUS")
    writer.audio("two Opus files joined", "chained.opus", opus + opus, text=twice, seconds=2 * seconds)
    second = encode_sound(good.audio_N[:rate], rate, container="FLAC")
    writer.audio("one second", "one-second.flac", second, text=text.split()[0], seconds=1.0)


def _bad_text(writer: _Writer, good: Speech, other: Speech) -> None:
    flac, seconds = _flac(good), _seconds(good)
    writer.audio("empty transcript", "no-words.flac", flac, "transcript-empty", text=" ")
    # How much of it survives is the filter's business: the recording itself is sound.
    foreign = " ".join(other.text.split()[: len(good.text.split())])
    writer.audio("another recording's text", "other.flac", flac, text=foreign, seconds=seconds)
    long_text = " ".join([good.text] * 10)
    writer.audio("text ten times too long", "long-text.flac", flac, "transcript-too-long", text=long_text)
    writer.audio("another script", "script.flac", flac, "transcript-unsayable", text=CYRILLIC)
    (writer.folder / "text" / "latin1.txt").write_bytes("déjà vu, ça va".encode("latin-1"))
    latin1 = "text/latin1.txt"
    writer.audio("not UTF-8", "latin1.flac", flac, "transcript-not-utf8", text_filepath=latin1)
    missing = "text/not-there.txt"
    writer.audio("missing text file", "no-text.flac", flac, "transcript-missing", text_filepath=missing)
    (writer.folder / "text" / "bom.txt").write_text("\ufeff" + good.text, encoding="utf-8")
    writer.audio("text with a BOM", "bom.flac", flac, text_filepath="text/bom.txt", seconds=seconds)


def _bad_entries(writer: _Writer, good: Speech) -> None:
    entry = {"audio_filepath": "audio/good-0.flac", "text": good.text}
    writer.entry("duplicate id", {**entry, "id": "audio/good-0"}, "duplicate-id", "audio/good-0")
    writer.entry("id with ../", {**entry, "id": "../../evil"}, "id-unsafe")
    writer.entry("no audio", {"text": good.text}, "entry-invalid")
    writer.line("broken JSON", b'{"audio_filepath": "audio/good-0.fl', "entry-invalid")
    writer.line("line not UTF-8", json.dumps(entry).encode()[:-2] + b'\xe9"}', "entry-invalid")


def _secrets(writer: _Writer, good: Speech) -> None:
    web, store = "https://uvula:pa55w0rd@host", "s3://UVULA:pa55/w0rd@bucket"
    audio, text = {"audio_filepath": "audio/good-0.flac"}, {"text": good.text}
    refused = "entry-invalid"
    writer.entry("password of a web page", {"audio_filepath": f"{web}/web.wav", **text}, refused, "host/web")
    writer.entry("key of a store", {"audio_filepath": f"{store}/s3.wav", **text}, refused, "bucket/s3")
    for key in ("text_filepath", "rttm_filepath"):
        fields = {"id": f"secret/{key}", **audio, **text, key: f"{web}/beside.txt"}
        if key == "text_filepath":
            del fields["text"]
        writer.entry(f"password in {key}", fields, refused, f"secret/{key}")
    for name, uri in (
        ("password without slashes", "https:uvula:pa55w0rd@host/bare.wav"),
        ("password without a scheme", "//uvula:pa55w0rd@host/relative.wav"),
        ("token in a query", "https://host/signed.wav?x=1&X-Amz-Signature=pa55w0rd"),
    ):
        writer.entry(name, {"id": f"secret/{name}", "audio_filepath": uri, **text}, refused, f"secret/{name}")
    writer.entry("password in an id", {"id": f"{web}/id", **audio, **text}, "id-unsafe")
    source = {"type": "url", "channels": [0], "source": f"{web}/cut.wav"}
    recording = {
        "id": "cut",
        "sources": [source],
        "sampling_rate": 16000,
        "num_samples": 16000,
        "duration": 1.0,
    }
    supervision = {"id": "cut", "recording_id": "cut", "start": 0, "duration": 1, "text": good.text}
    cut = {"id": "secret/cut", "type": "MonoCut", "start": 0, "duration": 1, "channel": 0}
    writer.entry(
        "password in a cut",
        {**cut, "recording": recording, "supervisions": [supervision]},
        refused,
        "secret/cut",
    )


def _short(writer: _Writer, good: Speech, count: int) -> None:
    rate = good.sample_rate_hz
    words = good.text.split()
    starts = max(1, int(_seconds(good)) - SHORT_SECONDS)
    for s in range(min(starts, count)):
        clip_N = good.audio_N[s * rate : (s + SHORT_SECONDS) * rate]
        writer.save(f"short-{s}.flac", encode_sound(clip_N, rate, container="FLAC"))
    for n in range(count):
        first = n % starts * len(words) // starts
        text = " ".join(words[first : first + 4])
        entry = {"id": f"short/{n}", "audio_filepath": f"audio/short-{n % starts}.flac", "text": text}
        writer.entry("3 seconds", entry, PROCESSED, f"short/{n}", seconds=SHORT_SECONDS)


class _Writer:
    """Writes files and lines, and notes what must become of each."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._lines: list[bytes] = []
        self._entries: list[HostileEntry] = []

    def save(self, name: str, data: bytes) -> None:
        """Write an audio file."""
        (self.folder / "audio" / name).write_bytes(data)

    def line(
        self,
        case: str,
        line: bytes,
        outcome: str,
        recording_id: str | None = None,
        seconds: float = 0.0,
    ) -> None:
        """Add a line as it is; without an id it goes by its place."""
        self._lines.append(line)
        place = f"manifest.jsonl:{len(self._lines)}"
        entry = HostileEntry(case=case, recording_id=recording_id or place, outcome=outcome, seconds=seconds)
        self._entries.append(entry)

    def entry(
        self,
        case: str,
        fields: dict[str, Any],
        outcome: str,
        recording_id: str | None = None,
        seconds: float = 0.0,
    ) -> None:
        """Add an entry; an id is taken from the path where the entry gets that far."""
        if recording_id is None and outcome not in ("id-unsafe", "entry-invalid"):
            recording_id = fields["audio_filepath"].rsplit(".", 1)[0]
        self.line(case, json.dumps(fields).encode(), outcome, recording_id, seconds)

    def audio(
        self,
        case: str,
        name: str,
        data: bytes,
        outcome: str = PROCESSED,
        *,
        seconds: float = 0.0,
        **fields: Any,
    ) -> None:
        """Write an audio file and add its entry."""
        self.save(name, data)
        # Entries in which the channel alone is bad are found out when the header is read: they have an id.
        recording_id = f"audio/{name.rsplit('.', 1)[0]}"
        if "channel" in fields:
            recording_id += f"-channel{fields['channel']}"
        self.entry(case, {"audio_filepath": f"audio/{name}", **fields}, outcome, recording_id, seconds)

    def close(self) -> HostileCorpus:
        """Write the manifest."""
        manifest = self.folder / "manifest.jsonl"
        manifest.write_bytes(b"\n".join(self._lines) + b"\n")
        return HostileCorpus(manifest=manifest, entries=tuple(self._entries))


def _flac(speech: Speech) -> bytes:
    return encode_sound(speech.audio_N, speech.sample_rate_hz, container="FLAC")


def _seconds(speech: Speech) -> float:
    return len(speech.audio_N) / speech.sample_rate_hz
