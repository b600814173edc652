"""A hundred entries, nine of ten mutated, in one run: the good ones keep their rows, and nothing stops it.

`benchmarks/faults/mutate.py` does the same with thousands.
"""

from __future__ import annotations

import json
import random
from pathlib import Path

import pyarrow.parquet as pq
from support.mutants import Material, mutated, mutated_document, write_mutants
from support.runs import arguments, cli
from support.toy import write_corpus, write_filter

PLAIN = ("--min-pause-frames", "20", "--max-failed", "1", "--quiet")


def rows(out: Path) -> dict[str, dict[str, object]]:
    found = [row for path in sorted((out / "data").iterdir()) for row in pq.read_table(path).to_pylist()]
    return {row["id"]: row for row in found if row["recording_id"].startswith("talk")}


def test_good_recordings_among_mutants_keep_their_rows(tmp_path: Path) -> None:
    good = write_corpus(tmp_path / "corpus", recordings=10, sentences=2)
    write_filter(good.parent / "filter.json")
    cli(*arguments(good, tmp_path / "alone", *PLAIN))
    chance = random.Random(7)
    lines = write_mutants(good.parent, Material.made(), chance, 90)
    for place, line in enumerate(good.read_bytes().splitlines()):
        lines.insert(chance.randrange(len(lines)) if place else 0, line)
    mixed = good.with_name("mixed.jsonl")
    mixed.write_bytes(b"\n".join(lines) + b"\n")
    cli(*arguments(mixed, tmp_path / "mixed", *PLAIN))
    wanted, found = rows(tmp_path / "alone"), rows(tmp_path / "mixed")
    assert len(wanted) > 10
    assert {key: found.get(key) for key in wanted} == wanted
    outcome = json.loads((tmp_path / "mixed" / "outcome.json").read_text())
    assert outcome["entries"] >= 100
    assert outcome["internal_errors"] == 0
    assert len(outcome["reasons"]) > 3


def test_the_same_seed_makes_the_same_mutants() -> None:
    data = bytes(range(256)) * 20
    assert [mutated(data, random.Random(5)) for _ in range(2)] == [mutated(data, random.Random(5))] * 2
    document = {"a": [1, {"b": "c"}], "d": 2.5}
    made = {mutated_document(document, random.Random(seed)) for seed in range(40)}
    assert len(made) > 20
    assert mutated_document(document, random.Random(1)) == mutated_document(document, random.Random(1))
