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
from prep_corpus.pipeline.storage.sealed_json import proven


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


def test_a_marker_that_is_gone_is_told_where_there_is_work_of_a_run(run: Path) -> None:
    (run / "prep-corpus-run.json").unlink()
    ((found, wrong),) = damaged_stage_files(str(run))
    assert (found, wrong.partition(",")[0]) == ("prep-corpus-run.json", "it is gone")
    # Shards alone may be taken elsewhere.
    shutil.rmtree(run / "work")
    assert list(damaged_stage_files(str(run))) == []


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
    # Without its checksum it may be a part of itself, or nothing.
    for part in (keys.tobytes(), keys.tobytes()[:8], b""):
        (run / "work" / "published.bin").write_bytes(part)
        with pytest.raises(UsageError, match=r"published\.bin is damaged"):
            lost(str(run), keys)


@pytest.mark.parametrize("pattern", ["work/write/*.json", "work/k/*.json", "prep-corpus-run.json"])
def test_no_bit_of_a_sealed_note_can_be_flipped_without_being_seen(run: Path, pattern: str) -> None:
    data = sorted(run.glob(pattern))[0].read_bytes()
    content = proven(data)
    assert content is not None
    for place in range(8 * len(data)):
        flipped = bytearray(data)
        flipped[place // 8] ^= 1 << place % 8
        # Where the bits are others and the meaning is not (1e-05 and 1E-05), nothing is damaged.
        assert proven(bytes(flipped)) in (None, content), flipped
    assert all(proven(data[:end]) is None for end in range(len(data.rstrip())))


def test_a_manifest_whose_seal_has_another_name_is_damaged(run: Path) -> None:
    path = run / "manifest.json"
    path.write_text(path.read_text().replace('"seal":', '"seam":'))
    (problem,) = check_run(str(run)).problems
    assert problem.slug == "manifest-invalid"
    assert "'seam'" in problem.message
