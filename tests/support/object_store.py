"""An object store in memory, `memory://`, as Beam sees stores: no folders, objects appear when closed.

It cannot refuse a name that is taken, so that a lease in it waits for others: here for a moment only.
"""

from __future__ import annotations

import io
import threading
from collections.abc import Iterator
from typing import Any, ClassVar

from apache_beam.io.filesystem import BeamIOError, FileMetadata, FileSystem

from prep_corpus.pipeline.storage import locks

locks.SETTLE_SECONDS = 0.05


class _Upload(io.BytesIO):
    def __init__(self, objects: dict[str, bytes], path: str) -> None:
        super().__init__()
        self._objects = objects
        self._path = path

    def close(self) -> None:
        # As the clients of object stores do, after an exception too.
        if not self.closed:
            self._objects[self._path] = self.getvalue()
        super().close()


class MemoryFileSystem(FileSystem):
    """Beam finds it by its scheme, once this module is imported."""

    objects: ClassVar[dict[str, bytes]] = {}

    @classmethod
    def scheme(cls) -> str:
        return "memory"

    def join(self, basepath: str, *paths: str) -> str:
        return "/".join([basepath.rstrip("/"), *paths])

    def split(self, path: str) -> tuple[str, str]:
        head, _, tail = path.rpartition("/")
        return head, tail

    def mkdirs(self, path: str) -> None:
        pass

    def has_dirs(self) -> bool:
        return False

    def _list(self, dir_or_prefix: str) -> Iterator[FileMetadata]:
        for path, content in sorted(self.objects.items()):
            if path.startswith(dir_or_prefix):
                yield FileMetadata(path, len(content), 1.0)

    def create(self, path: str, mime_type: Any = None, compression_type: Any = None) -> _Upload:
        return _Upload(self.objects, path)

    def open(self, path: str, mime_type: Any = None, compression_type: Any = None) -> io.BytesIO:
        try:
            return io.BytesIO(self.objects[path])
        except KeyError as error:
            raise BeamIOError(f"not found: {path}") from error

    def exists(self, path: str) -> bool:
        return path in self.objects

    def size(self, path: str) -> int:
        return len(self.objects[path])

    def last_updated(self, path: str) -> float:
        return 1.0

    def checksum(self, path: str) -> str:
        return f"crc-{hash(self.objects[path])}"

    def metadata(self, path: str) -> FileMetadata:
        return FileMetadata(path, self.size(path), 1.0)

    def delete(self, paths: list[str]) -> None:
        for path in paths:
            if self.objects.pop(path, None) is None:
                raise BeamIOError(f"not found: {path}")

    def copy(self, source_file_names: list[str], destination_file_names: list[str]) -> None:
        raise NotImplementedError

    def rename(self, source_file_names: list[str], destination_file_names: list[str]) -> None:
        raise NotImplementedError


class FolderFileSystem(MemoryFileSystem):
    """`folders://`, as Beam sees hdfs://: files are seen while they grow, listings go one level deep and hold folders,
    and nothing is renamed to a name that is taken."""

    objects: ClassVar[dict[str, bytes]] = {}
    _names: ClassVar[threading.Lock] = threading.Lock()

    @classmethod
    def scheme(cls) -> str:
        return "folders"

    def has_dirs(self) -> bool:
        return True

    def _list(self, dir_or_prefix: str) -> Iterator[FileMetadata]:
        folder = dir_or_prefix.rstrip("/") + "/"
        if folder[:-1] in self.objects:
            raise BeamIOError(f"not a folder: {dir_or_prefix}")
        # Other threads write meanwhile.
        below = {path[len(folder) :] for path in list(self.objects) if path.startswith(folder)}
        for name in sorted({path.split("/")[0] for path in below}):
            content = self.objects.get(folder + name, b"")
            yield FileMetadata(folder + name, len(content), 1.0)

    def create(self, path: str, mime_type: Any = None, compression_type: Any = None) -> _Upload:
        self.objects[path] = b""
        return _Upload(self.objects, path)

    def exists(self, path: str) -> bool:
        folder = path.rstrip("/") + "/"
        return path in self.objects or any(name.startswith(folder) for name in list(self.objects))

    def rename(self, source_file_names: list[str], destination_file_names: list[str]) -> None:
        for source, destination in zip(source_file_names, destination_file_names):
            with self._names:
                if destination in self.objects:
                    raise BeamIOError(f"the name is taken: {destination}")
                self.objects[destination] = self.objects.pop(source)
