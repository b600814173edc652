"""A run as a PyTorch dataset: shared by ranks and loader workers, decoded in the workers, resumable.

    >>> loader = UtteranceLoader("run", ReadOptions(shuffle=True), Batching(utterances=4))
    >>> for batch in loader:  # one epoch; the next `for` is the next epoch
    ...     assert len(batch.texts) == len(batch.samples_BN) == len(batch.lengths_B)
    ...     checkpoint = loader.state_dict()  # after load_state_dict the batches go on here

Shapes: B utterances, N samples of the longest.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import torch
import torch.distributed
from torch.utils.data import DataLoader, IterableDataset, get_worker_info

from prep_corpus.align.errors import UsageError
from prep_corpus.pipeline.reading.length_batches import Batching, Cursor, read_batches
from prep_corpus.pipeline.reading.reader import Reader, ReadOptions, part_range
from prep_corpus.pipeline.reading.run_folder import open_run

# The block of numbers that all processes share: epoch, the part that worker 0 reads, then a cursor for each
# part.
_EPOCH, _FIRST_PART, _CURSORS = 0, 1, 2


@dataclass(frozen=True, kw_only=True, eq=False)
class TorchBatch:
    """Utterances of like length.

    Attributes:
        samples_BN: float32, padded with zeros at the end.
        lengths_B: int64, samples of each.
        fields: fields of each utterance, all columns but the audio.
        part: which of the rank's parts it is from.
        cursor: where that part goes on.
    """

    samples_BN: torch.Tensor
    lengths_B: torch.Tensor
    fields: tuple[dict[str, Any], ...]
    part: int
    cursor: Cursor

    @property
    def ids(self) -> list[str]:
        """The utterances' ids."""
        return [str(columns["id"]) for columns in self.fields]

    @property
    def texts(self) -> list[str]:
        """The normalised transcripts."""
        return [str(columns["text_normalized"]) for columns in self.fields]

    def pin_memory(self) -> TorchBatch:
        """The same in page-locked memory, for faster copies to a GPU."""
        return replace(self, samples_BN=self.samples_BN.pin_memory(), lengths_B=self.lengths_B.pin_memory())


class UtteranceDataset(IterableDataset[TorchBatch]):
    """The batches of one rank; inside a loader's worker, those of the worker's part.

    Give it to a `DataLoader` with `batch_size=None`, or use `UtteranceLoader`, which can also be resumed.

    Args:
        uri: the run's folder or its manifest.json.
        options: what to read, and in which order.
        batching: how rows become batches.
        rank: rank of this process among those that train together.
        ranks: their count.
        parts: into how many the rank's rows are cut: the loader's workers, at least 1.
    """

    def __init__(
        self,
        uri: str,
        options: ReadOptions,
        batching: Batching,
        *,
        rank: int = 0,
        ranks: int = 1,
        parts: int = 1,
    ) -> None:
        super().__init__()
        self._reader = Reader(open_run(uri), options)
        self._reader.warn_of_unlisted()
        self._batching = batching
        self._ranges = [
            part_range(len(self._reader), rank * parts + part, ranks * parts) for part in range(parts)
        ]
        # Workers that outlive an epoch keep their copy of this object: what changes has to be in shared
        # memory.
        self._shared = torch.zeros(_CURSORS + 2 * parts, dtype=torch.int64).share_memory_()
        self.set_epoch(0)

    def __len__(self) -> int:
        """Utterances of the rank."""
        return self._ranges[-1][1] - self._ranges[0][0]

    @property
    def epoch(self) -> int:
        """The epoch that the next iteration reads."""
        return int(self._shared[_EPOCH])

    def cursors(self) -> list[Cursor]:
        """Where each part begins its next iteration."""
        values = self._shared.tolist()[_CURSORS:]
        return [Cursor(values[index], values[index + 1]) for index in range(0, len(values), 2)]

    @property
    def first_part(self) -> int:
        """The part that the next batch is from."""
        return int(self._shared[_FIRST_PART])

    def set_epoch(self, epoch: int) -> None:
        """Begin an epoch at its beginning."""
        self.set_place(epoch, 0, [Cursor(start, 0) for start, _ in self._ranges])

    def set_place(self, epoch: int, first_part: int, cursors: list[Cursor]) -> None:
        """Go on at a place of an epoch.

        Args:
            epoch: which order.
            first_part: the part that the next batch is from.
            cursors: where each part goes on.
        """
        values = [epoch, first_part, *(number for cursor in cursors for number in cursor)]
        self._shared.copy_(torch.tensor(values, dtype=torch.int64))

    def __iter__(self) -> Iterator[TorchBatch]:
        parts = len(self._ranges)
        values = self._shared.tolist()
        worker = get_worker_info()
        if worker is not None and worker.num_workers != parts:
            raise UsageError(f"a loader must have as many workers as parts: {worker.num_workers}, {parts}")
        for number in [worker.id] if worker is not None else range(parts):
            part = (values[_FIRST_PART] + number) % parts
            cursor = Cursor(*values[_CURSORS + 2 * part : _CURSORS + 2 * part + 2])
            stop = self._ranges[part][1]
            for batch in read_batches(self._reader, self._batching, values[_EPOCH], cursor, stop):
                yield TorchBatch(
                    samples_BN=torch.from_numpy(batch.samples_BN),
                    lengths_B=torch.from_numpy(batch.lengths_B),
                    fields=batch.fields,
                    part=part,
                    cursor=batch.cursor,
                )


class UtteranceLoader:
    """A `DataLoader` over a rank's batches, with a state that names the next batch.

    Each iteration is an epoch, or what is left of the one that `load_state_dict` named. Ranks and workers
    never overlap and lose nothing, so ranks may differ by a batch: join them, or stop at the least `len`.

    Args:
        uri: the run's folder or its manifest.json.
        options: what to read, and in which order.
        batching: how rows become batches.
        workers: processes that decode; 0 decodes in this one.
        rank: None to ask torch.distributed, where that is in use.
        ranks: the ranks that read beside each other.
        pin_memory: whether batches lie in pinned memory, as `DataLoader` means it.
    """

    def __init__(
        self,
        uri: str,
        options: ReadOptions | None = None,
        batching: Batching | None = None,
        *,
        workers: int = 0,
        rank: int | None = None,
        ranks: int | None = None,
        pin_memory: bool = False,
    ) -> None:
        if rank is None or ranks is None:
            distributed = torch.distributed.is_available() and torch.distributed.is_initialized()
            rank = torch.distributed.get_rank() if distributed else 0
            ranks = torch.distributed.get_world_size() if distributed else 1
        self._place = {"rank": rank, "ranks": ranks, "workers": workers}
        self._dataset = UtteranceDataset(
            uri,
            options or ReadOptions(),
            batching or Batching(),
            rank=rank,
            ranks=ranks,
            parts=max(workers, 1),
        )
        self._loader: DataLoader[TorchBatch] = DataLoader(
            self._dataset,
            batch_size=None,
            num_workers=workers,
            persistent_workers=workers > 0,
            pin_memory=pin_memory,
        )
        self._identity = {
            "uri": uri,
            "options": repr(options or ReadOptions()),
            "batching": repr(batching or Batching()),
        }
        self._state = self._current_state()

    def __len__(self) -> int:
        """Utterances of the rank in an epoch."""
        return len(self._dataset)

    def __iter__(self) -> Iterator[TorchBatch]:
        parts = max(int(self._place["workers"]), 1)
        self._state = self._current_state()
        for batch in self._loader:
            self._state["cursors"][batch.part] = list(batch.cursor)
            # One process reads its parts one after the other; workers take turns.
            self._state["next_part"] = (batch.part + 1) % parts
            yield batch
        self._dataset.set_epoch(int(self._state["epoch"]) + 1)
        self._state = self._current_state()

    def state_dict(self) -> dict[str, Any]:
        """Where the batches go on after the last one that was taken."""
        return {**self._state, "cursors": [list(cursor) for cursor in self._state["cursors"]]}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on where a state says.

        Raises:
            UsageError: it is of other ranks, workers or batches, which would read some rows twice.
        """
        for key, value in {**self._place, **self._identity}.items():
            if key != "uri" and state.get(key) != value:
                raise UsageError(
                    f"a state must be resumed with the same {key}: it has {state.get(key)!r}, this loader {value!r}"
                )
        self._state = {**state, "cursors": [list(cursor) for cursor in state["cursors"]]}
        cursors = [Cursor(*cursor) for cursor in state["cursors"]]
        self._dataset.set_place(int(state["epoch"]), int(state["next_part"]), cursors)

    def _current_state(self) -> dict[str, Any]:
        return {
            **self._place,
            **self._identity,
            "epoch": self._dataset.epoch,
            "next_part": self._dataset.first_part,
            "cursors": [list(cursor) for cursor in self._dataset.cursors()],
        }
