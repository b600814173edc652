"""Transcripts and weights put beside the utterances of a run."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from prep_corpus.align.errors import UsageError
from prep_corpus.align.model.models import ModelInfo
from prep_corpus.align.text.normalize import TextOptions
from prep_corpus.pipeline.finished.label_run import words_of
from prep_corpus.pipeline.finished.sample_files import read_heard, read_weights

INFO = ModelInfo(
    sample_rate_hz=16_000,
    stride_samples=320,
    vocabulary=("<blank>", " ", *"abcdefghijklmnopqrstuvwxyz'"),
    blank=0,
    word_delimiter=" ",
    case="lower",
    digest="m",
)


def listing(folder: Path) -> Path:
    rows = [
        {"id": "a", "stratum": "kept", "weight": 2.0},
        {"id": "b", "stratum": "kept", "weight": 2.0},
        {"id": "c", "stratum": "dropped", "weight": 5.0},
    ]
    (folder / "sample.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return folder


def test_what_was_answered_stands_for_its_whole_stratum(tmp_path: Path) -> None:
    folder = listing(tmp_path)
    assert read_weights(str(folder), {"a", "b", "c"}) == {"a": 2.0, "b": 2.0, "c": 5.0}
    assert read_weights(str(folder / "sample.jsonl"), {"a", "c"}) == {"a": 4.0, "c": 5.0}


def test_a_folder_without_a_listing_is_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"a sample must have a sample\.jsonl"):
        read_weights(str(tmp_path), set())
    (tmp_path / "sample.jsonl").write_text('{"id": "a"}\n')
    with pytest.raises(UsageError, match="not the listing of a sample"):
        read_weights(str(tmp_path), set())


def test_transcripts_are_normalised_as_the_pipeline_does() -> None:
    assert words_of("It's 25, Mr. Fox!", INFO, "en", TextOptions()) == tuple(
        "it's twenty five mister fox".split()
    )
    spaceless = ModelInfo(
        sample_rate_hz=16_000,
        stride_samples=320,
        vocabulary=("<blank>", *(chr(0x4E00 + n) for n in range(200)), "<other>"),
        blank=0,
        word_delimiter=None,
        case="lower",
        digest="m",
    )
    # A symbol that the stored emissions have no column for is still a word that was heard.
    assert words_of("\u4e01\u6c49 \u4e02", spaceless, "zh", TextOptions()) == ("\u4e01", "\u6c49", "\u4e02")


def test_files_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"nobody\.jsonl: the transcripts cannot be read"):
        read_heard([str(tmp_path / "nobody.jsonl")])
    (tmp_path / "latin.csv").write_bytes("id,text\na,\xfcber\n".encode("latin-1"))
    with pytest.raises(UsageError, match="UTF-8"):
        read_heard([str(tmp_path / "latin.csv")])
