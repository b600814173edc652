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
LevelArray = NDArray[np.unsignedinteger]

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


_BLOCKS_OF_PROOF = 200
_FEWEST_LEVELS = 8
_MOST_ROUNDED = 0.02

_AT_A_TIME = 1 << 18
"""Levels that are counted or added up at a time: numpy makes numbers of eight bytes of them."""


@dataclass(frozen=True, kw_only=True)
class Levels:
    """A recording's loudness.

    Of ten hours there are seven million blocks, so that each has the number of its level, and a level its power.

    Attributes:
        level_P: number of each block's level, unsigned.
        power_L: mean square of each level, full scale is 1, float64.
        block_samples: samples of one block.
        floor_db: the level under which a tenth of the blocks lie: noise between words.
    """

    level_P: LevelArray
    power_L: DoubleArray
    block_samples: int
    floor_db: float

    def __len__(self) -> int:
        return len(self.level_P)

    @classmethod
    def of(cls, levels_P: ByteArray, block_samples: int) -> Levels:
        """From the bytes of a `LevelMeter`."""
        power_L = 10 ** (np.arange(256) / -_STEPS_PER_DB / 10)
        counts_L = np.zeros(256, np.int64)
        for start in range(0, len(levels_P), _AT_A_TIME):
            counts_L += np.bincount(levels_P[start : start + _AT_A_TIME], minlength=256)
        return cls(level_P=levels_P, power_L=power_L, block_samples=block_samples, floor_db=_tenth(counts_L))

    @classmethod
    def of_powers(cls, power_P: DoubleArray, *, block_samples: int, floor_db: float) -> Levels:
        """From the mean square of each block."""
        power_L, level_P = np.unique(power_P, return_inverse=True)
        kind = np.min_scalar_type(max(len(power_L) - 1, 0))
        return cls(
            level_P=level_P.astype(kind), power_L=power_L, block_samples=block_samples, floor_db=floor_db
        )

    def prove(self, samples_N: NDArray[np.int16] | FloatArray, start_sample: int) -> bool:
        """Whether samples sound as the recording does there, block by block, which tells its places apart.

        Args:
            samples_N: int16, or float32 in [-1, 1], as decoded at the rate of the levels.
            start_sample: where they are said to begin.

        Returns:
            False also where they are too even, or too few, to tell.
        """
        size, first = self.block_samples, -(-start_sample // self.block_samples)
        count = min((start_sample + len(samples_N)) // size - first, _BLOCKS_OF_PROOF, len(self) - first)
        if count < _FEWEST_LEVELS:
            return False
        at = first * size - start_sample
        full_scale = np.float32(32768 if samples_N.dtype == np.int16 else 1)
        blocks_PN = samples_N[at : at + count * size].reshape(-1, size).astype(np.float32) / full_scale
        found_P, known_P = _as_bytes(blocks_PN), self.level_P[first : first + count]
        if len(np.unique(known_P)) < _FEWEST_LEVELS:
            return False
        # A level at the edge of a step may be rounded to the other side by another library of numbers; of samples that
        # come one too late, one block in fourteen has another level.
        away_P = np.abs(found_P.astype(np.int64) - known_P)
        return int(away_P.max()) <= 1 and np.count_nonzero(away_P) <= _MOST_ROUNDED * count

    def powers(self, start: int = 0, end: int | None = None) -> DoubleArray:
        """Mean square of the blocks of a half-open span, float64."""
        power_P: DoubleArray = self.power_L[self.level_P[start:end]]
        return power_P

    def sums(self, places: NDArray[np.int64]) -> DoubleArray:
        """The power of all blocks before each place, float64, as `numpy.cumsum` adds it up.

        Args:
            places: numbers of blocks, at most as many as there are.
        """
        found = np.zeros(len(places))
        carried = 0.0
        for start in range(0, len(self), _AT_A_TIME):
            sums_P = np.cumsum(np.concatenate(([carried], self.powers(start, start + _AT_A_TIME))))
            inside = (places > start) & (places < start + len(sums_P))
            found[inside] = sums_P[places[inside] - start]
            carried = sums_P[-1]
        return found

    def mean_db(self, start_sample: int, end_sample: int) -> float:
        """Mean level over a half-open span of samples, in dB against full scale."""
        start = start_sample // self.block_samples
        end = max(-(-end_sample // self.block_samples), start + 1)
        power = float(self.powers(start, end).mean()) if start < len(self) else 0.0
        return 10 * float(np.log10(max(power, 10 ** (SILENCE_DB / 10))))
