"""The training commands as a user calls them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import soundfile
from click.testing import CliRunner

from prep_corpus.align.errors import UsageError
from prep_corpus.jobs.training.train_command import error_rates_command, train_command, train_english_command

DEMO = Path(__file__).resolve().parents[3] / "demo"


def write_sentences(folder: Path, recording: str, count: int) -> Path:
    """A manifest of single sentences of the demo corpus."""
    truths = [json.loads(line) for line in (DEMO / "truth.jsonl").read_text().splitlines()]
    (truth,) = (truth for truth in truths if truth["id"] == recording)
    samples_N, rate_hz = soundfile.read(DEMO / "audio" / f"{recording}.opus", dtype="float32")
    folder.mkdir(parents=True)
    lines = []
    for index, sentence in enumerate(truth["sentences"][:count]):
        start, end = (int(sentence[key] * rate_hz) for key in ("start", "end"))
        soundfile.write(folder / f"{index}.flac", samples_N[start:end], rate_hz)
        lines.append(
            json.dumps({"audio_filepath": f"{index}.flac", "text": sentence["text"], "speaker": f"s{index}"})
        )
    (folder / "manifest.jsonl").write_text("\n".join(lines))
    return folder / "manifest.jsonl"


def test_texts_in_files_are_refused_with_their_line(tmp_path: Path) -> None:
    manifest = tmp_path / "manifest.jsonl"
    manifest.write_text('{"audio_filepath": "a.wav", "text_filepath": "a.txt"}\n')
    for command, words in (
        (error_rates_command, [str(manifest)]),
        (train_command, ["--manifest", str(manifest), "--out", str(tmp_path / "out")]),
    ):
        done = CliRunner().invoke(command, words)
        assert isinstance(done.exception, UsageError)
        assert f"{manifest}:1: " in str(done.exception)
        assert "put what the file holds into `text`" in str(done.exception)


def test_train_on_a_manifest_then_measure(tmp_path: Path) -> None:
    manifest = str(write_sentences(tmp_path / "speech", "alice", 4))
    arguments = [
        "--manifest",
        manifest,
        "--held-out",
        manifest,
        "--out",
        str(tmp_path / "out"),
        "--steps",
        "2",
    ]
    done = CliRunner().invoke(
        train_command, [*arguments, "--device", "cpu", "--noise", str(DEMO / "noise.jsonl")]
    )
    assert isinstance(done.exception, UsageError)
    done = CliRunner().invoke(train_command, [*arguments, "--device", "cpu"], catch_exceptions=False)
    assert "held-out-0: CER" in done.output
    again = CliRunner().invoke(train_command, [*arguments, "--device", "cpu"], catch_exceptions=False)
    assert "prepared" not in again.output
    rates = CliRunner().invoke(
        error_rates_command, ["--model", str(tmp_path / "out"), manifest], catch_exceptions=False
    )
    assert rates.stdout.splitlines()[1].split()[:2] == ["speech", "4"]


def test_train_english_from_a_folder_of_sets(tmp_path: Path) -> None:
    write_sentences(tmp_path / "raw" / "ljspeech", "alice", 4)
    write_sentences(tmp_path / "raw" / "an4", "scrooge", 10)
    arguments = [str(tmp_path / "raw"), "--out", str(tmp_path / "out"), "--steps", "1", "--synthesise", "0"]
    done = CliRunner().invoke(train_english_command, [*arguments, "--device", "cpu"], catch_exceptions=False)
    assert done.exit_code == 0
    assert (tmp_path / "out" / "model.safetensors").is_file()
    more = [*arguments, "--sentences", str(tmp_path / "raw" / "an4" / "manifest.jsonl")]
    with pytest.raises(UsageError, match="--synthesise 0 leaves them out"):
        CliRunner().invoke(train_english_command, more, catch_exceptions=False)


def test_nothing_to_learn_from_is_refused(tmp_path: Path) -> None:
    done = CliRunner().invoke(train_command, ["--out", str(tmp_path / "out")])
    assert isinstance(done.exception, UsageError)
    assert "--shards or --manifest" in str(done.exception)
    with pytest.raises(UsageError, match="none of the sets"):
        CliRunner().invoke(
            train_english_command, [str(tmp_path), "--out", str(tmp_path / "out")], catch_exceptions=False
        )
