"""Found or made, and counted either way; and the way back from a stage's file to what it was made of."""

from __future__ import annotations

import time
from dataclasses import asdict, replace
from pathlib import Path

import pyarrow as pa
import pytest

from prep_corpus.align.errors import DeadLetter
from prep_corpus.align.model.models import ModelInfo
from prep_corpus.align.recordings import Recording
from prep_corpus.pipeline.inputs.bundles import ProbedRecording
from prep_corpus.pipeline.progress import BOARD, StageProgress, timed
from prep_corpus.pipeline.stage_frame import BundleTally, bundle_stage, emissions_of, made_once, read_model
from prep_corpus.pipeline.storage.stage_store import StageRef, Store

TABLE = pa.table({"n": [1]})


def probed(seconds: float) -> ProbedRecording:
    recording = Recording(id=f"r{seconds}", audio_uri="r.wav", text="a", language="en")
    return ProbedRecording(recording=recording, fingerprint="f", seconds=seconds)


@pytest.fixture(autouse=True)
def _clear() -> None:
    BOARD.clear()


def test_the_second_time_the_first_result_is_found_and_both_are_counted(tmp_path: Path) -> None:
    store, bundle = Store(str(tmp_path)), ("b", [probed(2.0), probed(3.0)])
    made: list[int] = []

    def make(tally: BundleTally) -> StageRef:
        made.append(1)
        tally.done(2.0)
        assert BOARD.snapshot()["align"].recordings == 1, "a recording counts when it is done"
        return store.write("align", "b", "d", TABLE, dead_letters=[letter("audio-missing")])

    first = bundle_stage(store, "align", bundle, "d", make)
    assert bundle_stage(store, "align", bundle, "d", make) == first
    assert len(made) == 1
    counted = replace(BOARD.snapshot()["align"], cpu_seconds=0.0)
    assert counted == StageProgress(
        units=2,
        found=1,
        recordings=4,
        audio_seconds=10.0,
        found_seconds=5.0,
        failed=2,
        reasons={"audio-missing": 2},
    )


def test_stages_side_by_side_share_the_time_of_the_process() -> None:
    began = time.process_time()
    with timed("emit"), timed("align"), timed("align"):
        while time.process_time() < began + 0.03:
            pass
    passed = time.process_time() - began
    taken = {stage: progress.cpu_seconds for stage, progress in BOARD.snapshot().items()}
    assert 0.03 * 0.9 < sum(taken.values()) <= passed
    assert taken["align"] == pytest.approx(2 * taken["emit"], rel=0.2)


def test_a_stage_that_counts_its_own_audio_is_given_that_of_found_bundles_alone(tmp_path: Path) -> None:
    store = Store(str(tmp_path))
    for _ in range(2):
        bundle_stage(
            store,
            "emit",
            ("b", [probed(2.0)]),
            "d",
            lambda tally: store.write("emit", "b", "d", TABLE),
            counts_audio=False,
        )
    assert BOARD.snapshot()["emit"].audio_seconds == 2.0


def test_a_result_with_internal_errors_is_made_again(tmp_path: Path) -> None:
    store = Store(str(tmp_path))
    for _ in range(2):
        bundle_stage(
            store,
            "align",
            ("b", []),
            "d",
            lambda tally: store.write("align", "b", "d", TABLE, dead_letters=[letter("internal-error")]),
        )
    assert BOARD.snapshot()["align"].found == 0


def test_what_stands_need_not_be_a_file_of_the_store() -> None:
    kept: list[list[int]] = []

    def make() -> list[int]:
        kept.append([7])
        return kept[-1]

    for stood in (False, True):
        result = made_once(
            "write",
            lambda: kept[-1] if kept else None,
            make,
            lambda shards, found: StageProgress(units=len(shards), found=int(found)),
        )
        assert result == [7]
        assert BOARD.snapshot()["write"].found == int(stood)


def test_the_way_back_leads_from_alignments_to_the_model_of_their_emissions(tmp_path: Path) -> None:
    store = Store(str(tmp_path))
    info = ModelInfo(
        digest="d",
        sample_rate_hz=16_000,
        stride_samples=320,
        vocabulary=("a", " ", "-"),
        blank=2,
        word_delimiter=" ",
        case="lower",
    )
    described = {**asdict(info), "vocabulary": list(info.vocabulary)}
    emissions = store.write("emit", "b", "e", TABLE, notes={"model": described})
    alignments = store.write("align", "b", "a", TABLE, notes={"emissions": list(emissions)})
    assert emissions_of(store, alignments) == emissions
    assert read_model(store, emissions) == info


def letter(reason: str) -> DeadLetter:
    return DeadLetter(
        stage="align", recording_id="r", reason=reason, message="m", decoded_samples=0, read_characters=0
    )
