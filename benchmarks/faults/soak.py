"""Runs under faults, one after another: after each the reference bytes, or a refusal in one line.

    python benchmarks/faults/soak.py --minutes 60                  # make soak
    python benchmarks/faults/soak.py --faults 13 --seed 1          # one of each kind
    python benchmarks/faults/soak.py --faults 1 --first 117        # one of them again

Each round takes a copy of a finished or half-finished run, puts one fault in, and runs the command again without it:

    kill          SIGKILL to the command and all its processes at a random moment
    child         SIGKILL to one process of its tree, while a recording is decoded apart
    interrupt     Ctrl-C to the command and all its processes at a random moment
    full          no file may grow over a random size (RLIMIT_FSIZE: EFBIG, as ENOSPC on a full disk)
    flip          a bit of a stage file is flipped, or its end cut off, at a random moment of a run
    cut           the same to any file of the work folder, before the run
    swap          a stage file is replaced by another of its stage, or by one of another stage
    source, text  a source or a transcript is another, damaged or gone for one run, and is back for the next
    twin          the same command twice at once
    stranger      a command of other settings while one is under way: one of them is refused
    clock         the times of files are a day off, at a random moment or before, as after a step of the clock
    store         the folder is on an object store that refuses a tenth of the requests and delays a tenth

Then one file of the finished run is damaged, and `check` must name it; `--faults` counts the rounds, each of a fault
and a damage. Rounds whose fault came when the run had ended already count apart, as late. A round that ends in other
bytes, in a traceback, in more than one line or in an exit code that is not documented fails the soak.

Rounds run side by side, one for each core, each lane with a corpus and a reference of its own. All that is drawn in a
round comes from the seed and its number.
"""

from __future__ import annotations

import argparse
import ctypes
import json
import multiprocessing
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

TESTS = Path(__file__).resolve().parents[2] / "tests"
sys.path.insert(0, str(TESTS))

from soak_faults import FAULTS, Fault, harm  # noqa: E402
from support.places import ENVIRONMENT  # noqa: E402
from support.processes import PATIENCE_SECONDS, Command  # noqa: E402
from support.runs import arguments, shards  # noqa: E402
from support.toy import SAMPLE_RATE_HZ, recording, write_corpus, write_filter  # noqa: E402

from prep_corpus.pipeline.storage.documents import read_used  # noqa: E402

if TYPE_CHECKING:
    from support.s3_server import S3Server

MOST_TIMES = 60
"""A run that takes so many times what one took before does not come to its end."""
REFUSALS = frozenset({1, 2, 3, 4, 130})
FORMATS = ("--format", "parquet", "--format", "webdataset", "--shard-mb", "0.3")
NO_DAMAGE = frozenset({"status.json", "README.md", ".prep-corpus.lock"})
"""What a run tells people alone: nothing that is published comes from them."""


class Soak:
    """One corpus, one reference, and what happened so far.

    Attributes:
        chance: of everything that is drawn in this round.
        number: of this round.
        environment: of every command.
        corpus: the manifest.
        seconds: what a whole run takes at present.
        wanted: the shards of the reference run.
        harmed: names of stage files that the fault of this round has damaged, which later stages may not read.
        late: whether the fault of this round came when the run had ended.
        failures: what went wrong, in words.
    """

    def __init__(self, root: Path, stack: ExitStack) -> None:
        self.root, self._stack = root, stack
        self.chance, self.number, self.late, self.seconds = random.Random(0), 0, False, 0.0
        self.environment = dict(ENVIRONMENT)
        self.corpus = write_corpus(root / "corpus", recordings=3, sentences=6)
        write_filter(root / "corpus" / "filter.json")
        self.failures: list[str] = []
        self.harmed: set[str] = set()
        self._server: S3Server | None = None
        for _ in range(2):
            shutil.rmtree(root / "reference", ignore_errors=True)
            began = time.monotonic()
            code, output = self.finish(self.start(root / "reference"))
            assert code == 0, output
            self.seconds = time.monotonic() - began
        self.wanted = shards(root / "reference")

    def start(
        self,
        out: Path | str,
        *extra: str,
        most_bytes: int | None = None,
        environment: dict[str, str] | None = None,
    ) -> Command:
        """Start a run into a folder."""
        words = arguments(self.corpus, Path(), "--min-pause-frames", "20", "--max-failed", "0.7", *FORMATS)
        words[words.index("--out") + 1] = str(out)
        return Command(
            *words,
            "--quiet",
            *extra,
            environment=environment or self.environment,
            session=True,
            most_bytes=most_bytes,
        )

    def finish(self, command: Command, killed: bool = False) -> tuple[int, str]:
        """Wait for a run; if it was not killed, its exit code must be a documented one, and its reason one line."""
        try:
            # On a machine with much else to do everything takes longer, and nothing hangs.
            done = command.finish(max(PATIENCE_SECONDS, MOST_TIMES * self.seconds))
        except AssertionError as error:
            self.fail(str(error))
            return -1, str(error)
        if killed:
            return done.returncode, done.stderr
        if done.returncode not in {0, *REFUSALS} or "Traceback" in done.stdout + done.stderr:
            self.fail(f"exit {done.returncode}:\n{done.stderr[-3000:]}")
        if done.returncode in (1, 2, 130) and [
            line[:7]
            for line in done.stderr.splitlines()
            if not line.startswith("warning: ") and not line.endswith("is made again")
        ] != ["Error: "]:
            self.fail(f"exit {done.returncode} without one line that says why:\n{done.stderr[-3000:]}")
        return done.returncode, done.stderr

    def fail(self, failure: str) -> None:
        """Note what went wrong."""
        self.failures.append(failure)
        print(failure, flush=True)

    def server(self) -> S3Server:
        """The object store, started when it is first asked for."""
        if self._server is None:
            from support.s3_server import s3_server

            self._server = self._stack.enter_context(s3_server())
            self._server.client().create_bucket(Bucket="soak")
        return self._server

    def moment(self, command: Command) -> None:
        """Wait for a random part of what a run takes; the fault is late where the command ends before."""
        until = time.monotonic() + self.chance.uniform(0.03, 0.9) * self.seconds
        while time.monotonic() < until and command.poll() is None:
            time.sleep(0.02)
        self.late = command.poll() is not None

    def copy(self) -> Path:
        """A finished run to damage, sometimes without its later stages."""
        out = self.root / "run"
        shutil.rmtree(out, ignore_errors=True)
        shutil.copytree(self.root / "reference", out)
        for stage in self.chance.sample(["align", "segment", "write", "measure"], self.chance.randrange(3)):
            shutil.rmtree(out / "work" / stage, ignore_errors=True)
        return out

    def stage_file(self, out: Path) -> Path:
        """One of the stage files.

        Raises:
            FileNotFoundError: there is none yet.
        """
        found = sorted(path for path in out.glob("work/*/*") if path.suffix in (".parquet", ".clips"))
        if not found:
            raise FileNotFoundError(out)
        return self.chance.choice(found)

    def work_file(self, out: Path) -> Path:
        """Any file of the work folder."""
        return self.chance.choice(sorted(path for path in (out / "work").rglob("[!.]*") if path.is_file()))

    def other_sound(self) -> bytes:
        """Another recording's file."""
        import soundfile

        samples_N, _ = recording(self.chance.randrange(100, 200), 6)
        path = self.root / "other.flac"
        soundfile.write(path, samples_N, SAMPLE_RATE_HZ)
        return path.read_bytes()

    def suspect(self, out: Path) -> None:
        """Leave what a process leaves that died in a decoder, so that a recording is decoded apart."""
        notes = out / "work" / "attempts"
        notes.mkdir(parents=True, exist_ok=True)
        (notes / "00000000-1-1.note").write_bytes(b"talk1".ljust(1024))


def round_of(soak: Soak, fault: Fault) -> None:
    """One fault, the command again without it, and what stands then; then one damage, and what `check` says."""
    name = fault.__name__
    soak.harmed.clear()
    soak.late = False
    out = soak.copy()
    fault(soak, out)
    fresh, began = not (out / "work" / "align").exists(), time.monotonic()
    code, output = soak.finish(soak.start(out))
    if fresh:
        soak.seconds = (soak.seconds + time.monotonic() - began) / 2
    if code == 2 and "published.bin is damaged" in output:
        code, output = soak.finish(soak.start(out, "--force"))
    if code != 0:
        soak.fail(f"after {name} the command ended with {code}:\n{output[-2000:]}")
    elif shards(out) != soak.wanted:
        soak.fail(f"after {name} the shards are not those of the reference")
    else:
        left = [path.name for path in out.rglob(".*.tmp")]
        if left:
            soak.fail(f"after {name} temporary files are left: {left}")
        checked(soak, out)


def checked(soak: Soak, out: Path) -> None:
    """`check` finds nothing in a finished run, and what is damaged after it."""
    code, said = checking(soak, out)
    known = [line for line in said.splitlines() if any(one in line for one in soak.harmed)]
    if code != 0 and len(known) != len(said.splitlines()) - 1:
        soak.fail(f"check ended with {code} where only {soak.harmed} may be damaged:\n{said[-2000:]}")
        return
    used = {f"work/{name}" for name in read_used(str(out)) or ()}
    harmed = [
        path
        for path in sorted(out.rglob("*"))
        if path.is_file()
        and path.name not in NO_DAMAGE
        and path.suffix not in (".damaged", ".txt", ".note")
        and (
            path.suffix not in (".parquet", ".clips") or _shown(out, path) in used or "work" not in path.parts
        )
    ]
    path = soak.chance.choice(harmed)
    data = path.read_bytes()
    if not data:
        return
    path.write_bytes(changed(soak, data))
    code, said = checking(soak, out)
    if code != 1 or path.name.removesuffix(".clips") not in said:
        soak.fail(f"check ended with {code} where {path.relative_to(out)} is damaged:\n{said[-2000:]}")


def changed(soak: Soak, data: bytes) -> bytes:
    """The same, harmed; a byte of white space at the end is none."""
    while (harmed := harm(soak, data)).strip() == data.strip():
        pass
    return harmed


def _shown(out: Path, path: Path) -> str:
    return path.relative_to(out).with_suffix("").as_posix()


def checking(soak: Soak, out: Path) -> tuple[int, str]:
    """`check` of a folder: its exit code and what it said."""
    done = Command("check", str(out), environment=soak.environment).finish()
    if "Traceback" in done.stderr:
        soak.fail(done.stderr[-3000:])
    return done.returncode, done.stdout + done.stderr


@dataclass
class Tally:
    """What some rounds came to.

    Attributes:
        kinds: rounds by kind of fault.
        late: rounds whose fault came when the run had ended, by kind.
        failures: of all of them, in words.
    """

    kinds: Counter[str] = field(default_factory=Counter)
    late: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)

    def add(self, other: Tally) -> None:
        """Add those of another lane."""
        self.kinds += other.kinds
        self.late += other.late
        self.failures += other.failures


_NEXT: Any = None
"""In a lane: the number of the next round, and how many faults are still wanted, shared by all lanes."""


def _share(numbers: Any) -> None:
    global _NEXT
    _NEXT = numbers


def lane(seed: int, names: list[str], seconds: float) -> Tally:
    """Rounds one after another, until the time or the faults are used up."""
    tally, deadline = Tally(), time.monotonic() + seconds
    kinds = {fault.__name__: fault for fault in FAULTS}
    with tempfile.TemporaryDirectory(prefix="prep-corpus-soak-") as folder, ExitStack() as stack:
        soak = Soak(Path(folder), stack)
        while time.monotonic() < deadline:
            with _NEXT.get_lock():
                number, wanted = _NEXT[0], _NEXT[1]
                if wanted <= 0:
                    break
                _NEXT[0], _NEXT[1] = number + 1, wanted - 1
            name = names[number % len(names)]
            soak.number, soak.chance = number, random.Random(f"{seed}-{number}")
            before, began = len(soak.failures), time.monotonic()
            round_of(soak, kinds[name])
            failed = len(soak.failures) > before
            if soak.late and not failed:
                with _NEXT.get_lock():
                    _NEXT[1] += 1
            (tally.late if soak.late else tally.kinds)[name] += 1
            end = "FAILED" if failed else "well, and late" if soak.late else "well"
            print(f"{number:4d} {name}: {end}, {time.monotonic() - began:.0f} s", flush=True)
        tally.failures = soak.failures
    return tally


def main() -> int:
    """Returns the exit code."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--faults", type=int, default=1_000_000, help="stop after so many")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--first", type=int, default=0, help="the number of the first round")
    parser.add_argument("--lanes", type=int, default=len(os.sched_getaffinity(0)), help="rounds side by side")
    kinds = [fault.__name__ for fault in FAULTS]
    parser.add_argument("--only", action="append", choices=kinds, help="kinds of faults; all by default")
    given = parser.parse_args()
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    began = time.monotonic()
    context = multiprocessing.get_context("spawn")
    numbers = context.Array(ctypes.c_longlong, [given.first, given.faults])
    tally = Tally()
    with ProcessPoolExecutor(given.lanes, context, _share, (numbers,)) as lanes:
        work = (given.seed, given.only or kinds, 60 * given.minutes)
        # Whoever stops it leaves no lane at work.
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
        try:
            for one in [lanes.submit(lane, *work) for _ in range(given.lanes)]:
                tally.add(one.result())
        finally:
            with numbers.get_lock():
                numbers[1] = 0
    print(
        json.dumps(
            {
                "seed": given.seed,
                "faults": tally.kinds.total(),
                "failed": len(tally.failures),
                "minutes": round((time.monotonic() - began) / 60, 1),
                "kinds": dict(tally.kinds),
                "late": dict(tally.late),
            }
        )
    )
    return 1 if tally.failures else 0


if __name__ == "__main__":
    sys.exit(main())
