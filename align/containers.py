"""Reading audio files in order, in blocks, mixed to mono, at their own rate.

WAV, FLAC, OGG, Opus and their kin go through libsndfile; MP3, m4a, mp4, webm and AAC through FFmpeg, since
libsndfile reads a VBR MP3 without a Xing header as half its length, and joined Ogg files as the first alone.

Shapes: N samples (of one channel), C channels.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, BinaryIO, Literal, Protocol

import av
import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from prep_corpus.align.errors import (
    AudioEmpty,
    AudioTruncated,
    AudioUnreadable,
    EntryInvalid,
    RecordingError,
)

FloatArray = NDArray[np.float32]

READ_SAMPLES = 65_536
MIN_RATE_HZ = 1_000
MAX_RATE_HZ = 768_000
ACCEPTED = "WAV, FLAC, OGG, Opus, AIFF, MP3, m4a, mp4 and webm"

# FFmpeg may open these alone: its playlist formats would follow paths and addresses written in the file.
_AV_FORMATS = "mp3,mov,matroska,aac,ogg"
_ESTIMATED_LENGTH = frozenset({"mp3", "aac", "ogg"})
# Seeking in these is exact to the sample, so that a late part need not be decoded from the start.
_EXACT_SEEK = frozenset({"WAV", "WAVEX", "RF64", "W64", "AIFF", "AU", "CAF", "FLAC"})
_MAX_DAMAGED_SHARE = 0.01
_CODEC_FRAMES_OF_PADDING = 3


@dataclass(frozen=True, kw_only=True)
class AudioHeader:
    """What a file says of itself.

    Attributes:
        sample_rate_hz: of the file.
        channels: of the file.
        duration_seconds: of the whole file; None where it does not say.
        duration_is_exact: False where the length is an estimate, as in an MP3 file.
        slack_seconds: how far lengths may differ on short files, where a codec pads.
        decoder: which library reads it.
    """

    sample_rate_hz: int
    channels: int
    duration_seconds: float | None
    duration_is_exact: bool
    slack_seconds: float
    decoder: Literal["soundfile", "av"]


class Source(Protocol):
    """An open audio file."""

    header: AudioHeader

    def blocks(self, channel: int | None, start_samples: int) -> Iterator[FloatArray]:
        """Mono samples from `start_samples` on, in order, at the file's rate.

        Raises:
            AudioTruncated, AudioUnreadable: after the last good block.
        """
        ...


class GuardedFile:
    """A file whose I/O errors reach the caller: C libraries take them for the end of the file.

    An error of the disk or network must be raised as such, for a retry; it says nothing about the audio.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._error: Exception | None = None

    def _guarded(self, call: Callable[[], Any], otherwise: Any) -> Any:
        if self._error is not None:
            return otherwise
        try:
            return call()
        except Exception as error:
            self._error = error
            return otherwise

    def read(self, size: int = -1) -> bytes:
        return self._guarded(lambda: self._file.read(size), b"")

    def seek(self, offset: int, whence: int = 0) -> int:
        return self._guarded(lambda: self._file.seek(offset, whence), 0)

    def tell(self) -> int:
        return self._guarded(self._file.tell, 0)

    def seekable(self) -> bool:
        return True

    def readable(self) -> bool:
        return True

    def raise_io_error(self) -> None:
        """Raise what went wrong while reading, if anything did."""
        if self._error is not None:
            raise self._error


def open_source(file: BinaryIO, *, name: str) -> Source:
    """Find the library that reads a file, by its content.

    Args:
        file: seekable; read from its start.
        name: of the recording, for messages.

    Raises:
        AudioEmpty: the file has no bytes.
        AudioUnreadable: neither library reads it, or its rate is out of range.
        AudioTruncated: it ends before the length that its WAV header states.
    """
    guard = GuardedFile(file)
    guard.seek(0)
    start = guard.read(12)
    guard.raise_io_error()
    if not start:
        raise AudioEmpty(f"{name}: an audio file must have samples, this one has 0 bytes")
    opens: list[Callable[[GuardedFile, str], Source]] = [SoundFileSource, AvSource]
    if _is_av(start) or (start[:4] == b"OggS" and _is_chained(guard)):
        opens.reverse()
    reasons = []
    for open_one in opens:
        guard.seek(0)
        try:
            source = open_one(guard, name)
        except _CannotOpen as error:
            guard.raise_io_error()
            reasons.append(str(error))
            continue
        rate_hz = source.header.sample_rate_hz
        if not MIN_RATE_HZ <= rate_hz <= MAX_RATE_HZ:
            raise AudioUnreadable(
                f"{name}: the sample rate must be within {MIN_RATE_HZ} and {MAX_RATE_HZ} Hz, it is {rate_hz}"
            )
        return source
    raise AudioUnreadable(f"{name}: no decoder reads it as {ACCEPTED} ({'; '.join(reasons)})")


def mono(block: FloatArray, channel: int | None, name: str) -> FloatArray:
    """One channel, or the mean of all: float32 [N] or [N, C] to [N]."""
    if block.ndim == 1:
        block = block[:, None]
    channels = block.shape[1]
    if channel is not None:
        if channel >= channels:
            raise EntryInvalid(
                f"{name}: channel is counted from 0 and must be under the file's {channels}, it is {channel}"
            )
        return np.ascontiguousarray(block[:, channel])
    if channels == 1:
        return block[:, 0]
    if channels == 2:
        return (block[:, 0] + block[:, 1]) * np.float32(0.5)
    return block.mean(axis=1, dtype=np.float32)


class _CannotOpen(Exception):
    """This library does not take the file; another may."""


class SoundFileSource:
    """A file that libsndfile reads."""

    def __init__(self, file: GuardedFile, name: str) -> None:
        self._guard = file
        self._name = name
        try:
            self._sound = soundfile.SoundFile(file)
        except (soundfile.LibsndfileError, TypeError) as error:
            raise _CannotOpen(f"soundfile: {_reason(error)}") from error
        sound = self._sound
        if sound.format in ("MP3", "MPEG"):
            raise _CannotOpen("soundfile: MP3 is left to PyAV")
        if sound.format in ("WAV", "WAVEX"):
            _check_wav_length(file, name)
        # A FLAC stream of unknown length is given the largest number there is.
        known = 0 <= sound.frames < 1 << 48
        self.header = AudioHeader(
            sample_rate_hz=sound.samplerate,
            channels=sound.channels,
            duration_seconds=sound.frames / sound.samplerate if known else None,
            duration_is_exact=known,
            slack_seconds=0.05,
            decoder="soundfile",
        )
        self._frames = sound.frames if known else None

    def blocks(self, channel: int | None, start_samples: int) -> Iterator[FloatArray]:
        """See `Source`."""
        sound, read = self._sound, 0
        skip = start_samples
        if skip and self._frames is not None and self._is_seekable():
            read = sound.seek(min(skip, self._frames))
            skip = 0
        shape = (READ_SAMPLES, sound.channels) if sound.channels > 1 else (READ_SAMPLES,)
        while True:
            # A new array each time: a mono block is handed on without a copy.
            buffer = np.empty(shape, np.float32)
            try:
                block = sound.read(READ_SAMPLES, dtype="float32", out=buffer)
            except soundfile.LibsndfileError as error:
                self._guard.raise_io_error()
                raise self._broken(read, error) from error
            self._guard.raise_io_error()
            if not len(block):
                break
            read += len(block)
            mixed = mono(block, channel, self._name)
            yield mixed[skip:] if skip else mixed
            skip = max(skip - len(block), 0)
        if sound.format == "FLAC" and self._frames is not None and read < self._frames:
            raise self._broken(read, None)

    def _is_seekable(self) -> bool:
        sound = self._sound
        exact = sound.subtype.startswith("PCM") or sound.subtype in ("FLOAT", "DOUBLE")
        return sound.format in _EXACT_SEEK and exact and sound.seekable()

    def _broken(self, read: int, error: Exception | None) -> RecordingError:
        rate_hz = self.header.sample_rate_hz
        stated = f"of {self._frames / rate_hz:.3f} s " if self._frames is not None else ""
        cause = f" ({_reason(error)})" if error else ""
        return AudioTruncated(
            f"{self._name}: the audio must reach its stated end, but decoding stops at or soon after "
            f"{read / rate_hz:.3f} s {stated}in {self._sound.format}{cause}"
        )


class AvSource:
    """A file that FFmpeg reads."""

    def __init__(self, file: GuardedFile, name: str) -> None:
        self._guard = file
        self._name = name
        try:
            self._container = av.open(
                file, options={"format_whitelist": _AV_FORMATS}, metadata_errors="replace"
            )
        except (av.FFmpegError, ValueError) as error:
            raise _CannotOpen(f"PyAV: {_reason(error)}") from error
        streams = self._container.streams.audio
        if not streams:
            self._container.close()
            raise _CannotOpen("PyAV: there is no audio stream in it")
        self._stream = stream = streams[0]
        if not stream.rate or not stream.channels:
            self._container.close()
            raise _CannotOpen("PyAV: its rate and channels cannot be found out")
        duration = None
        if stream.duration is not None and stream.time_base is not None:
            duration = float(stream.duration * stream.time_base)
        elif self._container.duration is not None:
            duration = self._container.duration / av.time_base
        kind = self._container.format.name.split(",")[0]
        padding = _CODEC_FRAMES_OF_PADDING * (stream.codec_context.frame_size or 1024) / stream.rate
        self.header = AudioHeader(
            sample_rate_hz=stream.rate,
            channels=stream.channels,
            duration_seconds=duration,
            duration_is_exact=duration is not None and kind not in _ESTIMATED_LENGTH,
            slack_seconds=max(0.05, padding),
            decoder="av",
        )

    def blocks(self, channel: int | None, start_samples: int) -> Iterator[FloatArray]:
        """See `Source`."""
        skip = start_samples
        for block in _at_one_rate(self._frames(channel), self.header.sample_rate_hz):
            if len(block) > skip:
                yield block[skip:]
            skip = max(skip - len(block), 0)

    def _frames(self, channel: int | None) -> Iterator[tuple[int, FloatArray]]:
        """(rate, samples) of about `READ_SAMPLES` of one rate and layout at a time."""
        pending = _Pending()
        packets = damaged = 0
        with self._raising():
            for packet in self._container.demux(self._stream):
                packets += 1
                try:
                    frames = packet.decode()
                except av.InvalidDataError:
                    # The seam of joined files, or a tag amid the stream: the rest is still good.
                    damaged += 1
                    continue
                for frame in frames:
                    if pending.must_end_before(frame):
                        yield pending.rate_hz, mono(pending.take(), channel, self._name)
                    pending.add(frame)
        if pending.samples:
            yield pending.rate_hz, mono(pending.take(), channel, self._name)
        # One damaged packet may be a seam in a short file; the last, empty packet is no packet.
        if damaged > 1 + _MAX_DAMAGED_SHARE * packets:
            raise AudioUnreadable(
                f"{self._name}: at most {_MAX_DAMAGED_SHARE:.0%} of the packets may be damaged, "
                f"here {damaged} of {packets} are"
            )

    @contextmanager
    def _raising(self) -> Iterator[None]:
        try:
            yield
        except av.FFmpegError as error:
            self._guard.raise_io_error()
            raise AudioTruncated(f"{self._name}: the audio breaks off: {_reason(error)}") from error
        self._guard.raise_io_error()


class _Pending:
    """Decoded frames of one rate and format, gathered in FFmpeg's own queue."""

    def __init__(self) -> None:
        self._queue = av.AudioFifo()
        self._kind: tuple[Any, ...] = ()
        self.rate_hz = 0
        self.samples = 0

    def must_end_before(self, frame: Any) -> bool:
        return self.samples > 0 and (self.samples >= READ_SAMPLES or _kind(frame) != self._kind)

    def add(self, frame: Any) -> None:
        if not self.samples:
            self._kind = _kind(frame)
            self._queue = av.AudioFifo()
            self.rate_hz = frame.sample_rate
        # Gaps in the time stamps are not filled: samples count as they are decoded.
        frame.pts = None
        self._queue.write(frame)
        self.samples += frame.samples

    def take(self) -> FloatArray:
        """float32 [N, C]."""
        frame = self._queue.read(0)
        self.samples = 0
        array = frame.to_ndarray()
        array_NC = array.T if frame.format.is_planar else array.reshape(-1, len(frame.layout.channels))
        if array_NC.dtype.kind == "f":
            return array_NC.astype(np.float32, copy=False)
        bits = 8 * array_NC.dtype.itemsize
        zero = np.float32(128 if array_NC.dtype.kind == "u" else 0)
        return ((array_NC.astype(np.float32) - zero) / np.float32(2 ** (bits - 1))).astype(np.float32)


def _kind(frame: Any) -> tuple[Any, ...]:
    return frame.sample_rate, frame.format.name, frame.layout.name


def _at_one_rate(blocks: Iterator[tuple[int, FloatArray]], rate_hz: int) -> Iterator[FloatArray]:
    """Bring the parts of joined files that differ in rate to the first one's."""
    stream, stream_rate = None, rate_hz
    for block_rate, block in blocks:
        if block_rate != stream_rate:
            if stream is not None:
                yield stream.resample_chunk(np.empty(0, np.float32), last=True)
            stream = soxr.ResampleStream(block_rate, rate_hz, 1) if block_rate != rate_hz else None
            stream_rate = block_rate
        yield block if stream is None else stream.resample_chunk(np.ascontiguousarray(block))
    if stream is not None:
        yield stream.resample_chunk(np.empty(0, np.float32), last=True)


def _reason(error: BaseException) -> str:
    """One line of a library's message."""
    text = getattr(error, "error_string", None) or getattr(error, "strerror", None) or str(error)
    return " ".join(str(text).split()) or type(error).__name__


def _is_av(start: bytes) -> bool:
    """Whether the first 12 bytes are those of MP3, AAC, mp4 or webm."""
    return (
        start[:3] == b"ID3"
        or (start[0] == 0xFF and len(start) > 1 and start[1] & 0xE0 == 0xE0)
        or start[4:8] in (b"ftyp", b"moov", b"mdat", b"free", b"wide", b"skip")
        or start[:4] == b"\x1aE\xdf\xa3"
    )


def _is_chained(file: GuardedFile) -> bool:
    """Whether an Ogg file holds one stream after another; reads the page headers alone."""
    position, seen_audio = 0, False
    while True:
        file.seek(position)
        page = file.read(27 + 255)
        if len(page) < 27 or page[:4] != b"OggS":
            return False
        begins = bool(page[5] & 2)
        if begins and seen_audio:
            return True
        seen_audio = seen_audio or not begins
        lacing = page[27 : 27 + page[26]]
        position += 27 + len(lacing) + sum(lacing)


def _check_wav_length(file: GuardedFile, name: str) -> None:
    """Refuse a WAV file that ends before the length in its header, which libsndfile passes over.

    Raises:
        AudioTruncated: over 1 % of the samples is missing.
    """
    back = file.tell()
    end = file.seek(0, 2)
    position = 12
    while position + 8 <= end:
        file.seek(position)
        chunk = file.read(8)
        size = int.from_bytes(chunk[4:8], "little")
        if chunk[:4] == b"data":
            there = end - position - 8
            # Programs that stream write a size near the largest number, meaning that they do not know.
            if there < 0.99 * size and size < 0x7FFF_0000:
                raise AudioTruncated(
                    f"{name}: the WAV header states {size} bytes of samples, the file holds {there}"
                )
            break
        position += 8 + size + size % 2
    file.seek(back)
    file.raise_io_error()
