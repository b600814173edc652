"""What the synthesisers are given to say."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from prep_corpus.align.errors import UsageError
from prep_corpus.jobs.training.english import SpeechSet, sentences

SETS = (SpeechSet(name="first", held_out="anna"), SpeechSet(name="second"))


@pytest.fixture
def raw(tmp_path: Path) -> Path:
    rows = {
        "first": [
            ("anna", "She was never heard of again."),
            ("bert", "He came - late - to the party; alone!"),
        ],
        "second": [("carl", "The ship sailed at 9 in the morning."), ("carl", "Too short."), ("carl", None)],
    }
    for name, lines in rows.items():
        (tmp_path / name).mkdir()
        entries = [{"audio_filepath": "x.wav", "text": text, "speaker": speaker} for speaker, text in lines]
        text = "".join(json.dumps(entry) + "\n" for entry in entries)
        (tmp_path / name / "manifest.jsonl").write_text(text)
    return tmp_path


def test_plain_sentences_alone_are_said_and_none_that_is_held_out(raw: Path) -> None:
    assert sentences(raw, SETS) == ["he came late to the party alone"]


def test_a_file_adds_sentences_but_none_that_is_held_out(raw: Path) -> None:
    more = raw / "more.txt"
    lines = (
        "SHE was never heard of again",
        "It’s a long way from here, they say.",
        "12 apples, 13 pears, no more",
        "",
    )
    more.write_text("\n".join(lines), encoding="utf-8")
    said = ["he came late to the party alone", "it's a long way from here they say"]
    assert sentences(raw, SETS, more) == said


def test_a_file_that_is_no_text_is_refused_by_name(raw: Path) -> None:
    (raw / "more.bin").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UsageError, match=r"more\.bin: not a UTF-8 text file"):
        sentences(raw, SETS, raw / "more.bin")
