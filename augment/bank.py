"""The noise bank: decoded clips that mixes are planned from, named by their content.

Shapes: N samples.

Samples are 16-bit integers and every clip is scaled to full scale, since a mix sets its own level. So a
bank's digest, and each mix made from it, is the same wherever the clips decode to the same 16 bits.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from hashlib import blake2b
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from prep_corpus.align.errors import AudioNotFinite, RecordingError, UsageError

FULL_SCALE = 32767
DIGEST_BYTES = 16

# Under this peak a clip is digital silence or a dead channel: -80 dB of full scale.
SILENT_PEAK = 1e-4

# What is squared at once, so that an hour of noise is not copied to 64 bits.
_BLOCK_SAMPLES = 1 << 20

# A clip's energy is known up to every so many samples: the power of any window of it costs no more than two of these.
_ENERGY_SAMPLES = 4096

Int16Array = npt.NDArray[np.int16]


class NoiseSilent(RecordingError):
    """A noise has no power to set a signal-to-noise ratio with."""

    reason: ClassVar[str] = "noise-silent"


class SpeechSilent(RecordingError):
    """An utterance has no power to set a signal-to-noise ratio with."""

    reason: ClassVar[str] = "speech-silent"


@dataclass(frozen=True, kw_only=True, eq=False)
class NoiseClip:
    """One decoded clip.

    Attributes:
        name: name for people; the content is what counts.
        samples_N: int16 at the bank's rate, its peak at full scale; it may be mapped from a file.
        digest: digest of the samples.
        energies_B: int64, sum of the squares of the samples before each 4,096th, and of all.
        recordings: ids of the recordings whose speech is in it; their utterances never get it.
    """

    name: str
    samples_N: Int16Array
    digest: str
    energies_B: npt.NDArray[np.int64]
    recordings: frozenset[str] = frozenset()

    @property
    def power(self) -> float:
        """Mean of the squares."""
        return int(self.energies_B[-1]) / self.samples_N.size

    def window_power(self, offset_samples: int, samples: int) -> float:
        """Mean of the squares from an offset on, the clip begun anew whenever it ends.

        Args:
            offset_samples: under the clip's length.
            samples: length of the window, over 0.
        """
        whole, rest = divmod(offset_samples + samples, self.samples_N.size)
        energy = whole * int(self.energies_B[-1]) + self._energy_before(rest)
        return (energy - self._energy_before(offset_samples)) / samples

    def _energy_before(self, end: int) -> int:
        block, start = end // _ENERGY_SAMPLES, end // _ENERGY_SAMPLES * _ENERGY_SAMPLES
        return int(self.energies_B[block]) + _energy(self.samples_N[start:end])


@dataclass(frozen=True, kw_only=True, eq=False)
class ImpulseResponse:
    """A room: what a click becomes in it.

    Attributes:
        name: name for people; the content is what counts.
        samples_N: float32 at the bank's rate; the direct path is its largest sample.
        digest: digest of the samples.
    """

    name: str
    samples_N: npt.NDArray[np.float32]
    digest: str


@dataclass(frozen=True, kw_only=True, eq=False)
class NoiseBank:
    """Clips in the order of their digests, each content once.

    Attributes:
        sample_rate_hz: rate of all clips.
        clips: at least one.
        impulse_responses: none, unless reverberation is wanted.
        digest: digest of the rate and all contents; names do not enter.
    """

    sample_rate_hz: int
    clips: tuple[NoiseClip, ...]
    impulse_responses: tuple[ImpulseResponse, ...]
    digest: str

    @cached_property
    def by_digest(self) -> Mapping[str, NoiseClip]:
        """The clips by their digests."""
        return {clip.digest: clip for clip in self.clips}

    @property
    def duration_seconds(self) -> float:
        """Length of all clips together."""
        return sum(clip.samples_N.size for clip in self.clips) / self.sample_rate_hz


def noise_clip(name: str, samples_N: npt.NDArray[np.float32]) -> NoiseClip:
    """A clip from decoded samples in [-1, 1], see `noise_clip_from`."""
    return noise_clip_from(name, lambda: (samples_N,))


def noise_clip_from(name: str, decode: Callable[[], Iterable[npt.NDArray[np.float32]]]) -> NoiseClip:
    """A clip from blocks of decoded samples in [-1, 1].

    Args:
        name: name of the clip.
        decode: gives the same blocks each time; it is called twice, for the peak and for the samples, so that
            no more is in memory than the clip in 16 bits.

    Raises:
        NoiseSilent: no sample is over 0.0001.
        AudioNotFinite: NaN or infinity.
    """
    peak = max((_finite_peak(name, block_N) for block_N in decode()), default=0.0)
    if peak < SILENT_PEAK:
        raise NoiseSilent(f"a noise clip's peak must be at least {SILENT_PEAK}: {peak:.2g} in {name!r}")
    scaled = [
        np.rint(block_N.astype(np.float64) * (FULL_SCALE / peak)).astype(np.int16) for block_N in decode()
    ]
    samples_N = scaled[0] if len(scaled) == 1 else np.concatenate(scaled)
    return NoiseClip(
        name=name, samples_N=samples_N, digest=_digest(samples_N), energies_B=_energies(samples_N)
    )


def map_clip(clip: NoiseClip, folder: Path) -> NoiseClip:
    """The same clip, its samples in a mapped file, so that a bank of many hours needs no memory of its own.

    Args:
        clip: clip to be stored.
        folder: local; the file is named by the clip's digest, and one that is there is used.
    """
    path = folder / f"{clip.digest}.int16"
    if not path.exists():
        temporary = path.with_suffix(f".{os.getpid()}")
        clip.samples_N.astype("<i2").tofile(temporary)
        temporary.replace(path)
    return replace(clip, samples_N=np.memmap(path, dtype="<i2", mode="r"))


def mean_power(samples_N: npt.NDArray[np.signedinteger[Any]]) -> float:
    """Mean of the squares; the sum is of integers, so it is the same on every machine."""
    starts = range(0, samples_N.size, _BLOCK_SAMPLES)
    return sum(_energy(samples_N[start : start + _BLOCK_SAMPLES]) for start in starts) / samples_N.size


def _energy(samples_N: npt.NDArray[np.signedinteger[Any]]) -> int:
    return int(np.square(samples_N, dtype=np.int64).sum())


def _energies(samples_N: Int16Array) -> npt.NDArray[np.int64]:
    """See `NoiseClip.energies_B`."""
    parts: list[npt.NDArray[np.int64]] = [np.zeros(1, np.int64)]
    for start in range(0, samples_N.size, _BLOCK_SAMPLES):
        squares_N = np.square(samples_N[start : start + _BLOCK_SAMPLES], dtype=np.int64)
        parts.append(np.add.reduceat(squares_N, np.arange(0, squares_N.size, _ENERGY_SAMPLES)))
    return np.cumsum(np.concatenate(parts))


def impulse_response(name: str, samples_N: npt.NDArray[np.float32]) -> ImpulseResponse:
    """A room's impulse response from decoded samples.

    Raises:
        NoiseSilent: no sample is over 0.0001.
        AudioNotFinite: NaN or infinity.
    """
    peak = _finite_peak(name, samples_N)
    if peak < SILENT_PEAK:
        raise NoiseSilent(
            f"an impulse response's peak must be at least {SILENT_PEAK}: {peak:.2g} in {name!r}"
        )
    samples_N = np.ascontiguousarray(samples_N, np.float32)
    return ImpulseResponse(name=name, samples_N=samples_N, digest=_digest(samples_N))


def noise_bank(
    clips: Iterable[NoiseClip], sample_rate_hz: int, *, impulse_responses: Sequence[ImpulseResponse] = ()
) -> NoiseBank:
    """A bank of clips; equal contents count once, and neither order nor names change its digest.

    Raises:
        UsageError: no clips.
    """
    unique_clips = {clip.digest: clip for clip in clips}
    if not unique_clips:
        raise UsageError("a noise bank must hold at least one clip: 0 given")
    unique_rooms = {room.digest: room for room in impulse_responses}
    ordered_clips = tuple(unique_clips[digest] for digest in sorted(unique_clips))
    ordered_rooms = tuple(unique_rooms[digest] for digest in sorted(unique_rooms))
    contents = [clip.digest for clip in ordered_clips] + ["rooms"] + [room.digest for room in ordered_rooms]
    digest = blake2b(f"bank {sample_rate_hz} {' '.join(contents)}".encode(), digest_size=DIGEST_BYTES)
    return NoiseBank(
        sample_rate_hz=sample_rate_hz,
        clips=ordered_clips,
        impulse_responses=ordered_rooms,
        digest=digest.hexdigest(),
    )


def babble_clip(
    name: str, voices: Sequence[npt.NDArray[np.float32]], recordings: Iterable[str] = ()
) -> NoiseClip:
    """Many voices at once, at equal power, as long as the longest; shorter ones repeat.

    Args:
        name: name of the clip.
        voices: float32 [N] each.
        recordings: ids of the recordings that the voices are from.

    Raises:
        UsageError: under two voices.
        NoiseSilent: a voice is silent.
    """
    if len(voices) < 2:
        raise UsageError(f"babble needs at least two voices: {len(voices)} given for {name!r}")
    longest = max(voice_N.size for voice_N in voices)
    sum_N = np.zeros(longest, np.float64)
    for number, voice_N in enumerate(voices):
        peak = _finite_peak(f"voice {number} of {name}", voice_N)
        if peak < SILENT_PEAK:
            raise NoiseSilent(
                f"a voice's peak must be at least {SILENT_PEAK}: {peak:.2g} in voice {number} of {name!r}"
            )
        voice_rms = float(np.sqrt(np.mean(voice_N.astype(np.float64) ** 2)))
        sum_N += np.resize(voice_N, longest) / voice_rms
    clip = noise_clip(name, (sum_N / np.max(np.abs(sum_N))).astype(np.float32))
    return replace(clip, recordings=frozenset(recordings))


def _finite_peak(name: str, samples_N: npt.NDArray[np.float32]) -> float:
    if samples_N.ndim != 1:
        raise UsageError(f"a clip must have the shape [N]: {samples_N.shape} in {name!r}")
    peak = float(np.max(np.abs(samples_N), initial=0.0))
    if not np.isfinite(peak):
        raise AudioNotFinite(f"samples must be finite: {peak} in {name!r}")
    return peak


def _digest(samples_N: npt.NDArray[np.int16] | npt.NDArray[np.float32]) -> str:
    little_endian = samples_N.astype(samples_N.dtype.newbyteorder("<"), copy=False)
    return blake2b(np.ascontiguousarray(little_endian).data, digest_size=DIGEST_BYTES).hexdigest()
