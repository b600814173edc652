"""NeMo manifests and Kaldi directories: order, names, and what lhotse reads of them."""

from __future__ import annotations

import io
import json
import re
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import IO

import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st
from support.sample_rows import make_row

from prep_corpus.pipeline.plain_files import lists
from prep_corpus.pipeline.plain_files.lists import (
    PlainRow,
    kaldi_lists,
    kaldi_order,
    kaldi_speaker,
    kaldi_utterance,
    merged,
    nemo_line,
)
from prep_corpus.pipeline.shards.rows import safe_name


def plain(number: int, speaker: str | None = None, recording: str = "talk") -> PlainRow:
    row = make_row(number)
    return PlainRow(
        key=safe_name(row.id),
        id=row.id,
        audio=f"audio/train-00000/{row.audio_path}",
        duration=row.duration,
        text=row.text,
        text_normalized=row.text_normalized,
        speaker=speaker,
        recording_id=recording,
        language="en",
    )


def written(rows: list[PlainRow]) -> dict[str, bytes]:
    files: dict[str, io.BytesIO] = {}
    lines = sorted((row.to_line() for row in rows), key=kaldi_order)
    kaldi_lists(map(PlainRow.from_line, lines), "/data", lambda name: files.setdefault(name, io.BytesIO()))
    return {name: file.getvalue() for name, file in files.items()}


def test_a_row_comes_back_from_its_line() -> None:
    row = plain(3, "Ann")
    assert PlainRow.from_line(row.to_line()) == row


def test_nemo_has_relative_paths_and_says_who_speaks_where_that_is_known() -> None:
    named, nobody = (json.loads(nemo_line(plain(1, speaker))) for speaker in ("Ann", None))
    assert named["speaker"] == "Ann"
    assert named["audio_filepath"].startswith("audio/train-00000/")
    assert {"audio_filepath", "duration", "text", "lang", "id"} == set(nobody)


def test_kaldi_lists_of_a_few_rows() -> None:
    found = written([plain(1, "b-1"), plain(2, "b"), plain(0, None, recording="a talk")])
    names = [line.split()[0].decode() for line in found["utt2spk"].splitlines()]
    assert [name.split("-")[0] for name in names] == ["a=20talk", "b", "b=2D1"]
    assert found["text"].splitlines()[1] == f'{names[1]} Wörd 2, "quoted" line'.encode()
    assert found["wav.scp"].splitlines()[0].startswith(f"{names[0]} /data/audio/train-00000/".encode())
    assert found["utt2dur"].splitlines()[0] == f"{names[0]} 0.2".encode()
    assert found["spk2utt"] == "".join(f"{name.split('-')[0]} {name}\n" for name in names).encode()
    assert written([]) == dict.fromkeys(found, b"")


SPEAKERS = st.text(min_size=1, max_size=4)


@given(st.lists(st.tuples(SPEAKERS, st.integers(0, 30)), unique=True, max_size=12))
def test_order_by_utterance_is_order_by_speaker(pairs: list[tuple[str, int]]) -> None:
    """Kaldi's own rule, whatever speakers are called: one speaker's name may begin another's."""
    rows = [plain(number, speaker) for speaker, number in pairs]
    rows = [replace(row, id=f"{at}", key=f"{row.key}-{at}") for at, row in enumerate(rows)]
    ordered = sorted(rows, key=lambda row: kaldi_utterance(row).encode())
    speakers = [kaldi_speaker(row).encode() for row in ordered]
    assert speakers == sorted(speakers)
    assert len({kaldi_speaker(row) for row in rows}) == len({row.speaker for row in rows})
    assert all(re.fullmatch("[A-Za-z0-9_=]+", kaldi_speaker(row)) for row in rows)


def test_many_files_are_merged_few_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lists, "_MOST_OPEN", 3)
    opened: list[io.BytesIO] = []

    def opener(content: bytes) -> Callable[[], IO[bytes]]:
        def open_it() -> IO[bytes]:
            opened.append(io.BytesIO(content))
            return opened[-1]

        return open_it

    contents = [b"".join(b"%03d\n" % number for number in range(at, 100, 10)) for at in range(10)]
    found = list(merged(map(opener, contents), lambda line: line))
    assert found == [b"%03d\n" % number for number in range(100)]
    assert len(opened) == 10
    assert all(file.closed for file in opened)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A Kaldi directory of eight utterances in WAV."""
    rows = [plain(number, ("Ann", "Bo-2", None)[number % 3]) for number in range(8)]
    for number, row in enumerate(rows):
        path = tmp_path / row.audio
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(make_row(number).audio)
    with_wav = []
    for row in rows:
        samples_N, rate_hz = soundfile.read(tmp_path / row.audio, dtype="int16")
        wav = replace(row, audio=row.audio.removesuffix(".flac") + ".wav")
        soundfile.write(tmp_path / wav.audio, samples_N, rate_hz)
        with_wav.append(wav)
    folder = tmp_path / "train"
    folder.mkdir()
    lines = sorted((row.to_line() for row in with_wav), key=kaldi_order)
    files: list[IO[bytes]] = []

    def opened(name: str) -> IO[bytes]:
        files.append(open(folder / name, "wb"))  # noqa: SIM115
        return files[-1]

    kaldi_lists(map(PlainRow.from_line, lines), str(tmp_path), opened)
    for file in files:
        file.close()
    (tmp_path / "train.jsonl").write_bytes(b"".join(map(nemo_line, rows)))
    return folder


def test_the_order_is_that_of_sort_in_the_c_locale(data: Path) -> None:
    sort = shutil.which("sort")
    assert sort is not None
    for name in ("wav.scp", "text", "utt2spk", "spk2utt", "utt2dur"):
        done = subprocess.run([sort, "-c", "-k1,1", str(data / name)], env={"LC_ALL": "C"}, check=False)
        assert done.returncode == 0, name
    done = subprocess.run([sort, "-c", "-k2,2", str(data / "utt2spk")], env={"LC_ALL": "C"}, check=False)
    assert done.returncode == 0


def test_lhotse_reads_the_kaldi_directory(data: Path) -> None:
    kaldi = pytest.importorskip("lhotse.kaldi")
    recordings, supervisions, _ = kaldi.load_kaldi_data_dir(data, sampling_rate=16_000)
    assert len(recordings) == len(supervisions) == 8
    texts = dict(line.split(" ", 1) for line in (data / "text").read_text().splitlines())
    speakers = dict(line.split() for line in (data / "utt2spk").read_text().splitlines())
    for one in supervisions:
        assert (one.text, one.speaker) == (texts[one.id], speakers[one.id])
        audio = recordings[one.recording_id].load_audio()
        assert audio.shape == (1, 3200)


def test_lhotse_reads_the_nemo_manifest(data: Path) -> None:
    """By its own fields: lhotse itself knows NeMo's manifests as JSON lines with paths beside them."""
    lhotse = pytest.importorskip("lhotse")
    manifest = data.parent / "train.jsonl"
    lines = list(lhotse.serialization.load_jsonl(manifest))
    assert len(lines) == 8
    for line in lines:
        recording = lhotse.Recording.from_file(manifest.parent / line["audio_filepath"])
        assert recording.duration == pytest.approx(line["duration"])
