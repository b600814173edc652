"""What people heard, read from the forms that they hand it in."""

from __future__ import annotations

import json

import pytest

from prep_corpus.align.errors import UsageError
from prep_corpus.filters.labels.heard import latest, parse_transcripts, settled


def test_the_three_forms_say_the_same() -> None:
    lines = '{"id": "a", "text": "one, two"}\n\n{"id": "b", "text": "\\"three\\""}\n'
    table = 'id,text\na,"one, two"\nb,"""three"""\n'
    tabs = 'a\tone, two\nb\t"three"\n'
    found = [
        parse_transcripts(lines, "x.jsonl"),
        parse_transcripts(table, "x.csv"),
        parse_transcripts(tabs, "x.tsv"),
    ]
    for one in found:
        assert [(h.id, h.text) for h in one] == [("a", "one, two"), ("b", '"three"')]


def test_an_export_of_the_page() -> None:
    row = {
        "id": "a",
        "text": "",
        "unintelligible": False,
        "listener": "ann",
        "sample": "s",
        "seconds_spent": 4.2,
        "saved_at": "2026-01-02T03:04:05Z",
    }
    (heard,) = parse_transcripts(json.dumps(row), "ann.jsonl")
    # The page saves what was answered: an empty text says that nobody speaks.
    assert not heard.is_empty
    assert heard.listener == "ann"


@pytest.mark.parametrize(
    ("content", "name", "message"),
    [
        ('{"id": "a", "text": "b"}\nnonsense', "x.jsonl", "line 2: transcripts must be JSON lines"),
        ('{"text": "b"}', "x.jsonl", "line 1: a transcript needs an id"),
        ('{"id": "a"}', "x.jsonl", "line 1: the transcript of a needs a text"),
        ("id,text\na,b,c\n", "x.csv", "line 2: 2 columns"),
    ],
)
def test_a_bad_line_is_named(content: str, name: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        parse_transcripts(content, name)


def test_the_last_word_of_each_listener_counts_and_what_was_passed_over_does_not() -> None:
    lines = [
        {"id": "a", "text": "old", "listener": "ann", "saved_at": "2026-01-01"},
        {"id": "a", "text": "new", "listener": "ann", "saved_at": "2026-01-02"},
        {"id": "a", "text": "other", "listener": "bob", "saved_at": "2026-01-01"},
        {"id": "b", "text": "  ", "listener": "bob"},
        {"id": "c", "text": "", "listener": "bob", "saved_at": "2026-01-01"},
    ]
    found = latest(parse_transcripts("\n".join(map(json.dumps, lines)), "x.jsonl"))
    assert [(h.listener, h.text) for h in found] == [("ann", "new"), ("bob", "other"), ("bob", "")]


def test_of_several_transcripts_the_one_nearest_to_the_others_is_the_truth() -> None:
    assert settled([("a", "x"), ("a", "b"), ("a", "b", "c")]) == 1
    assert settled([("a",), ("b",)]) == 0
