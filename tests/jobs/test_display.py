"""Lines that a person reads."""

from __future__ import annotations

import io
import json
import time
from pathlib import Path

import pytest
from rich.console import Console

from prep_corpus.align.errors import UsageError
from prep_corpus.jobs.display import Work, clock, ledger_tables, shown_progress, stage_line, status_lines
from prep_corpus.pipeline.ledgers import Ledgers
from prep_corpus.pipeline.progress import BOARD, StageProgress

WORK = Work(bundles=10, audio_seconds=36_000, recordings=100)


@pytest.mark.parametrize(("seconds", "shown"), [(0, "0:00"), (65, "1:05"), (3723.4, "1:02:03")])
def test_clock(seconds: float, shown: str) -> None:
    assert clock(seconds) == shown


def test_speed_and_time_to_go_count_only_what_was_made() -> None:
    progress = StageProgress(
        units=4, found=2, recordings=40, audio_seconds=14_400, found_seconds=7_200, failed=3
    )
    line = stage_line("emit", progress, WORK, elapsed_seconds=72)
    # 7,200 s of audio were made in 72 s; 21,600 s are left at that speed.
    assert line == (
        "40/100 recordings, 4.00/10.00 h, 2 bundles found done, 100 x real time, 3:36 to go, 3 failed"
    )


def test_plain_lines_and_the_status_file_where_there_is_no_terminal(tmp_path: Path) -> None:
    BOARD.clear()
    shown = io.StringIO()
    status = tmp_path / "status.json"
    with shown_progress(WORK, str(status), quiet=False, console=Console(file=shown, width=200)):
        BOARD.add("emit", StageProgress(units=10, recordings=100, audio_seconds=36_000))
        time.sleep(0.01)
    assert "emit: 100/100 recordings, 10.00/10.00 h" in shown.getvalue()
    document = json.loads(status.read_text())
    assert document["state"] == "done"
    assert document["stages"]["emit"]["recordings"] == 100


def test_a_crash_is_told_in_the_status_file(tmp_path: Path) -> None:
    status = tmp_path / "status.json"
    with pytest.raises(OSError), shown_progress(WORK, str(status), quiet=True, console=Console(quiet=True)):
        raise OSError("gone")
    assert json.loads(status.read_text())["state"] == "crashed"


def test_status_tells_the_truth_while_running_after_a_kill_and_after_the_end(tmp_path: Path) -> None:
    BOARD.clear()
    status = tmp_path / "status.json"
    with shown_progress(WORK, str(status), quiet=True, console=Console(quiet=True)):
        assert status_lines(str(tmp_path)) == ["running; 0:00 since the start"]
        BOARD.add("emit", StageProgress(units=10, recordings=100, audio_seconds=36_000))
    assert status_lines(str(tmp_path)) == [
        "done; 0:00 since the start",
        "emit: 100/100 recordings, 10.00/10.00 h",
    ]
    document = json.loads(status.read_text())
    document.update(state="running", written_at=time.time() - 600)
    status.write_text(json.dumps(document))
    assert status_lines(str(tmp_path))[0].startswith("cut off: nothing was heard of it for 10:0")
    with pytest.raises(UsageError, match="holds no run that has begun"):
        status_lines(str(tmp_path / "elsewhere"))


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
