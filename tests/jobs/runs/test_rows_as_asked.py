"""What the rows of a run hold beside the usual: times of words, and audio at the rate of its file."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
import soundfile
import soxr
from click.testing import CliRunner
from support import toy
from support.runs import outcome, run_here

from prep_corpus.align.audio.decode import decode, to_int16
from prep_corpus.jobs.cli import main
from prep_corpus.pipeline.reading import Batching, ReadOptions, read_utterances
from prep_corpus.pipeline.reading.check import check_run
from prep_corpus.pipeline.reading.length_batches import plan_batches
from prep_corpus.pipeline.reading.reader import Row

RATES_HZ = (44_100, 24_000, 16_000, 12_000)


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A recording at each rate, the first in stereo; the toy's tones fit under 4 kHz but for the last letters."""
    folder = tmp_path_factory.mktemp("rates")
    toy.write_filter(folder / "filter.json")
    lines = []
    for number, rate_hz in enumerate(RATES_HZ):
        samples_N, said = toy.recording(number, 6)
        resampled_N = soxr.resample(samples_N, toy.SAMPLE_RATE_HZ, rate_hz)
        if number == 0:
            resampled_N = np.stack([resampled_N * 1.2, resampled_N * 0.8], axis=1)
        soundfile.write(folder / f"talk{number}.flac", resampled_N, rate_hz)
        text = " ".join(" ".join(words).capitalize() + "." for words in said)
        lines.append({"audio_filepath": f"talk{number}.flac", "text": text, "speaker": f"s{number}"})
    path = folder / "manifest.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


@pytest.fixture(scope="module")
def plain(corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("plain") / "run"
    run_here(corpus, out, "--noise-fraction", "0")
    return out


@pytest.fixture(scope="module")
def asked(corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("asked") / "run"
    formats = [word for name in ("parquet", "tfrecord", "webdataset", "shar") for word in ("--format", name)]
    run_here(corpus, out, "--noise-fraction", "0", "--sample-rate", "source", "--word-times", *formats)
    return out


def rows(out: Path) -> list[dict[str, Any]]:
    found = [row for path in sorted((out / "data").iterdir()) for row in pq.read_table(path).to_pylist()]
    assert len(found) == outcome(out)["utterances"] > 8
    return sorted(found, key=lambda row: str(row["id"]))


def test_the_source_keeps_its_rate_and_its_own_samples(corpus: Path, plain: Path, asked: Path) -> None:
    seen = set()
    for usual, row in zip(rows(plain), rows(asked), strict=True):
        assert (row["id"], row["text"], row["score"]) == (usual["id"], usual["text"], usual["score"])
        rate_hz = row["sample_rate_hz"]
        with open(row["source_uri"], "rb") as file:
            whole_N = np.concatenate(list(decode(file, name="r", sample_rate_hz=rate_hz)))
        clip_N, clip_hz = soundfile.read(io.BytesIO(row["audio"]["bytes"]), dtype="int16")
        assert clip_hz == rate_hz == soundfile.info(row["source_uri"]).samplerate
        assert (clip_N == to_int16(whole_N[row["start_sample"] : row["end_sample"]])).all()
        # The same places: to the sample, and one more at the very end of a file.
        for edge in ("start", "end"):
            assert row[edge] == pytest.approx(usual[edge], abs=2 / min(rate_hz, 16_000))
        seen.add(rate_hz)
    assert seen == set(RATES_HZ)


def test_what_is_written_at_many_rates_is_whole(asked: Path) -> None:
    report = check_run(str(asked))
    assert report.problems == ()
    manifest = json.loads((asked / "manifest.json").read_text())
    assert manifest["sample_rate_hz"] == toy.SAMPLE_RATE_HZ
    seconds = sum(row["duration"] for row in rows(asked))
    assert manifest["splits"]["train"]["seconds"] == pytest.approx(seconds, abs=1e-3)


def test_a_batch_has_one_rate(asked: Path) -> None:
    pool = [Row(at, row) for at, row in enumerate(read_utterances(str(asked), ReadOptions()))]
    groups = plan_batches(pool, Batching(utterances=4), 0)
    for group in groups:
        assert len({pool[index].utterance.sample_rate_hz for index in group}) == 1
    assert sorted(index for group in groups for index in group) == list(range(len(pool)))


def test_noise_and_opus_at_many_rates_are_refused(corpus: Path, tmp_path: Path) -> None:
    for words, message in (
        ((), "--noise-fraction 0"),
        (("--noise-fraction", "0", "--audio-format", "opus"), "--audio-format flac or wav"),
    ):
        done = CliRunner().invoke(
            main, ["run", str(corpus), "--out", str(tmp_path / "no"), "--sample-rate", "source", *words]
        )
        assert done.exit_code == 2
        assert message in done.output


def test_an_export_keeps_rates_and_words_and_refuses_noise(asked: Path, tmp_path: Path) -> None:
    refused = CliRunner().invoke(main, ["export", str(asked), "--out", str(tmp_path / "noisy")])
    assert refused.exit_code == 2
    assert "--noise-fraction 0" in refused.output
    done = CliRunner().invoke(
        main, ["export", str(asked), "--out", str(tmp_path / "same"), "--noise-fraction", "0", "--quiet"]
    )
    assert done.exit_code == 0, done.output
    assert rows(tmp_path / "same") == rows(asked)


def test_words_have_their_times(plain: Path, asked: Path) -> None:
    assert "word_times" not in rows(plain)[0]
    word_seconds = (toy.TONE_SAMPLES + toy.REST_SAMPLES) / toy.SAMPLE_RATE_HZ
    for row in rows(asked):
        words = row["word_times"]
        assert " ".join(word["text"] for word in words) == row["text"]
        assert len(words) == row["words"]
        assert {word["speaker"] for word in words} == {row["speaker"]}
        at = 0.0
        for word in words:
            assert at <= word["start"] < word["end"] <= row["duration"]
            assert 0 < word["score"] <= 1
            spoken = word["text"].lower().strip(".")
            assert word["end"] - word["start"] == pytest.approx(len(spoken) * word_seconds, abs=0.06)
            at = word["end"]
