"""Dataflow's REST interface and an image registry on loopback, as far as a submission speaks to them."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import requests
from flask import Flask, Response, jsonify, request
from werkzeug.serving import make_server

PROJECT, REGION, IMAGE = "speech-project-1", "europe-west4", "team/prep-corpus:v1"


@dataclass
class DataflowServer:
    """What was sent to it, and what it shall say.

    Attributes:
        port: where it listens, on localhost.
        created: the job that was created last, as JSON.
        state: of that job.
        messages: its error messages.
        storage: address of the Cloud Storage server to carry jobs out from; None to leave them undone.
    """

    port: int = 0
    created: dict[str, Any] = field(default_factory=dict)
    state: str = "JOB_STATE_RUNNING"
    messages: list[str] = field(default_factory=list)
    storage: str | None = None

    @property
    def endpoint(self) -> str:
        """For --endpoint."""
        return f"http://localhost:{self.port}"

    @property
    def image(self) -> str:
        """An image that its registry holds."""
        return f"localhost:{self.port}/{IMAGE}"


def _application(server: DataflowServer) -> Flask:
    application = Flask("dataflow")
    jobs = "/v1b3/projects/<project>/locations/<region>/jobs"

    @application.before_request
    def refuse_strangers() -> tuple[Response, int] | None:
        if not request.path.startswith("/v1b3/"):
            return None
        arguments = request.view_args or {}
        if arguments.get("project") != PROJECT:
            error = {"code": 403, "status": "PERMISSION_DENIED", "message": "Dataflow API has not been used"}
            return jsonify(error=error), 403
        if arguments.get("region") != REGION:
            return jsonify(error={"code": 404, "status": "NOT_FOUND", "message": "no such location"}), 404
        return None

    def shown() -> dict[str, Any]:
        named = {"id": "job-1", "name": server.created.get("name", ""), "currentState": server.state}
        return {**named, "projectId": PROJECT, "location": REGION}

    @application.get(jobs)
    def list_jobs(project: str, region: str) -> Response:
        return jsonify(jobs=[])

    @application.post(jobs)
    def create_job(project: str, region: str) -> Response:
        server.created = request.get_json()
        if server.storage is not None:
            threading.Thread(target=_carry_out, args=(server, server.storage), daemon=True).start()
        return jsonify({**shown(), "clientRequestId": server.created.get("clientRequestId", "")})

    @application.get(jobs + "/job-1")
    def get_job(project: str, region: str) -> Response:
        return jsonify(shown())

    @application.get(jobs + "/job-1/messages")
    def list_messages(project: str, region: str) -> Response:
        found = [
            {"id": str(number), "messageText": text, "messageImportance": "JOB_MESSAGE_ERROR"}
            for number, text in enumerate(server.messages)
        ]
        return jsonify(jobMessages=found)

    @application.get("/v2/<path:name>/manifests/<tag>")
    def manifest(name: str, tag: str) -> tuple[str, int]:
        return ("{}", 200) if f"{name}:{tag}" == IMAGE else ("", 404)

    return application


def _carry_out(server: DataflowServer, storage: str) -> None:
    """Run a job's staged graph, as Beam's translation has left it, with the workers' code in this process."""
    from apache_beam.options.pipeline_options import PipelineOptions
    from apache_beam.portability.api import beam_runner_api_pb2
    from apache_beam.runners.portability.fn_api_runner import FnApiRunner

    folder = server.created["environment"]["sdkPipelineOptions"]["options"]["staging_location"]
    bucket, _, name = folder.removeprefix("gs://").partition("/")
    path = f"{name}/pipeline.pb".replace("/", "%2F")
    staged = requests.get(f"{storage}/storage/v1/b/{bucket}/o/{path}?alt=media", timeout=60)
    try:
        graph = beam_runner_api_pb2.Pipeline.FromString(staged.content)
        for environment in graph.components.environments.values():
            environment.urn, environment.payload = "beam:env:embedded_python:v1", b""
        result = FnApiRunner().run_via_runner_api(graph, PipelineOptions([]))
        result.wait_until_finish()
        server.state = "JOB_STATE_DONE"
    except Exception as error:
        server.messages, server.state = [repr(error)], "JOB_STATE_FAILED"


@contextmanager
def dataflow_server() -> Iterator[DataflowServer]:
    """A server for as long as the block lasts."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = DataflowServer()
    listening = make_server("127.0.0.1", 0, _application(server), threaded=True)
    server.port = listening.server_port
    thread = threading.Thread(target=listening.serve_forever, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        listening.shutdown()
        thread.join()
