"""A pool of Python workers for task managers on the same machine, on loopback alone.

Beam's own pool listens on every interface, and starts a bare `python` from PATH, which may be another one.
"""

from __future__ import annotations

import atexit
import os
import signal
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc
from apache_beam.portability.api import beam_fn_api_pb2_grpc
from apache_beam.runners.worker.worker_pool_main import (
    BeamFnExternalWorkerPoolServicer,
    kill_process_gracefully,
)

from prep_corpus.align.errors import UsageError


def start_pool(host: str, port: int) -> tuple[grpc.Server, int]:
    """Start a pool that gives every runner that asks a worker process of this Python.

    Args:
        host: address to listen on.
        port: port, or 0 for any.

    Returns:
        The server and its port.

    Raises:
        UsageError: the address cannot be used.
    """
    os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    pool = BeamFnExternalWorkerPoolServicer(use_process=True)
    server = grpc.server(ThreadPoolExecutor(max_workers=8))
    beam_fn_api_pb2_grpc.add_BeamFnExternalWorkerPoolServicer_to_server(pool, server)
    try:
        bound = server.add_insecure_port(f"{host}:{port}")
    except RuntimeError as error:
        raise UsageError(f"--host {host} --port {port}: no pool can listen there: {error}") from error
    server.start()

    def stop_workers() -> None:
        for process in list(pool._worker_processes.values()):
            kill_process_gracefully(process)

    atexit.register(stop_workers)
    return server, bound


def serve(host: str, port: int) -> None:
    """Keep a pool until the process is told to end; its workers end with it."""
    server, bound = start_pool(host, port)
    print(f"workers at {host}:{bound}", flush=True)
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    ended.wait()
    server.stop(1).wait()
