"""k is picked once for a run and kept."""

from __future__ import annotations

import json
from pathlib import Path

from prep_corpus.pipeline.stages.measure import add_totals, keep_k, settle_k

TOTALS = {2: (100, 300_000), 10: (50, 280_000), 30: (10, 200_000)}


def test_totals_add_up_by_k() -> None:
    assert add_totals({2: (1, 10)}, {2: (2, 5), 4: (1, 1)}) == {2: (3, 15), 4: (1, 1)}


def test_the_mean_nearest_to_the_target_is_picked_and_kept_until_retuned(tmp_path: Path) -> None:
    uri = str(tmp_path / "k.json")
    assert settle_k(uri, TOTALS, 5600, retune=False) == 10
    keep_k(uri)
    assert json.loads(Path(uri).read_text())["mean_samples"] == 5600
    assert settle_k(uri, TOTALS, 20_000, retune=False) == 10
    assert settle_k(uri, TOTALS, 20_000, retune=True) == 30
    keep_k(uri)
    assert settle_k(uri, TOTALS, 5600, retune=False) == 30


def test_a_k_whose_run_published_nothing_is_not_kept(tmp_path: Path) -> None:
    uri = str(tmp_path / "k.json")
    assert settle_k(uri, TOTALS, 5600, retune=False) == 10
    assert settle_k(uri, TOTALS, 20_000, retune=False) == 30
    keep_k(uri)
    assert settle_k(uri, TOTALS, 5600, retune=True) == 10
    assert settle_k(uri, TOTALS, 5600, retune=False) == 30
    keep_k(uri)
    assert settle_k(uri, TOTALS, 5600, retune=False) == 30


def test_a_corpus_without_a_single_segment_has_some_k_and_keeps_none(tmp_path: Path) -> None:
    uri = str(tmp_path / "k.json")
    assert settle_k(uri, {3: (0, 0), 5: (0, 0)}, 1000, retune=False) == 3
    assert settle_k(uri, {}, 1000, retune=False) == 1
    assert not Path(uri).exists()
