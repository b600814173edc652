"""Kaldi data directories: wav.scp and text, with segments, utt2spk and utt2dur where they are given."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from prep_corpus.align.errors import EntryInvalid, RecordingError, UsageError
from prep_corpus.pipeline.inputs.lines import decode_line, read_lines
from prep_corpus.pipeline.storage import files

_CHANNEL_LETTERS = {"A": 0, "B": 1}
"""Channels of telephone calls, as NIST and Kaldi's recipes name them."""


def is_kaldi(folder: str) -> bool:
    """Whether a folder holds wav.scp."""
    return files.exists(files.join(folder, "wav.scp"))


def kaldi_entries(
    folder: str, *, may_lack_text: bool = False
) -> Iterator[tuple[str, Mapping[str, Any] | RecordingError]]:
    """The utterances of a Kaldi data directory as manifest entries, in the order of segments or wav.scp.

    Holds wav.scp, text and utt2spk in memory, as Kaldi's own tools do.

    Args:
        folder: path or URI.
        may_lack_text: whether an utterance without a line in text is right; its text is then empty.

    Raises:
        UsageError: there is no text. Raised by the call itself.
    """
    if not may_lack_text and not files.exists(files.join(folder, "text")):
        raise UsageError(f"{folder}: a Kaldi data directory needs wav.scp and text; there is no text")
    return _entries(folder, may_lack_text)


def _entries(folder: str, may_lack_text: bool) -> Iterator[tuple[str, Mapping[str, Any] | RecordingError]]:
    texts = _table(folder, "text")
    speakers = _table(folder, "utt2spk")
    durations = _table(folder, "utt2dur")
    if not files.exists(files.join(folder, "segments")):
        for name, key, value in _rows(folder, "wav.scp"):
            if isinstance(value, RecordingError):
                yield name, value
                continue
            if may_lack_text:
                texts.setdefault(key, "")
            yield name, _utterance(name, key, value, texts, speakers, {"duration": durations.get(key)})
        return
    audio = {}
    for name, key, value in _rows(folder, "wav.scp"):
        if isinstance(value, RecordingError):
            yield name, value
        else:
            audio[key] = value
    for name, key, value in _rows(folder, "segments"):
        if isinstance(value, RecordingError):
            yield name, value
            continue
        if may_lack_text:
            texts.setdefault(key, "")
        parts = value.split()
        if len(parts) not in (3, 4):
            yield (
                name,
                EntryInvalid(f"{name}: segments needs recording, start and end, this line has {value!r}"),
            )
        elif parts[0] not in audio:
            yield name, EntryInvalid(f"{name}: its recording must be in wav.scp, {parts[0]!r} is not")
        else:
            yield name, _segment(name, key, parts, audio[parts[0]], texts, speakers)


def _segment(
    name: str, key: str, parts: list[str], audio: str, texts: dict[str, str], speakers: dict[str, str]
) -> Mapping[str, Any] | RecordingError:
    """An entry of segments: recording, start, end, and in some directories the channel."""
    try:
        start, end = float(parts[1]), float(parts[2])
    except ValueError:
        return EntryInvalid(f"{name}: start and end must be seconds, they are {parts[1]!r} and {parts[2]!r}")
    # Kaldi takes an end of -1 for the end of the recording.
    if end != -1 and end <= start:
        return EntryInvalid(f"{name}: the end must be after the start, here {start} and {end} s")
    # The difference of two decimal fractions, without the dust of binary ones.
    span: dict[str, object] = {"offset": start, "duration": None if end == -1 else round(end - start, 9)}
    if len(parts) == 4:
        span["channel"] = _CHANNEL_LETTERS.get(parts[3].upper(), parts[3])
    return _utterance(name, key, audio, texts, speakers, span)


def _utterance(
    name: str,
    key: str,
    audio: str,
    texts: dict[str, str],
    speakers: dict[str, str],
    span: Mapping[str, Any],
) -> Mapping[str, Any] | RecordingError:
    if audio.endswith("|") or audio.startswith("|"):
        return EntryInvalid(
            f"{name}: wav.scp must name a file; {audio!r} is a command, and commands are not run. "
            "Write its output to files first (`wav-copy` does)"
        )
    if key not in texts:
        return EntryInvalid(f"{name}: {key!r} must have a line in text, it has none")
    return {"id": key, "audio_filepath": audio, "text": texts[key], "speaker": speakers.get(key), **span}


def _rows(folder: str, table: str) -> Iterator[tuple[str, str, str | RecordingError]]:
    """(place, key, rest of the line) of a Kaldi table."""
    for line in read_lines(files.join(folder, table)):
        if not line.data.strip():
            continue
        try:
            parts = decode_line(line).strip().split(maxsplit=1)
        except RecordingError as error:
            yield line.name, line.name, error
            continue
        if len(parts) == 2 or table == "text":
            yield line.name, parts[0], parts[1] if len(parts) == 2 else ""
        else:
            yield line.name, parts[0], EntryInvalid(f"{line.name}: a line needs a key and a value")


def _table(folder: str, name: str) -> dict[str, str]:
    """A table by key; lines that cannot be read are missed where their key is looked up."""
    if not files.exists(files.join(folder, name)):
        return {}
    return {key: value for _, key, value in _rows(folder, name) if isinstance(value, str)}
