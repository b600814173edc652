"""The pool of workers for task managers: what a worker says when its engine goes."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import grpc
from apache_beam.portability.api import beam_fn_api_pb2, beam_fn_api_pb2_grpc


class Control(beam_fn_api_pb2_grpc.BeamFnControlServicer):
    """An engine that gives no work."""

    def __init__(self) -> None:
        self.connected = threading.Event()
        self.over = threading.Event()

    def Control(
        self, request_iterator: object, context: grpc.ServicerContext
    ) -> Iterator[beam_fn_api_pb2.InstructionRequest]:
        """Keep the worker waiting until the engine is lost."""
        self.connected.set()
        self.over.wait(600)
        context.abort(grpc.StatusCode.CANCELLED, "lost")
        yield beam_fn_api_pb2.InstructionRequest()


def test_a_worker_whose_engine_is_lost_ends_with_one_line() -> None:
    control = Control()
    server = grpc.server(ThreadPoolExecutor(max_workers=4))
    beam_fn_api_pb2_grpc.add_BeamFnControlServicer_to_server(control, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    program = f"from prep_corpus.jobs.submit.workers import work; work('127.0.0.1:{port}', 'tm-0-1')"
    worker = subprocess.Popen([sys.executable, "-c", program], stderr=subprocess.PIPE, text=True)
    try:
        assert control.connected.wait(600)
        control.over.set()
        _, told = worker.communicate(timeout=600)
    finally:
        worker.kill()
        server.stop(0).wait()
    assert worker.returncode == 0
    assert told.splitlines()[-1] == "worker tm-0-1 ends: its engine has closed the connection"
    assert "Traceback" not in told
