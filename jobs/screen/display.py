"""Live progress of a run, and its state as read from any machine."""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

from prep_corpus.jobs.screen.causes import cause_of
from prep_corpus.jobs.screen.logs import PRINTED
from prep_corpus.jobs.screen.pace import Finish, Pace, estimate_to_go, in_words
from prep_corpus.jobs.screen.stage_lines import Work, failures_line, stage_line
from prep_corpus.jobs.screen.status import FILE_SECONDS, machine_key
from prep_corpus.pipeline.progress import BOARD, StageProgress
from prep_corpus.pipeline.storage import files

_REFRESH_SECONDS = 0.5
_PLAIN_SECONDS = 10.0
_LEAST_TO_GO_SECONDS = 1.0


class _Watch:
    """Turns snapshots of the board into lines, a progress file and bars."""

    def __init__(self, work: Work, status_uri: str, board: Callable[[], dict[str, StageProgress]]) -> None:
        self._work, self._status_uri, self._board = work, status_uri, board
        self._began = time.monotonic()
        self._paces: dict[str, Pace] = {}
        self._whole: set[str] = set()
        self._finish = Finish(self._began)
        self._to_go_seconds: float | None = None

    def look(self) -> dict[str, StageProgress]:
        """What the stages have done, in their order; notes their pace."""
        now = time.monotonic()
        snapshot = self._board()
        stages = {stage: snapshot[stage] for stage in self._work.stages if stage in snapshot}
        for stage, progress in stages.items():
            if stage not in self._paces:
                self._paces[stage] = Pace(now - _REFRESH_SECONDS if self._paces else self._began)
            # A stage that is done keeps the speed that it had while it ran.
            if stage not in self._whole:
                self._paces[stage].note(now, progress.audio_seconds - progress.found_seconds)
            if progress.recordings >= self._work.recordings and stage != "write":
                self._whole.add(stage)
        estimate = estimate_to_go(
            stages,
            self.speeds(),
            audio_seconds=self._work.audio_seconds,
            workers=self._work.workers,
            order=self._work.stages,
        )
        if estimate is not None:
            self._to_go_seconds = self._finish.to_go_seconds(now, estimate)
        return stages

    def speeds(self) -> dict[str, float]:
        """Times real time of the stages that show one."""
        speeds = {stage: pace.speed for stage, pace in self._paces.items()}
        return {stage: speed for stage, speed in speeds.items() if speed is not None}

    def lines(self) -> dict[str, tuple[float, str]]:
        """Share done and description of each stage that has begun, then of the whole."""
        stages, speeds = self.look(), self.speeds()
        shown: dict[str, tuple[float, str]] = {}
        for stage, progress in stages.items():
            share = progress.audio_seconds / max(self._work.audio_seconds, 1e-9) if stage != "write" else 1.0
            shown[stage] = (min(share, 1.0), stage_line(stage, progress, self._work, speeds.get(stage)))
        elapsed = time.monotonic() - self._began
        failures = failures_line(stages, self._work)
        if shown and (self._to_go_seconds is not None or failures):
            # While anything goes on there is something to go.
            to_go = max(self._to_go_seconds or 0.0, _LEAST_TO_GO_SECONDS)
            parts = [] if self._to_go_seconds is None else [f"about {in_words(to_go)} to go"]
            whole = elapsed / max(elapsed + to_go, 1e-9)
            shown["all"] = (whole, ", ".join([*parts, *([failures] if failures else [])]))
        return shown

    def save(self, state: str) -> None:
        """A small file for other programs."""
        stages, speeds = self.look(), self.speeds()
        if state == "done":
            self._to_go_seconds = 0.0
        document = {
            "to_go_seconds": None if self._to_go_seconds is None else round(self._to_go_seconds, 1),
            "work": asdict(self._work),
            "times_real_time": {stage: round(speed, 2) for stage, speed in speeds.items()},
            "stages": {stage: asdict(progress) for stage, progress in stages.items()},
        }
        _write_status(self._status_uri, state, self._began, document)


def _write_status(uri: str, state: str, began: float, more: Mapping[str, Any]) -> None:
    document = {
        "state": state,
        "written_at": round(time.time(), 1),
        "machine": machine_key(),
        "pid": os.getpid(),
        "elapsed_seconds": round(time.monotonic() - began, 1),
        **more,
    }
    text = json.dumps(document, indent=1).encode()
    if files.is_local(uri) and not os.path.isdir(os.path.dirname(uri)):
        # Removed under the run: a status alone would keep the next run out.
        return
    files.write_atomic(uri, lambda file: file.write(text), replace=True)


class Probing:
    """Tells of a run that reads its manifest, which takes a while for millions of files."""

    def __init__(self, status_uri: str) -> None:
        self._uri, self._began = status_uri, time.monotonic()

    def note(self, probed: int) -> None:
        """So many entries have been read."""
        with suppress(OSError):
            _write_status(self._uri, "probing", self._began, {"probed": probed})


@contextmanager
def noting_interrupts(status_uri: str) -> Iterator[None]:
    """Say `interrupted` in the status of a run that is stopped while it probes, or between its stages."""
    try:
        yield
    except BaseException as error:
        if cause_of(error).is_interrupt:
            with suppress(OSError, ValueError, KeyError, TypeError):
                document = json.loads(files.read_bytes(status_uri))
                if document["pid"] == os.getpid() and document["state"] != "done":
                    text = json.dumps({**document, "state": "interrupted"}, indent=1).encode()
                    files.write_atomic(status_uri, lambda file: file.write(text), replace=True)
        raise


def note_nothing_run(work: Work, status_uri: str) -> None:
    """Tell of a run that ended before its first stage, since too much had failed."""
    _Watch(work, status_uri, dict).save("done")


@contextmanager
def shown_progress(
    work: Work,
    status_uri: str,
    *,
    quiet: bool,
    console: Console,
    board: Callable[[], dict[str, StageProgress]] = BOARD.snapshot,
) -> Iterator[None]:
    """Show the stages' progress while what runs inside blocks: bars on a terminal, else plain lines.

    Args:
        work: what there is to do.
        status_uri: file for other programs, written every few seconds.
        quiet: show nothing.
        console: console to show it on.
        board: what the stages have done so far; of this process where not given.
    """
    watch = _Watch(work, status_uri, board)
    stop = threading.Event()
    live = console.is_terminal and not quiet
    bars = Progress(
        TextColumn("{task.fields[stage]:>8}"),
        BarColumn(bar_width=24),
        TextColumn("{task.description}"),
        console=console,
        disable=not live,
        transient=False,
    )
    tasks: dict[str, Any] = {}

    def update_bars() -> None:
        for stage, (share, line) in watch.lines().items():
            if stage not in tasks:
                tasks[stage] = bars.add_task(line, stage=stage, total=1.0)
            bars.update(tasks[stage], completed=share, description=line)

    def show(last: int | None) -> None:
        lines = [f"{stage}: {line}" for stage, (_, line) in watch.lines().items()]
        for line in lines if last is None else lines[-last:]:
            PRINTED.info("%s", line)
            if not live:
                console.print(line, markup=False, highlight=False, soft_wrap=True)

    def follow() -> None:
        last_line = last_file = time.monotonic()
        while not stop.wait(_REFRESH_SECONDS):
            now = time.monotonic()
            # Whatever a file system says: the run goes on, and the next look tells as much.
            with suppress(Exception):
                if live:
                    update_bars()
                if now - last_line >= _PLAIN_SECONDS:
                    last_line = now
                    show(2)
                if now - last_file >= FILE_SECONDS:
                    last_file = now
                    watch.save("running")

    thread = threading.Thread(target=follow, name="progress", daemon=True)
    state = "crashed"
    with bars:
        watch.save("running")
        thread.start()
        try:
            yield
            state = "done"
        except BaseException as error:
            if cause_of(error).is_interrupt:
                state = "interrupted"
            raise
        finally:
            stop.set()
            thread.join()
            if live:
                update_bars()
            with suppress(OSError):
                watch.save(state)
    show(None)
