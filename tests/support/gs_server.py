"""A Cloud Storage server on loopback, fake-gcs-server, where its binary is installed (`make test-clouds` does)."""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


@contextmanager
def gs_server(*buckets: str) -> Iterator[str]:
    """The server's address for as long as the block lasts; skips the test where there is no server."""
    beside = Path(sys.executable).parent / "fake-gcs-server"
    program = str(beside) if beside.exists() else shutil.which("fake-gcs-server")
    if program is None:
        pytest.skip("no fake-gcs-server here: `make test-clouds` installs it where there is Go")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = subprocess.Popen(
        [
            *(program, "-scheme", "http", "-host", "127.0.0.1", "-port", str(port), "-backend", "memory"),
            *("-public-host", f"127.0.0.1:{port}", "-log-level", "error"),
        ]
    )
    try:
        _wait(port)
        address = f"http://127.0.0.1:{port}"
        import requests

        for bucket in buckets:
            requests.post(f"{address}/storage/v1/b", json={"name": bucket}, timeout=10).raise_for_status()
        yield address
    finally:
        server.kill()
        server.wait()


def _wait(port: int) -> None:
    for _ in range(600):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise TimeoutError("fake-gcs-server did not listen within a minute")
