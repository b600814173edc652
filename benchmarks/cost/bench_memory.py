"""Peak memory of `prep-corpus run` for one recording of an hour and one of ten, with the bundled model.

    python benchmarks/cost/bench_memory.py [--hours 1 10] [--folder DIR]          # make bench-memory

Real utterances of several corpora are joined with pauses of faint noise, again from the beginning where they are
used up; their true texts are the transcript. A stage's figure is the largest resident size while it was the newest.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from contextlib import suppress
from itertools import cycle
from pathlib import Path

import numpy as np
import soundfile

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))

from support import corpora  # noqa: E402

CORPORA = ("librispeech-dev-clean", "librispeech-train-3-speakers", "ljspeech", "kathleen")
STAGES = ("emit", "align", "measure", "segment", "write")


def build(folder: Path, data: Path, hours: float) -> Path:
    """Write a recording of so many hours and its manifest; what is there already is kept."""
    name = f"talk-{hours:g}h"
    manifest = folder / f"{name}.jsonl"
    if manifest.exists():
        return manifest
    folder.mkdir(parents=True, exist_ok=True)
    chance = np.random.default_rng(0)
    rate_hz, wanted = corpora.SAMPLE_RATE_HZ, int(hours * 3600 * corpora.SAMPLE_RATE_HZ)
    utterances = [
        (data / corpus / entry["audio_filepath"], entry["text"])
        for corpus in CORPORA
        for line in (data / corpus / "manifest.jsonl").read_text(encoding="utf-8").splitlines()
        if (entry := json.loads(line)).get("text")
    ]
    words: list[str] = []
    written = 0
    with soundfile.SoundFile(folder / f"{name}.flac", "w", rate_hz, 1, "PCM_16") as file:
        for path, text in cycle(utterances):
            if written >= wanted:
                break
            pause_N = chance.standard_normal(int(chance.uniform(0.15, 1.2) * rate_hz)) * 1e-3
            for block_N in (pause_N.astype(np.float32), corpora.decode_utterance(path)):
                file.write(block_N)
                written += len(block_N)
            words.append(text)
    entry = {"id": name, "audio_filepath": f"{name}.flac", "text": " ".join(words)}
    manifest.write_text(json.dumps(entry) + "\n", encoding="utf-8")
    return manifest


def peaks(manifest: Path, out: Path, *extra: str) -> dict[str, float]:
    """Peak resident size in MB of a run, and of each stage of it.

    Raises:
        CalledProcessError: the run did not end with 0.
    """
    command = [
        sys.executable,
        "-m",
        "prep_corpus.jobs.cli",
        "run",
        str(manifest),
        "--out",
        str(out),
        "--quiet",
    ]
    command += extra
    found: dict[str, float] = {}
    process = subprocess.Popen(command)
    while process.poll() is None:
        with suppress(OSError, KeyError):
            fields = dict(
                line.split(":", 1)
                for line in Path(f"/proc/{process.pid}/status").read_text().splitlines()
                if ":" in line
            )
            now = next((one for one in reversed(STAGES) if _begun(out, one)), "start")
            size = int(fields["VmRSS"].split()[0]) / 1000
            found[now] = max(found.get(now, 0.0), size)
            found["peak"] = max(found.get("peak", 0.0), int(fields["VmHWM"].split()[0]) / 1000)
        time.sleep(0.05)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)
    return found


def _begun(out: Path, stage: str) -> bool:
    """Whether the stage before has put its file down."""
    at = STAGES.index(stage)
    before = "bundles" if at == 0 else STAGES[at - 1]
    return any((out / "work" / before).glob("[!.]*"))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--hours", type=float, nargs="+", default=[1.0, 10.0])
    parser.add_argument("--folder", type=Path, default=ROOT / "bench" / "memory")
    parser.add_argument("--option", action="append", default=[], help="of the run, given on")
    shared = Path(os.environ.get("PREP_CORPUS_SHARED", ROOT.parent / "shared"))
    parser.add_argument("--data", type=Path, default=shared / "data")
    given = parser.parse_args()
    for hours in given.hours:
        manifest = build(given.folder, given.data, hours)
        out = given.folder / f"run-{hours:g}h"
        began = time.monotonic()
        found = peaks(manifest, out, *given.option)
        shown = ", ".join(f"{stage} {size:.0f}" for stage, size in found.items() if stage != "peak")
        print(
            f"{hours:g} h: peak {found['peak']:.0f} MB ({shown}), {time.monotonic() - began:.0f} s",
            flush=True,
        )


if __name__ == "__main__":
    main()
