"""The table of emissions, taken as they lie in memory: byte for byte the one that is made of rows."""

from __future__ import annotations

import io
from math import ceil
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from prep_corpus.pipeline.stages import emit
from prep_corpus.pipeline.storage.seals import write_sealed
from prep_corpus.pipeline.storage.stage_store import content_of


def from_rows(id_: str, n_samples: int, log_probs_TC: Any, levels: bytes) -> pa.Table:
    rows = [
        {
            "id": id_,
            "n_samples": n_samples,
            "n_frames": len(log_probs_TC),
            "chunk": chunk,
            "log_probs": log_probs_TC[start : start + emit.CHUNK_FRAMES].tobytes(),
            "levels": levels if chunk == 0 else None,
        }
        for chunk, start in enumerate(range(0, len(log_probs_TC), emit.CHUNK_FRAMES))
    ]
    return pa.Table.from_pylist(rows, schema=emit.SCHEMA)


def written(table: pa.Table) -> bytes:
    file = io.BytesIO()
    write_sealed(table, file, name="emit/d", row_group_rows=4)
    return file.getvalue()


@pytest.mark.parametrize("most_bytes", [emit.MOST_ARRAY_BYTES, 3 * 7 * 2 * 64 + 5, 1])
def test_it_is_the_table_of_the_rows_and_holds_no_copy(
    most_bytes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(emit, "CHUNK_FRAMES", 64)
    monkeypatch.setattr(emit, "MOST_ARRAY_BYTES", most_bytes)
    chance = np.random.default_rng(0)
    made, wanted = [emit.SCHEMA.empty_table()], []
    for number, frames in enumerate((1, 63, 64, 65, 640, 1000)):
        log_probs_TC = -chance.random((frames, 7)).astype(np.float16)
        recording = (f"r{number}", 640 * frames, log_probs_TC, b"levels")
        made.append(emit.chunk_table(*recording))
        wanted.append(from_rows(*recording))
        column = made[-1].column("log_probs")
        assert column.num_chunks == ceil(ceil(frames / 64) / max(1, most_bytes // (64 * 14)))
        assert column.chunk(0).buffers()[2].address == log_probs_TC.ctypes.data
    both = pa.concat_tables(made), pa.concat_tables(wanted).combine_chunks()
    assert both[0].equals(both[1])
    assert content_of(both[0], "notes") == content_of(both[1], "notes")
    assert written(both[0]) == written(both[1])
