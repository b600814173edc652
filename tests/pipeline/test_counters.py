"""The engine's counters say what the outcome, the store and the shards say."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import apache_beam as beam
import pyarrow.parquet as pq
import pytest
from apache_beam.runners.portability.fn_api_runner import FnApiRunner
from support import toy
from support.eager import counters
from support.toy_stages import ToyStages

from prep_corpus.pipeline.counters import NAMESPACE
from prep_corpus.pipeline.graph import GraphOptions, build
from prep_corpus.pipeline.outcome import read_outcome
from prep_corpus.pipeline.progress import BOARD
from prep_corpus.pipeline.stages.emit import Emit, EmitOptions


def counted(graph: Callable[[beam.Pipeline], object]) -> dict[str, int]:
    BOARD.clear()
    pipeline = beam.Pipeline(runner=FnApiRunner())
    graph(pipeline)
    result = pipeline.run()
    result.wait_until_finish()
    found = counters(result.metrics(), NAMESPACE)
    return {name.removeprefix(f"{NAMESPACE}."): count for name, count in found.items()}


@pytest.fixture(scope="module")
def folder(toy_stages: ToyStages, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("counted")


@pytest.fixture(scope="module")
def options(toy_stages: ToyStages, folder: Path) -> GraphOptions:
    return toy_stages.without(folder, ["emit", "align", "measure", "segment"])


@pytest.fixture(scope="module")
def first(options: GraphOptions) -> dict[str, int]:
    return counted(lambda pipeline: build(pipeline, options))


def test_hours_recordings_and_utterances_are_those_of_the_run(first: dict[str, int], folder: Path) -> None:
    outcome = read_outcome(str(folder))
    decoded = outcome.ledgers["samples"]["decoded"]
    assert first["emit/audio_milliseconds"] == pytest.approx(decoded / toy.SAMPLE_RATE_HZ * 1000, abs=1)
    for stage in ("emit", "align", "measure", "segment"):
        assert (first[f"{stage}/units"], first[f"{stage}/recordings"]) == (4, 4)
        assert f"{stage}/found" not in first
    counts = outcome.ledgers["counts"]
    assert first["segment/utterances_kept"] == counts["utterances"] == outcome.utterances > 5
    assert first["segment/utterances_kept"] + first["segment/segments_dropped"] == counts["segments"]
    shards = [pq.read_table(path) for path in (folder / "data").iterdir()]
    assert first["write/units"] == len(shards)
    assert first["write/recordings"] == sum(len(shard) for shard in shards)
    seconds = sum(sum(shard["duration"].to_pylist()) for shard in shards)
    assert first["write/audio_milliseconds"] == pytest.approx(seconds * 1000, abs=1)


def test_dead_letters_are_counted_by_reason_those_before_the_graph_among_them(
    first: dict[str, int], folder: Path
) -> None:
    reasons: dict[str, int] = {}
    for name, count in first.items():
        _, _, reason = name.partition("/dead_letters.")
        if reason:
            reasons[reason] = reasons.get(reason, 0) + count
    assert reasons == read_outcome(str(folder)).reasons == {"audio-missing": 1, "audio-silent": 1}
    letters = {name: count for name, count in first.items() if name.endswith("/dead_letters")}
    assert letters == {"emit/dead_letters": 1, "close/dead_letters": 1}


def test_a_second_run_counts_what_it_found(first: dict[str, int], options: GraphOptions) -> None:
    second = counted(lambda pipeline: build(pipeline, options))
    for stage in ("emit", "align", "measure", "segment"):
        assert second[f"{stage}/found"] == second[f"{stage}/units"] == 4
        assert second[f"{stage}/found_audio_milliseconds"] == second[f"{stage}/audio_milliseconds"]
    assert second["write/found"] == second["write/units"] == first["write/units"]
    for name in ("segment/utterances_kept", "segment/segments_dropped", "emit/dead_letters.audio-silent"):
        assert second[name] == first[name]


def test_bundles_emitted_side_by_side_count_once(
    toy_stages: ToyStages, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, first: dict[str, int]
) -> None:
    monkeypatch.setattr(EmitOptions, "bundles_at_once", 3)
    fresh = toy_stages.without(tmp_path, ["emit", "align", "measure", "segment"])
    again = counted(
        lambda pipeline: pipeline | beam.Create(toy_stages.bundles) | Emit(fresh.work, fresh.emit)
    )
    assert again == {name: count for name, count in first.items() if name.startswith("emit/")}
