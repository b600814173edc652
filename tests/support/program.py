"""The program from outside, of this tree or of another: its command line and its files, and nothing of its modules.

What is written against this runs on every commit whose `run` and `check` have the same words, whatever its layout.
"""

from __future__ import annotations

import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from support.places import ROOT, SUPPORT
from support.toy import write_corpus, write_filter

TREE_VARIABLE = "PREP_CORPUS_TREE"
"""Of the environment: root of the tree that is asked; this one where it is not set."""
FOLDERS = ("align", "augment", "filters", "jobs", "pipeline")
PATIENCE_SECONDS = 90.0
"""What takes longer has no end; a run of the toy corpus takes two to ten seconds where nothing else goes on."""
MOST_BYTES = 8 << 30
"""Of address space, and so of memory that an endless input can fill."""


@dataclass(frozen=True, kw_only=True)
class Ended:
    """A command that has come to its end.

    Attributes:
        code: its exit code, negative after a signal; None where it was killed for it had no end.
        out: what it wrote to stdout.
        err: what it wrote to stderr.
        peak_bytes: the largest resident size of its process.
    """

    code: int | None
    out: str
    err: str
    peak_bytes: int

    @property
    def told(self) -> str:
        """All that it wrote."""
        return self.out + self.err

    @property
    def lines(self) -> list[str]:
        """What it wrote to stderr, but for the warning that the toy filter was fitted for no model."""
        told = (line for line in self.err.splitlines() if not line.startswith("warning: the filter "))
        return [line for line in told if line.strip()]

    def is_well(self) -> Ended:
        """See that it did what it was asked."""
        assert self.code == 0, f"exit {self.code}: {self.err[-2000:]}"
        return self

    def is_refusal(self, code: int, *named: str) -> Ended:
        """See that it ended with this exit code and one line, which names these."""
        assert "Traceback" not in self.told, f"a traceback of {len(self.err.splitlines())} lines"
        assert self.code == code, f"exit {self.code}: {self.err[-500:]}"
        assert len(self.lines) == 1, self.lines
        for name in named:
            assert name in self.lines[0], self.lines[0]
        return self


class Running:
    """A command on its way, in a session of its own.

    Attributes:
        pid: of its process and of its group.
    """

    def __init__(self, process: subprocess.Popen[bytes], folder: Path, hold: Path) -> None:
        self._process, self._folder, self.hold = process, folder, hold
        self.pid = process.pid

    def told(self) -> str:
        """What it has written so far."""
        return "".join((self._folder / name).read_text(errors="replace") for name in ("out", "err"))

    def has_ended(self) -> bool:
        """Whether it has come to its end."""
        # `finish` asks for the rest of what the system knows of it.
        return os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None

    def signal(self, number: int) -> None:
        """Send a signal to its whole group."""
        os.killpg(self.pid, number)

    def finish(self, seconds: float = PATIENCE_SECONDS) -> Ended:
        """Wait for its end; it is killed where that takes too long."""
        self.hold.unlink(missing_ok=True)
        ends, code, peak = time.monotonic() + seconds, None, 0
        while code is None and time.monotonic() < ends:
            pid, status, usage = os.wait4(self.pid, os.WNOHANG)
            if pid:
                code, peak = os.waitstatus_to_exitcode(status), usage.ru_maxrss * 1024
                self._process.returncode = code
            else:
                time.sleep(0.02)
        with suppress(ProcessLookupError):
            # Whatever it has left behind, too.
            self.signal(signal.SIGKILL)
        self._process.wait()
        out, err = ((self._folder / name).read_text(errors="replace") for name in ("out", "err"))
        shutil.rmtree(self._folder)
        return Ended(code=code, out=out, err=err, peak_bytes=peak)


class Program:
    """The command line of a tree.

    Attributes:
        tree: its root.
    """

    def __init__(self, tree: Path, folder: Path) -> None:
        """Make its modules importable, without a change of the tree.

        Args:
            tree: with an environment of its own in `.venv`, or none: then it is run in this one.
            folder: for links, and for what commands write.
        """
        self.tree, self._folder = tree, folder
        own = tree / ".venv" / "bin" / "python"
        self._python = str(own) if own.exists() else sys.executable
        links = folder / "types" / "prep_corpus"
        links.mkdir(parents=True)
        for name in FOLDERS:
            (links / name).symlink_to(tree / name)
        self._path = (str(links.parent), str(SUPPORT))

    @classmethod
    def asked_for(cls, folder: Path) -> Program:
        """The program of the tree that the environment names."""
        return cls(Path(os.environ.get(TREE_VARIABLE, ROOT)).resolve(), folder)

    def start(
        self,
        *words: str | Path,
        begins_with: str | None = None,
        environment: Mapping[str, str] | None = None,
        most_bytes: int | None = None,
        terminal: bool = False,
    ) -> Running:
        """Start a command.

        Args:
            words: without the program's name.
            begins_with: folder of tests/support whose sitecustomize.py every process of it begins with.
            environment: more variables.
            most_bytes: what no file may grow over.
            terminal: whether stdout and stderr are a terminal.
        """
        folder = Path(tempfile.mkdtemp(dir=self._folder))
        hold = folder / "held"
        path = [*([str(SUPPORT / begins_with)] if begins_with else []), *self._path]
        variables = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join(path),
            "OMP_NUM_THREADS": "1",
            "HELD_WHILE": str(hold),
            "TERM": "xterm",
            **(environment or {}),
        }

        def limit() -> None:
            signal.signal(signal.SIGINT, signal.SIG_DFL)
            resource.setrlimit(resource.RLIMIT_AS, (MOST_BYTES, MOST_BYTES))
            if most_bytes is not None:
                resource.setrlimit(resource.RLIMIT_FSIZE, (most_bytes, most_bytes))

        command = [self._python, "-m", "prep_corpus.jobs.cli", *map(str, words)]
        if terminal:
            # Python's own terminal: what is written to it is copied to stdout.
            code = "import os, pty, sys; sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))"
            command = [sys.executable, "-c", code, *command]
        with (folder / "out").open("wb") as out, (folder / "err").open("wb") as err:
            process = subprocess.Popen(
                command,
                env=variables,
                cwd=self._folder,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                start_new_session=True,
                preexec_fn=limit,
            )
        return Running(process, folder, hold)

    def do(self, *words: str | Path, seconds: float = PATIENCE_SECONDS, **more: Any) -> Ended:
        """Run a command to its end; the rest as `start`."""
        return self.start(*words, **more).finish(seconds)

    @contextmanager
    def held(self, at: str, *words: str | Path, **more: Any) -> Iterator[Running]:
        """A command that stands still at a place while the block lasts, see support/held."""
        environment = {**(more.pop("environment", None) or {}), "HELD_AT": at}
        running = self.start(*words, begins_with="held", environment=environment, **more)
        try:
            wait_until(lambda: running.hold.exists() or running.has_ended())
            assert running.hold.exists(), f"it did not come to {at}: {running.told()[-1000:]}"
            yield running
        finally:
            running.hold.unlink(missing_ok=True)


def wait_until(happens: Any, seconds: float = PATIENCE_SECONDS) -> bool:
    """Wait; returns whether it has happened."""
    ends = time.monotonic() + seconds
    while not happens():
        if time.monotonic() > ends:
            return False
        time.sleep(0.02)
    return True


def run_words(manifest: Path, out: Path | str, *extra: str | Path) -> list[str]:
    """The words of a run of a toy corpus."""
    given = {"--model": "toy:acoustic_model", "--min-pause-frames": "20", "--max-failed": "0.7"}
    words = [*map(str, ("run", manifest, "--out", out, "--no-report")), *map(str, extra)]
    if "--filter" not in words:
        words += ["--filter", str(manifest.parent / "filter.json")]
    return [*words, *(word for name, value in given.items() if name not in words for word in (name, value))]


def shards(out: Path) -> dict[str, bytes]:
    """What is published, by path; nothing where no manifest is."""
    try:
        manifest = json.loads((out / "manifest.json").read_text())
    except FileNotFoundError:
        return {}
    listed = [shard["path"] for entries in manifest["formats"].values() for shard in entries]
    return {path: (out / path).read_bytes() for path in listed}


def dead_letters(out: Path) -> list[tuple[str, str]]:
    """Recording and reason of each."""
    lines = (out / "dead-letters.jsonl").read_text().splitlines()
    return [(letter["recording_id"], letter["reason"]) for letter in map(json.loads, lines)]


def with_entries(manifest: Path, name: str, *entries: Mapping[str, Any] | str, keep: Sequence[int]) -> Path:
    """A manifest beside another, of some of its lines and more."""
    lines = manifest.read_text().splitlines()
    added = [entry if isinstance(entry, str) else json.dumps(entry) for entry in entries]
    path = manifest.with_name(f"{name}.jsonl")
    path.write_text("\n".join([*(lines[number] for number in keep), *added]) + "\n")
    return path


class Place:
    """A program, a toy corpus, and a finished run of it.

    Attributes:
        program: that is asked.
        manifest: of three recordings.
        finished: run folder, which is copied and not changed.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.program = Program.asked_for(folder / "program")
        self.manifest = write_corpus(folder / "corpus", recordings=3, sentences=6)
        write_filter(self.manifest.parent / "filter.json")
        self.finished = folder / "finished"
        self.program.do(*run_words(self.manifest, self.finished)).is_well()
        self.wanted = shards(self.finished)

    def copy(self, out: Path, *without: str) -> Path:
        """A copy of the finished run, without what some stages have made and without what is published."""
        shutil.copytree(self.finished, out)
        for stage in without:
            shutil.rmtree(out / "work" / stage)
        if without:
            for name in ("manifest.json", "outcome.json"):
                (out / name).unlink(missing_ok=True)
        return out

    def run(self, out: Path, *extra: str | Path, manifest: Path | None = None, **more: Any) -> Ended:
        """Run a manifest of the corpus, all of it by default, into a folder; see `Program.start`."""
        return self.program.do(*run_words(manifest or self.manifest, out, "--quiet", *extra), **more)

    def has_good_ones(self, out: Path) -> bool:
        """Whether the three recordings are published there, with the bytes that they have by themselves."""
        return shards(out) == self.wanted
