"""The Dataflow job of the real graph, built by this version's translation, staged and submitted on loopback."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from support.dataflow_server import PROJECT, REGION, DataflowServer, dataflow_server
from support.moments import promptly

from prep_corpus.align.errors import UsageError
from prep_corpus.align.model.models import load_model
from prep_corpus.jobs.cli import main
from prep_corpus.jobs.config import RunConfig
from prep_corpus.jobs.submit.dataflow import GPUS, Dataflow
from prep_corpus.jobs.submit.submission import RunEstimate

pytest.importorskip("google.cloud.dataflow_v1beta3", reason="Dataflow needs prep-corpus[gcp]")

ACCELERATOR = "beam:resources:accelerator:v1"
MIN_RAM = "beam:resources:min_ram_bytes:v1"
ESTIMATE = RunEstimate(
    recordings=10, bundles=4, audio_hours=4.0, cpu_hours=0.1, model_hours=0.1, read_bytes=1, written_bytes=1
)


@pytest.fixture(scope="module")
def server() -> Iterator[DataflowServer]:
    with dataflow_server() as server:
        yield server


@pytest.fixture(scope="module")
def engine(server: DataflowServer) -> Dataflow:
    return Dataflow(
        project=PROJECT,
        region=REGION,
        image=server.image,
        temp="gs://bucket-name/temp",
        workers=16,
        gpu="l4",
        service_account="runner@speech-project-1.iam.gserviceaccount.com",
        subnetwork="regions/europe-west4/subnetworks/default",
        public_ips=False,
        endpoint=server.endpoint,
    )


def graph(out: Path, accelerator: str | None) -> Any:
    """The real graph's options for a run that nothing has read yet."""
    from prep_corpus.jobs.runs.prepare import shard_place
    from prep_corpus.jobs.runs.stage_options import graph_options, segment_options
    from prep_corpus.jobs.start.corpus import Corpus
    from prep_corpus.jobs.start.operating_point import open_filter, operating_point

    config = RunConfig(manifest="gs://bucket-name/m.jsonl", out=str(out), device="cpu", workers=4)
    model = load_model("english", "cpu")
    fitted = open_filter(config, model.info, None)
    corpus = Corpus(bundles=("a",), bundle_seconds=(3600.0,), recordings=1, dead_letters=())
    point = operating_point(config, fitted, None)
    options = graph_options(
        config,
        corpus,
        model.info,
        segment_options(config, model.info, fitted, point, None),
        shard_place(config, model.info.sample_rate_hz),
        "gs://bucket-name/list.txt",
    )
    if accelerator is None:
        return options
    return replace(options, emit=replace(options.emit, device="cuda", accelerator=accelerator))


class Submitted:
    """A job that was built, staged and created."""

    def __init__(self, engine: Dataflow, options: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        import apache_beam as beam
        from apache_beam.options.pipeline_options import PipelineOptions
        from apache_beam.runners.dataflow.internal.apiclient import DataflowApplicationClient

        from prep_corpus.pipeline.graph import build

        self.staged: dict[str, bytes] = {}

        def stage(_: Any, folder: str, name: str, stream: Any, **more: Any) -> None:
            self.staged[f"{folder}/{name}"] = (
                stream.read() if hasattr(stream, "read") else Path(stream).read_bytes()
            )

        monkeypatch.setattr(DataflowApplicationClient, "stage_file_with_retry", stage)
        pipeline = beam.Pipeline(options=PipelineOptions(engine.beam_options("run-1")))
        build(pipeline, options)
        self.result = pipeline.run()
        self.job = engine.job(self.result, "run-1")

    @property
    def proto(self) -> Any:
        """The graph as Dataflow gets it."""
        from apache_beam.portability.api import beam_runner_api_pb2

        (staged,) = [data for name, data in self.staged.items() if name.endswith("pipeline.pb")]
        return beam_runner_api_pb2.Pipeline.FromString(staged)


@pytest.fixture(scope="module")
def submitted(engine: Dataflow, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Submitted]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NO_GCE_CHECK", "true")
        yield Submitted(engine, graph(tmp_path_factory.mktemp("out"), engine.accelerator), patch)


def hints_by_step(proto: Any) -> dict[str, dict[str, bytes]]:
    """The resource hints of every step that runs code of ours."""
    components = proto.components
    return {
        transform.unique_name: dict(components.environments[transform.environment_id].resource_hints)
        for transform in components.transforms.values()
        if transform.environment_id and not transform.subtransforms
    }


def test_exactly_the_emit_step_carries_the_accelerator(submitted: Submitted) -> None:
    hints = hints_by_step(submitted.proto)
    assert len(hints) > 20
    on_gpu = {step for step, given in hints.items() if ACCELERATOR in given}
    # Both are one stage: what watches it runs where it runs.
    assert on_gpu == {"Emit/WatchEmit", "Emit/EmitBundles"}
    accelerator = b"type:nvidia-l4;count:1;machine_type:g2-standard-8;install-nvidia-driver"
    assert hints["Emit/EmitBundles"][ACCELERATOR] == accelerator
    assert int(hints["Emit/EmitBundles"][MIN_RAM]) == 16 * 10**9
    assert {step for step, given in hints.items() if MIN_RAM in given} == on_gpu


def test_a_reshuffle_stands_on_either_side_of_emit(submitted: Submitted) -> None:
    transforms = {one.unique_name: one for one in submitted.proto.components.transforms.values()}
    (taken,) = transforms["Emit/WatchEmit"].inputs.values()
    (given,) = transforms["Emit/EmitBundles"].outputs.values()
    makers = {
        name for name, one in transforms.items() if taken in one.outputs.values() and not one.subtransforms
    }
    takers = {
        name for name, one in transforms.items() if given in one.inputs.values() and not one.subtransforms
    }
    assert len(makers) == 1
    assert makers.pop().startswith("SpreadBundles/")
    assert len(takers) == 1
    assert takers.pop().startswith("SpreadEmitted/")


def test_the_job_names_image_places_and_workers(submitted: Submitted, server: DataflowServer) -> None:
    from apache_beam.portability.api import beam_runner_api_pb2

    job = server.created
    environment, options = job["environment"], job["environment"]["sdkPipelineOptions"]["options"]
    assert job["name"] == "run-1"
    assert environment["tempStoragePrefix"].startswith("storage.googleapis.com/bucket-name/temp/temp/run-1.")
    assert options["staging_location"].startswith("gs://bucket-name/temp/staging/")
    assert all(name.startswith(options["staging_location"]) for name in submitted.staged)
    assert "no_use_multiple_sdk_containers" in environment["experiments"]
    assert environment["serviceAccountEmail"] == "runner@speech-project-1.iam.gserviceaccount.com"
    (pool,) = environment["workerPools"]
    assert pool["autoscalingSettings"]["maxNumWorkers"] == 16
    assert pool["machineType"] == "n2-standard-4"
    assert pool["numThreadsPerWorker"] == 4
    assert pool["ipConfiguration"] in (2, "WORKER_IP_PRIVATE")
    assert pool["subnetwork"] == "regions/europe-west4/subnetworks/default"
    images = {image["containerImage"] for image in pool["sdkHarnessContainerImages"]}
    assert images == {server.image}
    for one in submitted.proto.components.environments.values():
        payload = beam_runner_api_pb2.DockerPayload.FromString(one.payload)
        assert payload.container_image == server.image


def test_nothing_is_pickled_from_the_launcher(submitted: Submitted, server: DataflowServer) -> None:
    options = server.created["environment"]["sdkPipelineOptions"]["options"]
    assert not options.get("save_main_session")
    assert [name.rsplit("/", 1)[-1] for name in submitted.staged] == ["pipeline.pb"]
    for environment in submitted.proto.components.environments.values():
        assert not environment.dependencies
    (staged,) = submitted.staged.values()
    # A job refers to a list of bundles and does not hold it, whatever their number.
    assert len(staged) < 2_000_000


def test_the_job_is_followed_to_its_end(submitted: Submitted, server: DataflowServer) -> None:
    job = submitted.job
    assert job.link == (
        "https://console.cloud.google.com/dataflow/jobs/europe-west4/job-1?project=speech-project-1"
    )
    server.state = "JOB_STATE_QUEUED"
    assert job.state() == "waiting"
    server.state = "JOB_STATE_RUNNING"
    assert job.state() == "running"
    server.state, server.messages = (
        "JOB_STATE_FAILED",
        ["first", "Workflow failed.\nCauses: quota NVIDIA_L4_GPUS"],
    )
    assert job.state() == "failed"
    assert job.failure() == "Workflow failed. Causes: quota NVIDIA_L4_GPUS"


def test_every_gpu_has_a_machine_and_others_are_handed_on(engine: Dataflow) -> None:
    for name, gpu in GPUS.items():
        hint = replace(engine, gpu=name).accelerator
        assert hint == f"type:{gpu.accelerator};count:1;machine_type:{gpu.machine_type};install-nvidia-driver"
    assert replace(engine, gpu="nvidia-b200").accelerator == "type:nvidia-b200;count:1;install-nvidia-driver"
    other = replace(engine, gpu="nvidia-l4:g2-standard-16").accelerator
    assert other == "type:nvidia-l4;count:1;machine_type:g2-standard-16;install-nvidia-driver"
    lines = "\n".join(engine.hints(ESTIMATE))
    assert "NVIDIA_L4_GPUS of 4 in europe-west4" in lines
    assert "of 16 workers 4 bundles can keep 4 busy" in lines


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"project": "Not A Project"}, "--project takes a project id"),
        ({"region": "europe"}, "--region takes a region"),
        ({"image": ""}, "--image must name"),
        ({"temp": "/tmp/x"}, "--temp must be a folder on gs://"),
        ({"temp": "gs://b/x"}, "--temp must be a folder on gs://"),
        ({"workers": 0}, "--workers must be at least 1"),
    ],
)
def test_what_cannot_be_right_is_refused(engine: Dataflow, changed: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        replace(engine, **changed)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"project": "another-project"}, "may not use Dataflow there.*Dataflow API has not been used"),
        ({"region": "mars-north1"}, "Dataflow knows no such project or region"),
        ({"image": "localhost:PORT/team/prep-corpus:v2"}, "there is no such image in localhost"),
        ({"image": "localhost:9/team/prep-corpus:v1"}, "the registry cannot be reached"),
        ({"endpoint": "http://localhost:9"}, "Dataflow cannot be reached"),
        ({"temp": "gs://no-such-bucket/x"}, "there is no bucket 'no-such-bucket'"),
    ],
)
def test_what_is_not_there_is_one_line_within_seconds(
    engine: Dataflow,
    server: DataflowServer,
    monkeypatch: pytest.MonkeyPatch,
    changed: dict[str, Any],
    message: str,
) -> None:
    from prep_corpus.pipeline.storage import files

    def check_place(uri: str) -> None:
        # The store's own check has its own tests, against a server.
        if "no-such" in uri:
            raise UsageError(f"{uri}: there is no bucket 'no-such-bucket'; make it first")

    monkeypatch.setattr(files, "check_place", check_place)
    engine.check()
    wrong = replace(
        engine, **{key: value.replace("PORT", str(server.port)) for key, value in changed.items()}
    )
    told = promptly(lambda: refusal(wrong))
    assert re.search(message, told)
    assert "\n" not in told


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"--image": ""}, "--image must name the workers' container image"),
        ({"--temp": "/tmp"}, "--temp must be a folder on gs://"),
        (
            {"--out": "run", "--temp": "gs://bucket-name/t"},
            "--out: the workers of dataflow must be able to open it",
        ),
        ({}, "no Google credentials were found"),
    ],
)
def test_the_command_refuses_in_one_line_with_exit_code_2(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, changed: dict[str, str], message: str
) -> None:
    from prep_corpus.pipeline.storage.remote import gs

    no_google(monkeypatch, tmp_path)
    gs._client.cache_clear()
    options = {
        "--out": "gs://bucket-name/run",
        "--project": PROJECT,
        "--region": REGION,
        "--image": "europe-docker.pkg.dev/p/r/prep-corpus:v1",
        "--gpu": "l4",
    }
    given = [word for pair in {**options, **changed}.items() for word in pair]
    done = promptly(
        lambda: CliRunner().invoke(main, ["submit", "dataflow", "gs://bucket-name/m.jsonl", *given])
    )
    assert done.exit_code == 2
    (line,) = [line for line in done.output.splitlines() if line.strip()]
    assert message in line


def refusal(engine: Dataflow) -> str:
    """What a check says that must refuse."""
    with pytest.raises(UsageError) as caught:
        engine.check()
    return str(caught.value)


def no_google(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No credentials, and a machine that answers nowhere where Google's machines have their metadata server."""
    for name in ("GOOGLE_APPLICATION_CREDENTIALS", "STORAGE_EMULATOR_HOST"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("CLOUDSDK_CONFIG", str(tmp_path))
    monkeypatch.setenv("GCE_METADATA_HOST", "127.0.0.1:9")


def test_missing_credentials_are_one_line_within_seconds(
    engine: Dataflow, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    no_google(monkeypatch, tmp_path)
    assert "no Google credentials were found" in promptly(lambda: refusal(replace(engine, endpoint=None)))


def test_without_a_gpu_no_step_asks_for_one(
    engine: Dataflow, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_GCE_CHECK", "true")
    plain = replace(engine, gpu=None)
    assert plain.accelerator is None
    submitted = Submitted(plain, graph(tmp_path, None), monkeypatch)
    assert not any(ACCELERATOR in given for given in hints_by_step(submitted.proto).values())
