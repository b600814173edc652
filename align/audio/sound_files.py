"""WAV, FLAC, OGG, Opus and their kin, read by libsndfile."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import soundfile
from numpy.typing import NDArray

from prep_corpus.align.audio.flac_frames import hold_frames, last_start, own_start
from prep_corpus.align.audio.sources import (
    READ_SAMPLES,
    AudioHeader,
    CannotOpen,
    FloatArray,
    GuardedFile,
    Mixing,
    mono,
    one_line,
)
from prep_corpus.align.errors import AudioTruncated, RecordingError

# Seeking in these is exact to the sample, so that a late part need not be decoded from the start.
_EXACT_SEEK = frozenset({"WAV", "WAVEX", "RF64", "W64", "AIFF", "AU", "CAF", "FLAC"})


_MOST_READ_AHEAD_BYTES = 1 << 16
"""By libFLAC's decoder through libsndfile."""
_LOOK_BEHIND_BYTES = 1 << 18
"""No two frames are so long together."""


class SeekFailed(Exception):
    """A span cannot be read alone; the decode in order tells what is wrong with the file, if anything is."""


class _InOrder(soundfile.SoundFile):
    """Reads on where it stopped: the original seeks after each read, which repeats audio after damage."""

    def seekable(self) -> bool:
        return False


class SoundFileSource:
    """A file that libsndfile reads."""

    def __init__(self, file: GuardedFile, name: str) -> None:
        self._guard = file
        self._name = name
        self.mixing = Mixing()
        try:
            self._sound = _InOrder(file)
        except (soundfile.LibsndfileError, TypeError) as error:
            raise CannotOpen(f"soundfile: {one_line(error)}") from error
        sound = self._sound
        if sound.format in ("MP3", "MPEG"):
            raise CannotOpen("soundfile: MP3 is left to PyAV")
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
        self._at = 0

    def blocks(self, channel: int | None, start_samples: int) -> Iterator[FloatArray]:
        """See `OpenAudio`."""
        sound, read = self._sound, 0
        skip = start_samples
        if skip and self._frames is not None and self._is_seekable():
            read = sound.seek(min(skip, self._frames))
            skip = 0
        # What follows the last sample of FLAC, a tag say, would be taken for damage.
        end = self._frames if sound.format == "FLAC" else None
        while end is None or read < end:
            count = READ_SAMPLES if end is None else min(READ_SAMPLES, end - read)
            # A new array each time: a mono block is handed on without a copy.
            buffer = np.empty((count, sound.channels) if sound.channels > 1 else count, np.float32)
            try:
                block = sound.read(count, dtype="float32", out=buffer)
            except soundfile.LibsndfileError as error:
                self._guard.raise_io_error()
                raise self._broken(read, error) from error
            self._guard.raise_io_error()
            if not len(block):
                break
            read += len(block)
            mixed = self.mixing.mono(block, channel, self._name)
            yield mixed[skip:] if skip else mixed
            skip = max(skip - len(block), 0)
        if sound.format == "FLAC" and self._frames is not None:
            if read < self._frames:
                raise self._broken(read, None)
            self._check_flac_end()

    @property
    def seeks_exactly(self) -> bool:
        """Whether `span` can be asked for."""
        return self._frames is not None and self._is_seekable()

    def span(
        self, start: int, end: int, channel: int | None, read_over: int
    ) -> NDArray[np.int16] | FloatArray:
        """The samples [start, end), mono, without those before them: steps of 16 bits where they stand so, else floats.

        Args:
            start, end: in the file, none before the end of the span asked for before.
            channel: the one channel to take; the mean of all where None.
            read_over: samples that are quicker read than passed over by seeking.

        Raises:
            SeekFailed: the library does not get there.
        """
        sound = self._sound
        # 16 bits as they stand are what their floats would be rounded to.
        as_stored = sound.channels == 1 and sound.subtype == "PCM_16"
        try:
            if start - self._at >= read_over:
                self._at = sound.seek(start)
            read = sound.read(end - self._at, dtype="int16" if as_stored else "float32")
        except (soundfile.LibsndfileError, ValueError) as error:
            self._guard.raise_io_error()
            raise SeekFailed(one_line(error)) from error
        self._guard.raise_io_error()
        if len(read) != end - self._at:
            raise SeekFailed(f"{len(read)} samples from {self._at} on, not {end - self._at}")
        kept, self._at = read[start - self._at :], end
        samples_N: NDArray[np.int16] | FloatArray = kept if as_stored else mono(kept, channel, self._name)
        return samples_N

    def _check_flac_end(self) -> None:
        """Refuse a FLAC file with more audio than its header states, which libsndfile passes over.

        Raises:
            AudioTruncated: frames stand behind what was read.
        """
        # The library has read ahead: what follows the end may stand before the place where it is in the file.
        back = self._guard.tell()
        start = max(0, back - _MOST_READ_AHEAD_BYTES)
        self._guard.seek(start)
        around = self._guard.read(back - start + _LOOK_BEHIND_BYTES)
        found = last_start(around)
        starts_again = False
        if found is not None:
            self._guard.seek(0)
            starts_again = start + found != own_start(self._guard.read(10))
        self._guard.seek(back)
        self._guard.raise_io_error()
        if starts_again or hold_frames(around[back - start :]):
            raise AudioTruncated(
                f"{self._name}: the audio must end where its header states, at "
                f"{self.header.duration_seconds:.3f} s, and more of it follows: parts that were joined as they stood; "
                "`ffmpeg -i JOINED.flac WHOLE.flac` makes one recording of them"
            )

    def _is_seekable(self) -> bool:
        sound = self._sound
        exact = sound.subtype.startswith("PCM") or sound.subtype in ("FLOAT", "DOUBLE")
        return sound.format in _EXACT_SEEK and exact

    def _broken(self, read: int, error: Exception | None) -> RecordingError:
        rate_hz = self.header.sample_rate_hz
        stated = f"of {self._frames / rate_hz:.3f} s " if self._frames is not None else ""
        cause = f" ({one_line(error)})" if error else ""
        return AudioTruncated(
            f"{self._name}: the audio must reach its stated end, but decoding stops at or soon after "
            f"{read / rate_hz:.3f} s {stated}in {self._sound.format}{cause}"
        )


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
