"""Checks before anything heavy is loaded: can the workers open the paths, and does the engine answer?"""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Callable
from dataclasses import replace

from prep_corpus.align.errors import DeadLetter, EntryInvalid, UsageError
from prep_corpus.jobs.config import RunConfig
from prep_corpus.jobs.start.early import check_out
from prep_corpus.jobs.start.entries import manifest_entries
from prep_corpus.pipeline.storage import files

CHECK_SECONDS = 6.0
"""Longest that one check may take: clients retry for minutes where nobody answers."""
_FIRST_ENTRIES = 20


def within(seconds: float, what: str, check: Callable[[], object]) -> None:
    """Make a check, and refuse where it takes too long.

    Args:
        seconds: longest wait.
        what: is checked, for the message.
        check: raises UsageError where it does not hold.

    Raises:
        UsageError: it does not hold, or there was no answer in time.
    """
    raised: list[BaseException] = []

    def attempt() -> None:
        try:
            check()
        except BaseException as error:
            raised.append(error)

    # A daemon: a client that waits for an answer must not keep the command from ending.
    thread = threading.Thread(target=attempt, daemon=True)
    thread.start()
    thread.join(seconds)
    if thread.is_alive():
        raise UsageError(f"{what}: no answer within {seconds:g} s")
    if raised:
        raise raised[0]


def last_error_line(text: str) -> str:
    """The line of a traceback, from Python or Java, that says what was wrong."""
    # Some come inside JSON, with their line ends written out.
    plain = text.replace("\\n", "\n").replace("\\t", " ")
    lines = [" ".join(line.split()) for line in plain.splitlines() if line.strip()]
    python = [line for line in lines if re.match(r"[\w.]*(Error|Exception|Exit)\b.*", line)]
    causes = [line for line in lines if line.startswith("Caused by:")]
    return (python or causes or lines or ["no reason is given"])[-1]


def innermost(error: BaseException) -> str:
    """What went wrong at the bottom of a client's chain of exceptions, in one line."""
    while cause := error.__cause__ or (None if error.__suppress_context__ else error.__context__):
        error = cause
    return " ".join(str(error).split()) or type(error).__name__


def shared_names(config: RunConfig) -> RunConfig:
    """The config with every local name absolute: workers start in other folders."""

    def absolute(name: str) -> str:
        return os.path.abspath(name) if files.is_local(name) else name

    model = absolute(config.model) if os.path.isdir(config.model) else config.model
    judge = config.judge
    if judge is not None and os.path.isdir(judge):
        judge = absolute(judge)
    return replace(
        config,
        manifest=absolute(config.manifest),
        out=absolute(config.out),
        noise=None if config.noise is None else absolute(config.noise),
        rooms=None if config.rooms is None else absolute(config.rooms),
        model=model,
        judge=judge,
    )


def check_local_names(config: RunConfig, engine: str, sees_local_files: bool) -> None:
    """Refuse names that only this machine knows, where workers run on others.

    Raises:
        UsageError: there is one.
    """
    if sees_local_files:
        return
    for option, name in (
        ("--out", config.out),
        ("--noise", config.noise),
        ("--rooms", config.rooms),
        ("MANIFEST", config.manifest),
    ):
        if name is not None and files.is_local(name):
            raise UsageError(
                f"{option}: the workers of {engine} must be able to open it, and {name} is a path of this machine"
            )


def check_before(config: RunConfig, engine: str, sees_local_files: bool, check: Callable[[], object]) -> None:
    """All checks that need neither the model nor the audio, each within seconds; nothing is written.

    Args:
        config: settings of the run.
        engine: name of the engine.
        sees_local_files: see `Engine`.
        check: the engine's own.

    Raises:
        UsageError: the first that does not hold.
    """
    config = shared_names(config)
    check_local_names(config, engine, sees_local_files)
    within(CHECK_SECONDS, config.manifest, lambda: _check_manifest(config))
    for place in (config.noise, config.rooms, config.out):
        if place is not None and not files.is_local(place):
            within(CHECK_SECONDS, place, lambda place=place: files.check_place(place))  # type: ignore[misc]
    check_out(config.out)
    within(CHECK_SECONDS, engine, check)


def _check_manifest(config: RunConfig) -> None:
    """Refuse a manifest whose beginning cannot be read; all entries are read when the other checks hold."""
    files.check_place(config.manifest)
    unusable: list[DeadLetter] = []
    try:
        for entry in manifest_entries(config):
            if not isinstance(entry, DeadLetter) or entry.reason != EntryInvalid.reason:
                return
            unusable.append(entry)
            if len(unusable) == _FIRST_ENTRIES:
                break
    except OSError as error:
        raise UsageError(f"{config.manifest}: the manifest cannot be read: {innermost(error)}") from error
    if not unusable:
        raise UsageError(f"{config.manifest}: the manifest is empty")
    raise UsageError(
        f"{config.manifest}: none of the first {len(unusable)} entries can be used: {unusable[0].message}"
    )
