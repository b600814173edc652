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
