"""The demo corpus with the bundled model and its filter, as `make demo` runs it."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from rapidfuzz.distance import Levenshtein
from support.places import DEMO

from prep_corpus.align.sections.among_texts import ManyTexts, fewest_anchors
from prep_corpus.align.sections.anchors import ReadLetters
from prep_corpus.align.words.aligned_text import read_letters
from prep_corpus.jobs.runs.opened import open_run
from prep_corpus.pipeline.finished.stored_run import stored_bundles


def words(text: str) -> list[str]:
    return re.sub(r"[^a-z' ]", " ", text.lower()).split()


@pytest.fixture(scope="module")
def out(demo_run: Path) -> Path:
    return demo_run


@pytest.fixture(scope="module")
def rows(out: Path) -> list[dict[str, Any]]:
    return [row for path in (out / "data").iterdir() for row in pq.read_table(path).to_pylist()]


@pytest.fixture(scope="module")
def said() -> dict[str, list[str]]:
    lines = [json.loads(line) for line in (DEMO / "truth.jsonl").read_text().splitlines()]
    return {line["id"]: [word for one in line["sentences"] for word in words(one["text"])] for line in lines}


def test_much_is_kept_and_what_is_kept_is_what_was_said(
    rows: list[dict[str, Any]], said: dict[str, list[str]]
) -> None:
    edits = kept = 0
    for row in rows:
        text, truth = row["text_normalized"].split(), said[row["recording_id"]]
        lengths = [length for length in (len(text) - 1, len(text), len(text) + 1) if length > 0]
        edits += min(
            Levenshtein.distance(text, truth[start : start + length])
            for start in range(len(truth))
            for length in lengths
        )
        kept += len(text)
    assert kept > 0.4 * sum(len(truth) for truth in said.values())
    assert edits < 0.05 * kept


def test_a_minute_of_speech_is_enough_to_find_its_text_among_others(out: Path) -> None:
    run = open_run(str(out)).stored()
    found = {}
    for bundle in stored_bundles(run):
        for one in bundle.read(frozenset(probed.recording.id for probed in bundle.recordings)):
            recording = one.aligned.probed.recording
            known = ReadLetters.of((), one.info.vocabulary).known
            found[recording.id] = recording.text, read_letters(one.emitted.log_probs_TC, one.info)
    texts = [text for text, _ in found.values()]
    fits = [ManyTexts(texts, known).fit(read) for _, read in found.values()]
    for number, (_, read) in enumerate(found.values()):
        assert fits[number].numbers in ((), (number,))
        assert not ManyTexts(texts[:number] + texts[number + 1 :], known).fit(read).is_clear
    # The others are voices that the model reads badly; no text but their own has any of what it reads.
    clear = {name for name, fit in zip(found, fits, strict=True) if fit.is_clear}
    assert clear == {"alice", "scrooge"}
    assert fewest_anchors(700) <= fits[list(found).index("scrooge")].anchors < fewest_anchors(3000)


def test_the_ledgers_add_up(out: Path) -> None:
    ledgers = json.loads((out / "outcome.json").read_text())["ledgers"]
    for name, total in (("samples", "decoded"), ("characters", "read")):
        entries = ledgers[name]
        assert entries.pop(total) == sum(entries.values()) > 0
    assert ledgers["counts"]["recordings"] == len((DEMO / "manifest.jsonl").read_text().splitlines())


def test_the_demo_corpus_is_small_and_long_enough(out: Path) -> None:
    assert sum(path.stat().st_size for path in DEMO.rglob("*") if path.is_file()) < 3_000_000
    outcome = json.loads((out / "outcome.json").read_text())
    assert outcome["ledgers"]["samples"]["decoded"] / outcome["sample_rate_hz"] > 300
