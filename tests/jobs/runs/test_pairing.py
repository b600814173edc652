"""`prep-corpus pair`: each recording finds its text among many, whatever their names."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile
from click.testing import CliRunner
from support import toy

from prep_corpus.jobs.cli import main
from prep_corpus.pipeline.inputs.manifests import read_manifest

MODEL = "support.toy:acoustic_model"
SENTENCES = 20


def text_of(number: int) -> str:
    return toy.written(toy.recording(number, SENTENCES)[1], 100 + number)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four recordings, the texts of three of them and of others, one of them in another format, and a broken one."""
    folder = tmp_path_factory.mktemp("pair")
    (folder / "audio" / "deep").mkdir(parents=True)
    (folder / "texts").mkdir()
    for number in range(4):
        place = folder / "audio" / ("deep" if number == 1 else ".") / f"rec{number}.flac"
        soundfile.write(place, toy.recording(number, SENTENCES)[0], toy.SAMPLE_RATE_HZ)
    (folder / "audio" / "silent.wav").write_bytes(b"RIFF")
    for number in (0, 7, 8, 9):
        (folder / "texts" / f"episode-{9 - number}.txt").write_text(text_of(number))
    (folder / "texts" / "one.html").write_text(f"<html><body><p>{text_of(1)}</p></body></html>")
    (folder / "texts" / "two.txt").write_text(text_of(2))
    (folder / "texts" / "season.txt").write_text("\n".join(text_of(number) for number in (20, 2, 21)))
    (folder / "texts" / "broken.json").write_text("{")
    return folder


def pair(folder: Path, *words: str) -> tuple[int, str]:
    arguments = ["pair", str(folder / "audio"), str(folder / "texts"), "--out", str(folder / "pairs.jsonl")]
    done = CliRunner().invoke(main, [*arguments, "--model", MODEL, "--device", "cpu", *words])
    return done.exit_code, done.stderr


def test_each_recording_has_its_text_or_is_told(folder: Path) -> None:
    code, told = pair(folder, "--workers", "1")
    assert code == 0, told
    lines = [json.loads(line) for line in (folder / "pairs.jsonl").read_text().splitlines()]
    assert lines == [
        {"audio_filepath": "audio/deep/rec1.flac", "text_filepath": "texts/one.html"},
        {"audio_filepath": "audio/rec0.flac", "text_filepath": "texts/episode-9.txt"},
        {"audio_filepath": "audio/rec2.flac", "text_filepath": ["texts/two.txt", "texts/season.txt"]},
    ]
    assert "rec3.flac: several texts fit almost alike, with " in told
    assert "silent.wav: audio-" in told
    assert "broken.json" in told
    assert "3 of 5 recordings have their text" in told
    assert "3 texts that no recording has: " in told
    read = list(read_manifest(str(folder / "pairs.jsonl")))
    assert [len(one.versions) for one in read] == [1, 1, 2]
    code, told = pair(folder)
    assert code == 2
    assert "--force replaces it" in told
    code, told = pair(folder, "--force", "--quiet")
    assert code == 0, told
    assert len((folder / "pairs.jsonl").read_text().splitlines()) == 3
    assert "rec3.flac: several texts fit almost alike, with " in told
    assert "silent.wav: audio-" in told
    assert "rec0.flac" not in told


def test_where_nothing_is_paired_nothing_is_written(tmp_path: Path) -> None:
    for name in ("audio", "texts"):
        (tmp_path / name).mkdir()
    (tmp_path / "audio" / "broken.wav").write_bytes(b"RIFF")
    (tmp_path / "texts" / "text.txt").write_text(text_of(0))
    (tmp_path / "pairs.jsonl").write_text("{}\n")
    code, told = pair(tmp_path, "--force")
    assert code == 2, told
    assert "no recording of" in told
    assert (tmp_path / "pairs.jsonl").read_text() == "{}\n"


def test_long_recordings_are_read_in_some_places_alone() -> None:
    from prep_corpus.jobs.runs.pairing import _spread

    assert _spread(900, 1000) == [(0, 1000)]
    spans = _spread(10_000, 1000)
    assert spans[0][0] == 0
    assert spans[-1][1] == 10_000
    assert sum(end - start for start, end in spans) == 1000
    assert np.ptp(np.diff([start for start, _ in spans])) <= 1


def test_how_much_must_match_is_told_by_how_much_is_read() -> None:
    from prep_corpus.align.sections.among_texts import TextFit, fewest_anchors
    from prep_corpus.jobs.runs.pairing import _refusal

    assert [fewest_anchors(letters) for letters in (0, 600, 1200, 3000)] == [20, 20, 30, 40]
    told = _refusal("a.flac", TextFit(numbers=(), anchors=13, others=0), 600)
    assert (
        told
        == "a.flac: no text fits; the best has 13 anchors, and 20 are wanted, of 600 letters that are read"
    )


def test_nothing_to_pair_is_refused(tmp_path: Path) -> None:
    (tmp_path / "audio").mkdir()
    (tmp_path / "texts").mkdir()
    code, told = pair(tmp_path)
    assert code == 2
    assert "must be a folder with audio files" in told
