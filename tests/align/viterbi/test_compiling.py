"""Kernels where no folder can hold their compiled form."""

from __future__ import annotations

import importlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from numba import njit
from numba.core import config
from numba.core.registry import cpu_target

from prep_corpus.align.viterbi.compiling import compiled


def test_kernels_run_where_no_cache_can_be_written() -> None:
    program = (
        "from prep_corpus.align.viterbi.compiling import compiled\n"
        "def double(x):\n    return 2 * x\n"
        "double.__code__ = double.__code__.replace(co_filename='/proc/nowhere/kernel.py')\n"
        "print(compiled(double)(21))\n"
    )
    environment = dict(
        os.environ, NUMBA_CACHE_DIR="/proc/nowhere", HOME="/proc/nowhere", XDG_CACHE_HOME="/proc/nowhere"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=False
    )
    assert done.stdout == "42\n", done.stderr


def test_a_kernel_from_the_cache_brings_no_compiler(tmp_path: Path) -> None:
    kernel = tmp_path / "kernel.py"
    kernel.write_text(
        "import sys\n"
        "import numpy as np\n"
        "from prep_corpus.align.viterbi.compiling import compiled\n"
        "@compiled\n"
        "def double(x_N):\n"
        "    y_N = np.empty_like(x_N)\n"
        "    for n in range(len(x_N)):\n"
        "        y_N[n] = 2 * x_N[n]\n"
        "    return y_N\n"
        "print(double(np.arange(3)), 'numba.np.linalg' in sys.modules, 'scipy.linalg' in sys.modules)\n"
    )
    environment = dict(os.environ, NUMBA_CACHE_DIR=str(tmp_path))
    first, second = (
        subprocess.run([sys.executable, kernel], env=environment, capture_output=True, text=True, check=True)
        for _ in range(2)
    )
    # SciPy comes only where it is installed.
    assert first.stdout.startswith("[0 2 4] True ")
    assert second.stdout == "[0 2 4] False False\n"


def test_a_kernel_is_compiled_anew_with_a_constant_of_another_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "factor_beside.py").write_text("FACTOR = 2\n")
    (tmp_path / "kernels_beside.py").write_text(
        "from factor_beside import FACTOR\n"
        "from prep_corpus.align.viterbi.compiling import compiled\n"
        "@compiled\n"
        "def once(x):\n    return FACTOR * x\n"
        "@compiled\n"
        "def times(x):\n    return once(x)\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    kernels = importlib.import_module("kernels_beside")
    codegen = cpu_target.target_context.codegen()

    def key() -> object:
        return kernels.times._cache._index_key(None, codegen)

    before = key()
    assert key() == before
    monkeypatch.setattr(kernels, "FACTOR", 3)
    assert key() != before
    monkeypatch.setattr(kernels, "FACTOR", 2)
    assert key() == before


def twice(x: int) -> int:
    return 2 * x


def halved(x: int) -> int:
    if x % 2:
        raise ValueError("odd")
    return x // 2


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where numba keeps what it compiles."""
    monkeypatch.setattr(config, "CACHE_DIR", str(tmp_path / "cache"))
    return tmp_path / "cache"


def cut_short(folder: Path, kind: str) -> None:
    for file in folder.rglob(kind):
        file.write_bytes(file.read_bytes()[:60])


def replaced_by_a_file(folder: Path) -> None:
    shutil.rmtree(folder)
    folder.touch()


@pytest.mark.parametrize(
    "spoil",
    [
        lambda folder: cut_short(folder, "*.nbi"),
        lambda folder: cut_short(folder, "*.nbc"),
        replaced_by_a_file,
    ],
)
def test_a_kernel_that_cannot_be_read_or_kept_is_compiled_anew(
    folder: Path, spoil: Callable[[Path], None]
) -> None:
    first, second = compiled(twice), compiled(twice)
    assert first(21) == 42
    spoil(folder)
    assert second(21) == 42
    if folder.is_dir():
        third = compiled(twice)
        assert third(21) == 42
        assert sum(third.stats.cache_hits.values()) == 1  # type: ignore[attr-defined]


def test_a_kernel_from_the_cache_raises_and_is_inlined_in_one_that_is_compiled(folder: Path) -> None:
    assert compiled(halved)(42) == 21
    loaded = compiled(halved)
    with pytest.raises(ValueError, match="odd"):
        loaded(3)
    more = njit(lambda x: loaded(x) + 1)
    assert more(40) == 21
    with pytest.raises(ValueError, match="odd"):
        more(5)
    assert sum(loaded.stats.cache_hits.values()) == 1  # type: ignore[attr-defined]


def test_two_processes_that_compile_at_once_do_not_mix_up_their_kernels(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other, later = (compiled(twice)._cache._cache_file for _ in range(3))  # type: ignore[attr-defined]
    folder.joinpath(Path(one._cache_path).name).mkdir(parents=True, exist_ok=True)
    save_index = one._save_index

    def meanwhile(overloads: dict[str, str]) -> None:
        save_index(overloads)
        other.save("integers", "of integers")

    monkeypatch.setattr(one, "_save_index", meanwhile)
    # It has looked before the other wrote.
    monkeypatch.setattr(other, "_load_index", dict)
    one.save("floats", "of floats")
    assert later.load("integers") == "of integers"
    assert later.load("floats") in (None, "of floats")
