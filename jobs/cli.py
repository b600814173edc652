"""The command line: parses, builds a config, calls, and turns errors into messages. Nothing else."""

from __future__ import annotations

if __name__ == "__main__":
    # Before what takes time to import, as the script does.
    from prep_corpus.jobs.screen.interrupts import leave_at_interrupts

    leave_at_interrupts()

import sys
from typing import Any

import click

from prep_corpus.align import __version__
from prep_corpus.align.errors import DocumentDamaged, UsageError
from prep_corpus.align.secret_words import words_without_secrets
from prep_corpus.jobs.models_command import models_command
from prep_corpus.jobs.options import (
    CONFIG,
    ORIGINAL_LINES,
    PLAIN_FORMATS,
    RUN,
    WORD_TIME_FORMATS,
    own_device,
    run_config,
    settings_options,
    with_options,
)
from prep_corpus.jobs.own_filter.evaluate_command import evaluate_command
from prep_corpus.jobs.own_filter.fit_filter_command import fit_filter_command
from prep_corpus.jobs.own_filter.label_command import label_command
from prep_corpus.jobs.own_filter.sample_command import agreement_command, sample_command
from prep_corpus.jobs.runs.pairing import pair_command
from prep_corpus.jobs.runs.report import report_command
from prep_corpus.jobs.screen.commands import Commands
from prep_corpus.jobs.screen.logs import PRINTED, begin_log, say_beginning
from prep_corpus.jobs.screen.plain_text import counted, printable
from prep_corpus.jobs.settings import MACHINE, MODEL, SEED, SHARDS, TEXT
from prep_corpus.jobs.settings_command import settings_command
from prep_corpus.jobs.submit.command import submit_command
from prep_corpus.jobs.submit.dataflow_command import dataflow_command
from prep_corpus.jobs.submit.workers_command import workers_command
from prep_corpus.jobs.training.train_command import error_rates_command, train_command, train_english_command

EXIT_CODES = """
\b
Exit codes:
  0  done
  1  stopped by an I/O error that retries did not cure, or by a defect; one line says which, --debug says where
  2  wrong usage; nothing was started
  3  done, but some recordings met internal errors: see dead-letters.jsonl
  4  more recordings failed than --max-failed allows, or published ones would be dropped; nothing was published
  130  interrupted (Ctrl-C); the same command goes on
"""


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="prep-corpus")
@click.option("--debug", is_flag=True, help="Show the traceback of what fails; may stand anywhere.")
@click.option(
    "--verbose",
    "-v",
    is_flag=True,
    help="Tell of each bundle and recording that is done; may stand anywhere.",
)
@click.option(
    "--log-file", metavar="FILE", help="Add what is told, and more, with times to a file; may stand anywhere."
)
@click.pass_context
def main(ctx: click.Context, debug: bool, verbose: bool, log_file: str | None) -> None:
    """Turn long, noisily transcribed recordings into training data for speech recognition."""
    ctx.call_on_close(begin_log(verbose=verbose, log_file=log_file))
    PRINTED.info("prep-corpus %s: %s", __version__, words_without_secrets(sys.argv[1:]))


def nothing_to_do(out: str, entries: int, utterances: int) -> str:
    """The one line of a run that finds all as it would leave it."""
    whose = f"{counted(utterances, 'utterance')} of {counted(entries, 'recording')}"
    return f"nothing to do: {whose} are published in {out} as they should be"


@main.command(epilog=EXIT_CODES)
@click.argument("manifest")
@click.option("--out", required=True, metavar="DIR", help="Run folder (path or URI); a run in it is resumed.")
@with_options(CONFIG, RUN, settings_options(MACHINE))
@click.option("--dry-run", is_flag=True, help="Say what would be done, and stop.")
@click.option(
    "--force", is_flag=True, help="Write into a folder that holds no run, or replace a run of other settings."
)
@click.option(
    "--no-report", is_flag=True, help="Do not write report.html at the end; an outdated one is removed."
)
@click.option("--quiet", "-q", is_flag=True, help="Print errors and warnings only.")
@click.argument("beam_options", nargs=-1, type=click.UNPROCESSED)
@click.pass_context
def run(
    ctx: click.Context, /, dry_run: bool, force: bool, no_report: bool, quiet: bool, **settings: Any
) -> None:
    """Turn the recordings of MANIFEST into shards.

    MANIFEST is a JSON-lines, CSV or TSV file with audio_filepath and text (or text_filepath), Lhotse cuts, a
    folder of same-stem audio and text files, a Kaldi data directory, tars of WebDataset or NeMo, Lhotse Shar, or a data
    set as Parquet. What an earlier run in the same folder has done already is not done again. Options after -- go to
    Apache Beam.
    """
    from prep_corpus.jobs.cutting_settings import is_one_model
    from prep_corpus.jobs.start.early import check_early

    config = run_config(
        settings,
        manifest=settings["manifest"],
        out=settings["out"],
        device=own_device(settings),
        beam_options=tuple(settings["beam_options"]),
    )
    if not is_one_model(config.model):
        from prep_corpus.jobs.languages import execute_by_language

        done = execute_by_language(
            config, dry_run=dry_run, force=force, quiet=quiet, with_report=not no_report
        )
        ctx.exit(done)
    check_early(config, force=force, claims=True)
    from prep_corpus.jobs.start.unchanged import standing_outcome
    from prep_corpus.pipeline.storage.looking import looking_only

    with looking_only(dry_run):
        standing = standing_outcome(config, with_report=not no_report)
    if standing is not None:
        if not quiet:
            click.echo(nothing_to_do(config.out, standing.entries, standing.utterances))
        return
    say_beginning(f"reading {config.manifest}", quiet=quiet)
    from prep_corpus.jobs.runs.run import execute

    ctx.exit(execute(config, dry_run=dry_run, force=force, quiet=quiet, with_report=not no_report))


@main.command()
@click.argument("manifest")
@click.option("--out", required=True, metavar="DIR", help="Folder of the results (path or URI).")
@click.option(
    "--format",
    "file_formats",
    type=click.Choice(WORD_TIME_FORMATS),
    multiple=True,
    default=("ctm",),
    show_default=True,
    help="Format of the files, one per recording; may be repeated.",
)
@ORIGINAL_LINES
@with_options(CONFIG, settings_options(MODEL, TEXT, MACHINE))
@click.option("--quiet", "-q", is_flag=True, help="Print errors and warnings only.")
@click.argument("beam_options", nargs=-1, type=click.UNPROCESSED)
@click.pass_context
def align(
    ctx: click.Context,
    /,
    manifest: str,
    out: str,
    file_formats: tuple[str, ...],
    original_lines: bool,
    quiet: bool,
    beam_options: tuple[str, ...],
    **settings: Any,
) -> None:
    """Align the recordings of MANIFEST with their transcripts, of any length, and write the times of the words.

    CTM and TextGrid are for other tools; the JSON lines hold for each word its times, its characters in the
    transcript as written, whether the audio says it, and the evidence, and the stretches without text. SRT and WebVTT
    give the cues of a transcript back at the times at which they are said, or make new ones where it has none; so do
    EAF (for ELAN) and JSON (as Whisper's relatives write it), with the words of each.
    """
    from prep_corpus.jobs.start.early import check_early

    config = run_config(
        settings, manifest=manifest, out=out, device=own_device(settings), beam_options=beam_options
    )
    check_early(config)
    say_beginning(f"reading {config.manifest}", quiet=quiet)
    from prep_corpus.jobs.runs.align import execute

    formats = tuple(dict.fromkeys(file_formats))
    ctx.exit(execute(config, formats, quiet=quiet, original_lines=original_lines))


@main.command()
@click.argument("folder", metavar="RUN")
@click.option("--out", required=True, metavar="DIR", help="Folder of the new shards (path or URI).")
@click.option(
    "--files",
    "file_formats",
    type=click.Choice([*WORD_TIME_FORMATS, *PLAIN_FORMATS]),
    multiple=True,
    help="Also write plain audio files: utterances with a NeMo manifest or a Kaldi data directory, samples of up to "
    "30 s with time stamps for Whisper; or what was said when, one file per recording, in the folder `words`. May be "
    "repeated.",
)
@ORIGINAL_LINES
@with_options(CONFIG, settings_options(SHARDS, SEED))
@click.option(
    "--force", is_flag=True, help="Write into a folder that holds no run, or replace a run of other settings."
)
@click.option("--quiet", "-q", is_flag=True, help="Print errors and warnings only.")
@click.argument("beam_options", nargs=-1, type=click.UNPROCESSED)
@click.pass_context
def export(
    ctx: click.Context,
    /,
    folder: str,
    out: str,
    file_formats: tuple[str, ...],
    original_lines: bool,
    force: bool,
    quiet: bool,
    beam_options: tuple[str, ...],
    **settings: Any,
) -> None:
    """Write the utterances of the finished run in RUN anew: other formats, noise, seed, splits or order.

    Neither a model nor the source audio is touched.
    """
    from prep_corpus.jobs.runs.opened import open_run
    from prep_corpus.jobs.start.claim import check_claim
    from prep_corpus.jobs.start.early import check_clips, check_out

    run = open_run(folder)
    config = run_config(run.values_of_export(settings), manifest=folder, out=out, beam_options=beam_options)
    # Refused before what writes shards is loaded.
    config = run.config_of_export(config)
    check_clips(config)
    check_out(out)
    check_claim(config, force)
    say_beginning(f"reading {folder}", quiet=quiet)
    from prep_corpus.jobs.runs.export import Extras, execute

    extras = Extras(files=tuple(dict.fromkeys(file_formats)), original_lines=original_lines)
    ctx.exit(execute(folder, config, extras, force=force, quiet=quiet))


@main.command()
@click.argument("folder", metavar="DIR")
@click.option("--fast", is_flag=True, help="Do not decode the audio; check counts, digests and rows only.")
@click.pass_context
def check(ctx: click.Context, folder: str, fast: bool) -> None:
    """Check the shards of the finished run in DIR: counts, digests, audio, duplicates, splits.

    Every problem is named with the shard or utterance and the rule. Exits with 0 where all is well, else with 1.
    """
    from prep_corpus.jobs.runs.opened import open_run

    try:
        open_run(folder).refuse_unfinished()
    except DocumentDamaged as damaged:
        # Which run it is cannot be told: nothing else can be checked.
        click.echo(printable(f"document-damaged: {damaged}"), err=True)
        ctx.exit(1)
    from prep_corpus.pipeline.finished.proven import damaged_stage_files
    from prep_corpus.pipeline.reading.check import check_run

    report = check_run(folder, decode=not fast)
    problems = [f"{one.slug}: {one.where}: {one.message}" for one in report.problems]
    if not fast:
        problems += [f"stage-file-damaged: {path}: {wrong}" for path, wrong in damaged_stage_files(folder)]
    for problem in problems:
        click.echo(printable(problem), err=True)
    shown = f"{counted(report.shards, 'file')}, {counted(report.utterances, 'utterance')}"
    found = counted(len(problems), "problem") if problems else "no problems"
    click.echo(f"{shown}, {report.seconds / 3600:.2f} hours: {found}")
    ctx.exit(1 if problems else 0)


@main.command()
@click.argument("folder", metavar="DIR")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object, for other programs.")
def status(folder: str, as_json: bool) -> None:
    """Say how far the run in DIR is, while it goes on or afterwards, also from another machine."""
    from prep_corpus.jobs.runs.opened import open_run
    from prep_corpus.jobs.screen.status import status_document, status_lines, submitted_lines

    run = open_run(folder)
    if as_json:
        import json

        click.echo(json.dumps(status_document(run.folder), indent=1))
        return
    for line in submitted_lines(run.folder) or status_lines(run.folder):
        click.echo(line)


@main.command()
@click.argument("folder", metavar="DIR")
@click.option("--dry-run", is_flag=True, help="List what would be removed, and stop.")
@click.option(
    "--all",
    "everything",
    is_flag=True,
    help="Remove all stage files; the shards stay, and a rerun starts from the beginning.",
)
@click.option("--yes", "-y", is_flag=True, help="Do not ask.")
def clean(folder: str, dry_run: bool, everything: bool, yes: bool) -> None:
    """List and remove the stage files of run DIR that no longer serve.

    Every finished run notes the stage files that it used; the others come from earlier settings or from
    recordings that have left the corpus.
    """
    from prep_corpus.jobs.runs.opened import open_run
    from prep_corpus.pipeline.finished.clean import removable, remove

    run = open_run(folder)
    _ = run.settings  # The folder is refused where it holds no run.
    if not everything and run.used is None:
        raise UsageError(
            f"no run in {folder} has finished, so all its stage files may still serve; --all removes them all the same"
        )
    listed = removable(folder, None if everything else run.used)
    for entry in listed:
        click.echo(f"{entry.size_bytes / 1e6:10.1f} MB  {entry.path}")
    size_mb = sum(entry.size_bytes for entry in listed) / 1e6
    click.echo(f"{counted(len(listed), 'file')}, {size_mb:.1f} MB that no longer serve")
    if dry_run or not listed:
        return
    if not yes:
        click.confirm("Remove them?", abort=True)
    remove(folder, listed)
    click.echo("removed")


main.add_command(sample_command)
main.add_command(report_command)
main.add_command(pair_command)
main.add_command(settings_command)
main.add_command(models_command)
main.add_command(agreement_command)
main.add_command(label_command)
main.add_command(fit_filter_command)
main.add_command(evaluate_command)
main.add_command(submit_command)
submit_command.add_command(dataflow_command)
main.add_command(workers_command)
for training in (train_command, train_english_command, error_rates_command):
    main.add_command(training)


if __name__ == "__main__":
    main()
