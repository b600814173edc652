"""Writing of whole files that appear at once.

local, hdfs://    a temporary name beside the final one, then a link or a rename
s3://, gs://      one put; without `replace` it is refused by the store where the name is taken
"""

from __future__ import annotations

import errno
import os
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

from prep_corpus.pipeline.storage.remote.object_stores import failing_as_os_error
from prep_corpus.pipeline.storage.uris import beam_files, is_local, object_store

# What a file system says where it knows no links.
_NO_LINKS = frozenset({errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EMLINK, errno.ENOSYS})

_UMASK = threading.Lock()


@contextmanager
def atomic_writer(uri: str, *, replace: bool = True) -> Iterator[BinaryIO]:
    """A file that appears whole when the block ends well, and not at all when it does not.

    Args:
        uri: its final name.
        replace: False to leave what another writer has put there meanwhile.
    """
    with _writer(uri, replace) as (file, _):
        yield file


@dataclass
class _Written:
    """Whether it is certain that a file that was written stands under its name, and no twin's."""

    is_ours: bool = False


@contextmanager
def _writer(uri: str, replace: bool) -> Iterator[tuple[BinaryIO, _Written]]:
    written = _Written()
    if not is_local(uri):
        # What is closed half-way may get published: so the file is made here first.
        with tempfile.TemporaryFile() as spool:
            yield cast(BinaryIO, spool), written
            spool.seek(0)
            with failing_as_os_error(uri):
                written.is_ours = _publish(uri, cast(BinaryIO, spool), replace)
        return
    folder = os.path.dirname(uri) or "."
    os.makedirs(folder, exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(
        prefix=f".{os.path.basename(uri)[:100]}.", suffix=".tmp", dir=folder
    )
    try:
        with os.fdopen(descriptor, "wb") as file:
            yield file, written
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, 0o666 & ~_umask())
        if replace:
            os.replace(temporary, uri)
            written.is_ours = True
        else:
            written.is_ours = _link(temporary, uri)
            os.unlink(temporary)
    except BaseException as error:
        with suppress(OSError):
            Path(temporary).unlink(missing_ok=True)
        if isinstance(error, OSError) and error.errno is not None and error.filename is None:
            # A full disk says so of no file.
            raise OSError(error.errno, error.strerror, uri) from error
        raise


def _link(temporary: str, uri: str) -> bool:
    """Give a finished file its name, unless it is taken: the first writer wins; whether that is certain."""
    try:
        os.link(temporary, uri)
        return True
    except FileExistsError:
        return False
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        # Some network file systems have no links. A rename may replace a twin, which holds the same.
        if not os.path.exists(uri):
            os.rename(temporary, uri)
            Path(temporary).touch()
        return False


def _publish(uri: str, spool: BinaryIO, replace: bool) -> bool:
    """Put a finished file to a place that is not local; whether it is certain that it stands there."""
    store = object_store(uri)
    if store is not None:
        return store.put(uri, spool, replace=replace)
    return beam_files().publish(uri, spool, replace=replace)


def write_atomic(uri: str, save: Callable[[BinaryIO], object], *, replace: bool = False) -> bool:
    """Write a whole file at once; see `atomic_writer`.

    Returns:
        Whether it is certain that this file stands there now. Else a twin may have been first.
    """
    with _writer(uri, replace) as (file, written):
        save(file)
    return written.is_ours


def _umask() -> int:
    with (
        suppress(OSError, ValueError, StopIteration),
        open("/proc/self/status", encoding="ascii", errors="replace") as file,
    ):
        return int(next(line for line in file if line.startswith("Umask:")).split()[1], 8)
    # Reading it means setting it: two threads at once would each take the other's value for it, and leave that.
    with _UMASK:
        mask = os.umask(0o022)
        os.umask(mask)
    return mask
