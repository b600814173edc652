"""Small stage files that were proven lately, kept as long as there is room: the stages need a bundle's in turn."""

from __future__ import annotations

import os
import time
from collections import OrderedDict
from collections.abc import Hashable
from threading import Lock
from typing import Generic, TypeVar

from prep_corpus.pipeline.storage.uris import is_local

KEPT_BYTES = 16 << 20
"""Of what is kept of one kind."""

SMALL_BYTES = 1 << 18
"""What is larger, on the disk or in memory, is read each time."""

TICK_NS = 100_000_000
"""Longer than a tick of the clock of file systems that keep parts of a second."""

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")
FileState = tuple[str, int, int, int, int, int]


def state_of(uri: str) -> FileState | None:
    """The file that stands at a place of a disk, and when it was changed last; None where that cannot be told.

    Within a tick of the file system's clock a second change leaves no trace, so that of a new file nothing is told.
    """
    if not is_local(uri):
        return None
    try:
        facts = os.stat(uri)
    except OSError:
        return None
    if facts.st_ctime_ns + TICK_NS > time.time_ns():
        return None
    return uri, facts.st_dev, facts.st_ino, facts.st_size, facts.st_mtime_ns, facts.st_ctime_ns


class Recent(Generic[Key, Value]):
    """Keeps what was made of small files; the least recently used goes first.

    Args:
        most_bytes: of all that is kept.
    """

    def __init__(self, most_bytes: int = KEPT_BYTES) -> None:
        self._most, self._held = most_bytes, 0
        self._lock = Lock()
        self._kept: OrderedDict[Key, tuple[int, Value]] = OrderedDict()

    def find(self, key: Key | None) -> Value | None:
        """What was kept under a key, or None."""
        with self._lock:
            if key is None or key not in self._kept:
                return None
            self._kept.move_to_end(key)
            return self._kept[key][1]

    def keep(self, key: Key, n_bytes: int, value: Value) -> None:
        """Keep a value of so many bytes, if that is little."""
        if n_bytes > SMALL_BYTES:
            return
        with self._lock:
            before, _ = self._kept.pop(key, (0, None))
            self._held += n_bytes - before
            self._kept[key] = n_bytes, value
            while self._held > self._most:
                _, (freed, _) = self._kept.popitem(last=False)
                self._held -= freed
