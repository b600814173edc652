"""The faults of the soak, one function each: the kinds and what they do are in the table of `soak.py`.

Each is given a run's folder, and leaves it as the fault has left it.
"""

from __future__ import annotations

import os
import shutil
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from soak import Soak
    from support.processes import Command

Fault = Callable[["Soak", Path], None]


def kill(soak: Soak, out: Path) -> None:
    """The command is killed, with all that it has started."""
    shutil.rmtree(out / "work" / "emit", ignore_errors=True)
    command = soak.start(out)
    soak.moment(command)
    _tell_all(command, signal.SIGKILL)
    soak.finish(command, killed=True)


def _tell_all(command: Command, what: signal.Signals) -> None:
    """Send a signal to a command and to all that it has started."""
    try:
        os.killpg(command.pid, what)
    except ProcessLookupError:
        with suppress(ProcessLookupError):
            os.kill(command.pid, what)


def child(soak: Soak, out: Path) -> None:
    """One process of its tree is killed."""
    shutil.rmtree(out / "work" / "emit", ignore_errors=True)
    soak.suspect(out)
    command = soak.start(out)
    soak.moment(command)
    pids = list(_tree(command.pid))
    with suppress(ProcessLookupError):
        os.kill(soak.chance.choice(pids[1:] or pids), signal.SIGKILL)
    soak.finish(command, killed=True)


def interrupt(soak: Soak, out: Path) -> None:
    """Ctrl-C, which a terminal sends to all processes of a command."""
    shutil.rmtree(out / "work" / "emit", ignore_errors=True)
    command = soak.start(out)
    soak.moment(command)
    # A process that is only being forked knows nothing of Ctrl-C yet.
    while not command.has_begun and command.poll() is None:
        time.sleep(0.01)
    _tell_all(command, signal.SIGINT)
    code, output = soak.finish(command)
    soak.late = code == 0
    if code not in (0, 130):
        soak.fail(f"Ctrl-C ended a run with {code}:\n{output[-2000:]}")


def _tree(pid: int) -> Iterator[int]:
    yield pid
    with suppress(OSError):
        for path in Path(f"/proc/{pid}/task").iterdir():
            for below in (path / "children").read_text().split():
                yield from _tree(int(below))


def full(soak: Soak, out: Path) -> None:
    """The disk is full."""
    if soak.chance.random() < 0.7:
        shutil.rmtree(out)
    code, _ = soak.finish(
        soak.start(out, most_bytes=soak.chance.choice([1_000, 4_000, 20_000, 60_000, 200_000]))
    )
    soak.late = code == 0


def harm(soak: Soak, data: bytes) -> bytes:
    """The same with a bit flipped, or without its end."""
    if soak.chance.random() < 0.5 and data:
        harmed = bytearray(data)
        harmed[soak.chance.randrange(len(harmed))] ^= 1 << soak.chance.randrange(8)
        return bytes(harmed)
    return data[: soak.chance.randrange(len(data) or 1)]


def flip(soak: Soak, out: Path) -> None:
    """A stage file is damaged while a run goes on."""
    command = soak.start(out)
    soak.moment(command)
    path = soak.stage_file(out)
    soak.harmed.add(path.stem)
    path.write_bytes(harm(soak, path.read_bytes()))
    soak.late = False
    soak.finish(command)


def cut(soak: Soak, out: Path) -> None:
    """A stage file, or another file of the work folder, is damaged before a run."""
    path = soak.stage_file(out) if soak.chance.random() < 0.6 else soak.work_file(out)
    soak.harmed.add(path.stem)
    path.write_bytes(harm(soak, path.read_bytes()))


def swap(soak: Soak, out: Path) -> None:
    """A stage file is another's."""
    place = soak.stage_file(out)
    while (taken := soak.stage_file(out)) == place:
        pass
    soak.harmed.add(place.stem)
    shutil.copy(taken, place)


@contextmanager
def _put_back(soak: Soak, path: Path) -> Iterator[bytes]:
    """A file's content, which stands there again at the end, with its times or with new ones."""
    original, facts = path.read_bytes(), path.stat()
    yield original
    path.write_bytes(original)
    if soak.chance.random() < 0.5:
        os.utime(path, ns=(facts.st_atime_ns, facts.st_mtime_ns))


def source(soak: Soak, out: Path) -> None:
    """A source is another, damaged or gone for one run."""
    shutil.rmtree(out)
    path = soak.corpus.parent / f"talk{soak.chance.randrange(3)}.flac"
    kind = soak.chance.choice(["other", "harmed", "gone"])
    with _put_back(soak, path) as original:
        command = soak.start(out)
        soak.moment(command)
        if kind == "gone":
            path.unlink()
        else:
            path.write_bytes(soak.other_sound() if kind == "other" else harm(soak, original))
        soak.finish(command)


def text(soak: Soak, out: Path) -> None:
    """A transcript is another for one run."""
    shutil.rmtree(out)
    path = soak.corpus.parent / f"talk{soak.chance.randrange(3)}.txt"
    with _put_back(soak, path) as original:
        command = soak.start(out)
        soak.moment(command)
        path.write_bytes(soak.chance.choice([harm(soak, original), b"", b"Something else altogether."]))
        soak.finish(command)


def twin(soak: Soak, out: Path) -> None:
    """The same command twice at once."""
    shutil.rmtree(out)
    both = [soak.start(out), soak.start(out)]
    for command in both:
        code, output = soak.finish(command)
        if code != 0:
            soak.fail(f"a twin ended with {code}:\n{output[-2000:]}")


def stranger(soak: Soak, out: Path) -> None:
    """Another command in the same folder."""
    shutil.rmtree(out)
    first = soak.start(out)
    deadline = time.monotonic() + 60
    while not (out / "status.json").exists() and first.poll() is None and time.monotonic() < deadline:
        time.sleep(0.01)
    codes = [soak.finish(one)[0] for one in (soak.start(out, "--seed", "9"), first)]
    if sorted(codes) != [0, 2]:
        soak.fail(f"a run and one of other settings ended with {codes}, not 0 and 2")


def clock(soak: Soak, out: Path) -> None:
    """The clock has made a step of a day: what was written before is of yesterday, or of tomorrow."""
    shift = soak.chance.choice([-86_400, 86_400])
    if soak.chance.random() < 0.5:
        command = soak.start(out)
        soak.moment(command)
        _shift(out, shift)
        soak.late = False
        soak.finish(command)
    else:
        _shift(out, shift)
        _shift(soak.corpus.parent, shift)


def _shift(folder: Path, seconds: int) -> None:
    for path in folder.rglob("*"):
        with suppress(FileNotFoundError):
            if path.is_file():
                os.utime(path, (time.time() + seconds, time.time() + seconds))


def store(soak: Soak, out: Path) -> None:
    """The run's folder is on a store that refuses a tenth of the requests and delays a tenth; it may be killed too."""
    server = soak.server()
    uri = f"s3://soak/run-{soak.number}"
    server.refusing.share = server.refusing.slow_share = 0.1
    environment = {**soak.environment, **server.environment}
    if soak.chance.random() < 0.5:
        command = soak.start(uri, environment=environment)
        soak.moment(command)
        _tell_all(command, signal.SIGKILL)
        soak.finish(command, killed=True)
        soak.late = False
    code, output = soak.finish(soak.start(uri, environment=environment))
    server.refusing.share = server.refusing.slow_share = 0.0
    found = server.objects("soak")
    for path, data in soak.wanted.items():
        if code != 0 or found.get(f"run-{soak.number}/{path}") != data:
            soak.fail(f"on a store the run ended with {code}, {path} not as it must be:\n{output[-2000:]}")


FAULTS: tuple[Fault, ...] = (
    kill,
    flip,
    source,
    store,
    cut,
    full,
    stranger,
    twin,
    swap,
    child,
    interrupt,
    clock,
    text,
)
