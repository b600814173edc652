"""What a recording's own text says for what is heard in it."""

from __future__ import annotations

import numpy as np
import pytest

from prep_corpus.filters.judge_evidence import NOTHING_HEARD, TimedWords
from prep_corpus.filters.rereading import MOST_LEAD
from prep_corpus.filters.text_evidence import TEXT_NAMES, WIDE_SECONDS, text_evidence


def words(text: str, *, first: float = 0.0, apart: float = 3.0) -> TimedWords:
    """Half a second a word, so far apart that each stands at a place of its own; a dash is a place without a word."""
    places = [n for n, word in enumerate(text.split()) if word != "-"]
    starts_W = np.array(places, np.float64) * apart + first
    return TimedWords(
        texts=tuple(word for word in text.split() if word != "-"), starts_W=starts_W, ends_W=starts_W + 0.5
    )


def column(name: str, heard: TimedWords, text: TimedWords) -> list[float]:
    count = len(heard.texts)
    found_WF = text_evidence(heard, text, np.zeros(count, bool), np.full(count, MOST_LEAD))
    found: list[float] = found_WF[:, TEXT_NAMES.index(name)].tolist()
    return found


@pytest.mark.parametrize(
    ("heard", "text", "has"),
    [
        # What stands at a word's own place does not count.
        ("the captain said", "the captain said", [0, 0, 0]),
        ("the captain said", "- - - - captain the", [1, 1, 0]),
        ("the captain said", "the captain said captain", [0, 1, 0]),
        ("captain - - captain", "captain - - captain", [1, 1]),
        ("", "the captain said", []),
        ("the captain", "", [0, 0]),
    ],
)
def test_a_word_is_known_where_it_stands_elsewhere_in_the_text(heard: str, text: str, has: list[int]) -> None:
    assert column("text_has", words(heard), words(text)) == has


def test_what_stands_far_off_does_not_count_and_what_stands_often_counts_more() -> None:
    heard = words("captain")
    near = words("captain captain captain", first=10.0)
    far = words("captain captain captain", first=WIDE_SECONDS + 10.0)
    assert column("text_count", heard, near) == pytest.approx([np.log1p(3)])
    assert column("text_count", heard, far) == [0]
    assert column("text_count", heard, words("captain " * 90, first=5.0)) == [4.0]


def test_agreement_is_of_the_words_around_and_not_of_the_word_itself() -> None:
    heard = words("the captain said no")
    agreed = column("text_agrees", heard, words("the captain said no"))
    # Of three others all agree; a half is taken for three more.
    assert agreed == pytest.approx([(3 + 1.5) / 6] * 4)
    own_wrong = column("text_agrees", heard, words("the seaman said no"))
    assert own_wrong[1] == pytest.approx(agreed[1])
    assert own_wrong[0] < agreed[0]
    assert column("text_agrees", heard, NOTHING_HEARD) == pytest.approx([1.5 / 6] * 4)


def test_agreement_near_by_is_of_some_seconds() -> None:
    said = " ".join(["word"] * 40)
    half_right = " ".join(["word"] * 20 + ["other"] * 20)
    near = column("text_agrees_near", words(said), words(half_right))
    wide = column("text_agrees", words(said), words(half_right))
    assert near[2] > 0.8 > wide[2] > 0.4
    assert near[-3] < 0.2 < wide[-3] < 0.6
    # One that ends late hides none of those that begin after it.
    long = words("word other")
    text = TimedWords(texts=long.texts, starts_W=long.starts_W, ends_W=np.array([9.0, 3.5]))
    assert column("text_agrees", words("word other"), text) == pytest.approx([2.5 / 4] * 2)
