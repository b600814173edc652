"""Opening a bank of noise clips from a folder or manifest of any formats, or making one up."""

from __future__ import annotations

import json

import numpy as np

from prep_corpus.align import audio
from prep_corpus.align.errors import RecordingError, UsageError
from prep_corpus.augment.bank import NoiseBank, NoiseClip, noise_bank, noise_clip
from prep_corpus.augment.coloured import generated_bank
from prep_corpus.pipeline import files

EXTENSIONS = (".wav", ".flac", ".ogg", ".opus", ".mp3", ".m4a", ".mp4", ".webm")


def clip_uris(uri: str) -> list[str]:
    """The clips of a folder (in all its folders), or those that a JSON-lines manifest names, sorted.

    Raises:
        UsageError: there are none.
    """
    if uri.endswith(".jsonl"):
        if not files.exists(uri):
            raise UsageError(f"--noise {uri}: there is no such manifest")
        entries = [json.loads(line) for line in files.read_bytes(uri).decode().splitlines() if line.strip()]
        found = [files.resolve(uri, entry["audio_filepath"]) for entry in entries]
    else:
        found = [path for path in files.list_files(uri) if path.lower().endswith(EXTENSIONS)]
    if not found:
        raise UsageError(
            f"--noise {uri}: no clips there; it must be a folder of {', '.join(EXTENSIONS)}, or a .jsonl"
        )
    return sorted(found)


def open_bank(uri: str | None, sample_rate_hz: int) -> NoiseBank:
    """Decode a bank's clips, or generate coloured noise where there are none.

    Args:
        uri: folder or manifest, or None.
        sample_rate_hz: rate that the clips are brought to.

    Raises:
        UsageError: a clip cannot be decoded or is silent; noise is the user's own choice, so nothing is skipped.
    """
    if uri is None:
        return generated_bank(sample_rate_hz)
    return noise_bank([_clip(path, sample_rate_hz) for path in clip_uris(uri)], sample_rate_hz)


def _clip(uri: str, sample_rate_hz: int) -> NoiseClip:
    name = uri.rsplit("/", 1)[-1]
    try:
        with files.open_binary(uri) as file:
            blocks = list(audio.decode(file, name=name, sample_rate_hz=sample_rate_hz))
        return noise_clip(name, np.concatenate(blocks))
    except RecordingError as error:
        raise UsageError(f"--noise: the clip {uri} cannot be used: {error}") from error
