"""The programs of docs/reading.md, run as they stand, where the library that each needs can be imported."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
from support import toy
from support.places import DEMO, ENVIRONMENT
from support.planted_run import sample_rows, write_run
from support.reading_programs import PROGRAMS, pcm_digest, programs, read_by
from support.sample_rows import samples_of

from prep_corpus.align.audio import decode as audio
from prep_corpus.pipeline.reading.reader import decode_audio, read_utterances
from prep_corpus.pipeline.shards.tfrecord import feature_spec

ROWS = sample_rows(24)
FORMATS = ("parquet", "tfrecord", "webdataset", "shar")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("reading")
    write_run(folder / "run", {"train": [ROWS[:10], ROWS[10:]]})
    (folder / "run" / "tfrecord" / "features.json").write_text(json.dumps(feature_spec()))
    return folder


@pytest.fixture(scope="module")
def whole_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of the command itself, on recordings of the toy language."""
    folder = tmp_path_factory.mktemp("whole")
    toy.write_filter(folder / "filter.json")
    corpus = toy.write_corpus(folder, recordings=3)
    command = [sys.executable, "-m", "prep_corpus.jobs.cli", "run", str(corpus), "--out", str(folder / "run")]
    command += ["--model", "toy:acoustic_model", "--filter", str(folder / "filter.json"), "--shard-mb", "0.5"]
    for shard_format in FORMATS:
        command += ["--format", shard_format]
    done = subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr
    return folder


def test_every_program_of_the_document_is_tested() -> None:
    assert set(programs()) == set(PROGRAMS)


@pytest.mark.slow
@pytest.mark.parametrize("name", PROGRAMS)
def test_a_program_reads_every_utterance_sample_for_sample(folder: Path, name: str) -> None:
    wanted = {row.id: pcm_digest(samples_of(number, row.samples) / 32768) for number, row in enumerate(ROWS)}
    assert read_by(name, folder) == wanted


@pytest.mark.slow
@pytest.mark.parametrize("name", PROGRAMS)
def test_a_program_reads_a_run_of_the_command_as_slices_of_its_source(whole_run: Path, name: str) -> None:
    wanted, clean = {}, 0
    for row in read_utterances(str(whole_run / "run")):
        if row.noise is None:
            source_N, _ = soundfile.read(row.source_uri, dtype="float32")
            wanted[row.id] = pcm_digest(source_N[row.start_sample : row.end_sample])
            clean += 1
        else:
            wanted[row.id] = pcm_digest(soundfile.read(io.BytesIO(row.audio), dtype="float32")[0])
            assert pcm_digest(decode_audio(row)[0]) == wanted[row.id]
    assert 5 < clean < len(wanted)
    assert read_by(name, whole_run) == wanted


@pytest.fixture(scope="module")
def demo_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo corpus with the bundled model, in all formats."""
    folder = tmp_path_factory.mktemp("demo")
    demo = DEMO
    command = [sys.executable, "-m", "prep_corpus.jobs.cli", "run", str(demo / "manifest.jsonl")]
    command += ["--out", str(folder / "run"), "--noise", str(demo / "noise")]
    for shard_format in FORMATS:
        command += ["--format", shard_format]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("name", PROGRAMS)
def test_a_program_reads_the_demo_as_slices_of_its_sequentially_decoded_source(
    demo_run: Path, name: str
) -> None:
    sources: dict[str, np.ndarray] = {}
    wanted, clean = {}, 0
    for row in read_utterances(str(demo_run / "run")):
        if row.source_uri not in sources:
            with open(row.source_uri, "rb") as file:
                blocks = list(audio.decode(file, name="source", sample_rate_hz=row.sample_rate_hz))
            # A clip holds 16 bits: what is compared is what those say of the decode.
            sources[row.source_uri] = audio.from_int16(audio.to_int16(np.concatenate(blocks)))
        if row.noise is None:
            wanted[row.id] = pcm_digest(sources[row.source_uri][row.start_sample : row.end_sample])
            clean += 1
        else:
            wanted[row.id] = pcm_digest(soundfile.read(io.BytesIO(row.audio), dtype="float32")[0])
    assert 5 < clean < len(wanted)
    assert read_by(name, demo_run) == wanted
