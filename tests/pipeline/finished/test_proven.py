"""`check` of what stands beside the shards: every file of the work folder that proves itself is read."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from prep_corpus.align.errors import UsageError
from prep_corpus.pipeline.finished.proven import damaged_stage_files
from prep_corpus.pipeline.reading.check import check_run
from prep_corpus.pipeline.shards.published import joined, keys_of, lost, note_published, published_keys


@pytest.fixture
def run(toy_run: Path, tmp_path: Path) -> Path:
    """A copy to damage."""
    return Path(shutil.copytree(toy_run, tmp_path / "run"))


def flipped(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def test_a_whole_run_has_nothing_damaged(run: Path) -> None:
    assert list(damaged_stage_files(str(run))) == []


@pytest.mark.parametrize(
    "pattern",
    [
        "work/write/*.json",
        "work/fingerprints.json",
        "work/used.json",
        "work/published.bin",
        "work/k/*.json",
        "work/align/*.parquet",
        "work/segment/*.clips",
    ],
)
def test_a_flipped_bit_is_told_with_its_file(run: Path, pattern: str) -> None:
    path = sorted(run.glob(pattern))[0]
    flipped(path)
    (found,) = [where for where, _ in damaged_stage_files(str(run))]
    assert found == path.relative_to(run).as_posix()


def test_a_manifest_in_which_nothing_else_is_wrong_proves_itself(run: Path) -> None:
    path = run / "manifest.json"
    document = json.loads(path.read_text())
    assert check_run(str(run)).problems == ()
    document["created_by"]["libsndfile"] = "another"
    path.write_text(json.dumps(document))
    (problem,) = check_run(str(run)).problems
    assert problem.slug == "manifest-invalid"
    assert "its seal" in problem.message
    # One of an earlier version has none.
    del document["seal"]
    path.write_text(json.dumps(document))
    assert check_run(str(run)).problems == ()


def test_what_is_published_is_not_guessed_from_a_damaged_list(run: Path) -> None:
    keys = joined([keys_of(["a", "b"])])
    note_published(str(run), keys)
    assert published_keys(str(run)).tolist() == keys.tolist()
    flipped(run / "work" / "published.bin")
    with pytest.raises(UsageError, match=r"published\.bin is damaged.*--force"):
        lost(str(run), keys)
    # Of an earlier version, without a checksum.
    (run / "work" / "published.bin").write_bytes(keys.tobytes())
    assert lost(str(run), keys) == (0, 2)
