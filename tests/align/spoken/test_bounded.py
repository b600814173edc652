"""A call that never comes back costs its own time alone."""

from __future__ import annotations

import threading
import time

import pytest

from prep_corpus.align.spoken.bounded import TookTooLong, within
from prep_corpus.align.spoken.numbers import in_words


def test_results_and_errors_come_through() -> None:
    assert within(5, lambda: 7) == 7
    with pytest.raises(KeyError, match="why"):
        within(5, lambda: {}["why"])


def test_a_loop_without_end_is_ended_and_its_thread_too() -> None:
    turns = [0]

    def for_ever() -> None:
        while True:
            try:
                turns[0] += 1
            except Exception:
                continue

    began, threads = time.monotonic(), threading.active_count()
    with pytest.raises(TookTooLong):
        within(0.2, for_ever)
    assert time.monotonic() - began < 5
    stopped = turns[0]
    time.sleep(0.1)
    assert turns[0] == stopped
    assert threading.active_count() == threads


def test_numbers_are_still_said() -> None:
    assert in_words(21, "en") == "twenty one"
