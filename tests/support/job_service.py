"""Beam's local portable job service on loopback, for the runs that tests submit; it prints its port."""

from __future__ import annotations

import threading

from apache_beam.runners.portability.local_job_service import LocalJobServicer


class LoopbackService(LocalJobServicer):
    """On 127.0.0.1 alone; its own default is a name."""

    def get_service_address(self) -> str:
        return "127.0.0.1"


if __name__ == "__main__":
    service = LoopbackService()
    print(service.start_grpc_server(0), flush=True)
    threading.Event().wait()
