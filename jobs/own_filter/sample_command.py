"""The commands `sample` and `agreement`: they parse, build options and call."""

from __future__ import annotations

import os
from pathlib import Path

import click

from prep_corpus.jobs.options import Number


@click.command("sample")
@click.argument("folder", metavar="RUN")
@click.option("--out", metavar="DIR", type=click.Path(), help="Folder of the sample.  [default: RUN-sample]")
@click.option("--count", type=click.IntRange(1), default=500, show_default=True, help="Segments to draw.")
@click.option(
    "--kept",
    "kept_share",
    type=Number(0, 1),
    default=0.5,
    show_default=True,
    help="Share of kept segments among those drawn.",
)
@click.option(
    "--min-seconds",
    type=Number(0),
    default=0.5,
    show_default=True,
    help="Draw no shorter segments, in seconds.",
)
@click.option(
    "--listeners",
    type=click.IntRange(1),
    default=1,
    show_default=True,
    help="Number of people who share the work.",
)
@click.option(
    "--overlap",
    type=Number(0, 1),
    default=0.1,
    show_default=True,
    help="Share of the clips that all of them hear, so that their agreement can be measured.",
)
@click.option("--seed", type=int, default=0, show_default=True, help="Seed of every random choice.")
@click.option(
    "--workers", type=click.IntRange(1), help="Number of recordings decoded at a time.  [default: all cores]"
)
@click.option(
    "--force", is_flag=True, help="Write into a folder that holds no sample, or replace another sample."
)
@click.option("--quiet", "-q", is_flag=True, help="Print errors and warnings only.")
def sample_command(
    folder: str,
    out: str | None,
    count: int,
    kept_share: float,
    min_seconds: float,
    listeners: int,
    overlap: float,
    seed: int,
    workers: int | None,
    force: bool,
    quiet: bool,
) -> None:
    """Draw segments of the finished run in RUN for people to listen to, kept and dropped ones.

    The folder holds the clips and a page, index.html, on which one listens and types: it opens from the disk, needs no
    server and no network. What people save there goes to `prep-corpus label` and `prep-corpus agreement`.
    """
    from prep_corpus.filters.labels.sampling import SampleOptions
    from prep_corpus.jobs.runs.opened import open_run
    from prep_corpus.jobs.screen.logs import say_beginning
    from prep_corpus.jobs.start.early import check_out
    from prep_corpus.pipeline.finished.sample_files import check_free

    options = SampleOptions(
        count=count,
        seed=seed,
        kept_share=kept_share,
        min_seconds=min_seconds,
        listeners=listeners,
        overlap=overlap,
    )
    target = target_of(folder, out)
    _ = open_run(folder).published
    check_out(str(target))
    check_free(target, force=force)
    say_beginning(f"reading {folder}", quiet=quiet)
    from prep_corpus.jobs.own_filter.sample import execute

    execute(folder, target, options, threads=workers or os.cpu_count() or 1, force=force, quiet=quiet)


def target_of(folder: str, out: str | None) -> Path:
    """The folder of a sample: as it is named, or beside the run.

    Raises:
        UsageError: it is not on this machine, or the run's own.
    """
    from prep_corpus.align.errors import UsageError
    from prep_corpus.pipeline.storage import files

    if out is None:
        name = folder.rstrip("/")
        return Path(f"{name}-sample" if files.is_local(name) else f"{name.rpartition('/')[2]}-sample")
    if not files.is_local(out):
        raise UsageError(f"--out must be a local folder, since browsers open the page from the disk: {out}")
    if Path(out).resolve() == Path(folder).resolve():
        raise UsageError("--out must be another folder than the run's own")
    return Path(out)


@click.command("agreement")
@click.argument("folder", metavar="RUN")
@click.argument("transcripts", nargs=-1, required=True, metavar="TRANSCRIPTS...")
@click.option(
    "--examples",
    type=click.IntRange(0),
    default=10,
    show_default=True,
    help="Clips to show where they differ most.",
)
def agreement_command(folder: str, transcripts: tuple[str, ...], examples: int) -> None:
    """Say how far people who listened to the same clips of RUN agree.

    TRANSCRIPTS are files saved on the listening page. Texts are normalised as the run normalised its own.
    """
    from prep_corpus.jobs.runs.opened import open_run

    run = open_run(folder)
    _ = run.published
    from prep_corpus.pipeline.finished.sample_files import read_heard

    heard = read_heard(transcripts)
    # Refused by now, where it can be: what reads stage files takes seconds to import.
    from prep_corpus.jobs.screen.logs import say_beginning

    say_beginning(f"reading {folder}")
    from prep_corpus.filters.labels.agreement import agreement_lines
    from prep_corpus.pipeline.finished.label_run import pair

    paired = pair(run.stored(), heard, {})
    lines = agreement_lines(paired.versions, examples=examples)
    for line in lines or [
        "no clip was heard by two listeners: share the work with --listeners and --overlap"
    ]:
        click.echo(line)
