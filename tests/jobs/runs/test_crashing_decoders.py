"""A recording that ends the process which decodes it costs itself alone, from the next run on."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import pytest
import soundfile
from support.places import ENVIRONMENT, SUPPORT
from support.processes import Command
from support.runs import arguments
from support.toy import write_corpus, write_filter

from prep_corpus.align.errors import DeadLetter
from prep_corpus.align.recordings import Recording
from prep_corpus.pipeline.apart import attempts
from prep_corpus.pipeline.apart.attempts import Guard, attempt, decoded_alone, left_behind, noting
from prep_corpus.pipeline.storage.sealed_json import read_json, write_json

CRASHING = {
    **ENVIRONMENT,
    "PYTHONPATH": os.pathsep.join([str(SUPPORT / "crashing"), ENVIRONMENT["PYTHONPATH"]]),
}


def started(manifest: Path, out: Path) -> subprocess.CompletedProcess[str]:
    """A run that crashes where it opens a certain file, and the processes that it starts."""
    words = arguments(manifest, out, "--max-failed", "0.6")
    return Command(*words, environment=CRASHING, begins_with="sitecustomize").finish()


def test_a_crash_is_found_by_the_next_run_named_and_not_tried_again(tmp_path: Path) -> None:
    manifest = write_corpus(tmp_path / "corpus", recordings=1, sentences=3)
    write_filter(manifest.parent / "filter.json")
    talk, out = manifest.parent / "talk0.flac", tmp_path / "run"
    shutil.copy(talk, talk.with_name("crashing.flac"))
    with manifest.open("a") as file:
        file.write(json.dumps({"audio_filepath": "crashing.flac", "text": "a river"}) + "\n")
    assert started(manifest, out).returncode == -6
    done = started(manifest, out)
    assert done.returncode == 0, done.stderr
    (letter,) = map(json.loads, (out / "dead-letters.jsonl").read_text().splitlines())
    assert (letter["recording_id"], letter["reason"]) == ("crashing", "decoder-failed")
    assert "a process that decoded" in letter["message"]
    assert "was ended by SIGABRT" in letter["message"]
    # Known now: neither this process nor another opens it, until it changes.
    recording = Recording(id="crashing", audio_uri=str(talk.with_name("crashing.flac")), text="a river")
    with mock.patch.object(attempts, "decoded_alone", side_effect=AssertionError):
        assert isinstance(Guard(str(out / "work")).rejected(recording), DeadLetter)
        os.utime(recording.audio_uri)
        assert Guard(str(out / "work")).rejected(recording) is None


def test_notes_of_the_dead_are_found_and_those_of_the_living_left(tmp_path: Path) -> None:
    with noting(str(tmp_path)):
        with attempt("alive"):
            assert left_behind(str(tmp_path)) == set()
            (note,) = tmp_path.glob("attempts/*.note")
            copy = note.read_bytes()
        assert note.read_bytes().strip() == b""
    assert not note.exists()
    note.with_name("00000000-1-1.note").write_bytes(copy)
    assert left_behind(str(tmp_path)) == {"alive"}
    assert left_behind(str(tmp_path)) == set()


def test_what_comes_back_is_no_failure_and_what_does_not_is_bounded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "talk.wav"
    soundfile.write(path, np.random.default_rng(0).normal(0, 0.1, 16_000), 16_000)
    recording = Recording(id="talk", audio_uri=str(path), text="a")
    assert decoded_alone(recording, 32_000) is None
    monkeypatch.setattr(attempts, "SECONDS_AT_LEAST", 0.01)
    assert decoded_alone(recording, 0) == "took over 0 s"


def test_a_process_that_somebody_ended_is_tried_once_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "talk.wav"
    soundfile.write(path, np.random.default_rng(0).normal(0, 0.1, 16_000), 16_000)
    recording = Recording(id="talk", audio_uri=str(path), text="a")
    real, deaths = subprocess.run, [-9]

    def run(command: list[str], **words: Any) -> subprocess.CompletedProcess[bytes]:
        if deaths:
            return subprocess.CompletedProcess(command, deaths.pop())
        return real(command, **words)

    monkeypatch.setattr(attempts.subprocess, "run", run)
    assert decoded_alone(recording, 32_000) is None
    deaths[:] = [-9, -9]
    assert decoded_alone(recording, 32_000) == "was ended by SIGKILL"


def test_a_call_that_does_not_come_back_is_given_up(tmp_path: Path) -> None:
    given_up: list[str] = []
    with noting(str(tmp_path), call_seconds=0.05, give_up=given_up.append):
        with attempt("well"):
            pass
        with attempt("waiting"):
            # Waiting is no CPU time: a slow disk ends nothing.
            time.sleep(0.2)
        assert given_up == []
        with attempt("an alignment", watched=False):
            spin(0.3)
        assert given_up == []
        with attempt("hanging"):
            deadline = time.monotonic() + 60
            while not given_up and time.monotonic() < deadline:
                pass
    assert set(given_up) == {"hanging"}


def test_what_a_thread_does_after_a_call_is_not_the_calls(monkeypatch: pytest.MonkeyPatch) -> None:
    """The call ends while its clock is read."""
    journal, given_up, stop = attempts._Journal(), [], mock.Mock()
    journal._calls[1] = ("well", 0, 0.0)
    stop.wait.side_effect = [False, True]

    def late(clock: int) -> float:
        journal._calls[1] = ("next", 0, 1e9)
        return 1e9

    monkeypatch.setattr(attempts, "time", mock.Mock(clock_gettime=late))
    journal._watch(stop, 300.0, given_up.append)
    assert given_up == []


def test_a_note_of_a_thread_that_outlives_the_run_is_written_nowhere(tmp_path: Path) -> None:
    with noting(str(tmp_path)):
        with attempt("talk"):
            pass
        note = attempts._JOURNAL._threads.note
    # Another file may have its number by now.
    with mock.patch.object(attempts.os, "pwrite", side_effect=AssertionError):
        note.write("talk")
        attempts._JOURNAL.note("talk")


def test_verdicts_of_threads_side_by_side_are_all_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first to be found waits with its writing until the second has been found too."""
    recordings = []
    for name in ("one", "two"):
        (tmp_path / f"{name}.wav").write_bytes(b"RIFF")
        recordings.append(Recording(id=name, audio_uri=str(tmp_path / f"{name}.wav"), text="a"))
    guard, second = Guard(str(tmp_path)), threading.Event()
    guard._suspects |= {"one", "two"}

    def found(recording: Recording, size_bytes: int) -> str:
        if recording.id == "two":
            second.set()
        return "took over 120 s"

    def late(uri: str, content: dict[str, Any]) -> None:
        if list(content) == ["one"]:
            second.wait(60)
            # So long that the other would have written.
            time.sleep(0.05)
        write_json(uri, content)

    monkeypatch.setattr(attempts, "decoded_alone", found)
    monkeypatch.setattr(attempts, "write_json", late)
    with ThreadPoolExecutor(2) as pool:
        assert all(pool.map(guard.rejected, recordings))
    assert set(read_json(str(tmp_path / "attempts" / "verdicts.json")) or ()) == {"one", "two"}


def spin(seconds: float) -> None:
    """Use CPU time."""
    began = time.thread_time()
    while time.thread_time() - began < seconds:
        pass


def test_a_changed_text_is_tried_again(tmp_path: Path) -> None:
    path = tmp_path / "talk.wav"
    soundfile.write(path, np.random.default_rng(0).normal(0, 0.1, 16_000), 16_000)
    recording = Recording(id="talk", audio_uri=str(path), text="a")
    with noting(str(tmp_path)), attempt("talk"):
        (note,) = tmp_path.glob("attempts/*.note")
        copy = note.read_bytes()
    note.with_name("00000000-1-1.note").write_bytes(copy)
    with mock.patch.object(attempts, "decoded_alone", return_value="took over 120 s"):
        guard = Guard(str(tmp_path))
        letter = guard.rejected(recording)
    assert letter is not None
    assert "read its text alone took over 120 s" in letter.message
    assert guard.rejected(replace(recording, text="another")) is None
