"""The checkpoints of a forward pass: the first in memory, what goes over a bound in a file without a name.

A recording of an hour stays in memory. At ten hours the checkpoints take 600 MB, each is written once and read once,
and the disk takes them in seconds.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from tempfile import TemporaryFile as temporary_file
from typing import Any, BinaryIO, Generic, TypeVar, cast

import numpy as np
import numpy.typing as npt

HELD_BYTES = 64 << 20
"""Checkpoints that stay in memory, in all."""

Kept = TypeVar("Kept")


class Checkpoints(Generic[Kept]):
    """Dataclasses of arrays, last in first out; made by `checkpoints`."""

    def __init__(self, held_bytes: int) -> None:
        self._room_bytes = held_bytes
        self._file: BinaryIO | None = None
        self._kept: list[tuple[Any, int | None]] = []

    def push(self, rows: Kept) -> None:
        """Keep one; where the disk has no room for it, in memory after all."""
        arrays = _arrays(rows)
        size = sum(array.nbytes for array in arrays.values())
        if size > self._room_bytes:
            place = self._written(list(arrays.values()))
            if place is not None:
                empty = {name: np.empty((0, len(array)), array.dtype) for name, array in arrays.items()}
                self._kept.append((replace(cast(Any, rows), **empty), place))
                return
        self._room_bytes -= size
        self._kept.append((rows, None))

    def pop(self) -> Kept:
        """The last one."""
        rows, place = self._kept.pop()
        if place is None:
            self._room_bytes += sum(array.nbytes for array in _arrays(rows).values())
        else:
            assert self._file is not None
            self._file.seek(place)
            read = {
                name: np.fromfile(self._file, array.dtype, array.shape[1])
                for name, array in _arrays(rows).items()
            }
            self._file.truncate(place)
            rows = replace(rows, **read)
        return cast(Kept, rows)

    def close(self) -> None:
        """Give the file back."""
        if self._file is not None:
            self._file.close()

    def _written(self, arrays: list[npt.NDArray[Any]]) -> int | None:
        """Where they stand in the file; None where they cannot be written."""
        try:
            if self._file is None:
                self._file = cast(BinaryIO, temporary_file(buffering=0))  # noqa: SIM115
            place = self._file.seek(0, 2)
            for array in arrays:
                array.tofile(self._file)
        except OSError:
            return None
        return place


def _arrays(rows: Any) -> dict[str, npt.NDArray[Any]]:
    return {name: value for name, value in vars(rows).items() if isinstance(value, np.ndarray)}


@contextmanager
def checkpoints(held_bytes: int) -> Iterator[Checkpoints[Any]]:
    """Room for checkpoints as long as the block lasts.

    Args:
        held_bytes: that stay in memory.
    """
    kept: Checkpoints[Any] = Checkpoints(held_bytes)
    try:
        yield kept
    finally:
        kept.close()
