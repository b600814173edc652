"""A call that never comes back costs its own time alone."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import num2words
import pytest

from prep_corpus.align.spoken import numbers
from prep_corpus.align.spoken.bounded import TookTooLong, within
from prep_corpus.align.spoken.numbers import in_words
from prep_corpus.align.text.normalize import normalize


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

    began, threads = time.monotonic(), set(threading.enumerate())
    with pytest.raises(TookTooLong):
        within(0.2, for_ever)
    assert time.monotonic() - began < 30
    # On a busy machine it may end later than the call comes back.
    for thread in set(threading.enumerate()) - threads:
        thread.join(60)
    assert set(threading.enumerate()) <= threads


def test_numbers_are_still_said() -> None:
    assert in_words(21, "en") == "twenty one"


def test_a_number_in_amharic_that_the_library_never_says_is_not_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """num2words 0.5.14 loops for ever on some of them; here it does so on each."""
    ethiopic = frozenset("አምስት")
    in_words.cache_clear()
    assert normalize("አ 5", alphabet=ethiopic, language="am").text == "አ አምስት"
    asked: list[float] = []

    def for_ever(number: int, **_: str) -> str:
        while True:
            pass

    def counted(seconds: float, call: Callable[[], str | None]) -> str | None:
        asked.append(seconds)
        return within(seconds, call)

    monkeypatch.setattr("num2words.num2words", for_ever)
    monkeypatch.setattr(numbers, "within", counted)
    monkeypatch.setattr(numbers, "MOST_SECONDS", 0.1)
    in_words.cache_clear()
    began = time.monotonic()
    try:
        assert normalize("አ 5 አ", alphabet=ethiopic, language="am").text == "አ አ"
        assert numbers.decimal_in_words("15", "5", "ነጥብ", "am") is None
        assert in_words(5, "am", "ordinal") is None
    finally:
        in_words.cache_clear()
    assert time.monotonic() - began < 30
    # What is given up once is not asked again.
    assert asked == [0.1] * 3


def test_threads_that_say_numbers_at_once_say_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """What num2words works on stands in one object for each language: of Arabic, the number itself."""
    numbers_said = range(1000, 1040)
    in_words.cache_clear()
    wanted = [in_words(number, "ar") for number in numbers_said]
    assert len(set(wanted)) == 40
    inside, most, say = [0], [0], num2words.num2words

    def slowly(*number: int, **how: str) -> str:
        inside[0] += 1
        most[0] = max(most[0], inside[0])
        time.sleep(0.001)
        said = say(*number, **how)
        inside[0] -= 1
        return str(said)

    monkeypatch.setattr(num2words, "num2words", slowly)
    in_words.cache_clear()
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(lambda number: in_words(number, "ar"), numbers_said)) == wanted
    in_words.cache_clear()
    assert most == [1]
