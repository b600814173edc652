"""What `status` says of a real run: while it goes on, after a kill, and after the end."""

from __future__ import annotations

import json
import os
import re
import signal
import time
from pathlib import Path

from support import toy
from support.processes import Command
from support.runs import arguments, run_here
from support.runs import cli_here as cli

from prep_corpus.align.errors import UsageError
from prep_corpus.jobs.screen.status import status_lines


def test_status_of_a_run_while_it_goes_on_after_a_kill_and_after_the_end(tmp_path: Path) -> None:
    manifest = toy.write_corpus(tmp_path, recordings=8, sentences=30)
    toy.write_filter(tmp_path / "filter.json")
    with manifest.open("a") as file:
        file.write(json.dumps({"audio_filepath": "missing.wav", "text": "nobody"}) + "\n")
    out = tmp_path / "run"
    more = ("--workers", "1", "--max-failed", "0.5", "--model", "toy:slow_model")
    process = Command(*arguments(manifest, out, *more))
    seen: list[str] = []
    deadline = time.monotonic() + 600
    try:
        while not any(line.startswith("emit:") for line in seen):
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.01)
            try:
                seen = status_lines(str(out))
            except UsageError:
                continue
            assert seen[0].startswith(("probing; ", "running; "))
        assert re.match(r"emit: \d/8 recordings, 0\.\d\d/0\.\d\d h", seen[1])
        assert seen[-1] == "1 of 9 recordings rejected: audio-missing 1"
    finally:
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    assert not (out / "manifest.json").exists(), "the run ended before it could be killed"
    assert status_lines(str(out))[0].startswith("cut off: its process is gone, last heard of 0:")
    assert "published" not in cli("status", str(out)).stdout
    run_here(manifest, out, *more, formats=())
    ended = cli("status", str(out)).stdout.splitlines()
    assert ended[0].startswith("done; ")
    assert [line.split(":")[0] for line in ended[1:6]] == ["emit", "align", "measure", "segment", "write"]
    assert "8/8 recordings" in ended[1]
    utterances = json.loads((out / "outcome.json").read_text())["utterances"]
    assert ended[-2:] == [
        "1 of 9 recordings rejected: audio-missing 1",
        f"published: {utterances} utterances",
    ]
    polled = json.loads((out / "status.json").read_text())
    assert (polled["state"], polled["to_go_seconds"]) == ("done", 0.0)
    run_here(manifest, out, *more, "--max-failed", "0.01", code=4, formats=())
    assert (
        cli("status", str(out)).stdout.splitlines()[-1] == "nothing was published: 1 of 9 recordings failed"
    )
