"""Texts that are normalised once for several stages."""

from __future__ import annotations

import string

import numpy as np

from prep_corpus.align.text.normalize import NormalizedText, TextOptions, normalize
from prep_corpus.align.text.recent import RecentTexts

ALPHABET = frozenset(string.ascii_lowercase)


def text_of(recent: RecentTexts, text: str, options: TextOptions | None = None) -> NormalizedText:
    return recent.normalized(
        text, alphabet=ALPHABET, language="en", has_spaces=True, options=options or TextOptions()
    )


def test_a_text_is_normalised_once_and_as_it_always_is() -> None:
    recent = RecentTexts(100)
    first = text_of(recent, "It has 25 words.")
    assert text_of(recent, "It has 25 words.") is first
    anew = normalize("It has 25 words.", alphabet=ALPHABET)
    assert (first.text, first.original, first.offers) == (anew.text, anew.original, anew.offers)
    assert np.array_equal(first.starts_L, anew.starts_L)


def test_other_options_make_another_text() -> None:
    recent = RecentTexts(100)
    assert text_of(recent, "It has 25.").text == "it has twenty five"
    assert text_of(recent, "It has 25.", TextOptions(speak=False)).text == "it has"


def test_what_was_not_used_for_long_goes_first_and_no_more_than_must() -> None:
    recent = RecentTexts(10)
    one, two = text_of(recent, "aaaa"), text_of(recent, "bbbb")
    assert text_of(recent, "aaaa") is one
    text_of(recent, "cc")
    assert text_of(recent, "bbbb") is two
    assert text_of(recent, "aaaa") is one
    text_of(recent, "d" * 6)
    assert text_of(recent, "aaaa") is one
    assert text_of(recent, "bbbb") is not two


def test_what_does_not_fit_takes_no_place() -> None:
    recent = RecentTexts(10)
    one = text_of(recent, "aaaa")
    text_of(recent, "b" * 11)
    assert text_of(recent, "aaaa") is one
