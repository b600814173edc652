"""Sealed files prove every byte of theirs that is read."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from prep_corpus.pipeline.storage.seals import BLOCK_BYTES, SealedFile, Unproven, Unsealed, write_sealed

SMALL = pa.table({"id": ["a", "b"], "n": [1, 2]}).replace_schema_metadata({b"notes": b"{}"})
LARGE = pa.table({"id": ["a"] * 600, "data": [os.urandom(1000) for _ in range(600)]})


def sealed(table: pa.Table, name: str = "emit/d0") -> bytes:
    file = io.BytesIO()
    write_sealed(table, file, name=name, row_group_rows=256)
    return file.getvalue()


def test_a_sealed_file_is_plain_parquet_and_is_read_back() -> None:
    data = sealed(LARGE)
    assert pq.read_table(io.BytesIO(data)).equals(LARGE)
    assert SealedFile(io.BytesIO(data), name="emit/d0").table().equals(LARGE)
    assert SealedFile(io.BytesIO(data), name="emit/d0").table(["id"]).equals(LARGE.select(["id"]))
    assert SealedFile(io.BytesIO(data), name="emit/d0").table([]).num_rows == 600


def test_the_same_table_gives_the_same_bytes() -> None:
    assert sealed(SMALL) == sealed(SMALL)


def test_every_flipped_bit_and_every_shorter_file_is_found() -> None:
    data = sealed(SMALL)
    for at in range(len(data)):
        damaged = bytearray(data)
        damaged[at] ^= 1 << at % 8
        for bad in (bytes(damaged), data[:at]):
            with pytest.raises(Unproven) as told:
                SealedFile(io.BytesIO(bad), name="emit/d0").table()
            assert not isinstance(told.value, Unsealed), (
                "one of an earlier version would be let pass by a check"
            )


def test_damage_is_found_where_it_is_read_and_named_by_its_bytes() -> None:
    damaged = bytearray(sealed(LARGE))
    damaged[3 * BLOCK_BYTES + 5] ^= 1
    file = SealedFile(io.BytesIO(bytes(damaged)), name="emit/d0")
    assert file.table([]).num_rows == 600
    with pytest.raises(Unproven, match=f"bytes {3 * BLOCK_BYTES} to {4 * BLOCK_BYTES} are not those"):
        file.table()


def test_a_file_is_not_taken_for_another() -> None:
    with pytest.raises(Unproven, match="it was written as 'emit/d0'"):
        SealedFile(io.BytesIO(sealed(SMALL)), name="emit/d1")


def test_notes_that_look_like_a_seal_are_notes() -> None:
    table = SMALL.replace_schema_metadata({b"z": b"footer-crc32c:deadbeef"})
    assert SealedFile(io.BytesIO(sealed(table)), name="emit/d0").metadata[b"z"] == b"footer-crc32c:deadbeef"


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="threads are counted on Linux alone")
def test_no_thread_of_arrow_holds_a_file_that_has_been_read(tmp_path: Path) -> None:
    path = tmp_path / "d0.parquet"
    path.write_bytes(sealed(LARGE))
    code = (
        "import os, sys; from prep_corpus.pipeline.storage.seals import SealedFile\n"
        "def threads(): return len(os.listdir('/proc/self/task'))\n"
        "before = threads()\n"
        "with open(sys.argv[1], 'rb') as file:\n"
        "    sealed = SealedFile(file, name='emit/d0')\n"
        "    rows = sealed.table().num_rows + sum(group.num_rows for group in sealed.row_groups())\n"
        "print(rows, threads() - before)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.split() == ["1200", "0"]
