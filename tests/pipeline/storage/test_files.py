from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import pytest
from support.object_store import FolderFileSystem, MemoryFileSystem

from prep_corpus.align.errors import DeadLetter, UsageError
from prep_corpus.align.recordings import Recording
from prep_corpus.pipeline.inputs.manifests import read_manifest
from prep_corpus.pipeline.storage import files


def test_joining_and_resolving() -> None:
    assert files.join("/a", "b", "c") == "/a/b/c"
    assert files.join("gs://bucket/a/", "b") == "gs://bucket/a/b"
    assert files.resolve("/m/manifest.jsonl", "a/b.wav") == "/m/a/b.wav"
    assert files.resolve("/m/manifest.jsonl", "/x/b.wav") == "/x/b.wav"
    assert files.resolve("/m/manifest.jsonl", "gs://bucket/b.wav") == "gs://bucket/b.wav"
    assert files.resolve("/m/manifest.jsonl", "file:///x/b.wav") == "/x/b.wav"
    assert files.resolve("gs://bucket/m/manifest.jsonl", "a/b.wav") == "gs://bucket/m/a/b.wav"


def test_schemes_without_a_file_system_are_known_as_such() -> None:
    assert files.is_supported("/a/b")
    assert not files.is_supported("nowhere://a/b")


def test_what_no_file_system_serves_is_told_with_the_way_out() -> None:
    with pytest.raises(UsageError, match="over https://: download it first, and give its local path"):
        files.check_place("https://example.org/corpus.jsonl")
    with pytest.raises(UsageError, match=r"gs:// needs prep-corpus\[gcp\]"):
        files.check_place("nowhere://bucket/corpus.jsonl")


def test_missing_files(tmp_path: Path) -> None:
    missing = str(tmp_path / "none")
    assert not files.exists(missing)
    assert files.list_files(missing) == []
    files.remove(missing)
    for call in (files.open_binary, files.read_bytes, files.identity, files.size):
        with pytest.raises(FileNotFoundError) as caught:
            call(missing)
        assert files.is_absent(caught.value)


def test_what_counts_as_absent(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    for name in ("file/below", ".", "x" * 300):
        with pytest.raises(OSError) as caught:
            files.open_binary(str(tmp_path / name))
        assert files.is_absent(caught.value), name
    assert not files.is_absent(ConnectionResetError("gone"))
    assert not files.is_absent(OSError(28, "no space left"))
    assert files.is_absent(FileNotFoundError("an object store gives no number"))


def test_identity_changes_with_the_content(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"one")
    before = files.identity(str(path))
    assert before.size_bytes == files.size(str(path)) == 3
    path.write_bytes(b"three")
    assert files.identity(str(path)) != before


def test_open_binary_can_seek_and_never_unpacks(tmp_path: Path) -> None:
    path = tmp_path / "a.gz"
    path.write_bytes(b"0123456789")
    with files.open_binary(str(path)) as file:
        file.seek(5)
        assert file.read(2) == b"56"


def write_half(file: BinaryIO) -> None:
    file.write(b"half")
    raise RuntimeError("half-way")


def test_a_file_appears_whole_or_not_at_all(tmp_path: Path) -> None:
    uri = str(tmp_path / "folder" / "a")
    with pytest.raises(RuntimeError, match="half-way"):
        files.write_atomic(uri, write_half)
    assert files.list_files(str(tmp_path)) == []
    with files.atomic_writer(uri) as file:
        file.write(b"whole")
        assert not os.path.exists(uri)
    assert files.list_files(str(tmp_path)) == [uri]
    assert files.read_bytes(uri) == b"whole"


def test_the_first_writer_wins_unless_told_to_replace(tmp_path: Path) -> None:
    uri = str(tmp_path / "a")
    assert files.write_atomic(uri, lambda file: file.write(b"first"))
    assert not files.write_atomic(uri, lambda file: file.write(b"second"))
    assert files.read_bytes(uri) == b"first"
    assert files.write_atomic(uri, lambda file: file.write(b"third"), replace=True)
    assert files.read_bytes(uri) == b"third"
    assert files.list_files(str(tmp_path)) == [uri]


def test_files_are_readable_as_others_made_here_are(tmp_path: Path) -> None:
    plain = tmp_path / "plain"
    plain.write_bytes(b"")
    files.write_atomic(str(tmp_path / "a"), lambda file: file.write(b"x"))
    assert stat.S_IMODE(os.stat(tmp_path / "a").st_mode) == stat.S_IMODE(plain.stat().st_mode)


def test_listing_goes_down_and_is_sorted(tmp_path: Path) -> None:
    for name in ("b", "a/c", "a/b"):
        files.write_atomic(str(tmp_path / name), lambda file: file.write(b"x"))
    found = files.list_files(str(tmp_path))
    assert found == [str(tmp_path / "a/b"), str(tmp_path / "a/c"), str(tmp_path / "b")]
    files.remove(found[0])
    assert not files.exists(found[0])


@pytest.fixture
def objects() -> Iterator[dict[str, bytes]]:
    MemoryFileSystem.objects.clear()
    yield MemoryFileSystem.objects
    MemoryFileSystem.objects.clear()


def test_an_object_store_is_read_and_listed(objects: dict[str, bytes]) -> None:
    objects.update({"memory://b/x/a": b"0123456789", "memory://b/x/y/c.gz": b"cc", "memory://b/xx/d": b""})
    assert files.is_supported("memory://b/x")
    assert files.exists("memory://b/x/a")
    assert not files.exists("memory://b/x")
    assert files.read_bytes("memory://b/x/y/c.gz") == b"cc"
    assert files.list_files("memory://b/x") == ["memory://b/x/a", "memory://b/x/y/c.gz"]
    facts = files.identity("memory://b/x/a")
    assert facts.size_bytes == 10
    assert facts.checksum is not None
    for call in (files.open_binary, files.identity):
        with pytest.raises(FileNotFoundError):
            call("memory://b/none")
    files.remove("memory://b/x/a")
    files.remove("memory://b/none")
    assert not files.exists("memory://b/x/a")


def test_an_object_appears_whole_or_not_at_all(objects: dict[str, bytes]) -> None:
    with pytest.raises(RuntimeError, match="half-way"):
        files.write_atomic("memory://b/a", write_half)
    assert not objects
    files.write_atomic("memory://b/a", lambda file: file.write(b"first"))
    files.write_atomic("memory://b/a", lambda file: file.write(b"second"))
    assert objects == {"memory://b/a": b"first"}
    files.write_atomic("memory://b/a", lambda file: file.write(b"third"), replace=True)
    assert objects == {"memory://b/a": b"third"}


def test_manifests_are_read_from_an_object_store(objects: dict[str, bytes]) -> None:
    objects["memory://b/m/manifest.jsonl"] = (
        b'{"audio_filepath": "a/x.wav", "text_filepath": "a/x.txt"}\n'
        b'{"audio_filepath": "a/y.wav", "text_filepath": "a/y.txt"}\n'
    )
    objects["memory://b/m/a/x.txt"] = "Zoë.".encode()
    objects["memory://b/pairs/one.wav"] = b""
    objects["memory://b/pairs/one.txt"] = b"One."
    objects["memory://b/kaldi/wav.scp"] = b"u u.wav\n"
    objects["memory://b/kaldi/text"] = b"u Spoken.\n"
    found, missing = read_manifest("memory://b/m/manifest.jsonl")
    assert isinstance(found, Recording)
    assert (found.text, found.audio_uri) == ("Zoë.", "memory://b/m/a/x.wav")
    assert isinstance(missing, DeadLetter)
    assert missing.reason == "transcript-missing"
    for folder, text in (("pairs", "One."), ("kaldi", "Spoken.")):
        (one,) = read_manifest(f"memory://b/{folder}")
        assert isinstance(one, Recording)
        assert one.text == text
        assert one.audio_uri.startswith(f"memory://b/{folder}/")
    with pytest.raises(UsageError, match="no such manifest"):
        read_manifest("memory://b/none.jsonl")


@pytest.fixture
def folders() -> Iterator[dict[str, bytes]]:
    FolderFileSystem.objects.clear()
    yield FolderFileSystem.objects
    FolderFileSystem.objects.clear()


def test_a_file_system_with_folders_gets_whole_files_by_renaming(folders: dict[str, bytes]) -> None:
    uri = "folders://run/a/one"
    seen: list[set[str]] = []

    def save(file: BinaryIO) -> None:
        file.write(b"first")
        seen.append(set(folders))

    files.write_atomic(uri, save)
    files.write_atomic(uri, lambda file: file.write(b"second"))
    assert seen == [set()]
    assert folders == {uri: b"first"}
    files.write_atomic(uri, lambda file: file.write(b"third"), replace=True)
    assert folders == {uri: b"third"}
    with pytest.raises(RuntimeError, match="half-way"):
        files.write_atomic("folders://run/b", write_half)
    assert folders == {uri: b"third"}


def test_a_twin_that_renames_first_wins(folders: dict[str, bytes], monkeypatch: pytest.MonkeyPatch) -> None:
    uri = "folders://run/once"
    rename = FolderFileSystem.rename

    def late(self: FolderFileSystem, sources: list[str], names: list[str]) -> None:
        folders.setdefault(uri, b"the twin's")
        rename(self, sources, names)

    monkeypatch.setattr(FolderFileSystem, "rename", late)
    files.write_atomic(uri, lambda file: file.write(b"mine"))
    assert folders == {uri: b"the twin's"}


def test_listing_a_file_system_with_folders_goes_down(folders: dict[str, bytes]) -> None:
    folders.update({"folders://run/a": b"x", "folders://run/deep/er/b": b"", "folders://run/deep/c": b"y"})
    assert files.list_files("folders://run") == [
        "folders://run/a",
        "folders://run/deep/c",
        "folders://run/deep/er/b",
    ]
    assert files.holds_files("folders://run/deep")
    assert files.list_files("folders://none") == []


def test_failures_of_other_file_systems_are_os_errors_or_told(
    folders: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(self: FolderFileSystem, path: str) -> bool:
        raise RuntimeError("the client's own")

    monkeypatch.setattr(FolderFileSystem, "exists", broken)
    with pytest.raises(OSError, match="the client's own") as caught:
        files.exists("folders://run/a")
    assert not files.is_absent(caught.value)
    with pytest.raises(UsageError, match="the file system cannot be used"):
        files.check_place("folders://run/a")


def test_a_local_file_system_without_links_still_has_a_first_writer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_links(source: str, name: str) -> None:
        raise OSError(errno.EPERM, "operation not permitted")

    monkeypatch.setattr(os, "link", no_links)
    uri = str(tmp_path / "a")
    files.write_atomic(uri, lambda file: file.write(b"first"))
    files.write_atomic(uri, lambda file: file.write(b"second"))
    assert files.read_bytes(uri) == b"first"
    assert files.list_files(str(tmp_path)) == [uri]


@pytest.mark.skipif(
    not os.path.exists("/proc/self/status"), reason="the umask can only be set here, not read"
)
def test_the_mode_is_that_of_new_files_and_the_umask_is_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of two threads that set it to read it, one would leave the other's for good."""
    before = os.umask(0o027)
    try:
        with monkeypatch.context() as patch:
            patch.setattr(os, "umask", lambda mask: pytest.fail("it is set"))
            files.write_atomic(str(tmp_path / "a"), lambda file: file.write(b"first"))
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == 0o640


def test_what_is_being_written_does_not_make_a_folder_taken(tmp_path: Path) -> None:
    with files.atomic_writer(str(tmp_path / "run.json")) as file:
        file.write(b"{}")
        assert list(tmp_path.iterdir())
        assert not files.holds_files(str(tmp_path))
    assert files.holds_files(str(tmp_path))
