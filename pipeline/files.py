"""Opening, naming and writing files by local path or URI, over Beam's file systems.

Local paths go through the operating system; everything with a scheme (gs://, s3://, hdfs://) through Beam.
"""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

from apache_beam.io.filesystem import BeamIOError
from apache_beam.io.filesystems import FileSystems

# What the name itself is guilty of; a second try would not help.
_ABSENT = frozenset(
    {errno.ENOENT, errno.EISDIR, errno.ENOTDIR, errno.EACCES, errno.EPERM, errno.ENAMETOOLONG, errno.ELOOP}
)


@dataclass(frozen=True, kw_only=True)
class Identity:
    """What a file system says of a file without reading it.

    Attributes:
        size_bytes: its length.
        modified_ns: time of the last change in nanoseconds, or 0.
        checksum: one that the file system vouches for, or None.
    """

    size_bytes: int
    modified_ns: int
    checksum: str | None


def is_local(uri: str) -> bool:
    """Whether it is a path of this machine."""
    return "://" not in uri


def is_supported(uri: str) -> bool:
    """Whether it is local, or Beam has the file system of its scheme."""
    if is_local(uri):
        return True
    try:
        FileSystems.get_filesystem(uri)
    except ValueError:
        return False
    return True


def is_absent(error: OSError) -> bool:
    """Whether the name leads to no file that may be read; other errors are failures on the way to it."""
    return isinstance(error, FileNotFoundError) or error.errno in _ABSENT


def join(folder: str, *names: str) -> str:
    """A path or URI inside a folder."""
    if is_local(folder):
        return os.path.join(folder, *names)
    return "/".join([folder.rstrip("/"), *names])


def resolve(manifest: str, name: str) -> str:
    """A name in a manifest: absolute as it is, else relative to the manifest's folder; file:// is dropped."""
    name = name.removeprefix("file://")
    if not is_local(name) or os.path.isabs(name):
        return name
    if is_local(manifest):
        return os.path.join(os.path.dirname(os.path.abspath(manifest)), name)
    return manifest.rsplit("/", 1)[0] + "/" + name


def exists(uri: str) -> bool:
    """Whether a file or local folder is there."""
    return os.path.exists(uri) if is_local(uri) else FileSystems.exists(uri)


def size(uri: str) -> int:
    """Length in bytes."""
    return identity(uri).size_bytes


def identity(uri: str) -> Identity:
    """Size, time and checksum.

    Raises:
        FileNotFoundError: no such file.
    """
    if is_local(uri):
        facts = os.stat(uri)
        return Identity(size_bytes=facts.st_size, modified_ns=facts.st_mtime_ns, checksum=None)
    matches = FileSystems.match([uri])[0].metadata_list
    if not matches:
        raise FileNotFoundError(f"no such file: {uri}")
    try:
        checksum = FileSystems.checksum(uri)
    except (BeamIOError, NotImplementedError):
        checksum = None
    modified = matches[0].last_updated_in_seconds or 0
    return Identity(size_bytes=matches[0].size_in_bytes, modified_ns=int(modified * 1e9), checksum=checksum)


def open_binary(uri: str) -> BinaryIO:
    """Open for reading, with `seek`.

    Raises:
        FileNotFoundError: no such file.
    """
    if is_local(uri):
        return open(uri, "rb")
    if not FileSystems.exists(uri):
        raise FileNotFoundError(f"no such file: {uri}")
    return cast(BinaryIO, FileSystems.open(uri, compression_type="uncompressed"))


def read_bytes(uri: str) -> bytes:
    """The whole file.

    Raises:
        FileNotFoundError: no such file.
    """
    with open_binary(uri) as file:
        return file.read()


def list_files(folder: str) -> list[str]:
    """All files under a folder, sorted; a folder that is not there has none."""
    if is_local(folder):
        return sorted(str(path) for path in Path(folder).rglob("*") if path.is_file())
    pattern = folder.rstrip("/") + "/**"
    return sorted(match.path for match in FileSystems.match([pattern])[0].metadata_list)


def remove(uri: str) -> None:
    """Delete a file, if it is there."""
    if is_local(uri):
        Path(uri).unlink(missing_ok=True)
    elif FileSystems.exists(uri):
        FileSystems.delete([uri])


@contextmanager
def atomic_writer(uri: str, *, replace: bool = True) -> Iterator[BinaryIO]:
    """A file that appears whole when the block ends well, and not at all when it does not.

    Args:
        uri: its final name.
        replace: False to leave what another writer has put there meanwhile.
    """
    if not is_local(uri):
        # Closing an upload publishes it, after an error too: so the file is made here first.
        with tempfile.TemporaryFile() as spool:
            yield cast(BinaryIO, spool)
            spool.seek(0)
            if replace or not FileSystems.exists(uri):
                # One put: the object appears when the upload is closed.
                with FileSystems.create(uri, compression_type="uncompressed") as remote:
                    shutil.copyfileobj(spool, remote, 1 << 20)
        return
    folder = os.path.dirname(uri) or "."
    os.makedirs(folder, exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(
        prefix=f".{os.path.basename(uri)[:100]}.", suffix=".tmp", dir=folder
    )
    try:
        with os.fdopen(descriptor, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, 0o666 & ~_umask())
        if replace:
            os.replace(temporary, uri)
        else:
            # A link fails where the name is taken: the first writer wins.
            with suppress(FileExistsError):
                os.link(temporary, uri)
            os.unlink(temporary)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def write_atomic(uri: str, save: Callable[[BinaryIO], object], *, replace: bool = False) -> None:
    """Write a whole file at once; see `atomic_writer`."""
    with atomic_writer(uri, replace=replace) as file:
        save(file)


def _umask() -> int:
    # Reading it means setting it; on a clash of threads the worst is a file of the default mode.
    mask = os.umask(0o022)
    os.umask(mask)
    return mask
