from __future__ import annotations

from pathlib import Path

import pytest
from support.planted_run import sample_rows, write_run

from prep_corpus.align.errors import UsageError
from prep_corpus.pipeline.reading.length_batches import Batching
from prep_corpus.pipeline.reading.reader import ReadOptions
from prep_corpus.pipeline.reading.torch_reader import UtteranceLoader

ROWS = sample_rows(50)
OPTIONS = ReadOptions(shuffle=True, seed=3)
BATCHING = Batching(utterances=4, pool=16)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("run")
    return str(write_run(folder, {"train": [ROWS[:20], ROWS[20:]]}, formats=["parquet"]))


def _loader(run: str, workers: int, rank: int = 0, ranks: int = 1) -> UtteranceLoader:
    return UtteranceLoader(run, OPTIONS, BATCHING, workers=workers, rank=rank, ranks=ranks)


@pytest.mark.parametrize("workers", [0, 1, 2])
@pytest.mark.parametrize("ranks", [1, 3])
def test_ranks_and_workers_read_each_row_once(run: str, workers: int, ranks: int) -> None:
    ids: list[str] = []
    for rank in range(ranks):
        loader = _loader(run, workers, rank, ranks)
        read = [utterance for batch in loader for utterance in batch.ids]
        assert len(read) == len(loader)
        ids += read
    assert sorted(ids) == sorted(row.id for row in ROWS)


@pytest.mark.parametrize("workers", [0, 2])
def test_the_next_iteration_is_the_next_epoch(run: str, workers: int) -> None:
    loader = _loader(run, workers)
    epochs = [[utterance for batch in loader for utterance in batch.ids] for _ in range(2)]
    assert epochs[0] != epochs[1]
    assert sorted(epochs[0]) == sorted(epochs[1])
    assert loader.state_dict()["epoch"] == 2


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("taken", [0, 1, 4, 11])
def test_a_state_goes_on_with_the_next_batch(run: str, workers: int, taken: int) -> None:
    whole = _loader(run, workers)
    batches = [batch.ids for batch in whole]
    second_epoch = [batch.ids for batch in whole]
    first = _loader(run, workers)
    iterator = iter(first)
    for number in range(taken):
        assert next(iterator).ids == batches[number]
    state = first.state_dict()
    del iterator
    resumed = _loader(run, workers)
    resumed.load_state_dict(state)
    assert [batch.ids for batch in resumed] == batches[taken:]
    assert [batch.ids for batch in resumed] == second_epoch


def test_a_state_of_other_workers_is_refused(run: str) -> None:
    state = _loader(run, 0).state_dict()
    with pytest.raises(UsageError, match="workers"):
        _loader(run, 2).load_state_dict(state)


def test_samples_are_padded_and_have_their_lengths(run: str) -> None:
    batch = next(iter(_loader(run, 0)))
    assert batch.samples_BN.shape == (len(batch.ids), int(batch.lengths_B.max()))
    assert set(batch.texts[0]) <= set("abcdefghij")
    for samples_N, length in zip(batch.samples_BN, batch.lengths_B, strict=True):
        assert samples_N[:length].abs().max() > 0.1
        assert not samples_N[length:].any()


def test_a_damaged_shard_stops_a_worker_with_its_name(tmp_path: Path) -> None:
    run = write_run(tmp_path, {"train": [ROWS[:20]]}, formats=["parquet"])
    shard = tmp_path / "data" / "train-00000-of-00001.parquet"
    shard.write_bytes(shard.read_bytes()[:-10])
    with pytest.raises(Exception, match=r"train-00000-of-00001\.parquet"):
        list(_loader(str(run), 1))
