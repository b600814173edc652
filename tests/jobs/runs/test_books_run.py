"""Chapters with the text of their whole book: kept as with their own text, and the ledgers hold."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import soundfile
from support import toy
from support.runs import outcome, run_here

CHAPTERS, SENTENCES, HEARD = 20, 12, (3, 11)


def chapter_text(number: int) -> str:
    return toy.written(toy.recording(number, SENTENCES)[1], 100 + number)


def rows(out: Path) -> list[tuple[Any, ...]]:
    names = ("id", "text", "score")
    found = [row for path in sorted((out / "data").iterdir()) for row in pq.read_table(path).to_pylist()]
    return sorted(tuple(row[name] for name in names) for row in found)


def test_chapters_of_a_book_give_what_their_own_texts_give(tmp_path: Path) -> None:
    toy.write_filter(tmp_path / "filter.json")
    book = "\n\n".join(map(chapter_text, range(CHAPTERS)))
    (tmp_path / "book.txt").write_text(book)
    (tmp_path / "other.txt").write_text("\n".join(map(chapter_text, range(50, 50 + CHAPTERS))))
    own, whole = [], []
    for number in HEARD:
        soundfile.write(tmp_path / f"c{number}.flac", toy.recording(number, SENTENCES)[0], toy.SAMPLE_RATE_HZ)
        own.append({"audio_filepath": f"c{number}.flac", "text": chapter_text(number)})
        whole.append({"audio_filepath": f"c{number}.flac", "text_filepath": "book.txt"})
    wrong = {"id": "wrong", "audio_filepath": "c3.flac", "text_filepath": "other.txt"}
    for name, lines in (("own", own), ("book", [*whole, wrong])):
        (tmp_path / f"{name}.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
        run_here(tmp_path / f"{name}.jsonl", tmp_path / name, "--noise-fraction", "0", "--max-failed", "1")
    assert rows(tmp_path / "book") == rows(tmp_path / "own")
    assert len(rows(tmp_path / "own")) > 5
    characters = outcome(tmp_path / "book")["ledgers"]["characters"]
    # Two chapters of the book, and all of the other one.
    assert characters["read"] == 2 * len(book) + len((tmp_path / "other.txt").read_text())
    (letter,) = map(json.loads, (tmp_path / "book" / "dead-letters.jsonl").read_text().splitlines())
    assert (letter["recording_id"], letter["reason"]) == ("wrong", "transcript-too-long")
    assert "is it the text of another recording?" in letter["message"]
