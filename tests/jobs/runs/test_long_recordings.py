"""What does not fit the memory waits in files without a name, and the shards are the same."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.runs import run_here, shards

from prep_corpus.align.viterbi import search
from prep_corpus.pipeline.stages import segment


def test_checkpoints_and_clips_on_the_disk_make_the_same_shards(
    toy_corpus: Path, toy_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "HELD_BYTES", 1_000)
    monkeypatch.setattr(search, "DIRECT_CELLS", 0)
    monkeypatch.setattr(segment, "HELD_CLIP_BYTES", 1_000)
    run_here(toy_corpus, tmp_path / "run", "--quiet")
    assert shards(tmp_path / "run") == shards(toy_run)
    assert [path.name for path in (tmp_path / "run").rglob("*.tmp")] == []
