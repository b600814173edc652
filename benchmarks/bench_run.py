"""CPU seconds an hour of audio of every stage of a whole run, on one worker, on real speech where it is at hand.

python benchmarks/bench_run.py [MANIFEST] [--model NAME]
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import sys
import tempfile
import time
from pathlib import Path

import soundfile

ROOT = Path(__file__).resolve().parents[1]


def run_once(manifest: str, model: str, out: str, extra: list[str]) -> None:
    """A whole run in this process, so that its board of counters can be read."""
    from prep_corpus.jobs.cli import main

    main(
        ["run", manifest, "--out", out, "--model", model, "--workers", "1", "--quiet", *extra],
        standalone_mode=False,
    )


def measure(manifest: str, model: str, extra: list[str]) -> None:
    """Print the table."""
    from prep_corpus.pipeline.progress import BOARD, STAGES

    with tempfile.TemporaryDirectory() as folder:
        out = str(Path(folder) / "run")
        cpu, wall = time.process_time(), time.perf_counter()
        run_once(manifest, model, out, extra)
        cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
        outcome = json.loads(Path(out, "outcome.json").read_text())
    board = BOARD.snapshot()
    hours = outcome["ledgers"]["samples"]["decoded"] / outcome["sample_rate_hz"] / 3600
    print(f"{manifest}: {hours:.3f} hours, model {model}, one worker")
    print(f"{'stage':12}{'CPU s':>10}{'CPU s / hour':>15}")
    named = 0.0
    for stage in STAGES:
        seconds = board[stage].cpu_seconds if stage in board else 0.0
        named += seconds
        print(f"{stage:12}{seconds:10.2f}{seconds / hours:15.2f}")
    print(f"{'Beam, rest':12}{cpu - named:10.2f}{(cpu - named) / hours:15.2f}")
    besides = cpu - board["emit"].cpu_seconds
    print(f"{'all':12}{cpu:10.2f}{cpu / hours:15.2f}")
    print(f"besides emit: {besides / hours:.2f} CPU s an hour; {wall:.1f} s of wall time")
    print(f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")
    decode(manifest, hours)


def decode(manifest: str, hours: float) -> None:
    """The share of emit that is decoding, measured alone."""
    from prep_corpus.align.audio import decode as audio
    from prep_corpus.align.errors import DeadLetter
    from prep_corpus.pipeline.inputs.manifests import read_manifest
    from prep_corpus.pipeline.storage import files

    began = time.process_time()
    for recording in read_manifest(manifest):
        if not isinstance(recording, DeadLetter):
            with files.open_binary(recording.audio_uri) as file:
                for _ in audio.decode(file, name=recording.id, sample_rate_hz=16_000):
                    pass
    seconds = (time.process_time() - began) / hours
    print(f"decoding alone, which emit and segment each do once: {seconds:.2f} CPU s an hour")


def build_real(folder: Path) -> str:
    """Fifteen minutes of real speech with a corrupted transcript where it is at hand; else the demo corpus."""
    sys.path.insert(0, str(ROOT / "tests"))
    from support import corpora

    shared = Path(os.environ.get("PREP_CORPUS_SHARED", ROOT.parent / "shared"))
    data = shared / "data" / corpora.DEV_CLEAN
    if not data.is_dir():
        print(f"no real speech at {data}, so the demo corpus is measured")
        return str(ROOT / "demo" / "manifest.jsonl")
    recording = corpora.build_recording(data, recording_id="real", speakers=("84", "2902"))
    soundfile.write(folder / "real.flac", recording.audio_N, recording.sample_rate_hz)
    entry = {"audio_filepath": "real.flac", "text": corpora.corrupt(recording, seed=0).text}
    (folder / "manifest.jsonl").write_text(json.dumps(entry) + "\n")
    return str(folder / "manifest.jsonl")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("manifest", nargs="?")
    parser.add_argument("--model", default="english")
    parser.add_argument("--filter")
    arguments = parser.parse_args()
    rest = ["--filter", arguments.filter] if arguments.filter else []
    with tempfile.TemporaryDirectory() as scratch:
        measure(arguments.manifest or build_real(Path(scratch)), arguments.model, rest)
