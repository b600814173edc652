"""A Hugging Face checkpoint, upper case with | between words, through the whole command."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from support import toy
from support.checkpoints import tiny_parakeet, tiny_wav2vec2
from support.places import ENVIRONMENT
from support.runs import cli

from prep_corpus.jobs.cli import main


def test_a_tiny_wav2vec2_runs_end_to_end(tmp_path: Path) -> None:
    pytest.importorskip("transformers")
    manifest = toy.write_corpus(tmp_path / "corpus", recordings=2, sentences=6)
    tiny_wav2vec2(tmp_path / "checkpoint")
    fitted = toy.write_filter(tmp_path / "filter.json")
    out = tmp_path / "run"
    model = ("--model", str(tmp_path / "checkpoint"), "--filter", str(fitted), "--max-duration", "60")
    environment = {**ENVIRONMENT, "HF_HUB_OFFLINE": "1"}
    cli("run", str(manifest), "--out", str(out), *model, environment=environment)
    outcome = json.loads((out / "outcome.json").read_text())
    # What a random model makes of the words is noise; that every one is aligned and accounted for is not.
    counts = outcome["ledgers"]["counts"]
    assert (counts["recordings"], outcome["failed"]) == (2, 0)
    said = [len(words) for number in range(2) for words in toy.recording(number, 6)[1]]
    assert 0 < counts["words"] <= sum(said)


def test_a_tiny_parakeet_runs_end_to_end(tmp_path: Path) -> None:
    pytest.importorskip("transformers")
    pytest.importorskip("librosa")
    toy.write_corpus(tmp_path / "corpus", recordings=1, sentences=6)
    tiny_parakeet(tmp_path / "checkpoint")
    fitted = toy.write_filter(tmp_path / "filter.json")
    entry = {"audio_filepath": "corpus/talk0.flac", "text": "The cat sat. The hat! A chest..."}
    (tmp_path / "manifest.jsonl").write_text(json.dumps(entry) + "\n")
    words = (
        "run",
        str(tmp_path / "manifest.jsonl"),
        "--out",
        str(tmp_path / "run"),
        "--quiet",
        "--no-report",
    )
    done = CliRunner().invoke(
        main, [*words, "--model", str(tmp_path / "checkpoint"), "--filter", str(fitted)]
    )
    assert done.exit_code == 0, done.output + repr(done.exception)
    outcome = json.loads((tmp_path / "run" / "outcome.json").read_text())
    counts = outcome["ledgers"]["counts"]
    assert (counts["recordings"], counts["words"], outcome["failed"]) == (1, 7, 0)
