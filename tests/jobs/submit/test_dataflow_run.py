"""Whole runs through `submit dataflow`, everything on gs://, the staged graph carried out by Beam's local runner."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from click.testing import CliRunner
from support.dataflow_server import PROJECT, REGION, DataflowServer, dataflow_server
from support.gs_server import gs_server

from prep_corpus.jobs.cli import main
from prep_corpus.jobs.flex_template import command_line
from prep_corpus.pipeline.storage import files

pytest.importorskip("google.cloud.dataflow_v1beta3", reason="Dataflow needs prep-corpus[gcp]")

DEMO = Path(__file__).resolve().parents[3] / "demo"
MANIFEST = "gs://corpus-bucket/demo/manifest.jsonl"


@pytest.fixture(scope="module")
def server() -> Iterator[DataflowServer]:
    from prep_corpus.pipeline.storage.remote import gs

    with gs_server("corpus-bucket", "runs-bucket") as address, dataflow_server() as server:
        for path in DEMO.rglob("*"):
            if path.is_file() and path.suffix != ".py":
                name = f"demo/{path.relative_to(DEMO).as_posix()}"
                uploaded = requests.post(
                    f"{address}/upload/storage/v1/b/corpus-bucket/o?uploadType=media&name={name}",
                    data=path.read_bytes(),
                    timeout=60,
                )
                uploaded.raise_for_status()
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("STORAGE_EMULATOR_HOST", address)
            patch.setenv("NO_GCE_CHECK", "true")
            gs._client.cache_clear()
            server.storage = address
            yield server
        gs._client.cache_clear()


def test_a_submitted_run_ends_with_the_shards_of_a_local_one(server: DataflowServer, tmp_path: Path) -> None:
    engine = (
        "--project",
        PROJECT,
        "--region",
        REGION,
        "--image",
        server.image,
        "--endpoint",
        server.endpoint,
    )
    noise = ("--noise", "gs://corpus-bucket/demo/noise")
    out = "gs://runs-bucket/submitted"
    done = CliRunner().invoke(main, ["submit", "dataflow", MANIFEST, "--out", out, *noise, *engine])
    assert done.exit_code == 0, done.output
    assert f"jobs/{REGION}/job-1?project={PROJECT}" in done.output
    done = CliRunner().invoke(main, ["run", MANIFEST, "--out", str(tmp_path / "local"), *noise])
    assert done.exit_code == 0, done.output
    local = json.loads((tmp_path / "local" / "manifest.json").read_text())
    assert json.loads(files.read_bytes(f"{out}/manifest.json"))["formats"] == local["formats"]
    for shard in local["formats"]["parquet"]:
        there = files.read_bytes(f"{out}/{shard['path']}")
        assert there == (tmp_path / "local" / shard["path"]).read_bytes()


def test_a_templates_launcher_leaves_a_job_and_submits_nothing(
    server: DataflowServer, tmp_path: Path
) -> None:
    server.created = {}
    job_file = tmp_path / "job.json"
    given = {
        "manifest": MANIFEST,
        "out": "gs://runs-bucket/template",
        "formats": "parquet,tfrecord",
        "sdk_container_image": server.image,
        "gpu": "t4",
        "project": PROJECT,
        "region": REGION,
        "runner": "DataflowRunner",
        "job_name": "nightly",
        "temp_location": "gs://runs-bucket/temp",
        "template_location": str(job_file),
    }
    arguments = command_line([*(f"--{name}={value}" for name, value in given.items()), "--no_auth"])
    done = CliRunner().invoke(main, arguments)
    assert done.exit_code == 0, done.output
    assert not server.created
    job = json.loads(job_file.read_text())
    assert job["name"] == "nightly"
    options = job["environment"]["sdkPipelineOptions"]["options"]
    assert files.exists(options["staging_location"] + "/pipeline.pb")
    assert options["sdk_container_image"] == server.image
