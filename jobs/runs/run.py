"""`prep-corpus run`: read the manifest, probe, bundle, run the graph on this machine, show the ledgers."""

from __future__ import annotations

import json
import logging
from collections import Counter

import apache_beam as beam
from rich.console import Console

from prep_corpus.align.errors import UsageError
from prep_corpus.align.model.models import load_model
from prep_corpus.jobs.config import RunConfig
from prep_corpus.jobs.runs.corpus import read_corpus, write_bundle_list
from prep_corpus.jobs.runs.mending import run_mending
from prep_corpus.jobs.runs.operating_point import open_filter, operating_point
from prep_corpus.jobs.runs.report import write_after_run
from prep_corpus.jobs.runs.stage_options import graph_options, pipeline_options, settings_of
from prep_corpus.jobs.screen import display
from prep_corpus.jobs.screen.printing import ledger_tables, print_line, transcript_lines
from prep_corpus.pipeline.graph import GraphOptions, build
from prep_corpus.pipeline.inputs.manifests import read_manifest
from prep_corpus.pipeline.ledgers import Ledgers
from prep_corpus.pipeline.progress import BOARD
from prep_corpus.pipeline.run_files import CHECKS_NAME, MARKER, OUTCOME_NAME, STATUS_NAME, SUBMITTED_NAME
from prep_corpus.pipeline.stages.close import RunOutcome, read_outcome
from prep_corpus.pipeline.stages.transcript_checks import read_checks
from prep_corpus.pipeline.storage import files
from prep_corpus.pipeline.storage.stage_store import Store

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


def execute(config: RunConfig, *, dry_run: bool, force: bool, quiet: bool, with_report: bool = True) -> int:
    """Run, and say how it went; returns the exit code."""
    console = Console(stderr=True, quiet=quiet)
    # It logs the traceback of what is raised here anyway.
    logging.getLogger("apache_beam").setLevel(logging.CRITICAL)
    check_places(config)
    model = load_model(config.model, config.device)
    fitted = open_filter(config, model.info, console)
    point = operating_point(config, fitted, console)
    if dry_run:
        from prep_corpus.jobs.runs.dry_run import describe

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
    status_uri = files.join(config.out, STATUS_NAME)
    if len(corpus.dead_letters) <= config.max_failed * corpus.entries:
        with display.shown_progress(work, status_uri, quiet=quiet, console=console):

            def make() -> beam.Pipeline:
                pipeline = beam.Pipeline(options=pipeline_options(config))
                build(pipeline, options)
                return pipeline

            run_mending(make, console)
        outcome = read_outcome(config.out)
    else:
        outcome = _nothing_run(config, options)
        display.note_nothing_run(work, status_uri)
    code = report(config, outcome, quiet=quiet)
    if with_report:
        write_after_run(config.out, console)
    return code


def _nothing_run(config: RunConfig, options: GraphOptions) -> RunOutcome:
    from prep_corpus.pipeline.stages.close import close_run

    return close_run(
        options.close,
        publish=False,
        k_frames=0,
        ledgers=[],
        letters=[],
        shards=[],
        stages=[],
    )


def report(config: RunConfig, outcome: RunOutcome, *, quiet: bool) -> int:
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
    print_line(
        console, f"{outcome.utterances} utterances, {outcome.noisy} with noise, in {written} in {config.out}"
    )
    return EXIT_INTERNAL_ERRORS if outcome.internal_errors else 0
