"""Numba's compiler, as every kernel here uses it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from hashlib import blake2b
from pathlib import Path
from typing import Any, TypeVar, cast

from numba import njit
from numba.core.caching import FunctionCache, IndexDataCacheFile
from numba.core.dispatcher import Dispatcher
from numba.core.runtime import rtsys

Function = TypeVar("Function", bound=Callable[..., Any])
_PLAIN = (int, float, str, bytes, tuple)


class _KernelFiles(IndexDataCacheFile):  # type: ignore[misc]
    """A kernel's machine code on disk, in files named by their content; what is damaged is not there.

    Numba's own numbers them, so that two processes that compile at once may give one number to two signatures, and
    the index names a file before it is written: another process loads what stood there before the kernel changed.
    """

    def save(self, key: Any, data: Any) -> None:
        """Keep what was compiled for a key."""
        packed = self._dump(data)
        name = self._name_of(packed)
        with self._open_for_write(self._data_path(name)) as file:
            file.write(packed)
        self._save_index({**self._load_index(), key: name})

    def _load_index(self) -> dict[Any, str]:
        try:
            return cast(dict[Any, str], super()._load_index())
        except Exception:  # of damaged pickles any may come
            return {}

    def _load_data(self, name: str) -> Any:
        if self._name_of(Path(self._data_path(name)).read_bytes()) != name:
            raise OSError(f"{name} must be as it was written")
        return super()._load_data(name)

    def _name_of(self, packed: bytes) -> str:
        digest = blake2b(packed, digest_size=8).digest()
        return cast(str, self._data_name(int.from_bytes(digest, "big")))


class _LoadedKernels(FunctionCache):  # type: ignore[misc]
    """Numba's cache on disk; the compiler is made ready only where a kernel is not in it.

    Numba's own does so before it looks, and imports all that it could compile, SciPy's linear algebra with it: half a
    second of CPU time in each process, for machine code that is there already.
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        super().__init__(function)
        self._cache_file = _KernelFiles(
            cache_path=self._cache_path,
            filename_base=self._impl.filename_base,
            source_stamp=self._impl.locator.get_source_stamp(),
        )

    def save_overload(self, sig: Any, data: Any) -> None:
        """Keep what was compiled for a signature; on a full disk it serves this process alone."""
        with suppress(OSError):
            super().save_overload(sig, data)

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        """What the cache has for a signature, or None."""
        rtsys.initialize(target_context)
        with self._guard_against_spurious_io_errors():
            found = self._load_overload(sig, target_context)
        if found is None:
            target_context.refresh()
        return found

    def _index_key(self, sig: Any, codegen: Any) -> Any:
        """What a kernel is kept under, with all that was compiled into it.

        Numba's own key is of the kernel's file alone: where a constant or a kernel of another file changes, it loads
        what was compiled with the old one.
        """
        return *super()._index_key(sig, codegen), compiled_in(self._py_func)


def compiled_in(function: Callable[..., Any]) -> str:
    """Digest of a kernel's code, of the constants of its module that it uses, and of the kernels that it calls."""
    parts: list[object] = []
    seen: set[Callable[..., Any]] = set()
    waiting = [function]
    while waiting:
        one = waiting.pop()
        if one in seen:
            continue
        seen.add(one)
        code = one.__code__
        parts.append((one.__module__, one.__qualname__, code.co_code, _plain(code.co_consts)))
        for name in code.co_names:
            value = one.__globals__.get(name)
            if isinstance(value, Dispatcher):
                waiting.append(value.py_func)
            elif isinstance(value, _PLAIN):
                parts.append((one.__module__, name, value))
    return blake2b(repr(parts).encode(), digest_size=16).hexdigest()


def _plain(values: tuple[Any, ...]) -> list[Any]:
    return [value for value in values if value is None or isinstance(value, _PLAIN)]


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
