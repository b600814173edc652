"""Whether what is damaged is only told, as a dry run wants it, or set aside as well."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

TOLD = "a run sets it aside and makes it again"
"""What becomes of a damaged file where one only looks."""

_LOOKING: ContextVar[bool] = ContextVar("looking", default=False)


@contextmanager
def looking_only(on: bool = True) -> Iterator[None]:
    """What is found damaged inside, by this thread, stays where it is; nothing is changed where `on`."""
    before = _LOOKING.set(on or _LOOKING.get())
    try:
        yield
    finally:
        _LOOKING.reset(before)


def is_looking() -> bool:
    """Whether nothing may be changed."""
    return _LOOKING.get()
