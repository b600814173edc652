"""What it costs to start: CPU seconds of short commands, beside another working tree of this repository.

    python benchmarks/cost/bench_commands.py --other ../earlier [--python ../earlier/.venv/bin/python] [--times 5]

Each tree runs the demo corpus once, with its own code and interpreter; then the commands are given in turn, one tree
after the other, and the median and the spread of user and system time are printed with the ratio.
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = ("align", "augment", "filters", "jobs", "pipeline")
ASKED = {"a wrong manifest path": 1 / 10, "status": 1 / 5, "nothing to do": 1 / 4}
"""The ratios that are wanted."""


@dataclass(frozen=True, kw_only=True)
class Tree:
    """A working tree that runs commands.

    Attributes:
        root: its folder.
        python: interpreter.
        types: folder from which `prep_corpus` is imported.
        run: folder of its run of the demo corpus.
    """

    root: Path
    python: str
    types: Path
    run: Path

    def command(self, words: list[str]) -> list[str]:
        """What is started."""
        return [self.python, "-m", "prep_corpus.jobs.cli", *words]

    def cpu_seconds(self, words: list[str], code: int) -> float:
        """User and system time of a command and of its children."""
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        environment = {**os.environ, "PYTHONPATH": str(self.types), "OMP_NUM_THREADS": "1"}
        done = subprocess.run(
            self.command(words),
            cwd=self.types,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != code:
            raise SystemExit(f"{self.root}: {words} ended with {done.returncode}\n{done.stdout}{done.stderr}")
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def tree_at(root: Path, python: str, folder: Path) -> Tree:
    """A working tree, whose code is linked below `folder`."""
    linked = folder / "types" / "prep_corpus"
    linked.mkdir(parents=True)
    for name in FOLDERS:
        (linked / name).symlink_to(root.resolve() / name)
    return Tree(root=root, python=python, types=linked.parent, run=folder / "run")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--other", type=Path, required=True, help="working tree to compare with")
    parser.add_argument("--python", default=sys.executable, help="the other's interpreter")
    parser.add_argument("--times", type=int, default=5)
    given = parser.parse_args()
    demo = ROOT / "demo"
    with tempfile.TemporaryDirectory(prefix="bench-commands-") as folder:
        ours = tree_at(ROOT, sys.executable, Path(folder, "ours"))
        other = tree_at(given.other, given.python, Path(folder, "other"))

        def run_words(tree: Tree) -> list[str]:
            noise = ["--noise", str(demo / "noise")]
            return ["run", str(demo / "manifest.jsonl"), "--out", str(tree.run), *noise, "--quiet"]

        for tree in (ours, other):
            print(f"first run of {tree.root}: {tree.cpu_seconds(run_words(tree), 0):.1f} CPU s", flush=True)
        nowhere = str(Path(folder, "nowhere.jsonl"))
        print("| command | this tree | the other | ratio | wanted |\n|---|---|---|---|---|", flush=True)
        for name, code in (
            ("a wrong manifest path", 2),
            ("--help", 0),
            ("status", 0),
            ("check --fast", 0),
            ("nothing to do", 0),
        ):
            seconds: dict[Path, list[float]] = {ours.root: [], other.root: []}
            for _ in range(given.times):
                for tree in (ours, other):
                    words = {
                        "a wrong manifest path": ["run", nowhere, "--out", str(Path(folder, "out"))],
                        "--help": ["--help"],
                        "status": ["status", str(tree.run)],
                        "check --fast": ["check", "--fast", str(tree.run)],
                        "nothing to do": run_words(tree),
                    }[name]
                    seconds[tree.root].append(tree.cpu_seconds(words, code))
            mine, theirs = (statistics.median(seconds[tree.root]) for tree in (ours, other))
            shown = [
                f"{statistics.median(times):.2f} s ({min(times):.2f} to {max(times):.2f})"
                for times in seconds.values()
            ]
            wanted = f"{ASKED[name]:.2f}" if name in ASKED else ""
            print(f"| {name} | {shown[0]} | {shown[1]} | {mine / theirs:.3f} | {wanted} |", flush=True)


if __name__ == "__main__":
    main()
