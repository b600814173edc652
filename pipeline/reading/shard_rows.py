"""All rows of a shard of any format, in order."""

from __future__ import annotations

import gzip
import io
import tarfile
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from prep_corpus.align.errors import UsageError
from prep_corpus.pipeline.reading.run_folder import RunFolder, ShardCorrupt
from prep_corpus.pipeline.shards.manifest import ShardEntry
from prep_corpus.pipeline.shards.rows import Utterance, from_record_batch
from prep_corpus.pipeline.shards.shar import read_shar
from prep_corpus.pipeline.shards.webdataset import read_webdataset

_GZIP_MAGIC = b"\x1f\x8b"
_BATCH_ROWS = 64
# What the readers of the formats raise on bytes that are not theirs.
_BROKEN = (
    OSError,
    EOFError,
    ValueError,
    KeyError,
    TypeError,
    tarfile.TarError,
    pa.ArrowException,
    UsageError,
)


def shard_rows(run: RunFolder, files: tuple[ShardEntry, ...]) -> Iterator[Utterance]:
    """The rows of one shard.

    Args:
        run: the run it belongs to.
        files: the shard's files, in the order of `sinks.shard_names`.

    Raises:
        ShardCorrupt: it cannot be read to its end.
    """
    with ExitStack() as stack:
        opened: list[Any] = [stack.enter_context(run.open(entry.path)) for entry in files]
        try:
            yield from _rows(files[0].format, opened, read_ahead=not run.is_local)
        except _BROKEN as error:
            raise ShardCorrupt(
                f"a shard must be readable to its end: {error!r} in {run.path(files[0].path)}"
            ) from error


def _rows(shard_format: str, opened: list[Any], *, read_ahead: bool) -> Iterator[Utterance]:
    if shard_format == "parquet":
        # Arrow's threads gain nothing on a disk, and one that still runs when a process leaves can end it by a signal.
        parquet = pq.ParquetFile(opened[0], pre_buffer=read_ahead)
        for batch in parquet.iter_batches(batch_size=_BATCH_ROWS, use_threads=False):
            yield from from_record_batch(batch)
        return
    buffered = [io.BufferedReader(file) for file in opened]
    if shard_format == "tfrecord":
        gzipped = buffered[0].peek(2)[:2] == _GZIP_MAGIC
        content: Any = gzip.GzipFile(fileobj=buffered[0]) if gzipped else buffered[0]
        yield from _tfrecord_rows(content)
    elif shard_format == "webdataset":
        yield from read_webdataset(buffered[0])
    elif shard_format == "shar":
        yield from read_shar(buffered[0], buffered[1])
    else:
        raise UsageError(f"a shard's format must be parquet, tfrecord, webdataset or shar: {shard_format!r}")


def _tfrecord_rows(content: Any) -> Iterator[Utterance]:
    # protobuf and crc32c are needed for this format alone; reading the others must not ask for them.
    try:
        from google.protobuf.message import DecodeError

        from prep_corpus.pipeline.shards.tfrecord import read_tfrecord
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            f"TFRecord files are read with protobuf and google-crc32c, and {error.name} is not installed: "
            "pip install 'prep-corpus-reader[tfrecord]'",
            name=error.name,
        ) from error
    try:
        yield from read_tfrecord(content)
    except DecodeError as error:
        raise ValueError(str(error)) from error
