"""What stands beside shards goes with them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from prep_corpus.pipeline.run_files import CARD_NAME, FEATURES_NAME, MANIFEST_NAME
from prep_corpus.pipeline.shards.placing import place
from prep_corpus.pipeline.storage.sealed_json import write_json

SHARDS = {
    "data/train-00000-of-00001.parquet": CARD_NAME,
    "tfrecord/train.tfrecord-00000-of-00001": FEATURES_NAME,
}


@pytest.mark.parametrize("kept", SHARDS)
def test_what_tells_of_shards_goes_with_the_last_of_them(tmp_path: Path, kept: str) -> None:
    for number, path in enumerate(SHARDS):
        (tmp_path / path).parent.mkdir()
        (tmp_path / path).write_bytes(b"")
        receipt = tmp_path / "work" / "write" / f"{number}.json"
        receipt.parent.mkdir(parents=True, exist_ok=True)
        write_json(str(receipt), {"files": [{"path": path, "digest": "00"}]})
    for name in (*SHARDS.values(), MANIFEST_NAME):
        (tmp_path / name).write_text(json.dumps({}))
    place(str(tmp_path), [(kept, "00")])
    left = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()}
    number = list(SHARDS).index(kept)
    assert left == {kept, SHARDS[kept], f"work/write/{number}.json"}
