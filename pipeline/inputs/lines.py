"""Lines of manifests: bounded in length, decoded one by one, so that one bad line costs itself alone."""

from __future__ import annotations

import gzip
import os
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import BinaryIO, cast

from prep_corpus.align.errors import EntryInvalid, UsageError
from prep_corpus.pipeline.storage import files

MAX_LINE_BYTES = 64 << 20


@dataclass(frozen=True)
class Line:
    """One line.

    Attributes:
        name: file and number, such as "manifest.jsonl:3".
        data: without its end; cut off at `MAX_LINE_BYTES`.
        is_whole: False where it was cut off.
    """

    name: str
    data: bytes
    is_whole: bool = True


@contextmanager
def open_plain(uri: str) -> Iterator[BinaryIO]:
    """Open for reading, through gzip where the name ends in .gz.

    Raises:
        UsageError: a part that is read is not gzip, or breaks off.
    """
    with files.open_binary(uri) as file:
        if not uri.lower().endswith(".gz"):
            yield file
            return
        try:
            with gzip.GzipFile(fileobj=file) as inflated:
                yield cast(BinaryIO, inflated)
        except (gzip.BadGzipFile, EOFError, zlib.error) as error:
            raise UsageError(f"{uri}: a file that ends in .gz must be whole gzip; {error}") from error


def read_lines(uri: str) -> Iterator[Line]:
    """The lines of a file, without a byte order mark; of one that ends in .gz, of what is in it."""
    shown = os.path.basename(uri)
    with open_plain(uri) as file:
        number = 0
        while data := file.readline(MAX_LINE_BYTES + 1):
            number += 1
            if number == 1:
                data = data.removeprefix(b"\xef\xbb\xbf")
            is_whole = len(data) <= MAX_LINE_BYTES
            rest = data
            while rest and not rest.endswith(b"\n"):
                rest = file.readline(1 << 20)
            yield Line(f"{shown}:{number}", data[:MAX_LINE_BYTES].rstrip(b"\r\n"), is_whole)


def decode_line(line: Line) -> str:
    """A line as text.

    Raises:
        EntryInvalid: it is not UTF-8, or too long.
    """
    if not line.is_whole:
        raise EntryInvalid(f"{line.name}: a line may have {MAX_LINE_BYTES} bytes, this one has more")
    try:
        return line.data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise EntryInvalid(
            f"{line.name}: a line must be UTF-8, but its byte {error.start} is 0x{line.data[error.start]:02x}"
        ) from error
