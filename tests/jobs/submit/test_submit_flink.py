"""What Flink is asked and given, with answers as the job manager of Flink 2.2.0 gives them."""

from __future__ import annotations

import http.server
import json
import threading
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from prep_corpus.align.errors import UsageError
from prep_corpus.jobs.submit.estimate import RunEstimate
from prep_corpus.jobs.submit.flink import Flink, FlinkJob
from prep_corpus.jobs.submit.portable import WorkerPlace

ANSWERS: dict[str, Any] = {
    "/v1/config": {"flink-version": "2.2.0", "refresh-interval": 3000},
    "/v1/overview": {"taskmanagers": 2, "slots-total": 4, "slots-available": 4, "flink-version": "2.2.0"},
    "/v1/jobs/overview": {
        "jobs": [
            {"jid": "a1", "name": "older", "start-time": 1, "state": "FINISHED"},
            {"jid": "b2", "name": "demo-12345678", "start-time": 2, "state": "RUNNING"},
            {"jid": "c3", "name": "of another", "start-time": 3, "state": "RUNNING"},
        ]
    },
    "/v1/jobs/b2": {"jid": "b2", "state": "RESTARTING"},
    "/v1/jobs/b2/exceptions": {
        "exceptionHistory": {
            "entries": [
                {
                    "stacktrace": "java.lang.RuntimeException: while processing\n\tat x.y\nCaused by: "
                    "java.lang.RuntimeException: Error received from SDK harness for instruction 4: Traceback\n"
                    '  File "x.py", line 1\nOSError: disk full\n'
                }
            ]
        }
    },
}


@pytest.fixture(scope="module")
def job_manager() -> Iterator[str]:
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found = ANSWERS.get(self.path)
            self.send_response(200 if found else 404)
            self.end_headers()
            self.wfile.write(json.dumps(found).encode())

        def log_message(self, *_: object) -> None: ...

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def flink(master: str, jar: Path, **more: Any) -> Flink:
    return Flink(master=master, place=WorkerPlace(image="prep-corpus:1"), jar=str(jar), **more)


@pytest.fixture
def jar(tmp_path: Path) -> Path:
    path = tmp_path / "server.jar"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("org/apache/beam/runners/flink/FlinkPipelineRunner.class", b"")
    return path


def test_a_jar_of_something_else_is_told(job_manager: str, tmp_path: Path) -> None:
    other = tmp_path / "other.jar"
    with zipfile.ZipFile(other, "w") as file:
        file.writestr("META-INF/MANIFEST.MF", b"")
    with pytest.raises(UsageError, match=r"other\.jar: it must be Beam's job server"):
        flink(job_manager, other).check()


def test_too_few_slots_are_told(job_manager: str, jar: Path) -> None:
    flink(job_manager, jar, workers=4).check()
    with pytest.raises(UsageError, match=r"--workers 5: the cluster at .* has 4 slots"):
        flink(job_manager, jar, workers=5).check()
    estimate = RunEstimate(
        recordings=9, bundles=2, audio_hours=2, cpu_hours=1, model_hours=1, read_bytes=1, written_bytes=1
    )
    assert flink(job_manager, jar, workers=2).hints(estimate) == []
    hints = flink(job_manager, jar, workers=3).hints(estimate)
    assert hints[0] == "of 3 slots 2 bundles can keep 2 busy"
    assert "where one is lost" in hints[1]


def test_the_job_that_was_submitted_is_found_by_its_name(job_manager: str, jar: Path) -> None:
    job = flink(job_manager, jar).job(None, "demo-12345678")
    assert isinstance(job, FlinkJob)
    assert job.link == f"http://{job_manager}/#/job/running/b2/overview"
    assert job.state() == "running"
    assert job.failure() == "OSError: disk full"


def test_flink_gets_one_jar_one_worker_a_machine_and_the_given_slots(job_manager: str, jar: Path) -> None:
    options = flink(job_manager, jar, workers=3).beam_options("demo-12345678")
    for option in (
        *("--runner=FlinkRunner", "--flink_submit_uber_jar", "--parallelism=3", "--flink_version=2.2"),
        *("--sdk_worker_parallelism=1", "--environment_type=DOCKER", "--environment_config=prep-corpus:1"),
    ):
        assert option in options
