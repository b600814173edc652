"""Utterances judged by what was heard."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rapidfuzz.distance import Levenshtein

from prep_corpus.align.errors import UsageError
from prep_corpus.filters.labels.heard_labels import (
    JudgedUtterance,
    good_threshold,
    mark_words,
    ratio,
    standing,
)
from prep_corpus.filters.labels.label_file import LabelSet, joined, parse_labels, write_labels


def judged(text: str, heard: str | None, **changes: object) -> JudgedUtterance:
    one = JudgedUtterance(
        id=f"{text}|{heard}",
        recording_id="r",
        speaker=None,
        start_sample=0,
        end_sample=100,
        kept=True,
        weight=1.0,
        text=tuple(text.split()),
        heard=None if heard is None else tuple(heard.split()),
        listeners=1,
    )
    return replace(one, **changes)  # type: ignore[arg-type]


def test_marks_by_hand() -> None:
    found = mark_words("the cat sat on on mat".split(), "the dog sat on the mat today".split())
    assert found.edits == 3
    assert found.marks == ("right", "substituted", "right", "right", "substituted", "right")
    assert found.missing == (6,)
    assert mark_words(["a", "b"], ["a"]).marks == ("right", "inserted")


WORDS = st.lists(st.sampled_from("abcd"), max_size=8)


@given(WORDS, WORDS)
def test_marks_add_up_to_the_edit_distance(text: list[str], heard: list[str]) -> None:
    found = mark_words(text, heard)
    assert found.edits == Levenshtein.distance(text, heard)
    assert all(text[w] == heard[v] for w, v in found.matched)
    assert (
        len(found.matched)
        == found.marks.count("right")
        == len(heard) - len(found.missing) - found.marks.count("substituted")
    )


def test_an_unintelligible_utterance_is_wrong_in_every_word() -> None:
    one = judged("a b c", None)
    assert (one.edits, one.true_words, one.wer) == (3, 3, 1.0)
    assert one.words is None


def test_the_good_part_stays_below_the_rate_and_is_as_large_as_it_can_be() -> None:
    clean = [judged(" ".join("abcdefghij"), " ".join("abcdefghij")) for _ in range(9)]
    one_wrong = judged(" ".join("abcdefghij"), " ".join("abcdefghix"))
    half_wrong = judged("a b", "a x")
    # 1 of 100 words is under 5 %; with one of two more it is 2 of 102, with another eight it is not.
    assert good_threshold([*clean, one_wrong], 0.05) == pytest.approx(0.1)
    assert good_threshold([*clean, one_wrong, half_wrong], 0.05) == pytest.approx(0.5)
    assert good_threshold([*clean, one_wrong, *[half_wrong] * 8], 0.05) == pytest.approx(0.1)
    assert good_threshold([*clean, replace(one_wrong, weight=9.0)], 0.05) == 0.0


def test_a_run_without_any_good_utterance_has_no_threshold() -> None:
    with pytest.raises(UsageError, match=r"the best of 1 has 50.0%"):
        good_threshold([judged("a b", "a c")], 0.05)


def test_weights_make_the_figures_those_of_the_whole_run() -> None:
    good = judged("a b", "a b", weight=9.0, recording_id="r")
    bad = judged("a b", "x y", weight=1.0, recording_id="s")
    dropped = judged("c d", "c d", weight=5.0, recording_id="t", kept=False)
    found = standing([good, bad, dropped], 0.0)
    assert found.wer_kept is not None
    assert found.wer_kept.value == pytest.approx(0.1)
    assert found.precision is not None
    assert found.precision.value == pytest.approx(0.9)
    assert found.recall is not None
    assert found.recall.value == pytest.approx(9 / 14)
    assert found.wer_dropped is not None
    assert found.wer_dropped.value == 0.0
    assert standing([dropped], 0.0).wer_kept is None


def test_an_interval_holds_the_ratio_and_one_recording_gives_none() -> None:
    found = ratio([1, 0, 2, 1], [10, 10, 10, 10], ["a", "b", "c", "d"])
    assert found.value == pytest.approx(0.1)
    assert found.low < found.value < found.high
    assert (ratio([1], [2], ["a"]).low, ratio([1], [2], ["a"]).high) == (0.0, 1.0)


def label_set(*utterances: JudgedUtterance, config: str = "c") -> LabelSet:
    return LabelSet(
        run="run",
        model_digest="m",
        config_digest=config,
        cut="paper",
        good_wer=0.05,
        threshold=0.1,
        utterances=utterances,
    )


def test_a_labels_file_comes_back_as_it_was() -> None:
    labels = label_set(judged("a b", "a c"), judged("ü ß", None, speaker="s", kept=False, weight=2.5))
    assert parse_labels(write_labels(labels), "l.jsonl") == labels


def test_files_that_are_no_labels_are_refused() -> None:
    whole = write_labels(label_set(judged("a", "a"), judged("b", "b")))
    with pytest.raises(UsageError, match="2 labels were written, and 1 are found"):
        parse_labels(whole[: whole.rindex("{")], "l.jsonl")
    for content in ("", "nonsense", '{"kind": "other"}'):
        with pytest.raises(UsageError, match=r"l\.jsonl"):
            parse_labels(content, "l.jsonl")


def test_labels_of_two_runs_or_of_one_utterance_twice_are_not_joined() -> None:
    one, other = label_set(judged("a", "a")), label_set(judged("b", "b"))
    assert len(joined([one, other], ["x", "y"]).utterances) == 2
    with pytest.raises(UsageError, match="labelled once"):
        joined([one, one], ["x", "y"])
    with pytest.raises(UsageError, match="of one run"):
        joined([one, label_set(judged("b", "b"), config="d")], ["x", "y"])
