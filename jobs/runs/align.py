"""`prep-corpus align`: forced alignment of long recordings alone, and the times of the words as files."""

from __future__ import annotations

import json

import apache_beam as beam
from rich.console import Console

from prep_corpus.align.errors import DeadLetter
from prep_corpus.jobs.config import RunConfig
from prep_corpus.jobs.runs.prepare import PreparedRun, prepare_run, read_bundles
from prep_corpus.jobs.runs.run import EXIT_INTERNAL_ERRORS
from prep_corpus.jobs.runs.word_files import ExportOptions, export_bundle
from prep_corpus.jobs.screen import display
from prep_corpus.jobs.screen.plain_text import counted
from prep_corpus.jobs.screen.printing import print_line, transcript_lines
from prep_corpus.jobs.start.beam_options import pipeline_options
from prep_corpus.jobs.start.claim import holding
from prep_corpus.pipeline.run_files import DEAD_LETTERS_NAME, STATUS_NAME
from prep_corpus.pipeline.stages.align import Align
from prep_corpus.pipeline.stages.close import letters_of, write_dead_letters
from prep_corpus.pipeline.stages.emit import Emit
from prep_corpus.pipeline.stages.transcript_checks import CheckTranscripts, read_checks
from prep_corpus.pipeline.storage import files


def execute(config: RunConfig, formats: tuple[str, ...], *, quiet: bool, original_lines: bool = False) -> int:
    """Align a manifest and write the results; returns the exit code.

    Args:
        config: of a run, whose emissions and alignments these are.
        formats: of `jobs.options.WORD_TIME_FORMATS`.
        quiet: print errors alone.
        original_lines: of captions, see `ExportOptions`.
    """
    console = Console(stderr=True, quiet=quiet)
    prepared = prepare_run(config, console, cuts=False)
    with holding(config, console, what="align"):
        options = ExportOptions(
            out=config.out, formats=formats, text=prepared.emit.text, original_lines=original_lines
        )
        return _align(prepared, options, console, quiet=quiet)


def _align(prepared: PreparedRun, options: ExportOptions, console: Console, *, quiet: bool) -> int:
    config = prepared.config
    store, emit = prepared.store, prepared.emit
    bundled = read_bundles(prepared, stages=("emit", "align"))
    corpus, work = bundled.corpus, bundled.work
    with display.shown_progress(work, files.join(config.out, STATUS_NAME), quiet=quiet, console=console):
        pipeline = beam.Pipeline(options=pipeline_options(config))
        emitted = (
            pipeline
            | beam.Create([bundled.bundles_uri])
            | beam.FlatMap(lambda uri: files.read_bytes(uri).decode().split())
            | beam.Reshuffle()
            | Emit(config.work, emit)
        )
        aligned = emitted | Align(config.work, options.text, config.workers)
        _ = aligned | CheckTranscripts(config.work, config.out, options.text)
        _ = aligned | "Export" >> beam.FlatMap(lambda ref: export_bundle(store, ref, options))
        letters_uri = files.join(config.out, DEAD_LETTERS_NAME)
        stages = (emitted, aligned) | beam.Flatten()
        _ = (
            stages
            | "Letters" >> beam.FlatMap(lambda ref: letters_of(store, ref))
            | beam.combiners.ToList()
            | "WriteLetters"
            >> beam.Map(lambda late: write_dead_letters(letters_uri, [*corpus.dead_letters, *late]))
        )
        pipeline.run().wait_until_finish()
    return _report(config, corpus.entries, console)


def _report(config: RunConfig, entries: int, console: Console) -> int:
    text = files.read_bytes(files.join(config.out, DEAD_LETTERS_NAME)).decode()
    letters = [DeadLetter(**json.loads(line)) for line in text.splitlines()]
    for letter in letters[:20]:
        print_line(console, f"rejected: {letter.reason}: {letter.message.splitlines()[0]}")
    for line in transcript_lines(read_checks(config.out)):
        print_line(console, line)
    print_line(
        console, f"{entries - len(letters)} of {counted(entries, 'recording')} aligned in {config.out}"
    )
    return EXIT_INTERNAL_ERRORS if any(letter.reason == "internal-error" for letter in letters) else 0
