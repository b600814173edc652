"""What a command logs: more lines on the screen with --verbose, and all of them with their times in --log-file.

Everything of ours logs under "prep_corpus"; what is printed anyway, as `PRINTED`, goes to the file alone.
Without either option nothing but errors is told, as ever.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable

from prep_corpus.align.errors import UsageError
from prep_corpus.jobs.screen.plain_text import printable

OURS = "prep_corpus"
PRINTED = logging.getLogger("screen of prep-corpus")
"""Takes what is printed, for the file; told nowhere where there is none."""
PRINTED.propagate = False
_NOTHING = logging.CRITICAL + 1
PRINTED.setLevel(_NOTHING)


class _Screen(logging.Handler):
    """Lines on stderr, wherever that is now: a live display puts itself in its place."""

    def emit(self, record: logging.LogRecord) -> None:
        print(printable(self.format(record)), file=sys.stderr)


class _Plain(logging.Formatter):
    """No escape sequence of a file's name or text reaches the file; the lines of a traceback stay lines."""

    def format(self, record: logging.LogRecord) -> str:
        return "\n".join(printable(line) for line in super().format(record).splitlines())


def say_beginning(text: str, *, quiet: bool = False) -> None:
    """Say on stderr what is begun, before that which takes a second and more to import."""
    PRINTED.info("%s", text)
    if not quiet:
        print(printable(text), file=sys.stderr, flush=True)


def begin_log(*, verbose: bool, log_file: str | None) -> Callable[[], None]:
    """Log from now on; returns what ends it.

    Args:
        verbose: tell on the screen what is done.
        log_file: local file that lines are added to, or None.

    Raises:
        UsageError: the file cannot be written.
    """
    # Beam warns at import of optional packages that nothing here needs.
    logging.basicConfig(level=logging.ERROR, format="%(message)s")
    if not verbose and log_file is None:
        return lambda: None
    ours, root = logging.getLogger(OURS), logging.getLogger()
    before = ours.level, ours.propagate
    screen = _Screen(logging.INFO if verbose else logging.ERROR)
    handlers: list[logging.Handler] = [screen]
    if log_file is not None:
        try:
            file = logging.FileHandler(log_file, encoding="utf-8", errors="backslashreplace")
        except OSError as error:
            raise UsageError(f"--log-file {log_file} cannot be written: {error.strerror or error}") from error
        file.setFormatter(_Plain("%(asctime)s %(levelname)s: %(message)s"))
        handlers.append(file)
        PRINTED.addHandler(file)
        PRINTED.setLevel(logging.INFO)
        # What libraries log as errors.
        root.addHandler(file)
    for handler in handlers:
        ours.addHandler(handler)
    ours.setLevel(logging.INFO)
    ours.propagate = False

    def end() -> None:
        PRINTED.setLevel(_NOTHING)
        ours.setLevel(before[0])
        ours.propagate = before[1]
        for handler in handlers:
            ours.removeHandler(handler)
            root.removeHandler(handler)
            PRINTED.removeHandler(handler)
            handler.close()

    return end
