"""Finished runs that many tests read: each is made once, by whichever of the workers side by side is there first.

None may be changed by a test; whoever wants to change one copies it. Every test imports this file, and so it imports
nothing heavy.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from support.places import DEMO

ALL_FORMATS = ("parquet", "tfrecord", "webdataset", "shar")


def once(name: str, make: Callable[[Path], None], places: pytest.TempPathFactory) -> Path:
    """The folder of this name, which `make` fills on the first call of a whole session of tests."""
    from filelock import FileLock

    base = places.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        base = base.parent
    folder, made = base / "shared" / name, base / "shared" / f"{name}.made"
    folder.parent.mkdir(exist_ok=True)
    with FileLock(folder.with_suffix(".lock")):
        if not made.exists():
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            make(folder)
            made.touch()
    return folder


def make_toy_corpus(folder: Path) -> None:
    """Four recordings in the toy language, and a filter for them."""
    from support import toy

    toy.write_filter(folder / "filter.json")
    toy.write_corpus(folder)


def make_demo_run(folder: Path) -> None:
    """The demo corpus with the bundled model and its filter, as `make demo` runs it, in all formats."""
    formats = [word for name in ALL_FORMATS for word in ("--format", name)]
    done = subprocess.run(
        [
            *(sys.executable, "-m", "prep_corpus.jobs.cli", "run", str(DEMO / "manifest.jsonl")),
            *("--out", str(folder / "run"), *formats, "--noise", str(DEMO / "noise")),
        ],
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "kept" in done.stdout


@pytest.fixture(scope="session")
def toy_corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The manifest of the toy corpus; `filter.json` stands beside it."""
    return once("toy", make_toy_corpus, tmp_path_factory) / "manifest.jsonl"


@pytest.fixture(scope="session")
def toy_run(toy_corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of the toy corpus, as Parquet and TFRecord."""
    from support.runs import BOTH, run

    def make(folder: Path) -> None:
        run(toy_corpus, folder / "run", *BOTH)

    return once("toy-run", make, tmp_path_factory) / "run"


@pytest.fixture(scope="session")
def demo_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of the demo corpus in all formats."""
    return once("demo", make_demo_run, tmp_path_factory) / "run"
