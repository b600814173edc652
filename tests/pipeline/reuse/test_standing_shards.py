"""Noisy utterances of a shard that stands are taken over into another, and made anew where they are damaged."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from support.toy_stages import ToyStages, placed

from prep_corpus.pipeline.inputs.noise import open_bank
from prep_corpus.pipeline.reuse.standing_shards import NoisyUtterances, ShardFile
from prep_corpus.pipeline.shards.clips import UtteranceRef
from prep_corpus.pipeline.stages.plan import utterance_refs
from prep_corpus.pipeline.stages.write import write_shard
from prep_corpus.pipeline.storage.stage_store import Store


@pytest.fixture(scope="module")
def refs(toy_stages: ToyStages) -> list[UtteranceRef]:
    store = Store(toy_stages.options.work)
    plan = toy_stages.options.plan
    return [ref for segments in toy_stages.segmented for ref in utterance_refs(store, segments, plan)]


def written(
    toy_stages: ToyStages, refs: list[UtteranceRef], out: Path, count: int, standing: NoisyUtterances | None
) -> ShardFile:
    options = placed(toy_stages.options, out)
    bank = open_bank(None, options.write.sample_rate_hz)
    store, receipts = Store(toy_stages.options.work), Store(str(out / "work"))
    address = ("train", 0, count)
    return write_shard(store, receipts, str(out), address, refs, bank, options.write, standing)[0]


def test_noisy_utterances_are_taken_over_unless_they_are_damaged(
    toy_stages: ToyStages, refs: list[UtteranceRef], tmp_path: Path
) -> None:
    standing = NoisyUtterances(Store(str(tmp_path / "work")), str(tmp_path))
    first = written(toy_stages, refs, tmp_path, 1, standing)
    assert 2 < first.noisy < first.utterances
    rows = pq.read_table(tmp_path / first.path, columns=["id", "audio", "noise"]).to_pylist()
    (receipt,) = (tmp_path / "work" / "write").glob("*.json")
    noisy = json.loads(receipt.read_text())["noisy"]
    assert sorted(noisy.values()) == [number for number, row in enumerate(rows) if row["noise"]]

    fresh = NoisyUtterances(Store(str(tmp_path / "work")), str(tmp_path))
    for key, number in noisy.items():
        row = rows[number]
        assert fresh.find(key, row["id"]) == (row["audio"]["bytes"], row["noise"])
        assert fresh.find(key, "another") is None
    assert fresh.find("0" * 32, rows[0]["id"]) is None

    fewer = refs[1:]
    wanted = written(toy_stages, fewer, tmp_path / "alone", 2, None)
    assert written(toy_stages, fewer, tmp_path, 2, fresh) == wanted
    fresh.close()

    shard = tmp_path / first.path
    facts, data = shard.stat(), bytearray(shard.read_bytes())
    last = rows[max(noisy.values())]
    data[data.index(last["audio"]["bytes"]) + 100] ^= 1
    shard.write_bytes(data)
    os.utime(shard, ns=(facts.st_atime_ns, facts.st_mtime_ns))
    damaged = NoisyUtterances(Store(str(tmp_path / "work")), str(tmp_path))
    receipt_of_two = tmp_path / "work" / "write" / "train-00000-of-00002.json"
    receipt_of_two.unlink()
    key = next(key for key, number in noisy.items() if number == max(noisy.values()))
    assert damaged.find(key, last["id"]) is None
    assert written(toy_stages, fewer, tmp_path, 2, damaged) == wanted
    damaged.close()
