"""Tar archives with the same bytes each time: members have a name and content, and no time or owner."""

from __future__ import annotations

import tarfile
from collections.abc import Iterator
from io import BytesIO
from typing import BinaryIO


def open_tar(file: BinaryIO) -> tarfile.TarFile:
    """An archive onto a file that need not seek."""
    return tarfile.open(fileobj=file, mode="w|", format=tarfile.GNU_FORMAT)


def add_member(archive: tarfile.TarFile, name: str, content: bytes) -> None:
    """Append one regular file."""
    member = tarfile.TarInfo(name)
    member.size = len(content)
    member.mode = 0o444
    archive.addfile(member, BytesIO(content))


def members(file: BinaryIO) -> Iterator[tuple[str, bytes]]:
    """Name and content of every member, in order.

    Raises:
        tarfile.ReadError: the archive is broken or ends early.
    """
    with tarfile.open(fileobj=file, mode="r|") as archive:
        for member in archive:
            content = archive.extractfile(member)
            if content is None:
                raise tarfile.ReadError(f"an archive of a shard must hold regular files only: {member.name}")
            yield member.name, content.read()
