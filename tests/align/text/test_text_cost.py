"""What an hour of text costs; run with -s to see the times."""

from __future__ import annotations

import random
import time

import pytest

from prep_corpus.align.text.normalize import TextOptions, encode, normalize

LOWER = frozenset("abcdefghijklmnopqrstuvwxyz'")
HOUR_CHARACTERS = 54_000
WORDS = "the a of and she said Mary little house was never again, wandering. don’t “through” café people old".split()
EXPRESSIONS = "$3.50 1843 25 50% 3,000 Mr. 5_km 3:45 21st St. 10–15 ½ U.S.A.".replace("_", "\u00a0").split()


def hour_of_text() -> str:
    choose = random.Random(0)
    text = ""
    words: list[str] = []
    while len(text) < HOUR_CHARACTERS:
        words += [choose.choice(WORDS) for _ in range(250)]
        words[-250::25] = [choose.choice(EXPRESSIONS) for _ in range(10)]
        text = " ".join(words)
    return text[:HOUR_CHARACTERS]


@pytest.mark.parametrize(
    "options",
    [TextOptions(), TextOptions(strip_markup=True, strip_speakers=True, strip_directions=True)],
    ids=["plain", "stripped"],
)
def test_an_hour_of_text_takes_a_fraction_of_a_second(options: TextOptions) -> None:
    text = hour_of_text()
    normalize("25", alphabet=LOWER)
    started = time.thread_time()
    normalized = normalize(text, alphabet=LOWER, options=options)
    spent_seconds = time.thread_time() - started
    started = time.thread_time()
    normalized.char_ownership()
    encode(normalized, ("_", "|", *sorted(LOWER)), "|")
    after_seconds = time.thread_time() - started
    print(f"\nnormalize {spent_seconds:.3f} s, ownership and encoding {after_seconds:.3f} s of CPU time")
    assert spent_seconds < 0.4  # 0.1 on a busy core
    assert after_seconds < 0.1
