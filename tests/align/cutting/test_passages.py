"""What stands at the ends of a passage."""

from __future__ import annotations

import numpy as np
import pytest

from prep_corpus.align.cutting.passages import without_strays


@pytest.mark.parametrize(
    ("lengths", "rows", "left"),
    [
        ([9, 50, 3, 50, 9], (0, 4), (1, 3)),
        ([9, 50, 3, 50, 9], (4,), (0, 3)),
        ([9, 50, 3, 50, 9], (), (0, 4)),
        # A pause within the rest, and a shorter one, part nothing.
        ([9, 3, 50, 49, 9], (0, 4), (0, 4)),
    ],
)
def test_one_word_a_pause_away_beside_a_text_that_nobody_says_is_a_stray(
    lengths: list[int], rows: tuple[int, ...], left: tuple[int, int]
) -> None:
    row_G = np.isin(np.arange(5), rows)
    assert without_strays((0, 4), (0, 4), np.array(lengths), row_G, 50) == left


def test_a_passage_is_never_given_up_whole_as_strays() -> None:
    rows_G = np.ones(3, bool)
    assert without_strays((0, 2), (0, 2), np.array([9, 60, 9]), rows_G, 50) == (1, 2)
    assert without_strays((1, 2), (0, 2), np.array([9, 60, 9]), rows_G, 50) == (1, 2)
