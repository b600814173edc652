"""The demo corpus with manifest, audio, noise and output on s3://, from a server that answers and from one that
refuses a tenth of the requests."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from support.moments import promptly
from support.places import DEMO, ENVIRONMENT, ROOT
from support.runs import cli
from support.s3_server import S3Server, s3_server

from prep_corpus.align.errors import UsageError
from prep_corpus.filters.linear import bundled_filter, filter_text
from prep_corpus.jobs.cli import main
from prep_corpus.jobs.config import RunConfig
from prep_corpus.jobs.start.operating_point import check_filter, check_read
from prep_corpus.pipeline.storage.remote import s3


@pytest.fixture(scope="module")
def server() -> Iterator[S3Server]:
    with s3_server() as server:
        client = server.client()
        for bucket in ("corpus", "runs"):
            client.create_bucket(Bucket=bucket)
        for path in DEMO.rglob("*"):
            if path.is_file() and path.suffix != ".py":
                client.upload_file(str(path), "corpus", f"demo/{path.relative_to(DEMO).as_posix()}")
        yield server


@pytest.fixture
def here(server: S3Server, monkeypatch: pytest.MonkeyPatch) -> Iterator[CliRunner]:
    """The command line inside this process, for what is over in a moment."""
    for name, value in server.environment.items():
        monkeypatch.setenv(name, value)
    s3._client.cache_clear()
    yield CliRunner()
    s3._client.cache_clear()


ARGUMENTS = ("--format", "parquet", "--format", "tfrecord", "--noise", "s3://corpus/demo/noise")


def run(server: S3Server, out: str) -> None:
    environment = {**ENVIRONMENT, **server.environment}
    cli("run", "s3://corpus/demo/manifest.jsonl", "--out", out, *ARGUMENTS, environment=environment)


def objects(server: S3Server, name: str) -> dict[str, bytes]:
    return {
        key.removeprefix(f"{name}/"): data
        for key, data in server.objects("runs").items()
        if key.startswith(f"{name}/")
    }


def published(found: dict[str, bytes]) -> dict[str, bytes]:
    """The shards, and every stage file by its content's name."""
    manifest = json.loads(found["manifest.json"])
    shards = {entry["path"] for entries in manifest["formats"].values() for entry in entries}
    stages = {name for name in found if name.endswith((".parquet", ".clips"))}
    return {name: found[name] for name in shards | stages | {"dead-letters.jsonl", "outcome.json"}}


@pytest.fixture(scope="module")
def plain(server: S3Server) -> dict[str, bytes]:
    run(server, "s3://runs/plain")
    return objects(server, "plain")


def test_the_demo_runs_on_s3_and_nothing_is_left_lying(
    server: S3Server, plain: dict[str, bytes], here: CliRunner
) -> None:
    outcome: dict[str, Any] = json.loads(plain["outcome.json"])
    assert outcome["published"]
    assert outcome["failed"] == 0
    samples = dict(outcome["ledgers"]["samples"])
    assert samples.pop("decoded") == sum(samples.values()) > 0
    assert not [name for name in plain if name.endswith(".tmp") or "/." in name]
    assert not server.client().list_multipart_uploads(Bucket="runs").get("Uploads")
    assert "no problems" in here.invoke(main, ["check", "s3://runs/plain"]).output
    assert here.invoke(main, ["status", "s3://runs/plain"]).output.startswith("done")


def test_a_server_that_refuses_a_tenth_costs_time_and_nothing_else(
    server: S3Server, plain: dict[str, bytes]
) -> None:
    server.refusing.clear()
    server.refusing.share = 0.1
    try:
        run(server, "s3://runs/refused")
    finally:
        server.refusing.share = 0.0
    asked = sum(server.refusing.requests.values())
    assert server.refusing.refused > 0.04 * asked > 4
    refused = objects(server, "refused")
    assert published(refused) == published(plain)
    assert set(refused) == set(plain)


def test_a_filter_on_a_store_is_read_from_there(server: S3Server, here: CliRunner) -> None:
    server.client().put_object(
        Bucket="corpus", Key="filter.json", Body=filter_text(bundled_filter("english"))
    )
    check_filter(RunConfig(manifest="m", out="o", filter="s3://corpus/filter.json", max_wer=0.02))
    server.client().put_object(Bucket="corpus", Key="damaged.json", Body=b"\xff")
    trusted = Path(ROOT, "filters", "quartznet.recognition.json").read_bytes()
    server.client().put_object(Bucket="corpus", Key="trusted.json", Body=trusted)
    check_read(
        RunConfig(manifest="m", out="o", model="m:f", read="all", read_filter="s3://corpus/trusted.json")
    )
    for name, wrong in (("none", "cannot be read"), ("damaged", "byte 0 is not")):
        uri = f"s3://corpus/{name}.json"
        with pytest.raises(UsageError, match=f"--filter {uri}: .*{wrong}"):
            check_filter(RunConfig(manifest="m", out="o", filter=uri))
        with pytest.raises(UsageError, match=f"--read-filter {uri}: .*{wrong}"):
            check_read(RunConfig(manifest="m", out="o", model="m:f", read="all", read_filter=uri))


def test_a_folder_with_other_things_in_it_is_left_alone(here: CliRunner) -> None:
    done = here.invoke(main, ["run", "s3://corpus/demo/manifest.jsonl", "--out", "s3://corpus/demo"])
    assert done.exit_code == 2
    assert "is not empty and holds no run" in done.output


@pytest.mark.parametrize(
    ("manifest", "out"),
    [("s3://nowhere/m.jsonl", "s3://runs/x"), ("s3://corpus/demo/manifest.jsonl", "s3://nowhere/x")],
)
def test_a_bucket_that_is_not_there_is_one_line_within_seconds(
    here: CliRunner, manifest: str, out: str
) -> None:
    done = promptly(lambda: here.invoke(main, ["run", manifest, "--out", out]))
    assert done.exit_code == 2
    (line,) = [line for line in done.output.splitlines() if line.strip()]
    assert "there is no bucket 'nowhere'" in line


@pytest.mark.parametrize("command", ["status", "check", "clean", "report", "sample", "export"])
def test_commands_on_a_bucket_that_is_not_there_say_so_in_one_line(here: CliRunner, command: str) -> None:
    out = ("--out", "never-written") if command in ("sample", "export") else ()
    done = here.invoke(main, [command, "s3://no-such-bucket/run", *out])
    assert done.exit_code == 2, done.output
    assert "no-such-bucket" in done.output
    assert len([line for line in done.output.splitlines() if line.startswith("Error")]) == 1
    assert not Path("never-written").exists()
