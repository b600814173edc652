"""Sections that are read in another order than the text has them: found with certainty, or nothing is told."""

from __future__ import annotations

import random
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from prep_corpus.align.sections.anchors import ReadLetters
from prep_corpus.align.sections.order import ReadingOrder
from prep_corpus.align.sections.reading_order import reading_order
from prep_corpus.align.sections.reordered import (
    moved_spans,
    read_part,
    reordered_text,
    reordered_version,
)
from prep_corpus.align.transcripts.formats import parse
from prep_corpus.align.transcripts.versions import file_span, version_of

LETTERS = "etaoinshrdlucmfwypvbgk"


def sentences(seed: int, count: int) -> list[str]:
    """Sentences of words that no other seed has."""
    chance = random.Random(seed)
    words = ["".join(chance.choices(LETTERS, k=chance.randrange(2, 9))) for _ in range(300)]
    return [" ".join(chance.choices(words, k=9)).capitalize() + "." for _ in range(count)]


def heard(text: str, wrong: float = 0.0, seed: int = 0) -> ReadLetters:
    """A text as a model reads it, so many of its letters wrong."""
    chance = random.Random(seed)
    read = "".join(chance.choice(LETTERS) if chance.random() < wrong else letter for letter in text.lower())
    return ReadLetters.of(range(len(read)), read + LETTERS)


SECTIONS = [" ".join(sentences(seed, 8)) for seed in range(5)]
TEXT = "\n\n".join(SECTIONS)


def test_sections_are_put_in_the_order_in_which_they_are_read() -> None:
    read = heard(" ".join(SECTIONS[n] for n in (3, 0, 2, 4, 1)))
    order = reading_order(TEXT, read)
    assert order is not None
    assert order.numbers == (4, 1, 3, 5, 2)
    assert reordered_text(TEXT, order) == "\n\n".join(SECTIONS[n] for n in (3, 0, 2, 4, 1))
    assert read_part(order) is None


def test_moved_are_the_fewest_characters_that_leave_their_place() -> None:
    def moved(*starts: int) -> int:
        return ReadingOrder(spans=tuple((at, at + 10 + at) for at in starts), read=3).moved_characters

    assert moved(0, 20, 60) == 0
    # 20 characters from 10 on, 30 from 20 on, 60 from 50 on, and one that nobody reads.
    assert moved(20, 50, 10, 0) == 20
    assert moved(50, 10, 20, 0) == 110 - 60
    assert moved(50, 20, 10) == 50


@settings(max_examples=30, deadline=None)
@given(st.permutations(range(5)), st.floats(0, 0.12), st.integers(0, 99))
def test_any_order_is_found_in_what_a_poor_model_reads(which: list[int], wrong: float, seed: int) -> None:
    order = reading_order(TEXT, heard(" ".join(SECTIONS[n] for n in which), wrong, seed))
    wanted = "\n\n".join(SECTIONS[n] for n in which)
    assert (TEXT if order is None else reordered_text(TEXT, order)) == wanted


@pytest.mark.parametrize(
    "said",
    [
        SECTIONS,
        [*SECTIONS, SECTIONS[0]],
        [*SECTIONS[:2], SECTIONS[1], *SECTIONS[2:]],
        [SECTIONS[0], SECTIONS[3][:200], *SECTIONS[1:]],
        [SECTIONS[0], SECTIONS[4]],
        [" ".join(sentences(7, 40))],
        [SECTIONS[0], " ".join(sentences(7, 9)), SECTIONS[2]],
    ],
    ids=[
        "right",
        "first again",
        "second twice",
        "a sentence before its time",
        "left out",
        "another text",
        "between",
    ],
)
@pytest.mark.parametrize("wrong", [0.0, 0.08])
def test_nothing_is_told_of_an_order_that_is_right(said: list[str], wrong: float) -> None:
    assert reading_order(TEXT, heard(" ".join(said), wrong)) is None


def test_a_text_of_few_words_tells_no_order_by_chance() -> None:
    chance = random.Random(1)
    for _ in range(20):
        text, read = (" ".join(chance.choices(("river", "stone", "light", "cat"), k=300)) for _ in range(2))
        assert reading_order(text, heard(read)) is None


def test_sections_are_cut_where_a_sentence_ends_if_nothing_else_parts_them() -> None:
    text = " ".join(SECTIONS)
    order = reading_order(text, heard(" ".join((SECTIONS[1], SECTIONS[0], *SECTIONS[2:])), 0.08))
    assert order is not None
    assert reordered_text(text, order) == " ".join((SECTIONS[1], SECTIONS[0], *SECTIONS[2:]))


@pytest.mark.parametrize("which", [(20, 5), (5, 20)])
def test_chapters_of_a_book_are_found_though_they_stand_far_apart(which: tuple[int, int]) -> None:
    chapters = [" ".join(sentences(seed, 12)) for seed in range(30)]
    book = "\n\n".join(chapters)
    order = reading_order(book, heard(" ".join(chapters[n] for n in which)), far_longer=True)
    assert order is not None
    part = read_part(order)
    assert part is not None
    said = reordered_text(book, order)[slice(*part)]
    assert said.index(chapters[which[0]]) < said.index(chapters[which[1]])
    assert len(said) < 2 * sum(len(chapters[n]) for n in which)
    assert sorted(reordered_text(book, order)) == sorted(book)


def test_one_chapter_of_a_book_is_left_to_others() -> None:
    chapters = [" ".join(sentences(seed, 12)) for seed in range(30)]
    assert reading_order("\n\n".join(chapters), heard(chapters[7], 0.08), far_longer=True) is None


SRT = "".join(
    f"{number + 1}\n00:{number:02}:01,000 --> 00:{number:02}:09,000\n<i>{sentence}</i> &amp; so\n\n"
    for number, sentence in enumerate(sentences(3, 12))
)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(1, 500), min_size=1, max_size=5, unique=True), st.randoms(use_true_random=False))
def test_places_in_the_file_are_exact_in_any_order(cuts: list[int], chance: random.Random) -> None:
    version = version_of(parse(SRT, name="a.srt"), name="a.srt", kind="srt")
    bounds = [0, *sorted(cuts), len(version.text)]
    pieces = list(pairwise(bounds))
    chance.shuffle(pieces)
    order = ReadingOrder(spans=tuple(pieces), read=len(pieces))
    moved = reordered_version(version, order)
    before = [at for start, end in moved_spans(order) for at in range(start, end)]
    assert moved.text == "".join(version.text[at] for at in before)
    assert sorted(before) == list(range(len(version.text)))
    for at, was in enumerate(before):
        assert file_span(moved.source, at, at + 1) == file_span(version.source, was, was + 1)
    assert moved.source is not None
    assert version.source is not None
    for cues, text in ((moved.source.cues, moved.text), (version.source.cues, version.text)):
        assert sum(cue.char_end - cue.char_start for cue in cues) == sum(
            len(text[cue.char_start : cue.char_end]) for cue in version.source.cues
        )
    shown = {cue.start_seconds: "" for cue in version.source.cues}
    for cue in sorted(moved.source.cues, key=lambda cue: before[cue.char_start]):
        shown[cue.start_seconds] += moved.text[cue.char_start : cue.char_end]
    assert list(shown.values()) == [
        version.text[cue.char_start : cue.char_end] for cue in version.source.cues
    ]
    assert ReadingOrder.of_flat(order.flat()) == order


def test_sections_with_too_few_anchors_are_found_by_all_of_their_letters() -> None:
    parts = [" ".join(sentences(seed, 3 + seed % 2 * 6)) for seed in range(9)]
    order = reading_order(
        " ".join(parts), heard(" ".join(parts[n] for n in (4, 1, 7, 0, 5, 8, 2, 6, 3)), 0.2)
    )
    assert order is not None
    assert order.numbers == (5, 2, 8, 1, 6, 9, 3, 7, 4)
    assert reordered_text(" ".join(parts), order) == " ".join(parts[n] for n in (4, 1, 7, 0, 5, 8, 2, 6, 3))
