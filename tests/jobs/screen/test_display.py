"""Lines that a person reads."""

from __future__ import annotations

import io
import json
import re
import subprocess
import threading
import time
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from rich.console import Console
from support.object_store import MemoryFileSystem

from prep_corpus.align.errors import UsageError
from prep_corpus.jobs.screen import display
from prep_corpus.jobs.screen.display import Probing, shown_progress
from prep_corpus.jobs.screen.printing import ledger_tables, print_line, transcript_lines
from prep_corpus.jobs.screen.stage_lines import Work, clock, failures_line, stage_line
from prep_corpus.jobs.screen.status import status_document, status_lines
from prep_corpus.pipeline.ledgers import Ledgers
from prep_corpus.pipeline.progress import BOARD, StageProgress
from prep_corpus.pipeline.stages.transcript_checks import TranscriptCheck
from prep_corpus.pipeline.storage import files

WORK = Work(bundles=10, audio_seconds=36_000, recordings=100)


@pytest.mark.parametrize(("seconds", "shown"), [(0, "0:00"), (65, "1:05"), (3723.4, "1:02:03")])
def test_clock(seconds: float, shown: str) -> None:
    assert clock(seconds) == shown


def test_speed_and_time_to_go() -> None:
    progress = StageProgress(
        units=4, found=2, recordings=40, audio_seconds=14_400, found_seconds=7_200, failed=3
    )
    # 21,600 s are left at 100 times real time.
    assert stage_line("emit", progress, WORK, 100.0) == (
        "40/100 recordings, 4.00/10.00 h, 2 bundles found done, 100 x real time, 3:36 to go, 3 failed"
    )
    assert "to go" not in stage_line("emit", progress, WORK, None)


def test_what_a_lost_machine_had_begun_is_not_shown_twice() -> None:
    counted_again = StageProgress(units=11, found=1, recordings=110, audio_seconds=39_600)
    assert stage_line("emit", counted_again, WORK, 100.0) == (
        "100/100 recordings, 10.00/10.00 h, 1 bundle found done, 100 x real time"
    )


def test_failures_by_reason_from_the_manifest_on() -> None:
    stages = {
        "emit": StageProgress(failed=3, reasons={"audio-silent": 2, "audio-truncated": 1}),
        "align": StageProgress(failed=1, reasons={"transcript-too-long": 1}),
    }
    work = replace(WORK, rejected={"audio-silent": 1})
    assert failures_line(stages, work) == (
        "5 of 101 recordings rejected: audio-silent 3, audio-truncated 1, transcript-too-long 1"
    )
    assert failures_line({}, WORK) is None


def test_plain_lines_and_the_status_file_where_there_is_no_terminal(tmp_path: Path) -> None:
    BOARD.clear()
    shown = io.StringIO()
    status = tmp_path / "status.json"
    with shown_progress(WORK, str(status), quiet=False, console=Console(file=shown, width=200)):
        BOARD.add("emit", StageProgress(units=10, recordings=100, audio_seconds=36_000))
    assert "emit: 100/100 recordings, 10.00/10.00 h" in shown.getvalue()
    document = json.loads(status.read_text())
    assert document["state"] == "done"
    assert document["stages"]["emit"]["recordings"] == 100


def test_bars_on_a_terminal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("prep_corpus.jobs.screen.display._REFRESH_SECONDS", 0.02)
    BOARD.clear()
    shown = io.StringIO()
    console = Console(file=shown, width=160, force_terminal=True, color_system=None, legacy_windows=False)
    half = StageProgress(units=5, recordings=50, audio_seconds=18_000, failed=2, reasons={"audio-silent": 2})
    with shown_progress(WORK, str(tmp_path / "status.json"), quiet=False, console=console):
        BOARD.add("emit", half)
        deadline = time.monotonic() + 60
        while not re.search(r"all .*about .* to go", shown.getvalue()):
            assert time.monotonic() < deadline
            time.sleep(0.1)
    text = shown.getvalue()
    assert re.search(r"emit .*50/100 recordings, 5.00/10.00 h, \d+ x real time, .* to go, 2 failed", text)
    assert re.search(r"all .*about .* to go, 2 of 100 recordings rejected: audio-silent 2", text)


def test_a_crash_is_told_in_the_status_file(tmp_path: Path) -> None:
    status = tmp_path / "status.json"
    with pytest.raises(OSError), shown_progress(WORK, str(status), quiet=True, console=Console(quiet=True)):
        raise OSError("gone")
    assert json.loads(status.read_text())["state"] == "crashed"


def without_time(lines: list[str]) -> list[str]:
    """A busy machine takes more than a second of what is shown as 0:00."""
    state, since = lines[0].split("; ")
    assert re.fullmatch(r"\d:\d\d since the start", since)
    return [state, *lines[1:]]


def test_status_tells_the_truth_while_running_and_after_the_end(tmp_path: Path) -> None:
    BOARD.clear()
    with shown_progress(WORK, str(tmp_path / "status.json"), quiet=True, console=Console(quiet=True)):
        assert without_time(status_lines(str(tmp_path))) == ["running"]
        failed = StageProgress(
            units=10, recordings=100, audio_seconds=36_000, failed=1, reasons={"audio-silent": 1}
        )
        BOARD.add("emit", failed)
    assert without_time(status_lines(str(tmp_path))) == [
        "done",
        "emit: 100/100 recordings, 10.00/10.00 h, 1 failed",
        "1 of 100 recordings rejected: audio-silent 1",
    ]
    told = status_document(str(tmp_path))
    assert (told["state"], told["stages"]["emit"]["failed"]) == ("done", 1)
    assert told == {**json.loads((tmp_path / "status.json").read_text()), "state": "done"}
    with pytest.raises(UsageError, match="holds no run that has begun"):
        status_lines(str(tmp_path / "elsewhere"))


def left_behind(folder: Path, **changes: Any) -> Path:
    """A status file that says "running", as a killed process leaves it."""
    BOARD.clear()
    status = folder / "status.json"
    with shown_progress(WORK, str(status), quiet=True, console=Console(quiet=True)):
        document = json.loads(status.read_text())
    document.update(changes)
    status.write_text(json.dumps(document))
    return status


def test_a_killed_process_on_this_machine_is_known_at_once(tmp_path: Path) -> None:
    with subprocess.Popen(["sleep", "60"]) as process:
        left_behind(tmp_path, pid=process.pid)
        assert status_lines(str(tmp_path))[0].startswith("running; ")
        process.kill()
    assert status_lines(str(tmp_path))[0].startswith("cut off: its process is gone, last heard of 0:")
    assert status_document(str(tmp_path))["state"] == "cut off"


@pytest.mark.parametrize("clock_seconds", [-600, 600, 0])
def test_from_another_machine_whatever_its_clock(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, clock_seconds: float
) -> None:
    waited: list[float] = []
    hand = SimpleNamespace(time=lambda: 1e9, sleep=waited.append)
    monkeypatch.setattr("prep_corpus.jobs.screen.status.time", hand)
    status = left_behind(tmp_path, machine="another", written_at=1e9 + clock_seconds)
    state = status_lines(str(tmp_path))[0]
    # Within a minute nobody can tell; after that a second look tells, by any clock.
    assert state.startswith("cut off: nothing was heard of it for " if clock_seconds else "running; ")
    assert waited == ([15.0] if clock_seconds else [])

    def goes_on(seconds: float) -> None:
        document = json.loads(status.read_text())
        document.update(written_at=document["written_at"] + 5)
        status.write_text(json.dumps(document))

    hand.sleep = goes_on
    assert status_lines(str(tmp_path))[0].startswith("running; ")


def test_the_folder_of_a_run_on_another_machine_may_be_an_object_store(tmp_path: Path) -> None:
    document = left_behind(tmp_path, machine="another").read_bytes()
    MemoryFileSystem.objects["memory://bucket/run/status.json"] = document
    assert status_lines("memory://bucket/run")[0].startswith("running; ")
    ended = document.replace(b'"running"', b'"done"')
    MemoryFileSystem.objects["memory://bucket/run/status.json"] = ended
    assert without_time(status_lines("memory://bucket/run")) == ["done"]


def test_a_run_that_still_reads_its_manifest(tmp_path: Path) -> None:
    Probing(str(tmp_path / "status.json")).note(8192)
    assert without_time(status_lines(str(tmp_path))) == ["probing", "probe: 8192 manifest entries"]


def test_a_status_file_that_cannot_be_written_for_a_while_stops_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("prep_corpus.jobs.screen.display._REFRESH_SECONDS", 0.01)
    monkeypatch.setattr("prep_corpus.jobs.screen.display.FILE_SECONDS", 0.01)
    folder, failed = tmp_path / "run", threading.Event()
    (tmp_path / "there").mkdir()
    (tmp_path / "away" / "status.json").mkdir(parents=True)

    def lead_to(name: str) -> None:
        # In one step: the writer makes a folder that is not there.
        (tmp_path / "link").symlink_to(tmp_path / name)
        (tmp_path / "link").replace(folder)

    def write_atomic(uri: str, *given: Any, **more: Any) -> bool:
        try:
            return files.write_atomic(uri, *given, **more)
        except OSError:
            failed.set()
            raise

    seen = SimpleNamespace(is_local=files.is_local, write_atomic=write_atomic)
    monkeypatch.setattr(display, "files", seen)
    lead_to("there")
    BOARD.clear()
    with shown_progress(WORK, str(folder / "status.json"), quiet=True, console=Console(quiet=True)):
        lead_to("away")
        assert failed.wait(60)
        lead_to("there")
        BOARD.add("emit", StageProgress(units=1, recordings=1, audio_seconds=3600))
        deadline = time.monotonic() + 60
        while "emit" not in json.loads((folder / "status.json").read_text())["stages"]:
            assert time.monotonic() < deadline, "the file is written no more"
            time.sleep(0.02)


def check(number: int, **changes: Any) -> TranscriptCheck:
    fields = {
        "recording_id": f"lecture-{number}",
        "transcript": "lecture.srt",
        "format": "srt",
        "disagrees": True,
        "verdict": "cues are 3.0 s late against the audio",
        "cues": None,
        "versions": (),
        "problems": (),
    }
    return TranscriptCheck(**{**fields, **changes})


def test_transcripts_that_a_person_should_look_at() -> None:
    assert transcript_lines(iter([check(1, disagrees=False)])) == []
    lines = transcript_lines(check(n, problems=("line 3",) if n == 4 else ()) for n in range(14))
    assert lines[0] == "lecture-0: cues are 3.0 s late against the audio"
    assert lines[10:] == [
        "cues that disagree with their audio: 4 more recordings",
        "parts that could not be read: in 1 transcript",
        "all about transcripts is in transcripts.jsonl",
    ]


def test_ledgers_show_every_entry_with_its_share() -> None:
    ledgers = Ledgers(
        samples={"kept": 480_000, "dropped:low-score": 320_000, "pause": 0, "decoded": 800_000},
        characters={"kept": 900, "unspoken": 100, "read": 1000},
    )
    shown = io.StringIO()
    console = Console(file=shown, width=100)
    for table in ledger_tables(ledgers, 16_000):
        console.print(table)
    text = shown.getvalue()
    assert "60.0%" in text
    assert "dropped: low score" in text
    assert "90.0%" in text
    assert "pause" not in text


def test_brackets_in_names_are_printed_as_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    text = "talk[/b][red]3[/red]: no such file in out[1], which is longer than the terminal is wide"
    print_line(Console(width=20), text)
    assert capsys.readouterr().out == text + "\n"


def test_a_stage_that_is_done_keeps_its_speed_and_the_whole_never_stands_at_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = [0.0]
    monkeypatch.setattr(display, "time", SimpleNamespace(monotonic=lambda: now[0]))
    work = Work(bundles=1, audio_seconds=60.0, recordings=1)
    done = {"emit": StageProgress(units=1, recordings=1, audio_seconds=60.0)}
    watch = display._Watch(work, "nowhere", lambda: done)
    now[0] = 6.0
    first = watch.lines()
    assert "10 x real time" in first["emit"][1]
    for now[0] in (70.0, 6_000.0, 60_000.0):
        later = watch.lines()
    assert later["emit"] == first["emit"]
    assert later["all"][1] == "about 0:01 to go"
    assert later["all"][0] < 1
