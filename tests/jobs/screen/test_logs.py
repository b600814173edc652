"""--verbose tells of each bundle, --log-file keeps all of it with times, and without them nothing changes."""

from __future__ import annotations

import logging
import re
from pathlib import Path

from click.testing import CliRunner
from support.runs import run_here

from prep_corpus.jobs.cli import main

MADE = re.compile(r"emit: talk0[^(]* \(\d+\.\d min of audio\) made in \d+\.\d s as [0-9a-f]{32}")


def test_a_file_has_what_was_done_and_printed_and_the_screen_only_what_was_asked(
    toy_corpus: Path, tmp_path: Path
) -> None:
    log = tmp_path / "log"
    done = run_here(toy_corpus, tmp_path / "one", "--log-file", str(log))
    text = log.read_text()
    assert MADE.search(text)
    assert not MADE.search(done.output)
    assert "INFO: model toy:acoustic_model on cpu, digest " in text
    assert re.search(r"INFO: 4 recordings, \d\.\d\d hours in \d bundles?; 0 rejected before the start", text)
    assert re.search(r"INFO: emit: 4/4 recordings", text)
    assert all(re.match(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} ", line) for line in text.splitlines())

    done = run_here(toy_corpus, tmp_path / "two", "-v", f"--log-file={log}")
    assert MADE.search(done.output)
    assert log.read_text().startswith(text), "lines are added"
    # What began it has ended it.
    assert logging.getLogger("prep_corpus").handlers == []
    assert not MADE.search(run_here(toy_corpus, tmp_path / "three").output)


def test_what_fails_is_one_line_on_the_screen_and_a_traceback_in_the_file(tmp_path: Path) -> None:
    log = tmp_path / "log"
    words = ["run", str(tmp_path / "nowhere.jsonl"), "--out", str(tmp_path / "run"), "--log-file", str(log)]
    done = CliRunner().invoke(main, words)
    assert done.exit_code == 2
    assert len(done.output.splitlines()) == 1
    assert "Traceback" in log.read_text()
    assert "nowhere.jsonl" in log.read_text().splitlines()[-1]


def test_a_file_that_cannot_be_written_is_refused_in_one_line(tmp_path: Path) -> None:
    done = CliRunner().invoke(main, ["status", "run", "--log-file", str(tmp_path / "no" / "log")])
    assert done.exit_code == 2
    assert done.output.startswith("Error: --log-file ")
    assert len(done.output.splitlines()) == 1
