"""The command `evaluate`: parses and calls."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from prep_corpus.jobs.options import CONFIG, Number, own_device, run_config, settings_options, with_options
from prep_corpus.jobs.settings import CUTTING, MACHINE, MODEL, SEED, TEXT

if TYPE_CHECKING:
    from prep_corpus.filters.fitting.cases import Damage


@click.command("evaluate")
@click.argument("manifest")
@click.option(
    "--hours",
    type=Number(0, min_open=True),
    default=1.0,
    show_default=True,
    help="Hours of the corpus that are drawn, about.",
)
@click.option(
    "--rate",
    "rates",
    multiple=True,
    metavar="KIND=SHARE",
    help="Share of sentences that are damaged: light, heavy, missing, replaced or extra; may be repeated.  "
    "[default: 0.16, 0.09, 0.05, 0.05, 0.03]",
)
@click.option(
    "--out",
    metavar="DIR",
    help="Folder in which report.json, report.md, report.svg and the stage files are kept.",
)
@click.option("--json", "json_", metavar="FILE", help="Write the figures as JSON.")
@click.option("--plot", metavar="FILE", help="File of a plot of the figures: .svg, .png or .pdf.")
@with_options(CONFIG, settings_options(MODEL, CUTTING, TEXT, SEED, MACHINE))
@click.option("--quiet", "-q", is_flag=True, help="Print errors and figures only.")
def evaluate_command(
    manifest: str,
    hours: float,
    rates: tuple[str, ...],
    out: str | None,
    json_: str | None,
    plot: str | None,
    quiet: bool,
    **settings: Any,
) -> None:
    """What would this pipeline do on the corpus of MANIFEST? A check before hours of GPU time are spent.

    A sample is aligned as it is, and once more with its transcripts damaged at known places; then cut and filtered as
    `run` would. Printed are what is kept and how wrong it is, by kind of damage, and how far the utterances' edges
    moved. Errors that the transcripts have already are not seen: the transcript counts as what is said.
    """
    from prep_corpus.jobs.own_filter.plots import plot_format
    from prep_corpus.jobs.screen.logs import say_beginning
    from prep_corpus.jobs.start.early import check_early, check_file_out

    recipe = parse_rates(rates)
    if plot is not None:
        plot_format(plot)
        check_file_out(plot, "--plot")
    if json_ is not None:
        check_file_out(json_, "--json")
    config = run_config(settings, manifest=manifest, out=out or "", device=own_device(settings))
    check_early(config)
    say_beginning(f"reading {config.manifest}", quiet=quiet)
    from prep_corpus.jobs.own_filter.evaluating import EvaluateOptions, execute

    options = EvaluateOptions(hours=hours, recipe=recipe, out=out, json=json_, plot=plot)
    execute(config, options, quiet=quiet)


def parse_rates(rates: Sequence[str]) -> Damage:
    """The recipe of the damage, from KIND=SHARE.

    Raises:
        UsageError: an unknown kind, no number, or more than 1 together.
    """
    from dataclasses import replace

    from prep_corpus.align.errors import UsageError
    from prep_corpus.filters.fitting.cases import SENTENCE_KINDS, Damage

    changes: dict[str, float] = {}
    for rate in rates:
        kind, _, share = rate.partition("=")
        try:
            changes[kind] = float(share)
        except ValueError as error:
            raise UsageError(f"--rate takes KIND=SHARE, such as heavy=0.2; not {rate!r}") from error
        if kind not in SENTENCE_KINDS[1:]:
            raise UsageError(f"--rate takes {', '.join(SENTENCE_KINDS[1:])}; not {kind!r}")
    try:
        return replace(Damage(), **changes)  # type: ignore[arg-type]
    except UsageError as error:
        raise UsageError(f"--rate: {error}") from error
