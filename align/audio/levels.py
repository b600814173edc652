"""Loudness of a recording in blocks of 5 ms, one byte per block, measured while it is decoded.

Cuts are placed where it is quiet (edges.py); a frame of the model is too coarse for that, and its emissions
say where a letter was recognised, which is not where its sound ends.

Legend: N samples, P blocks.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float32]
DoubleArray = NDArray[np.float64]
ByteArray = NDArray[np.uint8]

BLOCK_SECONDS = 0.005
SILENCE_DB = -120.0
_STEPS_PER_DB = 2


def block_samples(sample_rate_hz: int) -> int:
    """Samples of one block."""
    return max(1, round(BLOCK_SECONDS * sample_rate_hz))


@dataclass
class LevelMeter:
    """Measures a recording as it passes by.

    Attributes:
        block_samples: samples of one block.
    """

    block_samples: int
    _rest_N: FloatArray = field(default_factory=lambda: np.zeros(0, np.float32))
    # One growing piece of memory: thousands of small ones would keep the heap from shrinking.
    _bytes: bytearray = field(default_factory=bytearray)

    def through(self, blocks: Iterable[FloatArray]) -> Iterator[FloatArray]:
        """Yield the decoded blocks as they are, and measure them on the way."""
        for samples_N in blocks:
            self.add(samples_N)
            yield samples_N

    def add(self, samples_N: FloatArray) -> None:
        """Take the next samples of the recording, float32 in [-1, 1]."""
        held_N = np.concatenate((self._rest_N, samples_N))
        whole = len(held_N) // self.block_samples * self.block_samples
        self._rest_N = held_N[whole:]
        self._bytes += _as_bytes(held_N[:whole].reshape(-1, self.block_samples)).tobytes()

    def finish(self) -> ByteArray:
        """The levels uint8 [P]: -2 times the dB against full scale; the last block may be a partial one."""
        last = _as_bytes(self._rest_N[None]).tobytes() if len(self._rest_N) else b""
        return np.frombuffer(bytes(self._bytes) + last, np.uint8)


def _as_bytes(blocks_PN: FloatArray) -> ByteArray:
    power_P = np.square(blocks_PN, dtype=np.float64).mean(axis=1)
    db_P = 10 * np.log10(np.maximum(power_P, 10 ** (SILENCE_DB / 10)))
    steps_P: NDArray[np.uint8] = np.clip(np.rint(-_STEPS_PER_DB * db_P), 0, 255).astype(np.uint8)
    return steps_P


def _tenth(counts_L: NDArray[np.int64]) -> float:
    """The level in dB under which a tenth of the blocks lie, between two of them as `numpy.quantile` has it.

    Args:
        counts_L: how many blocks have each level.
    """
    total = int(counts_L.sum())
    if not total:
        return SILENCE_DB
    # The quietest first, which have the highest numbers.
    below_L = np.cumsum(counts_L[::-1])
    place = 0.1 * (total - 1)
    low, high = (
        (len(counts_L) - 1 - int(np.searchsorted(below_L, at, side="right"))) / -_STEPS_PER_DB
        for at in (int(place), min(int(place) + 1, total - 1))
    )
    share = place - int(place)
    return high - (high - low) * (1 - share) if share >= 0.5 else low + (high - low) * share


_COUNTED = 1 << 18
"""Levels that are counted at a time: numpy makes numbers of eight bytes of them."""


@dataclass(frozen=True, kw_only=True)
class Levels:
    """A recording's loudness.

    Attributes:
        power_P: mean square of each block, full scale is 1, float64.
        block_samples: samples of one block.
        floor_db: the level under which a tenth of the blocks lie: noise between words.
    """

    power_P: DoubleArray
    block_samples: int
    floor_db: float

    @classmethod
    def of(cls, levels_P: ByteArray, block_samples: int) -> Levels:
        """From the bytes of a `LevelMeter`."""
        # Of ten hours there are seven million: each of the 256 levels is worked out once.
        power_L = 10 ** (np.arange(256) / -_STEPS_PER_DB / 10)
        counts_L = np.zeros(256, np.int64)
        for start in range(0, len(levels_P), _COUNTED):
            counts_L += np.bincount(levels_P[start : start + _COUNTED], minlength=256)
        return cls(power_P=power_L[levels_P], block_samples=block_samples, floor_db=_tenth(counts_L))

    def mean_db(self, start_sample: int, end_sample: int) -> float:
        """Mean level over a half-open span of samples, in dB against full scale."""
        start = start_sample // self.block_samples
        end = max(-(-end_sample // self.block_samples), start + 1)
        power = float(self.power_P[start:end].mean()) if start < len(self.power_P) else 0.0
        return 10 * float(np.log10(max(power, 10 ** (SILENCE_DB / 10))))
