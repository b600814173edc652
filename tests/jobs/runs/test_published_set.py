"""A published data set is replaced on purpose alone, and whole or not at all."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from support.runs import run_here, shards
from support.toy import write_corpus, write_filter

from prep_corpus.jobs.cli import main
from prep_corpus.pipeline.stages import write


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("corpus")
    write_filter(folder / "filter.json")
    return write_corpus(folder, recordings=3, sentences=5)


def part(corpus: Path, name: str, *numbers: int) -> Path:
    """A manifest of some of the recordings."""
    lines = corpus.read_text().splitlines()
    path = corpus.with_name(name)
    path.write_text("\n".join(lines[number] for number in numbers) + "\n")
    return path


@pytest.fixture(scope="module")
def finished(corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("finished") / "run"
    run_here(part(corpus, "two.jsonl", 0, 1), out)
    return out


@pytest.fixture
def out(finished: Path, tmp_path: Path) -> Path:
    shutil.copytree(finished, tmp_path / "run")
    return tmp_path / "run"


def published(out: Path) -> tuple[bytes, dict[str, bytes]]:
    return (out / "manifest.json").read_bytes(), shards(out)


def test_a_manifest_that_lost_recordings_is_refused_by_number(corpus: Path, out: Path) -> None:
    before = published(out)
    other = part(corpus, "other.jsonl", 1, 2)
    done = run_here(other, out, code=2)
    assert "has 2 recordings published, and 1 of them are not in" in done.output
    assert str(other) in done.output
    assert "--force publishes without them" in done.output
    assert published(out) == before
    run_here(other, out, "--force")
    assert json.loads((out / "manifest.json").read_text())["ledgers"]["counts"]["recordings"] == 2
    assert published(out) != before


def test_recordings_that_fail_late_are_refused_too(
    corpus: Path, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = published(out)
    # Too few frames for so many words: known only when it is aligned.
    words = corpus.with_name("talk0.txt")
    right = words.read_text()
    try:
        words.write_text(right * 40)
        done = run_here(part(corpus, "two.jsonl", 0, 1), out, "--max-failed", "0.9", code=4)
    finally:
        words.write_text(right)
    assert "1 of the recordings that are published" in done.output
    assert published(out) == before
    assert sorted(path.name for path in (out / "work").glob("next/**/*")) == []


def test_a_growing_corpus_goes_on_and_a_run_that_breaks_off_leaves_the_old_state(
    corpus: Path, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = published(out)
    real = write.rows_of

    def breaking(*arguments: Any) -> Iterator[Any]:
        yield next(real(*arguments))
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(write, "rows_of", breaking)
    run_here(corpus, out, "--seed", "5", "--force", code=1)
    assert published(out) == before
    monkeypatch.undo()
    told = CliRunner().invoke(main, ["settings", str(out)])
    assert "seed = 0\n" in told.stdout
    assert "last begun with another seed and published nothing" in told.stderr
    # What is published has the settings of before, whatever the run that broke off wanted: no --force is needed.
    run_here(corpus, out)
    assert json.loads((out / "manifest.json").read_text())["ledgers"]["counts"]["recordings"] == 3
    assert published(out) != before
    listed = set(shards(out))
    assert {str(path.relative_to(out)) for path in out.glob("data/*")} <= listed
    assert not list((out / "work").glob("next/**/*.parquet"))
