"""What a stage costs, what the model of a cluster says of it, and what large corpora need by that model.

python benchmarks/cost/bench_scale.py [--minutes 7] [--rounds 3] [--flink]

Three corpora of the demo's speech are run on one worker: long recordings, each a bundle of its own, and the same cut
into clips of 10 seconds and of 3, several in a bundle. Together they give the cost of an hour, of a recording and of a
bundle on a core whose neighbours rest. Programs of one worker each, one on every core and nothing in common but the
machine, say how much longer a core takes where all of them work. The model's word is then compared with local runs on
one and two workers and, with --flink, with runs on one and two slots. All of it is done in rounds, by turns, and
medians count.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import soundfile
from scipy.optimize import lsq_linear

from prep_corpus.align.audio import decode as audio
from prep_corpus.jobs.submit.scale import (
    BundleSize,
    Cost,
    Costs,
    Machines,
    Need,
    cut_corpus,
    local_seconds,
    simulate,
)

ROOT = Path(__file__).resolve().parents[2]
DEMO = ROOT / "demo"
RATE_HZ = 16_000
LONG_BUNDLES = 8
CLIP_SECONDS = {"clips": 10, "short clips": 3}
PUBLISHED_REAL_TIMES = {
    "Granite 5 TurboCTC on one H200, in batches": 12_600.0,
    "GigaAM v3 CTC on one RTX 5070 Ti": 1_370.0,
}
"""Hours of audio that their makers say a GPU takes in an hour; none of them was measured here."""
SHARD_BYTES = 256e6
LOCAL = ("run", "--no-report", "--workers")
STAGES = ("emit", "align", "measure", "segment", "write")


@dataclass(frozen=True, kw_only=True)
class Ran:
    """A run that was measured: hours, recordings, bundles, CPU seconds by stage, bytes by kind, wall time."""

    hours: float
    recordings: int
    bundles: int
    stages: dict[str, float]
    sizes: dict[str, float]
    objects: int
    wall_seconds: float


def build(folder: Path, seconds: float) -> dict[str, Path]:
    """The manifests of the three corpora."""
    speech, words = [], []
    for entry in map(json.loads, (DEMO / "manifest.jsonl").read_text().splitlines()):
        with open(DEMO / entry["audio_filepath"], "rb") as file:
            speech.append(np.concatenate(list(audio.decode(file, name=entry["id"], sample_rate_hz=RATE_HZ))))
        words.append((DEMO / entry["text_filepath"]).read_text().split())
    samples_N = np.resize(np.concatenate(speech), round(seconds * RATE_HZ))
    share = len(samples_N) / sum(len(one) for one in speech)
    text = [word for one in words for word in one]
    text = (text * (int(share) + 1))[: round(len(text) * share)]
    rows: dict[str, list[dict[str, object]]] = {"recordings": [], **{name: [] for name in CLIP_SECONDS}}
    for number in range(LONG_BUNDLES):
        soundfile.write(folder / f"long-{number}.flac", samples_N, RATE_HZ)
        rows["recordings"].append({"audio_filepath": f"long-{number}.flac", "text": " ".join(text)})
        for corpus, clip_seconds in CLIP_SECONDS.items():
            clips = round(seconds / clip_seconds)
            for clip in range(clips):
                name = f"{clip_seconds}-{number}-{clip}.flac"
                piece_N = samples_N[clip * clip_seconds * RATE_HZ : (clip + 1) * clip_seconds * RATE_HZ]
                soundfile.write(folder / name, piece_N, RATE_HZ)
                said = text[clip * len(text) // clips : (clip + 1) * len(text) // clips]
                rows[corpus].append({"audio_filepath": name, "text": " ".join(said)})
    manifests = {}
    for corpus, entries in rows.items():
        manifests[corpus] = folder / f"{corpus.replace(' ', '-')}.jsonl"
        manifests[corpus].write_text("".join(json.dumps(entry) + "\n" for entry in entries))
    return manifests


def run(manifest: Path, out: Path, command: Sequence[str]) -> Ran:
    """Run, and read what the run folder tells."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    began = time.monotonic()
    subprocess.run(
        [sys.executable, "-m", "prep_corpus.jobs.cli", *command, str(manifest), "--out", str(out), "--quiet"],
        check=True,
        env=environment,
        stdout=subprocess.DEVNULL,
    )
    wall = time.monotonic() - began
    outcome = json.loads((out / "outcome.json").read_text())
    stages = json.loads((out / "status.json").read_text())["stages"]
    hours = outcome["ledgers"]["samples"]["decoded"] / outcome["sample_rate_hz"] / 3600
    entries = [json.loads(line) for line in manifest.read_text().splitlines()]
    stored = {"emissions": "emit", "alignments": "align", "segments": "segment"}
    sizes: dict[str, float] = {
        name: sum(path.stat().st_size for path in (out / "work" / stage).glob("*.parquet"))
        for name, stage in stored.items()
    }
    sizes["clips"] = sum(path.stat().st_size for path in (out / "work" / "segment").glob("*.clips"))
    sizes["shards"] = sum(path.stat().st_size for path in (out / "data").iterdir())
    sizes["audio"] = sum((manifest.parent / entry["audio_filepath"]).stat().st_size for entry in entries)
    per_bundle = [path for path in (out / "work").rglob("*") if path.suffix in (".parquet", ".clips")]
    return Ran(
        hours=hours,
        recordings=len(entries),
        bundles=len(list((out / "work" / "emit").glob("*.parquet"))),
        stages={stage: stages.get(stage, {}).get("cpu_seconds", 0.0) for stage in STAGES},
        sizes=sizes,
        objects=len(per_bundle),
        wall_seconds=wall,
    )


def median_of(runs: Sequence[Ran]) -> Ran:
    """The first of several runs of one corpus, with the medians of all."""
    stages = {stage: statistics.median(ran.stages[stage] for ran in runs) for stage in STAGES}
    wall = statistics.median(ran.wall_seconds for ran in runs)
    return replace(runs[0], stages=stages, wall_seconds=wall)


def side_by_side(manifest: Path, folder: Path, programs: int) -> list[Ran]:
    """Programs of one worker each, at the same time."""
    with ThreadPoolExecutor(programs) as pool:
        outs = [folder / f"program-{number}" for number in range(programs)]
        return list(pool.map(lambda out: run(manifest, out, [*LOCAL, "1"]), outs))


@dataclass(frozen=True, kw_only=True)
class Round:
    """What is run in turn.

    Attributes:
        corpora: each on one worker.
        together: the long recordings, by a program on every core.
        checks: the long recordings again, by workers.
    """

    corpora: dict[str, Ran]
    together: list[Ran]
    checks: dict[int, Ran]

    def slowdown(self) -> dict[str, float]:
        """CPU seconds of a stage where all cores work, by those where one does."""

        def ratio(*stages: str) -> float:
            alone = sum(self.corpora["recordings"].stages[stage] for stage in stages)
            return (
                statistics.mean(sum(ran.stages[stage] for stage in stages) for ran in self.together) / alone
            )

        return {
            "emit": ratio("emit"),
            "align": ratio("align", "measure"),
            "segment": ratio("segment"),
            "write": ratio("write"),
        }


def measure(manifests: dict[str, Path], folder: Path, cores: int) -> Round:
    """One round."""
    long = manifests["recordings"]
    return Round(
        corpora={name: run(manifest, folder / name, [*LOCAL, "1"]) for name, manifest in manifests.items()},
        together=side_by_side(long, folder, cores),
        checks={
            workers: run(long, folder / f"check-{workers}", [*LOCAL, str(workers)]) for workers in (1, 2)
        },
    )


def decoding_seconds(manifest: Path) -> float:
    """CPU seconds of decoding a corpus once."""
    began = time.process_time()
    for line in manifest.read_text().splitlines():
        with open(manifest.parent / json.loads(line)["audio_filepath"], "rb") as file:
            for _ in audio.decode(file, name=line, sample_rate_hz=RATE_HZ):
                pass
    return time.process_time() - began


def probing_seconds(manifest: Path) -> float:
    """CPU seconds of reading a manifest and probing its recordings, for each."""
    from prep_corpus.pipeline.inputs.manifests import read_manifest
    from prep_corpus.pipeline.inputs.probe import FingerprintCache, probe_all

    cache = FingerprintCache(str(manifest.parent / "none.json"))
    began = time.process_time()
    count = sum(1 for _ in probe_all(read_manifest(str(manifest)), cache))
    return (time.process_time() - began) / count


def fit(recordings: Ran, clips: Ran, short: Ran, decode: float, probe: float) -> Costs:
    """The costs, none below 0, that explain the three runs best."""
    runs = (recordings, clips, short)

    def cost(*stages: str) -> Cost:
        counts = np.array([(ran.hours, ran.recordings, ran.bundles) for ran in runs])
        # Hours and recordings count in thousands of each other.
        scale = counts.max(axis=0)
        seconds = np.array([sum(ran.stages[s] for s in stages) for ran in runs])
        per_hour, per_recording, per_bundle = (
            lsq_linear(counts / scale, seconds, (0, np.inf), method="bvls").x / scale
        )
        return Cost(per_hour=per_hour, per_recording=per_recording, per_bundle=per_bundle)

    hours = recordings.hours
    emit = cost("emit")
    return Costs(
        probe=Cost(per_hour=0.0, per_recording=probe),
        decode=Cost(per_hour=decode / hours),
        model=Cost(
            per_hour=max(0.0, emit.per_hour - decode / hours),
            per_recording=emit.per_recording,
            per_bundle=emit.per_bundle,
        ),
        align=cost("align", "measure"),
        segment=cost("segment"),
        write=Cost(per_hour=recordings.stages["write"] / hours),
        bytes_per_hour={name: size / hours for name, size in recordings.sizes.items()},
    )


def print_costs(costs: Costs) -> None:
    """The table of costs."""
    print(f"\n{'CPU seconds':12}{'an hour':>10}{'a recording':>14}{'a bundle':>11}")
    for name in ("probe", "decode", "model", "align", "segment", "write"):
        cost: Cost = getattr(costs, name)
        print(f"{name:12}{cost.per_hour:10.2f}{cost.per_recording:14.4f}{cost.per_bundle:11.2f}")
    print(
        "MB an hour: " + ", ".join(f"{name} {size / 1e6:.1f}" for name, size in costs.bytes_per_hour.items())
    )


def print_need(title: str, need: Need) -> None:
    """One row of what a corpus needs."""
    print(
        f"{title:44}{need.bundles:9,}{need.gpu_hours:9,.1f}{need.cpu_hours:10,.0f}{need.read_bytes / 1e12:9.2f}"
        f"{need.written_bytes / 1e12:9.2f}{need.objects:11,}{need.wall_hours:9.2f}"
    )


def print_large(costs: Costs) -> None:
    """1,000 and 100,000 hours, on 8 and 256 GPUs, in long files and in clips, by published rates of models."""
    columns = (
        f"{'bundles':>9}{'GPU h':>9}{'CPU h':>10}{'TB read':>9}{'written':>9}{'objects':>11}{'wall h':>9}"
    )
    for model, real_time in PUBLISHED_REAL_TIMES.items():
        print(f"\n{model}, {real_time:,.0f} times real time\n{'':44}{columns}")
        for hours in (1_000, 100_000):
            for seconds, name in ((3600.0, "hour-long files"), (10.0, "10-second clips")):
                corpus = cut_corpus(hours, seconds)
                for gpus in (8, 256):
                    machines = Machines(gpus=gpus, cores=8 * gpus, gpu_real_time=real_time, start_seconds=60)
                    title = f"{hours:,} h of {name}, {gpus} GPUs"
                    print_need(title, simulate(corpus, costs, machines, SHARD_BYTES))


def compare(name: str, predicted_seconds: float, runs: Sequence[Ran]) -> None:
    """Runs beside what the model says of them, and how many processes wanted the machine's cores at their end."""
    walls = sorted(ran.wall_seconds for ran in runs)
    wall = statistics.median(walls)
    stages = statistics.median(sum(ran.stages.values()) for ran in runs)
    print(
        f"{name:20}{predicted_seconds:11.1f}{wall:11.1f}  {f'{walls[0]:.1f} to {walls[-1]:.1f}':16}"
        f"{predicted_seconds / wall:7.2f}{stages:13.1f}{os.getloadavg()[0]:7.1f}"
    )


def flink_runs(manifest: Path, folder: Path, alone: Costs, crowded: Costs, shape: list[BundleSize]) -> None:
    """The same corpus on Flink, on one slot and on two."""
    sys.path.insert(0, str(ROOT / "tests" / "cluster"))
    from flink import worker_pool
    from flink_cluster import Cluster, Unavailable, fetch_jars

    try:
        jars = fetch_jars(ROOT / ".flink")
    except Unavailable as error:
        print(f"Flink is not measured: {error}")
        return
    print(jars.versions)
    cluster = Cluster(jars=jars, folder=folder / "flink", slots=1)
    with contextlib.ExitStack() as stack:
        stack.callback(cluster.stop)
        pool = stack.enter_context(worker_pool())
        cluster.start(2)
        start = 0.0
        for slots in (1, 2):
            command = ["submit", "flink", "--master", cluster.master, "--worker-pool", pool]
            command += ["--jar", str(jars.job_server)]
            ran = run(manifest, folder / f"flink-{slots}", [*command, "--workers", str(slots)])
            costs = alone if slots == 1 else crowded
            need = simulate(shape, costs, Machines(gpus=0, cores=slots), SHARD_BYTES)
            if slots == 1:
                start = ran.wall_seconds - need.wall_hours * 3600
                print(f"Flink's own start and barriers, from its first run: {start:.1f} s")
            compare(f"Flink, {slots} slots", start + need.wall_hours * 3600, [ran])


def tell(rounds: Sequence[Round], manifests: dict[str, Path], folder: Path, *, with_flink: bool) -> None:
    """Costs, the model beside the runs, and large corpora."""
    many, clips, short = (median_of([one.corpora[name] for one in rounds]) for name in manifests)
    print(
        f"{many.hours:.3f} hours, one worker, {len(rounds)} rounds: {many.recordings} recordings in "
        f"{many.bundles} bundles, as {clips.recordings} clips in {clips.bundles}, and as {short.recordings} in "
        f"{short.bundles}"
    )
    probe = probing_seconds(manifests["clips"])
    alone = fit(many, clips, short, decoding_seconds(manifests["recordings"]), probe)
    print_costs(alone)
    slowdowns = [one.slowdown() for one in rounds]
    factors = {stage: statistics.median(one[stage] for one in slowdowns) for stage in slowdowns[0]}
    told = ", ".join(f"{stage} {factor:.2f}" for stage, factor in factors.items())
    print(f"CPU seconds where all {os.cpu_count()} cores work, times those where one does: {told}")
    crowded = alone.slowed(factors)
    shape = [BundleSize(hours=many.hours / many.bundles, recordings=1)] * many.bundles
    print(
        f"\n{'wall seconds':20}{'the model':>11}{'measured':>11}  {'least to most':16}{'ratio':>7}"
        f"{'stages, CPU':>13}{'load':>7}"
    )
    for workers in (1, 2):
        predicted = local_seconds(shape, alone, crowded, workers, _rest(many))
        compare(f"local, {workers} workers", predicted, [one.checks[workers] for one in rounds])
    found = simulate(shape, alone, Machines(gpus=0, cores=1), SHARD_BYTES)
    print(f"objects of the bundles: the model says {6 * many.bundles}, {many.objects} found")
    print(
        f"bytes written: the model says {found.written_bytes / 1e6:.1f} MB, {_written(many) / 1e6:.1f} MB found"
    )
    if with_flink:
        flink_runs(manifests["recordings"], folder, alone, crowded, shape)
    print_large(crowded)
    print(
        "(the model's rates are their makers', the rest was measured, with all cores of a machine at work; "
        "8 cores to a GPU, and as many besides)"
    )


def main() -> None:
    """Measure, compare, and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--minutes", type=float, default=7.0, help="Of each of the long recordings.")
    parser.add_argument("--flink", action="store_true", help="Run on Flink too.")
    parser.add_argument("--rounds", type=int, default=3, help="Of all runs by turns.")
    options = parser.parse_args()
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        manifests = build(folder, options.minutes * 60)
        # What is compiled at a machine's first run is no cost of a stage.
        run(DEMO / "manifest.jsonl", folder / "first", [*LOCAL, "1"])
        cores = os.cpu_count() or 1
        rounds = []
        for number in range(options.rounds):
            rounds.append(measure(manifests, folder / f"round-{number}", cores))
            print(f"round {number + 1} of {options.rounds}, load {os.getloadavg()[0]:.1f}", file=sys.stderr)
        tell(rounds, manifests, folder, with_flink=options.flink)


def _rest(ran: Ran) -> float:
    """Seconds that a run on one worker takes besides its stages: start, probing, Beam, and waiting for the disk."""
    return ran.wall_seconds - sum(ran.stages.values())


def _written(ran: Ran) -> float:
    return sum(size for name, size in ran.sizes.items() if name != "audio")


if __name__ == "__main__":
    main()
