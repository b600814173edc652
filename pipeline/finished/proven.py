"""Reading every file of a run's work folder that proves itself, and saying which are not what was written.

Nothing is changed.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

import pyarrow as pa

from prep_corpus.align.errors import UsageError
from prep_corpus.pipeline.run_files import MARKER, OUTCOME_NAME, PUBLISHED_NAME, USED_NAME
from prep_corpus.pipeline.shards.clips import ClipDamaged, read_record
from prep_corpus.pipeline.shards.published import wrong_with
from prep_corpus.pipeline.storage import files
from prep_corpus.pipeline.storage.documents import read_used
from prep_corpus.pipeline.storage.sealed_json import proven
from prep_corpus.pipeline.storage.seals import SealedFile, Unproven, Unsealed
from prep_corpus.pipeline.storage.stage_store import Store


def damaged_stage_files(folder: str) -> Iterator[tuple[str, str]]:
    """(path in the run folder, what is wrong) of each; files that are gone are no damage, since they are made again.

    Args:
        folder: a run folder.
    """
    yield from _damaged_notes(folder)
    try:
        names = read_used(folder)
    except UsageError as error:
        yield USED_NAME, str(error)
        return
    store = Store(files.join(folder, "work"))
    for name in names or ():
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


def _damaged_notes(folder: str) -> Iterator[tuple[str, str]]:
    """The small files: how the run was begun and ended, receipts of shards, fingerprints, k, what ended a process, and
    the keys of what is published."""
    for name in (MARKER, OUTCOME_NAME):
        with suppress(FileNotFoundError):
            if proven(files.read_bytes(files.join(folder, name))) is None:
                yield name, "it is JSON with a checksum of itself, and that is another's"
    work = files.join(folder, "work")
    found = files.list_files(work)
    if found and not files.exists(files.join(folder, MARKER)):
        # Shards alone, taken to another place, are no run and need none.
        yield MARKER, "it is gone, and without it nothing says whose stage files these are"
    for uri in found:
        name = uri[len(work) :].lstrip("/")
        if name.endswith(".json") and f"work/{name}" != USED_NAME and not name.startswith(("progress/", ".")):
            try:
                if proven(files.read_bytes(uri)) is None:
                    yield f"work/{name}", "it is JSON with a checksum of itself, and that is another's"
            except FileNotFoundError:
                continue
        elif f"work/{name}" == PUBLISHED_NAME and (wrong := wrong_with(files.read_bytes(uri))) is not None:
            yield PUBLISHED_NAME, wrong


def _damaged_clips(store: Store, digest: str, table: pa.Table) -> Iterator[tuple[str, str]]:
    try:
        read_clips(store, digest, table)
    except FileNotFoundError:
        return
    except ClipDamaged as error:
        yield f"work/segment/{digest}.clips", str(error)


def read_clips(store: Store, digest: str, table: pa.Table) -> None:
    """Read the clips of a bundle through.

    Args:
        store: of the run.
        digest: of the bundle's segments.
        table: their rows.

    Raises:
        ClipDamaged: one is not what was written.
        FileNotFoundError: they are gone.
    """
    with files.open_binary(store.uri("segment", digest, ".clips")) as file:
        for row in table.select(["kept", "clip_offset", "clip_bytes"]).to_pylist():
            if row["kept"]:
                read_record(file, offset=row["clip_offset"], n_bytes=row["clip_bytes"], digest=digest)
