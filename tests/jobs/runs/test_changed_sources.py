"""What was aligned is what is cut and mixed: sources, noise and models that change in the middle of a run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from support.runs import run_here, shards
from support.toy import SAMPLE_RATE_HZ, recording, write_corpus, write_filter

from prep_corpus.align.errors import InputChanged
from prep_corpus.augment.plan import NoiseOptions
from prep_corpus.pipeline.inputs.noise import open_bank
from prep_corpus.pipeline.stages import emit, segment
from prep_corpus.pipeline.stages.write import WriteOptions, same_bank

K = ("--min-pause-frames", "20")
"""Given: one that is chosen would be chosen of the recordings that were left."""


def letters(out: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (out / "dead-letters.jsonl").read_text().splitlines()]


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("corpus")
    write_filter(folder / "filter.json")
    return write_corpus(folder, recordings=2, sentences=6)


@pytest.fixture(scope="module")
def wanted(corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    out = tmp_path_factory.mktemp("reference") / "run"
    run_here(corpus, out, *K)
    return shards(out)


@pytest.mark.parametrize("stage", [emit, segment])
def test_a_source_replaced_before_a_stage_is_rejected_and_works_when_it_is_back(
    stage: Any,
    corpus: Path,
    wanted: dict[str, bytes],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    talk, out = corpus.parent / "talk0.flac", tmp_path / "run"
    original = talk.read_bytes()
    name = f"{stage.__name__.rsplit('.', 1)[-1]}_bundle"
    real = getattr(stage, name)

    def replacing(*arguments: Any) -> Any:
        other_N, _ = recording(77, 6)
        soundfile.write(talk, other_N, SAMPLE_RATE_HZ)
        return real(*arguments)

    try:
        monkeypatch.setattr(stage, name, replacing)
        run_here(corpus, out, "--max-failed", "0.6", *K)
        (letter,) = letters(out)
        assert (letter["recording_id"], letter["reason"]) == ("talk0", "source-changed")
        assert f"{talk} is another now" in letter["message"]
        monkeypatch.undo()
    finally:
        talk.write_bytes(original)
    run_here(corpus, out, "--max-failed", "0.6", *K)
    assert letters(out) == []
    assert shards(out) == wanted


def test_noise_that_changes_after_the_start_stops_the_run(tmp_path: Path) -> None:
    chance = np.random.default_rng(1)
    for number in range(2):
        soundfile.write(
            tmp_path / f"{number}.wav",
            chance.normal(0, 0.1, SAMPLE_RATE_HZ),
            SAMPLE_RATE_HZ,
            subtype="PCM_16",
        )
    bank = open_bank(str(tmp_path), SAMPLE_RATE_HZ)
    options = WriteOptions(
        formats=("parquet",),
        noise=NoiseOptions(),
        noise_uri=str(tmp_path),
        rooms_uri=None,
        voices=(),
        bank_digest=bank.digest,
        seed=0,
        sample_rate_hz=SAMPLE_RATE_HZ,
    )
    assert same_bank(options).digest == bank.digest
    soundfile.write(
        tmp_path / "1.wav", chance.normal(0, 0.1, SAMPLE_RATE_HZ), SAMPLE_RATE_HZ, subtype="PCM_16"
    )
    with pytest.raises(InputChanged, match=f"{bank.digest}.*{tmp_path} is another now"):
        same_bank(options)
