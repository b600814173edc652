"""The command `evaluate`: parses and calls."""

from __future__ import annotations

import os

import click

from prep_corpus.jobs.options import TEXT, with_options


@click.command("evaluate")
@click.argument("manifest")
@click.option(
    "--hours", type=float, default=1.0, show_default=True, help="About how much of the corpus is drawn."
)
@click.option("--model", default="english", show_default=True, help="As for run.")
@click.option(
    "--filter", "filter_", metavar="FILE.json", help="Filter to use.  [default: the one made for the model]"
)
@click.option(
    "--cut", type=click.Choice(["words", "paper"]), default="words", show_default=True, help="As for run."
)
@click.option("--max-wer", type=float, help="As for run.")
@click.option(
    "--rate",
    "rates",
    multiple=True,
    metavar="KIND=SHARE",
    help="Share of sentences that are damaged: light, heavy, missing, replaced or extra; may be repeated.  "
    "[default: 0.16, 0.09, 0.05, 0.05, 0.03]",
)
@click.option(
    "--out", metavar="DIR", help="Keep report.json, report.md, report.svg and the stage files here."
)
@click.option("--json", "json_", metavar="FILE", help="Write the figures as JSON.")
@click.option("--plot", metavar="FILE", help="Draw them, .svg, .png or .pdf.")
@with_options(TEXT)
@click.option(
    "--target-duration", type=float, default=7.0, show_default=True, help="Mean length, in seconds."
)
@click.option(
    "--min-pause-frames", type=int, help="Shortest pause to cut at.  [default: chosen for the target]"
)
@click.option("--seed", type=int, default=0, show_default=True, help="Of the draw and the damage.")
@click.option("--device", help="cpu or cuda.  [default: cuda where there is one]")
@click.option("--workers", type=int, help="Threads.  [default: all cores]")
@click.option("--quiet", "-q", is_flag=True, help="Print errors and figures alone.")
def evaluate_command(
    manifest: str,
    hours: float,
    model: str,
    filter_: str | None,
    cut: str,
    max_wer: float | None,
    rates: tuple[str, ...],
    out: str | None,
    json_: str | None,
    plot: str | None,
    language: str,
    strip_markup: bool,
    strip_speakers: bool | None,
    strip_brackets: bool | None,
    target_duration: float,
    min_pause_frames: int | None,
    seed: int,
    device: str | None,
    workers: int | None,
    quiet: bool,
) -> None:
    """What would this pipeline do on the corpus of MANIFEST? A check before hours of GPU time are spent.

    A sample is aligned as it is, and once more with its transcripts damaged at known places; then cut and filtered as
    `run` would. Printed are what is kept and how wrong it is, by kind of damage, and how far the utterances' edges
    moved. Errors that the transcripts have already are not seen: the transcript counts as what is said.
    """
    from prep_corpus.align.errors import UsageError
    from prep_corpus.align.model.models import default_device
    from prep_corpus.jobs.config import RunConfig
    from prep_corpus.jobs.own_filter.evaluating import EvaluateOptions, execute, parse_rates

    if hours <= 0:
        raise UsageError(f"--hours must be positive, not {hours}")
    config = RunConfig(
        manifest=manifest,
        out=out or "",
        model=model,
        filter=filter_,
        cut=cut,
        max_wer=max_wer,
        target_duration_seconds=target_duration,
        min_pause_frames=min_pause_frames,
        language=language,
        strip_markup=strip_markup,
        strip_speakers=strip_speakers,
        strip_brackets=strip_brackets,
        seed=seed,
        device=device or default_device(),
        workers=workers or os.cpu_count() or 1,
    )
    options = EvaluateOptions(hours=hours, recipe=parse_rates(rates), out=out, json=json_, plot=plot)
    execute(config, options, quiet=quiet)
