"""Numba's compiler, as every kernel here uses it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from hashlib import blake2b
from pathlib import Path
from typing import Any, TypeVar, cast

from numba import njit
from numba.core import codegen, entrypoints
from numba.core.caching import CompileResultCacheImpl, FunctionCache, IndexDataCacheFile
from numba.core.compiler import CompileResult
from numba.core.dispatcher import Dispatcher
from numba.core.environment import Environment, lookup_environment
from numba.core.runtime import rtsys

Function = TypeVar("Function", bound=Callable[..., Any])
_PLAIN = (int, float, str, bytes, tuple)
_FORM = 2
"""Of what is kept; raised with `_KernelResults.reduce`."""


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


class _KernelResults(CompileResultCacheImpl):  # type: ignore[misc]
    """A compiled kernel as it is kept: its machine code is made ready, and nothing besides.

    Numba's own also reads the kernel's bitcode, which only a kernel that is compiled with this one inlined needs, looks
    through it for its symbols, and imports all modules of Numba that were inlined: over half of what loading takes.
    """

    def reduce(self, result: Any) -> Any:
        """What is kept: as Numba's own, but the names of symbols and modules in place of these."""
        library, *rest, environments = result._reduce()
        module = result.library._get_module_for_linking()
        symbols = [
            one.name
            for some in (module.functions, module.global_variables)
            for one in some
            if not one.is_declaration
        ]
        named = [(one.globals["__name__"], list(one.consts), one.env_name) for one in environments]
        return library, symbols, named, rest

    def rebuild(self, target_context: Any, kept: Any) -> Any:
        """The kernel, ready to be called."""
        (name, _, (machine_code, bitcode)), symbols, named, rest = kept
        description, environment, signature, object_mode, lifted, annotation, reload_init = rest
        for function in reload_init:
            function()
        machine = target_context.codegen()
        library = machine.create_library(name)
        library.enable_object_caching()
        library._set_compiled_object(machine_code)
        library._finalize_final_module()
        machine._engine._defined_symbols.update(symbols)

        def bitcode_module() -> Any:
            if library._shared_module is None:
                library._shared_module = codegen.ll.parse_bitcode(bitcode)
            return library._shared_module

        library._get_module_for_linking = bitcode_module
        entry_point = target_context.get_executable(library, description, environment)
        environments = [_environment(*one) for one in named]
        for one in environments:
            machine.set_env(one.env_name, one)
        return CompileResult(
            target_context=target_context,
            typing_context=target_context.typing_context,
            library=library,
            environment=environment,
            entry_point=entry_point,
            fndesc=description,
            type_annotation=annotation,
            signature=signature,
            objectmode=object_mode,
            lifted=lifted,
            typing_error=None,
            call_helper=None,
            metadata=None,
            reload_init=reload_init,
            referenced_envs=environments,
        )


def _environment(module: str, constants: list[Any], name: str) -> Any:
    """What a function that was inlined knows of its module: without objects of Python, its name."""
    found = lookup_environment(name)
    if found is None:
        found = Environment({"__name__": module})
        found.consts[:] = constants
        found.env_name = name
        Environment._memo[name] = found
    return found


class _LoadedKernels(FunctionCache):  # type: ignore[misc]
    """Numba's cache on disk; the compiler is made ready only where a kernel is not in it.

    Numba's own does so before it looks, and imports all that it could compile, SciPy's linear algebra with it: half a
    second of CPU time in each process, for machine code that is there already.
    """

    _impl_class = _KernelResults

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
            entrypoints.init_all()
            target_context.refresh()
        return found

    def _index_key(self, sig: Any, codegen: Any) -> Any:
        """What a kernel is kept under, with all that was compiled into it.

        Numba's own key is of the kernel's file alone: where a constant or a kernel of another file changes, it loads
        what was compiled with the old one.
        """
        return *super()._index_key(sig, codegen), compiled_in(self._py_func), _FORM


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
    # Other packages' extensions of the compiler are looked up where something is compiled.
    kernel._compilation_chain_init_hook = lambda: None
    return cast(Function, kernel)
