"""A run that has failed too often stops between its stages."""

from __future__ import annotations

import json
from pathlib import Path

import apache_beam as beam
import numpy as np
import pytest
import soundfile
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.testing.util import assert_that, equal_to
from support import toy
from support.runs import outcome, run_here

from prep_corpus.pipeline.stages.failures import FailureLimit, GoOn, WithinLimit
from prep_corpus.pipeline.storage.stage_store import StageRef


def reference(failed: int) -> StageRef:
    return StageRef("emit", "b", f"d{failed}", "c", True, failed)


@pytest.mark.parametrize(("failed", "goes_on"), [((0, 0), True), ((1, 0), True), ((1, 1), False), ((), True)])
def test_the_limit_counts_what_failed_before_and_in_all_bundles(
    failed: tuple[int, ...], goes_on: bool
) -> None:
    limit = FailureLimit(share=0.1, entries=20, early=1)
    references = [reference(count) for count in failed]
    with beam.Pipeline(options=PipelineOptions(["--runner=FnApiRunner"])) as pipeline:
        made = pipeline | beam.Create(references)
        within = made | WithinLimit(limit)
        assert_that(within, equal_to([goes_on]), label="within")
        assert_that(made | GoOn(within), equal_to(references if goes_on else []), label="on")


def test_a_run_whose_audio_fails_too_often_stops_before_it_aligns(tmp_path: Path) -> None:
    manifest = toy.write_corpus(tmp_path, recordings=2, sentences=3)
    toy.write_filter(tmp_path / "filter.json")
    # The header is sound, so that only decoding tells.
    soundfile.write(tmp_path / "silent.wav", np.zeros(toy.SAMPLE_RATE_HZ), toy.SAMPLE_RATE_HZ)
    with manifest.open("a") as file:
        file.write(json.dumps({"audio_filepath": "silent.wav", "text": "nobody"}) + "\n")
    out = tmp_path / "run"
    done = run_here(manifest, out, code=4, formats=())
    assert "1 of 3 recordings failed, and --max-failed allows 10%" in " ".join(done.stderr.split())
    assert list((out / "work" / "emit").glob("*.parquet"))
    assert not (out / "work" / "align").exists()
    assert outcome(out)["reasons"] == {"audio-silent": 1}
    run_here(manifest, out, "--max-failed", "0.5", formats=())
    assert list((out / "work" / "align").glob("*.parquet"))
