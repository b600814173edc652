"""What a transcript has wrong between right words gives way to what the model hears."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from prep_corpus.align.cutting.segments import Segment
from prep_corpus.align.recognition.repair import (
    Repair,
    RepairRules,
    SaidPart,
    agreed_words,
    find_repairs,
    parts_of,
    repaired_text,
)
from prep_corpus.align.recognition.uncovered import RecognisedText
from prep_corpus.align.words.words import Words

LETTERS = "|abcdefghijklmnopqrstuvwxyz"
RULES = RepairRules(k_frames=10, longest_frames=100, mean_score=1.0)
Placed = Sequence[tuple[str, int, int]]


def table(placed: Placed) -> RecognisedText:
    """Words at half-open spans of frames, with a delimiter between each two."""
    ends = np.cumsum([len(text) + 1 for text, _, _ in placed]).astype(np.int32)
    lengths = np.array([len(text) for text, _, _ in placed], np.int32)
    tokens_L = np.array([LETTERS.index(letter) for text, _, _ in placed for letter in f"{text}|"], np.int32)
    words = Words(
        token_starts=ends - 1 - lengths,
        token_ends=ends - 1,
        frame_starts=np.array([start for _, start, _ in placed], np.int32),
        frame_ends=np.array([end for _, _, end in placed], np.int32),
        char_starts=ends - 1 - lengths,
        char_ends=ends - 1,
        skipped=np.array([start == end for _, start, end in placed], bool),
    )
    return RecognisedText(words=words, tokens_L=tokens_L)


def repairs_of(
    written: Placed,
    said: str,
    heard: Placed,
    scores: Sequence[float] = (),
    speakers: Sequence[int] | None = None,
    rules: RepairRules = RULES,
) -> list[Repair]:
    """Repairs where 1 marks the words of `said` that are likely said."""
    words, read = table(written).words, table(heard)
    if speakers is not None:
        words = replace(words, speakers=np.array(speakers, np.int32))
    scores_U = np.array(scores or [2.0] * len(heard))
    agreed_W = agreed_words(words, [text for text, *_ in written], read, [text for text, *_ in heard])
    likely_W = np.array([mark == "1" for mark in said])
    return find_repairs(words, agreed_W, likely_W, read, scores_U >= 0, scores_U, rules)


WRITTEN = [("old", 0, 10), ("man", 12, 20), ("sees", 24, 30)]
HEARD = [("old", 0, 10), ("woman", 12, 21), ("sees", 24, 31)]


def test_a_wrong_a_missing_and_a_superfluous_word_are_repaired() -> None:
    assert repairs_of(WRITTEN, "101", HEARD) == [Repair(word_start=1, word_end=2, read_start=1, read_end=2)]
    missing = [WRITTEN[0], WRITTEN[2]]
    assert repairs_of(missing, "11", HEARD) == [Repair(word_start=1, word_end=1, read_start=1, read_end=2)]
    superfluous = [("old", 0, 10), ("man", 12, 12), ("sees", 14, 20)]
    heard = [("old", 0, 10), ("sees", 14, 20)]
    assert repairs_of(superfluous, "101", heard) == [
        Repair(word_start=1, word_end=2, read_start=1, read_end=1)
    ]
    assert repairs_of([superfluous[0], superfluous[2]], "11", heard) == []
    # What is heard as it is written needs none, likely or not.
    assert repairs_of(HEARD, "101", HEARD) == []


@pytest.mark.parametrize(
    ("heard", "scores", "speakers"),
    [
        # A neighbour is read otherwise, or elsewhere; or is not trusted.
        ([("cold", 0, 10), *HEARD[1:]], (), None),
        ([*HEARD[:2], ("sees", 40, 50)], (), None),
        (HEARD, (-1.0, 3.0, 3.0), None),
        # What is read is not sure enough, or not all of it is trusted.
        (HEARD, (3.0, 0.5, 3.0), None),
        ([HEARD[0], ("wo", 12, 15), ("man", 16, 21), HEARD[2]], (3.0, 9.0, -1.0, 3.0), None),
        # Another speaker goes on.
        (HEARD, (), (0, 0, 1)),
    ],
)
def test_what_is_not_sure_stays(
    heard: Placed, scores: Sequence[float], speakers: Sequence[int] | None
) -> None:
    assert repairs_of(WRITTEN, "101", heard, scores, speakers) == []


def test_a_repair_holds_no_pause_and_is_short() -> None:
    assert repairs_of(WRITTEN, "101", HEARD, rules=replace(RULES, k_frames=3)) == []
    assert repairs_of(WRITTEN, "101", HEARD, rules=replace(RULES, longest_frames=13)) == []
    assert len(repairs_of(WRITTEN, "101", HEARD, rules=replace(RULES, k_frames=4, longest_frames=14))) == 1


def test_the_repaired_text_has_the_read_words_in_their_places() -> None:
    own, read = table(WRITTEN), table(HEARD)
    repair = Repair(word_start=1, word_end=2, read_start=1, read_end=2)
    text = repaired_text(own.words, own.tokens_L, read, [repair], 0)
    spelled = ["".join(LETTERS[token] for token in text.tokens_L[a:b]) for a, b in token_spans(text.words)]
    assert spelled == ["old", "woman", "sees"]
    assert [LETTERS[token] for token in text.tokens_L[text.words.token_ends]] == ["|"] * 3
    assert text.words.frame_starts.tolist() == [0, 12, 24]
    assert text.words.frame_ends.tolist() == [10, 21, 30]
    assert text.of_both(np.array([1, 0, 1], bool), np.array([0, 1, 0], bool)).all()
    whole = Segment(
        frame_start=0, frame_end=31, sample_start=0, sample_end=31, word_start=0, word_end=3, unspoken=()
    )
    assert parts_of(text, whole) == (
        SaidPart(start=0, end=1, is_read=False),
        SaidPart(start=1, end=2, is_read=True),
        SaidPart(start=2, end=3, is_read=False),
    )
    # Where nothing is read the word stays, for cutting to leave out.
    empty = Repair(word_start=1, word_end=2, read_start=1, read_end=1)
    assert len(repaired_text(own.words, own.tokens_L, read, [empty], 0).words) == 3


def token_spans(words: Words) -> list[tuple[int, int]]:
    return list(zip(words.token_starts.tolist(), words.token_ends.tolist()))
