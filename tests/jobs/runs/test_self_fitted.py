"""A model without a filter: the run fits one on its own corpus, or says that it can promise nothing."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner, Result
from support import toy
from support.places import SUPPORT
from support.runs import outcome, shards

from prep_corpus.filters.linear import load_filter
from prep_corpus.jobs.cli import main
from prep_corpus.pipeline.finished.self_fit import LEAST_GROUPS

MODEL = ("--model", "toy:acoustic_model", "--device", "cpu")


def run(manifest: Path, out: Path, *words: str, code: int = 0) -> Result:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(SUPPORT)
        done = CliRunner().invoke(
            main, ["run", str(manifest), "--out", str(out), *MODEL, "--no-report", *words]
        )
    assert done.exit_code == code, done.output
    return done


@pytest.mark.slow
def test_a_run_fits_a_filter_on_its_corpus_and_says_what_it_promises(tmp_path: Path) -> None:
    manifest = toy.write_corpus(tmp_path / "corpus", recordings=LEAST_GROUPS, sentences=96)
    out = tmp_path / "run"
    told = run(manifest, out, "--max-wer", "0.02").output
    assert "no filter was fitted for the model toy:acoustic_model: one is fitted on the corpus itself" in told
    assert "it promises at most 2.0% wrong words and expects to keep" in told
    fitted = load_filter(out / "filter.json")
    assert fitted.model_digest == json.loads((out / "manifest.json").read_text())["model_digest"]
    assert "of the corpus itself" in fitted.fitted_on
    assert "The filter that this run has fitted" in (out / "filter.md").read_text()

    # What it promises holds: the truth of the toy language is known.
    truth = {f"talk{number}": toy.recording(number, 96)[1] for number in range(LEAST_GROUPS)}
    rows = [row for shard in (out / "data").glob("*") for row in pq.read_table(shard).to_pylist()]
    said = {name: " ".join(" ".join(words) for words in sentences) for name, sentences in truth.items()}
    words = sum(len(row["text_normalized"].split()) for row in rows)
    wrong = sum(
        len(row["text_normalized"].split())
        for row in rows
        if row["text_normalized"] not in said[row["recording_id"]]
    )
    assert words > 500
    assert wrong <= 0.06 * words

    # A run that goes on fits nothing again, and another one gives the same bytes.
    before = shards(out)
    told = run(manifest, out, "--max-wer", "0.02", "--seed", "0").output
    assert "fitting a filter on" not in told
    assert shards(out) == before


def test_too_little_speech_promises_nothing_and_nearest_is_for_those_who_insist(tmp_path: Path) -> None:
    manifest = toy.write_corpus(tmp_path / "corpus", recordings=2, sentences=6)
    told = run(manifest, tmp_path / "run", code=2).output
    assert "none can be fitted on this corpus: there must be 20 minutes to fit one on" in told
    assert "no word error rate can be promised" in " ".join(told.split())
    assert not (tmp_path / "run" / "manifest.json").exists()
    told = run(manifest, tmp_path / "run", "--filter", "nearest").output
    assert "its word error rates may not hold" in " ".join(told.split())
    assert outcome(tmp_path / "run")["ledgers"]["counts"]["recordings"] == 2


def test_a_dry_run_says_that_a_filter_will_be_fitted(tmp_path: Path) -> None:
    manifest = toy.write_corpus(tmp_path / "corpus", recordings=1, sentences=3)
    told = run(manifest, tmp_path / "run", "--dry-run").output
    assert "none was fitted for the model: one will be fitted on the corpus itself" in told
    assert not (tmp_path / "run").exists()
