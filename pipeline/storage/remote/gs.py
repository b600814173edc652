"""gs:// over google-cloud-storage: one put that creates only where there is nothing, range reads of one generation.

As whom is google-auth's own business (application default credentials), or Beam's --impersonate_service_account.
STORAGE_EMULATOR_HOST names another server, which is asked without credentials.

Source: Cloud Storage documentation, "Request preconditions" (ifGenerationMatch=0) and "Retry strategy".
"""

from __future__ import annotations

import functools
import os
import threading
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO, TypeVar

import google.auth
from apache_beam.io.filesystems import FileSystems
from apache_beam.io.gcp.gcsio import create_storage_client
from apache_beam.options.pipeline_options import PipelineOptions
from google.api_core.exceptions import Forbidden, GoogleAPIError, NotFound, PreconditionFailed, Unauthorized
from google.auth.exceptions import DefaultCredentialsError, GoogleAuthError
from google.auth.transport.requests import Request
from google.cloud import storage
from google.cloud.storage.retry import DEFAULT_RETRY
from requests.exceptions import RequestException

from prep_corpus.align.errors import UsageError
from prep_corpus.pipeline.storage.remote.object_stores import (
    Identity,
    ObjectReplaced,
    ranged,
    split_name,
    split_uri,
)

_RETRY = DEFAULT_RETRY.with_timeout(300.0)
_SECONDS = 60
_HURRIED_SECONDS = 4
_HURRIED_RETRY = DEFAULT_RETRY.with_timeout(float(_HURRIED_SECONDS))
_FAILURES = (GoogleAPIError, GoogleAuthError, RequestException)

_Result = TypeVar("_Result")


class _HurriedRequest(Request):
    """Asks the machine whether it is one of Google's, without the three seconds a try that others get."""

    def __call__(
        self,
        url: Any,
        method: Any = "GET",
        body: Any = None,
        headers: Any = None,
        timeout: Any = 1,
        **rest: Any,
    ) -> Any:
        return super().__call__(url, method, body, headers, min(timeout, 1), **rest)


def default_credentials() -> Any:
    """Application default credentials.

    Raises:
        UsageError: there are none.
    """
    try:
        credentials, _ = google.auth.default(
            scopes=["https://www.googleapis.com/auth/cloud-platform"], request=_HurriedRequest()
        )
    except DefaultCredentialsError as error:
        raise UsageError(
            "no Google credentials were found; run `gcloud auth application-default login`, or set "
            "GOOGLE_APPLICATION_CREDENTIALS"
        ) from error
    return credentials


# The client's session is made for one thread, and a forked process needs its own.
@functools.lru_cache(maxsize=64)
def _client(process: int, thread: int) -> Any:
    if os.environ.get("STORAGE_EMULATOR_HOST"):
        return storage.Client.create_anonymous_client()
    # Beam asks for half a minute and then goes on without; this fails in seconds.
    default_credentials()
    return create_storage_client(FileSystems._pipeline_options or PipelineOptions([]))


def _os_error(uri: str, error: Exception) -> OSError:
    if isinstance(error, NotFound):
        return FileNotFoundError(f"no such file: {uri}")
    if isinstance(error, (Forbidden, Unauthorized)):
        return PermissionError(f"access denied: {uri}")
    if isinstance(error, PreconditionFailed):
        return ObjectReplaced(f"the object was replaced while it was read: {uri}")
    return OSError(f"{uri}: {error}")


def _ask(uri: str, call: Callable[[], _Result]) -> _Result:
    try:
        return call()
    except _FAILURES as error:
        raise _os_error(uri, error) from error


class GoogleStorage:
    """The Cloud Storage of this thread; see `ObjectStore`."""

    def _blob(self, uri: str) -> Any:
        bucket, name = split_uri(uri)
        try:
            client = _ask(uri, lambda: _client(os.getpid(), threading.get_ident()))
        except UsageError as error:
            # In the middle of a run this is a failure of the machine, and no fault of a recording.
            raise OSError(f"{uri}: {error}") from error
        return client.bucket(bucket).blob(name)

    def _known(self, uri: str) -> Any:
        split_name(uri)
        blob = self._blob(uri)
        _ask(uri, lambda: blob.reload(retry=_RETRY, timeout=_SECONDS))
        return blob

    def identity(self, uri: str) -> Identity:
        """Size, time and CRC32C, by one request."""
        return _identity(self._known(uri))

    def open(self, uri: str) -> BinaryIO:
        """An object for reading and seeking; every range is of the generation that was there at the start."""
        known = self._known(uri)

        def fetch(start: int, end: int) -> bytes:
            # The end is included, and a client is of its thread.
            blob = self._blob(uri)
            data: bytes = _ask(
                uri,
                lambda: blob.download_as_bytes(
                    start=start,
                    end=end - 1,
                    if_generation_match=known.generation,
                    raw_download=True,
                    checksum=None,
                    retry=_RETRY,
                    timeout=_SECONDS,
                ),
            )
            return data

        return ranged(_identity(known), fetch)

    def put(self, uri: str, file: BinaryIO, *, replace: bool) -> bool:
        """Publish a file by one upload; generation 0 stands for "only where there is none"."""
        blob = self._blob(uri)
        size_bytes = file.seek(0, os.SEEK_END)
        file.seek(0)
        try:
            blob.upload_from_file(
                file,
                size=size_bytes,
                if_generation_match=None if replace else 0,
                checksum="crc32c",
                retry=_RETRY,
                timeout=_SECONDS,
            )
        except PreconditionFailed:
            # Another writer was first, or our own first try whose answer was lost.
            return False
        except _FAILURES as error:
            raise _os_error(uri, error) from error
        return True

    def names(self, prefix: str, limit: int | None = None) -> Iterator[str]:
        """URIs that begin with a prefix, in order."""
        blob = self._blob(prefix)
        found = blob.client.list_blobs(
            blob.bucket, prefix=blob.name, max_results=limit, retry=_RETRY, timeout=_SECONDS
        )
        for one in _ask(prefix, lambda: list(found)):
            yield f"gs://{blob.bucket.name}/{one.name}"

    def remove(self, uri: str) -> None:
        """Delete an object, if it is there."""
        blob = self._blob(uri)
        try:
            blob.delete(retry=_RETRY, timeout=_SECONDS)
        except NotFound:
            return
        except _FAILURES as error:
            raise _os_error(uri, error) from error

    def check_bucket(self, uri: str) -> None:
        """See that the bucket is there and that we may list it.

        Raises:
            UsageError: it is not, or we may not.
        """
        bucket, _ = split_uri(uri)
        try:
            client = _client(os.getpid(), threading.get_ident())
            # Of the rights that a run needs, listing is the one that asks for the bucket itself.
            list(client.list_blobs(bucket, max_results=1, retry=_HURRIED_RETRY, timeout=_HURRIED_SECONDS))
        except UsageError as error:
            raise UsageError(f"{uri}: {error}") from error
        except NotFound as error:
            raise UsageError(f"{uri}: there is no bucket {bucket!r}; make it first") from error
        except (Forbidden, Unauthorized) as error:
            raise UsageError(f"{uri}: the credentials in use may not list the bucket {bucket!r}") from error
        except GoogleAuthError as error:
            raise UsageError(f"{uri}: the credentials in use are not accepted: {error}") from error
        except (GoogleAPIError, RequestException) as error:
            raise UsageError(f"{uri}: the store cannot be reached: {error}") from error


def _identity(blob: Any) -> Identity:
    return Identity(
        size_bytes=blob.size, modified_ns=int(blob.updated.timestamp() * 1e9), checksum=blob.crc32c
    )
