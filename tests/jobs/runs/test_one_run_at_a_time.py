"""Twins of other settings are stopped before anything is written."""

from __future__ import annotations

from pathlib import Path

from support.runs import run_here
from support.toy import write_corpus, write_filter

from prep_corpus.pipeline.storage.locks import LOCK_NAME, held


def test_a_run_of_other_settings_is_stopped_before_anything_is_written(tmp_path: Path) -> None:
    corpus = write_corpus(tmp_path / "corpus", recordings=1, sentences=2)
    write_filter(corpus.parent / "filter.json")
    out = tmp_path / "run"
    with held(str(out), "another run's work", print):
        done = run_here(corpus, out, code=2)
        assert "is in use by a run of another manifest or other settings (process" in done.output
        assert [path.name for path in out.rglob("*")] == [LOCK_NAME]
    run_here(corpus, out, "--max-failed", "1")
