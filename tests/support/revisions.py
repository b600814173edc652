"""An earlier revision of this repository beside this tree, so that both can run in one comparison."""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = ("align", "augment", "filters", "jobs", "pipeline")


def is_revision(name: str) -> bool:
    """Whether this repository has such a commit."""
    git = ["git", "-C", str(ROOT), "rev-parse", "--verify", "--quiet", "--end-of-options", name + "^{commit}"]
    return subprocess.run(git, capture_output=True).returncode == 0


@contextlib.contextmanager
def checked_out(revision: str, tree: Path) -> Iterator[Path]:
    """A worktree of a revision, which goes when the block ends."""
    git = ["git", "-C", str(ROOT), "worktree"]
    subprocess.run([*git, "add", "--quiet", "--detach", str(tree), revision], check=True)
    try:
        yield tree
    finally:
        subprocess.run([*git, "remove", "--force", str(tree)], check=True)


def environment(tree: Path) -> dict[str, str]:
    """The environment in which `prep_corpus` is a tree's code, on one thread."""
    types = tree / ".types" / "prep_corpus"
    types.mkdir(parents=True, exist_ok=True)
    for folder in FOLDERS:
        link = types / folder
        if not link.exists():
            link.symlink_to(tree / folder)
    rest = [part for part in os.environ.get("PYTHONPATH", "").split(os.pathsep) if part]
    path = os.pathsep.join([str(types.parent), *(part for part in rest if not part.endswith(".types"))])
    return {**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1"}


def short_name(tree: Path) -> str:
    """The commit that a tree stands at, with a plus where it is changed."""
    git = ["git", "-C", str(tree)]
    commit = subprocess.run(
        [*git, "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=True
    )
    changed = subprocess.run([*git, "status", "--porcelain"], capture_output=True, text=True, check=True)
    return commit.stdout.strip() + ("+" if changed.stdout.strip() else "")
