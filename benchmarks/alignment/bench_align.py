"""Alignment against peers on planted emissions: time, peak memory, exactness, boundary error.

    python benchmarks/alignment/bench_align.py [--minutes 5 15 60 180] [--aligners ours torchaudio] [--ten-hours]

Each aligner runs in a process of its own, one thread, on the same emissions (20 ms a frame, 15 characters a
second, 29 symbols), and is stopped when its memory passes the limit; a crash is a row. The peers live in
bench/peers, a virtual environment that the first run makes; one that cannot be installed is a row that says so.

Times are the least, memory the most, of some runs (`--repeats`; one where a run takes over 20 CPU seconds). Beside
each stands the CPU time as a multiple of ours. A peer that fails gets an estimate, frames times tokens over those of
the longest text that it managed, and the row says that it was not measured.

ctc-forced-aligner as it is on PyPI counts its trellis in 32-bit integers and crashes at an hour. The row
"ctc-forced-aligner, wide" is the same sources with these three places widened to 64 bits when the peers are
installed; nothing else is changed.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))
from align_workers import ALIGNERS  # noqa: E402
from support.planted import DELIMITER, joined, plant, spoken_words  # noqa: E402

PEERS = ROOT / "bench" / "peers"
PACKAGES = {
    "ctc-forced-aligner": ["--no-deps", "ctc-forced-aligner==1.0.2"],
    "ctc-segmentation": ["ctc-segmentation==1.7.5"],
    "torchaudio": ["--no-deps", "torchaudio"],
    "hirschberg-viterbi": ["--no-deps", "hirschberg-viterbi==0.1.0"],
    "hirschberg-viterbi, pruned": ["--no-deps", "hirschberg-viterbi==0.1.0"],
}
WIDE = "ctc-forced-aligner, wide"
WIDER = {
    "backPtrBit0((S + 1) * (T - L)": "backPtrBit0((S + 1LL) * (T - L)",
    "backPtrBit1((S + 1) * (T - L)": "backPtrBit1((S + 1LL) * (T - L)",
    "int backPtr_idx": "long long backPtr_idx",
}
"""What is widened, and to what."""
LONG_RUN_SECONDS = 20.0
SCORE_ROUNDING = 1e-6
FRAMES_A_SECOND = 50
CHARACTERS_A_SECOND = 15
CLASSES = 29
WRONG_SHARE = 0.17
REFERENCE_MINUTES = 15


@dataclass(frozen=True, kw_only=True)
class Problem:
    """One text for planted emissions.

    Attributes:
        name: "clean" or "17 % wrong".
        tokens_L: the text.
        truth_L: the frame at which each token is said; -1 where it is not.
    """

    name: str
    tokens_L: NDArray[np.int32]
    truth_L: NDArray[np.int64]


def make_problems(minutes: float, seed: int, folder: Path) -> list[Problem]:
    """Plant emissions, write them to the folder, and make a right and a wrong text."""
    random = np.random.default_rng(seed)
    wanted = round(minutes * 60 * CHARACTERS_A_SECOND)
    words = spoken_words(wanted // 3, random)
    ends = np.cumsum([len(word) + 1 for word in words])
    words = words[: int(np.searchsorted(ends, wanted))]
    planted = plant(joined(words), random, frames=round(minutes * 60 * FRAMES_A_SECOND), classes=CLASSES)
    np.save(folder / "log_probs.npy", planted.log_probs_TC)
    starts = planted.starts_L.astype(np.int64)
    text: list[int] = []
    truth: list[int] = []
    at = 0
    for word in words:
        said = starts[at : at + len(word)].tolist()
        other = words[int(random.integers(len(words)))]
        what = random.random() / WRONG_SHARE
        pieces: list[tuple[tuple[int, ...], list[int] | None]] = []
        if what < 0.5:
            pieces.append((other, None))
        elif what >= 0.75:
            pieces.append((word, said))
        if 0.75 <= what < 1:
            pieces.append((other, None))
        for tokens, places in pieces:
            text += [*tokens, DELIMITER]
            truth += [*(places or [-1] * len(tokens)), -1]
        at += len(word) + 1
    return [
        Problem(name="clean", tokens_L=planted.tokens_L, truth_L=starts),
        Problem(name="17 % wrong", tokens_L=np.array(text[:-1], np.int32), truth_L=np.array(truth[:-1])),
    ]


def install_peers() -> dict[str, str]:
    """Make the peers' environment; return why each missing one is missing."""
    python = PEERS / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", str(PEERS)], check=True)
        # What we have already, above all torch, need not be downloaded again.
        site = subprocess.run(
            [str(python), "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"],
            check=True,
            capture_output=True,
            text=True,
        ).stdout.strip()
        Path(site, "ours.pth").write_text(sysconfig.get_path("purelib") + "\n", encoding="utf-8")
    missing = {}
    for name, packages in PACKAGES.items():
        stamp = PEERS / f"{name}.installed"
        if not stamp.exists():
            failed = _pip(python, "install", *packages)
            if failed:
                missing[name] = failed
                continue
            stamp.touch()
    if not (PEERS / "wide.installed").exists():
        failed = _install_wide(python)
        if failed:
            missing[WIDE] = failed
        else:
            (PEERS / "wide.installed").touch()
    return missing


def _pip(python: Path, *arguments: str) -> str:
    """Run pip; why it failed, or nothing."""
    done = subprocess.run([str(python), "-m", "pip", "-q", *arguments], capture_output=True, text=True)
    return (done.stderr.strip().splitlines() or ["failed"])[-1][:80] if done.returncode else ""


def _install_wide(python: Path) -> str:
    """Build ctc-forced-aligner from its sources with 64-bit counts beside the one from PyPI."""
    with tempfile.TemporaryDirectory() as folder:
        package = PACKAGES["ctc-forced-aligner"][-1]
        failed = _pip(python, "download", "--no-deps", "--no-binary", ":all:", "--dest", folder, package)
        if failed:
            return failed
        [archive] = Path(folder).glob("*.tar.gz")
        shutil.unpack_archive(archive, folder, filter="data")
        [source] = Path(folder).glob("*/*/main.cpp")
        code = source.read_text(encoding="utf-8")
        for narrow, wide in WIDER.items():
            if code.count(narrow) != 1:
                return f"its sources have changed: no single {narrow!r}"
            code = code.replace(narrow, wide)
        source.write_text(code, encoding="utf-8")
        return _pip(
            python, "install", "--no-deps", "--target", str(PEERS / "wide"), str(source.parent.parent)
        )


def run_aligner(
    name: str, folder: Path, memory_mb: float, limit_seconds: float
) -> dict[str, float | None] | str:
    """Run one aligner on the problem in a folder; its result, or what became of it."""
    python = str(PEERS / "bin" / "python") if name in PACKAGES or name == WIDE else sys.executable
    worker = str(Path(__file__).with_name("align_workers.py"))
    environment = dict(os.environ, OMP_NUM_THREADS="1", MKL_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")
    if name == WIDE:
        environment["PYTHONPATH"] = str(PEERS / "wide")
    (folder / "result.json").unlink(missing_ok=True)
    with tempfile.TemporaryFile("w+") as errors:
        process = subprocess.Popen(
            [python, worker, name, str(folder)], env=environment, stdout=errors, stderr=errors, cwd=ROOT
        )
        deadline = time.monotonic() + limit_seconds
        while process.poll() is None:
            if _resident_mb(process.pid) > memory_mb:
                process.kill()
                process.wait()
                return f"over {memory_mb / 1000:.3g} GB"
            if time.monotonic() > deadline:
                process.kill()
                process.wait()
                return f"over {limit_seconds:.0f} s"
            time.sleep(0.02)
        if process.returncode < 0:
            return f"killed by signal {-process.returncode}"
        if process.returncode:
            errors.seek(0)
            return (errors.read().strip().splitlines() or ["failed"])[-1][:60]
    result: dict[str, float | None] = json.loads((folder / "result.json").read_text(encoding="utf-8"))
    return result


def run_repeatedly(
    name: str, folder: Path, memory_mb: float, limit_seconds: float, repeats: int
) -> dict[str, float | None] | str:
    """Run one aligner some times: the least time and the most memory, or what became of it."""
    least: dict[str, float | None] | None = None
    for _ in range(repeats):
        result = run_aligner(name, folder, memory_mb, limit_seconds)
        if isinstance(result, str):
            return result
        if least is None:
            least = result
        else:
            for key, pick in (("seconds", min), ("cpu_seconds", min), ("peak_mb", max)):
                least[key] = pick(float(least[key] or 0), float(result[key] or 0))
        if float(result["cpu_seconds"] or 0) > LONG_RUN_SECONDS:
            break
    assert least is not None
    return least


def _resident_mb(pid: int) -> float:
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1])
    except (FileNotFoundError, ProcessLookupError, IndexError):
        return 0.0
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def best_score(log_probs_TC: NDArray[np.float16], tokens_L: NDArray[np.int32]) -> float:
    """The optimum by the plain trellis in float64."""
    states = np.zeros(2 * len(tokens_L) + 1, np.int64)
    states[1::2] = tokens_L
    barred = np.ones(len(states), bool)
    barred[3::2] = tokens_L[1:] == tokens_L[:-1]
    bar = np.where(barred, -np.inf, 0.0)[2:]
    score = np.full(len(states), -np.inf)
    score[:2] = log_probs_TC[0, states[:2]]
    for row in log_probs_TC[1:].astype(np.float64):
        new = score.copy()
        np.maximum(new[1:], score[:-1], out=new[1:])
        np.maximum(new[2:], score[:-2] + bar, out=new[2:])
        score = new + row[states]
    return float(max(score[-2:]))


def measure(
    folder: Path, problem: Problem, result: dict[str, float | None], best: float | None, ours: float | None
) -> str:
    """One row's figures."""
    starts, skipped = np.load(folder / "starts.npy"), np.load(folder / "skipped.npy")
    right = (problem.truth_L >= 0) & ~skipped
    off = np.abs(starts[right] - problem.truth_L[right]) / FRAMES_A_SECOND
    score, cpu_seconds = result["score"], float(result["cpu_seconds"] or 0)
    under = "" if best is None or score is None else f"{best - score:.2e}"
    told = "no path" if score is None else f"{score:.3f}"
    times = "" if ours is None else f"{cpu_seconds / ours:.1f}"
    lost = np.count_nonzero((problem.truth_L >= 0) & skipped) / np.count_nonzero(problem.truth_L >= 0)
    return (
        f"{result['seconds']:8.2f} {cpu_seconds:8.2f} {times:>7} {result['peak_mb']:8.0f} {told:>16} {under:>10} "
        f"{1000 * off.mean():9.1f} {1000 * np.median(off):6.0f} {off.max():8.2f} {lost:8.2%}"
    )


def estimate(cells: float, known: list[tuple[float, float]], ours: float | None) -> str:
    """What a row without a measurement might cost, from (cells, CPU seconds) of those that were measured."""
    if not known:
        return ""
    largest, seconds = max(known)
    told = f"; not measured, but by frames x tokens about {seconds * cells / largest:.0f} CPU s"
    return told + (f", {seconds * cells / largest / ours:.0f} times ours" if ours else "")


def run_problem(
    folder: Path,
    problem: Problem,
    minutes: float,
    aligners: list[str],
    options: argparse.Namespace,
    memory_mb: float,
    missing: dict[str, str],
    known: dict[tuple[str, str], list[tuple[float, float]]],
) -> list[str]:
    """Print a row for each aligner; return which of them found a better score than ours."""
    np.save(folder / "tokens.npy", problem.tokens_L)
    log_probs_TC = np.load(folder / "log_probs.npy", mmap_mode="r")
    best = best_score(log_probs_TC, problem.tokens_L) if minutes <= REFERENCE_MINUTES else None
    cells = float(len(log_probs_TC)) * len(problem.tokens_L)
    scores: dict[str, float] = {}
    ours = None
    for name in aligners:
        result = missing.get(name) or run_repeatedly(
            name, folder, memory_mb, options.limit_seconds, options.repeats
        )
        if isinstance(result, str):
            row = result + estimate(cells, known.get((name, problem.name), []), ours)
        else:
            cpu_seconds = float(result["cpu_seconds"] or 0)
            if name == "ours":
                ours = cpu_seconds
            known.setdefault((name, problem.name), []).append((cells, cpu_seconds))
            if result["score"] is not None:
                scores[name] = result["score"]
            row = measure(folder, problem, result, best, ours)
        print(f"{minutes:4g} {problem.name:10} {name:24} {row}", flush=True)
    return [
        f"{name} by {score - scores['ours']:.3g} nats at {minutes:g} min, {problem.name}"
        for name, score in scores.items()
        if "ours" in scores and "detours" not in name and score > scores["ours"] + SCORE_ROUNDING
    ]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, nargs="*", default=[5, 15, 60, 180])
    parser.add_argument("--aligners", nargs="+", choices=list(ALIGNERS), default=list(ALIGNERS))
    parser.add_argument("--memory-gb", type=float, default=8.0)
    parser.add_argument("--limit-seconds", type=float, default=900.0)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--ten-hours", action="store_true", help="ours alone, ten hours in one piece, under 2 GB"
    )
    options = parser.parse_args()
    missing = install_peers() if set(options.aligners) & {*PACKAGES, WIDE} else {}
    print(
        f"{'min':>4} {'text':10} {'aligner':24} {'s':>8} {'CPU s':>8} {'x ours':>7} {'peak MB':>8} {'score':>16} "
        f"{'under best':>10} {'mean ms':>9} {'median':>6} {'max s':>8} {'skipped':>8}"
    )
    runs = [(minutes, options.aligners, options.memory_gb * 1000) for minutes in options.minutes]
    if options.ten_hours:
        runs.append((600, ["ours"], 2000.0))
    known: dict[tuple[str, str], list[tuple[float, float]]] = {}
    better: list[str] = []
    for minutes, aligners, memory_mb in runs:
        folder = Path(tempfile.mkdtemp(dir=ROOT / "bench"))
        try:
            for problem in make_problems(minutes, options.seed, folder):
                better += run_problem(folder, problem, minutes, aligners, options, memory_mb, missing, known)
        finally:
            shutil.rmtree(folder)
    print("scores above ours: " + ("; ".join(better) or "none"))


if __name__ == "__main__":
    (ROOT / "bench").mkdir(exist_ok=True)
    main()
