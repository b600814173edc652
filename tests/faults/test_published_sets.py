"""A published data set is not replaced by mistake, and one run at a time works in a folder."""

from __future__ import annotations

import json
from pathlib import Path

from support.program import Place, run_words, wait_until, with_entries


def test_a_run_of_another_manifest_replaces_no_published_set(place: Place, tmp_path: Path) -> None:
    entries = [
        {"id": name, "audio_filepath": f"{talk}.flac", "text_filepath": f"{talk}.txt"}
        for name, talk in (("one", "talk0"), ("two", "talk1"))
    ]
    other = with_entries(place.manifest, "other", *entries, keep=())
    out = place.copy(tmp_path / "run")
    place.run(out, manifest=other).is_refusal(2, str(out), "3")
    assert place.has_good_ones(out)


def test_a_manifest_that_lost_recordings_drops_none_that_is_published(place: Place, tmp_path: Path) -> None:
    out = place.copy(tmp_path / "run")
    place.run(out, manifest=with_entries(place.manifest, "lost", keep=(0, 1))).is_refusal(2, "1 of them")
    assert place.has_good_ones(out)


def test_a_twin_of_other_settings_is_stopped_before_anything_is_written(place: Place, tmp_path: Path) -> None:
    out = tmp_path / "run"
    with place.program.held("write:/work/emit/", *run_words(place.manifest, out, "--quiet")) as first:
        twin = place.run(out, "--seed", "9")
    first.finish().is_well()
    twin.is_refusal(2, "in use by", str(first.pid))
    marker, published = (
        json.loads((out / name).read_text()) for name in ("prep-corpus-run.json", "manifest.json")
    )
    assert marker["settings"]["seed"] == published["seed"]
    assert place.has_good_ones(out)


def test_a_twin_of_the_same_settings_says_whom_it_waits_for(place: Place, tmp_path: Path) -> None:
    out = tmp_path / "run"
    with place.program.held("write:/work/emit/", *run_words(place.manifest, out, "--quiet")) as first:
        twin = place.program.start(*run_words(place.manifest, out))
        wait_until(lambda: str(first.pid) in twin.told() or twin.has_ended())
        told = twin.told()
    first.finish().is_well()
    twin.finish().is_well()
    assert str(first.pid) in told, told[-500:]
    assert place.has_good_ones(out)
