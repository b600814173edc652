"""What other tools packed, as input: WebDataset, tarred NeMo manifests, Lhotse Shar, and data sets on disk."""

from __future__ import annotations

import gzip
import json
import tarfile
from pathlib import Path

import pytest
from support.packed import AUDIO, NUMBERS, TEXTS, check, recordings, samples, table, write_tar
from support.planted_run import write_run
from support.sample_rows import make_row

from prep_corpus.align.errors import DeadLetter, UsageError
from prep_corpus.align.recordings import Recording
from prep_corpus.pipeline.inputs.manifests import read_manifest


@pytest.mark.parametrize("as_json", [False, True])
def test_webdataset_by_a_tar_or_a_folder_of_them(tmp_path: Path, as_json: bool) -> None:
    whole = write_tar(tmp_path / "all.tar", samples(NUMBERS, as_json=as_json))
    found = check(whole)
    assert found[0].id == "all/book/clip_0"
    assert [one.speaker for one in found] == ([f"s{number}" for number in NUMBERS] if as_json else [None] * 5)
    write_tar(tmp_path / "parts" / "a-0.tar", samples(NUMBERS[:2], as_json=as_json))
    write_tar(tmp_path / "parts" / "a-1.tar", samples(NUMBERS[2:], as_json=as_json))
    assert [one.id for one in check(tmp_path / "parts")][1:3] == ["a-0/book/clip_1", "a-1/book/clip_2"]


def test_what_is_packed_may_be_given_by_a_relative_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_tar(tmp_path / "tars" / "a.tar", samples(NUMBERS, as_json=False))
    audio = [{"bytes": AUDIO[number], "path": f"{number}.flac"} for number in NUMBERS]
    table(tmp_path / "rows" / "x.parquet", audio=audio, text=list(TEXTS.values()))
    monkeypatch.chdir(tmp_path)
    for place in ("tars", "tars/a.tar", "rows", "rows/x.parquet"):
        check(Path(place))
    monkeypatch.chdir(tmp_path / "rows")
    for place in ("x.parquet", ".", "../tars", "../tars/*.tar", "x*.parquet"):
        check(Path(place))


def test_packed_audio_may_lack_texts_where_that_is_asked(tmp_path: Path) -> None:
    bare = {name: content for name, content in samples(NUMBERS[:2], as_json=True).items() if ".flac" in name}
    whole = write_tar(tmp_path / "bare.tar", bare)
    audio = [{"bytes": AUDIO[number], "path": f"{number}.flac"} for number in NUMBERS[:2]]
    rows = table(tmp_path / "rows" / "x.parquet", audio=audio)
    for place in (str(whole), str(rows)):
        found = list(read_manifest(place, may_lack_text=True))
        assert [one.text for one in found if isinstance(one, Recording)] == ["", ""]
    assert all(isinstance(one, DeadLetter) for one in read_manifest(str(whole)))
    with pytest.raises(UsageError, match="one of text"):
        read_manifest(str(rows))


@pytest.mark.parametrize("ending", ["smil", "en.vtt"])
def test_a_text_of_a_format_that_is_not_read_in_a_tar_is_told(tmp_path: Path, ending: str) -> None:
    whole = write_tar(tmp_path / "a.tar", {"clip.flac": AUDIO[0], f"clip.{ending}": b"<smil/>"})
    for may_lack_text in (False, True):
        (found,) = read_manifest(str(whole), may_lack_text=may_lack_text)
        assert isinstance(found, DeadLetter)
        assert (
            f"it has {', '.join(sorted(['flac', ending]))}; captions, SMIL and other formats" in found.message
        )
        assert found.message.endswith("unpack the tar")


def test_json_of_a_recogniser_in_a_tar_is_told_and_other_json_is_not(tmp_path: Path) -> None:
    for held, is_text in (
        ({"segments": [{"text": "A."}]}, True),
        ({"results": {"transcripts": [{"transcript": "A."}]}}, True),
        ({"events": ["bark"], "segments": [], "results": None}, False),
    ):
        members = {"clip.flac": AUDIO[0], "clip.json": json.dumps(held).encode()}
        (found,) = read_manifest(str(write_tar(tmp_path / "a.tar", members)), may_lack_text=True)
        assert isinstance(found, DeadLetter if is_text else Recording)


def test_webdataset_as_its_own_writer_writes_it(tmp_path: Path) -> None:
    webdataset = pytest.importorskip("webdataset")
    with webdataset.TarWriter(str(tmp_path / "own.tar")) as sink:
        for number in NUMBERS:
            sink.write({"__key__": f"clip{number}", "flac": AUDIO[number], "json": {"text": TEXTS[number]}})
    check(tmp_path / "own.tar")


def test_our_own_shards_are_an_input_again(tmp_path: Path) -> None:
    rows = [
        make_row(number, audio=AUDIO[number], samples=3200 + 160 * number, text=TEXTS[number])
        for number in NUMBERS
    ]
    write_run(tmp_path, {"train": [rows[:3], rows[3:]]})
    for folder in ("webdataset", "shar/train", "data"):
        check(tmp_path / folder)


def test_a_damaged_tar_costs_itself_alone_and_a_compressed_one_is_told(tmp_path: Path) -> None:
    good = write_tar(tmp_path / "good.tar", samples(NUMBERS[:1], as_json=False))
    whole = write_tar(tmp_path / "bad.tar", samples(NUMBERS, as_json=False)).read_bytes()
    (tmp_path / "bad.tar").write_bytes(b"x" * 512 + whole[512:])
    write_tar(tmp_path / "packed.tar", samples(NUMBERS[:1], as_json=False), "w:gz")
    found = list(read_manifest(str(tmp_path)))
    assert [one.id for one in found if isinstance(one, Recording)] == [f"{good.stem}/book/clip_0"]
    letters = [one for one in found if isinstance(one, DeadLetter)]
    assert len(letters) == 2
    assert all("must be whole and not compressed" in letter.message for letter in letters)


def test_names_in_a_tar_are_no_paths(tmp_path: Path) -> None:
    outside = tmp_path / "secret.txt"
    outside.write_text("secret")
    members = {
        "../secret.flac": AUDIO[0], "../secret.txt": b"one", "/etc/passwd.flac": AUDIO[1], "/etc/passwd.txt": b"two",
        "alone.flac": AUDIO[2], "silent.txt": b"three", "odd.flac": AUDIO[3], "odd.json": b"[1]",
    }  # fmt: skip
    path = write_tar(tmp_path / "in" / "a.tar", members)
    with tarfile.open(path, "a") as archive:
        for name, kind in (("link.flac", tarfile.SYMTYPE), ("hard.flac", tarfile.LNKTYPE)):
            member = tarfile.TarInfo(name)
            member.type, member.linkname = kind, str(outside)
            archive.addfile(member)
    found = list(read_manifest(str(path)))
    reasons = {one.reason for one in found if isinstance(one, DeadLetter)}
    assert reasons == {"id-unsafe", "audio-missing", "entry-invalid"}
    assert not any(isinstance(one, Recording) for one in found)


def nemo(folder: Path, *, sharded: bool) -> Path:
    """As NeMo's convert_to_tarred_audio_dataset.py names things: flattened members, and -subN for parts of one file."""
    shards = {0: NUMBERS[:2], 1: NUMBERS[2:]}
    lines: dict[int, list[str]] = {}
    for shard, numbers in shards.items():
        names = {number: f"data_clip_{number}.flac" for number in numbers}
        write_tar(folder / f"audio_{shard}.tar", {name: AUDIO[number] for number, name in names.items()})
        lines[shard] = [
            json.dumps(
                {
                    "audio_filepath": name,
                    "text": TEXTS[number],
                    "shard_id": shard,
                    "duration": 0.2 + number / 100,
                }
            )
            for number, name in names.items()
        ]
    if not sharded:
        path = folder / "tarred_audio_manifest.json"
        path.write_text("\n".join(line for many in lines.values() for line in many) + "\n")
        return path
    (folder / "sharded_manifests").mkdir()
    for shard, many in lines.items():
        (folder / "sharded_manifests" / f"manifest_{shard}.json").write_text("\n".join(many) + "\n")
    return folder / "sharded_manifests" / "manifest_1.json"


def test_a_tarred_nemo_manifest(tmp_path: Path) -> None:
    found = check(nemo(tmp_path / "whole", sharded=False))
    assert found[2].id == "1/data_clip_2"
    part = nemo(tmp_path / "parts", sharded=True)
    assert [one.text for one in recordings(part)] == [TEXTS[number] for number in NUMBERS[2:]]
    # Parts of one file, told apart by their offsets.
    lines = [
        {"audio_filepath": "data_clip_0.flac", "offset": 0.0, "duration": 0.1, "text": "a", "shard_id": 0},
        {
            "audio_filepath": "data_clip_0-sub1.flac",
            "offset": 0.1,
            "duration": 0.1,
            "text": "b",
            "shard_id": 0,
        },
        {"audio_filepath": "data_clip_9.flac", "text": "c", "shard_id": 0},
    ]
    manifest = tmp_path / "whole" / "subs.json"
    manifest.write_text("".join(json.dumps(line) + "\n" for line in lines))
    first, second, missing = read_manifest(str(manifest))
    assert isinstance(first, Recording)
    assert isinstance(second, Recording)
    assert first.audio_uri == second.audio_uri
    assert (first.id, second.id) == ("0/data_clip_0", "0/data_clip_0-sub1")
    assert isinstance(missing, DeadLetter)
    assert "which has no member of this name" in missing.message


def test_an_entry_with_a_shard_but_no_tar_is_a_plain_one(tmp_path: Path) -> None:
    (tmp_path / "a.flac").write_bytes(AUDIO[0])
    (tmp_path / "m.jsonl").write_text(
        json.dumps({"audio_filepath": "a.flac", "text": "a", "shard_id": 5}) + "\n"
    )
    (found,) = recordings(tmp_path / "m.jsonl")
    assert found.audio_uri == str(tmp_path / "a.flac")


def test_shar_as_lhotse_writes_it(tmp_path: Path) -> None:
    lhotse = pytest.importorskip("lhotse")
    cuts = []
    for number in NUMBERS:
        path = tmp_path / f"clip{number}.flac"
        path.write_bytes(AUDIO[number])
        recording = lhotse.Recording.from_file(path)
        supervision = lhotse.SupervisionSegment(
            id=f"s{number}",
            recording_id=recording.id,
            start=0.0,
            duration=recording.duration,
            text=TEXTS[number],
        )
        cuts.append(
            lhotse.MonoCut(f"cut{number}", 0.0, recording.duration, 0, [supervision], recording=recording)
        )
    out = tmp_path / "shar"
    out.mkdir()
    lhotse.CutSet.from_cuts(cuts).to_shar(out, fields={"recording": "flac"}, shard_size=2)
    check(out)


def test_a_cut_without_its_audio_is_told(tmp_path: Path) -> None:
    rows = [make_row(number, text=TEXTS[number]) for number in NUMBERS]
    write_run(tmp_path, {"train": [rows]}, formats=["shar"])
    cuts = tmp_path / "shar" / "train" / "cuts.000000.jsonl.gz"
    lines = gzip.decompress(cuts.read_bytes()).splitlines()
    other = {**json.loads(lines[0]), "id": "elsewhere"}
    cuts.write_bytes(gzip.compress(b"\n".join([json.dumps(other).encode(), *lines[1:], b"{}", b"[", b"3"])))
    found = list(read_manifest(str(cuts.parent)))
    assert sum(isinstance(one, Recording) for one in found) == 4
    letters = [one.message for one in found if isinstance(one, DeadLetter)]
    assert "the audio of cut 'elsewhere' must be in recording.000000.tar" in letters[0]
    assert len(letters) == 4
