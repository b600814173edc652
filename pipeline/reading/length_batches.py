"""Batches of utterances of like length, decoded and padded; resumable after any batch.

Rows are taken in pools of a fixed size; a pool is sorted by length, cut into batches, and the batches are
permuted. So a place in an epoch is a pool's first row and the number of its batches that were delivered.

Shapes: B utterances, N samples of the longest.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from itertools import islice
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from prep_corpus.align.errors import UsageError
from prep_corpus.pipeline.reading.reader import Reader, Row, decode_into
from prep_corpus.pipeline.shards.rows import Utterance, to_fields


@dataclass(frozen=True, kw_only=True)
class Batching:
    """How rows become batches.

    Attributes:
        utterances: most utterances in a batch.
        padded_seconds: most seconds in a batch, padding counted, or None; one longer utterance is a batch of
            its own.
        pool: utterances that are sorted by length together; their encoded audio is in memory at once.
        seed: seed of the order of a pool's batches.
    """

    utterances: int = 16
    padded_seconds: float | None = None
    pool: int = 512
    seed: int = 0

    def __post_init__(self) -> None:
        if not 1 <= self.utterances <= self.pool:
            raise UsageError(
                f"a batch must have 1 to {self.pool} utterances, the size of a pool: {self.utterances}"
            )
        if self.padded_seconds is not None and self.padded_seconds <= 0:
            raise UsageError(f"a batch's seconds must be over 0: {self.padded_seconds}")


class Cursor(NamedTuple):
    """A place in a part of an epoch.

    Attributes:
        pool_start: position of the first row of the pool to go on with.
        delivered: batches of that pool that were delivered.
    """

    pool_start: int
    delivered: int


@dataclass(frozen=True, kw_only=True, eq=False)
class Batch:
    """Utterances of like length.

    Attributes:
        samples_BN: float32, padded with zeros at the end.
        lengths_B: int64, samples of each.
        fields: fields of each utterance, all columns but the audio.
        cursor: where to go on after this batch.
    """

    samples_BN: npt.NDArray[np.float32]
    lengths_B: npt.NDArray[np.int64]
    fields: tuple[dict[str, Any], ...]
    cursor: Cursor


def read_batches(
    reader: Reader, batching: Batching, epoch: int, cursor: Cursor, stop: int
) -> Iterator[Batch]:
    """The batches of a part of an epoch from a cursor on.

    Args:
        reader: reader of a split.
        batching: how rows become batches.
        epoch: which order.
        cursor: (first row of the part, 0), or where an earlier batch said to go on.
        stop: the row after the part's last.
    """
    pool_start, skip = cursor
    rows = reader.rows(epoch, pool_start, stop)
    while pool := list(islice(rows, batching.pool)):
        groups = plan_batches(pool, batching, epoch)
        for number in range(skip, len(groups)):
            last = number + 1 == len(groups)
            after = Cursor(pool_start + len(pool), 0) if last else Cursor(pool_start, number + 1)
            yield _decoded([pool[index].utterance for index in groups[number]], after)
        pool_start, skip = pool_start + len(pool), 0


def plan_batches(pool: Sequence[Row], batching: Batching, epoch: int) -> list[list[int]]:
    """Groups of indices into a pool: sorted by length, cut, permuted; all utterances of a group have one rate."""
    by_length = sorted(
        range(len(pool)),
        key=lambda index: (pool[index].utterance.sample_rate_hz, pool[index].utterance.samples, index),
    )
    groups: list[list[int]] = []
    for index in by_length:
        row = pool[index].utterance
        padded_seconds = (len(groups[-1]) + 1) * row.samples / row.sample_rate_hz if groups else 0.0
        full = (
            not groups
            or len(groups[-1]) >= batching.utterances
            or pool[groups[-1][0]].utterance.sample_rate_hz != row.sample_rate_hz
        )
        if full or (batching.padded_seconds is not None and padded_seconds > batching.padded_seconds):
            groups.append([])
        groups[-1].append(index)
    key = blake2b(f"{batching.seed}\0{epoch}\0{pool[0].position}".encode(), digest_size=16).digest()
    order = np.argsort(np.random.PCG64(int.from_bytes(key, "big")).random_raw(len(groups)), kind="stable")
    return [groups[number] for number in order]


def _decoded(utterances: list[Utterance], cursor: Cursor) -> Batch:
    lengths_B = np.array([utterance.samples for utterance in utterances], np.int64)
    samples_BN = np.zeros((len(utterances), int(lengths_B.max())), np.float32)
    for number, utterance in enumerate(utterances):
        decode_into(utterance, samples_BN[number, : utterance.samples])
    fields = tuple(to_fields(one, text_original=one.text_source is not None) for one in utterances)
    return Batch(samples_BN=samples_BN, lengths_B=lengths_B, fields=fields, cursor=cursor)
