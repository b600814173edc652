"""`prep-corpus run`: read the manifest, probe, bundle, run the graph on this machine, show the ledgers."""

from __future__ import annotations

import json
import logging
from collections import Counter
from pathlib import Path

import apache_beam as beam
from rich.console import Console

from prep_corpus.align.errors import UsageError
from prep_corpus.align.models import ModelInfo, load_model
from prep_corpus.filters.curve import Point
from prep_corpus.filters.linear import BUNDLED, Filter, bundled_filter, load_filter
from prep_corpus.jobs import display
from prep_corpus.jobs.corpus import read_corpus, write_bundle_list
from prep_corpus.jobs.printing import ledger_tables, print_line, transcript_lines
from prep_corpus.jobs.report_command import write_after_run
from prep_corpus.jobs.stage_options import graph_options, pipeline_options, settings_of
from prep_corpus.pipeline import files
from prep_corpus.pipeline.close import OUTCOME_NAME, Outcome, read_outcome
from prep_corpus.pipeline.config import DEFAULT_MAX_WER, RunConfig
from prep_corpus.pipeline.graph import GraphOptions, build
from prep_corpus.pipeline.ledgers import Ledgers
from prep_corpus.pipeline.manifests import read_manifest
from prep_corpus.pipeline.progress import BOARD
from prep_corpus.pipeline.stores import Store
from prep_corpus.pipeline.transcript_checks import CHECKS_NAME, read_checks

MARKER = "prep-corpus-run.json"
SUBMITTED_NAME = "submitted.json"
"""What is left of a submission, for `status`; a run that follows it on this machine takes its place."""
EXIT_INTERNAL_ERRORS = 3
EXIT_OVER_LIMIT = 4


def check_places(config: RunConfig) -> None:
    """See in seconds that the stores and buckets of a run are there and may be used.

    Raises:
        UsageError: one is not; the message is one line.
    """
    files.use_options(pipeline_options(config))
    for uri in (config.manifest, config.noise, config.rooms):
        if uri is not None:
            files.check_place(uri)
    if not files.is_local(config.out):
        files.check_writable(config.out)


def claim_folder(config: RunConfig, force: bool) -> None:
    """Make the run folder ours, or find it ours.

    Raises:
        UsageError: it holds something else, or a finished run of other settings, and `force` is off.
    """
    marker = files.join(config.out, MARKER)
    settings = json.loads(json.dumps(settings_of(config)))
    if files.exists(marker):
        before = json.loads(files.read_bytes(marker))["settings"]
        changed = sorted(key for key in settings if before.get(key) != settings[key])
        if changed and files.exists(files.join(config.out, "manifest.json")) and not force:
            shown = ", ".join(f"{key}: {before.get(key)} -> {settings[key]}" for key in changed)
            raise UsageError(
                f"{config.out} holds a finished run of other settings ({shown}); --force replaces its shards "
                "and does again only what the change touches, or choose another --out"
            )
    elif not force and files.holds_files(config.out) and not files.exists(marker):
        # Else a twin has made it ours meanwhile.
        raise UsageError(
            f"{config.out} is not empty and holds no run of prep-corpus; choose another --out, or --force"
        )
    text = json.dumps({"program": "prep-corpus", "settings": settings}, indent=1).encode()
    files.write_atomic(marker, lambda file: file.write(text), replace=True)


def open_filter(config: RunConfig, info: ModelInfo, console: Console | None) -> Filter:
    """The filter asked for, or the bundled one that was made for the model.

    Raises:
        UsageError: there is none for the model.
    """
    if config.filter is not None:
        fitted = (
            bundled_filter(config.filter) if config.filter in BUNDLED else load_filter(Path(config.filter))
        )
        if not fitted.fits(info.digest):
            print_line(
                console,
                f"warning: the filter {config.filter} was fitted for another model: its word error rates may not hold",
                style="yellow",
            )
        return fitted
    bundled = [bundled_filter(name) for name in BUNDLED]
    exact = [fitted for fitted in bundled if fitted.fits(info.digest)]
    if exact:
        return exact[0]
    nearest = min(bundled, key=lambda fitted: abs(fitted.frame_seconds - info.frame_seconds))
    print_line(
        console,
        f"warning: no bundled filter was fitted for the model {config.model}; one for another model with frames of "
        f"{1000 * nearest.frame_seconds:.0f} ms is used. Fit your own, and name it with --filter",
        style="yellow",
    )
    return nearest


def operating_point(config: RunConfig, fitted: Filter, console: Console | None) -> Point:
    """The thresholds for the word error rate asked for; without one, the nearest to 1 % that can be reached."""
    if config.max_wer is not None:
        return fitted.point(config.max_wer, cut=config.cut)
    try:
        return fitted.point(DEFAULT_MAX_WER, cut=config.cut)
    except UsageError:
        best = min(point.wer_upper for point in fitted.level(config.cut).curve)
        print_line(
            console,
            f"the filter cannot promise {DEFAULT_MAX_WER:.0%} wrong words; {best:.2%} is its best",
            style="yellow",
        )
        return fitted.point(best, cut=config.cut)


def execute(config: RunConfig, *, dry_run: bool, force: bool, quiet: bool, with_report: bool = True) -> int:
    """Run, and say how it went; returns the exit code."""
    console = Console(stderr=True, quiet=quiet)
    logging.getLogger("apache_beam").setLevel(logging.ERROR)
    check_places(config)
    model = load_model(config.model, config.device)
    fitted = open_filter(config, model.info, console)
    point = operating_point(config, fitted, console)
    if dry_run:
        from prep_corpus.jobs.dry_run import describe

        describe(config, model, fitted, point, console=Console())
        return 0
    # A manifest that cannot be read is told before anything is written.
    read_manifest(config.manifest, language=config.language)
    claim_folder(config, force)
    store = Store(config.work)
    corpus = read_corpus(config, store, console)
    if corpus.entries == 0:
        raise UsageError(f"{config.manifest}: the manifest is empty")
    print_line(
        console,
        f"{corpus.entries} recordings, {corpus.audio_seconds / 3600:.2f} hours in {len(corpus.bundles)} bundles; "
        f"{len(corpus.dead_letters)} rejected before the start",
    )
    if config.noise is None and config.noise_fraction > 0:
        print_line(console, "no --noise given: generated white, pink and brown noise is used")
    bundles_uri = write_bundle_list(config, corpus)
    options = graph_options(config, corpus, model.info, fitted, point, bundles_uri)
    for stale in (OUTCOME_NAME, CHECKS_NAME, SUBMITTED_NAME):
        files.remove(files.join(config.out, stale))
    BOARD.clear()
    work = display.Work(
        bundles=len(corpus.bundles),
        audio_seconds=corpus.audio_seconds,
        recordings=corpus.recordings,
        rejected=dict(Counter(letter.reason for letter in corpus.dead_letters)),
        workers=config.workers,
    )
    status_uri = files.join(config.out, display.STATUS_NAME)
    if len(corpus.dead_letters) <= config.max_failed * corpus.entries:
        with display.shown_progress(work, status_uri, quiet=quiet, console=console):
            pipeline = beam.Pipeline(options=pipeline_options(config))
            build(pipeline, options)
            pipeline.run().wait_until_finish()
        outcome = read_outcome(config.out)
    else:
        outcome = _nothing_run(config, options)
        display.note_nothing_run(work, status_uri)
    code = report(config, outcome, quiet=quiet)
    if with_report:
        write_after_run(config.out, console)
    return code


def _nothing_run(config: RunConfig, options: GraphOptions) -> Outcome:
    from prep_corpus.pipeline.close import close_run

    return close_run(
        options.close,
        publish=False,
        k_frames=0,
        ledgers=[],
        letters=[],
        shards=[],
        stages=[],
    )


def report(config: RunConfig, outcome: Outcome, *, quiet: bool) -> int:
    """Print the ledgers and what to do next; returns the exit code."""
    console = Console(stderr=not outcome.published, quiet=quiet)
    for table in ledger_tables(Ledgers.from_json(outcome.ledgers), outcome.sample_rate_hz):
        console.print(table)
        console.print()
    for reason, count in outcome.reasons.items():
        print_line(console, f"{count} recordings rejected: {reason}")
    if outcome.failed:
        print_line(console, f"each with its message in {files.join(config.out, 'dead-letters.jsonl')}")
    for line in transcript_lines(read_checks(config.out)):
        print_line(console, line)
    if not outcome.published:
        print_line(
            Console(stderr=True),
            f"{outcome.failed} of {outcome.entries} recordings failed, and --max-failed allows "
            f"{config.max_failed:.0%}: nothing was published",
            style="red",
        )
        return EXIT_OVER_LIMIT
    written = ", ".join(f"{count} {name} files" for name, count in outcome.shards.items()) or "no shards"
    print_line(console, f"{outcome.utterances} utterances, {outcome.noisy} with noise, in {written} in {config.out}")
    return EXIT_INTERNAL_ERRORS if outcome.internal_errors else 0
