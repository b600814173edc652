"""Runs under faults, one after another: after each the reference bytes, or a refusal in one line.

    python benchmarks/soak.py --minutes 60            # make soak
    python benchmarks/soak.py --faults 6 --seed 1     # the live part of CI

Each round takes a copy of a finished or half-finished run, puts one fault in, and runs the command again without it:

    kill          SIGKILL to the command at a random moment
    child         SIGKILL to a random process of its tree
    full          no file may grow over a random size (RLIMIT_FSIZE: EFBIG, as ENOSPC on a full disk)
    flip, cut     a bit of a stage file is flipped, or its end cut off, at a random moment of a run
    swap          a stage file is replaced by another of its stage, or by one of another stage
    source        a source is replaced by another for one run, and is back for the next
    twin          the same command twice at once
    stranger      a command of other settings while one is under way: refused, or first and then the other refused
    clock         the times of all files of the folder are a day off, as after a step of the clock

A round that ends in other bytes, in a traceback or in an exit code that is not documented fails the soak.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1] / "tests"
sys.path.insert(0, str(TESTS))

from support.places import ENVIRONMENT  # noqa: E402
from support.runs import arguments, shards  # noqa: E402
from support.toy import SAMPLE_RATE_HZ, recording, write_corpus, write_filter  # noqa: E402

REFUSALS = frozenset({1, 2, 3, 4, 130})
PATIENCE_SECONDS = 600


class Soak:
    """One folder, one reference, and what happened so far."""

    def __init__(self, root: Path, chance: random.Random) -> None:
        self.root, self.chance = root, chance
        self.corpus = write_corpus(root / "corpus", recordings=3, sentences=6)
        write_filter(root / "corpus" / "filter.json")
        self.counts: Counter[str] = Counter()
        self.failures: list[str] = []
        began = time.monotonic()
        self.finish(self.run(root / "reference"))
        self.seconds = time.monotonic() - began
        self.wanted = shards(root / "reference")

    def run(self, out: Path, *extra: str, most_bytes: int | None = None) -> subprocess.Popen[str]:
        """Start the command."""

        def limit() -> None:
            if most_bytes is not None:
                resource.setrlimit(resource.RLIMIT_FSIZE, (most_bytes, most_bytes))

        words = arguments(self.corpus, out, "--min-pause-frames", "20", "--max-failed", "0.7", *extra)
        command = [sys.executable, "-m", "prep_corpus.jobs.cli", *words]
        return subprocess.Popen(
            command,
            env=ENVIRONMENT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            preexec_fn=limit,
            start_new_session=True,
        )

    def finish(self, process: subprocess.Popen[str], killed: bool = False) -> tuple[int, str]:
        """Wait for a command; what it printed must hold no traceback, and its exit code be a documented one."""
        output, _ = process.communicate(timeout=PATIENCE_SECONDS)
        code = process.returncode
        if not killed and (code not in {0, *REFUSALS} or "Traceback" in output):
            self.failures.append(f"exit {code}:\n{output[-3000:]}")
        if (
            not killed
            and code in (1, 2)
            and len([li for li in output.splitlines() if li.startswith("Error: ")]) != 1
        ):
            self.failures.append(f"exit {code} without one line that says why:\n{output[-3000:]}")
        return code, output

    def moment(self) -> None:
        """Wait for a random part of what a run takes."""
        time.sleep(self.chance.uniform(0.1, 1.0) * self.seconds)

    def copy(self) -> Path:
        """A finished run to damage, sometimes without its later stages."""
        out = self.root / "run"
        shutil.rmtree(out, ignore_errors=True)
        shutil.copytree(self.root / "reference", out)
        for stage in self.chance.sample(["align", "segment", "write", "measure"], self.chance.randrange(3)):
            shutil.rmtree(out / "work" / stage, ignore_errors=True)
        return out

    def stage_file(self, out: Path) -> Path:
        """One of the stage files."""
        return self.chance.choice(
            sorted(path for path in out.glob("work/*/*") if path.suffix in (".parquet", ".clips"))
        )


def kill(soak: Soak, out: Path) -> None:
    """The command is killed."""
    shutil.rmtree(out / "work" / "emit", ignore_errors=True)
    process = soak.run(out)
    soak.moment()
    os.killpg(process.pid, signal.SIGKILL)
    soak.finish(process, killed=True)


def child(soak: Soak, out: Path) -> None:
    """One process of its tree is killed."""
    process = soak.run(out)
    soak.moment()
    listing = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    children = [int(pid) for pid in listing.read_text().split()] if listing.exists() else []
    with_self = [*children, process.pid]
    with suppress(ProcessLookupError):
        os.kill(soak.chance.choice(with_self), signal.SIGKILL)
    soak.finish(process, killed=True)


def full(soak: Soak, out: Path) -> None:
    """The disk is full."""
    shutil.rmtree(out)
    soak.finish(soak.run(out, most_bytes=soak.chance.choice([0, 200, 2_000, 20_000, 60_000])))


def flip(soak: Soak, out: Path) -> None:
    """A bit of a stage file is flipped."""
    process = soak.run(out)
    soak.moment()
    path = soak.stage_file(out)
    data = bytearray(path.read_bytes())
    data[soak.chance.randrange(len(data))] ^= 1 << soak.chance.randrange(8)
    path.write_bytes(data)
    soak.finish(process)


def cut(soak: Soak, out: Path) -> None:
    """A stage file loses its end."""
    path = soak.stage_file(out)
    path.write_bytes(path.read_bytes()[: soak.chance.randrange(path.stat().st_size)])


def swap(soak: Soak, out: Path) -> None:
    """A stage file is another's."""
    taken, place = soak.stage_file(out), soak.stage_file(out)
    if taken != place:
        shutil.copy(taken, place)


def source(soak: Soak, out: Path) -> None:
    """A source is another for one run."""
    shutil.rmtree(out)
    talk = soak.corpus.parent / "talk0.flac"
    original, facts = talk.read_bytes(), talk.stat()
    process = soak.run(out)
    soak.moment()
    import soundfile

    other_N, _ = recording(soak.chance.randrange(100, 200), 6)
    soundfile.write(talk, other_N, SAMPLE_RATE_HZ)
    soak.finish(process)
    talk.write_bytes(original)
    if soak.chance.random() < 0.5:
        os.utime(talk, ns=(facts.st_atime_ns, facts.st_mtime_ns))


def twin(soak: Soak, out: Path) -> None:
    """The same command twice at once."""
    shutil.rmtree(out)
    both = [soak.run(out), soak.run(out)]
    for process in both:
        code, output = soak.finish(process)
        if code != 0:
            soak.failures.append(f"a twin ended with {code}:\n{output[-2000:]}")


def stranger(soak: Soak, out: Path) -> None:
    """Another command in the same folder."""
    shutil.rmtree(out)
    first = soak.run(out)
    time.sleep(soak.seconds * 0.7)
    second = soak.run(out, "--seed", "9")
    codes = [soak.finish(first)[0], soak.finish(second)[0]]
    if sorted(codes) != [0, 2]:
        soak.failures.append(f"a run and one of other settings ended with {codes}, not 0 and 2")


def clock(soak: Soak, out: Path) -> None:
    """Times of files are a day off."""
    shift = soak.chance.choice([-86_400, 86_400])
    for path in out.rglob("*"):
        if path.is_file():
            os.utime(path, (time.time() + shift, time.time() + shift))


FAULTS: list[Callable[[Soak, Path], None]] = [
    kill,
    flip,
    source,
    cut,
    full,
    stranger,
    twin,
    swap,
    child,
    clock,
]


def round_of(soak: Soak, fault: Callable[[Soak, Path], None]) -> None:
    """One fault, the command again without it, and what stands then."""
    name = fault.__name__
    before = len(soak.failures)
    out = soak.copy()
    fault(soak, out)
    code, output = soak.finish(soak.run(out))
    if code != 0:
        soak.failures.append(f"after {name} the command ended with {code}:\n{output[-2000:]}")
    elif shards(out) != soak.wanted:
        soak.failures.append(f"after {name} the shards are not those of the reference")
    left = [path.name for path in out.rglob(".*.tmp")]
    if left:
        soak.failures.append(f"after {name} temporary files are left: {left}")
    soak.counts[name] += 1
    print(
        f"{sum(soak.counts.values()):4d} {name}: {'FAILED' if len(soak.failures) > before else 'well'}",
        flush=True,
    )


def main() -> int:
    """Returns the exit code."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--faults", type=int, help="stop after so many")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    deadline = time.monotonic() + 60 * given.minutes
    with tempfile.TemporaryDirectory(prefix="prep-corpus-soak-") as folder:
        soak = Soak(Path(folder), random.Random(given.seed))
        done = 0
        while time.monotonic() < deadline and (given.faults is None or done < given.faults):
            round_of(soak, FAULTS[done % len(FAULTS)])
            done += 1
    for failure in soak.failures:
        print(failure)
    print(json.dumps({"faults": done, "failed": len(soak.failures), "kinds": dict(soak.counts)}))
    return 1 if soak.failures else 0


if __name__ == "__main__":
    sys.exit(main())
