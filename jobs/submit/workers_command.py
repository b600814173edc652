"""`prep-corpus workers`: a pool of workers for the engine on this machine."""

from __future__ import annotations

import click


@click.command("workers")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=50000,
    show_default=True,
    help="Port to listen on; 0 for any that is free.",
)
@click.option(
    "--host",
    default="127.0.0.1",
    show_default=True,
    help="Address to listen on; on any but loopback, other machines may then run code here.",
)
def workers_command(port: int, host: str) -> None:
    """Give the task manager on this machine Python workers, for `submit --worker-pool`; runs until it is stopped."""
    import socket

    from prep_corpus.align.errors import UsageError

    try:
        socket.getaddrinfo(host, port)
    except OSError as error:
        raise UsageError(f"--host {host}: there is no such address: {error.strerror}") from error
    from prep_corpus.jobs.submit.workers import serve

    serve(host, port)
