"""Whether this tree makes the same bytes as an earlier revision, and finds the stage files that the revision made.

    python benchmarks/cost/same_bytes.py 62079fb

Both run the demo corpus into one and the same place, since paths enter some files, and every file is compared. Then
this tree goes on in the revision's run folder: what it makes anew there, the revision's stage files could not give.
Exits with 1 where shards, tables or the manifest differ, or where a stage is made anew; `--may-differ STAGE` allows the
latter for a stage whose VERSION was raised, or that follows one.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tests"))

from support.revisions import ROOT, checked_out, environment

STAGES = ("emit", "align", "measure", "segment", "write")
PUBLISHED = ("data/", "tfrecord/", "webdataset/", "shar/", "report/")
PUBLISHED_FILES = ("manifest.json", "README.md", "dead-letters.jsonl", "transcripts.jsonl")


def is_published(path: str) -> bool:
    """Whether a file of a run folder is for others, rather than for the next run."""
    return path.startswith(PUBLISHED) or path in PUBLISHED_FILES


def files_of(folder: Path) -> dict[str, bytes]:
    """The content of every file by its path."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def differences(one: dict[str, bytes], other: dict[str, bytes]) -> list[str]:
    """Paths that are not in both with the same content."""
    return sorted(path for path in {*one, *other} if one.get(path) != other.get(path))


def found_and_done(run: Path) -> dict[str, tuple[int, int]]:
    """For each stage of the last run in a folder, how many results it found and how many it has in all."""
    stages = json.loads((run / "status.json").read_text())["stages"]
    return {stage: (stages[stage]["found"], stages[stage]["units"]) for stage in STAGES}


def run_demo(tree: Path, out: Path, extra: list[str]) -> None:
    """Run the demo corpus with the code of a tree; the inputs are this tree's for both."""
    words = [
        str(ROOT / "demo" / "manifest.jsonl"),
        "--out",
        str(out),
        "--noise",
        str(ROOT / "demo" / "noise"),
    ]
    formats = ["--format", "parquet", "--format", "tfrecord"]
    command = [sys.executable, "-m", "prep_corpus.jobs.cli", "run", *words, *formats, *extra]
    subprocess.run(command, cwd=tree, env=environment(tree), check=True, stdout=subprocess.DEVNULL)


def main() -> int:
    """Run both, compare, and say what differs; returns the exit code."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("revision", help="of this repository, such as a commit")
    parser.add_argument("--may-differ", action="append", default=[], choices=STAGES, metavar="STAGE")
    parser.add_argument("extra", nargs="*", help="more options of run, after --")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="same-bytes-") as folder:
        tree, out, kept = Path(folder, "tree"), Path(folder, "run"), Path(folder, "kept")
        with checked_out(given.revision, tree):
            run_demo(tree, out, given.extra)
        out.rename(kept)
        run_demo(ROOT, out, given.extra)
        before, now = files_of(kept), files_of(out)
        shutil.rmtree(out)
        kept.rename(out)
        run_demo(ROOT, out, given.extra)
        found = found_and_done(out)
    differing = differences(before, now)
    published = [path for path in differing if is_published(path)]
    for path in differing:
        whose = [name for name, files in ((given.revision, before), ("this tree", now)) if path in files]
        print(f"{'DIFFERS' if path in published else 'differs'}  {path}  (in {' and '.join(whose)})")
    same = sum(is_published(path) for path in before) - len(published)
    print(f"{same} published files have the same bytes, {len(published)} do not")
    for stage, (standing, units) in found.items():
        print(f"{stage}: {standing} of {units} found where {given.revision} left them")
    anew = [stage for stage, (standing, units) in found.items() if standing < units]
    return 1 if published or set(anew) - set(given.may_differ) else 0


if __name__ == "__main__":
    sys.exit(main())
