"""Opening a bank of noise clips from a folder or manifest of any formats, or making one up."""

from __future__ import annotations

import json
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from prep_corpus.align import audio
from prep_corpus.align.errors import RecordingError, UsageError
from prep_corpus.augment.bank import NoiseBank, NoiseClip, impulse_response, noise_bank, noise_clip_from
from prep_corpus.augment.coloured import generated_bank
from prep_corpus.pipeline import files

EXTENSIONS = (".wav", ".flac", ".ogg", ".opus", ".mp3", ".m4a", ".mp4", ".webm")


def clip_uris(uri: str, *, option: str) -> list[str]:
    """The clips of a folder (in all its folders), or those that a JSON-lines manifest names, sorted.

    Args:
        uri: folder or manifest.
        option: the flag that named it, for messages.

    Raises:
        UsageError: there are none.
    """
    if uri.endswith(".jsonl"):
        if not files.exists(uri):
            raise UsageError(f"{option} {uri}: there is no such manifest")
        entries = [json.loads(line) for line in files.read_bytes(uri).decode().splitlines() if line.strip()]
        found = [files.resolve(uri, entry["audio_filepath"]) for entry in entries]
    else:
        found = [path for path in files.list_files(uri) if path.lower().endswith(EXTENSIONS)]
    if not found:
        raise UsageError(
            f"{option} {uri}: no clips there; it must be a folder of {', '.join(EXTENSIONS)}, or a .jsonl"
        )
    return sorted(found)


def open_bank(uri: str | None, sample_rate_hz: int, *, rooms_uri: str | None = None) -> NoiseBank:
    """Decode a bank's clips and rooms, or generate coloured noise where there are no clips.

    Args:
        uri: folder or manifest of noise, or None.
        sample_rate_hz: rate that the clips are brought to.
        rooms_uri: folder or manifest of room impulse responses, or None.

    Raises:
        UsageError: a clip cannot be decoded or is silent; noise is the user's own choice, so nothing is skipped.
    """
    rooms = []
    if rooms_uri is not None:
        paths = clip_uris(rooms_uri, option="--rooms")
        rooms = [impulse_response(_name(path), _samples(path, sample_rate_hz, "--rooms")) for path in paths]
    if uri is None:
        generated = generated_bank(sample_rate_hz)
        return noise_bank(generated.clips, sample_rate_hz, impulse_responses=rooms)
    clips = [_clip(path, sample_rate_hz) for path in clip_uris(uri, option="--noise")]
    return noise_bank(clips, sample_rate_hz, impulse_responses=rooms)


def _clip(uri: str, sample_rate_hz: int) -> NoiseClip:
    def decode() -> Iterator[NDArray[np.float32]]:
        with files.open_binary(uri) as file:
            yield from audio.decode(file, name=_name(uri), sample_rate_hz=sample_rate_hz)

    try:
        return noise_clip_from(_name(uri), decode)
    except RecordingError as error:
        raise UsageError(f"--noise: the clip {uri} cannot be used: {error}") from error


def _samples(uri: str, sample_rate_hz: int, option: str) -> NDArray[np.float32]:
    try:
        with files.open_binary(uri) as file:
            return np.concatenate(list(audio.decode(file, name=_name(uri), sample_rate_hz=sample_rate_hz)))
    except RecordingError as error:
        raise UsageError(f"{option}: {uri} cannot be used: {error}") from error


def _name(uri: str) -> str:
    return uri.rsplit("/", 1)[-1]
