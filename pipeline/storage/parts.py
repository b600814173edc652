"""A part of a file as a file of its own: a span of bytes (a member of a tar), or a value of a table.

    corpus/audio_0.tar#bytes=1536-52736         half-open, in bytes
    corpus/train.parquet#value=audio,3,17       column, row group, row in it

A value is held in memory, and with it the row group that it came from, so that neighbours are not read again.
"""

from __future__ import annotations

import io
import os
import re
import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, BinaryIO, NamedTuple, cast

_BYTES = re.compile(r"(?P<whole>.+)#bytes=(?P<start>\d{1,18})-(?P<end>\d{1,18})", re.S)
_VALUE = re.compile(r"(?P<whole>.+)#value=(?P<column>[^,#]+),(?P<group>\d{1,12}),(?P<row>\d{1,12})", re.S)
_MOST_HELD = 2
"""Row groups in memory."""

Open = Callable[[str], BinaryIO]


Place = tuple[int, int] | tuple[str, int, int]
"""What tells the parts of a file apart: start and end of a span, or column, row group and row of a value."""


class FilePart(NamedTuple):
    """A part of a file.

    Attributes:
        whole: path or URI of the file.
        place: where in it.
    """

    whole: str
    place: Place


def bytes_uri(whole: str, start: int, end: int) -> str:
    """The name of a half-open span of a file's bytes."""
    return f"{whole}#bytes={start}-{end}"


def value_uri(whole: str, column: str, group: int, row: int) -> str:
    """The name of a value of a Parquet file."""
    return f"{whole}#value={column},{group},{row}"


def part_of(uri: str) -> FilePart | None:
    """The part that a name means; None where it means a whole file."""
    if "#" not in uri:
        return None
    if found := _BYTES.fullmatch(uri):
        start, end = int(found["start"]), int(found["end"])
        return FilePart(found["whole"], (start, end)) if start <= end else None
    if found := _VALUE.fullmatch(uri):
        return FilePart(found["whole"], (found["column"], int(found["group"]), int(found["row"])))
    return None


def open_part(part: FilePart, open_whole: Open) -> BinaryIO:
    """Open a part for reading.

    Raises:
        FileNotFoundError: there is no such file, or no such value in it.
    """
    file = open_whole(part.whole)
    if len(part.place) == 2:
        return cast(BinaryIO, io.BufferedReader(SpanFile(file, *part.place)))
    with file:
        return cast(BinaryIO, HeldFile(_value(part.whole, file, *part.place), file, part.place))


class SpanFile(io.RawIOBase):
    """A half-open span of an open file.

    Attributes:
        whole: the file; closed with this.
        place: start and end.
    """

    def __init__(self, whole: BinaryIO, start: int, end: int) -> None:
        self.whole, self.place = whole, (start, end)
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self.whole.fileno()

    def seek(self, offset: int, whence: int = 0) -> int:
        start, end = self.place
        at = offset + (0, self._at, end - start)[whence]
        if at < 0:
            raise ValueError(f"a place in a file must not be negative: {at}")
        self._at = at
        return at

    def tell(self) -> int:
        return self._at

    def readinto(self, buffer: Any) -> int:
        start, end = self.place
        view = memoryview(buffer).cast("B")
        wanted = min(len(view), max(end - start - self._at, 0))
        if not wanted:
            return 0
        self.whole.seek(start + self._at)
        data = self.whole.read(wanted)
        view[: len(data)] = data
        self._at += len(data)
        return len(data)

    def close(self) -> None:
        if not self.closed:
            self.whole.close()
        super().close()


class HeldFile(io.BytesIO):
    """A value that was read from a table.

    Attributes:
        whole: the closed file that it was read from, with what is known of its version.
        place: where in the table it stands.
        facts: of the file on its disk when it was read; None of an object store.
    """

    def __init__(self, data: bytes, whole: BinaryIO, place: Place) -> None:
        super().__init__(data)
        self.whole, self.place = whole, place
        self.facts = _facts(whole)


def _facts(file: BinaryIO) -> os.stat_result | None:
    try:
        return os.fstat(file.fileno())
    except (OSError, io.UnsupportedOperation):
        return None


_held: OrderedDict[tuple[object, ...], Any] = OrderedDict()
_lock = threading.Lock()


def _value(whole: str, file: BinaryIO, column: str, group: int, row: int) -> bytes:
    facts = _facts(file)
    key = (whole, column, group, facts and (facts.st_ino, facts.st_size, facts.st_mtime_ns))
    # Of an object store, the version may be another each time.
    with _lock:
        values = _held.get(key) if facts is not None else None
        if values is None:
            values = _held[key] = _values(whole, file, column, group)
        _held.move_to_end(key)
        while len(_held) > _MOST_HELD:
            _held.popitem(last=False)
    data = values[row].as_py() if row < len(values) else None
    if not isinstance(data, bytes):
        raise FileNotFoundError(f"{whole}: there is no audio in row {row} of group {group} of {column!r}")
    return data


def _values(whole: str, file: BinaryIO, column: str, group: int) -> Any:
    """The bytes of a column, of one row group.

    Raises:
        FileNotFoundError: there is none of this number.
    """
    import pyarrow as pa

    from prep_corpus.pipeline.storage.parquet_files import open_parquet, read_group

    try:
        parquet = open_parquet(file)
        if group >= parquet.num_row_groups:
            raise KeyError(group)
        read = read_group(parquet, group, [f"{column}.bytes"]).column(column)
        return read.combine_chunks().field("bytes") if read.num_chunks != 1 else read.chunk(0).field("bytes")
    except (pa.ArrowException, KeyError, OSError, ValueError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            # Of the disk or the network, not of what stands there.
            raise
        raise FileNotFoundError(
            f"{whole}: row group {group} of {column!r} cannot be read: {error}"
        ) from error
