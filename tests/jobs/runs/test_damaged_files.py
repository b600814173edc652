"""Stage files that are damaged between or within runs: named, set aside, made again, and the same bytes at the end."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner
from support.runs import run_here, shards
from support.toy import write_corpus, write_filter

from prep_corpus.jobs.cli import main
from prep_corpus.pipeline.inputs.bundles import ProbedRecording, read_bundle
from prep_corpus.pipeline.stages import align
from prep_corpus.pipeline.storage.stage_store import Store


def flipped(path: Path) -> None:
    """One bit in the middle of the data."""
    data = bytearray(path.read_bytes())
    data[len(data) // 3] ^= 4
    path.write_bytes(data)


def truncated(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("corpus")
    write_filter(folder / "filter.json")
    return write_corpus(folder, recordings=2, sentences=6)


@pytest.fixture(scope="module")
def finished(corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("finished") / "run"
    run_here(corpus, out)
    return out


def copied(finished: Path, folder: Path) -> Path:
    """A finished run that a test may damage."""
    return Path(shutil.copytree(finished, folder / "run"))


def one(folder: Path, pattern: str) -> Path:
    (found,) = (path for path in folder.glob(pattern))
    return found


def named_once(path: Path, told: str) -> None:
    lines = [line for line in told.splitlines() if path.name in line]
    assert len(lines) == 1, told
    assert "is damaged" in lines[0]
    assert path.with_name(path.name + ".damaged").exists()
    assert path.exists()


def test_flipped_bits_are_named_set_aside_and_mended(
    finished: Path, corpus: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    out = copied(finished, tmp_path)
    wanted = shards(out)
    # What comes after them has to be made again, so that their data are read.
    shutil.rmtree(out / "work" / "align")
    shutil.rmtree(out / "work" / "write")
    places = ("emit/*.parquet", "bundles/*.parquet", "segment/*.clips", "k/*.json", "fingerprints.json")
    damaged = [one(out / "work", place) for place in places]
    for path in damaged:
        flipped(path)
    before = {path: path.read_bytes() for path in damaged}
    done = run_here(corpus, out, "--quiet")
    told = done.output + caplog.text
    for path in damaged:
        named_once(path, told)
        assert path.with_name(path.name + ".damaged").read_bytes() == before[path]
    assert "Traceback" not in told
    assert shards(out) == wanted


def test_truncated_and_exchanged_files_are_named_set_aside_and_mended(
    finished: Path, corpus: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    out = copied(finished, tmp_path)
    wanted = shards(out)
    alignment, emit = one(out / "work", "align/*.parquet"), one(out / "work", "emit/*.parquet")
    measure, receipt = one(out / "work", "measure/*.parquet"), one(out / "work", "write/*.json")
    shutil.copy(emit, alignment)
    for path in (emit, measure, receipt, one(out / "work", "segment/*.clips")):
        truncated(path)
    told = run_here(corpus, out).output + caplog.text
    for path in (alignment, emit, measure, receipt, one(out / "work", "segment/*.clips")):
        named_once(path, told)
    assert f"it was written as 'emit/{emit.stem}'" in told
    assert "Traceback" not in told
    assert shards(out) == wanted


def test_an_export_names_the_stage_file_that_is_damaged(
    finished: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    out = copied(finished, tmp_path)
    path = one(out / "work", "segment/*.parquet")
    path.write_bytes(path.read_bytes()[:219])
    done = CliRunner().invoke(main, ["export", str(out), "--out", str(tmp_path / "export"), "--quiet"])
    assert done.exit_code == 1
    assert [line for line in done.stderr.splitlines() if str(path) in line] == done.stderr.splitlines()[-1:]
    assert "it breaks off" in done.stderr
    assert "defect" not in done.stderr
    assert not caplog.records


def test_a_shard_whose_bytes_were_changed_is_named_and_written_again(
    finished: Path, corpus: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    out = copied(finished, tmp_path)
    wanted = shards(out)
    path = one(out / "data", "*.parquet")
    facts = path.stat()
    flipped(path)
    os.utime(path, ns=(facts.st_atime_ns, facts.st_mtime_ns))
    told = run_here(corpus, out, "--quiet").output + caplog.text
    assert f"{path} is damaged" in told
    assert shards(out) == wanted
    # A copy has other times and the same bytes: it is read through once.
    copy = tmp_path / "copy"
    shutil.copytree(out, copy)
    caplog.clear()
    told = run_here(corpus, copy, "--quiet").output + caplog.text
    assert "damaged" not in told
    assert shards(copy) == wanted


def test_what_is_gone_while_a_run_reads_is_made_again(
    finished: Path, corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = copied(finished, tmp_path)
    wanted = shards(out)
    shutil.rmtree(out / "work" / "align")
    shutil.rmtree(out / "work" / "write")
    path = one(out / "work", "bundles/*.parquet")
    removed: list[Path] = []

    def read_after_it_was_removed(store: Store, digest: str) -> list[ProbedRecording]:
        # As where another thread, of an earlier round, has found it damaged.
        if not removed:
            path.unlink()
            removed.append(path)
        return read_bundle(store, digest)

    monkeypatch.setattr(align, "read_bundle", read_after_it_was_removed)
    told = run_here(corpus, out, "--quiet").output
    assert f"{path} is gone; it is made again" in told
    assert removed
    assert path.exists()
    assert shards(out) == wanted


def test_a_dry_run_names_what_is_damaged_and_leaves_it(
    finished: Path, corpus: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    out = copied(finished, tmp_path)
    path = one(out / "work", "segment/*.parquet")
    truncated(path)
    before = sorted(out.rglob("*"))
    done = run_here(corpus, out, "--dry-run")
    assert f"{path} is damaged" in done.output + caplog.text
    assert "a run sets it aside and makes it again" in done.output + caplog.text
    assert sorted(out.rglob("*")) == before


def test_a_dry_run_leaves_damaged_documents_where_they_are(
    finished: Path, corpus: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    out = copied(finished, tmp_path)
    work = out / "work"
    damaged = [work / "fingerprints.json", one(work, "k/*.json"), work / "standing.json"]
    damaged[2].write_text('{"left": ')
    for path in damaged[:2]:
        flipped(path)
    before = {path: path.read_bytes() for path in sorted(out.rglob("*")) if path.is_file()}
    told = run_here(corpus, out, "--dry-run", "--no-report").output + caplog.text
    for path in damaged:
        assert f"{path} is damaged; a run sets it aside and makes it again" in told
    assert {path: path.read_bytes() for path in sorted(out.rglob("*")) if path.is_file()} == before


@pytest.mark.parametrize(
    ("damaged", "gone", "first"),
    [
        ("emit/*.parquet", ["work/align"], "emit"),
        ("align/*.parquet", ["work/segment"], "align"),
        ("segment/*.clips", ["manifest.json", "work/write", "data", "tfrecord"], "segment"),
        ("segment/*.parquet", ["manifest.json", "work/write", "data", "tfrecord"], "segment"),
    ],
)
def test_a_dry_run_proves_what_the_stages_to_do_will_read(
    damaged: str,
    gone: list[str],
    first: str,
    finished: Path,
    corpus: Path,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    out = copied(finished, tmp_path)
    wanted = shards(out)
    path = one(out / "work", damaged)
    flipped(path)
    for left in (out / name for name in gone):
        shutil.rmtree(left) if left.is_dir() else left.unlink()
    before = {path: path.read_bytes() for path in sorted(out.rglob("*")) if path.is_file()}
    done = run_here(corpus, out, "--dry-run")
    assert f"{path} is damaged" in done.output + caplog.text
    (line,) = [line for line in done.output.splitlines() if line.startswith("to do")]
    assert line.split()[2] == first
    assert {path: path.read_bytes() for path in sorted(out.rglob("*")) if path.is_file()} == before
    # As the run says that follows.
    caplog.clear()
    named_once(path, run_here(corpus, out).output + caplog.text)
    assert shards(out) == wanted


def test_temporary_files_of_killed_runs_go_when_the_next_run_ends(
    finished: Path, corpus: Path, tmp_path: Path
) -> None:
    out = copied(finished, tmp_path)
    left = [out / "work" / "emit" / ".0123.parquet.7.tmp", out / "data" / ".train.parquet.abc.tmp"]
    for path in left:
        path.write_bytes(b"half")
    run_here(corpus, out, "--dry-run")
    assert all(path.exists() for path in left)
    run_here(corpus, out)
    assert not any(path.exists() for path in left)


def test_check_finds_what_is_damaged_and_changes_nothing(finished: Path, tmp_path: Path) -> None:
    out = copied(finished, tmp_path)
    whole = CliRunner().invoke(main, ["check", str(out)])
    assert whole.exit_code == 0, whole.output
    damaged = [one(out / "work", place) for place in ("emit/*.parquet", "align/*.parquet", "segment/*.clips")]
    for path in damaged:
        flipped(path)
    done = CliRunner().invoke(main, ["check", str(out)])
    assert done.exit_code == 1
    for path in damaged:
        assert f"stage-file-damaged: {path.relative_to(out)}: " in done.output
        assert path.exists()
