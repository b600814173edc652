"""Stage files: whole or not at all, the first writer wins, internal errors are tried again."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from prep_corpus.align.errors import DeadLetter, StageFileDamaged
from prep_corpus.pipeline.storage import files, recent_files
from prep_corpus.pipeline.storage.digests import digest_of
from prep_corpus.pipeline.storage.recent_files import Recent
from prep_corpus.pipeline.storage.stage_store import StageRef, Store, content_of

TABLE = pa.table({"id": ["a", "b"], "n": [1, 2]})


def letter(reason: str) -> DeadLetter:
    return DeadLetter(stage="emit", recording_id="a", reason=reason, message="a: why")


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    store = Store(str(tmp_path))
    ref = store.write("emit", "b0", "d0", TABLE, notes={"k": 7}, dead_letters=[letter("audio-empty")])
    stage = store.read(ref)
    assert stage.table.to_pydict() == TABLE.to_pydict()
    assert stage.notes == {"k": 7}
    assert stage.dead_letters == (letter("audio-empty"),)
    assert store.find("emit", "b0", "d0") == ref
    assert (ref.failed, ref.final, stage.content) == (1, True, ref.content)
    notes = store.read(ref, columns=[])
    assert notes.table.num_columns == 0
    assert replace(notes, table=stage.table) == stage


def test_a_result_with_internal_errors_serves_this_run_alone(tmp_path: Path) -> None:
    store = Store(str(tmp_path))
    ref = store.write("emit", "b0", "d0", TABLE, dead_letters=[letter("internal-error")])
    assert not ref.final
    assert store.read(ref).dead_letters == (letter("internal-error"),)
    assert store.find("emit", "b0", "d0") is None


def test_the_first_writer_wins_and_the_later_twin_gets_its_content(tmp_path: Path) -> None:
    store = Store(str(tmp_path))
    first = store.write("emit", "b0", "d0", TABLE)
    twin = store.write("emit", "b0", "d0", TABLE.slice(1))
    assert twin == first
    assert store.read(twin).table.num_rows == 2
    assert sorted(path.name for path in (tmp_path / "emit").iterdir()) == ["d0.parquet"]


def test_content_follows_values_and_notes_and_not_how_the_table_is_chunked() -> None:
    chunked = pa.concat_tables([TABLE.slice(0, 1), TABLE.slice(1)])
    assert content_of(chunked, "{}") == content_of(TABLE, "{}")
    assert content_of(TABLE.slice(1), "{}") != content_of(TABLE, "{}")
    assert content_of(TABLE, "{} ") != content_of(TABLE, "{}")


def test_digests_tell_parts_apart() -> None:
    assert digest_of("a", "b") != digest_of("ab")
    assert digest_of(1) != digest_of("1")
    assert digest_of(0.1 + 0.2) != digest_of(0.3)
    assert digest_of({"x": 1, "y": 2}) == digest_of({"y": 2, "x": 1})


def test_a_write_that_fails_leaves_nothing(tmp_path: Path) -> None:
    def fail(file: object) -> None:
        raise RuntimeError("disk full")

    with pytest.raises(RuntimeError, match="disk full"):
        files.write_atomic(str(tmp_path / "x" / "y.bin"), fail)
    assert list((tmp_path / "x").iterdir()) == []


def test_files_of_a_version_without_checksums_are_proven_by_their_content(tmp_path: Path) -> None:
    source = pa.struct([("name", pa.string()), ("cues", pa.list_(pa.struct([("start", pa.float64())])))])
    schema = pa.schema(
        [
            ("id", pa.string()),
            ("starts", pa.list_(pa.int32())),
            ("source", source),
            ("others", pa.list_(source)),
        ]
    )
    rows = [
        {"id": "a", "starts": [1, 2], "source": None, "others": []},
        {"id": "b", "starts": [], "source": {"name": "b.srt", "cues": [{"start": 0.5}]}, "others": None},
    ]
    notes = json.dumps({"notes": {}, "dead_letters": []}, sort_keys=True)
    store = Store(str(tmp_path))
    for stage, names in (("align", ["id", "starts"]), ("bundles", schema.names)):
        table = pa.Table.from_pylist(rows, schema=schema).select(names)
        content = content_of(table, notes)
        said = {b"prep_corpus.notes": notes.encode(), b"prep_corpus.content": content.encode()}
        path = tmp_path / stage / "d.parquet"
        path.parent.mkdir()
        pq.write_table(table.replace_schema_metadata(said), path, compression="zstd")
        assert store.find(stage, "b", "d") == StageRef(stage, "b", "d", content, True, 0)
        other = table.set_column(0, "id", pa.array(["a", "c"]))
        pq.write_table(other.replace_schema_metadata(said), path, compression="zstd")
        assert store.find(stage, "b", "d") is None


def test_a_folder_that_was_removed_does_not_come_back(tmp_path: Path) -> None:
    run = tmp_path / "run"
    store = Store(str(run / "work"))
    with pytest.raises(FileNotFoundError, match="gone") as raised:
        store.write("emit", "b0", "d0", TABLE)
    assert raised.value.filename == str(run)
    assert not run.exists()
    run.mkdir()
    store.write("emit", "b0", "d0", TABLE)


def test_a_file_that_was_read_and_is_damaged_later_is_not_given_from_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recent_files, "TICK_NS", 0)
    store = Store(str(tmp_path))
    ref = store.write("align", "b0", "d0", TABLE)
    path = tmp_path / "align" / "d0.parquet"
    assert recent_files.state_of(str(path)) is not None
    assert store.read(ref).table is store.read(ref).table
    assert store.read(ref, ["n", "nothing"]).table.to_pydict() == {"n": [1, 2]}
    # Of a table that Parquet makes small nothing is kept: what memory holds is counted, not what the disk does.
    large = store.write("align", "b0", "d1", pa.table({"text": ["a" * 1000] * 1000}))
    assert (tmp_path / "align" / "d1.parquet").stat().st_size < recent_files.SMALL_BYTES
    assert store.read(large).table is not store.read(large).table
    whole = path.read_bytes()
    path.write_bytes(whole[:20] + bytes([whole[20] ^ 1]) + whole[21:])
    os.utime(path, ns=(0, 0))
    with pytest.raises(StageFileDamaged, match="set aside"):
        store.read(ref)


def test_what_was_kept_longest_unused_goes_first() -> None:
    kept: Recent[str, int] = Recent(most_bytes=10)
    for value, key in enumerate("ab"):
        kept.keep(key, 4, value)
    assert kept.find("a") == 0
    kept.keep("c", 4, 2)
    assert [kept.find(key) for key in ("a", "b", "c", None)] == [0, None, 2, None]
