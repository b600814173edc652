"""Data sets of `datasets` on disk as manifests."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from support.packed import AUDIO, NUMBERS, TEXTS, check, recordings, samples, table, write_tar

from prep_corpus.align.errors import DeadLetter, SourceChanged, UsageError
from prep_corpus.align.recordings import Recording
from prep_corpus.pipeline.inputs.decoding import decoded
from prep_corpus.pipeline.inputs.forms import splits_of
from prep_corpus.pipeline.inputs.manifests import read_manifest
from prep_corpus.pipeline.inputs.probe import FingerprintCache, probe_all
from prep_corpus.pipeline.storage import files


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
