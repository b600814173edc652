"""Generated noise, for when no clips are given: white, pink and brown, in integer arithmetic throughout.

Shapes: N samples.

The only random source is PCG64's raw 64-bit output, whose stream numpy promises never to change, and every
step after it is exact, so that the bank is the same on every machine.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import numpy.typing as npt

from prep_corpus.augment.bank import NoiseBank, NoiseClip, noise_bank, noise_clip

GENERATED_SECONDS = 60
_PINK_OCTAVES = 12
# Brown noise wanders without end; what is slower than this many samples is taken out.
_BROWN_WINDOW_SAMPLES = 4096

Int64Array = npt.NDArray[np.int64]


@lru_cache(maxsize=2)
def generated_bank(sample_rate_hz: int, *, seed: int = 0) -> NoiseBank:
    """A bank of one minute each of white, pink and brown noise: a pure function of its arguments."""
    samples = GENERATED_SECONDS * sample_rate_hz
    clips = [
        _clip("generated/white", _white(samples, seed)),
        _clip("generated/pink", _pink(samples, seed)),
        _clip("generated/brown", _brown(samples, seed)),
    ]
    return noise_bank(clips, sample_rate_hz)


def _clip(name: str, values_N: Int64Array) -> NoiseClip:
    peak = int(np.max(np.abs(values_N)))
    # Truncating division of integers, so that no machine rounds another way.
    return noise_clip(name, (values_N * 32767 // peak).astype(np.float32) / np.float32(32768))


def _white(samples: int, seed: int, stream: int = 0) -> Int64Array:
    """Nearly Gaussian, independent samples: the sum of the four 16-bit words of a random number.

    Source: the Irwin-Hall distribution with n = 4.
    """
    raw_N = np.random.PCG64([seed, stream]).random_raw(samples)
    words = [(raw_N >> np.uint64(shift)) & np.uint64(0xFFFF) for shift in (0, 16, 32, 48)]
    return sum(words[1:], words[0]).astype(np.int64) - 2 * 0xFFFF


def _pink(samples: int, seed: int) -> Int64Array:
    """About 3 dB less in each octave: sources that change every 1, 2, 4 ... samples, added up.

    Source: Voss and McCartney's method.
    """
    total_N = np.zeros(samples, np.int64)
    for octave in range(_PINK_OCTAVES):
        hold = 1 << octave
        source = _white(-(-samples // hold), seed, stream=1 + octave)
        total_N += np.repeat(source, hold)[:samples]
    return total_N


def _brown(samples: int, seed: int) -> Int64Array:
    """About 6 dB less in each octave: the running sum of white noise, less its moving average."""
    walk_N = np.cumsum(_white(samples + _BROWN_WINDOW_SAMPLES, seed, stream=100))
    sums_N = np.cumsum(walk_N)
    moving_N = (sums_N[_BROWN_WINDOW_SAMPLES:] - sums_N[:-_BROWN_WINDOW_SAMPLES]) // _BROWN_WINDOW_SAMPLES
    half = _BROWN_WINDOW_SAMPLES // 2
    centred_N: Int64Array = walk_N[half : half + samples] - moving_N
    return centred_N
