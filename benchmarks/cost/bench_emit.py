"""The emit stage: real-time factor and memory on a CPU; on a GPU times real time, how long it waits, and memory.

    python benchmarks/cost/bench_emit.py [--minutes 10] [--rounds 3] [--models english quartznet:acoustic_model]

Models of `onnx_exports.EXPORTED` are exported as well, and run by ONNX Runtime beside torch, on the CPU: with the same
windows, rows and one thread, in rounds of one row of the table after the other; of each row its median round is shown.

Real speech goes through the pipeline's own stage, decoding and storing included, as 16 kHz mono FLAC, as 44.1 kHz
stereo FLAC, both in recordings of at most an hour, and as clips of ten seconds. Each row is a process of its own. On
the CPU it has one thread, and what counts is CPU time; beside a GPU it has every core, bundles are emitted side by
side as in the stage, and the GPU waits whenever no model call is under way on it.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import soundfile
import soxr

ROOT = Path(__file__).resolve().parents[2]
SHARED = Path(os.environ.get("PREP_CORPUS_SHARED", ROOT.parent / "shared"))
SPEECH = ("librispeech-train-3-speakers", "librispeech-train-248-speakers")
RATE_HZ = 16_000
STEREO_HZ = 44_100
CLIP_SECONDS = 10
PART_SECONDS = 3600
KINDS = ("16 kHz mono", "44.1 kHz stereo", "10 s clips")
TARGET_CPU = 0.02  # CPU seconds a second of speech, for the bundled model
TARGET_GPU = 3000


def speech(seconds: int) -> np.ndarray:
    """Real speech, float32 [N]; the demo corpus where none is at hand. It repeats itself when it ends."""
    from prep_corpus.align.audio import decode as audio

    paths = [path for name in SPEECH for path in sorted((SHARED / "data" / name).glob("*.*"))]
    paths = [path for path in paths if path.suffix != ".jsonl"] or sorted((ROOT / "demo/audio").glob("*"))
    pieces: list[np.ndarray] = []
    for path in paths:
        with open(path, "rb") as file:
            pieces.append(np.concatenate(list(audio.decode(file, name=path.name, sample_rate_hz=RATE_HZ))))
        if sum(map(len, pieces)) >= seconds * RATE_HZ:
            break
    return np.resize(np.concatenate(pieces), seconds * RATE_HZ)


def write_material(kind: str, samples_N: np.ndarray, folder: Path) -> None:
    """Files of one kind, and their manifest."""
    part = (CLIP_SECONDS if kind == "10 s clips" else PART_SECONDS) * RATE_HZ
    lines = []
    for number, start in enumerate(range(0, len(samples_N), part)):
        piece_N, rate_hz = samples_N[start : start + part], RATE_HZ
        if kind == "44.1 kHz stereo":
            left_N, rate_hz = soxr.resample(piece_N, RATE_HZ, STEREO_HZ), STEREO_HZ
            # Two microphones: the other channel is softer and a little later, so that it is no copy.
            piece_N = np.stack((left_N, 0.8 * np.roll(left_N, 13)), axis=1)
        soundfile.write(folder / f"{number:06}.flac", np.clip(piece_N, -1, 1), rate_hz)
        lines.append(json.dumps({"audio_filepath": f"{number:06}.flac", "text": "speech"}) + "\n")
    (folder / "manifest.jsonl").write_text("".join(lines), encoding="utf-8")


def bundles(manifest: Path, store_uri: str) -> list[str]:
    """The digests of the bundles of a manifest, written to a store."""
    from prep_corpus.align.errors import DeadLetter
    from prep_corpus.pipeline.inputs.bundles import cut_bundles, write_bundle
    from prep_corpus.pipeline.inputs.manifests import read_manifest
    from prep_corpus.pipeline.inputs.probe import FingerprintCache, probe_all
    from prep_corpus.pipeline.storage.stage_store import Store

    cache = FingerprintCache(str(manifest.with_name("fingerprints.json")))
    probed = list(probe_all(read_manifest(str(manifest)), cache))
    failed = [one for one in probed if isinstance(one, DeadLetter)]
    if failed:
        raise RuntimeError(failed[0].message)
    good = (one for one in probed if not isinstance(one, DeadLetter))
    return [write_bundle(Store(store_uri), bundle).bundle for bundle in cut_bundles(good)]


class GpuClock:
    """When model calls were under way on a GPU, by events on its own stream."""

    def __init__(self) -> None:
        import torch

        self._begin = torch.cuda.Event(enable_timing=True)
        self._begin.record()
        self._calls: list[tuple[torch.cuda.Event, torch.cuda.Event]] = []

    def timed(self, run: Callable[..., object]) -> Callable[..., object]:
        """The same call, with an event before and after it."""
        import torch

        def timed_run(waveforms_BN: object) -> object:
            before, after = (torch.cuda.Event(enable_timing=True) for _ in range(2))
            before.record()
            found = run(waveforms_BN)
            after.record()
            self._calls.append((before, after))
            return found

        return timed_run

    def busy_seconds(self) -> float:
        """Time during which at least one call was under way."""
        import torch

        torch.cuda.synchronize()
        spans = sorted(
            (self._begin.elapsed_time(before), self._begin.elapsed_time(after))
            for before, after in self._calls
        )
        return union(spans) / 1000


def union(spans: list[tuple[float, float]]) -> float:
    """The length that ordered spans cover together."""
    covered, end = 0.0, float("-inf")
    for start, stop in spans:
        covered += max(0.0, stop - max(start, end))
        end = max(end, stop)
    return covered


def measure(manifest: Path, model_name: str, device: str) -> dict[str, float]:
    """Emit every bundle of a manifest in this process."""
    import torch

    from prep_corpus.align.model.emissions import WindowOptions
    from prep_corpus.align.model.models import load_model
    from prep_corpus.align.text.normalize import TextOptions
    from prep_corpus.pipeline.stages.emit import GPU_CALLS, EmitOptions, emit_bundle, taking_turns
    from prep_corpus.pipeline.storage.stage_store import Store

    torch.set_num_threads(1)
    on_gpu = device == "cuda"
    options = EmitOptions(
        model=model_name,
        device=device,
        windows=WindowOptions.for_device("cuda" if on_gpu else "cpu"),
        text=TextOptions(),
        threads=len(os.sched_getaffinity(0)) if on_gpu else 1,
    )
    model = load_model(model_name, device)
    with tempfile.TemporaryDirectory() as store_uri:
        store, digests = Store(store_uri), bundles(manifest, store_uri)
        # Not measured: what the first calls compile and choose.
        model.log_probs(np.zeros((options.windows.batch_rows, 30 * model.info.sample_rate_hz), np.float32))
        clock = GpuClock() if on_gpu else None
        if clock is not None:
            model = taking_turns(replace(model, run=clock.timed(model.run)), GPU_CALLS)
        wall, cpu = time.perf_counter(), time.process_time()
        with ThreadPoolExecutor(options.bundles_at_once) as pool:
            refs = list(pool.map(lambda digest: emit_bundle(store, digest, model, options), digests))
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        failed = sum(ref.failed for ref in refs)
    found = {
        "wall_seconds": wall,
        "cpu_seconds": cpu,
        "failed": float(failed),
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000,
    }
    if clock is not None:
        found["busy_seconds"] = clock.busy_seconds()
        found["gpu_mb"] = torch.cuda.max_memory_allocated() / 1e6
    return found


def measured_apart(manifest: Path, model_name: str, device: str) -> dict[str, float] | str:
    """The same in a process of its own; or why there is nothing."""
    environment = dict(os.environ, OMP_NUM_THREADS="1", MKL_NUM_THREADS="1")
    folders = (str(SHARED / "models" / "quartznet15x5"), os.environ.get("PYTHONPATH"))
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, folders))
    command = [sys.executable, __file__, "--one", str(manifest), "--models", model_name, "--device", device]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    if done.returncode:
        return (done.stderr.strip().splitlines() or ["failed"])[-1][:90]
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def median(rounds: list[dict[str, float] | str]) -> dict[str, float] | str:
    """Each figure's median over the rounds; or why a round has none."""
    measured = [one for one in rounds if not isinstance(one, str)]
    if len(measured) < len(rounds):
        return next(one for one in rounds if isinstance(one, str))
    return {name: float(np.median([one[name] for one in measured])) for name in measured[0]}


def shown_round(found: dict[str, float] | str) -> str:
    """One round, for those who wait."""
    return found if isinstance(found, str) else f"{found['cpu_seconds']:.1f} CPU s"


def row(found: dict[str, float], seconds: float, device: str, model_name: str) -> str:
    """The figures of one row."""
    times = seconds / found["wall_seconds"]
    bad = f"   {found['failed']:.0f} recordings failed" if found["failed"] else ""
    if device == "cuda":
        waits = 1 - found["busy_seconds"] / found["wall_seconds"]
        met = "" if times >= TARGET_GPU or model_name != "english" else f"   (to reach: {TARGET_GPU})"
        return f"{times:8.0f} x {waits:8.1%} {found['gpu_mb']:10.0f} {found['peak_mb']:10.0f}{met}{bad}"
    factor = found["cpu_seconds"] / seconds
    late = model_name == "english" and factor > TARGET_CPU
    met = f"   (to reach: {TARGET_CPU:g})" if late else ""
    return f"{factor:14.4f} {times:5.1f} x {found['peak_mb']:8.0f}{met}{bad}"


def exported(names: list[str], folder: Path) -> dict[str, str]:
    """Folders with exports of some models, by the names that rows have; says how far their log-probs differ."""
    import onnx_exports

    sys.path.append(str(SHARED / "models" / "quartznet15x5"))
    found = {}
    samples_N = speech(120).astype(np.float32)
    for name in names:
        if name in onnx_exports.EXPORTED:
            place = folder / name.partition(":")[0]
            onnx_exports.export(name, place)
            differences = onnx_exports.largest_differences(name, place, samples_N)
            shown = ", ".join(f"{most:.1e} {what}" for what, most in differences.items())
            print(f"{name} by ONNX: log-probs of two minutes of speech differ by {shown}", flush=True)
            if name in onnx_exports.IN_TORCH:
                found[f"{name} (torch)"] = onnx_exports.IN_TORCH[name]
            found[f"{name.partition(':')[0]} (ONNX)"] = str(place)
    return found


def tables(options: argparse.Namespace) -> Iterator[tuple[str, str, float]]:
    """(device, heading, seconds of speech) of each table; a GPU that is not there is said to be missing."""
    import torch

    yield "cpu", f"{'CPU s a second':>14} {'wall':>7} {'peak MB':>8}", options.minutes * 60
    if torch.cuda.is_available():
        heading = f"{'real time':>10} {'GPU waits':>9} {'GPU MB':>10} {'peak MB':>10}"
        yield "cuda", heading, options.hours_on_gpu * 3600
    else:
        print("\non a GPU: not measured: no GPU")


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=int, default=10, help="of speech, on the CPU")
    parser.add_argument("--rounds", type=int, default=3, help="of each row, on the CPU")
    parser.add_argument("--hours-on-gpu", type=int, default=16)
    parser.add_argument("--models", nargs="+", default=["english", "quartznet:acoustic_model"])
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=list(KINDS))
    parser.add_argument("--one", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--device", default="cpu", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        print(json.dumps(measure(options.one, options.models[0], options.device)))
        return
    with tempfile.TemporaryDirectory() as folder:
        rows = {name: name for name in options.models} | exported(options.models, Path(folder))
        print_tables(options, rows)


def print_tables(options: argparse.Namespace, rows: dict[str, str]) -> None:
    """Measure and print every table; `rows` has the models' names as `--model` takes them by those shown."""
    for device, heading, seconds in tables(options):
        print(
            f"\non {device}, {seconds / 60:g} minutes of speech\n{'model':26}{'audio':18}{heading}",
            flush=True,
        )
        for kind in options.kinds:
            with tempfile.TemporaryDirectory() as folder:
                write_material(kind, speech(int(seconds)), Path(folder))
                shown = {name: at for name, at in rows.items() if device == "cpu" or name == at}
                manifest = Path(folder, "manifest.jsonl")
                found: dict[str, list[dict[str, float] | str]] = {name: [] for name in shown}
                for _ in range(options.rounds if device == "cpu" else 1):
                    for name, model_name in shown.items():
                        found[name].append(measured_apart(manifest, model_name, device))
                        print(f"{name}, {kind}: {shown_round(found[name][-1])}", file=sys.stderr, flush=True)
                for name, model_name in shown.items():
                    told = median(found[name])
                    if not isinstance(told, str):
                        told = row(told, seconds, device, model_name)
                    print(f"{name:26}{kind:18}{told}", flush=True)


if __name__ == "__main__":
    main()
