"""Bundles hold a recording or ten minutes at first, later an hour; one recording more or less disturbs few of them."""

from __future__ import annotations

from dataclasses import replace
from itertools import accumulate
from pathlib import Path

from prep_corpus.align.recordings import Recording
from prep_corpus.pipeline.inputs.bundles import (
    ALONE_SECONDS,
    BUNDLE_SECONDS,
    SMALL_BUNDLE_SECONDS,
    SMALL_CORPUS_SECONDS,
    ProbedRecording,
    cut_bundles,
    read_bundle,
    read_bundle_seconds,
    write_bundle,
)
from prep_corpus.pipeline.storage.stage_store import Store


def probed(number: int, seconds: float = 10.0) -> ProbedRecording:
    recording = Recording(id=f"clip-{number}", audio_uri=f"/audio/{number}.flac", text=f"text {number}")
    return ProbedRecording(recording=recording, fingerprint=f"f{number}", seconds=seconds)


def ids(bundles: list[list[ProbedRecording]]) -> set[tuple[str, ...]]:
    return {tuple(one.recording.id for one in bundle) for bundle in bundles}


def seconds(bundle: list[ProbedRecording]) -> float:
    return sum(one.seconds for one in bundle)


def test_short_ones_share_ten_minutes_at_first_and_an_hour_later_and_each_is_in_one_bundle() -> None:
    recordings = [probed(n) for n in range(10_000)]
    bundles = list(cut_bundles(recordings))
    assert [one for bundle in bundles for one in bundle] == recordings
    ends = list(accumulate(map(seconds, bundles)))
    first = [bundle for bundle, end in zip(bundles, ends) if end <= SMALL_CORPUS_SECONDS]
    later = [bundle for bundle, end in zip(bundles, ends) if end - seconds(bundle) >= SMALL_CORPUS_SECONDS]
    assert all(seconds(bundle) <= SMALL_BUNDLE_SECONDS for bundle in first)
    assert sum(map(seconds, first)) / len(first) > SMALL_BUNDLE_SECONDS / 2
    hours = sum(map(seconds, later)) / 3600
    assert 16 < hours <= len(later) <= 3 * hours
    assert all(seconds(bundle) <= BUNDLE_SECONDS for bundle in later)


def test_a_recording_that_is_long_enough_is_a_bundle_of_its_own() -> None:
    assert [len(bundle) for bundle in cut_bundles([probed(n, 4000.0) for n in range(20)])] == [1] * 20
    talks = [probed(n, 240.0 if n % 2 else 15.0) for n in range(10)]
    alone = [bundle for bundle in cut_bundles(talks) if bundle[0].seconds == 240.0]
    assert [len(bundle) for bundle in alone] == [1] * 5
    minutes = [probed(n, ALONE_SECONDS) for n in range(700)]
    bundles = list(cut_bundles(minutes))
    assert {len(bundle) for bundle in bundles[:600]} == {1}
    assert max(len(bundle) for bundle in bundles[600:]) > 1


def test_recordings_of_unknown_length_share_bundles_of_bounded_size() -> None:
    bundles = list(cut_bundles([probed(n, 0.0) for n in range(9000)]))
    sizes = list(map(len, bundles))
    assert max(sizes[:60]) <= 60
    assert 60 < max(sizes) <= 360


def test_one_recording_more_disturbs_few_bundles() -> None:
    for count, place in ((5000, 700), (5000, 4000), (10, 4)):
        recordings = [probed(n) for n in range(count)]
        before = ids(list(cut_bundles(recordings)))
        after = ids(list(cut_bundles([*recordings[:place], probed(9999), *recordings[place:]])))
        # One where it stands, and one where bundles begin to be long.
        assert len(before - after) <= 4


def test_a_bundle_is_read_back_as_it_was(tmp_path: Path) -> None:
    store = Store(str(tmp_path))
    bundle = [probed(1), probed(2, 3.5)]
    ref = write_bundle(store, bundle)
    assert read_bundle(store, ref.digest) == bundle
    assert read_bundle_seconds(store, ref.digest) == 13.5
    assert write_bundle(store, bundle) == ref
    second = replace(bundle[0], recording=replace(bundle[0].recording, track="1"))
    again = write_bundle(store, [second])
    assert read_bundle(store, again.digest) == [second]
    assert second.audio_identity == (*bundle[0].audio_identity, "1")
