"""How far the run in a folder is, read from any machine."""

from __future__ import annotations

import hashlib
import json
import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from prep_corpus.align.errors import UsageError, damage_in_words
from prep_corpus.jobs.screen.pace import in_words
from prep_corpus.jobs.screen.plain_text import counted
from prep_corpus.jobs.screen.stage_lines import Work, clock, failures_line, stage_line
from prep_corpus.pipeline.outcome import read_outcome, refuse_run_by_language
from prep_corpus.pipeline.progress import StageProgress
from prep_corpus.pipeline.run_files import MANIFEST_NAME, OUTCOME_NAME, STATUS_NAME, SUBMITTED_NAME
from prep_corpus.pipeline.storage import files
from prep_corpus.pipeline.storage.documents import told_as_damage
from prep_corpus.pipeline.worker_progress import read_progress

FILE_SECONDS = 5.0
"""Between two writings of a run's status."""
_SILENT_SECONDS = 60.0


def machine_key() -> str:
    """Stands for this machine since it was started, without telling its name."""
    boot = Path("/proc/sys/kernel/random/boot_id")
    since = boot.read_text() if boot.exists() else ""
    return hashlib.blake2b(f"{socket.gethostname()} {since}".encode(), digest_size=8).hexdigest()


def status_lines(folder: str, *, patience_seconds: float = 3 * FILE_SECONDS) -> list[str]:
    """How far the run in a folder is, from the file that it writes every few seconds.

    A run on this machine is known by its process. For one on another machine the file is looked at twice where its
    time is not of the last minute, as clocks differ.

    Args:
        folder: run folder, path or URI.
        patience_seconds: between the two looks.

    Raises:
        UsageError: no run has written one there.
    """
    document, state = _read(folder, patience_seconds)
    with _named_where_damaged(folder):
        return _lines_of(folder, document, state)


def status_document(folder: str, *, patience_seconds: float = 3 * FILE_SECONDS) -> dict[str, Any]:
    """The same for programs: status.json as it is, its `state` as it turns out, and the outcome of a run that ended.

    `state` is probing, running, done, crashed, interrupted, cut off, or submitted.

    Raises:
        UsageError: no run has written one there.
    """
    submitted = files.join(folder, SUBMITTED_NAME)
    document: dict[str, Any]
    if files.exists(submitted):
        document = json.loads(files.read_bytes(submitted))
        stages = read_progress(document.pop("progress"))
        document |= {"state": "submitted", "stages": {name: asdict(made) for name, made in stages.items()}}
        if _has_ended(folder, document.pop("publishes", {})):
            document["state"] = "done"
    else:
        document, state = _read(folder, patience_seconds)
        document["state"] = state.partition(":")[0]
    if document["state"] == "done" and files.exists(files.join(folder, OUTCOME_NAME)):
        document["outcome"] = asdict(read_outcome(folder))
    return document


def _read(folder: str, patience_seconds: float) -> tuple[dict[str, Any], str]:
    """(what a run wrote last, its state as it turns out)."""
    uri = files.join(folder, STATUS_NAME)
    if not files.exists(uri):
        refuse_run_by_language(folder)
        raise UsageError(f"{folder} holds no run that has begun: there is no {STATUS_NAME}")
    with _named_where_damaged(folder):
        document: dict[str, Any] = json.loads(files.read_bytes(uri))
        if not isinstance(document["state"], str):
            raise TypeError(f"a state is a word, not {document['state']!r}")
        if document["state"] in ("probing", "running"):
            return _living_state(uri, document, patience_seconds)
        return document, document["state"]


@contextmanager
def _named_where_damaged(folder: str) -> Iterator[None]:
    try:
        yield
    except (ValueError, KeyError, TypeError, AttributeError, ArithmeticError, RecursionError) as error:
        raise UsageError(
            f"{files.join(folder, STATUS_NAME)} is damaged, or of another version: {damage_in_words(error)}; "
            "a run that goes on writes it anew"
        ) from error


def _lines_of(folder: str, document: dict[str, Any], state: str) -> list[str]:
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
    if not -FILE_SECONDS < silent < _SILENT_SECONDS:
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
    outcome = read_outcome(folder)
    if not outcome.published:
        return [f"nothing was published: {outcome.failed} of {counted(outcome.entries, 'recording')} failed"]
    return [f"published: {counted(outcome.utterances, 'utterance')}"]


def submitted_lines(folder: str) -> list[str]:
    """How far a submitted run is that nobody follows; nothing where there is none in the folder."""
    uri = files.join(folder, SUBMITTED_NAME)
    if not files.exists(uri):
        return []
    with told_as_damage(uri, "submit the run again"):
        return _submitted_lines(folder, json.loads(files.read_bytes(uri)))


def _submitted_lines(folder: str, note: dict[str, Any]) -> list[str]:
    since = clock(max(time.time() - note["submitted_at"], 0.0))
    if _has_ended(folder, note.get("publishes", {})):
        outcome = read_outcome(folder)
        published = f"published: {counted(outcome.utterances, 'utterance')}"
        ended = published if outcome.published else "nothing was published"
        return [f"done on {note['engine']}; {ended}; {note['link']}"]
    work = Work(**note["work"])
    lines = [f"submitted to {note['engine']} {since} ago: {note['link']}"]
    for stage, progress in read_progress(note["progress"]).items():
        lines.append(f"{stage}: {stage_line(stage, progress, work, None)}")
    return lines


def _has_ended(folder: str, publishes: dict[str, Any]) -> bool:
    """Whether a submitted run has written all it will: its outcome, and after it, where all was well, its manifest.

    Args:
        folder: run folder.
        publishes: what its manifest says of it, unlike the one of an earlier state that still stands.
    """
    if not files.exists(files.join(folder, OUTCOME_NAME)):
        return False
    if not read_outcome(folder).published:
        return True
    try:
        manifest = json.loads(files.read_bytes(files.join(folder, MANIFEST_NAME)))
    except FileNotFoundError:
        return False
    return all(manifest.get(name) == value for name, value in publishes.items())
