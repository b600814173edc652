"""Any runner with a Beam job service, and where the Python workers of such runners come from."""

from __future__ import annotations

import json
import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from prep_corpus.align.errors import UsageError

if TYPE_CHECKING:
    from prep_corpus.jobs.submit.submission import Job, RunEstimate

_CONNECT_SECONDS = 3.0
GPU_HINT = "type:nvidia;count:1"
"""Names no kind: such runners leave it to the operator which machines have GPUs."""


def split_address(address: str, option: str) -> tuple[str, int]:
    """Host and port of HOST:PORT.

    Raises:
        UsageError: it is none.
    """
    host, _, port = address.rpartition(":")
    if not host or not port.isdigit() or not 0 < int(port) < 65536:
        raise UsageError(f"{option} takes HOST:PORT, not {address!r}")
    return host, int(port)


def check_listening(address: str, option: str, what: str) -> None:
    """See that somebody listens at HOST:PORT.

    Raises:
        UsageError: nobody does.
    """
    host, port = split_address(address, option)
    try:
        socket.create_connection((host, port), _CONNECT_SECONDS).close()
    except OSError as error:
        raise UsageError(f"{option} {address}: {what} does not answer there: {error}") from error


@dataclass(frozen=True, kw_only=True)
class WorkerPlace:
    """Where an engine's Python workers come from: exactly one of three.

    Attributes:
        image: container image, started by the engine's machines through Docker.
        pool: HOST:PORT, as the engine's machines see it, of a running pool of workers.
        command: command that the engine's machines start for a worker, such as /opt/apache/beam/boot.
    """

    image: str | None = None
    pool: str | None = None
    command: str | None = None

    def __post_init__(self) -> None:
        if sum(one is not None for one in (self.image, self.pool, self.command)) != 1:
            raise UsageError(
                "name one of --image (a container image with prep-corpus inside), --worker-pool (HOST:PORT of "
                "running workers) and --worker-command (that starts one)"
            )
        if self.image is not None and (not self.image.strip() or any(c.isspace() for c in self.image)):
            raise UsageError(f"--image takes the name of a container image, not {self.image!r}")
        if self.pool is not None:
            split_address(self.pool, "--worker-pool")

    def check(self, *, from_here: bool) -> None:
        """See that the pool answers, where this machine sees it under the same name.

        Args:
            from_here: the engine runs on this machine.

        Raises:
            UsageError: it does not.
        """
        if self.pool is not None and from_here:
            check_listening(self.pool, "--worker-pool", "a pool of workers")

    def beam_options(self) -> list[str]:
        """The environment, as Beam takes it; one process a machine, so that a GPU holds the model once."""
        if self.image is not None:
            kind, config = "DOCKER", self.image
        elif self.pool is not None:
            kind, config = "EXTERNAL", self.pool
        else:
            kind, config = "PROCESS", json.dumps({"command": self.command})
        return [
            f"--environment_type={kind}",
            f"--environment_config={config}",
            "--sdk_worker_parallelism=1",
        ]


@dataclass(frozen=True, kw_only=True)
class Portable:
    """A runner behind a job endpoint, such as Beam's job servers for Spark and Flink.

    Attributes:
        endpoint: HOST:PORT of the job service.
        place: where the workers come from.
        gpu: whether each worker's machine has a GPU.
        artifact_endpoint: HOST:PORT of its artifact service, where it is another than the job service names.
    """

    endpoint: str
    place: WorkerPlace
    gpu: bool = False
    artifact_endpoint: str | None = None

    name = "portable"
    sees_local_files = True
    outlives_launcher = True

    def __post_init__(self) -> None:
        split_address(self.endpoint, "--endpoint")
        if self.artifact_endpoint is not None:
            split_address(self.artifact_endpoint, "--artifact-endpoint")

    @property
    def accelerator(self) -> str | None:
        """See `Engine`."""
        return GPU_HINT if self.gpu else None

    def check(self) -> None:
        """See that the job service and the workers answer.

        Raises:
            UsageError: one does not.
        """
        check_listening(self.endpoint, "--endpoint", "a job service")
        self.place.check(
            from_here=split_address(self.endpoint, "--endpoint")[0] in ("localhost", "127.0.0.1")
        )

    def hints(self, estimate: RunEstimate) -> list[str]:
        """Nothing is known of what stands behind the endpoint."""
        return []

    def beam_options(self, job_name: str) -> list[str]:
        """Beam's options for one job."""
        options = [
            "--runner=PortableRunner",
            f"--job_endpoint={self.endpoint}",
            f"--job_name={job_name}",
            *self.place.beam_options(),
        ]
        if self.artifact_endpoint is not None:
            options.append(f"--artifact_endpoint={self.artifact_endpoint}")
        return options

    def job(self, result: Any, job_name: str) -> Job:
        """The handle of the job that Beam has just submitted."""
        from prep_corpus.jobs.submit.submission import BeamJob

        return BeamJob(result=result, link=self.endpoint)
