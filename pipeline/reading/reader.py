"""Reading a finished run: plain iteration over its utterances, without Beam and without torch.

    >>> for utterance in read_utterances("run/manifest.json", ReadOptions(split="train")):
    ...     samples_N, rate_hz = decode_audio(utterance)

The order of an epoch is one list of all rows, and a part (a rank, or a loader's worker of a rank) reads a run
of it, so that parts never overlap, nothing is lost, and they differ by one row at most:

    rows of the epoch   |----------------------------------------------------------------|
    shards, permuted    |-- shard 2 --|-- shard 0 --|-- shard 3 --|-- shard 1 -----------|
    parts               |---- 0 ----------|---- 1 ----------|---- 2 ---------|---- 3 -----|

Inside a shard row groups are permuted, and rows inside each of them; one row group is in memory at once.

Shapes: N samples.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq
import soundfile as sf

from prep_corpus.align.errors import UsageError
from prep_corpus.pipeline.reading.run_folder import (
    RunFolder,
    ShardCorrupt,
    open_run,
    verify_shard,
    warn_of_unlisted,
)
from prep_corpus.pipeline.shards.manifest import ShardEntry
from prep_corpus.pipeline.shards.rows import Utterance, from_record_batch


@dataclass(frozen=True, kw_only=True)
class ReadOptions:
    """What to read, and in which order.

    Attributes:
        split: name of the split.
        shuffle: whether each epoch has an order of its own; else it is the order of the shards.
        seed: seed of that order.
        verify: whether each shard's digest is compared with the manifest when it is first opened; else only its size.
    """

    split: str = "train"
    shuffle: bool = False
    seed: int = 0
    verify: bool = True


class Row(NamedTuple):
    """A row and its place in the epoch.

    Attributes:
        position: place in the epoch's list of all rows.
        utterance: the row.
    """

    position: int
    utterance: Utterance


class Reader:
    """Reads one split of a run in Parquet.

    Args:
        run: an open run.
        options: what to read.

    Raises:
        UsageError: the run has no such split, or no Parquet.
    """

    def __init__(self, run: RunFolder, options: ReadOptions) -> None:
        self._run = run
        self._options = options
        self._shards = run.manifest.of("parquet", options.split)
        self._verified: set[str] = set()
        if not run.manifest.of("parquet"):
            raise UsageError(
                f"the reader needs Parquet: {run.folder} has {', '.join(run.manifest.formats) or 'nothing'}; "
                "`prep-corpus export` makes it"
            )
        if not self._shards:
            raise UsageError(
                f"a split must be one of {', '.join(run.manifest.splits)}: not {options.split!r} in {run.folder} "
                "(`--split` of a run names them, and one that got no utterance is none)"
            )

    def __len__(self) -> int:
        """Rows of the split."""
        return sum(shard.utterances for shard in self._shards)

    def warn_of_unlisted(self) -> None:
        """Warn of shards of another run that lie beside this one's."""
        warn_of_unlisted(self._run, "parquet")

    def rows(self, epoch: int, start: int, stop: int) -> Iterator[Row]:
        """The rows [start, stop) of an epoch, in order.

        Raises:
            ShardError: a shard is not the one that the manifest lists.
        """
        first = 0
        for shard in _permuted(self._shards, epoch, self._options):
            end = first + shard.utterances
            if first < stop and start < end:
                yield from self._shard_rows(shard, epoch, max(start - first, 0), stop - first, first)
            first = end

    def _shard_rows(self, shard: ShardEntry, epoch: int, start: int, stop: int, first: int) -> Iterator[Row]:
        """Rows [start, stop) of a shard's permuted rows; `first` is the shard's place in the epoch."""
        if shard.path not in self._verified:
            verify_shard(self._run, shard, digest=self._options.verify)
            self._verified.add(shard.path)
        with self._run.open(shard.path) as file:
            try:
                parquet = pq.ParquetFile(file, page_checksum_verification=True)
                sizes = [
                    parquet.metadata.row_group(group).num_rows
                    for group in range(parquet.metadata.num_row_groups)
                ]
                if sum(sizes) != shard.utterances:
                    raise ShardCorrupt(
                        f"a shard must have as many utterances as are listed: {shard.utterances} listed, "
                        f"{sum(sizes)} found in {self._run.path(shard.path)}"
                    )
                position = 0
                for group in self._order(len(sizes), epoch, shard.path, "groups"):
                    end = position + sizes[group]
                    if position < stop and start < end:
                        order = self._order(sizes[group], epoch, shard.path, f"rows {group}")
                        chosen = order[max(start - position, 0) : stop - position]
                        table = parquet.read_row_group(group, use_threads=False)
                        rows = from_record_batch(_one_batch(table.take(chosen)))
                        offset = first + max(position, start)
                        yield from (Row(offset + number, row) for number, row in enumerate(rows))
                    position = end
            except (OSError, pa.ArrowException) as error:
                raise ShardCorrupt(
                    f"a shard must be readable to its end: {error} in {self._run.path(shard.path)}"
                ) from error

    def _order(self, count: int, epoch: int, path: str, purpose: str) -> npt.NDArray[np.int64]:
        """A permutation of [0, count) that depends on the names alone."""
        if not self._options.shuffle:
            return np.arange(count)
        key = blake2b(f"{purpose}\0{self._options.seed}\0{epoch}\0{path}".encode(), digest_size=16).digest()
        return np.argsort(np.random.PCG64(int.from_bytes(key, "big")).random_raw(count), kind="stable")


def part_range(rows: int, part: int, parts: int) -> tuple[int, int]:
    """The rows [start, stop) of an epoch that one of several parts reads.

    Raises:
        UsageError: no such part.
    """
    if not 0 <= part < parts:
        raise UsageError(f"a part's number must be under the number of parts: {part} of {parts}")
    return rows * part // parts, rows * (part + 1) // parts


def read_utterances(
    uri: str,
    options: ReadOptions | None = None,
    *,
    epoch: int = 0,
    part: int = 0,
    parts: int = 1,
    skip: int = 0,
) -> Iterator[Utterance]:
    """The utterances of a finished run, one after the other.

    Args:
        uri: its folder or its manifest.json; a local path, gs:// or s3://.
        options: what to read, and in which order.
        epoch: number of the epoch; with shuffling, each has an order of its own.
        part: which of several readers this is, in [0, parts).
        parts: how many readers share the rows.
        skip: rows of this part that were read before.

    Raises:
        UsageError: no such run, split or part.
        ShardError: a shard is not the one that the manifest lists.
    """
    # What is wrong with the run or the options is told by this call, not by the first row.
    reader = Reader(open_run(uri), options or ReadOptions())
    start, stop = part_range(len(reader), part, parts)
    reader.warn_of_unlisted()
    return (row.utterance for row in reader.rows(epoch, start + skip, stop))


def decode_audio(utterance: Utterance) -> tuple[npt.NDArray[np.float32], int]:
    """The samples, float32 [N] in [-1, 1), and their rate in Hz.

    Raises:
        ShardCorrupt: the audio cannot be decoded, or has another length than the row says.
    """
    samples_N = np.empty(utterance.samples, np.float32)
    decode_into(utterance, samples_N)
    return samples_N, utterance.sample_rate_hz


def decode_into(utterance: Utterance, out_N: npt.NDArray[np.float32]) -> None:
    """Decode an utterance's audio into an array of its length, see `decode_audio`."""
    try:
        with sf.SoundFile(io.BytesIO(utterance.audio)) as file:
            found = (file.frames, file.samplerate, file.channels)
            if (
                found == (out_N.size, utterance.sample_rate_hz, 1)
                and file.read(out=out_N).shape == out_N.shape
            ):
                return
    except (sf.LibsndfileError, ValueError) as error:
        raise ShardCorrupt(f"audio must be decodable: {error} in {utterance.id!r}") from error
    raise ShardCorrupt(
        f"audio must have the samples, rate and channels of its row: {(out_N.size, utterance.sample_rate_hz, 1)} "
        f"listed, {found} found in {utterance.id!r}"
    )


def _permuted(shards: Sequence[ShardEntry], epoch: int, options: ReadOptions) -> Sequence[ShardEntry]:
    if not options.shuffle:
        return shards

    def key(shard: ShardEntry) -> bytes:
        return blake2b(f"shards\0{options.seed}\0{epoch}\0{shard.path}".encode(), digest_size=16).digest()

    return sorted(shards, key=key)


def _one_batch(table: pa.Table) -> pa.RecordBatch:
    batches = table.combine_chunks().to_batches()
    return batches[0] if batches else pa.RecordBatch.from_pylist([], schema=table.schema)
