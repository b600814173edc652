"""`prep-corpus run` on long real recordings with known truth: kept share, word errors, memory, ledgers.

    python tests/bench/bench_real.py --model quartznet:acoustic_model [--filter FILE] [--seeds 1] [--folder DIR]

Two recordings of the LibriSpeech dev-clean chapters, of about 70 and 15 minutes and of different speakers, are
joined, their transcripts corrupted by the recipe of tests/corpora.py. The times of the true words come from an
alignment of the true text. With --filter-70 and --filter-15 each recording gets a filter of its own, fitted on other
speakers.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import soundfile

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))

import corpora  # noqa: E402
from measures import KeptUtterance, Tally, tally  # noqa: E402

SHORT_SPEAKERS = ("84", "2902")
COMMAND = [sys.executable, "-m", "prep_corpus.jobs.cli"]


def call(*arguments: str) -> None:
    subprocess.run([*COMMAND, *arguments], check=True)


def build(
    folder: Path, data: Path, name: str, speakers: tuple[str, ...], seeds: int
) -> corpora.LongRecording:
    """Write a recording, its true text and its corrupted ones."""
    recording = corpora.build_recording(data, recording_id=name, speakers=speakers)
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / f"{name}.flac").exists():
        soundfile.write(folder / f"{name}.flac", recording.audio_N, recording.sample_rate_hz)
    texts = {"truth": " ".join(recording.words)}
    texts.update({f"seed{seed}": corpora.corrupt(recording, seed=seed).text for seed in range(seeds)})
    for kind, text in texts.items():
        entry = {"id": name, "audio_filepath": f"{name}.flac", "text": text, "speaker": recording.speaker}
        (folder / f"{name}-{kind}.jsonl").write_text(json.dumps(entry) + "\n")
    return recording


def measured(out: Path, name: str, recording: corpora.LongRecording) -> Tally:
    """Compare a run's shards with the truth."""
    lines = [json.loads(line) for line in (out / f"{name}.jsonl").read_text().splitlines()]
    words = [line for line in lines if "word" in line]
    assert len(words) == len(recording.words)
    middles = np.array([(word["start"] + word["end"]) / 2 for word in words])
    listed = json.loads((out / "manifest.json").read_text())["formats"]["parquet"]
    rows = [row for shard in listed for row in pq.read_table(out / shard["path"]).to_pylist()]
    kept = [
        KeptUtterance(
            start_seconds=row["start"], end_seconds=row["end"], words=tuple(row["text_normalized"].split())
        )
        for row in rows
    ]
    return tally(kept, recording.words, middles)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default="english")
    parser.add_argument("--filter", help="for both recordings")
    parser.add_argument("--filter-70", help="for the 70-minute recording, fitted on other speakers")
    parser.add_argument("--filter-15", help="for the 15-minute recording, fitted on other speakers")
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--max-wer", default="0.01")
    parser.add_argument("--folder", type=Path, default=ROOT / "bench" / "real")
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data" / corpora.DEV_CLEAN)
    options = parser.parse_args()
    long_speakers = tuple(s for s in corpora.DEV_CLEAN_SPEAKERS if s not in SHORT_SPEAKERS)
    everything = Tally()
    for name, speakers in (("long70", long_speakers), ("long15", SHORT_SPEAKERS)):
        recording = build(options.folder, options.data, name, speakers, options.seeds)
        out = options.folder / f"{name}-{options.model.replace(':', '-').replace('/', '-')}"
        call("align", str(options.folder / f"{name}-truth.jsonl"), "--out", str(out), "--model", options.model,
             "--format", "jsonl", "--quiet")  # fmt: skip
        fitted = (options.filter_70 if name == "long70" else options.filter_15) or options.filter
        for seed in range(options.seeds):
            call("run", str(options.folder / f"{name}-seed{seed}.jsonl"), "--out", str(out), "--model", options.model,
                 "--max-wer", options.max_wer, "--force", *(["--filter", fitted] if fitted else []),
                 "--quiet")  # fmt: skip
            counts = measured(out, name, recording)
            everything += counts
            outcome = json.loads((out / "outcome.json").read_text())
            for ledger, total in (("samples", "decoded"), ("characters", "read")):
                parts = dict(outcome["ledgers"][ledger])
                assert parts.pop(total) == sum(parts.values()), f"the ledger of {ledger} does not add up"
            minutes = len(recording.audio_N) / recording.sample_rate_hz / 60
            print(
                f"{name} ({minutes:.1f} min), seed {seed}: {_shown(counts)}; both ledgers add up", flush=True
            )
    print(f"all: {_shown(everything)}")
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    print(f"peak memory of any command: {peak:.0f} MB")


def _shown(counts: Tally) -> str:
    return (
        f"{counts.kept_share:.1%} of the spoken words kept at {counts.wer:.2%} WER, {counts.utterances} utterances "
        f"of {counts.mean_seconds:.2f} s"
    )


if __name__ == "__main__":
    main()
