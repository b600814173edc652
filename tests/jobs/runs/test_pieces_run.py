"""A real model in pieces with frames of 80 ms, from manifest to shards and to word times."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner
from support import corpora, toy
from support.places import ROOT

from prep_corpus.jobs.cli import main

SHARED = ROOT.parent / "shared"
MODELS = [SHARED / "models" / name for name in ("quartznet15x5", "quartznet-bpe")]


@pytest.mark.skipif(
    not all(folder.is_dir() for folder in MODELS), reason=f"needs {MODELS[1]}, a model outside of the project"
)
def test_a_model_in_pieces_runs_from_manifest_to_shards(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for folder in MODELS:
        monkeypatch.syspath_prepend(str(folder))
    source = SHARED / "data" / corpora.DEV_CLEAN
    # The two before these it reads wrong ("morrel", "affirmative" said in a breath): there nothing would be kept.
    utterances = sorted(corpora.read_corpus(source, speakers=["84"]), key=lambda one: one.duration_seconds)[
        4:6
    ]
    lines = [
        {"audio_filepath": str(one.path), "text": " ".join(one.words).capitalize() + ".", "id": one.id}
        for one in utterances
    ]
    (tmp_path / "manifest.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    fitted = toy.write_filter(tmp_path / "filter.json")
    common = (str(tmp_path / "manifest.jsonl"), "--model", "quartznet_bpe:acoustic_model", "--quiet")
    for words in (
        ("run", *common, "--out", str(tmp_path / "run"), "--filter", str(fitted)),
        ("align", *common, "--out", str(tmp_path / "run"), "--format", "jsonl"),
    ):
        done = CliRunner().invoke(main, list(words))
        assert done.exit_code == 0, done.output + repr(done.exception)
    outcome = json.loads((tmp_path / "run" / "outcome.json").read_text())
    counts = outcome["ledgers"]["counts"]
    assert (counts["recordings"], outcome["failed"]) == (len(utterances), 0)
    assert counts["words"] == sum(len(one.words) for one in utterances)
    truth = {one.id: " ".join(one.words) for one in utterances}
    [shard] = (tmp_path / "run" / "data").iterdir()
    rows = pq.read_table(shard).to_pylist()
    assert rows
    for row in rows:
        assert row["text_normalized"] in truth[row["recording_id"]]
        assert row["characters"] == sum(map(len, row["text_normalized"].split()))
    for one in utterances:
        found = [json.loads(line) for line in (tmp_path / "run" / f"{one.id}.jsonl").read_text().splitlines()]
        said = [line for line in found if "word" in line]
        assert [line["word"] for line in said] == list(one.words)
        starts = [line["start"] for line in said]
        assert starts == sorted(starts)
        # Times are finer than the model's frames.
        assert any(round(start * 1000) % 80 for start in starts)
