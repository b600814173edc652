"""Finding the library that reads a file, and MP3, m4a, mp4, webm and AAC, read by FFmpeg to their true end.

libsndfile reads a VBR MP3 without a Xing header as half its length, and joined Ogg files as the first alone.

Shapes: N samples (of one channel), C channels.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, BinaryIO

import av
import numpy as np
import soxr
from av.stream import Disposition

from prep_corpus.align.audio.sound_files import SoundFileSource
from prep_corpus.align.audio.sources import (
    READ_SAMPLES,
    AudioHeader,
    CannotOpen,
    FloatArray,
    GuardedFile,
    Mixing,
    OpenAudio,
    one_line,
)
from prep_corpus.align.errors import AudioEmpty, AudioTruncated, AudioUnreadable, EntryInvalid
from prep_corpus.align.language_tags import three_letters

MIN_RATE_HZ = 1_000
MAX_RATE_HZ = 768_000
# Before PyAV 19 a tag that is no UTF-8 is an error unless this is said; since then this is, and the tag is none.
_TAGS: dict[str, str] = {"metadata_errors": "replace"} if int(av.__version__.partition(".")[0]) < 19 else {}
ACCEPTED_AUDIO = "WAV, FLAC, OGG, Opus, AIFF, MP3, m4a, mp4 and webm"

# FFmpeg may open these alone: its playlist formats would follow paths and addresses written in the file.
_AV_FORMATS = "mp3,mov,matroska,aac,ogg"
_ESTIMATED_LENGTH = frozenset({"mp3", "aac", "ogg"})
_MAX_DAMAGED_SHARE = 0.01
_CODEC_FRAMES_OF_PADDING = 3
_PLANES_OF_A_FRAME = 8


def open_source(
    file: BinaryIO, *, name: str, header_only: bool = False, track: str | None = None
) -> OpenAudio:
    """Find the library that reads a file, by its content.

    Args:
        file: seekable; read from its start.
        name: name of the recording, for messages.
        header_only: do not look through an Ogg file for a second stream; its length is an estimate then.
        track: which of several audio tracks: its number from 0, or its language; the default one where None.

    Raises:
        EntryInvalid: the file has no such track.
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
    opens: list[Callable[[GuardedFile, str, str | None], OpenAudio]] = [_sound_file, AvSource]
    is_ogg = start[:4] == b"OggS"
    if _is_av(start) or (is_ogg and not header_only and _is_chained(guard)):
        opens.reverse()
    reasons = []
    for open_one in opens:
        guard.seek(0)
        try:
            source = open_one(guard, name, track)
        except CannotOpen as error:
            guard.raise_io_error()
            reasons.append(str(error))
            continue
        rate_hz = source.header.sample_rate_hz
        if not MIN_RATE_HZ <= rate_hz <= MAX_RATE_HZ:
            raise AudioUnreadable(
                f"{name}: the sample rate must be within {MIN_RATE_HZ} and {MAX_RATE_HZ} Hz, it is {rate_hz}"
            )
        if is_ogg and header_only:
            source.header = replace(source.header, duration_is_exact=False)
        return source
    raise AudioUnreadable(f"{name}: no decoder reads it as {ACCEPTED_AUDIO} ({'; '.join(reasons)})")


def _sound_file(file: GuardedFile, name: str, track: str | None) -> OpenAudio:
    source = SoundFileSource(file, name)
    if track not in (None, "0"):
        raise EntryInvalid(
            f"{name}: track must be 0, the only audio track, which names no language, and it is {track!r}"
        )
    return source


class AvSource:
    """A file that FFmpeg reads.

    Args:
        file: the file.
        name: name of the recording, for messages.
        track: see `open_source`.
    """

    def __init__(self, file: GuardedFile, name: str, track: str | None = None) -> None:
        self._guard = file
        self._name = name
        self.mixing = Mixing()
        try:
            self._container = av.open(file, options={"format_whitelist": _AV_FORMATS}, **_TAGS)
        except (av.FFmpegError, ValueError) as error:
            raise CannotOpen(f"PyAV: {one_line(error)}") from error
        streams = self._container.streams.audio
        if not streams:
            self._container.close()
            raise CannotOpen("PyAV: there is no audio stream in it")
        try:
            chosen = _chosen(streams, track, name)
        except EntryInvalid:
            self._container.close()
            raise
        self._stream = stream = streams[chosen]
        if stream.codec_context is None or not stream.rate or not stream.channels:
            self._container.close()
            raise CannotOpen("PyAV: its codec, rate and channels cannot be found out")
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
            track=chosen,
        )

    def blocks(self, channel: int | None, start_samples: int) -> Iterator[FloatArray]:
        """See `OpenAudio`."""
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
                        yield pending.rate_hz, self.mixing.mono(pending.take(), channel, self._name)
                    pending.add(frame)
        if pending.samples:
            yield pending.rate_hz, self.mixing.mono(pending.take(), channel, self._name)
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
            raise AudioTruncated(f"{self._name}: the audio breaks off: {one_line(error)}") from error
        self._guard.raise_io_error()


def _chosen(streams: Sequence[Any], track: str | None, name: str) -> int:
    """The place of the audio track that is meant; where none is named, of the first that is flagged as default.

    Raises:
        EntryInvalid: there is no such track.
    """
    if track is None:
        return next((at for at, one in enumerate(streams) if one.disposition & Disposition.default), 0)
    if track.isdecimal():
        if int(track) < len(streams):
            return int(track)
    else:
        for at, one in enumerate(streams):
            if one.language and three_letters(one.language) == three_letters(track):
                return at
    languages = ", ".join(f"{at} ({one.language or 'no language'})" for at, one in enumerate(streams))
    raise EntryInvalid(
        f"{name}: track must be one of the file's audio tracks, {languages}, and it is {track!r}"
    )


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
        planes = len(frame.layout.channels) if frame.format.is_planar else 1
        if len(frame.planes) < min(planes, _PLANES_OF_A_FRAME):
            # FFmpeg's queue would read planes that are not there.
            raise av.InvalidDataError(0, f"a frame of {planes} planes has {len(frame.planes)}")
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
            floats_NC: FloatArray = array_NC.astype(np.float32, copy=False)
            return floats_NC
        bits = 8 * array_NC.dtype.itemsize
        zero = np.float32(128 if array_NC.dtype.kind == "u" else 0)
        scaled_NC: FloatArray = (array_NC.astype(np.float32) - zero) / np.float32(2 ** (bits - 1))
        return scaled_NC.astype(np.float32)


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
