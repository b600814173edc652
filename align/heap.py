"""Giving memory that is free back to the system: the heap of a process that runs a model is full of holes."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from contextlib import suppress
from functools import cache


@cache
def _trim() -> Callable[[int], int] | None:
    """The C library's own function; None where it has none."""
    with suppress(OSError, AttributeError):
        trim: Callable[[int], int] = ctypes.CDLL(None).malloc_trim
        return trim
    return None


def give_back_memory() -> None:
    """Give every page that holds nothing back to the system; with other C libraries than glibc, nothing happens."""
    trim = _trim()
    if trim is not None:
        trim(0)
