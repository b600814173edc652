"""What a person sees of a run: live progress, and the ledgers at the end."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn
from rich.table import Table

from prep_corpus.align.errors import UsageError
from prep_corpus.pipeline import files
from prep_corpus.pipeline.ledgers import Ledgers
from prep_corpus.pipeline.progress import BOARD, STAGES, StageProgress

STATUS_NAME = "status.json"
_REFRESH_SECONDS = 0.5
_PLAIN_SECONDS = 10.0
_FILE_SECONDS = 5.0


@dataclass(frozen=True, kw_only=True)
class Work:
    """What there is to do.

    Attributes:
        bundles: number of bundles.
        audio_seconds: hours of the corpus, in seconds.
        recordings: recordings in the bundles.
    """

    bundles: int
    audio_seconds: float
    recordings: int


def clock(seconds: float) -> str:
    """Hours, minutes and seconds, such as 1:02:03 or 4:05."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


def stage_line(stage: str, progress: StageProgress, work: Work, elapsed_seconds: float) -> str:
    """One stage in words: recordings, hours, speed, time to go, failures."""
    if stage == "write":
        parts = [f"{progress.units} shards", f"{progress.recordings} utterances"]
        return ", ".join([*parts, f"{progress.audio_seconds / 3600:.2f} h"])
    parts = [
        f"{progress.recordings}/{work.recordings} recordings",
        f"{progress.audio_seconds / 3600:.2f}/{work.audio_seconds / 3600:.2f} h",
    ]
    if progress.found:
        parts.append(f"{progress.found} bundles found done")
    made_seconds = progress.audio_seconds - progress.found_seconds
    if made_seconds > 0 and elapsed_seconds > 1:
        speed = made_seconds / elapsed_seconds
        parts.append(f"{speed:.0f} x real time")
        left = max(work.audio_seconds - progress.audio_seconds, 0.0)
        if left > 0:
            parts.append(f"{clock(left / speed)} to go")
    if progress.failed:
        parts.append(f"{progress.failed} failed")
    return ", ".join(parts)


def status_lines(folder: str) -> list[str]:
    """How far the run in a folder is, from the file that it writes every few seconds.

    Raises:
        UsageError: no run has written one there.
    """
    uri = files.join(folder, STATUS_NAME)
    if not files.exists(uri):
        raise UsageError(f"{folder} holds no run that has begun: there is no {STATUS_NAME}")
    document = json.loads(files.read_bytes(uri))
    work, elapsed = Work(**document["work"]), document["elapsed_seconds"]
    state = document["state"]
    age = time.time() - document["written_at"]
    if state == "running" and age > 12 * _FILE_SECONDS:
        state = f"cut off: nothing was heard of it for {clock(age)}"
    lines = [f"{state}; {clock(elapsed)} since the start"]
    for stage, counts in document["stages"].items():
        progress = StageProgress(**counts)
        lines.append(
            f"{stage}: {stage_line(stage, progress, work, document['stage_seconds'].get(stage, 0.0))}"
        )
    return lines


class _Watch:
    """Turns snapshots of the board into lines, a progress file and bars."""

    def __init__(self, work: Work, status_uri: str) -> None:
        self._work, self._status_uri = work, status_uri
        self._first_seen: dict[str, float] = {}
        self._began = time.monotonic()

    def lines(self) -> dict[str, tuple[float, str]]:
        """Share done and description of each stage that has begun."""
        now = time.monotonic()
        shown: dict[str, tuple[float, str]] = {}
        snapshot = BOARD.snapshot()
        for stage in STAGES:
            progress = snapshot.get(stage)
            if progress is None:
                continue
            began = self._first_seen.setdefault(stage, self._began if not self._first_seen else now - 0.5)
            share = progress.audio_seconds / max(self._work.audio_seconds, 1e-9) if stage != "write" else 1.0
            shown[stage] = (min(share, 1.0), stage_line(stage, progress, self._work, now - began))
        return shown

    def save(self, state: str) -> None:
        """A small file for other programs."""
        self.lines()
        snapshot = {
            "state": state,
            "written_at": round(time.time(), 1),
            "elapsed_seconds": round(time.monotonic() - self._began, 1),
            "stage_seconds": {
                stage: round(time.monotonic() - began, 1) for stage, began in self._first_seen.items()
            },
            "work": asdict(self._work),
            "stages": {stage: asdict(progress) for stage, progress in BOARD.snapshot().items()},
        }
        text = json.dumps(snapshot, indent=1).encode()
        files.write_atomic(self._status_uri, lambda file: file.write(text), replace=True)


@contextmanager
def shown_progress(work: Work, status_uri: str, *, quiet: bool, console: Console) -> Iterator[None]:
    """Show the stages' progress while what runs inside blocks: bars on a terminal, else plain lines."""
    watch = _Watch(work, status_uri)
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
    tasks: dict[str, object] = {}

    def update_bars() -> None:
        for stage, (share, line) in watch.lines().items():
            if stage not in tasks:
                tasks[stage] = bars.add_task(line, stage=stage, total=1.0)
            bars.update(tasks[stage], completed=share, description=line)  # type: ignore[arg-type]

    def follow() -> None:
        last_line = last_file = time.monotonic()
        while not stop.wait(_REFRESH_SECONDS):
            now = time.monotonic()
            if live:
                update_bars()
            elif not quiet and now - last_line >= _PLAIN_SECONDS:
                last_line = now
                for stage, (_, line) in list(watch.lines().items())[-1:]:
                    console.print(f"{stage}: {line}", highlight=False, soft_wrap=True)
            if now - last_file >= _FILE_SECONDS:
                last_file = now
                watch.save("running")

    thread = threading.Thread(target=follow, name="progress", daemon=True)
    state = "crashed"
    with bars:
        thread.start()
        watch.save("running")
        try:
            yield
            state = "done"
        finally:
            stop.set()
            thread.join()
            if live:
                update_bars()
            watch.save(state)
    if not quiet and not live:
        for stage, (_, line) in watch.lines().items():
            console.print(f"{stage}: {line}", highlight=False, soft_wrap=True)


def ledger_tables(ledgers: Ledgers, sample_rate_hz: int) -> list[Table]:
    """The two ledgers as tables for a terminal."""
    samples = _table("Audio", "decoded", ledgers.samples, lambda n: clock(n / sample_rate_hz))
    characters = _table("Text (characters)", "read", ledgers.characters, lambda n: f"{n:,}")
    return [samples, characters]


def _table(title: str, total_name: str, entries: Mapping[str, int], shown: object) -> Table:
    assert callable(shown)
    whole = entries.get(total_name, 0)
    table = Table(title=title, title_justify="left", show_header=False, show_edge=False, pad_edge=False)
    table.add_column()
    table.add_column(justify="right")
    table.add_column(justify="right")
    order = sorted(
        (key for key in entries if key != total_name), key=lambda key: (key != "kept", -entries[key], key)
    )
    for key in order:
        if entries[key] or key == "kept":
            name = key.replace(":", ": ").replace("-", " ")
            table.add_row(name, shown(entries[key]), f"{entries[key] / max(whole, 1):.1%}")
    table.add_section()
    table.add_row(total_name, shown(whole), "")
    return table
