"""`prep-corpus run` on long real recordings with known truth: kept share, word errors, memory, ledgers.

    python benchmarks/quality/bench_real.py [--model quartznet:acoustic_model] [--seeds 1] [--folder DIR]

Two recordings of the LibriSpeech dev-clean chapters, of about 70 and 15 minutes and of different speakers, are
joined, their transcripts corrupted by the recipe of tests/support/corpora.py. Each gets a filter fitted on the speakers
of the other. The times of the true words come from an alignment of the true text.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import soundfile

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))

from support import corpora  # noqa: E402
from support.measures import KeptUtterance, Tally, tally  # noqa: E402

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


def fit_on_others(folder: Path, cache: Path, model: str, seeds: int) -> dict[str, Path]:
    """For each recording a filter that was fitted on the speakers of the other."""
    import quality

    from prep_corpus.filters.linear import save_filter

    wanted = {"long70": folder / "others-of-70.json", "long15": folder / "others-of-15.json"}
    if all(path.exists() for path in wanted.values()):
        return wanted
    arguments = quality.settings(cache=cache, model=model, corpus="dev-clean", seeds=seeds, hard_seeds=1)
    corpus = quality.build(arguments, arguments.model)
    options = quality.cut_options(corpus.info, arguments)
    short = {i for i, case in enumerate(corpus.cases) if case.group.split("-")[-1] in SHORT_SPEAKERS}
    assert 0 < len(short) < len(corpus.cases)
    others = sorted(set(range(len(corpus.cases))) - short)
    for name, indices in (("long70", sorted(short)), ("long15", others)):
        save_filter(quality.fit(corpus, indices, options, f"speakers not in {name}"), wanted[name])
    return wanted


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
    parser.add_argument("--model", default="quartznet:acoustic_model")
    parser.add_argument("--cache", type=Path, default=ROOT / "build" / "quality", help="of tests/quality.py")
    parser.add_argument("--fit-seeds", type=int, default=5)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--max-wer", default="0.01")
    parser.add_argument("--folder", type=Path, default=ROOT / "bench" / "real")
    shared = Path(os.environ.get("PREP_CORPUS_SHARED", ROOT.parent / "shared"))
    parser.add_argument("--data", type=Path, default=shared / "data" / corpora.DEV_CLEAN)
    options = parser.parse_args()
    long_speakers = tuple(s for s in corpora.DEV_CLEAN_SPEAKERS if s not in SHORT_SPEAKERS)
    options.folder.mkdir(parents=True, exist_ok=True)
    filters = fit_on_others(options.folder, options.cache, options.model, options.fit_seeds)
    everything = Tally()
    for name, speakers in (("long70", long_speakers), ("long15", SHORT_SPEAKERS)):
        recording = build(options.folder, options.data, name, speakers, options.seeds)
        out = options.folder / f"{name}-{options.model.replace(':', '-').replace('/', '-')}"
        call("align", str(options.folder / f"{name}-truth.jsonl"), "--out", str(out), "--model", options.model,
             "--format", "jsonl", "--quiet")  # fmt: skip
        for seed in range(options.seeds):
            call("run", str(options.folder / f"{name}-seed{seed}.jsonl"), "--out", str(out), "--model", options.model,
                 "--max-wer", options.max_wer, "--force", "--filter", str(filters[name]),
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
