"""Running a graph on this machine; stage files that turn out to be damaged are made again by another round."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

import apache_beam as beam
from rich.console import Console

from prep_corpus.align.errors import StageFileDamaged
from prep_corpus.jobs.screen.printing import print_line
from prep_corpus.pipeline.progress import BOARD

MOST_MENDINGS = 8
"""Each round sets at least one damaged file aside; a disk that damages more than that is another problem."""

# "package.module.Error: text", as the last line of a traceback that the engine has made a string of.
_LAST_LINE = re.compile(r"^([A-Za-z_][\w.]*)(?:: (.*))?$")
_WHERE = re.compile(r" \[while running '.*'\]$")


@dataclass(frozen=True, kw_only=True)
class Cause:
    """What stopped a run, out of the engine's own errors around it.

    Attributes:
        kind: name of the exception's class.
        message: its text, one line.
    """

    kind: str
    message: str


def cause_of(error: BaseException) -> Cause:
    """The innermost exception that is told: engines raise a RuntimeError with the traceback as its text."""
    while error.__cause__ is not None and isinstance(error, RuntimeError):
        error = error.__cause__
    found = Cause(kind=type(error).__name__, message=" ".join(str(error).split()))
    if isinstance(error, RuntimeError) and "Traceback (most recent call last)" in str(error):
        for line in reversed(str(error).strip().splitlines()):
            match = _LAST_LINE.match(line)
            if match is not None:
                found = Cause(kind=match[1].rsplit(".", 1)[-1], message=match[2] or "")
                break
    return Cause(kind=found.kind, message=_WHERE.sub("", found.message))


def run_mending(make: Callable[[], beam.Pipeline], console: Console | None) -> None:
    """Run a pipeline to its end.

    Args:
        make: the pipeline, anew for every round.
        console: where a line is printed for each damaged file.
    """
    for rounds in range(1, MOST_MENDINGS + 1):
        try:
            make().run().wait_until_finish()
            return
        except Exception as error:
            cause = cause_of(error)
            if cause.kind != StageFileDamaged.__name__ or rounds == MOST_MENDINGS:
                raise
            print_line(console, cause.message)
            BOARD.clear()
