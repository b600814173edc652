"""Bundles hold about an hour, and a recording more or less disturbs few of them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from prep_corpus.align.recordings import Recording
from prep_corpus.pipeline.inputs.bundles import (
    BUNDLE_SECONDS,
    ProbedRecording,
    cut_bundles,
    read_bundle,
    write_bundle,
)
from prep_corpus.pipeline.storage.stage_store import Store


def probed(number: int, seconds: float = 10.0) -> ProbedRecording:
    recording = Recording(id=f"clip-{number}", audio_uri=f"/audio/{number}.flac", text=f"text {number}")
    return ProbedRecording(recording=recording, fingerprint=f"f{number}", seconds=seconds)


def ids(bundles: list[list[ProbedRecording]]) -> set[tuple[str, ...]]:
    return {tuple(one.recording.id for one in bundle) for bundle in bundles}


def test_bundles_hold_at_most_an_hour_of_short_ones_and_every_recording_once() -> None:
    recordings = [probed(n) for n in range(5000)]
    bundles = list(cut_bundles(recordings))
    assert [one for bundle in bundles for one in bundle] == recordings
    assert all(sum(one.seconds for one in bundle) <= BUNDLE_SECONDS for bundle in bundles)
    hours = 5000 * 10 / 3600
    assert hours <= len(bundles) <= 3 * hours


def test_a_long_recording_is_a_bundle_of_its_own() -> None:
    assert [len(bundle) for bundle in cut_bundles([probed(n, 4000.0) for n in range(5)])] == [1] * 5


def test_one_recording_more_disturbs_few_bundles() -> None:
    recordings = [probed(n) for n in range(5000)]
    before = ids(list(cut_bundles(recordings)))
    after = ids(list(cut_bundles([*recordings[:700], probed(9999), *recordings[700:]])))
    assert len(before - after) <= 3


def test_a_bundle_is_read_back_as_it_was(tmp_path: Path) -> None:
    store = Store(str(tmp_path))
    bundle = [probed(1), probed(2, 3.5)]
    ref = write_bundle(store, bundle)
    assert read_bundle(store, ref.digest) == bundle
    assert write_bundle(store, bundle) == ref
    second = replace(bundle[0], recording=replace(bundle[0].recording, track="1"))
    again = write_bundle(store, [second])
    assert read_bundle(store, again.digest) == [second]
    assert second.audio_identity == (*bundle[0].audio_identity, "1")
