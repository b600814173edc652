"""Dataflow: what its jobs are given, the checks before one is submitted, and the handle of one that runs.

    this machine or a template's launcher                     Dataflow
    manifest ─ probe ─ bundles ─ graph as JSON ─ submit ─────  one job: emit on GPU workers, all else on CPU workers

Source: Dataflow documentation, "GPU types", "Right fitting", "Use custom containers", "Pipeline options".
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from prep_corpus.align.errors import UsageError
from prep_corpus.jobs.screen.plain_text import counted
from prep_corpus.jobs.submit.checks import innermost
from prep_corpus.pipeline.storage import files

if TYPE_CHECKING:
    from prep_corpus.jobs.submit.submission import RunEstimate


@dataclass(frozen=True, kw_only=True)
class Gpu:
    """A GPU that Dataflow workers may have.

    Attributes:
        accelerator: Dataflow's name of it.
        machine_type: of a worker with one of them; decoding keeps its cores as busy as the model keeps the GPU.
        quota: name of the regional quota.
    """

    accelerator: str
    machine_type: str
    quota: str


GPUS = {
    "t4": Gpu(accelerator="nvidia-tesla-t4", machine_type="n1-standard-8", quota="NVIDIA_T4_GPUS"),
    "l4": Gpu(accelerator="nvidia-l4", machine_type="g2-standard-8", quota="NVIDIA_L4_GPUS"),
    "a100": Gpu(accelerator="nvidia-tesla-a100", machine_type="a2-highgpu-1g", quota="NVIDIA_A100_GPUS"),
    "a100-80gb": Gpu(
        accelerator="nvidia-a100-80gb", machine_type="a2-ultragpu-1g", quota="NVIDIA_A100_80GB_GPUS"
    ),
    "h100": Gpu(accelerator="nvidia-h100-80gb", machine_type="a3-highgpu-1g", quota="NVIDIA_H100_GPUS"),
}
"""By the names that `--gpu` takes; any other is handed to Dataflow as it is, TYPE or TYPE:MACHINE_TYPE."""

_CPU_MACHINE_TYPE = "n2-standard-4"
_THREADS_BESIDE_GPU = 4
"""Bundles at a time in the one process of a worker; with a few of them, the GPU waits for no decoding."""
_CHECK_SECONDS = 4.0
_PROJECT = re.compile(r"([a-z0-9.-]+:)?[a-z][a-z0-9-]{4,28}[a-z0-9]")
_REGION = re.compile(r"[a-z]+-[a-z]+[0-9]+")
_STATES = {
    "DONE": "done",
    "FAILED": "failed",
    "CANCELLED": "cancelled",
    "UPDATED": "cancelled",
    "DRAINED": "cancelled",
    "RUNNING": "running",
    "CANCELLING": "running",
    "DRAINING": "running",
    "RESOURCE_CLEANING_UP": "running",
}


@dataclass(frozen=True, kw_only=True)
class Dataflow:
    """Google Cloud Dataflow.

    Attributes:
        project: project id.
        region: such as "europe-west4"; the GPU must be offered there.
        image: container image with this package and the model inside, for all workers.
        temp: gs:// folder for what Dataflow stages.
        workers: most workers of each kind.
        gpu: a key of `GPUS`, Dataflow's own name, or None for CPUs alone.
        machine_type: machine type of the workers without a GPU.
        disk_gb: boot disk of a worker; the CUDA image alone takes 15.
        service_account: account that workers act as, or None for the project's default.
        subnetwork: such as "regions/europe-west4/subnetworks/default", or None.
        public_ips: False where workers reach Google alone (needs Private Google Access in the subnetwork).
        endpoint: address of another Dataflow service; "http://localhost:PORT" is asked without credentials.
        from_template: whether a Flex Template's launcher runs this: Dataflow has then seen to the rest.
    """

    project: str
    region: str
    image: str
    temp: str
    workers: int = 8
    gpu: str | None = None
    machine_type: str = _CPU_MACHINE_TYPE
    disk_gb: int = 50
    service_account: str | None = None
    subnetwork: str | None = None
    public_ips: bool = True
    endpoint: str | None = None
    from_template: bool = False

    name = "dataflow"
    sees_local_files = False
    outlives_launcher = True

    def __post_init__(self) -> None:
        if not _PROJECT.fullmatch(self.project):
            raise UsageError(f"--project takes a project id, such as my-project-123; not {self.project!r}")
        if not _REGION.fullmatch(self.region):
            raise UsageError(f"--region takes a region, such as europe-west4; not {self.region!r}")
        if not self.image:
            raise UsageError(
                "--image must name the workers' container image, with prep-corpus and the model inside "
                "(docs/dataflow.md says how to build it)"
            )
        if not re.fullmatch(r"gs://[a-z0-9][a-z0-9._-]{2,}(/.*)?", self.temp):
            raise UsageError(
                f"--temp must be a folder on gs://, such as gs://my-bucket/temp; not {self.temp!r}"
            )
        if self.workers < 1:
            raise UsageError(f"--workers must be at least 1, not {self.workers}")

    @property
    def _worker_gpu(self) -> Gpu | None:
        if self.gpu is None:
            return None
        if self.gpu in GPUS:
            return GPUS[self.gpu]
        accelerator, _, machine_type = self.gpu.partition(":")
        return Gpu(
            accelerator=accelerator, machine_type=machine_type, quota=f"GPUs of the type {accelerator}"
        )

    @property
    def accelerator(self) -> str | None:
        """Beam's hint for the emit stage: one GPU a worker, on the machine that carries it."""
        gpu = self._worker_gpu
        if gpu is None:
            return None
        machine = f"machine_type:{gpu.machine_type};" if gpu.machine_type else ""
        return f"type:{gpu.accelerator};count:1;{machine}install-nvidia-driver"

    def check(self) -> None:
        """Refuse what could not run: credentials, the bucket, project and region, the image.

        Raises:
            UsageError: one line.
        """
        files.check_place(self.temp)
        if self.from_template:
            return
        credentials = None if self._is_local else _credentials()
        self._check_service(credentials)
        check_image(self.image, credentials)

    @property
    def _is_local(self) -> bool:
        return self.endpoint is not None and "localhost" in self.endpoint

    def _check_service(self, credentials: Any) -> None:
        """Ask for one job: it shows that the project, the region and the right to look at them are there."""
        from google.api_core.client_options import ClientOptions
        from google.api_core.exceptions import Forbidden, GoogleAPICallError, NotFound, Unauthorized
        from google.auth.credentials import AnonymousCredentials
        from google.auth.exceptions import GoogleAuthError
        from google.cloud import dataflow_v1beta3 as dataflow

        client = dataflow.JobsV1Beta3Client(
            credentials=credentials or AnonymousCredentials(),
            client_options=ClientOptions(api_endpoint=self.endpoint) if self.endpoint else None,
            transport="rest",
        )
        request = dataflow.ListJobsRequest(project_id=self.project, location=self.region, page_size=1)
        try:
            next(iter(client.list_jobs(request, timeout=_CHECK_SECONDS, retry=None)), None)
        except NotFound as error:
            raise UsageError(
                f"--project {self.project} --region {self.region}: Dataflow knows no such project or region"
            ) from error
        except (Forbidden, Unauthorized) as error:
            raise UsageError(
                f"--project {self.project} --region {self.region}: the credentials in use may not use Dataflow "
                f"there, or its API is not enabled: {_one_line(error.message)}"
            ) from error
        except GoogleAPICallError as error:
            raise UsageError(
                f"--project {self.project} --region {self.region}: Dataflow does not take this: "
                f"{_one_line(error.message)}"
            ) from error
        except GoogleAuthError as error:
            raise UsageError(f"the Google credentials in use are not accepted: {innermost(error)}") from error
        except OSError as error:
            raise UsageError(f"Dataflow cannot be reached: {innermost(error)}") from error

    def hints(self, estimate: RunEstimate) -> list[str]:
        """Quotas to have, and workers that would find nothing to do."""
        busy = min(self.workers, max(estimate.bundles, 1))
        lines = []
        gpu = self._worker_gpu
        if gpu is not None:
            lines.append(
                f"quota: {gpu.quota} of {busy} in {self.region}, for workers of the type "
                f"{gpu.machine_type or 'that Dataflow picks'}"
            )
        cores = re.search(r"(\d+)$", self.machine_type)
        if cores:
            lines.append(f"quota: {busy * int(cores[1])} CPUs in {self.region}, for {self.machine_type}")
        lines.append(f"quota: {2 * busy * self.disk_gb} GB of persistent disk in {self.region}, at most")
        if busy < self.workers:
            lines.append(
                f"of {self.workers} workers {counted(estimate.bundles, 'bundle')} can keep {busy} busy: the others "
                "never start"
            )
        return lines

    def beam_options(self, job_name: str) -> list[str]:
        """Beam's options for one job; nothing is pickled or staged from this machine but the graph."""
        temp = self.temp.rstrip("/")
        options = [
            "--runner=DataflowRunner",
            f"--project={self.project}",
            f"--region={self.region}",
            f"--job_name={job_name}",
            f"--temp_location={temp}/temp",
            f"--staging_location={temp}/staging",
            f"--sdk_container_image={self.image}",
            "--sdk_location=container",
            # What this machine has installed is no business of the workers, which have the image.
            "--experiments=disable_logging_submission_environment",
            *self._process_options(),
            f"--max_num_workers={self.workers}",
            f"--machine_type={self.machine_type}",
            f"--disk_size_gb={self.disk_gb}",
        ]
        if self.service_account is not None:
            options.append(f"--service_account_email={self.service_account}")
        if self.subnetwork is not None:
            options.append(f"--subnetwork={self.subnetwork}")
        if not self.public_ips:
            options.append("--no_use_public_ips")
        if self.endpoint is not None:
            options.append(f"--dataflow_endpoint={self.endpoint}")
        if self._is_local:
            options.append("--no_auth")
        return options

    def _process_options(self) -> list[str]:
        # Dataflow starts a process a core, and each would load the model onto the worker's one GPU.
        if self.gpu is None:
            return ["--number_of_worker_harness_threads=1"]
        return [
            "--experiments=no_use_multiple_sdk_containers",
            f"--number_of_worker_harness_threads={_THREADS_BESIDE_GPU}",
        ]

    def job(self, result: Any, job_name: str) -> DataflowJob:
        """The handle of a job that was submitted, or, for a template, of the file that its launcher submits."""
        return DataflowJob(result=result, engine=self, job_name=job_name)


@dataclass(frozen=True, kw_only=True)
class DataflowJob:
    """A job on Dataflow.

    Attributes:
        result: what Beam returned.
        engine: engine that it runs on.
        job_name: its name.
    """

    result: Any
    engine: Dataflow
    job_name: str

    @property
    def link(self) -> str:
        """Its page in the console."""
        place = f"https://console.cloud.google.com/dataflow/jobs/{self.engine.region}"
        if not self.result.has_job:
            return f"{place}?project={self.engine.project}"
        return f"{place}/{self.result.job_id()}?project={self.engine.project}"

    def state(self) -> str:
        """One of "waiting", "running", "done", "failed" and "cancelled"."""
        return _STATES.get(str(self.result.state), "waiting")

    def failure(self) -> str:
        """Dataflow's last error message, in one line."""
        found, _ = self.result._runner.dataflow_client.list_messages(
            self.result.job_id(), minimum_importance="JOB_MESSAGE_ERROR"
        )
        texts = [_one_line(message.message_text) for message in found if message.message_text]
        return texts[-1] if texts else f"Dataflow gives no reason; see {self.link}"


def _credentials() -> Any:
    """Application default credentials.

    Raises:
        UsageError: there are none, or the extra is not installed.
    """
    try:
        from prep_corpus.pipeline.storage.remote.gs import default_credentials
    except ImportError as error:
        raise UsageError("submit dataflow needs pip install 'prep-corpus[gcp]'") from error
    return default_credentials()


def check_image(image: str, credentials: Any) -> None:
    """See that an image is in its registry, where that is Google's or on this machine; others are not asked.

    Raises:
        UsageError: it is not there, or may not be read.
    """
    from google.auth.credentials import AnonymousCredentials
    from google.auth.exceptions import GoogleAuthError
    from google.auth.transport.requests import AuthorizedSession
    from requests.exceptions import RequestException

    registry, _, path = image.partition("/")
    local = registry.split(":")[0] in ("localhost", "127.0.0.1")
    if not (
        local
        or registry.endswith(".pkg.dev")
        or registry.split(".", 1)[-1] == "gcr.io"
        or registry == "gcr.io"
    ):
        return
    name, at, reference = path.partition("@")
    if not at:
        name, _, reference = path.partition(":")
    url = f"{'http' if local else 'https'}://{registry}/v2/{name}/manifests/{reference or 'latest'}"
    kinds = "application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json, "
    kinds += "application/vnd.docker.distribution.manifest.list.v2+json, "
    kinds += "application/vnd.docker.distribution.manifest.v2+json"
    session = AuthorizedSession(credentials or AnonymousCredentials(), max_refresh_attempts=1)
    try:
        answer = session.head(url, headers={"Accept": kinds}, timeout=_CHECK_SECONDS)
    except (RequestException, GoogleAuthError) as error:
        raise UsageError(f"--image {image}: the registry cannot be reached: {innermost(error)}") from error
    if answer.status_code == 404:
        raise UsageError(f"--image {image}: there is no such image in {registry}; build and push it first")
    if answer.status_code in (401, 403):
        raise UsageError(
            f"--image {image}: the credentials in use may not read it (HTTP {answer.status_code})"
        )


def _one_line(error: object) -> str:
    return " ".join(str(error).split())
