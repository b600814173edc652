"""s3:// over boto3: one put that creates only where there is nothing, range reads of one version, botocore's retries.

Where and as whom is boto3's own business (environment, ~/.aws, instance role), or Beam's --s3_... options.

Source: S3 API reference, "Conditional writes" (If-None-Match) and "Multipart upload overview" (limits).
"""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from io import BytesIO
from typing import Any, BinaryIO, TypeVar

import boto3
from apache_beam.io.filesystems import FileSystems
from apache_beam.options.pipeline_options import S3Options
from apache_beam.utils import retry
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    IncompleteReadError,
    NoCredentialsError,
    PartialCredentialsError,
    ReadTimeoutError,
    ResponseStreamingError,
)

from prep_corpus.align.errors import UsageError
from prep_corpus.pipeline.storage.remote.object_stores import (
    FIRST_AHEAD_BYTES,
    Identity,
    ObjectReplaced,
    ranged,
    split_name,
    split_uri,
)

ATTEMPTS = 10
"""Tries of each request; botocore waits up to 20 s between them, longer each time."""
ONE_PUT_BYTES = 64 << 20
PART_BYTES = 32 << 20

_Result = TypeVar("_Result")


@dataclass(frozen=True)
class Access:
    """Where the store is and who asks, as far as Beam's options say; None leaves it to boto3.

    Attributes:
        endpoint_url: address of a store other than Amazon's.
        region_name: region of the bucket.
        access_key_id, secret_access_key, session_token: who asks.
        use_ssl: False for plain HTTP.
        hurried: few tries and short waits, for checks that a person waits for.
    """

    endpoint_url: str | None = None
    region_name: str | None = None
    access_key_id: str | None = None
    secret_access_key: str | None = None
    session_token: str | None = None
    use_ssl: bool = True
    hurried: bool = False


def access(*, hurried: bool = False) -> Access:
    """What Beam's options say in this process."""
    options = FileSystems._pipeline_options
    if options is None:
        return Access(hurried=hurried)
    given = options.view_as(S3Options)
    return Access(
        endpoint_url=given.s3_endpoint_url,
        region_name=given.s3_region_name,
        access_key_id=given.s3_access_key_id,
        secret_access_key=given.s3_secret_access_key,
        session_token=given.s3_session_token,
        use_ssl=not given.s3_disable_ssl,
        hurried=hurried,
    )


# Clients serve any number of threads, but a forked process needs its own.
@functools.lru_cache(maxsize=16)
def _client(access: Access, process: int) -> Any:
    return boto3.session.Session().client(
        "s3",
        endpoint_url=access.endpoint_url,
        region_name=access.region_name,
        aws_access_key_id=access.access_key_id,
        aws_secret_access_key=access.secret_access_key,
        aws_session_token=access.session_token,
        use_ssl=access.use_ssl,
        config=Config(
            retries={"mode": "standard", "total_max_attempts": 2 if access.hurried else ATTEMPTS},
            connect_timeout=3 if access.hurried else 10,
            read_timeout=4 if access.hurried else 60,
            max_pool_connections=64,
        ),
    )


def _code(error: Exception) -> str:
    return str(error.response.get("Error", {}).get("Code", "")) if isinstance(error, ClientError) else ""


def _status(error: Exception) -> int:
    if not isinstance(error, ClientError):
        return 0
    return int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))


def _os_error(uri: str, error: Exception) -> OSError:
    status = _status(error)
    if status == 404:
        return FileNotFoundError(f"no such file: {uri} ({_code(error)})")
    if status == 403:
        return PermissionError(f"access denied: {uri} ({_code(error)})")
    if status == 412:
        return ObjectReplaced(f"the object was replaced while it was read: {uri}")
    return OSError(f"{uri}: {error}")


def _is_passing(error: Exception) -> bool:
    """Whether what botocore does not try again itself is worth it: a body that breaks off, puts at the same time."""
    return isinstance(error, (IncompleteReadError, ReadTimeoutError, ResponseStreamingError)) or _code(
        error
    ) in (
        "ConditionalRequestConflict",
        "IncompleteBody",
    )


def _is_busy(error: Exception) -> bool:
    """Whether a store that is there asks for patience, or breaks inside."""
    return _status(error) == 429 or _status(error) >= 500


@retry.with_exponential_backoff(num_retries=3, initial_delay_secs=0.2, retry_filter=_is_busy)
def _look(client: Any, bucket: str) -> None:
    """Ask for a bucket."""
    client.head_bucket(Bucket=bucket)


@retry.with_exponential_backoff(num_retries=5, initial_delay_secs=0.2, retry_filter=_is_passing)
def _again(call: Callable[[], _Result]) -> _Result:
    return call()


def _ask(uri: str, call: Callable[[], _Result]) -> _Result:
    try:
        return _again(call)
    except (ClientError, BotoCoreError) as error:
        raise _os_error(uri, error) from error


class S3:
    """The S3 of this process; see `ObjectStore`."""

    def __init__(self) -> None:
        self._client = _client(access(), os.getpid())

    def identity(self, uri: str) -> Identity:
        """Size, time and ETag, by one request."""
        bucket, name = split_name(uri)
        facts = _ask(uri, lambda: self._client.head_object(Bucket=bucket, Key=name))
        return Identity(
            size_bytes=facts["ContentLength"],
            modified_ns=int(facts["LastModified"].timestamp() * 1e9),
            checksum=facts["ETag"].strip('"'),
        )

    def open(self, uri: str) -> BinaryIO:
        """An object for reading and seeking; every range is of the version that was there at the start.

        The first request brings the beginning, the length and the version: for a short clip it is the only one.
        """
        bucket, name = split_name(uri)

        def get(start: int, end: int, condition: dict[str, str]) -> tuple[bytes, dict[str, Any]]:
            answer = self._client.get_object(
                Bucket=bucket, Key=name, Range=f"bytes={start}-{end - 1}", **condition
            )
            return answer["Body"].read(), answer

        try:
            first, facts = _again(lambda: get(0, FIRST_AHEAD_BYTES, {}))
        except (ClientError, BotoCoreError) as error:
            if _status(error) == 416:
                # No range lies in an empty object.
                return BytesIO()
            raise _os_error(uri, error) from error
        # A store that knows no ranges has sent all of it.
        size_bytes = int(facts.get("ContentRange", f"/{len(first)}").rpartition("/")[2])
        version = {"IfMatch": facts["ETag"]}
        identity = Identity(
            size_bytes=size_bytes,
            modified_ns=int(facts["LastModified"].timestamp() * 1e9),
            checksum=facts["ETag"].strip('"'),
        )
        return ranged(identity, lambda start, end: _ask(uri, lambda: get(start, end, version)[0]), first)

    def put(self, uri: str, file: BinaryIO, *, replace: bool) -> bool:
        """Publish a file: by one request, or as a multipart upload above `ONE_PUT_BYTES`."""
        bucket, name = split_name(uri)
        size_bytes = file.seek(0, os.SEEK_END)
        condition = {} if replace else {"IfNoneMatch": "*"}
        send = self._put_parts if size_bytes > ONE_PUT_BYTES else self._put_whole
        try:
            send(bucket, name, file, condition)
        except (ClientError, BotoCoreError) as error:
            if _code(error) == "PreconditionFailed":
                # Another writer was first, or our own first try whose answer was lost.
                return False
            if not replace and _status(error) == 501:
                # A store without conditional writes: the best it can do is to look first.
                if not self._exists(uri):
                    self.put(uri, file, replace=True)
                return False
            raise _os_error(uri, error) from error
        return True

    def _put_whole(self, bucket: str, name: str, file: BinaryIO, condition: dict[str, str]) -> None:
        def call() -> None:
            file.seek(0)
            self._client.put_object(Bucket=bucket, Key=name, Body=file, **condition)

        _again(call)

    def _put_parts(self, bucket: str, name: str, file: BinaryIO, condition: dict[str, str]) -> None:
        place = {"Bucket": bucket, "Key": name}
        upload = {**place, "UploadId": self._client.create_multipart_upload(**place)["UploadId"]}
        try:
            parts: list[dict[str, Any]] = []
            file.seek(0)
            while data := file.read(PART_BYTES):
                number = len(parts) + 1

                def send(number: int = number, data: bytes = data) -> dict[str, Any]:
                    answer: dict[str, Any] = self._client.upload_part(**upload, PartNumber=number, Body=data)
                    return answer

                parts.append({"PartNumber": number, "ETag": _again(send)["ETag"]})
            _again(
                lambda: self._client.complete_multipart_upload(
                    **upload, MultipartUpload={"Parts": parts}, **condition
                )
            )
        except BaseException:
            # Parts of an upload that is not completed are kept, and paid for, until it is given up.
            self._client.abort_multipart_upload(**upload)
            raise

    def _exists(self, uri: str) -> bool:
        try:
            self.identity(uri)
        except FileNotFoundError:
            return False
        return True

    def names(self, prefix: str, limit: int | None = None) -> Iterator[str]:
        """URIs that begin with a prefix, in order."""
        bucket, start = split_uri(prefix)
        page: dict[str, Any] = {"Bucket": bucket, "Prefix": start}
        if limit is not None:
            page["MaxKeys"] = limit
        while True:
            answer = _ask(prefix, lambda: self._client.list_objects_v2(**page))
            yield from (f"s3://{bucket}/{found['Key']}" for found in answer.get("Contents", []))
            if limit is not None or not answer.get("NextContinuationToken"):
                return
            page["ContinuationToken"] = answer["NextContinuationToken"]

    def remove(self, uri: str) -> None:
        """Delete an object, if it is there."""
        bucket, name = split_name(uri)
        _ask(uri, lambda: self._client.delete_object(Bucket=bucket, Key=name))

    def check_bucket(self, uri: str) -> None:
        """See that the bucket is there and that we may use it.

        Raises:
            UsageError: it is not, or we may not.
        """
        bucket, _ = split_uri(uri)
        try:
            _look(_client(access(hurried=True), os.getpid()), bucket)
        except (NoCredentialsError, PartialCredentialsError) as error:
            raise UsageError(
                f"{uri}: no credentials for s3:// were found; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, "
                "or AWS_PROFILE, or run where there is a role"
            ) from error
        except ClientError as error:
            if _status(error) == 404:
                raise UsageError(f"{uri}: there is no bucket {bucket!r}; make it first") from error
            if _status(error) in (400, 401, 403):
                raise UsageError(
                    f"{uri}: the credentials in use may not access the bucket {bucket!r} "
                    f"(HTTP {_status(error)})"
                ) from error
            raise UsageError(f"{uri}: the bucket {bucket!r} cannot be used now: {error}") from error
        except BotoCoreError as error:
            raise UsageError(f"{uri}: the store cannot be reached: {error}") from error
