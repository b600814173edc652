"""`sample` and `agreement` on a finished run in the toy language, as a user calls them."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest
import soundfile
from click.testing import CliRunner, Result
from support import toy
from support.runs import run_here

from prep_corpus.jobs.cli import main
from prep_corpus.pipeline.finished.sample_files import FACTS_NAME, ROWS_NAME
from prep_corpus.pipeline.finished.sample_folder import LISTENING_PAGE_NAME


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("corpus")
    toy.write_filter(folder / "filter.json")
    return toy.write_corpus(folder, recordings=3, sentences=25, seed=5)


@pytest.fixture(scope="module")
def finished(corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("finished") / "run"
    # The paper's cut gives long wrong segments too, and so dropped ones with a score.
    run_here(corpus, out, "--cut", "paper", "--target-duration", "4", formats=())
    return out


def command(*arguments: str | Path, code: int = 0) -> Result:
    done = CliRunner().invoke(main, [str(argument) for argument in arguments])
    assert done.exit_code == code, f"exit {done.exit_code}\n{done.output}\n{done.exception!r}"
    return done


def rows_of(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / ROWS_NAME).read_text().splitlines()]


@pytest.fixture(scope="module")
def sample(finished: Path) -> Path:
    done = command("sample", finished, "--count", "24", "--listeners", "3", "--overlap", "0.25")
    assert "24 clips" in done.output
    assert "3 listeners, 6 clips for all of them" in done.output
    return finished.with_name("run-sample")


def test_every_clip_is_its_segment_of_the_source_sample_for_sample(sample: Path, corpus: Path) -> None:
    rows = rows_of(sample)
    assert {row["kept"] for row in rows} == {True, False}
    for row in rows:
        source, rate = soundfile.read(corpus.parent / f"{row['recording_id']}.flac", dtype="int16")
        clip, clip_rate = soundfile.read(sample / row["clip"], dtype="int16")
        assert clip_rate == rate
        assert (clip == source[round(row["start"] * rate) : round(row["end"] * rate)]).all()


def test_rows_say_what_became_of_each_segment_and_weights_add_up(sample: Path, finished: Path) -> None:
    import pyarrow.parquet as pq

    stored = {
        row["id"]: row
        for path in (finished / "work" / "segment").glob("*.parquet")
        for row in pq.read_table(path).to_pylist()
    }
    rows = rows_of(sample)
    assert len(rows) == len({row["id"] for row in rows}) == 24
    for row in rows:
        same = ("recording_id", "speaker", "kept", "reason", "start", "end", "text", "text_normalized")
        assert {name: row[name] for name in same} == {name: stored[row["id"]][name] for name in same}
        assert row["end"] - row["start"] >= 0.5
        assert (row["score"] is None) == (row["reason"] not in ("", "low-score"))
        assert row["language"] == "en"
    facts = json.loads((sample / FACTS_NAME).read_text())
    long_enough = [row for row in stored.values() if row["duration"] >= 0.5]
    assert facts["segments"] == len(long_enough) == pytest.approx(sum(row["weight"] for row in rows))
    assert sum(row["weight"] for row in rows if row["kept"]) == pytest.approx(
        sum(row["kept"] for row in long_enough)
    )


def test_parts_are_shared_out(sample: Path) -> None:
    parts = [tuple(row["parts"]) for row in rows_of(sample)]
    assert parts.count((1, 2, 3)) == 6
    assert {parts.count((one,)) for one in (1, 2, 3)} == {6}


def test_the_page_is_whole_and_the_names_of_clips_tell_nothing(sample: Path) -> None:
    page = (sample / LISTENING_PAGE_NAME).read_text()
    rows = rows_of(sample)
    assert [row["clip"] for row in rows] == [f"clips/{number:04d}.flac" for number in range(1, 25)]
    assert sorted(path.name for path in (sample / "clips").iterdir()) == [
        f"{number:04d}.flac" for number in range(1, 25)
    ]
    payload = page.split('<script id="sample" type="application/json">')[1].split("</script>")[0]
    shown = json.loads(payload)
    assert [clip["id"] for clip in shown["clips"]] == [row["id"] for row in rows]
    assert set(shown["clips"][0]) == {"id", "src", "seconds", "text", "language", "peaks", "parts"}
    assert shown["digest"] == json.loads((sample / FACTS_NAME).read_text())["digest"]


def test_the_same_command_gives_the_same_bytes_and_leaves_saved_files_alone(
    sample: Path, finished: Path, tmp_path: Path
) -> None:
    arguments = ("--count", "24", "--listeners", "3", "--overlap", "0.25", "--out", tmp_path / "again")
    command("sample", finished, *arguments, "--workers", "1")
    (tmp_path / "again" / "anna.jsonl").write_text("saved")
    command("sample", finished, *arguments)
    assert (tmp_path / "again" / "anna.jsonl").read_text() == "saved"
    for path in sorted(sample.rglob("*")):
        if path.is_file():
            assert (tmp_path / "again" / path.relative_to(sample)).read_bytes() == path.read_bytes()
    assert not list(tmp_path.glob(".*"))


def test_another_sample_and_another_folder_are_left_alone(finished: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "thesis.txt").write_text("mine")
    refused = command("sample", finished, "--count", "3", "--out", out, code=2)
    assert "holds no sample of prep-corpus" in refused.output
    command("sample", finished, "--count", "3", "--out", out, "--force")
    (out / "clips" / "mine.flac").write_text("mine")
    refused = command("sample", finished, "--count", "2", "--out", out, code=2)
    assert "holds another sample" in refused.output
    command("sample", finished, "--count", "2", "--out", out, "--force")
    assert sorted(path.name for path in (out / "clips").iterdir()) == ["0001.flac", "0002.flac", "mine.flac"]
    assert (out / "thesis.txt").read_text() == "mine"


def test_what_is_no_finished_run_is_told(finished: Path, tmp_path: Path) -> None:
    assert "there is none here" in command("sample", tmp_path / "nowhere", code=2).output
    (tmp_path / "empty").mkdir()
    assert "let `prep-corpus run` come to its end" in command("sample", tmp_path / "empty", code=2).output
    shutil.copytree(finished, tmp_path / "cut-off")
    (tmp_path / "cut-off" / "manifest.json").unlink()
    assert "let `prep-corpus run` come to its end" in command("sample", tmp_path / "cut-off", code=2).output
    shutil.copytree(finished, tmp_path / "cleaned")
    shutil.rmtree(tmp_path / "cleaned" / "work" / "segment")
    assert "stage files" in command("sample", tmp_path / "cleaned", code=2).output
    assert (
        "another folder than the run's own" in command("sample", finished, "--out", finished, code=2).output
    )
    assert "local folder" in command("sample", finished, "--out", "s3://bucket/x", code=2).output
    assert "not in the range 0<=x<=1" in command("sample", finished, "--kept", "2", code=2).output


def test_audio_that_is_gone_or_has_changed_is_told_and_kept_clips_need_none(
    corpus: Path, finished: Path, tmp_path: Path
) -> None:
    first, second, aside = (corpus.parent / name for name in ("talk0.flac", "talk1.flac", "aside"))
    everything = ("sample", finished, "--count", "1000", "--out", tmp_path / "sample")
    os.rename(first, aside)
    try:
        refused = command(*everything, code=2)
        assert "talk0: the dropped segments" in refused.output
        assert "--kept 1" in refused.output
        assert not list(tmp_path.iterdir())
        command(*everything, "--kept", "1")
        assert {row["kept"] for row in rows_of(tmp_path / "sample")} == {True}
        shutil.copy(second, first)
        refused = command(*everything, "--force", code=2)
        assert "has changed since" in refused.output
    finally:
        os.replace(aside, first)
    command(*everything, "--force")


def test_agreement_of_three_listeners(sample: Path, finished: Path, tmp_path: Path) -> None:
    digest = json.loads((sample / FACTS_NAME).read_text())["digest"]
    paths = []
    for number, name in enumerate(("anna", "ben", "carla"), start=1):
        lines = []
        for row in rows_of(sample):
            if number in row["parts"]:
                # Ben writes another word into each clip that all hear; capitals and commas are no difference.
                text = row["text_normalized"] + (" indeed" if name == "ben" else ",").upper()
                answer = {
                    "id": row["id"],
                    "text": text,
                    "unintelligible": False,
                    "listener": name,
                    "sample": digest,
                }
                lines.append(json.dumps({**answer, "seconds_spent": 1.0, "saved_at": "2026-01-01T00:00:00Z"}))
        path = tmp_path / f"{name}.jsonl"
        path.write_text("\n".join(lines) + "\n")
        paths.append(path)
    lines = command("agreement", finished, *paths, "--examples", "1").stdout.splitlines()
    assert lines[0] == "6 of 24 clips were heard by two or more of 3 listeners"
    assert lines[1].startswith("anna and ben: 6 clips; ")
    assert "0 of 6 texts are identical" in lines[1]
    assert "anna and carla: 6 clips; 0.0% of the words differ, 6 of 6 texts are identical" in lines[2]
    assert lines[-1].endswith("indeed") != lines[-2].endswith("indeed")
    alone = command("agreement", finished, paths[0]).output
    assert "no clip was heard by two listeners" in alone
