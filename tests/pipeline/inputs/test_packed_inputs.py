"""What other tools packed, as input: WebDataset, tarred NeMo manifests, Lhotse Shar, and data sets on disk."""

from __future__ import annotations

import gzip
import io
import json
import os
import tarfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from support.planted_run import write_run
from support.sample_rows import flac, make_row, samples_of

from prep_corpus.align.audio.decode import decode, to_int16
from prep_corpus.align.errors import DeadLetter, SourceChanged, UsageError
from prep_corpus.align.recordings import Recording
from prep_corpus.pipeline.inputs.decoding import decoded
from prep_corpus.pipeline.inputs.forms import splits_of
from prep_corpus.pipeline.inputs.manifests import read_manifest
from prep_corpus.pipeline.inputs.probe import FingerprintCache, probe_all
from prep_corpus.pipeline.storage import files

NUMBERS = (0, 1, 2, 3, 4)
TEXTS = {number: f'What number {number} says, "so"' for number in NUMBERS}
AUDIO = {number: flac(samples_of(number, 3200 + 160 * number)) for number in NUMBERS}


def recordings(uri: Path) -> list[Recording]:
    found = list(read_manifest(str(uri)))
    assert [one.message for one in found if isinstance(one, DeadLetter)] == []
    return [one for one in found if isinstance(one, Recording)]


def check(uri: Path, *, in_order: bool = True) -> list[Recording]:
    """All five recordings with their texts and their own samples, as the stages read them."""
    found = recordings(uri)
    texts = list(TEXTS.values())
    if not in_order:
        found.sort(key=lambda one: one.text)
    assert [one.text for one in found] == texts
    assert len({one.id for one in found}) == 5
    for number, one in zip(NUMBERS, found):
        with files.open_binary(one.audio_uri) as file:
            samples_N = np.concatenate(list(decode(file, name=one.id, sample_rate_hz=16_000)))
        assert to_int16(samples_N).tolist() == samples_of(number, 3200 + 160 * number).tolist()
    return found


def write_tar(path: Path, members: Mapping[str, bytes], mode: str = "w") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, mode) as archive:  # type: ignore[call-overload]
        for name, content in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return path


def samples(numbers: tuple[int, ...], *, as_json: bool) -> dict[str, bytes]:
    members = {}
    for number in numbers:
        key = f"book/clip_{number}"
        members[f"{key}.flac"] = AUDIO[number]
        if as_json:
            row = {"sentence": TEXTS[number], "client_id": f"s{number}", "locale": "en", "age": None}
            members[f"{key}.json"] = json.dumps(row).encode()
        else:
            members[f"{key}.txt"] = TEXTS[number].encode() + b"\n"
            members[f"{key}.cls"] = b"7"
    return members


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


def test_one_split_of_a_data_set_is_named_by_a_pattern(tmp_path: Path) -> None:
    folder = tmp_path / "set"
    for name, numbers in (
        ("train-00000-of-00002", (0, 1)),
        ("train-00001-of-00002", (2,)),
        ("test-00000-of-00001", (3,)),
    ):
        audio = [{"bytes": AUDIO[number], "path": f"{number}.flac"} for number in numbers]
        table(folder / "data" / f"{name}.parquet", audio=audio, text=[TEXTS[number] for number in numbers])
    splits = splits_of(str(folder))
    assert splits == {name: str(folder / "data" / f"{name}-*.parquet") for name in ("test", "train")}
    found = recordings(Path(splits["train"]))
    assert [one.text for one in found] == [TEXTS[number] for number in (0, 1, 2)]
    assert [one.id for one in found] == [
        "train-00000-of-00002/0",
        "train-00000-of-00002/1",
        "train-00001-of-00002/0",
    ]
    assert splits_of(str(tmp_path / "none")) == {}
    with pytest.raises(UsageError, match="there is no such manifest"):
        read_manifest(str(folder / "data" / "dev-*.parquet"))
    # A pattern names files of one folder, and no folders.
    with pytest.raises(UsageError, match="there is no such manifest"):
        read_manifest(str(folder / "*" / "train-00001-of-00002.parquet"))


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


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data set as `datasets` saves it: in Arrow files, as a dictionary of splits, and in Parquet."""
    datasets = pytest.importorskip("datasets")
    folder = tmp_path_factory.mktemp("saved")
    columns = {
        "audio": [{"bytes": AUDIO[number], "path": f"clip{number}.flac"} for number in NUMBERS],
        "transcription": list(TEXTS.values()),
        "speaker_id": [100 + number for number in NUMBERS],
        "language": ["English"] * 5,
    }
    whole = datasets.Dataset.from_dict(columns).cast_column("audio", datasets.Audio())
    whole.save_to_disk(folder / "arrow", num_shards=2)
    datasets.DatasetDict({"train": whole}).save_to_disk(folder / "splits")
    (folder / "parquet").mkdir()
    whole.to_parquet(folder / "parquet" / "train-00000-of-00001.parquet", batch_size=2)
    whole.select([4, 0]).save_to_disk(folder / "selected")
    return folder


@pytest.mark.parametrize("form", ["arrow", "splits", "parquet"])
def test_a_data_set_on_disk(saved: Path, form: str) -> None:
    found = check(saved / form)
    assert [(one.speaker, one.language) for one in found] == [(str(100 + number), "en") for number in NUMBERS]
    assert ("#value=audio," if form == "parquet" else "#bytes=") in found[0].audio_uri


def test_parts_of_files_are_fingerprinted_each_for_itself(saved: Path, tmp_path: Path) -> None:
    for form in ("arrow", "parquet"):
        cache = FingerprintCache(str(tmp_path / f"{form}.json"))
        probed = list(probe_all(recordings(saved / form), cache))
        assert not any(isinstance(one, DeadLetter) for one in probed)
        assert len({one.fingerprint for one in probed}) == 5  # type: ignore[union-attr]
        assert len({one.proof for one in probed}) == 5  # type: ignore[union-attr]


def test_a_part_that_is_another_than_before_the_run_is_told(saved: Path, tmp_path: Path) -> None:
    write_tar(tmp_path / "a.tar", samples(NUMBERS, as_json=False))
    (tmp_path / "set").mkdir()
    copy = tmp_path / "set" / "a.parquet"
    copy.write_bytes((saved / "parquet" / "train-00000-of-00001.parquet").read_bytes())
    for manifest in (tmp_path / "a.tar", tmp_path / "set"):
        probed = list(probe_all(recordings(manifest), FingerprintCache(str(tmp_path / "cache.json"))))
        first = probed[0]
        assert not isinstance(first, DeadLetter)
        assert sum(map(len, decoded(first, 16_000))) == 3200
        path = tmp_path / "a.tar" if manifest.suffix == ".tar" else copy
        audio = AUDIO[1] if manifest.suffix == ".tar" else None
        if audio is not None:
            write_tar(path, {"book/clip_0.flac": audio, "book/clip_0.txt": b"other"})
        else:
            rows = pq.read_table(path)
            pq.write_table(rows.take([1, 0, 2, 3, 4]), path, row_group_size=2)
        with pytest.raises(SourceChanged):
            list(decoded(first, 16_000))


def table(path: Path, **columns: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table(columns), path)
    return path.parent


def test_audio_that_a_row_names_is_inside_the_folder(tmp_path: Path) -> None:
    paths = ["audio/a.flac", "../outside.flac", "/etc/passwd", "s3://bucket/a.flac", "a.tar#bytes=0-9", None]
    audio = pa.array(
        [{"bytes": None, "path": path} for path in paths],
        pa.struct([("bytes", pa.binary()), ("path", pa.string())]),
    )
    folder = table(tmp_path / "set" / "data.parquet", audio=audio, text=[f"t{at}" for at in range(6)])
    (folder / "audio").mkdir()
    (folder / "audio" / "a.flac").write_bytes(AUDIO[0])
    good, *bad = read_manifest(str(folder))
    assert isinstance(good, Recording)
    assert good.audio_uri == str(folder / "audio" / "a.flac")
    assert [one.reason for one in bad if isinstance(one, DeadLetter)] == ["entry-invalid"] * 4 + [
        "audio-missing"
    ]


def test_a_row_without_audio_costs_itself_alone(tmp_path: Path) -> None:
    audio = pa.array(
        [{"bytes": None, "path": "a.flac"}, None],
        pa.struct([("bytes", pa.binary()), ("path", pa.string())]),
    )
    named, nothing = read_manifest(
        str(table(tmp_path / "set" / "data.parquet", audio=audio, text=["t", "u"]))
    )
    assert isinstance(named, Recording)
    assert isinstance(nothing, DeadLetter)
    assert (nothing.recording_id, nothing.reason) == ("data.parquet:1", "audio-missing")


def test_a_state_leads_nowhere_else_and_holds_no_selection(saved: Path, tmp_path: Path) -> None:
    state = {"_data_files": [{"filename": "../../other.arrow"}], "_indices_files": None}
    (tmp_path / "state.json").write_text(json.dumps(state))
    with pytest.raises(UsageError, match=r"an \.arrow file beside it"):
        read_manifest(str(tmp_path))
    (tmp_path / "state.json").write_text("{}")
    with pytest.raises(UsageError, match="as `save_to_disk` writes it"):
        read_manifest(str(tmp_path))
    state = {"_data_files": [{"filename": "a.arrow"}], "_indices_files": [{"filename": "indices.arrow"}]}
    (tmp_path / "state.json").write_text(json.dumps(state))
    with pytest.raises(UsageError, match="flatten_indices"):
        read_manifest(str(tmp_path))
    # What `datasets` saves of a selection is written out by itself.
    assert [one.text for one in recordings(saved / "selected")] == [TEXTS[4], TEXTS[0]]


def test_a_table_without_audio_or_text_is_refused_and_a_damaged_one_told(saved: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="it has number, text"):
        read_manifest(str(table(tmp_path / "a" / "x.parquet", number=[1], text=["a"])))
    folder = tmp_path / "damaged"
    folder.mkdir()
    whole = (saved / "parquet" / "train-00000-of-00001.parquet").read_bytes()
    (folder / "a.parquet").write_bytes(whole)
    (folder / "b.parquet").write_bytes(whole[:-100])
    found = list(read_manifest(str(folder)))
    assert sum(isinstance(one, Recording) for one in found) == 5
    (letter,) = [one for one in found if isinstance(one, DeadLetter)]
    assert "b.parquet: a table of a data set must be whole" in letter.message


@pytest.mark.parametrize("number", range(60))
def test_a_mutated_file_gives_entries_or_a_typed_error(saved: Path, tmp_path: Path, number: int) -> None:
    """Tar, Arrow and Parquet with bytes changed, cut or doubled: never another exception, and no crash."""
    random = np.random.default_rng(number)
    kind = ("tar", "arrow", "parquet")[number % 3]
    if kind == "tar":
        path = write_tar(tmp_path / "a.tar", samples(NUMBERS, as_json=bool(number % 2)))
    elif kind == "arrow":
        path = tmp_path / "a.arrow"
        path.write_bytes((saved / "splits" / "train" / "data-00000-of-00001.arrow").read_bytes())
        (tmp_path / "state.json").write_text(json.dumps({"_data_files": [{"filename": "a.arrow"}]}))
    else:
        path = tmp_path / "a.parquet"
        path.write_bytes((saved / "parquet" / "train-00000-of-00001.parquet").read_bytes())
    data = bytearray(path.read_bytes())
    for _ in range(int(random.integers(1, 20))):
        data[int(random.integers(len(data)))] = int(random.integers(256))
    if number % 4 == 0:
        data = data[: int(random.integers(1, len(data)))]
    path.write_bytes(bytes(data))
    try:
        found = list(read_manifest(str(path if kind == "tar" else tmp_path)))
    except UsageError:
        return
    for one in found:
        if isinstance(one, Recording):
            try:
                with files.open_binary(one.audio_uri) as file:
                    file.read()
            except FileNotFoundError:
                assert kind == "parquet"
    assert os.listdir(tmp_path)
