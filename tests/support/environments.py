"""Virtual environments with built wheels in them; their requirements are borrowed from this one, not downloaded."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
from collections.abc import Sequence
from importlib.metadata import distribution
from pathlib import Path

from packaging.requirements import Requirement

HERE = Path(sysconfig.get_paths()["purelib"])
BARE = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
"""For commands that shall import what is installed, not the tree."""


def required(names: Sequence[str]) -> set[str]:
    """Distributions with all that they require."""
    found: set[str] = set()
    todo = list(names)
    while todo:
        name = todo.pop().lower()
        if name not in found:
            found.add(name)
            asked = map(Requirement, distribution(name).requires or [])
            todo += [one.name for one in asked if one.marker is None or one.marker.evaluate({"extra": ""})]
    return found


def make_environment(folder: Path, wheels: Sequence[Path], borrowed: Sequence[str] | None) -> Path:
    """Make a virtual environment and install wheels into it.

    Args:
        folder: where it is made.
        wheels: to install, without their requirements.
        borrowed: distributions of this environment that it has too, with all that they require; every one if None.

    Returns:
        Its Python.
    """
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
    python = folder / "bin" / "python"
    (site,) = folder.glob("lib/python*/site-packages")
    if borrowed is None:
        # The .pth files in there are not read, so that an editable install of the tree stays outside.
        (site / "zz_borrowed.pth").write_text(f"{HERE}\n")
    else:
        for name in required(borrowed):
            tops = {file.parts[0] for file in distribution(name).files or []} - {"..", "__pycache__"}
            for top in tops:
                (site / top).symlink_to(HERE / top)
    pip(python, "install", "--no-deps", "--no-index", *map(str, wheels))
    return python


def pip(python: Path, *words: str) -> str:
    """Run this environment's pip on another one."""
    command = [sys.executable, "-m", "pip", "--python", str(python), *words]
    done = subprocess.run(command, env=BARE, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def call(*command: str | Path, folder: Path) -> str:
    """Run a command away from the tree; returns what it prints."""
    done = subprocess.run(
        list(map(str, command)),
        cwd=folder,
        env=BARE,
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
