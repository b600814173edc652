"""The interface of an object store, and a file object that reads an object by ranges.

`s3.py` and `gs.py` do it over the vendors' own clients, because Beam's file systems for them can neither create
an object only where there is none, nor do anything in one request (docs/object-stores.md has the figures).

    a range read    [ position ........ position + ahead )     ahead doubles while reading goes on in order,
    near the end    [ size - ahead .................. size )     so that a footer comes with what precedes it
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, BinaryIO, Protocol

from prep_corpus.align.errors import UsageError

FIRST_AHEAD_BYTES = 256 << 10
MOST_AHEAD_BYTES = 8 << 20
_BUFFER_BYTES = 64 << 10
_BUCKET = re.compile(r"[A-Za-z0-9._-]{1,255}")
_MOST_NAME_BYTES = 1024


@dataclass(frozen=True, kw_only=True)
class Identity:
    """What a file system says of a file without reading it.

    Attributes:
        size_bytes: its length.
        modified_ns: time of the last change in nanoseconds, or 0.
        checksum: one that the file system vouches for, or None.
        changed_ns: time of the last change of the content or its attributes on a disk, or 0; no program can set it.
    """

    size_bytes: int
    modified_ns: int
    checksum: str | None
    changed_ns: int = 0


class ObjectReplaced(OSError):
    """An object was replaced by another while it was read."""


class ObjectStore(Protocol):
    """The requests that are made of a store; all of them are tried again where the store is busy or breaks off.

    Every failure is an OSError: FileNotFoundError for an object that is not there, PermissionError for one that
    may not be had.
    """

    def identity(self, uri: str) -> Identity:
        """Size, time and checksum, by one request."""

    def open(self, uri: str) -> BinaryIO:
        """An object for reading and seeking; it fails where the object is replaced meanwhile."""

    def put(self, uri: str, file: BinaryIO, *, replace: bool) -> bool:
        """Publish a whole file, which may be closed by it; without `replace` the first writer wins.

        Returns:
            Whether it is certain that this file stands there.
        """

    def names(self, prefix: str, limit: int | None = None) -> Iterator[str]:
        """URIs that begin with a prefix, in order."""

    def remove(self, uri: str) -> None:
        """Delete an object, if it is there."""

    def check_bucket(self, uri: str) -> None:
        """See that the bucket is there and that we may use it, within seconds.

        Raises:
            UsageError: it is not, or we may not; one line that says which.
        """


@contextmanager
def failing_as_os_error(uri: str) -> Iterator[None]:
    """Clients of remote file systems have exceptions of their own; here what fails is an OSError."""
    try:
        yield
    except (OSError, UsageError):
        raise
    except ValueError as error:
        raise UsageError(f"{uri}: the file system cannot be used: {error}") from error
    except Exception as error:
        raise OSError(f"{uri}: {error!r}") from error


def split_uri(uri: str) -> tuple[str, str]:
    """Bucket and object name of a URI such as s3://bucket/folder/name.

    Raises:
        FileNotFoundError: no store has such a bucket.
    """
    bucket, _, name = uri.split("://", 1)[1].partition("/")
    if not _BUCKET.fullmatch(bucket):
        raise FileNotFoundError(
            f"{uri}: a bucket's name must have letters, digits, '.', '_' and '-' alone, and no user name or password "
            "before it"
        )
    return bucket, name


def split_name(uri: str) -> tuple[str, str]:
    """The same for an object that must have a name.

    Raises:
        FileNotFoundError: no store has such a bucket or such an object.
    """
    bucket, name = split_uri(uri)
    if not 0 < len(name.encode("utf-8", "surrogatepass")) <= _MOST_NAME_BYTES:
        raise FileNotFoundError(f"{uri}: an object's name must have 1 to {_MOST_NAME_BYTES} bytes")
    return bucket, name


class RangedFile(io.RawIOBase):
    """An object read by ranges.

    Attributes:
        identity: identity of the version that is read.
    """

    def __init__(self, identity: Identity, fetch: Callable[[int, int], bytes], first: bytes = b"") -> None:
        """Nothing is fetched yet.

        Args:
            identity: identity of the version that is read.
            fetch: gets the bytes of a half-open range.
            first: bytes of the beginning that are there already.
        """
        super().__init__()
        self.identity = identity
        self._size, self._fetch = identity.size_bytes, fetch
        self._position = 0
        self._start, self._held = 0, first
        self._ahead = FIRST_AHEAD_BYTES

    def readable(self) -> bool:
        """Always."""
        return True

    def seekable(self) -> bool:
        """Always."""
        return True

    def tell(self) -> int:
        """Position of the next byte."""
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Move; costs no request."""
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size}[whence]
        if base + offset < 0:
            raise ValueError(f"a position must not be negative: {base} + {offset}")
        self._position = base + offset
        return self._position

    def readinto(self, buffer: Any) -> int:
        """Fill a buffer from what is held, after fetching where nothing of the position is held."""
        view = memoryview(buffer).cast("B")
        if self._position >= self._size or not len(view):
            return 0
        if not self._holds_position():
            in_order = self._position == self._start + len(self._held)
            self._ahead = min(2 * self._ahead, MOST_AHEAD_BYTES) if in_order else FIRST_AHEAD_BYTES
            self._hold(max(self._ahead, len(view)))
        offset = self._position - self._start
        count = min(len(view), len(self._held) - offset)
        view[:count] = self._held[offset : offset + count]
        self._position += count
        return count

    def readall(self) -> bytes:
        """The rest, by few requests."""
        parts = []
        while self._position < self._size:
            if not self._holds_position():
                self._hold(MOST_AHEAD_BYTES)
            parts.append(self._held[self._position - self._start :])
            self._position += len(parts[-1])
        return b"".join(parts)

    def _holds_position(self) -> bool:
        return self._start <= self._position < self._start + len(self._held)

    def _hold(self, ahead_bytes: int) -> None:
        start, end = self._position, min(self._position + ahead_bytes, self._size)
        if end == self._size and start != self._start + len(self._held):
            start = max(0, min(start, self._size - FIRST_AHEAD_BYTES))
        held = self._fetch(start, end)
        if len(held) != end - start:
            raise OSError(
                f"a range read gives what was asked for: {end - start} bytes asked, {len(held)} had"
            )
        self._start, self._held = start, held


def ranged(identity: Identity, fetch: Callable[[int, int], bytes], first: bytes = b"") -> BinaryIO:
    """An object as a buffered file for reading and seeking; see `RangedFile`."""
    return io.BufferedReader(RangedFile(identity, fetch, first), _BUFFER_BYTES)
