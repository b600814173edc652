"""Numba's compiler, as every kernel here uses it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

from numba import njit
from numba.core.caching import FunctionCache
from numba.core.runtime import rtsys

Function = TypeVar("Function", bound=Callable[..., Any])


class _LoadedKernels(FunctionCache):  # type: ignore[misc]
    """Numba's cache on disk; the compiler is made ready only where a kernel is not in it.

    Numba's own does so before it looks, and imports all that it could compile, SciPy's linear algebra with it: half a
    second of CPU time in each process, for machine code that is there already.
    """

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        """What the cache has for a signature, or None."""
        rtsys.initialize(target_context)
        with self._guard_against_spurious_io_errors():
            found = self._load_overload(sig, target_context)
        if found is None:
            target_context.refresh()
        return found


def compiled(function: Function) -> Function:
    """Compile on first use, without the GIL, and keep the result on disk where some folder can be written.

    The package's own folder is tried first, then the user's cache; in a container that has neither, numba would
    refuse to import the kernel at all.
    """
    try:
        kernel = njit(cache=True, nogil=True)(function)
    except RuntimeError:
        return cast(Function, njit(nogil=True)(function))
    kernel._cache = _LoadedKernels(function)
    return cast(Function, kernel)
