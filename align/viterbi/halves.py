"""Log-probs of 16 bits, as they are stored, read without numpy's numbers of 32 bits.

Of many columns, as a model in pieces has them, making those costs more than the search of the path. So each pattern of
bits is looked up.

Legend: F frames, X classes of the model, C columns that are read, H patterns of 16 bits (65,536).
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from prep_corpus.align.viterbi.compiling import compiled
from prep_corpus.align.viterbi.kernels import Array


@cache
def nats_of_halves(floor_nats: float) -> NDArray[np.float32]:
    """The log-prob of each pattern of bits, none under the floor: float32 [H]."""
    nats_H = np.arange(1 << 16, dtype=np.uint16).view(np.float16).astype(np.float32)
    return np.maximum(nats_H, np.float32(floor_nats))


@compiled
def read_nats(bits_FX: Array, columns_C: Array, nats_H: Array, nats_FC: Array) -> None:
    """Log-probs of some classes.

    Args:
        bits_FX: log-probs of all classes, float16 seen as uint16.
        columns_C: the classes.
        nats_H: what `nats_of_halves` gives.
        nats_FC: float32; filled.
    """
    for f in range(bits_FX.shape[0]):
        for c in range(columns_C.shape[0]):
            nats_FC[f, c] = nats_H[bits_FX[f, columns_C[c]]]


@compiled
def sum_nats(bits_FX: Array, columns_C: Array, nats_H: Array, sums_C: Array) -> None:
    """Add up the log-probs of some classes over all frames: exactly, in any order, as 16 bits hold so few digits.

    Args:
        bits_FX, columns_C, nats_H: as in `read_nats`.
        sums_C: float64; added to.
    """
    for f in range(bits_FX.shape[0]):
        for c in range(columns_C.shape[0]):
            sums_C[c] += nats_H[bits_FX[f, columns_C[c]]]


@compiled
def read_units(
    bits_FX: Array, columns_C: Array, blank: int, nats_H: Array, units_per_nat: Any, scores_FC: Array
) -> bool:
    """Blank-normalised scores in units, and a last column that is never said.

    Args:
        bits_FX, columns_C, nats_H: as in `read_nats`.
        blank: the blank's class.
        units_per_nat: float32.
        scores_FC: int16; filled.

    Returns:
        Whether all of them are numbers.
    """
    good = True
    last = columns_C.shape[0]
    for f in range(bits_FX.shape[0]):
        silent = nats_H[bits_FX[f, blank]]
        good &= silent == silent
        for c in range(last):
            units = np.rint((nats_H[bits_FX[f, columns_C[c]]] - silent) * units_per_nat)
            good &= units == units
            scores_FC[f, c] = np.int16(min(max(units, np.float32(-32768)), np.float32(32767)))
        scores_FC[f, last] = -32768
    return good


@compiled
def read_best(bits_FX: Array, nats_H: Array, best_F: Array, greedy_F: Array) -> bool:
    """The likeliest class of each frame, the first of equals, and its log-prob.

    Of numbers under 0 those with the lower bits are higher, so that nothing is looked up but the best.

    Args:
        bits_FX, nats_H: as in `read_nats`.
        best_F: float32; filled.
        greedy_F: int32; filled.

    Returns:
        Whether all of them are log-probs: some are over 0, or no numbers, where not, and what was filled is worthless.
    """
    minus_zero = np.uint16(0x8000)
    for f in range(bits_FX.shape[0]):
        least, most = np.uint16(0xFFFF), np.uint16(0)
        for x in range(bits_FX.shape[1]):
            bits = bits_FX[f, x]
            least, most = min(least, bits), max(most, bits)
        if most > 0xFC00 or 0 < least < minus_zero:
            return False
        at = 0
        while bits_FX[f, at] != least and (least != 0 or bits_FX[f, at] != minus_zero):
            at += 1
        best_F[f], greedy_F[f] = nats_H[least], at
    return True
