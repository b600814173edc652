"""A recording added to, changed in and removed from a corpus of forty minutes: it alone is done."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import soundfile
from support import toy
from support.runs import run_here, shards

RECORDINGS = 10
SENTENCES = 68
"""Of each recording: four minutes."""
MADE = ("emit", "align", "segment")


def lines(count: int) -> list[dict[str, Any]]:
    return [
        {"audio_filepath": f"talk{n}.flac", "text_filepath": f"talk{n}.txt", "speaker": f"s{n % 2}"}
        for n in range(count)
    ]


def write(manifest: Path, entries: list[dict[str, Any]]) -> Path:
    manifest.write_text("".join(json.dumps(entry) + "\n" for entry in entries))
    return manifest


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eleven recordings, of which the manifest names ten."""
    folder = tmp_path_factory.mktemp("small")
    manifest = toy.write_corpus(folder, recordings=RECORDINGS + 1, sentences=SENTENCES)
    toy.write_filter(folder / "filter.json")
    seconds = sum(soundfile.info(folder / f"talk{n}.flac").duration for n in range(RECORDINGS))
    assert 38 < seconds / 60 < 50
    return write(manifest, lines(RECORDINGS))


@pytest.fixture(scope="module")
def finished(corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("finished") / "run"
    done = made(corpus, out)
    assert done == dict.fromkeys(MADE, RECORDINGS)
    return out


def made(manifest: Path, out: Path, *extra: str) -> dict[str, int]:
    """Bundles that each stage has made in a run, by its own counters; each holds one recording."""
    # The length of pauses is given, since a run that grows keeps the one that it has picked.
    run_here(manifest, out, "--min-pause-frames", "12", "--workers", "2", *extra)
    stages = json.loads((out / "status.json").read_text())["stages"]
    assert all(stages[stage]["units"] == stages[stage]["recordings"] for stage in MADE)
    return {stage: stages[stage]["units"] - stages[stage]["found"] for stage in MADE}


def tables(out: Path) -> dict[str, bytes]:
    """Shards, segments and ledgers: all that a run publishes but its log of itself."""
    names = ("manifest.json", "outcome.json", "dead-letters.jsonl")
    segments = {path.name: path.read_bytes() for path in (out / "work" / "segment").glob("*")}
    document = json.loads((out / "work" / "used.json").read_text())
    used = document["files"]
    assert {f"segment/{digest}" for digest in document["segments"].values()} < set(used)
    assert {f"bundles/{digest}" for digest in document["segments"]} < set(used)
    kept = {name: data for name, data in segments.items() if f"segment/{name.partition('.')[0]}" in used}
    return {**shards(out), **kept, **{name: (out / name).read_bytes() for name in names}}


def test_one_recording_alone_is_done_and_the_bytes_are_those_of_a_fresh_run(
    corpus: Path, finished: Path, tmp_path: Path
) -> None:
    folder, out = corpus.parent, tmp_path / "run"
    shutil.copytree(finished, out)
    grown = lines(RECORDINGS)
    grown.insert(3, lines(RECORDINGS + 1)[-1])
    manifest = write(folder / "grown.jsonl", grown)
    assert made(manifest, out) == dict.fromkeys(MADE, 1), "added"
    for ending in ("flac", "txt"):
        # Another recording under the same name; the added one is of two names then.
        shutil.copy(folder / f"talk4.{ending}", tmp_path)
        shutil.copy(folder / f"talk10.{ending}", folder / f"talk4.{ending}")
    try:
        assert made(manifest, out) == dict.fromkeys(MADE, 1), "changed"
        made(manifest, tmp_path / "fresh")
        assert tables(out) == tables(tmp_path / "fresh")
    finally:
        for kept in tmp_path.glob("talk4.*"):
            shutil.copy(kept, folder)
    # What is published never shrinks unasked.
    assert made(corpus, out, "--force") == dict.fromkeys(MADE, 0), "removed, and changed back"
    assert tables(out) == tables(finished)
