"""Proof that a stored file is what was written: checksums inside a Parquet file, for any part of it that is read.

    [ data: blocks of 64 KiB ........ ][ footer: notes, name, a CRC32C for each block, and its own ][ length ][ PAR1 ]

The file stays plain Parquet. Whoever reads it whole proves all of it; whoever reads the footer alone proves the footer.
"""

from __future__ import annotations

import io
import re
import struct
from array import array
from collections.abc import Iterator
from typing import Any, BinaryIO

import google_crc32c
import pyarrow as pa
import pyarrow.parquet as pq

from prep_corpus.pipeline.storage.parquet_files import open_parquet, read_group, read_rows

BLOCK_BYTES = 1 << 16
"""Data that share a checksum."""

_BLOCKS, _NAME, _DATA_BYTES, _SEAL = (
    b"prep_corpus.blocks",
    b"prep_corpus.name",
    b"prep_corpus.data_bytes",
    b"prep_corpus.seal",
)
# No JSON holds the first character, so that no text in the notes can look like it.
_OPEN_SEAL = b"\x01footer-crc32c:00000000"
_CLOSED_SEAL = re.compile(rb"\x01footer-crc32c:([0-9a-f]{8})")
_MAGIC = b"PAR1"
_TAIL_BYTES = 1 << 16


class Unproven(Exception):
    """A file is not what was written; the message says in which way."""


class Unsealed(Unproven):
    """Nothing in a file's footer looks like a checksum."""


class _SealingFile:
    """A write-only file that keeps the checksums of its blocks, and the footer for its own."""

    closed = False

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.written = 0
        self.blocks = array("I")
        self._held = bytearray()
        self.footer, self._has_ended = bytearray(), False

    def write(self, data: Any) -> int:
        # Of a small table these are many, of a few bytes each.
        if self._has_ended:
            self.footer += data
        else:
            self._held += data
            if len(self._held) >= BLOCK_BYTES:
                self._end_blocks(len(self._held) // BLOCK_BYTES * BLOCK_BYTES)
        self.written += len(data)
        return len(data)

    def end_data(self) -> None:
        """The last block is shorter, and what is written from here on is the footer."""
        self._end_blocks(len(self._held))
        self._has_ended = True

    def _end_blocks(self, end: int) -> None:
        for start in range(0, end, BLOCK_BYTES):
            block = bytes(self._held[start : min(start + BLOCK_BYTES, end)])
            self.blocks.append(google_crc32c.value(block))
            self._file.write(block)
        del self._held[:end]

    def tell(self) -> int:
        return self.written

    def flush(self) -> None: ...


def write_sealed(table: pa.Table, file: BinaryIO, *, name: str, row_group_rows: int | None = None) -> None:
    """Write a table as a Parquet file that proves itself.

    Args:
        table: with its metadata.
        file: at its start.
        name: name of the file, so that another's content is not taken for its.
        row_group_rows: rows of a row group.
    """
    sealing = _SealingFile(file)
    sink = pa.PythonFile(sealing, mode="w")
    # Nobody looks for values in it; dictionaries and statistics cost a small table half as much again.
    settings = {"use_dictionary": False, "write_statistics": False}
    with pq.ParquetWriter(sink, table.schema, compression="zstd", compression_level=1, **settings) as writer:
        writer.write_table(table, row_group_size=row_group_rows)
        # What is written from here on is the footer alone: all columns are out.
        sealing.end_data()
        data_bytes = sealing.written
        writer.add_key_value_metadata(
            {
                _NAME.decode(): name,
                _DATA_BYTES.decode(): str(data_bytes),
                _BLOCKS.decode(): sealing.blocks.tobytes().hex(),
                _SEAL.decode(): _OPEN_SEAL.decode(),
            }
        )
    footer = bytes(sealing.footer)
    at = footer.rindex(_OPEN_SEAL)
    closed = b"\x01footer-crc32c:%08x" % google_crc32c.value(footer)
    file.write(footer[:at] + closed + footer[at + len(closed) :])


class SealedFile(io.RawIOBase):
    """A sealed file for reading: every byte that it gives has been proven.

    Attributes:
        metadata: key and value pairs of the footer.
    """

    def __init__(self, file: BinaryIO, *, name: str) -> None:
        """Read and prove the footer.

        Args:
            file: open for reading and seeking.
            name: name of the file, as it was written.

        Raises:
            Unproven: it breaks off, is damaged, or is another file.
        """
        super().__init__()
        self._file, self._position = file, 0
        self._size = file.seek(0, io.SEEK_END)
        self._tail_start, self._tail = self._size, b""
        start = max(0, self._size - _TAIL_BYTES)
        self._tail_start, self._tail = start, self._raw(start, self._size)
        if len(self._tail) < 12 or self._tail[-4:] != _MAGIC:
            raise Unproven(f"it breaks off: its {self._size} bytes do not end as a stage file ends")
        (length,) = struct.unpack("<I", self._tail[-8:-4])
        self._data_bytes = self._size - 8 - length
        if self._data_bytes < 4:
            raise Unproven(f"its footer is damaged: {length} bytes of footer in {self._size}")
        self._footer = self._raw(self._data_bytes, self._size)
        if not _CLOSED_SEAL.search(self._footer) and any(
            mark in self._tail for mark in (_SEAL, _BLOCKS, _NAME)
        ):
            raise Unproven("its footer is damaged: it had a checksum, which cannot be read any more")
        self.metadata = _proven_metadata(self._footer, name)
        self._blocks = array("I", bytes.fromhex(self.metadata[_BLOCKS].decode()))
        if int(self.metadata[_DATA_BYTES]) != self._data_bytes:
            raise Unproven(
                f"it has another length: {self._data_bytes} bytes of data, not {int(self.metadata[_DATA_BYTES])}"
            )

    def _raw(self, start: int, end: int) -> bytes:
        if start >= self._tail_start:
            return self._tail[start - self._tail_start : end - self._tail_start]
        self._file.seek(start)
        return self._file.read(end - start)

    def _prove(self, data: bytes, first_block: int) -> None:
        for number, start in enumerate(range(0, len(data), BLOCK_BYTES)):
            if google_crc32c.value(data[start : start + BLOCK_BYTES]) != self._blocks[first_block + number]:
                raise Unproven(
                    f"bytes {(first_block + number) * BLOCK_BYTES} to {(first_block + number + 1) * BLOCK_BYTES} "
                    "are not those that were written"
                )

    def table(self, columns: list[str] | None = None) -> pa.Table:
        """Its rows, or some of their columns."""
        return read_rows(open_parquet(self), columns)

    def row_groups(self) -> Iterator[pa.Table]:
        """Its rows, one row group at a time."""
        parquet = open_parquet(self)
        for number in range(parquet.num_row_groups):
            yield read_group(parquet, number)

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
        """Move."""
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size}[whence]
        self._position = base + offset
        return self._position

    def readinto(self, buffer: Any) -> int:
        """Fill a buffer with proven bytes.

        Raises:
            Unproven: they are not those that were written.
        """
        view = memoryview(buffer).cast("B")
        start, end = self._position, min(self._position + len(view), self._size)
        found = b""
        if start < min(end, self._data_bytes):
            found = self._data(start, min(end, self._data_bytes))
        if start + len(found) < end:
            at = start + len(found) - self._data_bytes
            found += self._footer[at : end - self._data_bytes]
        view[: len(found)] = found
        self._position += len(found)
        return len(found)

    def _data(self, start: int, end: int) -> bytes:
        """Proven bytes of a half-open range of the data."""
        first, last = start // BLOCK_BYTES, -(-end // BLOCK_BYTES)
        data = self._raw(first * BLOCK_BYTES, min(last * BLOCK_BYTES, self._data_bytes))
        self._prove(data, first)
        found = data[start - first * BLOCK_BYTES : end - first * BLOCK_BYTES]
        if len(found) != end - start:
            raise Unproven(f"it breaks off while it is read: at byte {start + len(found)} of {self._size}")
        return found


def _proven_metadata(footer: bytes, name: str) -> dict[bytes, bytes]:
    seals = list(_CLOSED_SEAL.finditer(footer))
    if not seals:
        raise Unsealed(
            "its footer has no checksum: it is damaged, or an earlier version of the program wrote it"
        )
    start, end = seals[-1].span()
    opened = footer[:start] + _OPEN_SEAL + footer[end:]
    if google_crc32c.value(opened) != int(seals[-1][1], 16):
        raise Unproven("its footer is damaged: the checksum differs from the one that was written")
    # The footer alone is no file, but reads as one: nothing but its own bytes is looked at.
    metadata = pq.read_metadata(pa.BufferReader(_MAGIC + footer)).metadata
    if metadata[_NAME] != name.encode():
        raise Unproven(f"it is another file: it was written as {metadata[_NAME].decode()!r}")
    return dict(metadata)
