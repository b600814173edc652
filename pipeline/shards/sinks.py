"""Shards of four formats from one pass over the rows, in bounded memory, with the same bytes each time.

A sink takes open binary files, so that the caller decides where they lie and when they get their final names:

    sink = open_sink("parquet", [file])
    for row in rows:
        sink.write(row)
    sink.close()          # ends the format; the files stay open and belong to the caller

| format     | files of shard 3 of 12                                            | module     |
|------------|-------------------------------------------------------------------|------------|
| parquet    | data/train-00003-of-00012.parquet                                 | here       |
| tfrecord   | tfrecord/train.tfrecord-00003-of-00012                            | tfrecord   |
| webdataset | webdataset/train-000003.tar                                       | webdataset |
| shar       | shar/train/cuts.000003.jsonl.gz, shar/train/recording.000003.tar  | shar       |
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from hashlib import blake2b
from typing import Any, BinaryIO, Literal, Protocol

import pyarrow as pa
import pyarrow.parquet as pq

from prep_corpus.align.errors import UsageError
from prep_corpus.pipeline.shards.rows import (
    REPEATING_COLUMNS,
    TEXT_SOURCE,
    WORD_TIMES,
    Utterance,
    arrow_schema,
    to_record_batch,
)
from prep_corpus.pipeline.shards.shar import SharSink
from prep_corpus.pipeline.shards.tfrecord import TFRecordSink
from prep_corpus.pipeline.shards.webdataset import WebDatasetSink

Format = Literal["parquet", "tfrecord", "webdataset", "shar"]
FORMATS: tuple[Format, ...] = ("parquet", "tfrecord", "webdataset", "shar")

# A row group is what a reader holds at once. Viewers refuse those over 100 MB, and streaming readers shuffle
# better the smaller they are; under 16 MB requests to object stores begin to cost more than the bytes.
ROW_GROUP_BYTES = 24_000_000

DIGEST_BYTES = 16


class Sink(Protocol):
    """Writes rows to one shard of one format."""

    def write(self, row: Utterance) -> None:
        """Add one row; rows keep the order they come in."""

    def close(self) -> None:
        """Write what is left and end the format. The files under it stay open."""


class ParquetSink:
    """Parquet with one row group per `row_group_bytes` of audio.

    Text is compressed with zstd; audio is not, being compressed already, and has no statistics. Every page
    has a checksum.

    Args:
        file: open for writing.
        row_group_bytes: audio bytes after which a row group ends.
        word_times, text_source, text_original: with the column of that name.
    """

    def __init__(
        self,
        file: BinaryIO,
        *,
        row_group_bytes: int = ROW_GROUP_BYTES,
        word_times: bool = False,
        text_source: bool = False,
        text_original: bool = False,
    ) -> None:
        self._schema = arrow_schema(
            word_times=word_times, text_source=text_source, text_original=text_original
        )
        names = [name for name in self._schema.names if name not in ("audio", WORD_TIMES)]
        if word_times:
            names += [
                f"{WORD_TIMES}.list.element.{part.name}"
                for part in self._schema.field(WORD_TIMES).type.value_type
            ]
        self._writer = pq.ParquetWriter(
            _Borrowed(file),
            self._schema,
            compression={**dict.fromkeys(names, "zstd"), "audio.bytes": "none", "audio.path": "zstd"},
            use_dictionary=[*REPEATING_COLUMNS, *([TEXT_SOURCE] if text_source else [])],
            write_statistics=names,
            write_page_checksum=True,
        )
        self._row_group_bytes = row_group_bytes
        self._rows: list[Utterance] = []
        self._pending_bytes = 0
        self.row_groups: list[int] = []

    def write(self, row: Utterance) -> None:
        """Add one row."""
        if self._rows and self._pending_bytes + len(row.audio) > self._row_group_bytes:
            self._end_row_group()
        self._rows.append(row)
        self._pending_bytes += len(row.audio)

    def close(self) -> None:
        """Write the last row group and the footer."""
        if self._rows:
            self._end_row_group()
        self._writer.close()

    def _end_row_group(self) -> None:
        batch = to_record_batch(self._rows, self._schema)
        self.row_groups.append(len(self._rows))
        self._rows, self._pending_bytes = [], 0
        self._writer.write_table(pa.Table.from_batches([batch]), row_group_size=batch.num_rows)


class _Borrowed:
    """A file that pyarrow may write to but not close: the caller still has to sync and rename it."""

    closed = False

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def write(self, data: Any) -> int:
        return self._file.write(data)

    def flush(self) -> None:
        self._file.flush()

    def close(self) -> None: ...


class DigestingFile:
    """A write-only file that counts and digests what goes through it, into a file that stays the caller's."""

    closed = False

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._digest = blake2b(digest_size=DIGEST_BYTES)
        self._given_up = False
        self.bytes_written = 0

    def write(self, data: Any) -> int:
        """Pass `data` on."""
        view = memoryview(data).cast("B")
        if self._given_up:
            return len(view)
        self._digest.update(view)
        self._file.write(view)
        self.bytes_written += len(view)
        return len(view)

    def give_up(self) -> None:
        """Drop what is written from now on: sinks that are not closed write their ends when they go, to no file."""
        self._given_up = True

    def tell(self) -> int:
        """Bytes written so far."""
        return self.bytes_written

    def flush(self) -> None:
        """Flush the file under it."""
        if not self._given_up:
            self._file.flush()

    def hexdigest(self) -> str:
        """blake2b of all bytes so far, as the manifest lists it."""
        return self._digest.hexdigest()


def shard_names(shard_format: Format, split: str, index: int, count: int) -> tuple[str, ...]:
    """The files of one shard, relative to the run folder: one, or two for Shar (cuts, recordings).

    Args:
        shard_format: one of `FORMATS`.
        split: name of the split.
        index: number of the shard, from 0.
        count: shards of the split.
    """
    if not 0 <= index < count:
        raise UsageError(
            f"a shard's number must be under the number of shards: {index} of {count} in split {split!r}"
        )
    if shard_format == "parquet":
        return (f"data/{split}-{index:05d}-of-{count:05d}.parquet",)
    if shard_format == "tfrecord":
        return (f"tfrecord/{split}.tfrecord-{index:05d}-of-{count:05d}",)
    if shard_format == "webdataset":
        return (f"webdataset/{split}-{index:06d}.tar",)
    return (f"shar/{split}/cuts.{index:06d}.jsonl.gz", f"shar/{split}/recording.{index:06d}.tar")


def open_sink(
    shard_format: Format,
    files: Sequence[Any],
    *,
    gzip: bool = False,
    row_group_bytes: int = ROW_GROUP_BYTES,
    word_times: bool = False,
    text_source: bool = False,
    text_original: bool = False,
) -> Sink:
    """A sink of a format onto open binary files, in the order of `shard_names`.

    Args:
        shard_format: one of `FORMATS`.
        files: the files to write, as many as `shard_names` gives.
        gzip: compress TFRecord as a whole; other formats ignore it.
        row_group_bytes: size of a row group for Parquet.
        word_times, text_source, text_original: whether the rows have them.
    """
    expected = 2 if shard_format == "shar" else 1
    if len(files) != expected:
        raise UsageError(f"a {shard_format} shard must have {expected} files: {len(files)} given")
    if shard_format == "parquet":
        return ParquetSink(
            files[0],
            row_group_bytes=row_group_bytes,
            word_times=word_times,
            text_source=text_source,
            text_original=text_original,
        )
    if shard_format == "tfrecord":
        return TFRecordSink(files[0], gzip=gzip)
    if shard_format == "webdataset":
        return WebDatasetSink(files[0], text_original=text_original)
    if shard_format == "shar":
        return SharSink(files[0], files[1], text_original=text_original)
    raise UsageError(f"a shard format must be one of {', '.join(FORMATS)}: {shard_format!r}")


def write_rows(sinks: Sequence[Sink], rows: Iterable[Utterance]) -> tuple[int, int]:
    """Write rows to several sinks in one pass, and close the sinks.

    Returns:
        Utterances and samples written.
    """
    utterances = samples = 0
    for row in rows:
        for sink in sinks:
            sink.write(row)
        utterances += 1
        samples += row.samples
    for sink in sinks:
        sink.close()
    return utterances, samples


def write_parquet(
    file: BinaryIO, rows: Iterable[Utterance], *, row_group_bytes: int = ROW_GROUP_BYTES
) -> int:
    """Write one Parquet shard; returns the number of rows."""
    return write_rows([ParquetSink(file, row_group_bytes=row_group_bytes)], rows)[0]


def write_tfrecord(file: BinaryIO, rows: Iterable[Utterance], *, gzip: bool = False) -> int:
    """Write one TFRecord shard; returns the number of rows."""
    return write_rows([TFRecordSink(file, gzip=gzip)], rows)[0]


def write_webdataset(file: BinaryIO, rows: Iterable[Utterance]) -> int:
    """Write one WebDataset shard; returns the number of rows."""
    return write_rows([WebDatasetSink(file)], rows)[0]


def write_shar(cuts_file: BinaryIO, recordings_file: BinaryIO, rows: Iterable[Utterance]) -> int:
    """Write one Lhotse Shar shard; returns the number of rows."""
    return write_rows([SharSink(cuts_file, recordings_file)], rows)[0]
