"""Decoding: one definition of a recording's samples, for every stage.

A recording's samples are those of its file decoded in order, mixed to mono, cut to
[offset, offset + duration) at the file's rate, then resampled. Spans are slices of that: seeking in
compressed files gives other samples.

Shapes: N samples.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from prep_corpus.align.audio.containers import open_source
from prep_corpus.align.audio.sources import READ_SAMPLES, AudioHeader, FloatArray, OpenAudio, to_int16
from prep_corpus.align.errors import (
    AudioEmpty,
    AudioNotFinite,
    AudioSilent,
    ChannelsCancel,
    DurationMismatch,
    EntryInvalid,
    RecordingError,
)

__all__ = [
    "VERSION",
    "AudioHeader",
    "check_stated",
    "decode",
    "decode_clip",
    "decode_clip_int16",
    "encode_flac",
    "from_int16",
    "probe",
    "to_int16",
]

VERSION = 1
"""Raised whenever the samples of some file may change."""

BLOCK_SAMPLES = 65_536
QUALITY = "HQ"
LOUDEST_SAMPLE = 1e6
"""Times full scale: far over files that hold 16-bit steps as floats, and far under what a model's sums can take."""
DURATION_TOLERANCE = 0.01
# Half a step of 16 bits: below it, every stored sample would be 0.
SILENCE_PEAK = 0.5 / 32768


def probe(file: BinaryIO, *, name: str, track: str | None = None) -> AudioHeader:
    """Read the header of an audio file, and little else of it.

    Args:
        file: open, binary, seekable.
        name: name of the recording, for messages.
        track: see `decode`.

    Raises:
        EntryInvalid: the file has no such track.
        AudioEmpty: the file has no bytes, or its header says that it has no samples.
        AudioUnreadable: no decoder opens it.
        AudioTruncated: a WAV file ends before its stated length.
    """
    header = open_source(file, name=name, header_only=True, track=track).header
    if header.duration_is_exact and header.duration_seconds == 0:
        raise AudioEmpty(f"{name}: an audio file must have samples, its header says that it has 0")
    return header


def check_stated(
    header: AudioHeader,
    *,
    name: str,
    channel: int | None = None,
    offset_seconds: float = 0.0,
    duration_seconds: float | None = None,
    sliced: bool = False,
) -> None:
    """Compare what a manifest states with the header, before anything is decoded.

    Args:
        header: header of the file.
        name, channel, offset_seconds, duration_seconds, sliced: see `decode`.

    Raises:
        EntryInvalid: the file has no such channel.
        DurationMismatch: the lengths differ by over 1 %, or the part lies outside the file.
    """
    if channel is not None and channel >= header.channels:
        raise EntryInvalid(
            f"{name}: channel counts from 0 and must be under the file's {header.channels}, it is {channel}"
        )
    if header.duration_seconds is None or not header.duration_is_exact:
        return
    if sliced or offset_seconds > 0:
        _check_part(header.duration_seconds, header, name, offset_seconds, duration_seconds)
    elif duration_seconds is not None:
        _check_whole(header.duration_seconds, "its header", duration_seconds, "the manifest", header, name)


def decode(
    file: BinaryIO,
    *,
    name: str,
    sample_rate_hz: int,
    channel: int | None = None,
    track: str | None = None,
    offset_seconds: float = 0.0,
    duration_seconds: float | None = None,
    sliced: bool = False,
    block_samples: int = BLOCK_SAMPLES,
) -> Iterator[FloatArray]:
    """Decode a recording in order, in little memory.

    Every good sample is yielded before an error is raised, and the error's `decoded_samples` is their
    number. The samples do not depend on `block_samples`.

    Args:
        file: open, binary, seekable.
        name: name of the recording, for messages.
        sample_rate_hz: rate of the result.
        channel: the one channel to take, counted from 0; the mean of all where None.
        track: of several audio tracks, its number from 0 or its language; the default one where None.
        offset_seconds: where the recording starts in the file.
        duration_seconds: length of the part where `sliced`, else the stated length of the whole file.
        sliced: take [offset, offset + duration) out of the file; implied by an offset over 0.
        block_samples: length of each block yielded but the last.

    Yields:
        float32 [N], within about [-1, 1].

    Raises:
        RecordingError: the audio is empty, unreadable, truncated, silent, not finite or of another length.
        OSError: the file could not be read for reasons of its own.
    """
    yielded = 0
    try:
        source = open_source(file, name=name, track=track)
        header = source.header
        sliced = sliced or offset_seconds > 0
        check_stated(
            header,
            name=name,
            channel=channel,
            offset_seconds=offset_seconds,
            duration_seconds=duration_seconds,
            sliced=sliced,
        )
        # Ends are rounded each on its own, so that neighbouring parts share no sample and lose none.
        first = round(offset_seconds * header.sample_rate_hz)
        last_seconds = offset_seconds + duration_seconds if sliced and duration_seconds is not None else None
        stop = None if last_seconds is None else round(last_seconds * header.sample_rate_hz)
        facts = _Facts()
        read = _checked(source, facts, channel=channel, first=first, stop=stop, name=name)
        resampled = _resampled(read, header.sample_rate_hz, sample_rate_hz)
        for block_N in _blocks_of(resampled, block_samples):
            yield block_N
            yielded += len(block_N)
        _check_end(facts, source, name, first, duration_seconds, sliced)
    except RecordingError as error:
        error.decoded_samples = yielded
        raise


@dataclass(kw_only=True)
class _Facts:
    """What is known of the samples so far, at the file's rate."""

    samples: int = 0
    is_silent: bool = True
    failure: RecordingError | None = None


def _checked(
    source: OpenAudio, facts: _Facts, *, channel: int | None, first: int, stop: int | None, name: str
) -> Iterator[FloatArray]:
    """The samples [first, stop); a failure ends them, and is kept until all good ones have been passed on."""
    wanted = None if stop is None else stop - first
    rate_hz = source.header.sample_rate_hz
    try:
        for block_N in source.blocks(channel, first):
            if wanted is not None:
                block_N = block_N[: wanted - facts.samples]
            # The sum of squares is finite where all samples are, but for those over 1e19.
            with np.errstate(over="ignore"):
                energy = np.dot(block_N, block_N)
            # Written so that a NaN gets there too.
            if not energy < LOUDEST_SAMPLE**2 and not (np.abs(block_N) < LOUDEST_SAMPLE).all():
                bad = int(np.flatnonzero(~(np.abs(block_N) < LOUDEST_SAMPLE))[0])
                seconds = (first + facts.samples + bad) / rate_hz
                raise AudioNotFinite(
                    f"{name}: samples must be finite, and under {LOUDEST_SAMPLE:g} times full scale; the one at "
                    f"{seconds:.3f} s is {block_N[bad]}"
                )
            if facts.is_silent and len(block_N):
                peak = max(float(block_N.max()), -float(block_N.min()))
                facts.is_silent = peak < SILENCE_PEAK
            facts.samples += len(block_N)
            yield block_N
            if wanted is not None and facts.samples >= wanted:
                return
    except RecordingError as error:
        facts.failure = error


def _resampled(blocks: Iterator[FloatArray], rate_hz: int, wanted_hz: int) -> Iterator[FloatArray]:
    if rate_hz == wanted_hz:
        yield from blocks
        return
    stream = soxr.ResampleStream(rate_hz, wanted_hz, 1, dtype="float32", quality=QUALITY)
    # The resampler is fed blocks of one size, whatever the decoder makes.
    for block_N in _blocks_of(blocks, READ_SAMPLES):
        yield stream.resample_chunk(block_N)
    yield stream.resample_chunk(np.empty(0, np.float32), last=True)


def _blocks_of(blocks: Iterator[FloatArray], block_samples: int) -> Iterator[FloatArray]:
    """The same samples in blocks of one size, the last one shorter."""
    held: list[FloatArray] = []
    count = 0
    for block_N in blocks:
        held.append(block_N)
        count += len(block_N)
        if count < block_samples:
            continue
        joined_N = held[0] if len(held) == 1 else np.concatenate(held)
        whole = count - count % block_samples
        for start in range(0, whole, block_samples):
            yield np.ascontiguousarray(joined_N[start : start + block_samples])
        held = [joined_N[whole:]]
        count -= whole
    if count:
        yield np.ascontiguousarray(np.concatenate(held))


def _check_end(
    facts: _Facts,
    source: OpenAudio,
    name: str,
    first: int,
    duration_seconds: float | None,
    sliced: bool,
) -> None:
    """The rules that only the whole decode can show."""
    if facts.failure is not None:
        raise facts.failure
    header = source.header
    seconds = facts.samples / header.sample_rate_hz
    if sliced:
        _check_part(
            first / header.sample_rate_hz + seconds,
            header,
            name,
            first / header.sample_rate_hz,
            duration_seconds,
        )
    if facts.samples == 0:
        raise AudioEmpty(f"{name}: audio must have samples, the decoder found 0")
    if not sliced:
        if duration_seconds is not None:
            _check_whole(seconds, "decoded", duration_seconds, "the manifest", header, name)
        if header.duration_is_exact and header.duration_seconds is not None:
            _check_whole(seconds, "decoded", header.duration_seconds, "its header", header, name)
    if source.mixing.cancelled:
        raise ChannelsCancel(
            f"{name}: the mean of the channels must keep what they hold, but nearly nothing is left of these "
            f"{header.channels}: one is the other inverted; take one of them with channel (0 to {header.channels - 1})"
        )
    if facts.is_silent:
        raise AudioSilent(
            f"{name}: audio must not be silent from end to end; all of its {seconds:.3f} s stay under half a "
            "step of 16 bits"
        )


def _check_whole(
    seconds: float, measure: str, stated_seconds: float, witness: str, header: AudioHeader, name: str
) -> None:
    slack = max(DURATION_TOLERANCE * stated_seconds, header.slack_seconds)
    if abs(seconds - stated_seconds) > slack:
        raise DurationMismatch(
            f"{name}: the file has {seconds:.3f} s ({measure}), but {witness} states {stated_seconds:.3f} s; "
            f"they may differ by {DURATION_TOLERANCE:.0%} (at least {header.slack_seconds:.2f} s)"
        )


def _check_part(
    end_seconds: float, header: AudioHeader, name: str, offset_seconds: float, duration_seconds: float | None
) -> None:
    """Whether a file that ends at `end_seconds` holds the part."""
    length = 0.0 if duration_seconds is None else duration_seconds
    slack = max(DURATION_TOLERANCE * length, header.slack_seconds)
    if offset_seconds >= end_seconds or offset_seconds + length > end_seconds + slack:
        part = (
            f"[{offset_seconds:.3f}, {offset_seconds + length:.3f}) s"
            if length
            else f"{offset_seconds:.3f} s on"
        )
        raise DurationMismatch(
            f"{name}: the manifest's part, {part}, must lie inside the file, which ends at "
            f"{end_seconds:.3f} s"
        )


def from_int16(samples_N: NDArray[np.int16]) -> FloatArray:
    """The exact inverse of `to_int16`: float32 [N]."""
    return samples_N.astype(np.float32) / np.float32(32768)


def encode_flac(samples_N: NDArray[np.floating], sample_rate_hz: int) -> bytes:
    """A mono 16-bit FLAC file.

    Args:
        samples_N: [N] with N at least 1, full scale is 1; more is clipped.
        sample_rate_hz: written in the header.

    Raises:
        ValueError: there are no samples.
    """
    if samples_N.ndim != 1 or not len(samples_N):
        raise ValueError(f"a clip needs samples of shape [N] with N > 0, these have {samples_N.shape}")
    file = io.BytesIO()
    soundfile.write(file, to_int16(samples_N), sample_rate_hz, format="FLAC", subtype="PCM_16")
    return file.getvalue()


def decode_clip(data: bytes) -> tuple[FloatArray, int]:
    """A clip's samples, float32 [N], and its rate in Hz; see `decode_clip_int16`."""
    samples_N, sample_rate_hz = decode_clip_int16(data)
    return from_int16(samples_N), sample_rate_hz


def decode_clip_int16(data: bytes) -> tuple[NDArray[np.int16], int]:
    """A clip's samples as they stand in it, int16 [N], and its rate in Hz.

    Args:
        data: the bytes that `encode_flac` made.

    Raises:
        ValueError: it is no mono FLAC file.
    """
    try:
        samples, sample_rate_hz = soundfile.read(io.BytesIO(data), dtype="int16")
    except soundfile.LibsndfileError as error:
        raise ValueError(f"a clip must be a FLAC file, {len(data)} bytes are not: {error}") from error
    if samples.ndim != 1:
        raise ValueError(f"a clip must be mono, this one has shape {samples.shape}")
    return samples, sample_rate_hz
