"""What a command imports and takes, told by `sys.modules` and the clock of a process that has imported little else."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass

from support.places import ENVIRONMENT

# Each command gets a fork of a process that has imported the command line alone, and what it is told to.
_SCRIPT = """
import importlib, json, os, resource, sys, tempfile
commands, libraries, beforehand = json.load(sys.stdin)
from prep_corpus.jobs.cli import main
for module in beforehand:
    importlib.import_module(module)
def cpu_seconds():
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime
start_seconds = cpu_seconds()
for command in commands:
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as told:
        if (pid := os.fork()) == 0:
            os.dup2(out.fileno(), 1), os.dup2(out.fileno(), 2)
            try:
                main(command)
            except SystemExit as end:
                code = end.code
            seconds = start_seconds + cpu_seconds()
            json.dump([code or 0, [name for name in libraries if name in sys.modules], seconds], told)
            told.flush(), sys.stdout.flush(), sys.stderr.flush()
            os._exit(0)
        os.waitpid(pid, 0)
        out.seek(0), told.seek(0)
        text = out.read()
        try:
            code, found, seconds = json.load(told)
        except ValueError:
            raise SystemExit(f"{command} left by another way: {text}")
        print(json.dumps([code, found, text, seconds]), flush=True)
"""


@dataclass(frozen=True, kw_only=True)
class Imported:
    """How a command ended.

    Attributes:
        code: exit code.
        libraries: those of the ones asked about that it imported.
        text: what it printed.
        cpu_seconds: of the interpreter, of all imports and of the command.
    """

    code: int
    libraries: frozenset[str]
    text: str
    cpu_seconds: float


def imported(
    commands: Sequence[Sequence[str]], libraries: Sequence[str], beforehand: Sequence[str] = ()
) -> list[Imported]:
    """What each of some commands imports of some libraries.

    Args:
        commands: the words of each.
        libraries: that are asked about.
        beforehand: modules that are imported once for all of them, so that many commands take less time.
    """
    done = subprocess.run(
        [sys.executable, "-c", _SCRIPT],
        input=json.dumps([[list(command) for command in commands], list(libraries), list(beforehand)]),
        capture_output=True,
        text=True,
        env=ENVIRONMENT,
        check=False,
        timeout=1200,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    return [
        Imported(code=code, libraries=frozenset(found), text=text, cpu_seconds=seconds)
        for code, found, text, seconds in lines
    ]
