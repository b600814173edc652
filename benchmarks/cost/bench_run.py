"""CPU seconds of every stage of a whole run on one worker, alone or beside an earlier revision.

    python benchmarks/cost/bench_run.py [MANIFEST] [--model NAME] [--filter NAME]
    python benchmarks/cost/bench_run.py --against 62079fb [--work hour clips] [--rounds 3] [--minutes 60]

With `--against` both trees run in turn, `--rounds` times, each into a folder of its own that begins with the
emissions of that tree's first run, so that only that one waits for the model; then each runs once more, with nothing
to do. `hour` is one recording of real speech of `--minutes` with a corrupted transcript, `clips` as much speech in
clips of ten seconds, each with its transcript. Ratios are this tree's CPU time by the other's of the same round: the
median, the least and the greatest. Without real speech the demo corpus is measured.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tests"))

from support.revisions import ROOT, checked_out, environment, short_name

STAGES = ("emit", "align", "measure", "segment", "write")
BESIDES = STAGES[1:]
CLIP_SECONDS = 10

RUN = """
import json, resource, sys
from prep_corpus.jobs.cli import main
main(sys.argv[1:], standalone_mode=False)
from prep_corpus.pipeline.progress import BOARD
usage = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
measured = {stage: one.cpu_seconds for stage, one in BOARD.snapshot().items()}
measured["all"] = sum(one.ru_utime + one.ru_stime for one in usage)
measured["peak MB"] = max(one.ru_maxrss for one in usage) / 1024
print(json.dumps(measured))
"""
"""A whole run in one process, so that its board of counters can be read."""


def run_once(tree: Path, manifest: str, out: Path, rest: list[str]) -> dict[str, float]:
    """CPU seconds of each stage and of everything, start-up included, and the peak of the memory."""
    arguments = ["run", manifest, "--out", str(out), "--workers", "1", "--quiet", *rest]
    done = subprocess.run(
        [sys.executable, "-c", RUN, *arguments],
        cwd=tree,
        env=environment(tree),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    measured: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return {**dict.fromkeys(STAGES, 0.0), **measured}


def with_sums(measured: dict[str, float]) -> dict[str, float]:
    """The stages, their sum without the model, what is in no stage, and everything."""
    besides = sum(measured[stage] for stage in BESIDES)
    rest = measured["all"] - besides - measured["emit"]
    return {
        **{stage: measured[stage] for stage in STAGES},
        "align to write": besides,
        "in no stage": rest,
        "all": measured["all"],
        "peak MB": measured["peak MB"],
    }


def hours_of(out: Path) -> float:
    """Audio of a finished run."""
    outcome = json.loads((out / "outcome.json").read_text())
    return float(outcome["ledgers"]["samples"]["decoded"] / outcome["sample_rate_hz"] / 3600)


def measure(manifest: str, rest: list[str]) -> None:
    """One run of this tree, as a table."""
    with tempfile.TemporaryDirectory() as folder:
        measured = with_sums(run_once(ROOT, manifest, Path(folder, "run"), rest))
        hours = hours_of(Path(folder, "run"))
    print(f"{manifest}: {hours:.3f} hours, one worker")
    print(f"{'':16}{'CPU s':>10}{'CPU s / hour':>15}")
    for name, seconds in measured.items():
        if name == "peak MB":
            print(f"peak memory {seconds:.0f} MB")
        else:
            print(f"{name:16}{seconds:10.2f}{seconds / hours:15.2f}")


def compare(manifest: str, rest: list[str], trees: dict[str, Path], rounds: int, folder: Path) -> None:
    """Both trees in turn, as a table with ratios; the second of `trees` by the first."""
    found: dict[str, list[dict[str, float]]] = {name: [] for name in trees}
    idle: dict[str, list[float]] = {name: [] for name in trees}
    first: dict[str, float] = {}
    hours = 0.0
    for name, tree in trees.items():
        out = folder / f"first-{name}"
        first[name] = run_once(tree, manifest, out, rest)["emit"]
        hours = hours_of(out)
    for number in range(rounds):
        for name, tree in list(trees.items())[:: -1 if number % 2 else 1]:
            out = folder / "again"
            shutil.copytree(folder / f"first-{name}" / "work" / "emit", out / "work" / "emit")
            found[name].append(with_sums(run_once(tree, manifest, out, [*rest, "--force"])))
            idle[name].append(run_once(tree, manifest, out, rest)["all"])
            shutil.rmtree(out)
    print(f"{manifest}: {hours:.3f} hours, one worker, {rounds} rounds; CPU seconds, medians")
    print(f"{'':16}" + "".join(f"{name:>12}" for name in trees) + f"{'ratio':>9}{'least':>8}{'most':>8}")
    line("emit", *([seconds] for seconds in first.values()))
    old, new = found.values()
    for part in old[0]:
        if part not in ("emit", "all"):
            line(part, [one[part] for one in old], [one[part] for one in new])
    line("nothing to do", *idle.values())


def line(name: str, old: list[float], new: list[float]) -> None:
    """One line of the table."""
    ratios = [after / before if before else float("nan") for before, after in zip(old, new)]
    seconds = f"{statistics.median(old):12.2f}{statistics.median(new):12.2f}"
    print(f"{name:16}{seconds}{statistics.median(ratios):9.3f}{min(ratios):8.3f}{max(ratios):8.3f}")


def build(folder: Path, minutes: float, *, clips: bool) -> str:
    """Real speech of so many minutes where it is at hand, in one piece or in clips; else the demo corpus."""
    sys.path.insert(0, str(ROOT / "tests"))
    from support import corpora

    shared = Path(os.environ.get("PREP_CORPUS_SHARED", ROOT.parent / "shared"))
    data = shared / "data" / corpora.DEV_CLEAN
    if not data.is_dir():
        print(f"no real speech at {data}, so the demo corpus is measured")
        return str(ROOT / "demo" / "manifest.jsonl")
    recording = corpora.build_recording(data, recording_id="real", minutes=minutes)
    entries: list[dict[str, Any]] = []
    if clips:
        for number, (words, samples_N) in enumerate(_clips(recording, round(minutes * 60 / CLIP_SECONDS))):
            soundfile.write(folder / f"{number}.flac", samples_N, recording.sample_rate_hz)
            entries.append({"audio_filepath": f"{number}.flac", "text": " ".join(words)})
    else:
        soundfile.write(folder / "real.flac", recording.audio_N, recording.sample_rate_hz)
        entries.append({"audio_filepath": "real.flac", "text": corpora.corrupt(recording, seed=0).text})
    (folder / "manifest.jsonl").write_text("".join(json.dumps(entry) + "\n" for entry in entries))
    return str(folder / "manifest.jsonl")


def _clips(recording: Any, most: int) -> list[tuple[list[str], np.ndarray]]:
    """Runs of whole utterances of about ten seconds."""
    found, words, start = [], [], 0
    for one in recording.utterances:
        words += one.words
        if one.end_sample - start >= CLIP_SECONDS * recording.sample_rate_hz:
            found.append((words, recording.audio_N[start : one.end_sample]))
            words, start = [], one.end_sample
    return found[:most]


def main() -> None:
    """Read the arguments, measure, print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("manifest", nargs="?")
    parser.add_argument("--model", default="english")
    parser.add_argument("--filter")
    parser.add_argument("--against", metavar="REV", help="a revision of this repository, such as a commit")
    parser.add_argument("--work", nargs="+", choices=["hour", "clips"], default=["hour"])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--minutes", type=float, default=17)
    given = parser.parse_args()
    rest = ["--model", given.model, *(["--filter", given.filter] if given.filter else [])]
    with tempfile.TemporaryDirectory(prefix="bench-run-") as scratch:
        for work in ["manifest"] if given.manifest else given.work:
            folder = Path(scratch, work)
            folder.mkdir()
            manifest = str(Path(given.manifest).resolve()) if given.manifest else ""
            manifest = manifest or build(folder, given.minutes, clips=work == "clips")
            if not given.against:
                measure(manifest, rest)
                continue
            with checked_out(given.against, folder / "tree") as tree:
                trees = {short_name(tree): tree, short_name(ROOT): ROOT}
                compare(manifest, rest, trees, given.rounds, folder)
            print(
                f"{datetime.date.today()}, {short_name(ROOT)} beside {given.against}: {work}, --model {given.model}\n"
            )


if __name__ == "__main__":
    main()
