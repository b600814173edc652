"""The programs of docs/reading.md, run as they stand, where the library that each needs can be imported."""

from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np
import pytest
import soundfile
from support import toy
from support.planted_run import sample_rows, write_run
from support.reading_programs import PROGRAMS, pcm_digest, programs, read_by
from support.runs import run_here
from support.sample_rows import samples_of
from support.shared_runs import ALL_FORMATS

from prep_corpus.align.audio import decode as audio
from prep_corpus.pipeline.reading.reader import decode_audio, read_utterances
from prep_corpus.pipeline.shards.tfrecord import feature_spec

ROWS = sample_rows(24)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("reading")
    write_run(folder / "run", {"train": [ROWS[:10], ROWS[10:]]})
    (folder / "run" / "tfrecord" / "features.json").write_text(json.dumps(feature_spec()))
    return folder


@pytest.fixture(scope="module")
def whole_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of the command itself, on recordings of the toy language, with the times of the words."""
    folder = tmp_path_factory.mktemp("whole")
    toy.write_filter(folder / "filter.json")
    corpus = toy.write_corpus(folder, recordings=3)
    formats = [word for name in ALL_FORMATS for word in ("--format", name)]
    run_here(corpus, folder / "run", "--shard-mb", "0.5", "--word-times", *formats)
    return folder


@pytest.fixture(scope="module", params=PROGRAMS)
def read(
    request: pytest.FixtureRequest,
    folder: Path,
    whole_run: Path,
    demo_run: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> dict[Path, dict[str, str]]:
    """What one program has read in each of the three folders."""
    folders = (folder, whole_run, demo_run.parent)
    scratch = tmp_path_factory.mktemp("program")
    return dict(zip(folders, read_by(request.param, folders, scratch)))


def test_every_program_of_the_document_is_tested() -> None:
    assert set(programs()) == set(PROGRAMS)


@pytest.mark.slow
def test_a_program_reads_every_utterance_sample_for_sample(
    folder: Path, read: dict[Path, dict[str, str]]
) -> None:
    wanted = {row.id: pcm_digest(samples_of(number, row.samples) / 32768) for number, row in enumerate(ROWS)}
    assert read[folder] == wanted


@pytest.mark.slow
def test_a_program_reads_a_run_of_the_command_as_slices_of_its_source(
    whole_run: Path, read: dict[Path, dict[str, str]]
) -> None:
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
    assert read[whole_run] == wanted


@pytest.mark.slow
def test_a_program_reads_the_demo_as_slices_of_its_sequentially_decoded_source(
    demo_run: Path, read: dict[Path, dict[str, str]]
) -> None:
    sources: dict[str, np.ndarray] = {}
    wanted, clean = {}, 0
    for row in read_utterances(str(demo_run)):
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
    assert read[demo_run.parent] == wanted
