"""Opening, naming and writing files by local path or URI: the one door to them (`uris.py`, `writing.py`)."""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import stat
import uuid
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO, cast

from prep_corpus.align.errors import UsageError
from prep_corpus.pipeline.storage.parts import HeldFile, Place, SpanFile, open_part, part_of
from prep_corpus.pipeline.storage.remote.object_stores import (
    Identity,
    RangedFile,
)
from prep_corpus.pipeline.storage.uris import (
    absolute,
    beam_files,
    is_local,
    is_supported,
    join,
    object_store,
    resolve,
    unsupported,
    use_options,
)
from prep_corpus.pipeline.storage.writing import atomic_writer, write_atomic

__all__ = [
    "absolute",
    "atomic_writer",
    "check_place",
    "check_writable",
    "content_digest",
    "exists",
    "holds_files",
    "identity",
    "is_absent",
    "is_local",
    "is_supported",
    "join",
    "list_files",
    "move",
    "open_binary",
    "opened_identity",
    "read_bytes",
    "remove",
    "remove_temporary",
    "resolve",
    "set_aside",
    "size",
    "unsupported",
    "use_options",
    "write_atomic",
]

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

_TRIAL = ".prep-corpus-"


def is_absent(error: OSError) -> bool:
    """Whether the name leads to no file that may be read; other errors are failures on the way to it."""
    return isinstance(error, FileNotFoundError) or error.errno in _ABSENT


def exists(uri: str) -> bool:
    """Whether a file or local folder is there."""
    uri = _whole_of(uri)
    if is_local(uri):
        return os.path.exists(uri)
    store = object_store(uri)
    if store is None:
        return bool(beam_files().exists(uri))
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
    store = object_store(uri)
    if store is not None:
        return store.identity(uri)
    return cast(Identity, beam_files().identity(uri))


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
    store = object_store(uri)
    if store is not None:
        return store.open(uri)
    if not exists(uri):
        raise FileNotFoundError(f"no such file: {uri}")
    return cast(BinaryIO, beam_files().open_binary(uri))


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
    store = object_store(folder)
    if store is not None:
        return sorted(store.names(folder.rstrip("/") + "/"))
    return list(beam_files().list_files(folder))


def holds_files(folder: str) -> bool:
    """Whether there is any file under a folder; those that are being written have no name yet, and locks are none."""
    store = None if is_local(folder) else object_store(folder)
    if store is not None:
        prefix = folder.rstrip("/") + "/"

        def is_one(name: str) -> bool:
            return not name.startswith(f"{prefix}lease/") and not _is_temporary(name)

        first = list(store.names(prefix, limit=20))
        return any(map(is_one, first)) or (len(first) == 20 and any(map(is_one, store.names(prefix))))
    return not all(_is_temporary(name) or name.endswith("/.prep-corpus.lock") for name in list_files(folder))


def _is_temporary(uri: str) -> bool:
    name = uri.rsplit("/", 1)[-1]
    return name.startswith(".") and name.endswith(".tmp")


def remove_temporary(folder: str) -> None:
    """Delete the temporary files of writers that were killed; whoever calls it is the only writer there."""
    if is_local(folder):
        found = list_files(folder)
    else:
        # A store has whole objects alone, and of these the trials of `check_writable`.
        store = object_store(folder)
        found = [] if store is None else list(store.names(join(folder, _TRIAL)))
    for uri in found:
        if _is_temporary(uri):
            remove(uri)


def remove(uri: str) -> None:
    """Delete a file, if it is there."""
    if is_local(uri):
        Path(uri).unlink(missing_ok=True)
        return
    store = object_store(uri)
    if store is not None:
        store.remove(uri)
    elif exists(uri):
        beam_files().remove(uri)


def remove_empty(folder: str) -> None:
    """Delete a folder on a disk that holds nothing; one that holds something, or is not there, stays as it is."""
    if is_local(folder):
        with suppress(OSError):
            os.rmdir(folder)


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
    store = object_store(uri)
    if store is not None:
        try:
            store.check_bucket(uri)
        except FileNotFoundError as error:
            raise UsageError(str(error)) from error
        return
    if not uri.startswith("hdfs://") and not is_supported(uri):
        raise UsageError(unsupported(uri))
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
    trial = join(folder, f"{_TRIAL}{uuid.uuid4().hex}.tmp")
    try:
        write_atomic(trial, lambda file: file.write(b"may be removed"))
        remove(trial)
    except OSError as error:
        raise UsageError(f"{folder}: cannot be written to: {error}") from error
