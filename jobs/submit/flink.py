"""Flink: the checks before a job is submitted, what it is given, and the handle of one that runs.

The job travels as one jar over Flink's REST interface, so that this machine needs no Java and the job goes on
without it.

Source: Flink documentation, "REST API", "Task Failure Recovery"; Beam documentation, "Apache Flink Runner".
"""

from __future__ import annotations

import os
import re
import zipfile
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import requests

from prep_corpus.align.errors import UsageError
from prep_corpus.jobs.screen.plain_text import counted
from prep_corpus.jobs.submit.checks import innermost, last_error_line
from prep_corpus.jobs.submit.portable import GPU_HINT, WorkerPlace

if TYPE_CHECKING:
    from prep_corpus.jobs.submit.submission import RunEstimate

_ASK_SECONDS = 4.0
_STATES = {
    "INITIALIZING": "waiting",
    "CREATED": "waiting",
    "FINISHED": "done",
    "FAILED": "failed",
    "CANCELED": "cancelled",
}


@dataclass(frozen=True, kw_only=True)
class Flink:
    """A Flink session cluster.

    Attributes:
        master: HOST:PORT or URL of the job manager's REST interface.
        place: where the Python workers of the task managers come from.
        workers: slots that the job takes.
        gpu: whether every task manager's worker has a GPU.
        jar: Beam's job server for this Flink version, path or URL, or None for the one in Maven Central.
        retries: how often a job is restarted after a task manager is lost or a worker fails.
    """

    master: str
    place: WorkerPlace
    workers: int = 1
    gpu: bool = False
    jar: str | None = None
    retries: int = 5

    name = "flink"
    sees_local_files = True
    outlives_launcher = True

    def __post_init__(self) -> None:
        if not re.fullmatch(r"(https?://)?[^\s/:]+(:\d+)?(/\S*)?", self.master):
            raise UsageError(f"--master takes HOST:PORT or the URL of a job manager, not {self.master!r}")
        if self.workers < 1:
            raise UsageError(f"--workers must be at least 1, not {self.workers}")
        if self.jar is not None and "://" not in self.jar and not os.path.isfile(self.jar):
            raise UsageError(f"--jar {self.jar}: there is no such file")
        if self.retries < 0:
            raise UsageError(f"--retries must be at least 0, not {self.retries}")

    @property
    def url(self) -> str:
        """Of the REST interface."""
        url = self.master if "://" in self.master else f"http://{self.master}"
        return url.rstrip("/")

    @property
    def accelerator(self) -> str | None:
        """See `Engine`: Flink runs every stage on every task manager, so the hint only sets emit apart."""
        return GPU_HINT if self.gpu else None

    def ask(self, path: str) -> Any:
        """What the REST interface answers to a GET.

        Raises:
            UsageError: nothing, or it is no job manager.
        """
        try:
            answer = requests.get(f"{self.url}/v1/{path}", timeout=_ASK_SECONDS)
            answer.raise_for_status()
            return answer.json()
        except (requests.RequestException, ValueError) as error:
            raise UsageError(
                f"--master {self.master}: no Flink job manager answers there: {innermost(error)}"
            ) from error

    def version(self) -> str:
        """Major and minor version of the cluster, such as 2.2.

        Raises:
            UsageError: Beam has no runner for it.
        """
        found = str(self.ask("config")["flink-version"])
        from apache_beam.options.pipeline_options import FlinkRunnerOptions

        version = ".".join(found.split(".")[:2])
        if version not in FlinkRunnerOptions.PUBLISHED_FLINK_VERSIONS:
            raise UsageError(
                f"--master {self.master} runs Flink {found}, and this Apache Beam knows "
                f"{', '.join(FlinkRunnerOptions.PUBLISHED_FLINK_VERSIONS)}"
            )
        return version

    def check(self) -> None:
        """See that the job manager, enough slots, the workers and Beam's jar are there.

        Raises:
            UsageError: one is not.
        """
        version = self.version()
        slots = int(self.ask("overview")["slots-total"])
        if slots < self.workers:
            raise UsageError(
                f"--workers {self.workers}: the cluster at {self.master} has {slots} slots; start more task "
                "managers, or ask for fewer"
            )
        self.place.check(from_here=bool(re.match(r"https?://(localhost|127\.0\.0\.1)\b", self.url)))
        if self.jar is None:
            _check_published(version)
        elif "://" not in self.jar:
            _check_jar(self.jar)

    def hints(self, estimate: RunEstimate) -> list[str]:
        """Slots that would idle, and what a lost task manager would do."""
        lines = []
        if estimate.bundles < self.workers:
            lines.append(
                f"of {self.workers} slots {counted(estimate.bundles, 'bundle')} can keep {estimate.bundles} busy"
            )
        overview = self.ask("overview")
        managers, slots = int(overview["taskmanagers"]), int(overview["slots-total"])
        if managers < 2 or self.workers > slots - slots // managers:
            lines.append(
                f"{slots} slots on {managers} task managers: where one is lost, the job waits until it is back"
            )
        return lines

    def beam_options(self, job_name: str) -> list[str]:
        """Beam's options for one job."""
        options = [
            "--runner=FlinkRunner",
            f"--flink_master={self.url}",
            f"--flink_version={self.version()}",
            "--flink_submit_uber_jar",
            f"--parallelism={self.workers}",
            f"--job_name={job_name}",
            f"--number_of_execution_retries={self.retries}",
            *self.place.beam_options(),
        ]
        if self.jar is not None:
            options.append(f"--flink_job_server_jar={self.jar}")
        return options

    def job(self, result: Any, job_name: str) -> FlinkJob:
        """The handle of the job that was submitted."""
        jobs = self.ask("jobs/overview")["jobs"]
        named = [job for job in jobs if job_name in job["name"]] or jobs
        newest = max(named, key=lambda job: job["start-time"])
        return FlinkJob(result=result, engine=self, job_id=newest["jid"])


@dataclass(frozen=True, kw_only=True)
class FlinkJob:
    """A job on a Flink cluster.

    Attributes:
        result: what Beam returned.
        engine: the cluster.
        job_id: Flink's.
    """

    result: Any
    engine: Flink
    job_id: str

    @property
    def link(self) -> str:
        """Its page in Flink's dashboard."""
        return f"{self.engine.url}/#/job/running/{self.job_id}/overview"

    def state(self) -> str:
        """One of "waiting", "running", "done", "failed" and "cancelled".

        Raises:
            UsageError: the job manager does not answer.
        """
        state = str(self.engine.ask(f"jobs/{self.job_id}")["state"])
        found = _STATES.get(state, "running")
        if found in ("done", "failed", "cancelled") and self.result is not None:
            # Beam takes its jar off the job manager when it sees a job's end.
            _ = self.result.state
        return found

    def failure(self) -> str:
        """The innermost cause that Flink has on record, in one line."""
        entries = self.engine.ask(f"jobs/{self.job_id}/exceptions")["exceptionHistory"]["entries"]
        if not entries:
            return "Flink gives no reason"
        return last_error_line(entries[0]["stacktrace"])


def _check_jar(path: str) -> None:
    """See that a jar holds what Flink is told to run."""
    try:
        with zipfile.ZipFile(path) as jar:
            jar.getinfo("org/apache/beam/runners/flink/FlinkPipelineRunner.class")
    except (zipfile.BadZipFile, KeyError) as error:
        raise UsageError(
            f"--jar {path}: it must be Beam's job server for Flink, and is not: {error}"
        ) from error


def _check_published(version: str) -> None:
    """See that Beam's job server for a Flink version is cached here or can be had from Maven Central."""
    from apache_beam.runners.portability.job_server import JavaJarJobServer
    from apache_beam.utils.subprocess_server import JavaJarServer

    url = JavaJarJobServer.path_to_beam_jar(f":runners:flink:{version}:job-server:shadowJar")
    cached = os.path.join(JavaJarServer.JAR_CACHE, os.path.basename(url))
    if os.path.exists(url) or os.path.exists(cached):
        return
    try:
        status = requests.head(url, timeout=_ASK_SECONDS).status_code
    except requests.RequestException as error:
        raise UsageError(f"{url} cannot be reached: {innermost(error)}; name a copy with --jar") from error
    if status != 200:
        raise UsageError(f"{url} is not there (HTTP {status}); name a copy with --jar")
