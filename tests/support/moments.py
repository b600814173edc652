"""What must come back within seconds, whatever else the machine does."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

Result = TypeVar("Result")

MOST_SECONDS = 10.0


def promptly(call: Callable[[], Result]) -> Result:
    """What a call gives that waits for nobody for long.

    Where it takes too long it is called once more: the first time it imports, and others may use the machine.
    """
    for _ in range(2):
        began = time.monotonic()
        result = call()
        took = time.monotonic() - began
        if took < MOST_SECONDS:
            break
    assert took < MOST_SECONDS, f"{took:.0f} s, twice"
    return result
