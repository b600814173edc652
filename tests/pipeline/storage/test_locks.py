"""A folder has one writer at a time, on disks and on object stores, whatever becomes of the one before."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

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
    monkeypatch.setattr(locks, "LEASE_SECONDS", 1.0)
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
        deadline = time.monotonic() + 30
        while not said and time.monotonic() < deadline:
            time.sleep(0.05)
        order.append("first")
    thread.join(30)
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


def test_a_lease_that_nobody_renews_ends_and_one_that_is_renewed_does_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    MemoryFileSystem.objects.clear()
    monkeypatch.setattr(locks, "RENEW_SECONDS", 0.2)
    monkeypatch.setattr(locks, "LEASE_SECONDS", 1.0)
    folder = "memory://bucket/run"
    left = locks._self("a")
    # Of another machine, whose processes cannot be looked at.
    locks._write(folder, 7, locks.replace(left, boot="elsewhere", renewals=3), replace_it=False)
    began = time.monotonic()
    with held(folder, "a", print):
        assert time.monotonic() - began > 1
        assert locks._highest(folder) == 8
        time.sleep(1.5)
        with pytest.raises(UsageError), held(folder, "b", print):
            pass


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
    folder, waited = "memory://bucket/run", []

    def wait(seconds: float) -> None:
        # One that had looked before writes only now.
        waited.append(seconds)
        locks._write(folder, 1, locks._self("other"), replace_it=True)

    monkeypatch.setattr(locks.time, "sleep", wait)
    assert not locks._is_made(folder, 1, locks._self("work"))
    assert waited == [locks.SETTLE_SECONDS]
    # A file system that renames refuses, and needs no waiting.
    FolderFileSystem.objects.clear()
    assert locks._is_made("folders://bucket/run", 1, locks._self("work"))
    assert not locks._is_made("folders://bucket/run", 1, locks._self("other"))
    assert len(waited) == 1


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
