"""Whole runs of the command in the toy language; those that are killed have processes of their own."""

from __future__ import annotations

import io
import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import soundfile
from click.testing import Result
from support import toy
from support.places import DOCS, ENVIRONMENT, ROOT, SUPPORT
from support.processes import Command
from support.runs import BOTH, arguments, outcome, run_here, shards
from support.runs import cli_here as cli

from prep_corpus.align.transcripts.formats import parse
from prep_corpus.jobs.start import early


def run(manifest: Path, out: Path, *extra: str, code: int = 0) -> Result:
    return run_here(manifest, out, *extra, code=code, formats=())


@pytest.fixture(scope="module")
def corpus(toy_corpus: Path) -> Path:
    return toy_corpus


@pytest.fixture(scope="module")
def finished(toy_run: Path) -> Path:
    return toy_run


def test_what_is_kept_is_what_the_audio_says(corpus: Path, finished: Path) -> None:
    truth = {}
    for number in range(4):
        _, said = toy.recording(number, 12)
        truth[f"talk{number}"] = " ".join(word for words in said for word in words)
    rows = [row for path in sorted((finished / "data").iterdir()) for row in pq.read_table(path).to_pylist()]
    assert len(rows) == outcome(finished)["utterances"] > 10
    for row in rows:
        assert row["text_normalized"] in truth[row["recording_id"]]
        assert row["text"].lower().replace(".", "") == row["text_normalized"]
        assert row["end"] - row["start"] == pytest.approx(row["duration"])
    assert {row["snr_db"] is None for row in rows} == {True, False}


def test_clean_utterances_are_slices_of_the_decoded_source(corpus: Path, finished: Path) -> None:
    checked = 0
    for path in sorted((finished / "data").iterdir()):
        for row in pq.read_table(path).to_pylist():
            if row["noise"] is None:
                source, _ = soundfile.read(row["source_uri"], dtype="int16")
                clip, rate = soundfile.read(io.BytesIO(row["audio"]["bytes"]), dtype="int16")
                assert rate == row["sample_rate_hz"]
                assert (clip == source[row["start_sample"] : row["end_sample"]]).all()
                checked += 1
    assert checked > 5


def test_both_ledgers_add_up_to_what_was_read(corpus: Path, finished: Path) -> None:
    ledgers = outcome(finished)["ledgers"]
    samples, characters = ledgers["samples"], ledgers["characters"]
    folder = corpus.parent
    assert samples.pop("decoded") == sum(samples.values())
    assert sum(samples.values()) == sum(soundfile.info(path).frames for path in folder.glob("*.flac"))
    assert characters.pop("read") == sum(characters.values())
    assert sum(characters.values()) == sum(len(path.read_text()) for path in folder.glob("*.txt"))


def test_a_second_run_elsewhere_and_with_one_worker_gives_the_same_bytes(
    corpus: Path, finished: Path, tmp_path: Path
) -> None:
    run(corpus, tmp_path / "again", *BOTH, "--workers", "1")
    assert shards(tmp_path / "again") == shards(finished)


def test_a_rerun_finds_everything_done_and_another_seed_redoes_only_the_shards(
    corpus: Path, finished: Path, tmp_path: Path
) -> None:
    out = tmp_path / "run"
    shutil.copytree(finished, out)
    before = {path: path.stat().st_mtime_ns for path in out.rglob("*.parquet")}
    run(corpus, out, *BOTH)
    assert {path: path.stat().st_mtime_ns for path in out.rglob("*.parquet")} == before
    refused = run(corpus, out, *BOTH, "--seed", "1", code=2)
    assert "seed: 0 -> 1" in refused.stderr
    run(corpus, out, *BOTH, "--seed", "1", "--force")
    changed = {path for path in out.rglob("*.parquet") if path.stat().st_mtime_ns != before.get(path)}
    assert changed
    assert {path.parent.name for path in changed} == {"data"}


@pytest.mark.parametrize("stage", ["bundles", "emit", "align", "measure", "segment", "write"])
def test_a_run_killed_at_any_stage_goes_on_to_the_same_bytes(
    corpus: Path, finished: Path, tmp_path: Path, stage: str
) -> None:
    out = tmp_path / "run"
    killed = {
        **ENVIRONMENT,
        "PYTHONPATH": os.pathsep.join([str(SUPPORT / "killed"), ENVIRONMENT["PYTHONPATH"]]),
        "KILLED_IN": f"{out}/work/{stage}/",
    }
    words = arguments(corpus, out, *BOTH, "--workers", "1")
    process = Command(*words, environment=killed, session=True, begins_with="sitecustomize")
    assert process.wait() == -signal.SIGKILL
    assert any((out / "work" / stage).iterdir())
    assert not (out / "manifest.json").exists()
    run(corpus, out, *BOTH)
    assert shards(out) == shards(finished)


def test_shards_of_an_earlier_state_do_not_stay_beside_the_new(
    corpus: Path, finished: Path, tmp_path: Path
) -> None:
    out = tmp_path / "run"
    shutil.copytree(finished, out)
    several = sorted(path.name for path in (out / "data").iterdir())
    run(corpus, out, "--shard-mb", "100", "--force")
    assert (
        sorted(path.name for path in (out / "data").iterdir()) == ["train-00000-of-00001.parquet"] != several
    )
    assert not list((out / "tfrecord").glob("*"))
    assert "no problems" in cli("check", str(out)).stdout


def test_babble_is_made_of_other_recordings_of_the_corpus(tmp_path: Path) -> None:
    manifest = toy.write_corpus(tmp_path, recordings=7, sentences=5)
    toy.write_filter(tmp_path / "filter.json")
    run(manifest, tmp_path / "run", "--babble", "--noise-fraction", "1")
    rows = [row for path in (tmp_path / "run" / "data").iterdir() for row in pq.read_table(path).to_pylist()]
    parts = [part["name"] for row in rows for part in json.loads(row["noise"])["parts"]]
    assert any(name.startswith("babble") for name in parts)
    too_few = toy.write_corpus(tmp_path / "few", recordings=3, sentences=3)
    toy.write_filter(tmp_path / "few" / "filter.json")
    refused = run(too_few, tmp_path / "none", "--babble", code=2)
    assert "--babble needs at least 6 recordings" in " ".join(refused.stderr.split())


def test_a_grown_corpus_keeps_its_k_and_its_old_work(tmp_path: Path) -> None:
    folder, out = tmp_path / "corpus", tmp_path / "run"
    manifest = toy.write_corpus(folder, recordings=3)
    toy.write_filter(folder / "filter.json")
    run(manifest, out)
    first = outcome(out)
    toy.write_corpus(folder, recordings=4)
    run(manifest, out)
    second = outcome(out)
    assert second["k_frames"] == first["k_frames"]
    assert second["utterances"] > first["utterances"]


def test_too_many_failures_publish_nothing(tmp_path: Path) -> None:
    manifest = toy.write_corpus(tmp_path, recordings=2)
    toy.write_filter(tmp_path / "filter.json")
    with manifest.open("a") as file:
        file.write(json.dumps({"audio_filepath": "missing.wav", "text": "nobody"}) + "\n")
    done = run(manifest, tmp_path / "run", code=4)
    assert "1 of 3 recordings failed, and --max-failed allows 10%" in " ".join(done.stderr.split())
    assert not (tmp_path / "run" / "manifest.json").exists()
    run(manifest, tmp_path / "run", "--max-failed", "0.5")
    (letter,) = [
        json.loads(line) for line in (tmp_path / "run" / "dead-letters.jsonl").read_text().splitlines()
    ]
    assert letter["reason"] == "audio-missing"
    assert "missing.wav" in letter["message"]


def test_a_dry_run_writes_nothing(corpus: Path, tmp_path: Path) -> None:
    done = run(corpus, tmp_path / "run", "--dry-run")
    assert "4 recordings" in done.stdout
    assert "free" in done.stdout
    assert not (tmp_path / "run").exists()


def test_a_dry_run_names_texts_without_audio(corpus: Path, tmp_path: Path) -> None:
    folder = tmp_path / "corpus"
    folder.mkdir()
    toy.write_filter(tmp_path / "filter.json")
    entry = json.loads(corpus.read_text().splitlines()[0])
    audio = corpus.parent / entry["audio_filepath"]
    (folder / f"one{audio.suffix}").write_bytes(audio.read_bytes())
    for name in ("one.txt", "lone.txt", "README.md"):
        (folder / name).write_text("Some words.")
    told = " ".join(run(folder, tmp_path / "run", "--dry-run").output.split())
    assert "1 text without an audio file of the same name: lone.txt" in told


def test_a_folder_that_is_no_run_is_left_alone(corpus: Path, tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("mine")
    done = run(corpus, tmp_path, code=2)
    assert "holds no run of prep-corpus" in " ".join(done.stderr.split())


def test_a_manifest_that_is_not_there_starts_nothing(corpus: Path, tmp_path: Path) -> None:
    command = arguments(corpus, tmp_path / "run")
    command[command.index(str(corpus))] = str(tmp_path / "nowhere.jsonl")
    assert "there is no such manifest" in cli(*command, code=2).stderr
    assert not (tmp_path / "run").exists()


def test_flags_win_over_the_config_file(corpus: Path, tmp_path: Path) -> None:
    settings = tmp_path / "settings.toml"
    settings.write_text('noise-fraction = 0.0\nseed = 7\nformat = ["tfrecord"]\n')
    run(corpus, tmp_path / "run", "--config", str(settings), "--seed", "8")
    manifest = json.loads((tmp_path / "run" / "manifest.json").read_text())
    assert (manifest["config"]["seed"], manifest["config"]["noise_fraction"]) == (8, 0.0)
    assert list(manifest["formats"]) == ["tfrecord"]
    settings.write_text("colour = 1\n")
    done = run(corpus, tmp_path / "other", "--config", str(settings), code=2)
    assert "unknown setting 'colour'" in done.stderr


def test_check_finds_a_finished_run_sound_and_a_flipped_byte_in_it(finished: Path, tmp_path: Path) -> None:
    assert "no problems" in cli("check", str(finished)).stdout
    copy = tmp_path / "copy"
    shutil.copytree(finished, copy)
    shard = next((copy / "data").iterdir())
    damaged = bytearray(shard.read_bytes())
    damaged[len(damaged) // 2] ^= 1
    shard.write_bytes(damaged)
    done = cli("check", str(copy), code=1)
    assert f"shard-corrupt: data/{shard.name}" in done.stderr


def test_export_makes_other_shards_of_the_same_utterances_without_model_or_source(
    corpus: Path, finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    moved = tmp_path / "moved"
    shutil.copytree(finished, moved)
    more = [word for name in ("json", "eaf", "nemo", "kaldi", "whisper") for word in ("--files", name)]
    cli("export", str(moved), "--out", str(tmp_path / "same"), *BOTH, *more)
    assert shards(tmp_path / "same") == shards(finished)
    check_plain_files(tmp_path / "same")
    for ending in ("json", "eaf"):
        (path,) = (tmp_path / "same" / "words").glob(f"talk0.{ending}")
        assert parse(path.read_text(), name=path.name).cues
    # Nor is the model looked for, which may be code of another machine.
    monkeypatch.setattr(early, "check_name", pytest.fail)
    cli("export", str(moved), "--out", str(tmp_path / "other"), "--format", "webdataset", "--seed", "5")
    assert outcome(tmp_path / "other")["utterances"] == outcome(finished)["utterances"]
    assert "no problems" in cli("check", str(tmp_path / "other")).stdout
    again = cli("export", str(tmp_path / "same"), "--out", str(tmp_path / "again"), code=2)
    assert (
        "was written by `export`, which leaves the clips where they are; export the run that it"
        in again.stderr
    )
    refused = cli("export", str(moved), "--out", str(moved), code=2)
    assert "must be another folder" in refused.stderr


def check_plain_files(out: Path) -> None:
    """NeMo's manifest and Kaldi's directory hold the utterances of the shards, sample for sample."""
    rows = [row for path in sorted((out / "data").iterdir()) for row in pq.read_table(path).to_pylist()]
    listed = [json.loads(line) for line in (out / "nemo" / "train.jsonl").read_text().splitlines()]
    assert [(line["id"], line["text"], line["duration"]) for line in listed] == [
        (row["id"], row["text"], row["duration"]) for row in rows
    ]
    assert [(out / "nemo" / line["audio_filepath"]).read_bytes() for line in listed] == [
        row["audio"]["bytes"] for row in rows
    ]
    folder = out / "kaldi" / "train"
    lists = {
        name: (folder / name).read_bytes().splitlines() for name in ("wav.scp", "text", "utt2spk", "utt2dur")
    }
    for name, lines in lists.items():
        keys = [line.split()[0] for line in lines]
        assert keys == sorted(keys), name
        assert len(keys) == len(set(keys)) == len(rows), name
    assert [line.split()[1] for line in lists["utt2spk"]] == sorted(
        line.split()[1] for line in lists["utt2spk"]
    )
    by_key = {row["audio"]["path"].removesuffix(".flac"): row for row in rows}
    for scp, text in zip(lists["wav.scp"], lists["text"], strict=True):
        utterance, _, path = scp.decode().partition(" ")
        row = by_key[Path(path).stem]
        assert text.decode() == f"{utterance} {' '.join(row['text'].split())}"
        samples_N, rate_hz = soundfile.read(path, dtype="int16")
        wanted_N, _ = soundfile.read(io.BytesIO(row["audio"]["bytes"]), dtype="int16")
        assert (rate_hz, samples_N.tolist()) == (row["sample_rate_hz"], wanted_N.tolist())
    packed = [json.loads(line) for line in (out / "whisper" / "train.jsonl").read_text().splitlines()]
    order = dict.fromkeys(line["recording_id"] for line in packed)
    in_time = sorted(rows, key=lambda row: row["start_sample"])
    assert [segment["text"] for line in packed for segment in line["segments"]] == [
        row["text"] for name in order for row in in_time if row["recording_id"] == name
    ]
    for line in packed:
        facts = soundfile.info(out / "whisper" / line["audio_filepath"])
        assert facts.frames / facts.samplerate == pytest.approx(line["duration"])
        assert line["duration"] <= 30
    assert sum(bool(line["prev_text"]) for line in packed) == len(packed) - 4
    spoken = {line.split()[0]: line.split()[1:] for line in (folder / "spk2utt").read_bytes().splitlines()}
    assert sorted(one for many in spoken.values() for one in many) == [
        line.split()[0] for line in lists["text"]
    ]


def test_align_writes_word_times_of_every_recording(corpus: Path, tmp_path: Path) -> None:
    out = tmp_path / "aligned"
    names = ("ctm", "textgrid", "eaf", "json", "jsonl", "srt", "vtt")
    formats = [word for name in names for word in ("--format", name)]
    cli("align", str(corpus), "--out", str(out), "--model", "toy:acoustic_model", *formats)
    assert len(list(out.glob("*.ctm"))) == len(list(out.glob("*.TextGrid"))) == 4
    assert all(" --> " in path.read_text() for path in (*out.glob("*.srt"), *out.glob("*.vtt")))
    assert len(list(out.glob("*.srt"))) == len(list(out.glob("*.vtt"))) == 4
    for name in ("talk0.eaf", "talk0.json", "talk0.TextGrid", "talk0.vtt"):
        back = parse((out / name).read_text(), name=name)
        assert back.text.lower().replace(".", "").split() == spoken_in(out / "talk0.jsonl")
    text = (corpus.parent / "talk0.txt").read_text()
    words = [json.loads(line) for line in (out / "talk0.jsonl").read_text().splitlines()]
    words = [word for word in words if "word" in word]
    assert [word["written"].lower() for word in words] == text.lower().replace(".", "").split()
    assert all(text[word["char_start"] : word["char_end"]] == word["written"] for word in words)


def spoken_in(path: Path) -> list[str]:
    """The words that the audio says, by `align`'s JSON lines."""
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    return [line["word"] for line in lines if line.get("spoken")]


def test_clean_removes_what_the_last_run_did_not_use(corpus: Path, finished: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    shutil.copytree(finished, out)
    assert "0 files" in cli("clean", str(out)).stdout
    run(corpus, out, "--max-duration", "10", "--force")
    listed = cli("clean", str(out), "--dry-run").stdout
    assert "work/segment/" in listed
    assert "work/emit/" not in listed
    cli("clean", str(out), "--yes")
    assert "0 files" in cli("clean", str(out)).stdout
    before = shards(out)
    run(corpus, out, "--max-duration", "10")
    assert shards(out) == before


@pytest.mark.parametrize("command", [[], ["run"], ["align"], ["export"], ["check"], ["clean"]])
def test_every_command_has_help(command: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "prep_corpus.jobs.cli", *command, "--help"],
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert "Usage:" in done.stdout
    assert len(done.stdout.splitlines()) > 5


def test_every_command_is_in_the_docs() -> None:
    from prep_corpus.jobs.cli import main

    documented = "".join(path.read_text() for path in [ROOT / "README.md", *DOCS.glob("*.md")])
    for name in main.commands:
        assert f"prep-corpus {name}" in documented, name
