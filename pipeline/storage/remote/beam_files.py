"""Files of the schemes that Beam's own file systems serve (hdfs://), for `files.py` alone."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Iterator
from contextlib import suppress
from typing import BinaryIO, cast

from apache_beam.io.filesystem import BeamIOError, FileMetadata
from apache_beam.io.filesystems import FileSystems
from apache_beam.options.pipeline_options import PipelineOptions

from prep_corpus.align.errors import UsageError
from prep_corpus.pipeline.storage.remote.object_stores import Identity, failing_as_os_error


def is_supported(uri: str) -> bool:
    """Whether the file system of its scheme is installed."""
    try:
        FileSystems.get_filesystem(uri)
    except (UsageError, ValueError, BeamIOError):
        return False
    return True


def use_options(options: PipelineOptions) -> None:
    """Open files with a pipeline's options before there is a pipeline."""
    FileSystems.set_options(options)


def exists(uri: str) -> bool:
    """Whether a file is there."""
    with failing_as_os_error(uri):
        return bool(FileSystems.exists(uri))


def identity(uri: str) -> Identity:
    """Size, time and checksum.

    Raises:
        FileNotFoundError: no such file.
    """
    with failing_as_os_error(uri):
        matches = _matches(uri)
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
        FileNotFoundError: it is gone, also where it was there a moment ago.
    """
    with failing_as_os_error(uri):
        try:
            return cast(BinaryIO, FileSystems.open(uri, compression_type="uncompressed"))
        except Exception as error:
            # Each file system has an exception of its own for it.
            if FileSystems.exists(uri):
                raise
            raise FileNotFoundError(f"no such file: {uri}") from error


def list_files(folder: str) -> list[str]:
    """All files under a folder, sorted; a folder that is not there has none."""
    with failing_as_os_error(folder):
        if not FileSystems.get_filesystem(folder).has_dirs():
            return sorted(match.path for match in _matches(folder.rstrip("/") + "/**"))
        return sorted(_walk(folder.rstrip("/"))) if FileSystems.exists(folder) else []


def _matches(pattern: str) -> list[FileMetadata]:
    found: list[FileMetadata] = FileSystems.match([pattern])[0].metadata_list
    return found


def _walk(folder: str) -> Iterator[str]:
    """The files under a folder of a file system that knows folders: Beam lists one level, folders among the files."""
    for match in _matches(folder + "/*"):
        below: Iterator[str] | None = None
        if match.size_in_bytes == 0:
            with suppress(BeamIOError):
                _matches(match.path + "/*")
                below = _walk(match.path)
        yield from [match.path] if below is None else below


def remove(uri: str) -> None:
    """Delete a file that was there; another may have done so meanwhile."""
    with failing_as_os_error(uri):
        try:
            FileSystems.delete([uri])
        except Exception:
            if FileSystems.exists(uri):
                raise


def publish(uri: str, spool: BinaryIO, *, replace: bool) -> bool:
    """Put a finished file to its place; without `replace` the first writer wins.

    Returns:
        Whether it is certain that it stands there: a file system without folders has nothing that refuses a name
        that another takes in the same moment.
    """
    if not replace and FileSystems.exists(uri):
        return False
    has_folders = FileSystems.get_filesystem(uri).has_dirs()
    # A file system with folders shows a file while it grows, and knows renaming.
    target = f"{uri}.{uuid.uuid4().hex}.tmp" if has_folders else uri
    with FileSystems.create(target, compression_type="uncompressed") as remote:
        shutil.copyfileobj(spool, remote, 1 << 20)
    if not has_folders:
        return False
    if replace and FileSystems.exists(uri):
        FileSystems.delete([uri])
    try:
        FileSystems.rename([target], [uri])
    except BeamIOError:
        if replace or not FileSystems.exists(uri):
            raise
        FileSystems.delete([target])
        return False
    return True
