"""Faults that happen to a run from outside, each held or not, by this tree or by another.

    python benchmarks/faults/faults.py                     # make test-faults
    python benchmarks/faults/faults.py --revision 62079fb  # another commit, in this environment
    python benchmarks/faults/faults.py --tree ../old       # a checkout, in the environment of its .venv if it has one

The tests of tests/faults speak to the program through its command line and its files alone, so that they run on every
commit whose `run` and `check` have the same words. Exits with 1 where a fault is not held.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tests"))

from support.program import TREE_VARIABLE
from support.revisions import ROOT, checked_out, is_revision, short_name


def main() -> int:
    """Run the faults on the tree asked for; returns the exit code."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--revision", metavar="REV", help="of this repository, such as a commit")
    parser.add_argument("--tree", type=Path, metavar="DIR", help="a checkout")
    parser.add_argument(
        "--side-by-side", type=int, default=2, metavar="N", help="faults at a time (default: 2)"
    )
    parser.add_argument("words", nargs="*", help="for pytest, after --, such as -k twin")
    given = parser.parse_args()
    if given.tree is not None and not (given.tree / "jobs" / "cli.py").is_file():
        parser.error(f"--tree {given.tree} is no checkout of this project: there is no jobs/cli.py")
    if given.revision and not is_revision(given.revision):
        parser.error(f"--revision {given.revision} is no commit of this repository")
    with ExitStack() as stack:
        tree: Path = given.tree or ROOT
        if given.revision:
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="faults-"))
            tree = stack.enter_context(checked_out(given.revision, Path(folder, "tree")))
        print(f"faults on {short_name(tree)}, {given.side_by_side} at a time", flush=True)
        command = [sys.executable, "-m", "pytest", "-q", "--no-header", "--tb=no", "-rN"]
        command += ["--numprocesses", str(given.side_by_side), "--dist", "worksteal"]
        environment = {**os.environ, TREE_VARIABLE: str(tree.resolve())}
        return subprocess.run([*command, "tests/faults", *given.words], cwd=ROOT, env=environment).returncode


if __name__ == "__main__":
    sys.exit(main())
