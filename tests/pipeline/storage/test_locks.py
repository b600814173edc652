"""A folder has one writer at a time, on disks and on object stores, whatever becomes of the one before."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from types import SimpleNamespace

import pytest
from support.object_store import FolderFileSystem, MemoryFileSystem
from support.places import ENVIRONMENT

from prep_corpus.align.errors import UsageError
from prep_corpus.pipeline.storage import files, locks
from prep_corpus.pipeline.storage.locks import LOCK_NAME, held

HOLD = """
import sys, time
from prep_corpus.pipeline.storage.locks import held
with held(sys.argv[1], sys.argv[2], print):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture(params=["disk", "memory"])
def folder(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    if request.param == "disk":
        return str(tmp_path / "run")
    MemoryFileSystem.objects.clear()
    monkeypatch.setattr(locks, "RENEW_SECONDS", 0.2)
    return "memory://bucket/run"


def test_one_of_other_work_is_refused_by_name(folder: str) -> None:
    shown = f"process {os.getpid()} on .*, since 20"
    with held(folder, "a", print), pytest.raises(UsageError, match=shown), held(folder, "b", print):
        pass
    with held(folder, "b", print):
        pass


def test_one_of_the_same_work_waits_and_says_for_whom(folder: str) -> None:
    said: list[str] = []
    order: list[str] = []

    def second() -> None:
        with held(folder, "a", said.append):
            order.append("second")

    thread = threading.Thread(target=second)
    with held(folder, "a", print):
        thread.start()
        deadline = time.monotonic() + 120
        while not said and time.monotonic() < deadline:
            time.sleep(0.05)
        order.append("first")
    thread.join(120)
    assert order == ["first", "second"]
    assert len(said) == 1
    assert f"waiting for the same run, which goes on already (process {os.getpid()} on" in said[0]


def test_the_kernel_frees_it_when_its_process_is_killed(tmp_path: Path) -> None:
    command = [sys.executable, "-c", HOLD, str(tmp_path), "a"]
    with subprocess.Popen(command, env=ENVIRONMENT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        with pytest.raises(UsageError, match=f"process {process.pid} on"), held(str(tmp_path), "b", print):
            pass
        process.send_signal(signal.SIGKILL)
        process.wait()
    with held(str(tmp_path), "b", print):
        assert (tmp_path / LOCK_NAME).exists()
    assert not files.holds_files(str(tmp_path))


class Hand:
    """A clock that goes on where somebody sleeps.

    Attributes:
        seconds: since it began.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch, meanwhile: Callable[[float], None]) -> None:
        """Give it to the locks.

        Args:
            monkeypatch: for one test.
            meanwhile: called with the time at the end of each sleep.
        """
        self.seconds, self._meanwhile = 0.0, meanwhile
        names = {name: getattr(time, name) for name in ("time", "strftime", "localtime")}
        clock = SimpleNamespace(monotonic=lambda: self.seconds, sleep=self._sleep, **names)
        monkeypatch.setattr(locks, "time", clock)

    def _sleep(self, seconds: float) -> None:
        self.seconds += seconds
        self._meanwhile(self.seconds)


def of_another_machine(work: str) -> locks.Holder:
    """One whose processes cannot be looked at."""
    return locks.replace(locks._self(work), boot="elsewhere")


def test_a_lease_that_nobody_renews_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    MemoryFileSystem.objects.clear()
    folder = "memory://bucket/run"
    locks._write(folder, 7, of_another_machine("a"), replace_it=False)
    hand = Hand(monkeypatch, lambda seconds: None)
    assert locks._take(folder, "a", print)[0] == 8
    assert locks.LEASE_SECONDS < hand.seconds < locks.LEASE_SECONDS + 2
    assert locks._highest(folder) == 8


@pytest.mark.parametrize("store", ["memory", "folders"])
def test_one_that_is_renewed_does_not_end(store: str, monkeypatch: pytest.MonkeyPatch) -> None:
    MemoryFileSystem.objects.clear()
    FolderFileSystem.objects.clear()
    folder, theirs = f"{store}://bucket/run", of_another_machine("a")
    locks._write(folder, 7, theirs, replace_it=False)

    def renew(seconds: float) -> None:
        if seconds > 10 * locks.LEASE_SECONDS:
            raise TimeoutError
        if seconds % locks.RENEW_SECONDS == 0:
            locks._write(folder, 7, locks.replace(theirs, renewals=int(seconds)), replace_it=True)

    Hand(monkeypatch, renew)
    with pytest.raises(TimeoutError):
        locks._take(folder, "a", print)
    hand = Hand(monkeypatch, renew)
    with pytest.raises(UsageError):
        locks._take(folder, "b", print)
    assert hand.seconds <= locks.RENEW_SECONDS + 1
    assert locks._highest(folder) == 7


def test_whoever_holds_a_lease_renews_it(monkeypatch: pytest.MonkeyPatch) -> None:
    MemoryFileSystem.objects.clear()
    monkeypatch.setattr(locks, "RENEW_SECONDS", 0.02)
    folder, deadline = "memory://bucket/run", time.monotonic() + 60
    with held(folder, "a", print):
        while (found := locks._holder(folder, 1)) is None or found.renewals < 2:
            assert time.monotonic() < deadline
            time.sleep(0.01)
    found = locks._holder(folder, 1)
    assert found is not None
    assert found.released


def test_one_that_is_just_being_written_is_not_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    """hdfs:// replaces no file: for a moment the old one is gone, and the new one has no name."""
    FolderFileSystem.objects.clear()
    folder, theirs = "folders://bucket/run", of_another_machine("b")
    FolderFileSystem.objects[f"{folder}/lease/00000001.json.0123.tmp"] = b"{"

    def give_it_its_name(seconds: float) -> None:
        FolderFileSystem.objects.clear()
        locks._write(folder, 1, theirs, replace_it=False)

    Hand(monkeypatch, give_it_its_name)
    with pytest.raises(UsageError, match="is in use by a run of"):
        locks._take(folder, "a", print)
    assert [uri[-6:] for uri in files.list_files(folder)] == ["1.json"]


def test_a_lease_that_is_lost_is_not_given_back() -> None:
    MemoryFileSystem.objects.clear()
    folder, theirs = "memory://bucket/run", of_another_machine("b")
    with held(folder, "a", print):
        locks._write(folder, 1, theirs, replace_it=True)
    assert locks._holder(folder, 1) == theirs


def test_who_was_killed_in_a_folder_is_not_taken_for_who_holds_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A lock is there before the name of its holder, and that of the one before stands there till then."""
    killed = locks.replace(locks._self("b"), pid=2**22 + 1)
    path = tmp_path / LOCK_NAME
    path.write_text(json.dumps(asdict(killed)))
    said: list[str] = []
    with path.open("r+") as theirs:
        fcntl.flock(theirs, fcntl.LOCK_EX)

        def go_on(seconds: float) -> None:
            path.write_text(json.dumps(asdict(locks._self("a"))))
            if said:
                fcntl.flock(theirs, fcntl.LOCK_UN)

        Hand(monkeypatch, go_on)
        with held(str(tmp_path), "a", said.append):
            assert f"(process {os.getpid()} on" in said[0]
    assert len(said) == 1
    # Whoever gives a folder back leaves no name in it.
    assert path.read_bytes() == b""


def test_of_many_that_take_a_free_lease_one_has_it() -> None:
    FolderFileSystem.objects.clear()
    inside, most = [0], [0]

    def one() -> None:
        with held("folders://bucket/run", "a", lambda line: None):
            inside[0] += 1
            most[0] = max(most[0], inside[0])
            time.sleep(0.01)
            inside[0] -= 1

    threads = [threading.Thread(target=one) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert most == [1]


def test_where_no_name_is_refused_the_last_to_write_a_lease_has_it(monkeypatch: pytest.MonkeyPatch) -> None:
    MemoryFileSystem.objects.clear()
    folder, other = "memory://bucket/run", locks._self("other")
    # One that had looked before writes only now.
    hand = Hand(monkeypatch, lambda seconds: locks._write(folder, 1, other, replace_it=True) and None)
    assert not locks._is_made(folder, 1, locks._self("work"))
    assert hand.seconds == locks.SETTLE_SECONDS
    # A file system that renames refuses, and needs no waiting.
    FolderFileSystem.objects.clear()
    assert locks._is_made("folders://bucket/run", 1, locks._self("work"))
    assert not locks._is_made("folders://bucket/run", 1, locks._self("other"))
    assert hand.seconds == locks.SETTLE_SECONDS


def test_one_that_looked_before_others_came_and_went_does_not_have_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    MemoryFileSystem.objects.clear()
    folder = "memory://bucket/run"
    # Number 1 was taken, given back and removed; number 2 holds the folder.
    locks._write(folder, 2, locks._self("other"), replace_it=False)
    highest, looks = locks._highest, [0]
    monkeypatch.setattr(locks, "_highest", lambda folder: looks.pop() if looks else highest(folder))
    with pytest.raises(UsageError, match="is in use by a run of"):
        locks._take(folder, "work", print)
    assert [uri[-6:] for uri in files.list_files(files.join(folder, "lease"))] == ["2.json"]
