"""Counts of a damaged transcript, by hand."""

from __future__ import annotations

import numpy as np
import pytest

from prep_corpus.align.cutting.cutting import Segment
from prep_corpus.align.words.words import Words
from prep_corpus.filters.fitting.cases import Damaged
from prep_corpus.filters.fitting.self_check import Check, Checked, check_recording

STRIDE = 100


def words_at(frames: list[tuple[int, int]]) -> Words:
    count = len(frames)
    starts = np.array([a for a, _ in frames], np.int32)
    ends = np.array([b for _, b in frames], np.int32)
    places = np.arange(count, dtype=np.int32)
    return Words(
        token_starts=places,
        token_ends=places + np.int32(1),
        frame_starts=starts,
        frame_ends=ends,
        char_starts=places,
        char_ends=places + np.int32(1),
        skipped=np.zeros(count, np.bool_),
    )


def segment(first: int, last: int, words: tuple[int, int], unspoken: tuple[int, ...] = ()) -> Segment:
    return Segment(
        frame_start=first,
        frame_end=last,
        sample_start=first * STRIDE,
        sample_end=last * STRIDE,
        word_start=words[0],
        word_end=words[1],
        unspoken=unspoken,
    )


# Said: a b c | d e f; the first sentence has lost b and has x for c, the second was replaced by y z.
CHECKED = Checked(
    damaged=Damaged(
        words=("a", "x", "y", "z"),
        origins=(0, -1, -1, -1),
        kinds=("right", "substituted", "replaced", "replaced"),
        fates=("heavy", "heavy", "replaced", "replaced"),
        original_fates=("heavy", "heavy", "heavy", "replaced", "replaced", "replaced"),
    ),
    texts=("a", "b", "c", "d", "e", "f"),
    before=words_at([(0, 4), (5, 9), (10, 14), (20, 24), (25, 29), (30, 34)]),
    after=words_at([(1, 4), (10, 14), (20, 24), (30, 34)]),
    stride_samples=STRIDE,
    sample_rate_hz=1000,
)


def test_everything_kept_counts_every_error() -> None:
    check = Check()
    check_recording(check, CHECKED, [segment(0, 16, (0, 2)), segment(18, 36, (2, 4))], [])
    heavy, replaced = check.fates["heavy"], check.fates["replaced"]
    assert (heavy.spoken, heavy.kept, heavy.right, heavy.text_kept, heavy.text_right) == (3, 3, 1, 2, 1)
    assert (heavy.edits, heavy.inside) == (2, 3)
    assert (replaced.spoken, replaced.kept, replaced.right, replaced.edits) == (3, 3, 0, 3)
    assert check.false_words == {"substituted": 1, "replaced": 2, "deleted": 2}
    assert check.left_in == {"substituted": 1, "replaced": 2, "deleted": 2}
    assert check.total.wer == pytest.approx(5 / 6)
    assert check.starts_seconds == [pytest.approx(0.1)]
    assert check.ends_seconds == []
    assert check.seconds == pytest.approx(3.4)


def test_a_word_cut_out_is_caught() -> None:
    check = Check()
    check_recording(check, CHECKED, [segment(0, 5, (0, 1))], [segment(0, 16, (0, 3))])
    assert check.left_in["substituted"] == check.left_in["deleted"] == 0
    assert check.total.precision == 1.0
    assert check.total.recall == 1.0
    assert check.total.wer == 0.0
    assert (check.clean_spoken, check.clean_kept) == (6, 3)
    assert np.isnan(check.fates["replaced"].precision)
