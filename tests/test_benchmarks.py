"""The benchmarks are run by hand; that each still finds what it imports is seen here."""

from __future__ import annotations

import importlib.util
import inspect
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
BENCHMARKS = TESTS.parent / "benchmarks"
SCRIPTS = sorted(path.relative_to(BENCHMARKS).as_posix() for path in BENCHMARKS.glob("*/*.py"))
LOCAL = {"support", "quality", *(Path(script).stem for script in SCRIPTS)}


def local_modules() -> dict[str, object]:
    """What a script imports from beside it or from the tests, as far as it is loaded."""
    return {name: module for name, module in sys.modules.items() if name.partition(".")[0] in LOCAL}


@pytest.fixture
def name(request: pytest.FixtureRequest) -> Iterator[str]:
    """A script, with the import path that it starts with, and none of the tests' modules loaded."""
    path, before = list(sys.path), local_modules()
    for name in before:
        del sys.modules[name]
    script: str = request.param
    sys.path[:] = [str((BENCHMARKS / script).parent), *(part for part in path if Path(part) != TESTS)]
    yield script
    for name in local_modules():
        del sys.modules[name]
    sys.modules.update(before)  # type: ignore[arg-type]
    sys.path[:] = path


@pytest.mark.parametrize("name", SCRIPTS, indirect=True)
def test_a_benchmark_finds_what_it_imports(name: str) -> None:
    spec = importlib.util.spec_from_file_location(Path(name).stem, BENCHMARKS / name)
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert module.__doc__


def test_there_are_benchmarks() -> None:
    assert len(SCRIPTS) > 10


def test_benchmarks_give_the_measure_of_quality_all_that_it_asks_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys, "path", [*sys.path])  # which it adds to
    import quality

    asked = {
        option
        for part in (quality.build, quality.cut_options)
        for option in re.findall(r"arguments\.(\w+)", inspect.getsource(part))
    }
    assert {"read", "seeds", "min_duration"} <= asked <= vars(quality.settings(seeds=1)).keys()
    with pytest.raises(TypeError, match="no option sedes"):
        quality.settings(sedes=1)
    for script in SCRIPTS:
        assert "Namespace(" not in (BENCHMARKS / script).read_text(), script
