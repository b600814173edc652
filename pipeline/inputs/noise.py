"""Opening a bank of noise clips from a folder or manifest of any formats, or making one up."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, suppress
from heapq import nsmallest

import numpy as np
from numpy.typing import NDArray

from prep_corpus.align.audio import decode as audio
from prep_corpus.align.errors import AudioSilent, RecordingError, UsageError
from prep_corpus.augment.bank import (
    SILENT_PEAK,
    NoiseBank,
    NoiseClip,
    babble_clip,
    impulse_response,
    noise_bank,
    noise_clip_from,
)
from prep_corpus.augment.coloured import generated_bank
from prep_corpus.pipeline.inputs.bundles import ProbedRecording
from prep_corpus.pipeline.inputs.decoding import decoded
from prep_corpus.pipeline.inputs.forms import clip_uris
from prep_corpus.pipeline.storage import files

VOICES, BABBLES, VOICE_SECONDS = 6, 4, 20
"""Voices in a clip of babble, clips of babble, and the length that is taken of each voice."""


def pick_voices(recordings: Iterable[ProbedRecording], seed: int) -> tuple[ProbedRecording, ...]:
    """The recordings that babble is made of: those of the lowest hashes, at most `VOICES * BABBLES` of them."""

    def place(probed: ProbedRecording) -> bytes:
        return hashlib.blake2b(f"voice\0{seed}\0{probed.recording.id}".encode(), digest_size=8).digest()

    return tuple(nsmallest(VOICES * BABBLES, recordings, key=place))


def babble(voices: Sequence[ProbedRecording], sample_rate_hz: int) -> list[NoiseClip]:
    """Clips of several voices each, made of the beginnings of recordings of the corpus itself.

    Raises:
        UsageError: there are too few recordings for an utterance to get babble of others than its own.
    """
    heard: list[tuple[str, NDArray[np.float32]]] = []
    for probed in voices:
        # A recording that cannot be decoded becomes a dead letter elsewhere; here it is no voice.
        with suppress(RecordingError):
            heard.append((probed.recording.id, _beginning(probed, sample_rate_hz)))
    groups = [group for start in range(BABBLES) if len(group := heard[start::BABBLES]) >= 2]
    if len(groups) < 2:
        raise UsageError(
            f"--babble needs at least {BABBLES + 2} recordings that can be decoded, so that none gets its own "
            f"voice; there are {len(heard)}"
        )
    return [
        babble_clip(f"babble {number}", [voice_N for _, voice_N in group], [id_ for id_, _ in group])
        for number, group in enumerate(groups)
    ]


def _beginning(probed: ProbedRecording, sample_rate_hz: int) -> NDArray[np.float32]:
    blocks: list[NDArray[np.float32]] = []
    samples = 0
    with closing(decoded(probed, sample_rate_hz)) as decoding:
        for block_N in decoding:
            blocks.append(block_N)
            samples += len(block_N)
            if samples >= VOICE_SECONDS * sample_rate_hz:
                break
    voice_N = np.concatenate(blocks)[: VOICE_SECONDS * sample_rate_hz]
    if float(np.abs(voice_N).max()) < SILENT_PEAK:
        raise AudioSilent(f"{probed.recording.id}: its first {VOICE_SECONDS} s are silent")
    return voice_N


def open_bank(
    uri: str | None,
    sample_rate_hz: int,
    *,
    rooms_uri: str | None = None,
    voices: Sequence[ProbedRecording] = (),
) -> NoiseBank:
    """Decode a bank's clips and rooms, or generate coloured noise where there are no clips.

    Args:
        uri: folder or manifest of noise, or None.
        sample_rate_hz: rate that the clips are brought to.
        rooms_uri: folder or manifest of room impulse responses, or None.
        voices: recordings to make babble of, added to the clips.

    Raises:
        UsageError: a clip cannot be decoded or is silent; noise is the user's own choice, so nothing is skipped.
    """
    rooms = []
    if rooms_uri is not None:
        paths = clip_uris(rooms_uri, option="--rooms")
        rooms = [impulse_response(_name(path), _samples(path, sample_rate_hz, "--rooms")) for path in paths]
    if uri is None:
        clips = list(generated_bank(sample_rate_hz).clips)
    else:
        clips = [_clip(path, sample_rate_hz) for path in clip_uris(uri, option="--noise")]
    if voices:
        clips += babble(voices, sample_rate_hz)
    return noise_bank(clips, sample_rate_hz, impulse_responses=rooms)


def _clip(uri: str, sample_rate_hz: int) -> NoiseClip:
    def decode() -> Iterator[NDArray[np.float32]]:
        with files.open_binary(uri) as file:
            yield from audio.decode(file, name=_name(uri), sample_rate_hz=sample_rate_hz)

    try:
        return noise_clip_from(_name(uri), decode)
    except RecordingError as error:
        raise UsageError(f"--noise: the clip {uri} cannot be used: {error}") from error
    except OSError as error:
        _refuse_absent(uri, "--noise", error)
        raise


def _refuse_absent(uri: str, option: str, error: OSError) -> None:
    """Raise UsageError where a clip cannot be opened by its name's own fault."""
    if files.is_absent(error):
        raise UsageError(f"{option}: the clip {uri} cannot be read: {error.strerror or error}") from error


def _samples(uri: str, sample_rate_hz: int, option: str) -> NDArray[np.float32]:
    try:
        with files.open_binary(uri) as file:
            return np.concatenate(list(audio.decode(file, name=_name(uri), sample_rate_hz=sample_rate_hz)))
    except RecordingError as error:
        raise UsageError(f"{option}: {uri} cannot be used: {error}") from error
    except OSError as error:
        _refuse_absent(uri, option, error)
        raise


def _name(uri: str) -> str:
    return uri.rsplit("/", 1)[-1]
