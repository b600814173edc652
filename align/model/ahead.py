"""Prefetching: threads read iterators ahead of their consumer."""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from queue import Empty, Full, Queue
from threading import Event
from typing import TypeVar

Key = TypeVar("Key", bound=Hashable)
Item = TypeVar("Item")

_POLL_SECONDS = 0.1
_END = object()


def ahead(
    sources: Iterable[tuple[Key, Iterable[Item]]], *, threads: int, held: int
) -> Iterator[tuple[Key, Iterator[Item]]]:
    """Read several iterables at a time on threads, and hand them on in order.

    Each must be read to its end, or given up, before the next is asked for. Nothing but time depends on the threads.

    Args:
        sources: (key, iterable), in order; an iterable is used by one thread alone.
        threads: iterables under way at a time, the one that is being read among them.
        held: items of each that may wait to be read.

    Yields:
        (key, iterator of the same items); it raises where the iterable raised.
    """
    given_up = Event()
    waiting: deque[tuple[Key, Queue[object], Event]] = deque()
    left = iter(sources)
    with ThreadPoolExecutor(threads) as pool:
        try:
            while True:
                while len(waiting) < threads and (source := next(left, None)) is not None:
                    key, items = source
                    queue: Queue[object] = Queue(held)
                    unread = Event()
                    pool.submit(_pull, items, queue, (given_up, unread))
                    waiting.append((key, queue, unread))
                if not waiting:
                    return
                key, queue, unread = waiting.popleft()
                yield key, _items(queue)
                unread.set()
        finally:
            given_up.set()


def _pull(items: Iterable[object], queue: Queue[object], stops: tuple[Event, Event]) -> None:
    """Put the items into the queue, then the end or what was raised."""
    try:
        for item in items:
            if not _put(queue, (item,), stops):
                return
        _put(queue, _END, stops)
    except BaseException as error:
        _put(queue, error, stops)


def _put(queue: Queue[object], item: object, stops: tuple[Event, Event]) -> bool:
    while not any(stop.is_set() for stop in stops):
        try:
            queue.put(item, timeout=_POLL_SECONDS)
        except Full:
            continue
        return True
    return False


def _items(queue: Queue[object]) -> Iterator[Item]:
    while True:
        try:
            found = queue.get(timeout=_POLL_SECONDS)
        except Empty:
            continue
        if found is _END:
            return
        if isinstance(found, BaseException):
            raise found
        assert isinstance(found, tuple)
        yield found[0]
