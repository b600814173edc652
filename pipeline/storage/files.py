"""Opening, naming and writing files by local path or URI.

Local paths go through the operating system, s3:// and gs:// through `s3.py` and `gs.py`, every other scheme
(hdfs://) through Beam's file systems (`beam_files.py`). Beam is imported for a URI alone. All writing is of whole
files that appear at once:

    local, hdfs://    a temporary name beside the final one, then a link or a rename
    s3://, gs://      one put; without `replace` it is refused by the store where the name is taken
"""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import stat
import tempfile
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, BinaryIO, cast

from prep_corpus.align.errors import UsageError
from prep_corpus.pipeline.storage.object_stores import Identity, ObjectStore, RangedFile, failing_as_os_error
from prep_corpus.pipeline.storage.parts import HeldFile, Place, SpanFile, open_part, part_of

if TYPE_CHECKING:
    from apache_beam.options.pipeline_options import PipelineOptions

# What the name itself is guilty of; a second try would not help.
_ABSENT = frozenset(
    {
        errno.ENOENT,
        errno.EISDIR,
        errno.ENOTDIR,
        errno.EACCES,
        errno.EPERM,
        errno.ENAMETOOLONG,
        errno.ELOOP,
        errno.ENXIO,
    }
)


# What a file system says where it knows no links.
_NO_LINKS = frozenset({errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EMLINK, errno.ENOSYS})


def is_local(uri: str) -> bool:
    """Whether it is a path of this machine."""
    return "://" not in uri


def is_supported(uri: str) -> bool:
    """Whether it is local, or the file system of its scheme is installed."""
    if is_local(uri):
        return True
    try:
        return _object_store(uri) is not None or bool(_beam_files().is_supported(uri))
    except UsageError:
        return False


def use_options(options: PipelineOptions) -> None:
    """Open files with a pipeline's options (--s3_..., --hdfs_...) before there is a pipeline."""
    _beam_files().use_options(options)


def _beam_files() -> ModuleType:
    """Beam's file systems, which take a second to import."""
    from prep_corpus.pipeline.storage import beam_files

    return beam_files


def _object_store(uri: str) -> ObjectStore | None:
    """The store of a URI, or None where Beam's file systems serve it.

    Raises:
        UsageError: what it needs is not installed.
    """
    scheme = uri.split("://", 1)[0]
    try:
        if scheme == "s3":
            from prep_corpus.pipeline.storage.s3 import S3

            return S3()
        if scheme == "gs":
            from prep_corpus.pipeline.storage.gs import GoogleStorage

            return GoogleStorage()
    except ImportError as error:
        extra = {"s3": "aws", "gs": "gcp"}[scheme]
        raise UsageError(f"{uri}: {scheme}:// needs pip install 'prep-corpus[{extra}]'") from error
    return None


def is_absent(error: OSError) -> bool:
    """Whether the name leads to no file that may be read; other errors are failures on the way to it."""
    return isinstance(error, FileNotFoundError) or error.errno in _ABSENT


def join(folder: str, *names: str) -> str:
    """A path or URI inside a folder."""
    if is_local(folder):
        return os.path.join(folder, *names)
    return "/".join([folder.rstrip("/"), *names])


def absolute(uri: str) -> str:
    """A local path from the root; a URI as it is."""
    return os.path.abspath(uri) if is_local(uri) else uri


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
    uri = _whole_of(uri)
    if is_local(uri):
        return os.path.exists(uri)
    store = _object_store(uri)
    if store is None:
        return bool(_beam_files().exists(uri))
    try:
        store.identity(uri)
    except FileNotFoundError:
        return False
    return True


def _whole_of(uri: str) -> str:
    part = part_of(uri)
    return uri if part is None else part.whole


def _of_part(whole: Identity, place: Place) -> Identity:
    """The identity of a part: a store vouches for the whole, and the place tells its parts apart."""
    vouched = None if whole.checksum is None else f"{whole.checksum}#{','.join(map(str, place))}"
    size_bytes = place[1] - place[0] if len(place) == 2 else whole.size_bytes
    return replace(whole, checksum=vouched, size_bytes=size_bytes)


def size(uri: str) -> int:
    """Length in bytes."""
    return identity(uri).size_bytes


def identity(uri: str) -> Identity:
    """Size, time and checksum.

    Raises:
        FileNotFoundError: no such file.
    """
    if (part := part_of(uri)) is not None:
        return _of_part(identity(part.whole), part.place)
    if is_local(uri):
        facts = os.stat(uri)
        return Identity(
            size_bytes=facts.st_size,
            modified_ns=facts.st_mtime_ns,
            checksum=None,
            changed_ns=facts.st_ctime_ns,
        )
    store = _object_store(uri)
    if store is not None:
        return store.identity(uri)
    return cast(Identity, _beam_files().identity(uri))


def open_binary(uri: str) -> BinaryIO:
    """Open for reading, with `seek`; of a disk, regular files alone: a pipe or device has no end.

    Raises:
        FileNotFoundError: no such file.
    """
    if (part := part_of(uri)) is not None:
        return open_part(part, open_binary)
    if is_local(uri):
        # Opening a pipe waits for a writer, unless it is told not to.
        descriptor = os.open(uri, os.O_RDONLY | os.O_NONBLOCK | getattr(os, "O_CLOEXEC", 0))
        mode = os.fstat(descriptor).st_mode
        if not stat.S_ISREG(mode):
            os.close(descriptor)
            if stat.S_ISDIR(mode):
                raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), uri)
            raise OSError(errno.ENXIO, "it is a pipe, socket or device, and no regular file", uri)
        return open(descriptor, "rb")
    store = _object_store(uri)
    if store is not None:
        return store.open(uri)
    if not exists(uri):
        raise FileNotFoundError(f"no such file: {uri}")
    return cast(BinaryIO, _beam_files().open_binary(uri))


def read_bytes(uri: str) -> bytes:
    """The whole file.

    Raises:
        FileNotFoundError: no such file.
    """
    with open_binary(uri) as file:
        return file.read()


def opened_identity(file: BinaryIO) -> Identity | None:
    """What an object store says of the version that an open file reads; None for other files."""
    raw = getattr(file, "raw", file)
    if isinstance(raw, SpanFile | HeldFile):
        whole = opened_identity(raw.whole)
        return None if whole is None else _of_part(whole, raw.place)
    return raw.identity if isinstance(raw, RangedFile) else None


def content_digest(file: BinaryIO) -> str:
    """Digest of an open file's bytes."""
    hasher = hashlib.blake2b(digest_size=16)
    file.seek(0)
    while block := file.read(1 << 20):
        hasher.update(block)
    return hasher.hexdigest()


def list_files(folder: str) -> list[str]:
    """All files under a folder, sorted; a folder that is not there has none."""
    if is_local(folder):
        return sorted(str(path) for path in Path(folder).rglob("*") if path.is_file())
    store = _object_store(folder)
    if store is not None:
        return sorted(store.names(folder.rstrip("/") + "/"))
    return list(_beam_files().list_files(folder))


def holds_files(folder: str) -> bool:
    """Whether there is any file under a folder; those that are being written have no name yet, and locks are none."""
    store = None if is_local(folder) else _object_store(folder)
    if store is not None:
        prefix = folder.rstrip("/") + "/"
        return any(not name.startswith(f"{prefix}lease/") for name in store.names(prefix, limit=20))
    return not all(_is_temporary(name) or name.endswith("/.prep-corpus.lock") for name in list_files(folder))


def _is_temporary(uri: str) -> bool:
    name = uri.rsplit("/", 1)[-1]
    return name.startswith(".") and name.endswith(".tmp")


def remove_temporary(folder: str) -> None:
    """Delete the temporary files of writers that were killed; whoever calls it is the only writer there."""
    if is_local(folder):
        for uri in list_files(folder):
            if _is_temporary(uri):
                remove(uri)


def remove(uri: str) -> None:
    """Delete a file, if it is there."""
    if is_local(uri):
        Path(uri).unlink(missing_ok=True)
        return
    store = _object_store(uri)
    if store is not None:
        store.remove(uri)
    elif exists(uri):
        _beam_files().remove(uri)


def move(uri: str, target: str) -> None:
    """Give a file another name, in the place of what has that name."""
    if is_local(uri):
        os.makedirs(os.path.dirname(target) or ".", exist_ok=True)
        os.replace(uri, target)
        return
    with open_binary(uri) as source, atomic_writer(target) as file:
        shutil.copyfileobj(source, file, 1 << 20)
    remove(uri)


def set_aside(uri: str) -> str:
    """Rename a file to a name beside it that nobody reads (NAME.damaged); returns that name.

    What an earlier time set aside there is replaced; a file that is gone meanwhile is no error.
    """
    aside = uri + ".damaged"
    if is_local(uri):
        with suppress(FileNotFoundError):
            os.replace(uri, aside)
        return aside
    with suppress(FileNotFoundError):
        data = read_bytes(uri)
        write_atomic(aside, lambda file: file.write(data), replace=True)
        remove(uri)
    return aside


def check_place(uri: str) -> None:
    """See that the store of a URI can be reached and its bucket used, in seconds; local paths pass.

    Raises:
        UsageError: it cannot; the message is one line and says why.
    """
    if is_local(uri):
        return
    store = _object_store(uri)
    if store is not None:
        store.check_bucket(uri)
        return
    try:
        exists(uri)
    except OSError as error:
        if uri.startswith("hdfs://") and "Failed to import hdfs" in str(error):
            raise UsageError(f"{uri}: hdfs:// needs pip install 'prep-corpus[hdfs]'") from error
        raise UsageError(f"{uri}: the file system cannot be used: {' '.join(str(error).split())}") from error


def check_writable(folder: str) -> None:
    """See that a folder can be written to, by writing a small file and removing it.

    Raises:
        UsageError: it cannot.
    """
    check_place(folder)
    trial = join(folder, f".prep-corpus-{uuid.uuid4().hex}.tmp")
    try:
        write_atomic(trial, lambda file: file.write(b"may be removed"))
        remove(trial)
    except OSError as error:
        raise UsageError(f"{folder}: cannot be written to: {error}") from error


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
    store = _object_store(uri)
    if store is not None:
        return store.put(uri, spool, replace=replace)
    _beam_files().publish(uri, spool, replace=replace)
    return False


def write_atomic(uri: str, save: Callable[[BinaryIO], object], *, replace: bool = False) -> bool:
    """Write a whole file at once; see `atomic_writer`.

    Returns:
        Whether it is certain that this file stands there now. Else a twin may have been first.
    """
    with _writer(uri, replace) as (file, written):
        save(file)
    return written.is_ours


def _umask() -> int:
    # Reading it means setting it; on a clash of threads the worst is a file of the default mode.
    mask = os.umask(0o022)
    os.umask(mask)
    return mask
