"""`prep-corpus export`: other formats, noise or order of a finished run, from its clips alone."""

from __future__ import annotations

from dataclasses import dataclass

import apache_beam as beam
from rich.console import Console

from prep_corpus.align.errors import UsageError
from prep_corpus.jobs.config import RunConfig, settings_of
from prep_corpus.jobs.options import PLAIN_FORMATS, WORD_TIME_FORMATS
from prep_corpus.jobs.runs.opened import OpenRun, open_run
from prep_corpus.jobs.runs.prepare import shard_place
from prep_corpus.jobs.runs.run import report
from prep_corpus.jobs.runs.stage_options import plan_options, text_options, write_options
from prep_corpus.jobs.runs.word_files import ExportOptions, export_bundle
from prep_corpus.jobs.screen import display
from prep_corpus.jobs.screen.stage_lines import Work
from prep_corpus.jobs.start.beam_options import pipeline_options
from prep_corpus.jobs.start.claim import claim_folder, holding
from prep_corpus.pipeline.ledgers import Ledgers
from prep_corpus.pipeline.outcome import read_outcome
from prep_corpus.pipeline.plain_files.lists import PlainFormat
from prep_corpus.pipeline.plain_files.write import WritePlainFiles
from prep_corpus.pipeline.progress import BOARD
from prep_corpus.pipeline.run_files import STATUS_NAME
from prep_corpus.pipeline.stages.close import Close, CloseOptions, Ends, KeepsPublished, ledgers_of
from prep_corpus.pipeline.stages.plan import Plan
from prep_corpus.pipeline.stages.write import WriteShards
from prep_corpus.pipeline.storage import files
from prep_corpus.pipeline.storage.stage_store import StageRef, Store

WORDS_FOLDER = "words"
"""Folder of the files that say what was said when."""


@dataclass(frozen=True, kw_only=True)
class Extras:
    """What is written beside the shards.

    Attributes:
        files: of `jobs.options.WORD_TIME_FORMATS` and `PLAIN_FORMATS`.
        original_lines: of captions, see `ExportOptions`.
    """

    files: tuple[str, ...] = ()
    original_lines: bool = False

    @property
    def words(self) -> tuple[str, ...]:
        """Files that say what was said when, one per recording."""
        return tuple(name for name in self.files if name in WORD_TIME_FORMATS)

    @property
    def plain(self) -> tuple[PlainFormat, ...]:
        """Lists of plain audio files, one per utterance."""
        return tuple(name for name in PLAIN_FORMATS if name in self.files)


def standing_alignments(run: OpenRun) -> list[str]:
    """Digests of the alignments that a run used.

    Raises:
        UsageError: one of them is gone.
    """
    digests = run.used_of("align")
    for digest in digests:
        if run.store.find("align", "", digest) is None:
            raise UsageError(f"{run.store.uri('align', digest)} is gone: run the same command again first")
    return digests


def standing_segments(run: OpenRun) -> list[str]:
    """Digests of the segment files that a run used.

    Raises:
        UsageError: one of them is gone.
    """
    digests = run.used_of("segment")
    for digest in digests:
        for suffix in (".parquet", ".clips"):
            if not files.exists(run.store.uri("segment", digest, suffix)):
                raise UsageError(
                    f"{run.store.uri('segment', digest, suffix)} is gone: run the same command again first"
                )
    return digests


def execute(source: str, config: RunConfig, extras: Extras, *, force: bool, quiet: bool) -> int:
    """Write the shards of a finished run anew in another folder; returns the exit code.

    Args:
        source: folder of the finished run.
        config: settings of the export (`OpenRun.config_of_export`).
        extras: what is written beside them.
        force: write into a folder that is no run, or replace a run of other settings.
        quiet: print errors alone.
    """
    console = Console(stderr=True, quiet=quiet)
    run = open_run(source)
    run.check_has_clips()
    published = run.published
    if published.sample_rate_hz is None:
        raise UsageError(f"{source}: its manifest does not say the sample rate")
    digests = standing_segments(run)
    aligned = standing_alignments(run) if extras.words else []
    with holding(config, console, force=force):
        claim_folder(config, force)
        _write(run, config, digests, extras, console, force=force, quiet=quiet)
        if aligned:
            _write_words(run, config, aligned, digests, extras)
    return report(config, read_outcome(config.out), quiet=quiet)


def _write(
    run: OpenRun,
    config: RunConfig,
    digests: list[str],
    extras: Extras,
    console: Console,
    *,
    force: bool,
    quiet: bool,
) -> None:
    store, receipts = run.store, Store(config.work)
    published, outcome = run.published, run.outcome
    assert published.sample_rate_hz is not None, "execute has looked"
    write = write_options(config, shard_place(config, published.sample_rate_hz))
    close = CloseOptions(
        out=config.out,
        entries=outcome.entries,
        early_letters=(),
        sample_rate_hz=published.sample_rate_hz,
        settings={**published.config, **settings_of(config), "exported": True},
        model_digest=published.model_digest,
        config_digest=published.config_digest or "",
        seed=config.seed,
        force=force,
    )
    BOARD.clear()
    work = Work(bundles=len(digests), audio_seconds=0.0, recordings=0)
    with display.shown_progress(work, files.join(config.out, STATUS_NAME), quiet=quiet, console=console):
        pipeline = beam.Pipeline(options=pipeline_options(config))
        segments = (
            pipeline
            | "Segments" >> beam.Create(digests)
            | "Spread" >> beam.Reshuffle()
            | "Find" >> beam.Map(lambda digest: store.demand("segment", "", digest))
        )
        recordings = segments | "Recordings" >> beam.Map(lambda ref: ledgers_of(store, ref)[1])
        publish = pipeline | "Publish" >> beam.Create([True]) | KeepsPublished(close, recordings)
        planned = segments | Plan(store.root, plan_options(config))
        shards = planned | WriteShards(store.root, receipts.root, config.out, write, publish)
        if extras.plain:
            planned | WritePlainFiles(store.root, files.absolute(config.out), extras.plain, write, publish)
        ends = Ends(
            publish=publish,
            k_frames=pipeline | "K" >> beam.Create([outcome.k_frames]),
            ledgers=pipeline | "Ledgers" >> beam.Create([Ledgers.from_json(outcome.ledgers)]),
            letters=pipeline | "Letters" >> beam.Create([]),
            shards=shards,
            stages=segments,
            recordings=recordings,
        )
        pipeline | Close(close, ends)
        pipeline.run().wait_until_finish()


def _write_words(
    run: OpenRun, config: RunConfig, digests: list[str], segments: list[str], extras: Extras
) -> None:
    """What was said when in each recording of a run, from its alignments, and what is read from its segments."""
    store = run.store
    cut_of: dict[str, StageRef] = {}
    for ref in (store.demand("segment", "", digest) for digest in segments):
        cut_of[StageRef(*store.read(ref, columns=[]).notes["alignments"]).digest] = ref
    options = ExportOptions(
        out=files.join(config.out, WORDS_FOLDER),
        formats=extras.words,
        text=text_options(config),
        original_lines=extras.original_lines,
    )
    with beam.Pipeline(options=pipeline_options(config)) as pipeline:
        _ = (
            pipeline
            | "Alignments" >> beam.Create(digests)
            | "Spread" >> beam.Reshuffle()
            | "Words"
            >> beam.FlatMap(
                lambda digest: export_bundle(
                    store, store.demand("align", "", digest), options, cut_of.get(digest)
                )
            )
        )
