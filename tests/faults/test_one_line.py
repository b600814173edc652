"""What fails outside the program is one line that names the thing and the way out, with the documented exit code."""

from __future__ import annotations

import json
import shutil
import signal
from pathlib import Path

import pytest
from support.program import PATIENCE_SECONDS, Place, run_words

NETWORK_PATIENCE_SECONDS = 3 * PATIENCE_SECONDS
"""A store is asked again for a minute before it is given up."""


def test_a_full_disk(place: Place, tmp_path: Path) -> None:
    out = tmp_path / "run"
    place.run(out, most_bytes=20_000).is_refusal(1, f"{out}/work/", "again")
    place.run(out).is_well()
    assert place.has_good_ones(out)


def test_a_place_that_cannot_be_written_to(place: Place) -> None:
    place.run(Path("/proc/nowhere")).is_refusal(2, "/proc/nowhere", "--out")


def test_a_file_in_the_place_of_the_folder(place: Place, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("a file")
    place.run(tmp_path / "file").is_refusal(2, str(tmp_path / "file"), "--out")


def test_a_folder_that_is_deleted_under_the_run(place: Place, tmp_path: Path) -> None:
    out = tmp_path / "run"
    with place.program.held("write:/work/emit/", *run_words(place.manifest, out, "--quiet")) as running:
        shutil.rmtree(out)
    running.finish().is_refusal(1, str(out), "again")
    place.run(out).is_well()
    assert place.has_good_ones(out)


def test_a_device_that_is_none(place: Place, tmp_path: Path) -> None:
    place.run(tmp_path / "run", "--device", "gpu0").is_refusal(2, "--device", "gpu0")


def test_a_network_that_is_lost_under_the_run(place: Place) -> None:
    from support.s3_server import s3_server

    with s3_server() as server:
        server.client().create_bucket(Bucket="runs")
        words = run_words(place.manifest, "s3://runs/run", "--quiet")
        with place.program.held("read:/talk0.flac", *words, environment=server.environment) as running:
            server.refusing.first = 1 << 30
    running.finish(NETWORK_PATIENCE_SECONDS).is_refusal(1, "s3://runs/run")


def test_a_model_of_the_hub_without_a_network(place: Place, tmp_path: Path) -> None:
    offline = {"HF_ENDPOINT": "http://127.0.0.1:9", "HF_HOME": str(tmp_path), "HF_HUB_OFFLINE": "0"}
    done = place.run(tmp_path / "run", "--model", "nobody/has-this-model", environment=offline)
    done.is_refusal(2, "--model", "nobody/has-this-model")


@pytest.mark.parametrize("option", ["--filter", "--config", "--model"])
def test_a_damaged_document(option: str, place: Place, tmp_path: Path) -> None:
    damaged = tmp_path / "damaged"
    if option == "--model":
        damaged.mkdir()
        (damaged / "config.json").write_text("{")
    else:
        damaged.write_bytes(b"\xff\xfe\x00damaged")
    place.run(tmp_path / "run", option, damaged).is_refusal(2, option, str(damaged))


def test_a_damaged_status_file(place: Place, tmp_path: Path) -> None:
    (tmp_path / "status.json").write_text('{"state": "run')
    place.program.do("status", tmp_path).is_refusal(2, "status.json")


@pytest.mark.parametrize("at", ["read:/talk0.flac", "write:/work/emit/", "write:/work/segment/"])
def test_ctrl_c(at: str, place: Place, tmp_path: Path) -> None:
    out = tmp_path / "run"
    with place.program.held(at, *run_words(place.manifest, out, "--quiet")) as running:
        running.signal(signal.SIGINT)
    running.finish().is_refusal(130, "interrupted")
    assert json.loads((out / "status.json").read_text())["state"] == "interrupted"
    place.run(out).is_well()
    assert place.has_good_ones(out)
