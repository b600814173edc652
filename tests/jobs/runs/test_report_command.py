"""The report at the end of a run and on its own, in the toy language."""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner
from support import toy
from support.runs import cli_here as cli

from prep_corpus.jobs.cli import main
from prep_corpus.jobs.runs.report import report_options
from prep_corpus.pipeline.report.report import gather_report


def run(manifest: Path, out: Path, *extra: str) -> str:
    """Run the command; returns what it wrote on both channels."""
    fitted = str(out.parent / "filter.json")
    model = ("--model", "toy:acoustic_model", "--filter", fitted)
    done = cli("run", str(manifest), "--out", str(out), *model, *extra)
    return done.stdout + done.stderr


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of two recordings, without a report."""
    folder = tmp_path_factory.mktemp("corpus")
    toy.write_filter(folder / "filter.json")
    out = folder / "run"
    said = run(toy.write_corpus(folder / "talks", recordings=2), out, "--no-report")
    assert "report" not in said
    assert not (out / "report.html").exists()
    return out


def test_a_report_can_be_made_later_and_words_of_examples_are_those_of_the_text(finished: Path) -> None:
    report = gather_report(report_options(str(finished)))
    rows = {row.id: row for row in report.segments}
    assert len(rows) == report.segments_total > 10
    assert report.point is not None
    kept = [example for example in report.examples if example.group in ("worst", "borderline", "kept")]
    assert len(kept) > 5
    for example in kept:
        row = rows[example.segment_id]
        assert " ".join(word.text for word in example.words if word.inside and word.said) == row.text
        assert (example.start, example.end - example.start) == pytest.approx(
            (row.start, row.seconds), abs=1e-3
        )
    for example in report.examples:
        times = [(word.start, word.end) for word in example.words]
        assert all(0 <= a <= b <= example.end - example.start + 1e-6 for a, b in times)
        assert times == sorted(times)
    dropped = {row.reason for row in rows.values() if not row.kept}
    assert dropped <= {example.group for example in report.examples}
    for example in report.examples:
        if example.group in dropped:
            row = rows[example.segment_id]
            assert example.start + example.core[0] == pytest.approx(row.start, abs=1e-3)
            assert example.start + example.core[1] == pytest.approx(min(row.end, example.end), abs=1e-3)
    assert not report.notes


def test_the_command_writes_page_and_tables(finished: Path) -> None:
    said = CliRunner().invoke(main, ["report", str(finished)], catch_exceptions=False)
    assert said.exit_code == 0
    assert said.stdout.strip() == str(finished / "report.html")
    page = (finished / "report.html").read_text()
    assert 'id="clip-0"' in page
    segments = pq.read_table(finished / "report" / "segments.parquet")
    assert {"weakest_word", "snr_db", "score", "reason"} <= set(segments.column_names)
    assert segments["snr_db"].null_count == 0
    said = CliRunner().invoke(main, ["report", str(finished), "--no-audio", "-q"], catch_exceptions=False)
    assert 'id="clip-0"' not in (finished / "report.html").read_text()
    refused = CliRunner().invoke(main, ["report", str(finished / "work")])
    assert refused.exit_code == 2
    assert "holds no run of prep-corpus" in refused.output


def test_without_its_filter_or_its_audio_a_report_says_what_it_leaves_out(finished: Path) -> None:
    options = report_options(str(finished))
    source = next((finished.parent / "talks").glob("talk0.flac"))
    fitted = finished.parent / "filter.json"
    moved = [path.rename(path.with_name("moved-" + path.name)) for path in (source, fitted)]
    try:
        without = report_options(str(finished))
        assert without.fitted is None
        assert "cannot be read" in without.notes[0]
        report = gather_report(without)
        assert report.examples
        assert all(word.score is None for example in report.examples for word in example.words)
        assert any("dropped are left out: talk0" in note for note in report.notes)
    finally:
        for path in moved:
            path.rename(path.with_name(path.name.removeprefix("moved-")))
    assert report_options(str(finished)) == options


def test_a_report_that_fails_costs_a_run_nothing_but_a_line(finished: Path) -> None:
    (finished / "report.html").unlink(missing_ok=True)
    for path in (finished / "report").glob("*"):
        path.unlink()
    if (finished / "report").exists():
        (finished / "report").rmdir()
    (finished / "report").write_text("in the way of the folder")
    said = run(finished.parent / "talks" / "manifest.jsonl", finished)
    lines = [line for line in said.splitlines() if "report" in line]
    assert lines.pop(0) == "writing the report"
    assert len(lines) == 1
    assert lines[0].startswith("no report was written (")
    assert f"prep-corpus report {finished} tries again" in lines[0]
    (finished / "report").unlink()
    said = run(finished.parent / "talks" / "manifest.jsonl", finished)
    assert f"report: {finished}/report.html" in said


def test_a_run_without_a_report_leaves_none_of_the_run_before(finished: Path) -> None:
    corpus = finished.parent / "talks" / "manifest.jsonl"
    assert f"report: {finished}/report.html" in run(corpus, finished)
    assert "report" not in run(corpus, finished, "--no-report")
    assert (finished / "report.html").exists()
    assert "the report of the run before is removed" in run(
        corpus, finished, "--no-report", "--force", "--seed", "5"
    )
    assert not (finished / "report.html").exists()
    assert not (finished / "report").exists()
