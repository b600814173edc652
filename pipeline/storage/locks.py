"""One writer at a time in a folder: a lock of the kernel's on disks, a lease of numbered objects elsewhere.

disks      DIR/.prep-corpus.lock, locked with flock: the kernel frees it however its process ends, also over NFS
stores     DIR/lease/00000001.json, made only where there is none: the highest number holds the folder. It is
           written anew every 20 s by its holder; whoever sees it unchanged for 60 s on his own clock, or released,
           makes the next number, and the first to make it has the folder. Clocks are never compared. Where the
           store cannot refuse a name that is taken, the last to write it has it, looked up after 5 s. One that is
           listed and cannot be read is being written (hdfs:// gives it its name last): it is looked at again.
"""

from __future__ import annotations

import _thread
import json
import os
import socket
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from typing import Any

from prep_corpus.align.errors import UsageError
from prep_corpus.pipeline.storage import files

LOCK_NAME = ".prep-corpus.lock"
LEASE_FOLDER = "lease"
LEASE_SECONDS = 60.0
RENEW_SECONDS = 20.0
_POLL_SECONDS = 0.5
SETTLE_SECONDS = 5.0

Say = Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class Holder:
    """Who holds a folder.

    Attributes:
        host: name of its machine.
        boot: stands for the machine since it was started, so that a process number says something.
        pid: its process.
        since: seconds since 1970, by its clock.
        work: digest of what it does; two with the same do the same.
        token: its own.
        renewals: times that the lease was renewed.
        released: whether it is done.
    """

    host: str
    boot: str
    pid: int
    since: float
    work: str
    token: str
    renewals: int = 0
    released: bool = False

    def __str__(self) -> str:
        since = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(self.since))
        return f"process {self.pid} on {self.host}, since {since}"

    @property
    def is_dead(self) -> bool:
        """Whether it was a process of this machine, and there is none of its number any more."""
        if self.boot != _boot() or not os.path.isdir("/proc"):
            return False
        return not os.path.exists(f"/proc/{self.pid}")


def _boot() -> str:
    with suppress(OSError), open("/proc/sys/kernel/random/boot_id") as file:
        return file.read().strip()
    return ""


def _self(work: str) -> Holder:
    return Holder(
        host=socket.gethostname(),
        boot=_boot(),
        pid=os.getpid(),
        since=time.time(),
        work=work,
        token=uuid.uuid4().hex,
    )


@contextmanager
def held(folder: str, work: str, say: Say) -> Iterator[None]:
    """Hold a folder while the block runs; wait for another that does the same work.

    Args:
        folder: path or URI; made where it is not there.
        work: digest of what will be done.
        say: told once whom it waits for.

    Raises:
        UsageError: another holds it that does something else.
    """
    holding = _flock(folder, work, say) if files.is_local(folder) else _lease(folder, work, say)
    with holding:
        yield


def _refusal(folder: str, holder: Holder | None) -> UsageError:
    whom = str(holder) if holder else "another process"
    return UsageError(
        f"{folder} is in use by a run of another manifest or other settings ({whom}); wait for it, stop it, or "
        "choose another --out"
    )


class _Waiting:
    """Says once whom it waits for; refuses whoever does something else."""

    def __init__(self, folder: str, work: str, say: Say) -> None:
        self._folder, self._work, self._say = folder, work, say
        self._said = ""

    def on(self, holder: Holder | None) -> None:
        if holder is not None and holder.work != self._work:
            raise _refusal(self._folder, holder)
        whom = str(holder) if holder else "another process"
        if whom != self._said:
            self._say(f"{self._folder}: waiting for the same run, which goes on already ({whom})")
            self._said = whom
        time.sleep(_POLL_SECONDS)


@contextmanager
def _flock(folder: str, work: str, say: Say) -> Iterator[None]:
    import fcntl

    try:
        os.makedirs(folder, exist_ok=True)
        descriptor = os.open(os.path.join(folder, LOCK_NAME), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    except OSError as error:
        raise UsageError(
            f"{folder} cannot be written to ({error.strerror}); choose another --out, or make it a folder of yours"
        ) from error
    waiting = _Waiting(folder, work, say)
    is_held = False
    try:
        while not is_held:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                is_held = True
            except BlockingIOError:
                waiting.on(_named(descriptor))
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, json.dumps(asdict(_self(work))).encode(), 0)
        yield
    finally:
        if is_held:
            with suppress(OSError):
                os.ftruncate(descriptor, 0)
        # The name stays: were it removed, the next two could each lock a file of their own.
        os.close(descriptor)


def _named(descriptor: int) -> Holder | None:
    """Who has locked a file: by what stands in it once the one before, who was killed, does no more."""
    for _ in range(20):
        holder = _read(os.pread(descriptor, 4096, 0))
        if holder is not None and not holder.is_dead:
            break
        time.sleep(_POLL_SECONDS / 5)
    return holder


def _read(data: bytes) -> Holder | None:
    try:
        found: dict[str, Any] = json.loads(data)
        return Holder(**found)
    except (ValueError, TypeError):
        return None


def _uri(folder: str, number: int) -> str:
    return files.join(folder, LEASE_FOLDER, f"{number:08d}.json")


def _highest(folder: str) -> int:
    names = [uri.rsplit("/", 1)[-1] for uri in files.list_files(files.join(folder, LEASE_FOLDER))]
    return max((int(name[:8]) for name in names if name[:8].isdigit()), default=0)


def _write(folder: str, number: int, holder: Holder, *, replace_it: bool) -> bool:
    data = json.dumps(asdict(holder)).encode()
    return files.write_atomic(_uri(folder, number), lambda file: file.write(data), replace=replace_it)


def _is_made(folder: str, number: int, mine: Holder) -> bool:
    """Make a lease; whether it stands there and will."""
    is_certain = _write(folder, number, mine, replace_it=False)
    if not is_certain and _holder(folder, number) == mine:
        # Another may have looked before this one stood there, and write over it.
        time.sleep(SETTLE_SECONDS)
    return _holder(folder, number) == mine


def _holder(folder: str, number: int) -> Holder | None:
    try:
        return _read(files.read_bytes(_uri(folder, number)))
    except FileNotFoundError:
        return None


def _take(folder: str, work: str, say: Say) -> tuple[int, Holder]:
    """Make the next number once the highest is free; returns it."""
    waiting = _Waiting(folder, work, say)
    seen, seen_at, changes = None, time.monotonic(), 0
    while True:
        number = _highest(folder)
        found = _holder(folder, number) if number else None
        if (number, found) != seen:
            seen, seen_at, changes = (number, found), time.monotonic(), changes + 1
        unchanged = time.monotonic() - seen_at
        is_free = number == 0 or (found is not None and (found.released or found.is_dead))
        if is_free or unchanged > LEASE_SECONDS:
            mine = _self(work)
            if _is_made(folder, number + 1, mine):
                # A higher one stands where others came and went since the list was read, and this number with them.
                if _highest(folder) == number + 1:
                    for old in range(max(1, number - 8), number + 1):
                        files.remove(_uri(folder, old))
                    return number + 1, mine
                files.remove(_uri(folder, number + 1))
            continue
        if found is None or (found.work != work and changes < 2):
            # It is being written, or left over from a run that was killed: whoever lives renews it soon.
            time.sleep(min(_POLL_SECONDS, RENEW_SECONDS))
            continue
        waiting.on(found)


def _is_lost(folder: str, number: int, mine: Holder) -> bool:
    """Whether another has made the next number, or written over this one."""
    found = _holder(folder, number)
    return _highest(folder) > number or (found is not None and found.token != mine.token)


@contextmanager
def _lease(folder: str, work: str, say: Say) -> Iterator[None]:
    number, mine = _take(folder, work, say)
    stop = threading.Event()

    def renew() -> None:
        renewed, holder = time.monotonic(), mine
        while not stop.wait(RENEW_SECONDS):
            try:
                if _is_lost(folder, number, mine):
                    say(
                        f"{folder}: another run has taken the folder, since this one was not heard of for too long"
                    )
                    _thread.interrupt_main()
                    return
                holder = replace(holder, renewals=holder.renewals + 1)
                _write(folder, number, holder, replace_it=True)
                renewed = time.monotonic()
            except OSError as error:
                if time.monotonic() - renewed > LEASE_SECONDS:
                    say(f"{folder}: the lease could not be renewed for {LEASE_SECONDS:.0f} s: {error}")
                    _thread.interrupt_main()
                    return

    thread = threading.Thread(target=renew, name="lease", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(RENEW_SECONDS)
        with suppress(OSError):
            if not _is_lost(folder, number, mine):
                _write(folder, number, replace(mine, released=True), replace_it=True)
