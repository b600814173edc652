"""Live progress of a run, and its state as read from any machine."""

from __future__ import annotations

import hashlib
import json
import os
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

from prep_corpus.align.errors import UsageError
from prep_corpus.jobs.screen.causes import cause_of
from prep_corpus.jobs.screen.pace import Finish, Pace, estimate_to_go, in_words
from prep_corpus.pipeline.progress import BOARD, STAGES, StageProgress
from prep_corpus.pipeline.run_files import OUTCOME_NAME, STATUS_NAME
from prep_corpus.pipeline.stages.close import RunOutcome
from prep_corpus.pipeline.storage import files

_REFRESH_SECONDS = 0.5
_PLAIN_SECONDS = 10.0
_FILE_SECONDS = 5.0
_SILENT_SECONDS = 60.0


@dataclass(frozen=True, kw_only=True)
class Work:
    """What there is to do.

    Attributes:
        bundles: number of bundles.
        audio_seconds: hours of the corpus, in seconds.
        recordings: recordings in the bundles.
        rejected: what the manifest and the probe rejected, by reason.
        workers: threads.
        stages: those that the run has.
    """

    bundles: int
    audio_seconds: float
    recordings: int
    rejected: Mapping[str, int] = field(default_factory=dict)
    workers: int = 1
    stages: Sequence[str] = STAGES


def clock(seconds: float) -> str:
    """Hours, minutes and seconds, such as 1:02:03 or 4:05."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


def stage_line(stage: str, progress: StageProgress, work: Work, speed: float | None) -> str:
    """One stage in words: recordings, hours, speed, time to go, failures.

    Args:
        stage: its name.
        progress: what it has done.
        work: what there is to do.
        speed: times real time, where it shows one.
    """
    if stage == "write":
        parts = [f"{progress.units} shards", f"{progress.recordings} utterances"]
        return ", ".join([*parts, f"{progress.audio_seconds / 3600:.2f} h"])
    # What a lost machine had begun is done and counted again.
    audio_seconds = min(progress.audio_seconds, work.audio_seconds)
    parts = [
        f"{min(progress.recordings, work.recordings)}/{work.recordings} recordings",
        f"{audio_seconds / 3600:.2f}/{work.audio_seconds / 3600:.2f} h",
    ]
    if progress.found:
        parts.append(f"{progress.found} bundles found done")
    if speed:
        parts.append(f"{speed:.0f} x real time")
        left = work.audio_seconds - audio_seconds
        if left > 0:
            parts.append(f"{in_words(left / speed)} to go")
    if progress.failed:
        parts.append(f"{progress.failed} failed")
    return ", ".join(parts)


def failures_line(stages: Mapping[str, StageProgress], work: Work) -> str | None:
    """The failures so far by reason, those before the start among them; None where there are none."""
    reasons = Counter(work.rejected)
    for progress in stages.values():
        reasons.update(progress.reasons)
    if not reasons:
        return None
    listed = ", ".join(
        f"{reason} {count}" for reason, count in sorted(reasons.items(), key=lambda r: (-r[1], r[0]))
    )
    return (
        f"{reasons.total()} of {work.recordings + sum(work.rejected.values())} recordings rejected: {listed}"
    )


def machine_key() -> str:
    """Stands for this machine since it was started, without telling its name."""
    boot = Path("/proc/sys/kernel/random/boot_id")
    since = boot.read_text() if boot.exists() else ""
    return hashlib.blake2b(f"{socket.gethostname()} {since}".encode(), digest_size=8).hexdigest()


def status_lines(folder: str, *, patience_seconds: float = 3 * _FILE_SECONDS) -> list[str]:
    """How far the run in a folder is, from the file that it writes every few seconds.

    A run on this machine is known by its process. For one on another machine the file is looked at twice where its
    time is not of the last minute, as clocks differ.

    Args:
        folder: run folder, path or URI.
        patience_seconds: between the two looks.

    Raises:
        UsageError: no run has written one there.
    """
    uri = files.join(folder, STATUS_NAME)
    if not files.exists(uri):
        raise UsageError(f"{folder} holds no run that has begun: there is no {STATUS_NAME}")
    try:
        return _lines_of(folder, uri, patience_seconds)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UsageError(
            f"{uri} is damaged, or of another version ({type(error).__name__}: {error}); "
            "a run that goes on writes it anew"
        ) from error


def _lines_of(folder: str, uri: str, patience_seconds: float) -> list[str]:
    document = json.loads(files.read_bytes(uri))
    state = document["state"]
    if state in ("probing", "running"):
        document, state = _living_state(uri, document, patience_seconds)
    lines = [f"{state}; {clock(document['elapsed_seconds'])} since the start"]
    if document["state"] == "probing":
        return [*lines, f"probe: {document['probed']} manifest entries"]
    work = Work(**document["work"])
    if state == "running" and document["to_go_seconds"] is not None:
        lines[0] += f", about {in_words(document['to_go_seconds'])} to go"
    stages = {stage: StageProgress(**counts) for stage, counts in document["stages"].items()}
    speeds = document["times_real_time"]
    lines += [
        f"{stage}: {stage_line(stage, made, work, speeds.get(stage))}" for stage, made in stages.items()
    ]
    failures = failures_line(stages, work)
    return [*lines, *([failures] if failures else []), *_end_lines(folder, state)]


def _living_state(uri: str, document: dict[str, Any], patience_seconds: float) -> tuple[dict[str, Any], str]:
    """The state of a run that says that it goes on, with its newest file."""
    silent = time.time() - document["written_at"]
    if document["machine"] == machine_key():
        if not _runs(document["pid"]):
            return document, f"cut off: its process is gone, last heard of {clock(max(silent, 0))} ago"
        return document, document["state"]
    if not -_FILE_SECONDS < silent < _SILENT_SECONDS:
        time.sleep(patience_seconds)
        later = json.loads(files.read_bytes(uri))
        if later["written_at"] == document["written_at"]:
            return document, f"cut off: nothing was heard of it for {clock(max(silent, patience_seconds))}"
        document = later
    return document, document["state"]


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    # A process that has ended stays in the table until its parent has asked for it.
    stat = Path(f"/proc/{pid}/stat")
    with suppress(OSError):
        return stat.read_text().rpartition(")")[2].split()[0] != "Z"
    return True


def _end_lines(folder: str, state: str) -> list[str]:
    uri = files.join(folder, OUTCOME_NAME)
    if state != "done" or not files.exists(uri):
        return []
    outcome = RunOutcome(**json.loads(files.read_bytes(uri)))
    if not outcome.published:
        return [f"nothing was published: {outcome.failed} of {outcome.entries} recordings failed"]
    return [f"published: {outcome.utterances} utterances"]


class _Watch:
    """Turns snapshots of the board into lines, a progress file and bars."""

    def __init__(self, work: Work, status_uri: str, board: Callable[[], dict[str, StageProgress]]) -> None:
        self._work, self._status_uri, self._board = work, status_uri, board
        self._began = time.monotonic()
        self._paces: dict[str, Pace] = {}
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
            self._paces[stage].note(now, progress.audio_seconds - progress.found_seconds)
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
        if shown and (self._to_go_seconds or failures):
            to_go = self._to_go_seconds or 0.0
            parts = [f"about {in_words(to_go)} to go"] if to_go else []
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
            console.print(line, markup=False, highlight=False, soft_wrap=True)

    def follow() -> None:
        last_line = last_file = time.monotonic()
        while not stop.wait(_REFRESH_SECONDS):
            now = time.monotonic()
            # Whatever a file system says: the run goes on, and the next look tells as much.
            with suppress(Exception):
                if live:
                    update_bars()
                elif not quiet and now - last_line >= _PLAIN_SECONDS:
                    last_line = now
                    show(2)
                if now - last_file >= _FILE_SECONDS:
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
    if not quiet and not live:
        show(None)
