"""s3:// and gs:// against real servers on loopback: one put, the first writer wins, refusals cost time alone."""

from __future__ import annotations

import os
import random
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pyarrow as pa
import pytest
from support.gs_server import gs_server
from support.moments import promptly
from support.s3_server import Refusing, s3_server

from prep_corpus.align.errors import TranscriptMissing, UsageError
from prep_corpus.pipeline.apart.parsing import Parser
from prep_corpus.pipeline.inputs.texts import read_version
from prep_corpus.pipeline.storage import files
from prep_corpus.pipeline.storage.remote import s3
from prep_corpus.pipeline.storage.remote.object_stores import FIRST_AHEAD_BYTES, Identity, RangedFile, ranged
from prep_corpus.pipeline.storage.stage_store import Store


@pytest.fixture(scope="module")
def s3_refusing() -> Iterator[tuple[Refusing, dict[str, str]]]:
    with s3_server() as server:
        server.client().create_bucket(Bucket="bucket")
        yield server.refusing, server.environment


@pytest.fixture
def refusing(
    s3_refusing: tuple[Refusing, dict[str, str]], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Refusing]:
    """The S3 server, which this process's s3:// is of as long as the test lasts."""
    refusing, environment = s3_refusing
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    s3._client.cache_clear()
    refusing.clear()
    yield refusing
    refusing.share, refusing.cut_bodies, refusing.knows_conditions = 0.0, 0, True
    s3._client.cache_clear()


@pytest.fixture(scope="module")
def gs_address() -> Iterator[str]:
    with gs_server("bucket") as address:
        yield address


@pytest.fixture(params=["s3", "gs"])
def folder(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A folder of its own on each store."""
    if request.param == "s3":
        request.getfixturevalue("refusing")
        yield f"s3://bucket/{request.node.name}"
        return
    pytest.importorskip("google.cloud.storage", reason="gs:// needs prep-corpus[gcp]")
    from prep_corpus.pipeline.storage.remote import gs

    monkeypatch.setenv("STORAGE_EMULATOR_HOST", request.getfixturevalue("gs_address"))
    gs._client.cache_clear()
    yield f"gs://bucket/{request.node.name}"
    gs._client.cache_clear()


def write(uri: str, data: bytes, *, replace: bool = False) -> None:
    files.write_atomic(uri, lambda file: file.write(data), replace=replace)


def test_objects_are_written_read_listed_and_removed(folder: str) -> None:
    uri = files.join(folder, "a")
    assert not files.holds_files(folder)
    write(uri, b"0123456789")
    write(files.join(folder, "empty"), b"")
    write(files.join(folder, "deep", "b c+ü.txt"), b"x")
    write(folder + "-beside", b"not in it")
    assert files.holds_files(folder)
    assert [name.removeprefix(folder) for name in files.list_files(folder)] == [
        "/a",
        "/deep/b c+ü.txt",
        "/empty",
    ]
    assert files.exists(uri)
    assert not files.exists(folder)
    assert files.read_bytes(uri) == b"0123456789"
    assert files.read_bytes(files.join(folder, "empty")) == b""
    assert files.read_bytes(files.join(folder, "deep", "b c+ü.txt")) == b"x"
    before = files.identity(uri)
    assert before.size_bytes == 10
    assert before.checksum
    write(uri, b"012345678X", replace=True)
    assert files.identity(uri).checksum != before.checksum
    files.remove(uri)
    files.remove(uri)
    assert not files.exists(uri)
    for call in (files.open_binary, files.read_bytes, files.identity, files.size):
        with pytest.raises(FileNotFoundError) as caught:
            call(uri)
        assert files.is_absent(caught.value)


def test_a_smil_file_is_read_with_the_documents_beside_it(folder: str) -> None:
    write(f"{folder}/book/a.smil", b'<smil><par><text src="text/page.xhtml#one"/></par></smil>')
    with closing(Parser()) as parser:
        with pytest.raises(TranscriptMissing, match=r"a\.smil: line 1: .*but there is no text/page\.xhtml"):
            read_version(f"{folder}/book/a.smil", parser, shown="m.jsonl:1")
        write(f"{folder}/book/text/page.xhtml", b'<p id="one">River stone.</p>')
        version = read_version(f"{folder}/book/a.smil", parser, shown="m.jsonl:1")
    assert version.text == "River stone."


def test_of_many_writers_the_first_wins_and_all_read_the_same(folder: str) -> None:
    uri = files.join(folder, "once")
    seen: list[bytes] = []
    gate = threading.Barrier(8)

    def one(number: int) -> None:
        gate.wait()
        write(uri, bytes([number]) * 1000)
        seen.append(files.read_bytes(uri))

    threads = [threading.Thread(target=one, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(seen) == 8
    assert len(set(seen)) == 1
    assert len(set(seen[0])) == 1


def test_nothing_appears_where_writing_fails(folder: str) -> None:
    def half(file: object) -> None:
        file.write(b"half")  # type: ignore[attr-defined]
        raise RuntimeError("half-way")

    with pytest.raises(RuntimeError, match="half-way"):
        files.write_atomic(files.join(folder, "x"), half)
    assert not files.holds_files(folder)


def test_an_object_replaced_while_it_is_read_is_an_error_and_not_a_mixture(refusing: Refusing) -> None:
    # For s3:// alone: fake-gcs-server does not look at the generation that a read asks for.
    uri = "s3://bucket/long"
    write(uri, b"a" * 3 * FIRST_AHEAD_BYTES)
    with files.open_binary(uri) as file:
        assert file.read(10) == b"a" * 10
        write(uri, b"b" * 3 * FIRST_AHEAD_BYTES, replace=True)
        with pytest.raises(OSError, match="replaced") as caught:
            file.read()
    assert not files.is_absent(caught.value)


def test_places_that_cannot_be_used_are_one_line_each(folder: str) -> None:
    files.check_writable(folder)
    assert not files.holds_files(folder)
    scheme = folder.split("://")[0]
    with pytest.raises(UsageError, match="there is no bucket 'nowhere-to-be-found'") as caught:
        files.check_place(f"{scheme}://nowhere-to-be-found/run")
    assert "\n" not in str(caught.value)
    # Neither a place nor a recording: what a manifest names so is told as missing, and stops no run.
    odd = f"{scheme}://user:secret@host/a.flac"
    with pytest.raises(UsageError, match="a bucket's name must have"):
        files.check_place(odd)
    with pytest.raises(FileNotFoundError, match="a bucket's name must have"):
        files.identity(odd)
    with pytest.raises(FileNotFoundError, match="an object's name must have"):
        files.identity(f"{scheme}://bucket/{'a' * 1025}")


def test_a_run_of_requests_survives_a_store_that_refuses_a_fifth(refusing: Refusing) -> None:
    refusing.share = 0.2
    for number in range(6):
        uri = f"s3://bucket/refused/{number}"
        write(uri, b"first %d" % number)
        write(uri, b"second")
        assert files.read_bytes(uri) == b"first %d" % number
    assert len(files.list_files("s3://bucket/refused")) == 6
    assert refusing.refused > 2


def test_bodies_that_break_off_are_read_again(refusing: Refusing) -> None:
    data = random.Random(1).randbytes(2 * FIRST_AHEAD_BYTES)
    write("s3://bucket/cut", data)
    refusing.cut_bodies = 2
    assert files.read_bytes("s3://bucket/cut") == data
    assert refusing.cut_bodies == 0


def test_a_store_without_conditional_writes_is_looked_at_first(refusing: Refusing) -> None:
    refusing.knows_conditions = False
    write("s3://bucket/plain", b"first")
    write("s3://bucket/plain", b"second")
    assert files.read_bytes("s3://bucket/plain") == b"first"


def test_large_files_go_in_parts_and_leave_none_behind(
    refusing: Refusing, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(s3, "ONE_PUT_BYTES", 6 << 20)
    monkeypatch.setattr(s3, "PART_BYTES", 5 << 20)
    data = random.Random(2).randbytes(11 << 20)
    write("s3://bucket/large", data)
    assert refusing.requests == {"POST": 2, "PUT": 3}
    write("s3://bucket/large", data[::-1])
    assert files.read_bytes("s3://bucket/large") == data
    assert refusing.requests["DELETE"] == 1


def test_a_stage_file_is_read_back_only_where_a_twin_was_first(refusing: Refusing) -> None:
    store, table = Store("s3://bucket/run/work"), pa.table({"word": ["river"]})
    first = store.write("align", "b", "d", table)
    assert refusing.requests == {"PUT": 1}
    assert store.write("align", "b", "d", table) == first
    assert refusing.requests == {"PUT": 2, "GET": 1}


def test_one_write_is_one_request_and_a_read_is_few(refusing: Refusing) -> None:
    clip, data = random.Random(3).randbytes(100_000), random.Random(3).randbytes(1 << 20)
    write("s3://bucket/clip", clip)
    write("s3://bucket/few", data)
    assert refusing.requests == {"PUT": 2}
    assert files.read_bytes("s3://bucket/clip") == clip
    assert refusing.requests == {"PUT": 2, "GET": 1}
    assert files.read_bytes("s3://bucket/few") == data
    assert refusing.requests == {"PUT": 2, "GET": 3}
    with files.open_binary("s3://bucket/few") as file:
        file.seek(-8, os.SEEK_END)
        assert file.read() == data[-8:]
        file.seek(-60_000, os.SEEK_END)
        assert file.read(100) == data[-60_000:-59_900]
    assert refusing.requests == {"PUT": 2, "GET": 5}


def test_a_trial_that_a_killed_run_has_left_is_no_file_of_a_folder_and_goes(folder: str) -> None:
    trial, lease = files.join(folder, ".prep-corpus-1.tmp"), files.join(folder, "lease", "00000001.json")
    write(trial, b"may be removed")
    write(lease, b"{}")
    assert not files.holds_files(folder)
    files.remove_temporary(folder)
    assert files.list_files(folder) == [lease]
    for number in range(24):
        write(files.join(folder, f".prep-corpus-{number}.tmp"), b"may be removed")
    assert not files.holds_files(folder)
    write(files.join(folder, "talk.flac"), b"")
    assert files.holds_files(folder)


def test_a_bucket_of_a_busy_store_is_asked_for_again(refusing: Refusing) -> None:
    refusing.first = 5
    files.check_place("s3://bucket/run")
    assert refusing.refused == 5
    assert refusing.requests == {"HEAD": 6}


def test_missing_credentials_and_unreachable_stores_are_told_within_seconds(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in list(os.environ):
        if name.startswith("AWS_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")

    def refused() -> str:
        s3._client.cache_clear()
        with pytest.raises(UsageError) as caught:
            files.check_place("s3://bucket/run")
        s3._client.cache_clear()
        return str(caught.value)

    assert "no credentials for s3://" in promptly(refused)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "a")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "b")
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:9")
    assert "cannot be reached" in promptly(refused)


def test_credentials_that_are_gone_in_the_middle_of_a_run_are_no_fault_of_a_recording(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    pytest.importorskip("google.cloud.storage", reason="gs:// needs prep-corpus[gcp]")
    from prep_corpus.pipeline.storage.remote import gs

    for name in ("GOOGLE_APPLICATION_CREDENTIALS", "STORAGE_EMULATOR_HOST"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("CLOUDSDK_CONFIG", str(tmp_path))
    monkeypatch.setenv("GCE_METADATA_HOST", "127.0.0.1:9")
    gs._client.cache_clear()
    with pytest.raises(OSError, match="no Google credentials") as caught:
        files.open_binary("gs://bucket/audio.flac")
    assert not files.is_absent(caught.value)
    with pytest.raises(UsageError, match="no Google credentials"):
        files.check_place("gs://bucket/run")


def of_size(size_bytes: int) -> Identity:
    return Identity(size_bytes=size_bytes, modified_ns=0, checksum="v1")


def test_ranged_reading_equals_the_bytes_wherever_it_jumps() -> None:
    chance = random.Random(4)
    data = chance.randbytes(3_000_000)
    asked: list[tuple[int, int]] = []

    def fetch(start: int, end: int) -> bytes:
        asked.append((start, end))
        assert 0 <= start < end <= len(data)
        return data[start:end]

    file = RangedFile(of_size(len(data)), fetch)
    for _ in range(300):
        start = chance.randrange(len(data) + 10)
        count = chance.choice([1, 100, 10_000, 500_000])
        file.seek(start)
        buffer = bytearray(count)
        read = file.readinto(buffer)
        assert bytes(buffer[:read]) == data[start : start + read]
        assert read or start >= len(data)
    file.seek(0)
    assert file.readall() == data
    asked.clear()
    buffered = ranged(of_size(len(data)), fetch)
    assert b"".join(buffered.read(50_000) for _ in range(60)) == data
    assert len(asked) < 6
    short = RangedFile(of_size(10), lambda start, end: b"")
    with pytest.raises(OSError, match="what was asked for"):
        short.read(1)
