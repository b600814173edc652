"""Parquet in Python files, read in the thread that asks.

Arrow reads ahead in threads of its own, and such a thread lets go of the file a moment after its rows have been given.
Where the interpreter ends in that moment, the thread can no longer take its lock, and C++ ends the process: SIGABRT,
"terminate called without an active exception", behind the last line of a command that did well. Files that Arrow
itself has opened are free of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from io import RawIOBase
from typing import BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq


def open_parquet(file: BinaryIO | RawIOBase, *, prove_pages: bool = False) -> pq.ParquetFile:
    """A file whose footer has been read; its rows come through `read_group` or `read_rows`.

    Args:
        file: open, binary, seekable.
        prove_pages: compare the checksum of each page that has one; a wrong one is an OSError.
    """
    return pq.ParquetFile(file, pre_buffer=False, page_checksum_verification=prove_pages)


def read_group(parquet: pq.ParquetFile, number: int, columns: Sequence[str] | None = None) -> pa.Table:
    """One row group, or some of its columns."""
    return parquet.read_row_group(number, columns, use_threads=False)


def read_rows(parquet: pq.ParquetFile, columns: Sequence[str] | None = None) -> pa.Table:
    """All rows, or some of their columns."""
    return parquet.read(columns, use_threads=False)
