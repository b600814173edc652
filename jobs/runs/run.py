"""`prep-corpus run`: read the manifest, probe, bundle, run the graph on this machine, show the ledgers."""

from __future__ import annotations

import logging
from functools import partial

import apache_beam as beam
from rich.console import Console

from prep_corpus.jobs.config import RunConfig
from prep_corpus.jobs.runs.mending import run_mending
from prep_corpus.jobs.runs.opened import open_run
from prep_corpus.jobs.runs.prepare import StartedRun, prepare_run, start_run
from prep_corpus.jobs.runs.report import report_after_run
from prep_corpus.jobs.runs.self_fitted import fit_on_corpus
from prep_corpus.jobs.screen import display
from prep_corpus.jobs.screen.plain_text import counted
from prep_corpus.jobs.screen.printing import ledger_tables, over_limit, print_line, transcript_lines
from prep_corpus.jobs.start.beam_options import pipeline_options
from prep_corpus.jobs.start.claim import holding
from prep_corpus.jobs.start.corpus import restore_bundles
from prep_corpus.jobs.start.operating_point import reading_line
from prep_corpus.jobs.start.unchanged import note_standing
from prep_corpus.pipeline.apart.attempts import noting
from prep_corpus.pipeline.finished.gave_nothing import gave_nothing
from prep_corpus.pipeline.graph import build
from prep_corpus.pipeline.ledgers import Ledgers
from prep_corpus.pipeline.outcome import RunOutcome, read_outcome
from prep_corpus.pipeline.run_files import STATUS_NAME, SUBMITTED_NAME
from prep_corpus.pipeline.stages.close import close_run
from prep_corpus.pipeline.stages.transcript_checks import read_checks
from prep_corpus.pipeline.storage import files
from prep_corpus.pipeline.storage.looking import looking_only

EXIT_INTERNAL_ERRORS = 3
EXIT_OVER_LIMIT = 4
_SHOWN = 10
"""Recordings that are named at the end of a run."""


def run_here(
    config: RunConfig, *, force: bool = False, quiet: bool = True, with_report: bool = True
) -> RunOutcome:
    """Run on this machine, from the manifest to the shards.

    Args:
        config: settings of the run.
        force: write into a folder that is no run, or replace a finished run of other settings.
        quiet: show no progress.
        with_report: write report.html at the end.

    Returns:
        How it ended; `published` is False where more recordings failed than `config.max_failed` allows.

    Raises:
        UsageError: something that was asked for cannot be; nothing was started.
    """
    console = Console(stderr=True, quiet=quiet)
    outcome = _run(config, console, force=force, quiet=quiet)
    report_after_run(config.out, console, wanted=with_report)
    return outcome


def _run(config: RunConfig, console: Console, *, force: bool, quiet: bool) -> RunOutcome:
    """As `run_here`, without a report."""
    # It logs the traceback of what is raised here anyway.
    logging.getLogger("apache_beam").setLevel(logging.CRITICAL)
    prepared = prepare_run(config, console, may_fit=True)
    if line := reading_line(config, prepared.model.info.digest):
        print_line(console, line)
    status_uri = files.join(config.out, STATUS_NAME)
    with holding(config, console, force=force), display.noting_interrupts(status_uri), noting(config.work):
        started = start_run(prepared, force=force, fit=partial(fit_on_corpus, quiet=quiet))
        # What a submission has left is of no use any more.
        files.remove(files.join(config.out, SUBMITTED_NAME))
        if started.too_many_rejected:
            outcome = close_unrun(started)
        else:
            with display.shown_progress(started.work, status_uri, quiet=quiet, console=console):

                def make() -> beam.Pipeline:
                    pipeline = beam.Pipeline(options=pipeline_options(config))
                    build(pipeline, started.options)
                    return pipeline

                run_mending(make, partial(restore_bundles, config, prepared.store), console)
            outcome = read_outcome(config.out)
        # The folder is ours alone: these are of runs that were killed.
        files.remove_temporary(config.out)
        if outcome.published:
            note_standing(config, started.corpus.bundles, started.corpus.dead_letters)
    return outcome


def close_unrun(started: StartedRun) -> RunOutcome:
    """The end of a run whose graph is not run, since too much was rejected before the start."""
    outcome = close_run(
        started.options.close, publish=False, k_frames=0, ledgers=[], letters=[], shards=[], stages=[]
    )
    display.note_nothing_run(started.work, files.join(started.config.out, STATUS_NAME))
    return outcome


def execute(config: RunConfig, *, dry_run: bool, force: bool, quiet: bool, with_report: bool = True) -> int:
    """Run, and say how it went; returns the exit code."""
    if dry_run:
        from prep_corpus.jobs.runs.dry_run import describe

        with looking_only():
            prepared = prepare_run(config, Console(stderr=True, quiet=quiet), may_fit=True)
            return 0 if describe(prepared, console=Console(), force=force) else EXIT_OVER_LIMIT
    console = Console(stderr=True, quiet=quiet)
    outcome = _run(config, console, force=force, quiet=quiet)
    code = report(config, outcome, quiet=quiet)
    report_after_run(config.out, console, wanted=with_report)
    return code


def nothing_lines(out: str) -> list[str]:
    """The recordings that gave no utterance, or hardly any, a line each; the rest is counted."""
    run = open_run(out)
    found = list(gave_nothing(run.store, run.used_of("segment")))
    lines = [f"{recording_id} gave {told}" for recording_id, told in found[:_SHOWN]]
    more = len(found) - _SHOWN
    return (
        [*lines, f"{counted(more, 'more recording')} gave no utterance, or hardly any"] if more > 0 else lines
    )


def report(config: RunConfig, outcome: RunOutcome, *, quiet: bool) -> int:
    """Print the ledgers and what to do next; returns the exit code."""
    console = Console(stderr=not outcome.published, quiet=quiet)
    if not outcome.published and not outcome.lost:
        line = over_limit(outcome.failed, outcome.entries, config.max_failed)
        print_line(Console(stderr=True), f"nothing was published: {line}", style="red")
    for table in ledger_tables(Ledgers.from_json(outcome.ledgers), outcome.sample_rate_hz):
        console.print(table)
        console.print()
    for reason, count in outcome.reasons.items():
        print_line(console, f"{counted(count, 'recording')} rejected: {reason}")
    if outcome.failed:
        print_line(console, f"each with its message in {files.join(config.out, 'dead-letters.jsonl')}")
    for line in nothing_lines(config.out):
        print_line(console, line)
    for line in transcript_lines(read_checks(config.out)):
        print_line(console, line)
    if outcome.lost:
        print_line(
            Console(stderr=True),
            f"{outcome.lost} of the recordings that are published in {config.out} would be dropped: they stay "
            "published as they were, and nothing new is; --force publishes without them",
            style="red",
        )
        return EXIT_OVER_LIMIT
    if not outcome.published:
        return EXIT_OVER_LIMIT
    written = (
        ", ".join(counted(count, f"{name} file") for name, count in outcome.shards.items()) or "no shards"
    )
    print_line(
        console,
        f"{counted(outcome.utterances, 'utterance')}, {outcome.noisy} with noise, in {written} in {config.out}",
    )
    return EXIT_INTERNAL_ERRORS if outcome.internal_errors else 0
