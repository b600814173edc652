"""The cost of writing: decode, mix, encode and write, against plain soundfile and pyarrow loops, and WebDataset.

    python benchmarks/cost/bench_write.py [--hours 1.0] [--memory-hours 20] [--rounds 3]

Both sides do the same work on the same clips: decode each FLAC clip that gets noise, mix, encode it, and write every
row. CPU seconds are of this process, the best of the rounds; the sides take turns. WebDataset's writer is compared
where it can be imported. Memory is the largest resident set of a process of its own that writes 20 hours.
"""

from __future__ import annotations

import argparse
import io
import json
import math
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import soundfile
from speech_clips import RATE_HZ, real_bank, repeated, rows

from prep_corpus.align.audio import decode as audio
from prep_corpus.augment.bank import NoiseBank
from prep_corpus.augment.mix import mix, noise_json
from prep_corpus.augment.plan import MixPlan, NoiseOptions, plan_noise
from prep_corpus.pipeline.shards.encoding import encode_audio
from prep_corpus.pipeline.shards.rows import Utterance, arrow_schema, to_fields
from prep_corpus.pipeline.shards.sinks import FORMATS, ROW_GROUP_BYTES, DigestingFile, open_sink

PARQUET_LIMIT = 1.3


class Stopwatch:
    """CPU seconds by name."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    def run(self, name: str, work: Callable[[], object]) -> object:
        begin = time.process_time()
        result = work()
        self.seconds[name] = self.seconds.get(name, 0.0) + time.process_time() - begin
        return result


def plans_of(corpus: list[Utterance], bank: NoiseBank) -> dict[str, MixPlan]:
    plans = (
        (
            row.id,
            plan_noise(seed=0, utterance_id=row.id, samples=row.samples, bank=bank, options=NoiseOptions()),
        )
        for row in corpus
    )
    return {identifier: plan for identifier, plan in plans if plan is not None}


def ours(corpus: list[Utterance], bank: NoiseBank, plans: dict[str, MixPlan], out: Path) -> Stopwatch:
    """The stages of this project, each timed."""
    watch = Stopwatch()
    speech = watch.run(
        "decode", lambda: {row.id: audio.decode_clip(row.audio)[0] for row in corpus if row.id in plans}
    )
    assert isinstance(speech, dict)
    mixed = watch.run(
        "mix",
        lambda: {name: mix(speech[name], plan, bank, utterance_id=name) for name, plan in plans.items()},
    )
    assert isinstance(mixed, dict)
    encoded = watch.run(
        "encode", lambda: {name: encode_audio(both[0], RATE_HZ) for name, both in mixed.items()}
    )
    assert isinstance(encoded, dict)

    def write() -> None:
        with open(out, "wb") as file:
            sink = open_sink("parquet", [DigestingFile(file)])
            for row in corpus:
                if row.id in plans:
                    note = noise_json(plans[row.id], mixed[row.id][1])
                    row = replace(row, audio=encoded[row.id], noise=note, snr_db=plans[row.id].snr_db)
                sink.write(row)
            sink.close()

    watch.run("write", write)
    return watch


def plain(corpus: list[Utterance], bank: NoiseBank, plans: dict[str, MixPlan], out: Path) -> Stopwatch:
    """What anybody would write by hand with soundfile, numpy and pyarrow."""
    watch = Stopwatch()
    noises = {clip.digest: clip.samples_N.astype(np.float32) / 32768 for clip in bank.clips}
    speech = watch.run(
        "decode",
        lambda: {
            row.id: soundfile.read(io.BytesIO(row.audio), dtype="float32")[0]
            for row in corpus
            if row.id in plans
        },
    )
    assert isinstance(speech, dict)

    def add(name: str, plan: MixPlan) -> np.ndarray:
        clean = speech[name]
        noise = np.zeros(clean.size, np.float32)
        for part in plan.parts:
            clip = noises[part.digest]
            piece = np.resize(np.roll(clip, -part.offset_samples), clean.size)
            noise += piece / np.sqrt(np.mean(piece**2)) * 10 ** (part.gain_db / 20)
        frames = clean[: clean.size // 320 * 320].reshape(-1, 320)
        power = (frames**2).mean(1)
        speech_power = power[power > power.max() / 1000].mean()
        gain = math.sqrt(speech_power / (np.mean(noise**2) * 10 ** (plan.snr_db / 10)))
        result = clean + gain * noise
        return result / max(1.0, float(np.abs(result).max()))

    mixed = watch.run("mix", lambda: {name: add(name, plan) for name, plan in plans.items()})
    assert isinstance(mixed, dict)

    def encode(samples_N: np.ndarray) -> bytes:
        buffer = io.BytesIO()
        soundfile.write(buffer, samples_N, RATE_HZ, format="FLAC", subtype="PCM_16")
        return buffer.getvalue()

    encoded = watch.run("encode", lambda: {name: encode(samples_N) for name, samples_N in mixed.items()})
    assert isinstance(encoded, dict)

    def write() -> None:
        schema = arrow_schema()
        with pq.ParquetWriter(out, schema) as writer:
            pending: list[dict[str, object]] = []
            size = 0
            for row in corpus:
                data = encoded.get(row.id, row.audio)
                pending.append({**to_fields(row), "audio": {"bytes": data, "path": row.audio_path}})
                size += len(data)
                if size > ROW_GROUP_BYTES:
                    writer.write_table(pa.Table.from_pylist(pending, schema=schema))
                    pending, size = [], 0
            writer.write_table(pa.Table.from_pylist(pending, schema=schema))

    watch.run("write", write)
    return watch


def webdataset_seconds(corpus: list[Utterance], out: Path) -> tuple[float, float] | None:
    """CPU seconds of WebDataset's own writer and of ours, on the same clips."""
    try:
        import webdataset
    except ImportError:
        return None
    begin = time.process_time()
    with webdataset.TarWriter(str(out)) as writer:
        for row in corpus:
            writer.write({"__key__": row.audio_path[:-5], "flac": row.audio, "json": to_fields(row)})
    theirs = time.process_time() - begin
    begin = time.process_time()
    with open(out, "wb") as file:
        sink = open_sink("webdataset", [DigestingFile(file)])
        for row in corpus:
            sink.write(row)
        sink.close()
    return theirs, time.process_time() - begin


def peak_memory_mb(hours: float) -> dict[str, float]:
    """The largest resident set while one shard of every format is written, against that before the first row."""
    command = [sys.executable, __file__, "--measure-memory", str(hours)]
    result: dict[str, float] = json.loads(
        subprocess.run(command, check=True, capture_output=True, text=True).stdout
    )
    return result


def largest_resident_mb() -> float:
    """Of this process alone: getrusage would count what its parent had when it forked."""
    status = Path("/proc/self/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith("VmHWM")).split()[1]) / 1024


def measure_memory(hours: float) -> None:
    bank = real_bank()
    few = rows(0.25)
    before = largest_resident_mb()
    with tempfile.TemporaryDirectory() as folder:
        files = [open(Path(folder) / str(number), "wb") for number in range(5)]  # noqa: SIM115
        sinks = [
            open_sink(
                name, [DigestingFile(file) for file in (files[3:] if name == "shar" else [files[number]])]
            )
            for number, name in enumerate(FORMATS)
        ]
        written = 0.0
        turn = 0
        while written < hours * 3600:
            for row in repeated(few, 0.25):
                row = replace(row, id=f"{turn}-{row.id}")
                plan = plan_noise(
                    seed=0, utterance_id=row.id, samples=row.samples, bank=bank, options=NoiseOptions()
                )
                if plan is not None:
                    mixed_N, report = mix(audio.decode_clip(row.audio)[0], plan, bank, utterance_id=row.id)
                    row = replace(
                        row,
                        audio=encode_audio(mixed_N, RATE_HZ),
                        noise=noise_json(plan, report),
                        snr_db=plan.snr_db,
                    )
                for sink in sinks:
                    sink.write(row)
                written += row.duration
            turn += 1
        for sink in sinks:
            sink.close()
        size = sum(file.tell() for file in files)
        for file in files:
            file.close()
    after = largest_resident_mb()
    print(json.dumps({"hours": written / 3600, "before": before, "peak": after, "written": size / 1e6}))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hours", type=float, default=1.0)
    parser.add_argument("--memory-hours", type=float, default=20.0)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--measure-memory", type=float, default=0.0)
    options = parser.parse_args()
    if options.measure_memory:
        measure_memory(options.measure_memory)
        return
    bank, corpus = real_bank(), rows(options.hours)
    hours = sum(row.duration for row in corpus) / 3600
    plans = plans_of(corpus, bank)
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "shard"
        best: dict[str, dict[str, float]] = {"ours": {}, "plain": {}}
        for _ in range(options.rounds):
            for side, work in (("ours", ours), ("plain", plain)):
                for name, seconds in work(corpus, bank, plans, out).seconds.items():
                    best[side][name] = min(best[side].get(name, math.inf), seconds)
                megabytes = out.stat().st_size / 1e6
        tar = webdataset_seconds(corpus, out)
    print(
        f"{hours:.2f} h in {len(corpus)} utterances, {len(plans)} with noise, {megabytes:.0f} MB of Parquet"
    )
    print(f"{'CPU s per hour':16}{'decode':>9}{'mix':>9}{'encode':>9}{'write':>9}{'all':>9}{'MB/s':>9}")
    for side, seconds in best.items():
        total = sum(seconds.values())
        cells = [value / hours for value in (*seconds.values(), total)]
        print(f"{side:16}" + "".join(f"{value:9.3f}" for value in cells) + f"{megabytes / total:9.1f}")
    ratio = sum(best["ours"].values()) / sum(best["plain"].values())
    print(f"ours / plain: {ratio:.2f}, at most {PARQUET_LIMIT}")
    if tar is not None:
        print(f"tar of the same clips: WebDataset's writer {tar[0]:.3f} s, ours {tar[1]:.3f} s")
    memory = peak_memory_mb(options.memory_hours)
    print(
        f"memory while writing {memory['hours']:.1f} h as all four formats ({memory['written']:.0f} MB): "
        f"peak {memory['peak']:.0f} MB, {memory['before']:.0f} MB before the first row"
    )
    if ratio > PARQUET_LIMIT or memory["peak"] > 500:
        sys.exit(1)


if __name__ == "__main__":
    main()
