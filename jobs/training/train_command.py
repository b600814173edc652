"""The commands `train`, `train-english` and `error-rates`: they parse, build configs and call."""

from __future__ import annotations

from typing import Any

import click

from prep_corpus.jobs.options import Number
from prep_corpus.jobs.screen.logs import say_beginning

_TRAINING = (
    click.option(
        "--out",
        required=True,
        metavar="DIR",
        type=click.Path(),
        help="Folder of the model; a training run in it is resumed.",
    ),
    click.option(
        "--teacher",
        metavar="MODEL",
        help="Model whose frames are learnt from too; any form that --model takes.",
    ),
    click.option(
        "--start",
        metavar="MODEL",
        help="Model whose weights the training begins with: a bundled name or a folder.  [default: random ones]",
    ),
    click.option(
        "--minutes",
        type=Number(0, min_open=True),
        default=60.0,
        show_default=True,
        help="Time to train, in minutes.",
    ),
    click.option(
        "--steps", type=click.IntRange(0), default=0, help="Number of steps to train, in place of --minutes."
    ),
    click.option(
        "--noise", metavar="PATH", help="Manifest (.jsonl) of noise clips; coloured noise is always added."
    ),
    click.option("--device", help="Device of the model: cpu or cuda.  [default: cuda where there is one]"),
    click.option(
        "--threads",
        type=click.IntRange(1),
        default=1,
        show_default=True,
        help="Number of torch's threads on a CPU.",
    ),
    click.option(
        "--seed", type=int, default=0, show_default=True, help="Seed of the weights and of the order of rows."
    ),
    click.option("--quiet", "-q", is_flag=True, help="Print errors and warnings only."),
)


def _with_training(command: Any) -> Any:
    for option in reversed(_TRAINING):
        command = option(command)
    return command


@click.command("train")
@click.option("--shards", multiple=True, metavar="RUN", help="Folder of a finished run; may be repeated.")
@click.option("--split", default="train", show_default=True, help="Split of the shards to learn from.")
@click.option("--held-out-split", default="", metavar="SPLIT", help="Split of the shards to validate on.")
@click.option(
    "--manifest",
    multiple=True,
    metavar="FILE.jsonl",
    help="Manifest of short recordings, with text or without.",
)
@click.option(
    "--held-out", multiple=True, metavar="FILE.jsonl", help="Manifest of recordings with text to validate on."
)
@_with_training
def train_command(**settings: Any) -> None:
    """Train an acoustic model on the shards that `run` wrote, and on manifests.

    The model is written to DIR as config.json and model.safetensors, which `run --model DIR` takes.
    """
    from pathlib import Path

    _check_material(settings)
    _check_settings(settings)
    say_beginning(
        f"reading {' and '.join([*settings['shards'], *settings['manifest']])}", quiet=settings["quiet"]
    )
    from prep_corpus.jobs.training.train_run import TrainingMaterial, run_training

    material = TrainingMaterial(
        shards=settings["shards"],
        split=settings["split"],
        held_out_split=settings["held_out_split"],
        manifests=settings["manifest"],
        held_out=settings["held_out"],
        noise=settings["noise"],
    )
    _limit_threads(settings["threads"])
    run_training(
        material,
        out=Path(settings["out"]),
        teacher=settings["teacher"],
        start=settings["start"],
        minutes=0.0 if settings["steps"] else settings["minutes"],
        steps=settings["steps"],
        device=settings["device"],
        seed=settings["seed"],
        echo=_echo(settings["quiet"]),
    )


@click.command("train-english")
@click.argument("folder", type=click.Path(exists=True, file_okay=False))
@click.option(
    "--synthesise",
    "hours",
    type=Number(0),
    default=2.0,
    show_default=True,
    help="Hours of synthetic speech to make.",
)
@click.option(
    "--sentences",
    metavar="FILE.txt",
    type=click.Path(exists=True, dir_okay=False),
    help="File of sentences for the synthesisers, one per line, besides the sets' own texts.",
)
@_with_training
def train_english_command(**settings: Any) -> None:
    """Make the bundled English model from the raw material in FOLDER (see docs/training.md)."""
    from pathlib import Path

    from prep_corpus.align.errors import UsageError
    from prep_corpus.jobs.training.english import sets_of

    if settings["sentences"] and not settings["hours"]:
        raise UsageError(
            "train-english: --sentences is for the synthesisers, and --synthesise 0 leaves them out"
        )
    _check_settings(settings)
    sets_of(Path(settings["folder"]))
    say_beginning(f"reading {settings['folder']}", quiet=settings["quiet"])
    from prep_corpus.jobs.training.train_run import run_english

    _limit_threads(settings["threads"])
    run_english(
        Path(settings["folder"]),
        out=Path(settings["out"]),
        hours=settings["hours"],
        more_sentences=Path(settings["sentences"]) if settings["sentences"] else None,
        teacher=settings["teacher"],
        start=settings["start"],
        minutes=0.0 if settings["steps"] else settings["minutes"],
        steps=settings["steps"],
        noise=settings["noise"],
        device=settings["device"],
        seed=settings["seed"],
        echo=_echo(settings["quiet"]),
    )


@click.command("error-rates")
@click.argument("manifests", nargs=-1, required=True, metavar="FILE.jsonl...")
@click.option("--model", default="english", show_default=True, help="As for `prep-corpus run`.")
@click.option(
    "--english-held-out",
    is_flag=True,
    help="Measure only on what the training of the bundled model held out.",
)
@click.option(
    "--max-per-set",
    type=click.IntRange(1),
    help="Number of recordings of each set, spread over it.  [default: all]",
)
def error_rates_command(
    manifests: tuple[str, ...], model: str, english_held_out: bool, max_per_set: int | None
) -> None:
    """Print a model's error rates with greedy decoding on manifests of short recordings with texts."""
    from prep_corpus.align.model.naming import check_name
    from prep_corpus.jobs.training.manifest_rows import check_rows

    check_name(model)
    for uri in manifests:
        check_rows(uri)
    say_beginning(f"loading {model}")
    from prep_corpus.align.model.models import load_model
    from prep_corpus.jobs.training.evaluate_model import evaluate, table

    loaded = load_model(model)
    rates = [
        evaluate(loaded, manifest, only_held_out=english_held_out, examples=max_per_set)
        for manifest in manifests
    ]
    click.echo(table(rates))


def _check_material(settings: dict[str, Any]) -> None:
    """Refuse shards and manifests that are not there, before torch is loaded."""
    from prep_corpus.align.errors import UsageError
    from prep_corpus.jobs.runs.opened import open_run
    from prep_corpus.jobs.training.manifest_rows import check_rows

    if not settings["shards"] and not settings["manifest"]:
        raise UsageError("train: give --shards or --manifest, or both")
    for folder in settings["shards"]:
        splits = open_run(folder).published.splits
        for option, split in (
            ("--split", settings["split"]),
            ("--held-out-split", settings["held_out_split"]),
        ):
            if split and split not in splits:
                raise UsageError(
                    f"{option} {split}: the splits of {folder} are {', '.join(splits) or 'none'}"
                )
    for uri in (*settings["manifest"], *settings["held_out"]):
        check_rows(uri)


def _check_settings(settings: dict[str, Any]) -> None:
    """Refuse models, noise and a device that are not there, before torch is loaded."""
    from prep_corpus.align.errors import UsageError
    from prep_corpus.align.model.devices import check_device
    from prep_corpus.align.model.naming import check_name
    from prep_corpus.jobs.start.early import check_out
    from prep_corpus.jobs.training.manifest_rows import check_rows

    check_out(settings["out"])
    if settings["device"]:
        check_device(settings["device"])
    if settings["teacher"]:
        check_name(settings["teacher"], "--teacher")
    if settings["start"] and check_name(settings["start"], "--start") not in ("bundled", "folder"):
        raise UsageError(
            f"--start {settings['start']}: it must be a model that `train` wrote, or a bundled one"
        )
    if settings["noise"]:
        check_rows(settings["noise"])


def _limit_threads(threads: int) -> None:
    import torch

    torch.set_num_threads(threads)


def _echo(quiet: bool) -> Any:
    return (lambda line: None) if quiet else click.echo
