"""A pool of Python workers for task managers on the same machine, on loopback alone.

Beam's own pool listens on every interface, starts a bare `python` from PATH, which may be another one, and imports
everything anew for every stage. It tells workers apart by ids that are unique for one task manager only: of two beside
it, one stops the other's workers.

Source: apache_beam.runners.worker.worker_pool_main.
"""

from __future__ import annotations

import atexit
import logging
import multiprocessing
import multiprocessing.process
import signal
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import grpc
from apache_beam.portability.api import beam_fn_api_pb2, beam_fn_api_pb2_grpc

from prep_corpus.align.errors import UsageError

_END_SECONDS = 5.0


_IMPORTED_ONCE = ["apache_beam.runners.worker.sdk_worker", "prep_corpus.pipeline.graph"]
"""Engines start workers for every stage; each is then a fork of a process that has these."""


def work(control: str, worker_id: str) -> None:
    """Be a worker until the engine closes the connection.

    Args:
        control: address of the engine's control service.
        worker_id: as the engine has it.
    """
    from apache_beam.runners.worker.sdk_worker import SdkHarness

    # A task manager that is lost or has done closes all connections: no defect of the worker's, and one line's worth.
    logging.getLogger("apache_beam.runners.worker.data_plane").setLevel(logging.CRITICAL)
    threading.excepthook = _tell_of_thread
    try:
        SdkHarness(control, worker_id=worker_id).run()
    except grpc.RpcError:
        print(f"worker {worker_id} ends: its engine has closed the connection", file=sys.stderr)


def _tell_of_thread(raised: threading.ExceptHookArgs) -> None:
    if not issubclass(raised.exc_type, grpc.RpcError):
        threading.__excepthook__(raised)


class _Pool(beam_fn_api_pb2_grpc.BeamFnExternalWorkerPoolServicer):
    """Starts a process for whoever asks."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._context = multiprocessing.get_context("forkserver")
        self._context.set_forkserver_preload(_IMPORTED_ONCE)
        self._processes: list[multiprocessing.process.BaseProcess] = []

    def StartWorker(
        self, request: beam_fn_api_pb2.StartWorkerRequest, context: object
    ) -> beam_fn_api_pb2.StartWorkerResponse:
        """Start a worker that connects to the caller."""
        process = self._context.Process(target=work, args=(request.control_endpoint.url, request.worker_id))
        with self._lock:
            try:
                process.start()
            except OSError as error:
                return beam_fn_api_pb2.StartWorkerResponse(error=str(error))
            self._processes = [*(one for one in self._processes if one.is_alive()), process]
        return beam_fn_api_pb2.StartWorkerResponse()

    def StopWorker(
        self, request: beam_fn_api_pb2.StopWorkerRequest, context: object
    ) -> beam_fn_api_pb2.StopWorkerResponse:
        """Nothing: a worker ends when its task manager closes the connection, and an id may belong to two."""
        return beam_fn_api_pb2.StopWorkerResponse()

    def stop(self) -> None:
        """End all workers."""
        with self._lock:
            for process in self._processes:
                process.terminate()
            for process in self._processes:
                process.join(_END_SECONDS)
                if process.is_alive():
                    process.kill()


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
    pool = _Pool()
    server = grpc.server(ThreadPoolExecutor(max_workers=8))
    beam_fn_api_pb2_grpc.add_BeamFnExternalWorkerPoolServicer_to_server(pool, server)
    try:
        bound = server.add_insecure_port(f"{host}:{port}")
    except RuntimeError as error:
        raise UsageError(f"--host {host} --port {port}: no pool can listen there: {error}") from error
    server.start()
    atexit.register(pool.stop)
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
