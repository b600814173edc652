"""Putting new shards where old ones are published: first written apart, then renamed, all together, at the end.

    work/next/data/train-00000-of-00002.parquet     written while the published state stands and can be read
    work/next/train-00000-of-00002.json             its receipt
    data/train-00000-of-00002.parquet               after closing
    work/write/train-00000-of-00002.json            its receipt then

A run whose folder has nothing published writes to the final places at once.
"""

from __future__ import annotations

from collections.abc import Iterable

from prep_corpus.pipeline.run_files import CARD_NAME, FEATURES_NAME, MANIFEST_NAME, NEXT_NAME
from prep_corpus.pipeline.storage import files
from prep_corpus.pipeline.storage.sealed_json import read_json, write_json

COMPANIONS = {"data": CARD_NAME, "tfrecord": FEATURES_NAME}
"""What tells of the shards in a folder, and goes with the last of them."""


def place(out: str, shards: Iterable[tuple[str, str]]) -> None:
    """Move the shards that were written apart to their places, and what is no part of the new state away.

    The manifest of the old state goes before anything changes that it lists; without a change it stays.

    Args:
        out: run folder.
        shards: (path, digest) of every file of the new state.
    """
    wanted = set(shards)
    paths = {path for path, _ in wanted}
    apart = []
    for receipt in _receipts(files.join(out, *NEXT_NAME.split("/"))):
        note = read_json(receipt)
        if note and {(shard["path"], shard["blake2b"]) for shard in _listed(note)} <= wanted:
            apart.append((receipt, note))
    stale = []
    for receipt in _receipts(files.join(out, "work", "write")):
        note = read_json(receipt)
        gone = {shard["path"] for shard in _listed(note)} - paths if note else set()
        if gone:
            stale.append((receipt, sorted(gone)))
    if apart or stale:
        files.remove(files.join(out, MANIFEST_NAME))
    for receipt, note in apart:
        final = files.join(out, "work", "write", receipt.rsplit("/", 1)[-1])
        files.remove(final)
        for shard in _listed(note):
            files.move(files.join(out, NEXT_NAME, shard["path"]), files.join(out, shard["path"]))
        write_json(final, note)
        files.remove(receipt)
    left = {path.partition("/")[0] for _, dropped in stale for path in dropped}
    for folder in left - {path.partition("/")[0] for path in paths}:
        if folder in COMPANIONS:
            files.remove(files.join(out, COMPANIONS[folder]))
    # Names alone would get the shards of the old state read beside the new.
    placed = {receipt.rsplit("/", 1)[-1] for receipt, _ in apart}
    for receipt, dropped in stale:
        for path in dropped:
            files.remove(files.join(out, path))
        if receipt.rsplit("/", 1)[-1] not in placed:
            files.remove(receipt)
    for leftover in files.list_files(files.join(out, NEXT_NAME)):
        files.remove(leftover)


def _receipts(folder: str) -> list[str]:
    return [
        uri
        for uri in files.list_files(folder)
        if uri.endswith(".json") and uri.count("/") == folder.count("/") + 1
    ]


def _listed(note: dict[str, object]) -> list[dict[str, str]]:
    found = note["files"]
    assert isinstance(found, list)
    return [{"path": shard["path"], "blake2b": shard["digest"]} for shard in found]
