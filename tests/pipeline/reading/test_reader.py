from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from support.planted_run import sample_rows, write_run, write_shard
from support.sample_rows import make_row, samples_of

from prep_corpus.align.errors import UsageError
from prep_corpus.pipeline.reading import reader as reader_module
from prep_corpus.pipeline.reading.length_batches import Batching, Cursor, plan_batches, read_batches
from prep_corpus.pipeline.reading.reader import Reader, ReadOptions, decode_audio, part_range, read_utterances
from prep_corpus.pipeline.reading.run_folder import (
    ShardCorrupt,
    ShardError,
    ShardMissing,
    ShardStale,
    ShardTruncated,
    StaleShardWarning,
    open_run,
)

ROWS = sample_rows(60)
SHUFFLED = ReadOptions(shuffle=True, seed=3)


@pytest.fixture(scope="module")
def whole_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("run")
    splits = {"train": [ROWS[:20], ROWS[20:45], ROWS[45:]], "dev": [sample_rows(5, 100)]}
    return write_run(folder, splits, formats=["parquet"])


@pytest.fixture
def run(whole_run: Path, tmp_path: Path) -> Path:
    """A copy to damage."""
    shutil.copytree(whole_run.parent, tmp_path / "run")
    return tmp_path / "run" / "manifest.json"


def test_rows_come_in_order_from_folder_or_manifest(whole_run: Path) -> None:
    assert list(read_utterances(str(whole_run))) == ROWS
    assert list(read_utterances(str(whole_run.parent))) == ROWS
    assert len(list(read_utterances(whole_run.as_uri(), ReadOptions(split="dev")))) == 5


def test_audio_decodes_to_the_samples_that_were_encoded(whole_run: Path) -> None:
    for number, utterance in enumerate(read_utterances(str(whole_run))):
        samples_N, rate_hz = decode_audio(utterance)
        assert rate_hz == 16000
        assert np.array_equal(samples_N * 32768, samples_of(number, utterance.samples))


@pytest.mark.parametrize("options", [ReadOptions(), SHUFFLED])
@pytest.mark.parametrize("parts", [1, 2, 3, 7, 64])
def test_parts_neither_overlap_nor_lose_a_row(whole_run: Path, options: ReadOptions, parts: int) -> None:
    read = [
        [row.id for row in read_utterances(str(whole_run), options, part=part, parts=parts)]
        for part in range(parts)
    ]
    ids = [identifier for part in read for identifier in part]
    assert sorted(ids) == sorted(row.id for row in ROWS)
    assert max(map(len, read)) - min(map(len, read)) <= 1
    assert ids == [row.id for row in read_utterances(str(whole_run), options)]


def test_epochs_and_seeds_have_orders_of_their_own_that_come_again(whole_run: Path) -> None:
    def order(seed: int, epoch: int) -> list[str]:
        options = ReadOptions(shuffle=True, seed=seed)
        return [row.id for row in read_utterances(str(whole_run), options, epoch=epoch)]

    orders = [order(3, 0), order(3, 1), order(4, 0)]
    assert len({tuple(ids) for ids in orders}) == 3
    assert order(3, 1) == orders[1]
    assert all(sorted(ids) == sorted(orders[0]) for ids in orders)


def test_any_row_can_be_gone_on_from(whole_run: Path) -> None:
    whole = [row.id for row in read_utterances(str(whole_run), SHUFFLED, epoch=2, part=1, parts=2)]
    for skip in (0, 1, 7, 22, 29, 30):
        rest = read_utterances(str(whole_run), SHUFFLED, epoch=2, part=1, parts=2, skip=skip)
        assert [row.id for row in rest] == whole[skip:]


def test_batches_hold_each_row_once_and_like_lengths_together(whole_run: Path) -> None:
    reader = Reader(open_run(str(whole_run)), SHUFFLED)
    batches = list(read_batches(reader, Batching(utterances=5, pool=30), 0, Cursor(0, 0), len(reader)))
    assert sorted(columns["id"] for batch in batches for columns in batch.fields) == sorted(
        row.id for row in ROWS
    )
    padded = sum(batch.samples_BN.size for batch in batches)
    assert padded / sum(int(batch.lengths_B.sum()) for batch in batches) < 1.25
    rows = {row.id: number for number, row in enumerate(ROWS)}
    for batch in batches:
        assert len(batch.fields) <= 5
        for number, columns in enumerate(batch.fields):
            length = int(batch.lengths_B[number])
            assert np.array_equal(
                batch.samples_BN[number, :length] * 32768, samples_of(rows[columns["id"]], length)
            )
            assert not batch.samples_BN[number, length:].any()


def test_batches_go_on_after_any_of_them(whole_run: Path) -> None:
    reader = Reader(open_run(str(whole_run)), SHUFFLED)
    batching = Batching(utterances=4, pool=24)
    start, stop = part_range(len(reader), 1, 2)
    batches = list(read_batches(reader, batching, 1, Cursor(start, 0), stop))
    ids = [[columns["id"] for columns in batch.fields] for batch in batches]
    for number, batch in enumerate(batches):
        rest = read_batches(reader, batching, 1, batch.cursor, stop)
        assert [[columns["id"] for columns in after.fields] for after in rest] == ids[number + 1 :]


def test_a_batch_keeps_to_its_seconds_but_one_long_utterance_may_pass() -> None:
    pool = [reader_module.Row(n, make_row(n, samples=16_000 * (n + 1))) for n in range(5)]
    groups = plan_batches(pool, Batching(utterances=4, padded_seconds=4.0, pool=8), 0)
    assert sorted(sorted(group) for group in groups) == [[0, 1], [2], [3], [4]]


def test_a_part_that_is_not_there_is_refused(whole_run: Path) -> None:
    with pytest.raises(UsageError, match="2 of 2"):
        list(read_utterances(str(whole_run), part=2, parts=2))


def test_what_is_not_there_is_named(whole_run: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"train.*'test'"):
        list(read_utterances(str(whole_run), ReadOptions(split="test")))
    with pytest.raises(UsageError, match=r"manifest\.json"):
        list(read_utterances(str(tmp_path)))
    only_tar = write_run(tmp_path, {"train": [ROWS[:2]]}, formats=["webdataset"])
    with pytest.raises(UsageError, match="export"):
        list(read_utterances(str(only_tar)))


def _shard(run: Path) -> Path:
    return run.parent / "data" / "train-00001-of-00003.parquet"


def _read_error(run: Path) -> ShardError:
    with pytest.raises(ShardError) as caught:
        list(read_utterances(str(run)))
    assert "train-00001-of-00003.parquet" in str(caught.value)
    return caught.value


def test_a_missing_shard_is_named(run: Path) -> None:
    _shard(run).unlink()
    assert isinstance(_read_error(run), ShardMissing)


@pytest.mark.parametrize("kept", [0, 4, 1000, -1])
def test_a_truncated_shard_is_named(run: Path, kept: int) -> None:
    _shard(run).write_bytes(_shard(run).read_bytes()[:kept])
    assert isinstance(_read_error(run), ShardTruncated)


@pytest.mark.parametrize("place", [0.0, 0.1, 0.5, 0.9])
def test_a_flipped_byte_is_named(run: Path, place: float) -> None:
    data = bytearray(_shard(run).read_bytes())
    data[int(place * len(data))] ^= 0x10
    _shard(run).write_bytes(data)
    assert isinstance(_read_error(run), ShardCorrupt)


def test_a_stale_shard_at_a_listed_place_is_named(run: Path) -> None:
    write_shard(run.parent, "train", 1, 3, ROWS[:11], ["parquet"])
    assert isinstance(_read_error(run), ShardStale)


def test_a_stale_shard_beside_the_listed_ones_is_named_and_not_read(run: Path) -> None:
    write_shard(run.parent, "train", 0, 7, ROWS[:11], ["parquet"])
    with pytest.warns(StaleShardWarning, match="train-00000-of-00007"):
        assert list(read_utterances(str(run))) == ROWS


def test_audio_of_another_length_than_its_row_is_named() -> None:
    row = make_row(3, samples=3200, end_sample=480_000 + 3201)
    with pytest.raises(ShardCorrupt, match="3201"):
        decode_audio(row)


def test_reading_needs_neither_beam_nor_torch_nor_protobuf(whole_run: Path) -> None:
    program = f"""
import sys
for name in ("apache_beam", "torch", "google.protobuf", "google_crc32c", "numba", "click", "sklearn"):
    sys.modules[name] = None
from prep_corpus.pipeline.reading.reader import decode_audio, read_utterances
print(sum(decode_audio(row)[0].size for row in read_utterances({str(whole_run)!r})))
"""
    output = subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, text=True
    ).stdout
    assert int(output) == sum(row.samples for row in ROWS)


def test_what_is_no_run_and_what_is_no_split_is_told_by_the_call(whole_run: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="a split must be one of dev, train: not 'test'"):
        read_utterances(str(whole_run), ReadOptions(split="test"))
    with pytest.raises(UsageError, match="a part's number must be under"):
        read_utterances(str(whole_run), part=2, parts=2)
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match=r"a finished run is a folder with a manifest\.json, or that file"):
        read_utterances(str(tmp_path / "file"))
    with pytest.raises(UsageError, match="there is none at"):
        read_utterances(str(tmp_path / "nowhere"))
