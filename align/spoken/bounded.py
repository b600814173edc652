"""Calls into libraries that may loop for ever on some input, bounded in time."""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any, TypeVar

_Result = TypeVar("_Result")


class TookTooLong(Exception):
    """A call did not come back in time, and was given up."""


class _GivenUp(BaseException):
    """Raised inside the thread of a call that took too long; no `except Exception` of a library stops it."""


def within(seconds: float, call: Callable[[], _Result]) -> _Result:
    """The result of a call of Python code, which is ended where it takes too long.

    Args:
        seconds: most that it may take.
        call: without arguments; runs in a thread of its own.

    Raises:
        TookTooLong: it was ended.
        Exception: what the call raised.
    """
    outcome: list[Any] = []

    def run() -> None:
        # It may come at any line, also where the call has just ended.
        with suppress(_GivenUp):
            try:
                outcome.append((True, call()))
            except Exception as error:
                outcome.append((False, error))

    thread = threading.Thread(target=run, name="bounded", daemon=True)
    thread.start()
    thread.join(seconds)
    if thread.is_alive():
        assert thread.ident is not None
        ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread.ident), ctypes.py_object(_GivenUp))
        thread.join(1.0)
    if not outcome:
        raise TookTooLong(f"a call must come back within {seconds:g} s")
    well, value = outcome[0]
    if not well:
        raise value
    result: _Result = value
    return result
