"""Whether a run has nothing to do: whatever may change its result is seen."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from support.places import DEMO

from prep_corpus.jobs.config import RunConfig, config_of
from prep_corpus.jobs.start import unchanged
from prep_corpus.jobs.start.claim import claim_folder
from prep_corpus.jobs.start.corpus import read_corpus
from prep_corpus.jobs.start.unchanged import note_standing, standing_outcome


@pytest.fixture
def config(demo_run: Path, tmp_path: Path) -> RunConfig:
    """A finished run of a corpus that a test may change."""
    corpus, out = tmp_path / "demo", tmp_path / "run"
    shutil.copytree(DEMO, corpus)
    shutil.copytree(demo_run, out)
    settings = json.loads((out / "prep-corpus-run.json").read_text())["settings"]
    config = config_of({**settings, "noise": str(corpus / "noise")}, out=str(out))
    config = replace(config, manifest=str(corpus / "manifest.jsonl"))
    read = read_corpus(config, None, None)
    note_standing(config, read.bundles, read.dead_letters)
    assert stands(config)
    return config


def stands(config: RunConfig, *, with_report: bool = True) -> bool:
    return standing_outcome(config, with_report=with_report) is not None


def _touch(path: Path) -> None:
    path.write_bytes(path.read_bytes() + b" ")


def _cut(path: Path) -> None:
    path.write_text("".join(path.read_text().splitlines(keepends=True)[:-1]))


CHANGES: dict[str, Callable[[Path], object]] = {
    "a transcript": lambda top: (top / "demo/audio/alice.txt").write_text("other words"),
    "a recording": lambda top: shutil.copy(top / "demo/audio/scrooge.opus", top / "demo/audio/alice.opus"),
    "a recording less": lambda top: _cut(top / "demo/manifest.jsonl"),
    "a noise clip": lambda top: _touch(next(iter(sorted((top / "demo/noise").iterdir())))),
    "a shard": lambda top: _touch(next((top / "run/data").glob("*.parquet"))),
    "a shard is gone": lambda top: next((top / "run/data").glob("*.parquet")).unlink(),
    "a stage file": lambda top: _touch(next((top / "run/work/align").iterdir())),
    "a stage file is gone": lambda top: next((top / "run/work/emit").iterdir()).unlink(),
    "the report is gone": lambda top: (top / "run/report.html").unlink(),
    "the manifest is gone": lambda top: (top / "run/manifest.json").unlink(),
}


@pytest.mark.parametrize("change", CHANGES)
def test_what_has_changed_is_seen(config: RunConfig, tmp_path: Path, change: str) -> None:
    CHANGES[change](tmp_path)
    assert not stands(config)


def test_only_what_is_asked_for_must_be_there(config: RunConfig, tmp_path: Path) -> None:
    (tmp_path / "run" / "report.html").unlink()
    (tmp_path / "run" / "status.json").write_text("{}")
    (tmp_path / "run" / "notes-of-mine.txt").touch()
    assert stands(replace(config, workers=config.workers + 1), with_report=False)


@pytest.mark.parametrize(
    "other", [{"seed": 7}, {"max_failed": 0.0}, {"retune": True}, {"beam_options": ("--x=1",)}]
)
def test_other_settings_are_seen(config: RunConfig, other: dict[str, object]) -> None:
    assert not stands(replace(config, **other))  # type: ignore[arg-type]


def test_another_program_is_seen(config: RunConfig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unchanged, "version", lambda library: "another")
    assert not stands(config)


def test_a_folder_that_is_claimed_stands_no_more(config: RunConfig) -> None:
    claim_folder(config, force=True)
    assert not stands(config)


def test_what_is_tried_again_is_no_standing_result(
    config: RunConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    outcome = replace(unchanged.read_outcome(config.out), reasons={"internal-error": 1})
    monkeypatch.setattr(unchanged, "read_outcome", lambda out: outcome)
    (tmp_path / "run" / "work" / "standing.json").unlink()
    note_standing(config, (), ())
    assert not (tmp_path / "run" / "work" / "standing.json").exists()


def test_a_stage_file_that_is_tried_again_is_no_standing_result_though_no_dead_letter_says_so(
    config: RunConfig, tmp_path: Path
) -> None:
    note, emitted = tmp_path / "run" / "work" / "standing.json", tmp_path / "run" / "work" / "emit"
    note.unlink()
    made = next(emitted.glob("*.parquet"))
    made.rename(made.with_suffix(".retry.parquet"))
    note_standing(config, (), ())
    assert not note.exists()
    # What a later run has made whole is not tried again.
    shutil.copy(made.with_suffix(".retry.parquet"), made)
    note_standing(config, (), ())
    assert note.exists()


def test_a_damaged_note_is_no_note(config: RunConfig, tmp_path: Path) -> None:
    path = tmp_path / "run" / "work" / "standing.json"
    path.write_bytes(path.read_bytes()[: os.path.getsize(path) // 2])
    assert not stands(config)
