"""Reading ahead on threads changes nothing but time."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from prep_corpus.align.model.ahead import ahead


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("held", [1, 100])
def test_items_come_in_order(threads: int, held: int) -> None:
    sources = [(key, iter(range(key, key + 7))) for key in range(10)]
    read = [(key, list(items)) for key, items in ahead(sources, threads=threads, held=held)]
    assert read == [(key, list(range(key, key + 7))) for key in range(10)]


def test_what_one_raises_is_raised_where_it_is_read_and_the_others_go_on() -> None:
    def broken() -> Iterator[int]:
        yield 1
        raise ValueError("broke off")

    read: list[object] = []
    for key, items in ahead([("a", broken()), ("b", iter([2]))], threads=2, held=4):
        try:
            read += [(key, item) for item in items]
        except ValueError as error:
            read.append((key, str(error)))
    assert read == [("a", "broke off"), ("b", 2)]


def test_other_sources_are_read_meanwhile_and_threads_end_when_the_reader_does() -> None:
    reached = threading.Event()
    before = set(threading.enumerate())

    def second() -> Iterator[int]:
        reached.set()
        while True:
            yield 0

    reader = ahead([("first", iter([1])), ("second", second()), ("third", second())], threads=2, held=2)
    next(reader)
    assert reached.wait(60)
    reader.close()
    assert set(threading.enumerate()) <= before


def test_a_source_given_up_half_way_does_not_stop_the_next() -> None:
    sources = [("long", iter(range(1000))), ("next", iter([7]))]
    read = []
    for key, items in ahead(sources, threads=1, held=2):
        read.append((key, next(items)))
    assert read == [("long", 0), ("next", 7)]
