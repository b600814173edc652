"""Small bundles side by side on one thread each, a large one alone on all; results in order, errors on their way."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from prep_corpus.pipeline.abreast import Abreast
from prep_corpus.pipeline.storage.stage_store import StageRef


def reference(name: str, threads: int) -> StageRef:
    return StageRef("align", name, str(threads), "c", True, 0)


def test_small_ones_meet_and_results_come_in_order() -> None:
    abreast = Abreast(3)
    together = threading.Barrier(3, timeout=120)

    def make(name: str) -> Callable[[int], StageRef]:
        def wait(threads: int) -> StageRef:
            together.wait()
            return reference(name, threads)

        return wait

    found = [ref for name in "abc" for ref in abreast.take(60.0, make(name))]
    found += abreast.rest()
    abreast.close()
    assert [(ref.bundle, ref.digest) for ref in found] == [("a", "1"), ("b", "1"), ("c", "1")]


def test_a_large_one_waits_for_those_under_way_and_has_all_threads() -> None:
    abreast = Abreast(4)
    done: list[str] = []

    def make(name: str) -> Callable[[int], StageRef]:
        def note(threads: int) -> StageRef:
            done.append(name)
            return reference(name, threads)

        return note

    found = [
        ref
        for name, seconds in (("a", 900.0), ("b", 901.0), ("c", 5.0))
        for ref in abreast.take(seconds, make(name))
    ]
    assert done[:2] == ["a", "b"]
    found += abreast.rest()
    abreast.close()
    assert [(ref.bundle, ref.digest) for ref in found] == [("a", "1"), ("b", "4"), ("c", "1")]


def test_no_more_wait_than_twice_the_threads_and_one_thread_makes_at_once() -> None:
    several, one = Abreast(2), Abreast(1)
    made = [len(list(several.take(1.0, lambda threads: reference("a", threads)))) for _ in range(10)]
    assert made == [0] * 4 + [1] * 6
    assert len(list(several.rest())) == 4
    assert len(list(one.take(1.0, lambda threads: reference("a", threads)))) == 1
    for abreast in (several, one):
        abreast.close()


def test_an_error_surfaces_where_the_result_would() -> None:
    abreast = Abreast(2)

    def fail(threads: int) -> StageRef:
        raise OSError("the disk is gone")

    assert list(abreast.take(1.0, fail)) == []
    with pytest.raises(OSError, match="the disk is gone"):
        list(abreast.rest())
    abreast.close()
