"""An S3 server on loopback, moto's, that can refuse a share of the requests as a busy store does."""

from __future__ import annotations

import logging
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import make_server

Start = Callable[..., Any]

SLOW_SECONDS = 0.5
"""How late a slow answer is."""


class Refusing:
    """Counts requests, and treats some of them badly.

    Attributes:
        share: of requests that are refused; half of them before they are done, half after, so that an answer is
            lost.
        first: how many of the next requests are refused whatever the share.
        slow_share: of requests that are answered late.
        cut_bodies: how many of the next answers with a body break off half-way.
        knows_conditions: False to behave as a store without conditional writes.
        requests: by method, since the last `clear`.
        refused: of them.
    """

    def __init__(self, application: Callable[[dict[str, Any], Start], Iterable[bytes]]) -> None:
        self._application = application
        self._lock = threading.Lock()
        self.share = 0.0
        self.first = 0
        self.slow_share = 0.0
        self.cut_bodies = 0
        self.knows_conditions = True
        self.clear()

    def clear(self) -> None:
        """Begin to count anew, and to refuse by the same chances."""
        self._chance = random.Random(1)
        self.requests: Counter[str] = Counter()
        self.refused = 0

    def __call__(self, environ: dict[str, Any], start: Start) -> Iterable[bytes]:
        method = environ["REQUEST_METHOD"]
        with self._lock:
            refuse = self._chance.random() < self.share or self.first > 0
            self.first -= self.first > 0
            done_first = self._chance.random() < 0.5
            cut = method == "GET" and self.cut_bodies > 0
            self.cut_bodies -= cut
            slow = self.slow_share > 0 and self._chance.random() < self.slow_share
            self.requests[method] += 1
            self.refused += refuse
        if slow:
            time.sleep(SLOW_SECONDS)
        if not self.knows_conditions and "HTTP_IF_NONE_MATCH" in environ:
            environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
            return _error(start, "501 Not Implemented", "NotImplemented", method)
        if refuse and done_first:
            for _ in self._application(environ, lambda *args, **more: lambda data: None):
                pass
        elif refuse:
            environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        if refuse:
            return _error(start, "503 Slow Down", "SlowDown", method)
        answer = self._application(environ, start)
        if not cut:
            return answer
        body = b"".join(answer)
        return [body[: len(body) // 2]]


def _error(start: Start, status: str, code: str, method: str) -> list[bytes]:
    text = (
        f'<?xml version="1.0" encoding="UTF-8"?><Error><Code>{code}</Code><Message>not now</Message></Error>'
    )
    start(status, [("Content-Type", "application/xml"), ("Content-Length", str(len(text)))])
    return [] if method == "HEAD" else [text.encode()]


class S3Server:
    """A running server.

    Attributes:
        refusing: counts requests, and refuses some where it is told to.
        environment: variables for processes that shall use it.
    """

    def __init__(self, refusing: Refusing, port: int) -> None:
        self.refusing = refusing
        self.environment = {
            "AWS_ENDPOINT_URL_S3": f"http://127.0.0.1:{port}",
            "AWS_ACCESS_KEY_ID": "testing",
            "AWS_SECRET_ACCESS_KEY": "testing",
            "AWS_DEFAULT_REGION": "us-east-1",
        }

    def client(self) -> Any:
        """A client of the tests' own."""
        import boto3

        return boto3.client(
            "s3",
            endpoint_url=self.environment["AWS_ENDPOINT_URL_S3"],
            aws_access_key_id="testing",
            aws_secret_access_key="testing",
            region_name="us-east-1",
        )

    def objects(self, bucket: str) -> dict[str, bytes]:
        """All objects of a bucket."""
        client = self.client()
        pages = client.get_paginator("list_objects_v2").paginate(Bucket=bucket)
        return {
            found["Key"]: client.get_object(Bucket=bucket, Key=found["Key"])["Body"].read()
            for page in pages
            for found in page.get("Contents", [])
        }


@contextmanager
def s3_server() -> Iterator[S3Server]:
    """A server for as long as the block lasts."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    refusing = Refusing(DomainDispatcherApplication(create_backend_app))
    server = make_server("127.0.0.1", 0, refusing, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield S3Server(refusing, server.server_port)
    finally:
        server.shutdown()
        thread.join()
