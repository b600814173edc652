"""Numba's compiler, as every kernel here uses it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any, TypeVar

from numba import njit
from numba.np import linalg

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


def _import_array_functions() -> None:
    """Import Numba's array functions, which every kernel's loading does, but without SciPy's linear algebra.

    They look only whether that is there, which costs more than all the rest; what calls it imports it still.
    """
    looks = linalg.ensure_blas
    linalg.ensure_blas = lambda: None
    try:
        import numba.np.arraymath  # noqa: F401
    finally:
        linalg.ensure_blas = looks


# Where another version has no such look, there is nothing to leave out.
with suppress(AttributeError):
    _import_array_functions()
