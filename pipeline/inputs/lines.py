"""Lines of manifests, and rows of tables: bounded in length, so that a bad one costs itself alone."""

from __future__ import annotations

import csv
import gzip
import os
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, BinaryIO, cast

from prep_corpus.align.errors import EntryInvalid, RecordingError, UsageError
from prep_corpus.align.language_tags import is_known
from prep_corpus.pipeline.inputs.lhotse_cuts import language_tag
from prep_corpus.pipeline.storage import files

MAX_LINE_BYTES = 64 << 20
_AUDIO_KEYS = ("path", "file_name")
"""Of audio in the tables of Common Voice, and of the folders of audio that `datasets` reads."""
TEXT_KEYS = ("text", "sentence", "transcription", "transcript", "normalized_text")
"""Names under which data sets keep what is said; the first that is there counts."""
SPEAKER_KEYS = ("speaker", "speaker_id", "client_id")
LANGUAGE_KEYS = ("lang", "language", "locale")

TableRow = tuple[str, Mapping[str, Any] | RecordingError]
"""Its name in messages, and its values by column or what is wrong with it."""


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


def told(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Text, speaker and language of a data set's row, under the names of a manifest's keys."""
    found: dict[str, Any] = {}
    for key, names in (("text", TEXT_KEYS), ("speaker", SPEAKER_KEYS), ("lang", LANGUAGE_KEYS)):
        for name in names:
            if isinstance(fields.get(name), str | int) and not isinstance(fields[name], bool):
                found[key] = str(fields[name])
                break
    if "lang" in found:
        tag = language_tag(found.pop("lang"))
        if is_known(tag):
            found["lang"] = tag
    return found


def as_entry(fields: Mapping[str, Any]) -> Mapping[str, Any]:
    """A row of Common Voice, or of a folder of audio as `datasets` reads it, under the names of a manifest's keys.

    Others, and what has a manifest's own key for audio, are as they were.
    """
    key = next((key for key in _AUDIO_KEYS if isinstance(fields.get(key), str)), None)
    if "audio_filepath" in fields or key is None:
        return fields
    path = fields[key]
    # Common Voice names its files without their folder.
    if key == "path" and "client_id" in fields and path and "/" not in path:
        path = f"clips/{path}"
    return {**fields, **told(fields), "audio_filepath": path}


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


def table_entries(uri: str, delimiter: str, *, may_lack_text: bool) -> Iterator[TableRow]:
    """Rows of CSV or TSV as manifest entries; a quoted value may span lines.

    Args:
        uri: the file.
        delimiter: a comma or a tab.
        may_lack_text: whether a table without a column of texts is right.

    Raises:
        UsageError: the first line does not name the columns. Raised by the call itself.
    """
    lines = _Remembered(read_lines(uri))
    # TSV files of this field do not quote: a text may begin with a quotation mark.
    csv.field_size_limit(MAX_LINE_BYTES)
    if delimiter == "\t":
        rows = csv.reader(lines, delimiter=delimiter, quoting=csv.QUOTE_NONE)
    else:
        rows = csv.reader(lines, delimiter=delimiter)
    header = [name.strip() for name in next(rows, [])]
    own = "audio_filepath" in header
    texts = {"text", "text_filepath"} if own else {"text_filepath", *TEXT_KEYS}
    has_text = may_lack_text or bool(texts & set(header))
    if not (own or set(_AUDIO_KEYS) & set(header)) or not has_text:
        raise UsageError(
            f"{uri}: the first line must name the columns, audio_filepath and text or text_filepath among "
            f"them, or {' or '.join(_AUDIO_KEYS)} and {' or '.join(TEXT_KEYS)}; "
            f"it names {', '.join(header[:20]) or 'none'}"
        )
    return _rows(rows, lines, header)


def _rows(rows: Iterator[list[str]], lines: _Remembered, header: list[str]) -> Iterator[TableRow]:
    while True:
        lines.start_row()
        try:
            row = next(rows, None)
        except csv.Error as error:
            yield lines.name, EntryInvalid(f"{lines.name}: a row must be well-formed; {error}")
            continue
        if row is None:
            return
        if not row:
            continue
        if lines.error is not None:
            yield lines.name, lines.error
        elif len(row) != len(header):
            yield (
                lines.name,
                EntryInvalid(f"{lines.name}: a row must have {len(header)} values, this one has {len(row)}"),
            )
        else:
            yield lines.name, as_entry(dict(zip(header, row)))


class _Remembered:
    """Lines as text for the CSV reader, with the first line and the first error of the row being read."""

    def __init__(self, lines: Iterator[Line]) -> None:
        self._lines = lines
        self._is_first = True
        self.name = ""
        self.error: RecordingError | None = None

    def start_row(self) -> None:
        self._is_first, self.error = True, None

    def __iter__(self) -> _Remembered:
        return self

    def __next__(self) -> str:
        line = next(self._lines)
        if self._is_first:
            self.name, self._is_first = line.name, False
        try:
            return decode_line(line) + "\n"
        except RecordingError as error:
            self.error = self.error or error
            return line.data.decode("utf-8", errors="replace") + "\n"
