"""Numba's compiler, as every kernel here uses it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from numba import njit

Function = TypeVar("Function", bound=Callable[..., Any])


def compiled(function: Function) -> Function:
    """Compile on first use, without the GIL, and keep the result on disk where some folder can be written.

    The package's own folder is tried first, then the user's cache; in a container that has neither, numba would
    refuse to import the kernel at all.
    """
    try:
        kernel: Function = njit(cache=True, nogil=True)(function)
    except RuntimeError:
        kernel = njit(nogil=True)(function)
    return kernel
