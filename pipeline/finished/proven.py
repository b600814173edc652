"""Reading every stage file that a run used, and saying which are not what was written; nothing is changed."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pyarrow as pa

from prep_corpus.pipeline.run_files import USED_NAME
from prep_corpus.pipeline.shards.clips import ClipDamaged, read_record
from prep_corpus.pipeline.storage import files
from prep_corpus.pipeline.storage.seals import SealedFile, Unproven, Unsealed
from prep_corpus.pipeline.storage.stage_store import Store


def damaged_stage_files(folder: str) -> Iterator[tuple[str, str]]:
    """(path in the run folder, what is wrong) of each; files that are gone are no damage, since they are made again.

    Args:
        folder: a run folder.
    """
    used = files.join(folder, USED_NAME)
    if not files.exists(used):
        return
    try:
        names = sorted(json.loads(files.read_bytes(used)))
    except ValueError as error:
        yield USED_NAME, f"it is a JSON list: {error}"
        return
    store = Store(files.join(folder, "work"))
    for name in names:
        stage, _, digest = name.partition("/")
        try:
            with files.open_binary(store.uri(stage, digest)) as file:
                table = SealedFile(file, name=name).table()
        except (FileNotFoundError, Unsealed):
            # Gone, kept apart for the next run, or of an earlier version, which cannot be proven.
            continue
        except Unproven as error:
            yield f"work/{name}.parquet", str(error)
            continue
        if stage == "segment":
            yield from _damaged_clips(store, digest, table)


def _damaged_clips(store: Store, digest: str, table: pa.Table) -> Iterator[tuple[str, str]]:
    try:
        with files.open_binary(store.uri("segment", digest, ".clips")) as file:
            for row in table.select(["kept", "clip_offset", "clip_bytes"]).to_pylist():
                if row["kept"]:
                    read_record(file, offset=row["clip_offset"], n_bytes=row["clip_bytes"], digest=digest)
    except FileNotFoundError:
        return
    except ClipDamaged as error:
        yield f"work/segment/{digest}.clips", str(error)
