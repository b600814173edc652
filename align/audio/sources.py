"""Parts that all readers of audio files share: the header, the file object for C libraries, the mix to mono.

Shapes: N samples (of one channel), C channels.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import BinaryIO, Literal, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from prep_corpus.align.errors import EntryInvalid

FloatArray = NDArray[np.float32]
Result = TypeVar("Result")

READ_SAMPLES = 65_536


@dataclass(frozen=True, kw_only=True)
class AudioHeader:
    """What a file says of itself.

    Attributes:
        sample_rate_hz: rate of the file.
        channels: number of channels of the file.
        duration_seconds: length of the whole file; None where it does not say.
        duration_is_exact: False where the length is an estimate, as in an MP3 file.
        slack_seconds: how far lengths may differ on short files, where a codec pads.
        decoder: which library reads it.
        track: which of its audio tracks it is, from 0.
    """

    sample_rate_hz: int
    channels: int
    duration_seconds: float | None
    duration_is_exact: bool
    slack_seconds: float
    decoder: Literal["soundfile", "av"]
    track: int = 0


_MIXING_STEP = 16
"""One sample in so many tells what is left of the channels' energy."""


class OpenAudio(Protocol):
    """An open audio file."""

    header: AudioHeader
    mixing: Mixing

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

    def _guarded(self, call: Callable[[], Result], otherwise: Result) -> Result:
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
        return self._guarded(lambda: self._seek(offset, whence), 0)

    def _seek(self, offset: int, whence: int) -> int:
        """Seek, but stay where a damaged header sends the library before the start."""
        base = 0
        if whence:
            back = self._file.tell()
            base = back if whence == 1 else self._file.seek(0, 2)
            self._file.seek(back)
        return self._file.seek(base + offset) if base + offset >= 0 else self._file.tell()

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


class CannotOpen(Exception):
    """This library does not take the file; another may."""


def mono(block: FloatArray, channel: int | None, name: str) -> FloatArray:
    """One channel, or the mean of all: float32 [N] or [N, C] to [N]."""
    if block.ndim == 1:
        block = block[:, None]
    channels = block.shape[1]
    if channel is not None:
        if channel >= channels:
            raise EntryInvalid(
                f"{name}: channel counts from 0 and must be under the file's {channels}, it is {channel}"
            )
        return np.ascontiguousarray(block[:, channel])
    if channels == 1:
        return block[:, 0]
    if channels == 2:
        return (block[:, 0] + block[:, 1]) * np.float32(0.5)
    mixed_N: FloatArray = block.mean(axis=1, dtype=np.float32)
    return mixed_N


def to_int16(samples_N: NDArray[np.floating]) -> NDArray[np.int16]:
    """Steps of 1/32768, halves rounded to even, clipped to 16 bits.

    Args:
        samples_N: [N], full scale is 1.
    """
    scaled_N = samples_N * 32768.0
    np.clip(np.rint(scaled_N, out=scaled_N), -32768, 32767, out=scaled_N)
    return scaled_N.astype(np.int16)


class Mixing:
    """Channels brought to one, and whether they took each other away."""

    def __init__(self) -> None:
        self._before = self._after = 0.0

    def mono(self, block: FloatArray, channel: int | None, name: str) -> FloatArray:
        """See `mono`; float32 [N] or [N, C] to [N]."""
        mixed_N = mono(block, channel, name)
        if channel is None and block.ndim > 1 and block.shape[1] > 1:
            some, some_mixed = block[::_MIXING_STEP], mixed_N[::_MIXING_STEP]
            self._before += float(np.square(some).mean(axis=1).sum())
            self._after += float(np.square(some_mixed).sum())
        return mixed_N

    @property
    def cancelled(self) -> bool:
        """Whether under a 300th of the channels' energy is left in their mean, as where one is inverted."""
        return self._after < self._before / 300


def one_line(error: BaseException) -> str:
    """One line of a library's message."""
    text = getattr(error, "error_string", None) or getattr(error, "strerror", None) or str(error)
    return " ".join(str(text).split()) or type(error).__name__
