"""Parts of a text by all of their letters, whichever of them agree."""

from __future__ import annotations

import numpy as np

from prep_corpus.align.sections.likeness import AGREE, ALONE, DIFFER, LikePart, like_parts

CHANCE = np.random.default_rng(0)
ONE, OTHER, NOISE = (CHANCE.integers(97, 123, size) for size in (60, 40, 30))


def test_parts_are_told_as_they_are_read_with_what_they_gain() -> None:
    read = np.concatenate((NOISE, OTHER, ONE))
    read[30 + 20] = ord("?")
    assert like_parts(np.concatenate((ONE, OTHER)), read) == [
        LikePart(text_start=60, text_end=100, read_start=30, read_end=70, gain=39 * AGREE - DIFFER),
        LikePart(text_start=0, text_end=60, read_start=70, read_end=130, gain=60 * AGREE),
    ]


def test_what_is_known_is_not_compared_and_parts_nothing_else() -> None:
    text, read = np.concatenate((ONE, OTHER)), np.concatenate((NOISE, OTHER, NOISE, ONE))
    found = like_parts(text, read)
    assert [(part.text_start, part.read_start) for part in found] == [(60, 30), (0, 100)]
    assert like_parts(text, read, found) == found
    assert like_parts(text, read, found[:1]) == found
    # Of a part in the middle of which something is known, both ends are found; no part goes over what is known.
    middle = LikePart(text_start=25, text_end=35, read_start=125, read_end=135, gain=1)
    assert like_parts(text, read, [middle]) == [
        found[0],
        LikePart(text_start=0, text_end=25, read_start=100, read_end=125, gain=25 * AGREE),
        middle,
        LikePart(text_start=35, text_end=60, read_start=135, read_end=160, gain=25 * AGREE),
    ]


def test_letters_that_one_side_lacks_part_nothing() -> None:
    [part] = like_parts(ONE, np.concatenate((ONE[:20], NOISE[:5], ONE[23:])))
    assert (part.text_start, part.text_end, part.read_start, part.read_end) == (0, 60, 0, 62)
    assert 57 * AGREE - 8 * ALONE <= part.gain <= 57 * AGREE - 3 * DIFFER - 2 * ALONE


def test_what_is_read_twice_counts_once_and_another_text_not_at_all() -> None:
    [part] = like_parts(ONE, np.concatenate((ONE, NOISE, ONE)))
    assert part.text_end - part.text_start == 60
    assert like_parts(ONE, NOISE) == []
    assert like_parts(ONE, NOISE[:0]) == []
