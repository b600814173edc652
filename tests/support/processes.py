"""The command in processes of their own that need not import everything anew.

A process that has imported all that runs need, and nothing else, is forked for each command: it has a process id,
an environment, a session and an end of its own, as one started from a shell has, and costs a third of the time.
Whoever tests how the program itself starts uses `subprocess`.
"""

from __future__ import annotations

import importlib
import multiprocessing
import os
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from multiprocessing.forkserver import ensure_running
from pathlib import Path

from support.places import ENVIRONMENT, TESTS

PATIENCE_SECONDS = 600.0
_STREAMS = ("stdout", "stderr")
_BEGUN = "begun"
_CONTEXT = multiprocessing.get_context("forkserver")


class Command:
    """A command on its way.

    Attributes:
        pid: of its process.
        arguments: its words, without the program's name.
    """

    def __init__(
        self,
        *arguments: str,
        environment: Mapping[str, str] = ENVIRONMENT,
        session: bool = False,
        most_bytes: int | None = None,
        begins_with: str | None = None,
    ):
        """Start `prep-corpus` with these arguments.

        Args:
            arguments: without the program's name.
            environment: all of it.
            session: give it a process group of its own.
            most_bytes: what no file may grow over.
            begins_with: module that it imports before anything else, from its own path.
        """
        _start_template()
        self.arguments = arguments
        self._folder = Path(tempfile.mkdtemp(prefix="command-"))
        for name in _STREAMS:
            (self._folder / name).touch()
        self._process = _CONTEXT.Process(
            target=_be_the_command,
            args=(arguments, dict(environment), str(self._folder), session, most_bytes, begins_with),
        )
        self._process.start()
        assert self._process.pid is not None
        self.pid = self._process.pid

    @property
    def has_begun(self) -> bool:
        """Whether the program itself goes on, and meets signals in its own way."""
        return (self._folder / _BEGUN).exists()

    def poll(self) -> int | None:
        """Its exit code, negative after a signal; None while it goes on."""
        self._process.join(0)
        return self._process.exitcode

    def wait(self, seconds: float = PATIENCE_SECONDS) -> int:
        """Its exit code, once it has ended."""
        return self.finish(seconds).returncode

    def finish(self, seconds: float = PATIENCE_SECONDS) -> subprocess.CompletedProcess[str]:
        """What it said and its exit code, once it has ended; it is killed where that takes too long."""
        self._process.join(seconds)
        code = self._process.exitcode
        if code is None:
            self._process.kill()
            self._process.join()
        said = [(self._folder / name).read_text(encoding="utf-8") for name in _STREAMS]
        shutil.rmtree(self._folder)
        assert code is not None, f"no end within {seconds} s: {self.arguments}\n" + "\n".join(said)
        return subprocess.CompletedProcess(self.arguments, code, *said)


def _start_template() -> None:
    """Start the process that all commands are forks of; once it runs, nothing."""
    _CONTEXT.set_forkserver_preload(["pytest", "support.warm"])
    before = dict(os.environ)
    os.environ.update(ENVIRONMENT)
    os.environ["PYTHONPATH"] = os.pathsep.join([str(TESTS), ENVIRONMENT["PYTHONPATH"]])
    try:
        ensure_running()
    finally:
        os.environ.clear()
        os.environ.update(before)


def _be_the_command(
    arguments: tuple[str, ...],
    environment: dict[str, str],
    folder: str,
    session: bool,
    most_bytes: int | None,
    begins_with: str | None,
) -> None:
    if session:
        os.setsid()
    # Whoever runs the tests in the background of a shell has it ignored, and so would the command.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if most_bytes is not None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (most_bytes, most_bytes))
    os.environ.clear()
    os.environ.update(environment)
    sys.path[:0] = [path for path in environment.get("PYTHONPATH", "").split(os.pathsep) if path]
    sys.argv = ["prep-corpus", *arguments]
    if begins_with is not None:
        sys.modules.pop(begins_with, None)
        importlib.import_module(begins_with)
    for number, name in enumerate(_STREAMS, start=1):
        os.dup2(os.open(os.path.join(folder, name), os.O_WRONLY), number)
    from prep_corpus.jobs.command_line import main
    from prep_corpus.jobs.screen.interrupts import leave_at_interrupts

    leave_at_interrupts()
    (Path(folder) / _BEGUN).touch()
    main()
