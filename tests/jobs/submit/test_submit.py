"""Runs that are submitted: checks that refuse within seconds, and real ones through a job service."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from click.testing import CliRunner
from support.moments import promptly
from support.places import ENVIRONMENT, SUPPORT
from support.processes import Command
from support.runs import BOTH, arguments, outcome, run_here, shards

from prep_corpus.jobs.cli import main

CLI = [sys.executable, "-m", "prep_corpus.jobs.cli"]


@pytest.fixture
def closed_port() -> Iterator[int]:
    """A port where nobody listens, nor can before the test is over."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        yield int(one.getsockname()[1])


@pytest.fixture(scope="module")
def corpus(toy_corpus: Path) -> Path:
    return toy_corpus


def refused(*arguments: str) -> str:
    """The message of a submission that must be refused within seconds."""
    result = promptly(lambda: CliRunner().invoke(main, ["submit", *arguments]))
    assert result.exit_code == 2, result.output
    (line,) = result.output.splitlines()
    assert line.startswith("Error: ")
    return line


def test_an_unreachable_master_is_told(corpus: Path, tmp_path: Path, closed_port: int) -> None:
    out = tmp_path / "run"
    message = refused(
        *(
            "flink",
            str(corpus),
            "--out",
            str(out),
            "--master",
            f"127.0.0.1:{closed_port}",
            "--image",
            "prep-corpus:1",
        )
    )
    assert message.endswith(
        f"--master 127.0.0.1:{closed_port}: no Flink job manager answers there: [Errno 111] Connection refused"
    )
    assert not out.exists()


def test_a_silent_master_is_told_in_time(corpus: Path, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        master = f"127.0.0.1:{silent.getsockname()[1]}"
        message = refused(
            *(
                "flink",
                str(corpus),
                "--out",
                str(tmp_path / "run"),
                "--master",
                master,
                "--image",
                "prep-corpus:1",
            )
        )
    assert master in message


def test_a_missing_image_is_told(corpus: Path, tmp_path: Path) -> None:
    message = refused("flink", str(corpus), "--out", str(tmp_path / "run"), "--master", "127.0.0.1:1")
    assert "--image" in message
    assert not (tmp_path / "run").exists()


def test_an_unreadable_manifest_is_told(tmp_path: Path) -> None:
    arguments = ("--out", str(tmp_path / "run"), "--master", "127.0.0.1:1", "--image", "prep-corpus:1")
    missing = tmp_path / "none.jsonl"
    assert str(missing) in refused("flink", str(missing), *arguments)
    empty, binary = tmp_path / "empty.jsonl", tmp_path / "binary.jsonl"
    empty.touch()
    binary.write_bytes(b"\xff\xfe\n" * 30)
    assert "the manifest is empty" in refused("flink", str(empty), *arguments)
    assert "none of the first 20 entries can be used: binary.jsonl:1: a line must be UTF-8" in refused(
        "flink", str(binary), *arguments
    )
    assert not (tmp_path / "run").exists()


def test_a_manifest_that_may_not_be_read_is_told(
    corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from prep_corpus.jobs.config import RunConfig
    from prep_corpus.jobs.submit import checks

    def forbidden(config: RunConfig) -> None:
        raise PermissionError(13, "Permission denied", config.manifest)

    monkeypatch.setattr(checks, "manifest_entries", forbidden)
    arguments = ("--out", str(tmp_path / "run"), "--master", "127.0.0.1:1", "--image", "prep-corpus:1")
    assert "the manifest cannot be read: [Errno 13]" in refused("flink", str(corpus), *arguments)


def test_a_bad_entry_at_the_beginning_does_not_stop_a_submission(corpus: Path, tmp_path: Path) -> None:
    shutil.copytree(corpus.parent, tmp_path / "corpus")
    manifest = tmp_path / "corpus" / "one-bad.jsonl"
    manifest.write_text("{not json\n" + corpus.read_text())
    arguments = ("--out", str(tmp_path / "run"), "--master", "127.0.0.1:1", "--image", "prep-corpus:1")
    assert "no Flink job manager answers" in refused("flink", str(manifest), *arguments)


@pytest.mark.skipif(importlib.util.find_spec("hdfs") is not None, reason="hdfs:// is installed")
def test_a_file_system_that_is_not_installed_is_told(corpus: Path) -> None:
    arguments = ("--out", "hdfs://server/run", "--master", "127.0.0.1:1", "--image", "prep-corpus:1")
    assert refused("flink", str(corpus), *arguments).endswith("hdfs:// needs pip install 'prep-corpus[hdfs]'")


def test_an_output_folder_that_cannot_be_made_is_told(corpus: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    out = tmp_path / "file" / "run"
    message = refused("flink", str(corpus), "--out", str(out), "--master", "127.0.0.1:1", "--image", "i:1")
    assert "file is no folder that can be written to" in message


def test_missing_credentials_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("boto3")
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    message = refused(
        *("flink", "s3://a-bucket/manifest.jsonl", "--out", "s3://a-bucket/run"),
        *("--master", "127.0.0.1:1", "--image", "prep-corpus:1"),
    )
    assert "credentials" in message.lower()


def test_a_bucket_that_is_not_there_is_told(monkeypatch: pytest.MonkeyPatch, corpus: Path) -> None:
    pytest.importorskip("boto3")
    from support.s3_server import s3_server

    with s3_server() as server:
        for name, value in server.environment.items():
            monkeypatch.setenv(name, value)
        message = refused(
            *("flink", str(corpus), "--out", "s3://no-such-bucket/run", "--master", "127.0.0.1:1"),
            *("--image", "prep-corpus:1"),
        )
    assert "no-such-bucket" in message


def test_paths_of_this_machine_are_refused_where_workers_run_elsewhere(corpus: Path, tmp_path: Path) -> None:
    from prep_corpus.align.errors import UsageError
    from prep_corpus.jobs.config import RunConfig
    from prep_corpus.jobs.submit.checks import check_local_names

    config = RunConfig(manifest=str(corpus), out="gs://bucket/run")
    check_local_names(config, "flink", True)
    with pytest.raises(UsageError, match="MANIFEST"):
        check_local_names(config, "dataflow", False)


def test_a_check_without_an_answer_is_given_up() -> None:
    from prep_corpus.align.errors import UsageError
    from prep_corpus.jobs.submit.checks import within

    answer = threading.Event()
    with pytest.raises(UsageError, match=r"gs://far: no answer within 0\.2 s"):
        within(0.2, "gs://far", lambda: answer.wait(60))
    # It is not waited for, and it can still come.
    assert not answer.is_set()
    answer.set()


def test_a_profile_keeps_the_cluster_and_flags_win_over_it(corpus: Path, tmp_path: Path) -> None:
    profile = tmp_path / "flink.toml"
    profile.write_text('master = "127.0.0.1:1"\nimage = "prep-corpus:1"\nworkers = 3\n')
    arguments = ("flink", str(corpus), "--out", str(tmp_path / "run"), "--profile", str(profile))
    assert "--master 127.0.0.1:1" in refused(*arguments)
    assert "--master 127.0.0.1:2" in refused(*arguments, "--master", "127.0.0.1:2")
    profile.write_text('masters = "127.0.0.1:1"\n')
    assert "unknown setting 'masters'" in refused(*arguments)


# ---- how a job ends


def test_a_model_without_a_filter_is_told_where_one_is_fitted(
    corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(SUPPORT)
    out = tmp_path / "run"
    with socket.create_server(("127.0.0.1", 0)) as service:
        endpoint = f"127.0.0.1:{service.getsockname()[1]}"
        words = ("--endpoint", endpoint, "--image", "prep-corpus:1", "--model", "toy:acoustic_model")
        result = CliRunner().invoke(main, ["submit", "portable", str(corpus), "--out", str(out), *words])
    assert result.exit_code == 2, result.output
    assert "no filter was fitted for the model toy:acoustic_model, and none is fitted on" in result.output
    assert "`prep-corpus run PART --out FOLDER --model toy:acoustic_model` fits one on it" in result.output
    assert "submit with --filter FOLDER/filter.json" in result.output
    assert not out.exists()


def test_the_innermost_cause_is_told() -> None:
    from prep_corpus.jobs.submit.checks import last_error_line

    java = '{"errors":["<at a.b(C.java:1)\\nCaused by: x.Y: y\\n\\tat d.e\\nCaused by: z: no w\\n\\t..."]}'
    assert last_error_line(java) == "Caused by: z: no w"
    assert last_error_line("Traceback\n  File x\nOSError: disk full\n") == "OSError: disk full"


class Silent:
    """A job whose engine answers now and then."""

    link = "nowhere"

    def __init__(self, *answers: str | None) -> None:
        self._answers = list(answers)

    def state(self) -> str:
        answer = self._answers.pop(0)
        if answer is None:
            raise OSError("nobody is there")
        return answer

    def failure(self) -> str:
        return ""


def test_an_engine_that_is_silent_for_a_while_is_waited_for() -> None:
    from prep_corpus.jobs.submit.submission import JobLost, wait_for_end

    assert wait_for_end(Silent("waiting", None, "running", None, "done"), pause_seconds=0) == "done"
    with pytest.raises(JobLost, match="nobody is there"):
        wait_for_end(Silent("running", None), pause_seconds=0, patience_seconds=0)


# ---- a real run, in processes of their own


@contextmanager
def started_services() -> Iterator[tuple[str, str, subprocess.Popen[str]]]:
    """Addresses of a job service and a pool of workers, and the job service's process."""
    commands = ([sys.executable, str(SUPPORT / "job_service.py")], [*CLI, "workers", "--port", "0"])
    started = [
        subprocess.Popen(one, stdout=subprocess.PIPE, text=True, env=ENVIRONMENT, start_new_session=True)
        for one in commands
    ]
    try:
        ports = []
        for process in started:
            assert process.stdout is not None
            ports.append(process.stdout.readline().split(":")[-1].strip())
        yield f"127.0.0.1:{ports[0]}", f"127.0.0.1:{ports[1]}", started[0]
    finally:
        for process in started:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


@pytest.fixture(scope="module")
def services() -> Iterator[tuple[str, str]]:
    with started_services() as (endpoint, pool, _):
        yield endpoint, pool


def submitted(
    corpus: Path, out: Path, services: tuple[str, str], *extra: str
) -> subprocess.CompletedProcess[str]:
    endpoint, pool = services
    return Command(
        *("submit", "portable", str(corpus), "--out", str(out), "--endpoint", endpoint),
        *("--worker-pool", pool, "--model", "toy:acoustic_model"),
        *("--filter", str(corpus.parent / "filter.json"), *BOTH, *extra),
    ).finish()


@pytest.fixture(scope="module")
def local(toy_run: Path) -> Path:
    return toy_run


def test_a_job_that_fails_goes_on_to_the_bytes_of_a_local_run_and_may_be_left_alone(
    corpus: Path, local: Path, services: tuple[str, str], tmp_path: Path
) -> None:
    out = tmp_path / "run"
    out.mkdir()
    # A file where the shards' folder must be: an I/O error, which is no fault of a recording.
    (out / "data").write_text("in the way")
    failed = submitted(corpus, out, services, "--force")
    assert failed.returncode == 1, failed.stdout + failed.stderr
    assert "the job did not end well: RuntimeError: FileExistsError" in failed.stderr
    assert "Traceback" not in failed.stderr
    assert not (out / "manifest.json").exists()

    (out / "data").unlink()
    done = submitted(corpus, out, services)
    assert done.returncode == 0, done.stdout + done.stderr
    for said in ("hours in", "estimate:", "submitted to portable"):
        assert said in done.stderr
    assert "decoded" in done.stdout
    assert shards(out) == shards(local)
    assert outcome(out) == outcome(local)
    # The workers' own reports, since nothing ran in the process that submitted.
    stages = json.loads((out / "status.json").read_text())["stages"]
    assert stages["emit"]["found"] == stages["emit"]["units"] >= 1

    # Another seed shapes the shards alone.
    left = submitted(corpus, out, services, "--force", "--seed", "7", "--detach")
    assert left.returncode == 0, left.stdout + left.stderr
    deadline = time.monotonic() + 600
    while not (said := CliRunner().invoke(main, ["status", str(out)]).output).startswith("done"):
        assert "portable" in said
        assert time.monotonic() < deadline, said
        time.sleep(0.5)
    assert "published:" in said
    assert sorted(shards(out)) == sorted(shards(local))
    assert shards(out) != shards(local)


def test_two_runs_at_once_in_one_folder_leave_one_good_run(corpus: Path, local: Path, tmp_path: Path) -> None:
    """As when a worker that was taken for dead goes on beside its successor."""
    out = tmp_path / "both"
    out.mkdir()
    with_report = [word for word in arguments(corpus, out, *BOTH) if word != "--no-report"]
    twins = [Command(*with_report) for _ in range(2)]
    for twin in twins:
        done = twin.finish()
        assert done.returncode == 0, done.stderr
    assert shards(out) == shards(local)
    assert outcome(out) == outcome(local)


def test_a_folder_that_a_twin_has_just_made_a_run_is_not_taken_for_somebody_elses(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from prep_corpus.jobs.config import RunConfig
    from prep_corpus.jobs.start.claim import claim_folder
    from prep_corpus.pipeline.storage import files

    config = RunConfig(manifest="manifest.jsonl", out=str(tmp_path / "run"))
    look = files.holds_files

    def look_late(folder: str) -> bool:
        monkeypatch.setattr(files, "holds_files", look)
        claim_folder(config, force=False)
        return files.holds_files(folder)

    monkeypatch.setattr(files, "holds_files", look_late)
    claim_folder(config, force=False)


def test_an_engine_that_dies_in_the_middle_leaves_a_run_that_another_ends(
    corpus: Path, local: Path, tmp_path: Path
) -> None:
    out = tmp_path / "run"
    with started_services() as (endpoint, pool, service):
        left = submitted(corpus, out, (endpoint, pool), "--detach")
        assert left.returncode == 0, left.stdout + left.stderr
        deadline = time.monotonic() + 600
        while not list((out / "work").glob("emit/*.parquet")):
            assert time.monotonic() < deadline
            time.sleep(0.05)
        os.killpg(service.pid, signal.SIGKILL)
        assert not (out / "manifest.json").exists()
        # Its worker may still be at work beside us.
        run_here(corpus, out)
        assert not (out / "submitted.json").exists()
    assert shards(out) == shards(local)
    assert outcome(out) == outcome(local)
