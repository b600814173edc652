"""A small finished run of all four formats, written by the real sinks."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from support.sample_rows import RATE_HZ, make_row

from prep_corpus.pipeline.run_files import MANIFEST_NAME
from prep_corpus.pipeline.shards.manifest import ShardEntry, manifest
from prep_corpus.pipeline.shards.rows import Utterance
from prep_corpus.pipeline.shards.sinks import (
    FORMATS,
    DigestingFile,
    Format,
    open_sink,
    shard_names,
    write_rows,
)


def write_run(
    folder: Path,
    splits: dict[str, Sequence[Sequence[Utterance]]],
    *,
    formats: Sequence[Format] = FORMATS,
    row_group_bytes: int = 40_000,
) -> Path:
    """Write shards of rows for each split; returns the manifest's path."""
    entries: list[ShardEntry] = []
    for split, shards in splits.items():
        for index, rows in enumerate(shards):
            entries += write_shard(folder, split, index, len(shards), rows, formats, row_group_bytes)
    document = manifest(
        entries, ledgers={}, settings={"seed": 7}, model_digest="m" * 32, seed=7, sample_rate_hz=RATE_HZ
    )
    path = folder / MANIFEST_NAME
    path.write_text(json.dumps(document, indent=1))
    return path


def write_shard(
    folder: Path,
    split: str,
    index: int,
    count: int,
    rows: Sequence[Utterance],
    formats: Sequence[Format] = FORMATS,
    row_group_bytes: int = 40_000,
) -> list[ShardEntry]:
    """Write one shard in several formats from one pass."""
    with ExitStack() as stack:
        opened: list[tuple[Format, str, DigestingFile]] = []
        sinks = []
        for shard_format in formats:
            files = []
            for path in shard_names(shard_format, split, index, count):
                (folder / path).parent.mkdir(parents=True, exist_ok=True)
                file = DigestingFile(stack.enter_context(open(folder / path, "wb")))
                opened.append((shard_format, path, file))
                files.append(file)
            sinks.append(open_sink(shard_format, files, row_group_bytes=row_group_bytes))
        utterances, samples = write_rows(sinks, rows)
        return [
            ShardEntry(
                format=shard_format,
                path=path,
                split=split,
                utterances=utterances,
                seconds=samples / RATE_HZ,
                n_bytes=file.bytes_written,
                digest=file.hexdigest(),
            )
            for shard_format, path, file in opened
        ]


def sample_rows(count: int, first: int = 0) -> list[Utterance]:
    """Rows of different lengths from 0.1 to 0.6 s."""
    return [
        make_row(number, samples=1600 + (number * 977) % 8000, recording=f"r{number // 3}")
        for number in range(first, first + count)
    ]
