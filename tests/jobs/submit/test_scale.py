"""The model of what a corpus needs: by hand, and against what the real rules do."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prep_corpus.align.recordings import Recording
from prep_corpus.jobs.submit.scale import (
    BundleSize,
    Cost,
    Costs,
    Machines,
    cut_corpus,
    local_seconds,
    makespan,
    simulate,
)
from prep_corpus.pipeline.inputs.bundles import ProbedRecording, cut_bundles

SIZES = {
    "audio": 1e6,
    "emissions": 10.0,
    "alignments": 100.0,
    "segments": 1000.0,
    "clips": 1e5,
    "shards": 2e5,
}
COSTS = Costs(
    probe=Cost(per_hour=0, per_recording=0.1),
    decode=Cost(per_hour=8),
    model=Cost(per_hour=40),
    align=Cost(per_hour=3, per_bundle=1),
    segment=Cost(per_hour=6, per_recording=0.5),
    write=Cost(per_hour=5),
    bytes_per_hour=SIZES,
)


def test_tasks_go_to_whoever_is_free_first() -> None:
    assert makespan([3, 1, 1, 1], 2) == 3
    assert makespan([1, 1, 1, 3], 2) == 4
    assert makespan([], 4) == 0
    assert makespan([2, 2], 8) == 2


@given(st.lists(st.floats(0, 100), min_size=1), st.integers(1, 9))
def test_no_schedule_beats_its_bounds(seconds: list[float], workers: int) -> None:
    wall = makespan(seconds, workers)
    assert wall >= max(max(seconds), sum(seconds) / workers) - 1e-9
    assert wall <= sum(seconds) / workers + max(seconds) + 1e-9


def test_two_hours_by_hand() -> None:
    need = simulate(
        [BundleSize(hours=1, recordings=1)] * 2, COSTS, Machines(gpus=1, cores=1, gpu_real_time=1800), 1e5
    )
    # An hour at 1,800 times real time is 2 s of the GPU; decoding, 8 s on 8 cores, is hidden behind it.
    assert need.gpu_hours * 3600 == pytest.approx(4)
    assert need.stage_hours["emit"] * 3600 == pytest.approx(4)
    assert need.stage_hours["align"] * 3600 == pytest.approx(8)
    assert need.stage_hours["segment"] * 3600 == pytest.approx(13)
    assert need.stage_hours["write"] * 3600 == pytest.approx(10)
    assert need.stage_hours["probe"] * 3600 == pytest.approx(0.1)
    assert need.wall_hours * 3600 == pytest.approx(35.1)
    assert need.cpu_hours * 3600 == pytest.approx(16 + 8 + 13 + 10 + 0.2)
    assert need.objects == 2 * 6 + 2 * 4 + 6
    assert need.written_bytes == pytest.approx(2 * (1110 + 1e5 + 2e5))
    assert need.read_bytes == pytest.approx(2 * (2e6 + 30 + 200 + 1000 + 1e5))


def test_without_gpus_the_model_runs_on_the_cores() -> None:
    need = simulate([BundleSize(hours=1, recordings=1)] * 2, COSTS, Machines(gpus=0, cores=2), 1e5)
    assert need.gpu_hours == 0
    assert need.stage_hours["emit"] * 3600 == pytest.approx(48)


SLOWER = COSTS.slowed({"emit": 2.0, "align": 1.5, "segment": 1.0, "write": 3.0})


def test_a_core_whose_neighbours_work_takes_longer() -> None:
    bundle = BundleSize(hours=2, recordings=4)
    assert SLOWER.decode.of(bundle) == 32
    assert SLOWER.model.of(bundle) == 160
    assert SLOWER.align.of(bundle) == pytest.approx(1.5 * (6 + 1))
    assert SLOWER.segment.of(bundle) == COSTS.segment.of(bundle)
    assert SLOWER.write.of(bundle) == 30
    assert (SLOWER.probe, SLOWER.bytes_per_hour) == (COSTS.probe, COSTS.bytes_per_hour)


def test_a_local_run_by_hand() -> None:
    quarters = [BundleSize(hours=0.25, recordings=1)] * 3
    # Each: decode 2, model 10, align 1.75, segment 2, write 1.25.
    assert local_seconds(quarters, COSTS, SLOWER, 1, 7.0) == pytest.approx(7 + 3 * (2 + 10 + 1.75 + 2 + 1.25))
    # Two threads take three bundles in two turns at the crowded costs; shards are written by one thread alone.
    assert local_seconds(quarters, COSTS, SLOWER, 2, 7.0) == pytest.approx(
        7 + 2 * (4 + 20 + 1.5 * 1.75 + 2) + 3 * 1.25
    )


def test_of_a_large_local_bundle_only_the_model_takes_all_threads() -> None:
    hour = [BundleSize(hours=1, recordings=1)]
    # The model and decoding: twice 8 + 40 on two threads; align 4, segment 6.5 and write 5 on one.
    assert local_seconds(hour, COSTS, SLOWER, 2, 0.0) == pytest.approx(2 * 48 / 2 + 4 + 6.5 + 5)


@pytest.mark.parametrize("recording_seconds", [10.0, 300.0, 3600.0])
def test_a_made_up_corpus_is_cut_as_a_real_one(recording_seconds: float) -> None:
    hours = 300
    recordings = (
        ProbedRecording(
            recording=Recording(id=f"r{number}", audio_uri="x", text="", offset_seconds=0.0),
            fingerprint="",
            seconds=recording_seconds,
        )
        for number in range(round(hours * 3600 / recording_seconds))
    )
    real = [sum(one.seconds for one in bundle) / 3600 for bundle in cut_bundles(recordings)]
    made = [bundle.hours for bundle in cut_corpus(hours, recording_seconds)]
    assert sum(made) == pytest.approx(sum(real))
    assert max(made) <= max(real) + 1e-9
    assert len(made) == pytest.approx(len(real), rel=0.1)
