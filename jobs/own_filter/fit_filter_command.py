"""The command `fit-filter`: parses and calls."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from prep_corpus.jobs.options import Number

if TYPE_CHECKING:
    from prep_corpus.filters.labels.label_file import LabelSet


@click.command("fit-filter")
@click.argument("labels", nargs=-1, metavar="[LABELS]...")
@click.option(
    "--out",
    required=True,
    metavar="FILE.json",
    help="File that the filter is written to; its card and plot come beside it.",
)
@click.option(
    "--self-supervised",
    "self_supervised",
    metavar="RUN",
    help="Fit on this finished run's own transcripts, damaged at known places.",
)
@click.option(
    "--read-out",
    metavar="FILE.json",
    help="Fit also what `run --read` needs, a recognition filter: on what people heard, else on what the run has kept "
    "of its transcripts. File that it is written to; its card comes beside it.",
)
@click.option("--run", "folder", metavar="RUN", help="Folder of the labelled run, if it was moved.")
@click.option(
    "--hours",
    type=Number(0, min_open=True),
    default=5.0,
    show_default=True,
    help="Hours of the run that --self-supervised draws, about.",
)
@click.option(
    "--max-wer",
    type=float,
    default=0.01,
    show_default=True,
    help="Word error rate at which card and plot show precision, recall and the chosen point.",
)
@click.option(
    "--plot",
    metavar="FILE",
    help="File of the plot: .svg, .png or .pdf.  [default: FILE.svg beside FILE.json]",
)
@click.option(
    "--seed", type=int, default=0, show_default=True, help="Seed of the draw, the damage and the resampling."
)
@click.option("--force", is_flag=True, help="Replace FILE.json.")
@click.option("--quiet", "-q", is_flag=True, help="Print errors and warnings only.")
def fit_filter_command(
    labels: tuple[str, ...],
    out: str,
    self_supervised: str | None,
    read_out: str | None,
    folder: str | None,
    hours: float,
    max_wer: float,
    plot: str | None,
    seed: int,
    force: bool,
    quiet: bool,
) -> None:
    """Fit a filter: on LABELS that `prep-corpus label` wrote, on a run's own transcripts, or on both.

    No model is run: everything comes from the stored results of the run. The filter is one JSON file for
    `run --filter`; beside it come its card (Markdown) and a plot of what is kept against the share of wrong words.
    """
    from prep_corpus.align.errors import UsageError
    from prep_corpus.jobs.own_filter.plots import plot_format
    from prep_corpus.jobs.runs.opened import open_run
    from prep_corpus.jobs.screen.logs import say_beginning
    from prep_corpus.jobs.start.early import check_file_out
    from prep_corpus.pipeline.storage import files

    if not labels and self_supervised is None:
        raise UsageError("fit-filter needs LABELS, --self-supervised RUN, or both")
    if not 0 < max_wer < 1:
        raise UsageError(f"--max-wer is a share, such as 0.01 for 1 %, between 0 and 1; not {max_wer}")
    for option, file in (("--out", out), ("--read-out", read_out)):
        if file is None:
            continue
        if not file.endswith(".json"):
            raise UsageError(f"{option} names the filter's JSON file, such as my-filter.json; not {file}")
        if not files.is_local(file):
            raise UsageError(
                f"{option} {file}: a filter is written on this machine; copy it there afterwards"
            )
        check_file_out(file, option)
        if Path(file).exists() and not force:
            raise UsageError(f"{option} {file} is there already; --force replaces it, or choose another name")
    if read_out is not None and os.path.abspath(read_out) == os.path.abspath(out):
        raise UsageError(f"--read-out and --out name two files, and both are {out}")
    if plot is not None:
        plot_format(plot)
        check_file_out(plot, "--plot")
    labelled = read_labels(labels) if labels else None
    for run in (self_supervised, folder):
        if run is not None:
            _ = open_run(run).published
    # Refused by now, where it can be: what fits takes seconds to import.
    say_beginning(
        f"reading {' and '.join([*labels, self_supervised] if self_supervised else labels)}", quiet=quiet
    )
    from prep_corpus.jobs.own_filter.fitting import FitRequest, execute

    request = FitRequest(
        labels=labels,
        labelled=labelled,
        self_supervised=self_supervised,
        run=folder,
        out=out,
        read_out=read_out,
        plot=plot,
        hours=hours,
        max_wer=max_wer,
        seed=seed,
    )
    execute(request, quiet=quiet)


def read_labels(uris: Sequence[str]) -> LabelSet:
    """One or several label files of one run.

    Raises:
        UsageError: one cannot be read, or is of another run than the first.
    """
    from prep_corpus.align.errors import UsageError
    from prep_corpus.filters.labels.label_file import joined, parse_labels
    from prep_corpus.pipeline.storage import files

    sets = []
    for uri in uris:
        try:
            content = files.read_bytes(uri).decode("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(f"{uri}: the labels cannot be read ({error})") from error
        sets.append(parse_labels(content, uri))
    return joined(sets, uris)
