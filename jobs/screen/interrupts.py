"""Ctrl-C before, during and after a command: one line and exit code 130.

While a command is under way Ctrl-C is an exception, which what writes files cleans up after. Before and after it there
is nothing to clean up, and an exception in the middle of an import would be a traceback: there it ends the process.
What comes before it, here and in the packages around it, imports nothing that takes time, `typing` neither.
"""

from __future__ import annotations

import os
import signal
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import FrameType, TracebackType

INTERRUPTED = 130
"""Exit code of what a person stopped: that of shells, 128 and the signal."""
INTERRUPTED_LINE = "interrupted; the same command goes on where it stopped"


def leave_at_interrupts() -> None:
    """From now on Ctrl-C ends this process, but where a command is under way (`InterruptsRaised`)."""
    # Whoever starts it in the background of a shell has it ignored: it stays so.
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _leave)


class InterruptsRaised:
    """A context in which Ctrl-C raises KeyboardInterrupt, as it does anyway without `leave_at_interrupts`."""

    def __enter__(self) -> None:
        self._leaves = signal.getsignal(signal.SIGINT) is _leave
        if self._leaves:
            signal.signal(signal.SIGINT, signal.default_int_handler)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._leaves:
            _flush()
            signal.signal(signal.SIGINT, _leave)


def _leave(number: int, frame: FrameType | None) -> None:
    os.write(2, f"Error: {INTERRUPTED_LINE}\n".encode())
    os._exit(INTERRUPTED)


def _flush() -> None:
    """Whoever leaves at once leaves nothing unsaid; a reader that has gone is told of elsewhere."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError, AttributeError):
            continue
