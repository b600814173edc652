"""`prep-corpus report`: the page of a run, made anew or at the end of a run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from rich.console import Console

    from prep_corpus.jobs.runs.opened import OpenRun
    from prep_corpus.pipeline.report.model import ReportOptions


@click.command("report")
@click.argument("folder", metavar="RUN")
@click.option("--no-audio", is_flag=True, help="Leave out the examples that can be heard.")
@click.option("--quiet", "-q", is_flag=True, help="Print errors and warnings only.")
def report_command(folder: str, no_audio: bool, quiet: bool) -> None:
    """Write RUN/report.html: where the audio and the text of the finished run in RUN went, to see and to hear.

    The page is one file that opens from the disk without a network. What does not fit stands in the tables
    RUN/report/segments.parquet and RUN/report/recordings.parquet.
    """
    from prep_corpus.jobs.runs.opened import open_run

    run = open_run(folder)
    # Refused before what reads stage files is loaded.
    _ = run.settings, run.outcome
    from prep_corpus.jobs.screen.logs import say_beginning

    say_beginning(f"reading {folder}", quiet=quiet)
    from rich.console import Console

    from prep_corpus.jobs.screen.printing import print_line
    from prep_corpus.pipeline.report.report import without_examples, write_report

    console = Console(stderr=True, quiet=quiet)
    options = report_options(folder)
    if no_audio:
        options = without_examples(options)
    click.echo(write_report(options, lambda text: print_line(console, text)))


def report_options(folder: str) -> ReportOptions:
    """What the report of the run in a folder needs, from the settings that the run left there.

    Raises:
        UsageError: it holds no run.
    """
    from prep_corpus.jobs.runs.opened import open_run
    from prep_corpus.jobs.runs.stage_options import text_options
    from prep_corpus.pipeline.report.model import ReportOptions

    run = open_run(folder)
    fitted, point, notes = _filter_of(run)
    return ReportOptions(
        folder=folder,
        settings=run.settings,
        text=text_options(run.config),
        fitted=fitted,
        point=point,
        notes=notes,
    )


def _filter_of(run: OpenRun) -> tuple[Any, Any, tuple[str, ...]]:
    """The filter and the thresholds of a run, or why they cannot be had."""
    from prep_corpus.align.errors import UsageError
    from prep_corpus.jobs.start.operating_point import open_filter, operating_point
    from prep_corpus.pipeline.report.bundles import alignments_of, segments_ref
    from prep_corpus.pipeline.stage_frame import emissions_of, read_model

    store, config = run.store, run.config
    for digest in run.used_of("segment")[:1]:
        alignments = alignments_of(store.read(segments_ref(store, digest), columns=[]).notes)
        if alignments is None:
            return (
                None,
                None,
                ("This run was made by an earlier version: give its command again to see words.",),
            )
        try:
            info = read_model(store, emissions_of(store, alignments))
            fitted = open_filter(config, info, None)
            return fitted, operating_point(config, fitted, None), ()
        except (UsageError, FileNotFoundError) as error:
            return None, None, (f"Scores of words and the filter's curve are left out: {error}",)
    return None, None, ()


def report_after_run(folder: str, console: Console, *, wanted: bool) -> None:
    """Write the report of a run that has just ended, or remove that of the one before.

    Where that fails, it is said in one line and no more.
    """
    from prep_corpus.jobs.screen.printing import print_line
    from prep_corpus.pipeline.run_files import RECORDINGS_NAME, REPORT_PAGE_NAME, SEGMENTS_NAME
    from prep_corpus.pipeline.storage import files

    uri = files.join(folder, REPORT_PAGE_NAME)
    if not wanted and not files.exists(uri):
        return
    from prep_corpus.pipeline.report.report import is_current, write_report

    try:
        options = report_options(folder)
        current = is_current(options)
        if wanted and not current:
            print_line(console, "writing the report")
            write_report(options)
        elif not current:
            for name in (REPORT_PAGE_NAME, SEGMENTS_NAME, RECORDINGS_NAME):
                files.remove(files.join(folder, name))
            files.remove_empty(files.join(folder, SEGMENTS_NAME.partition("/")[0]))
            print_line(console, "the report of the run before is removed: it does not show this one")
            return
    except Exception as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        told = "no report was written" if wanted else f"{uri} is of an earlier run"
        click.echo(f"{told} ({reason}); prep-corpus report {folder} tries again", err=True)
    else:
        if wanted:
            print_line(console, f"report: {uri}")
