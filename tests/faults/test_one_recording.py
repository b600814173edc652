"""One recording cannot stop the rest, whatever it does."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from support.program import Ended, Place, dead_letters, with_entries

ALL = (0, 1, 2)
A_LHOTSE_LINE: dict[str, Any] = {
    "id": "cut",
    "type": ["MonoCut"],
    "start": 0,
    "duration": 1,
    "recording": {},
    "supervisions": [],
}
HALF_A_PAIR = '{"audio_filepath": "talk0.flac", "id": "half", "text_filepath": "\\ud800.txt"}'


def costs_itself_alone(place: Place, out: Path, done: Ended, *names: str) -> None:
    done.is_well()
    assert place.has_good_ones(out), "the others are published as they are without it"
    letters = dead_letters(out)
    assert len(letters) == 1, letters
    assert any(name in letters[0][0] for name in names), letters


def test_a_decoder_that_crashes_costs_its_recording_alone(place: Place, tmp_path: Path) -> None:
    shutil.copy(place.manifest.with_name("talk0.flac"), place.manifest.with_name("crashing.flac"))
    entry = {"audio_filepath": "crashing.flac", "text": "a river"}
    manifest = with_entries(place.manifest, "crash", entry, keep=ALL)
    out = tmp_path / "run"
    for _ in range(2):
        # The next run at the latest finds it.
        done = place.run(out, manifest=manifest, begins_with="crashing")
        if done.code == 0:
            break
    costs_itself_alone(place, out, done, "crashing")


def test_a_number_that_is_never_said_costs_no_run(place: Place, tmp_path: Path) -> None:
    said = place.manifest.with_name("talk0.txt").read_text()
    entry = {"id": "number", "audio_filepath": "talk0.flac", "text": f"{said} 12345678", "language": "fi"}
    manifest = with_entries(place.manifest, "number", entry, keep=(1, 2))
    out = tmp_path / "run"
    place.run(out, manifest=manifest, begins_with="looping").is_well()
    published = json.loads((out / "manifest.json").read_text())
    assert sum(split["utterances"] for split in published["splits"].values()) > 0
    assert dead_letters(out) == []


def test_a_pipe_as_a_source_is_not_waited_for(place: Place, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.flac")
    entry = {"audio_filepath": str(tmp_path / "pipe.flac"), "text": "a river"}
    out = tmp_path / "run"
    done = place.run(out, manifest=with_entries(place.manifest, "pipe", entry, keep=ALL))
    costs_itself_alone(place, out, done, "pipe")


def test_a_device_as_a_source_is_not_read(place: Place, tmp_path: Path) -> None:
    entry = {"id": "zero", "audio_filepath": "/dev/zero", "text": "a river"}
    out = tmp_path / "run"
    done = place.run(out, manifest=with_entries(place.manifest, "device", entry, keep=ALL))
    costs_itself_alone(place, out, done, "zero")


def test_an_endless_transcript_is_not_read(place: Place, tmp_path: Path) -> None:
    entry = {"id": "endless", "audio_filepath": "talk0.flac", "text_filepath": "/dev/zero"}
    out = tmp_path / "run"
    done = place.run(out, manifest=with_entries(place.manifest, "endless", entry, keep=ALL))
    costs_itself_alone(place, out, done, "endless")


@pytest.mark.parametrize("entry", [A_LHOTSE_LINE, HALF_A_PAIR], ids=["lhotse type", "half a surrogate pair"])
def test_no_line_of_a_manifest_aborts_a_run(
    entry: Mapping[str, Any] | str, place: Place, tmp_path: Path
) -> None:
    out = tmp_path / "run"
    done = place.run(out, manifest=with_entries(place.manifest, "line", entry, keep=ALL))
    costs_itself_alone(place, out, done, "line.jsonl:4")
