"""Options that several commands share, and the configs that they make."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from typing import Any

import click

from prep_corpus.align.errors import UsageError
from prep_corpus.jobs.config import FORMATS, RunConfig

Command = Callable[..., Any]
Options = tuple[Callable[[Command], Command], ...]


def with_options(*groups: Options) -> Callable[[Command], Command]:
    """Add groups of options to a command, in the order in which its help lists them."""

    def decorate(command: Command) -> Command:
        for group in reversed(groups):
            for option in reversed(group):
                command = option(command)
        return command

    return decorate


def load_toml(ctx: click.Context, parameter: click.Parameter, path: str | None) -> str | None:
    """Settings of a TOML file become the defaults of the flags."""
    if path is None:
        return None
    try:
        with open(path, "rb") as file:
            settings = tomllib.load(file)
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{parameter.opts[0]} {path}: not valid TOML: {error}") from error
    known = {
        option.lstrip("-"): p.name for p in ctx.command.params for option in p.opts if option.startswith("--")
    }
    for own in ("config", "profile"):
        known.pop(own, None)
    unknown = sorted(key for key in settings if key.replace("_", "-") not in known)
    if unknown:
        raise UsageError(
            f"{parameter.opts[0]} {path}: unknown setting {unknown[0]!r}; the settings are {', '.join(sorted(known))}"
        )
    defaults = dict(ctx.default_map or {})
    defaults.update({known[key.replace("_", "-")]: value for key, value in settings.items()})
    ctx.default_map = defaults
    return path


def parse_splits(shares: tuple[str, ...]) -> tuple[tuple[str, float], ...]:
    if not shares:
        return (("train", 1.0),)
    parsed: list[tuple[str, float]] = []
    for share in shares:
        name, _, value = share.partition("=")
        if not name.isidentifier() or not value.replace(".", "", 1).isdigit():
            raise UsageError(f"--split takes NAME=SHARE, such as dev=0.02; not {share!r}")
        parsed.append((name, float(value)))
    if len({name for name, _ in parsed}) < len(parsed):
        raise UsageError(f"--split names must differ, not {', '.join(name for name, _ in parsed)}")
    rest = 1 - sum(share for _, share in parsed)
    if rest > 1e-9 and "train" not in dict(parsed):
        parsed.insert(0, ("train", round(rest, 9)))
    return tuple(parsed)


def toml_option(name: str, text: str) -> Options:
    """An option that names a file of settings."""
    return (
        click.option(
            name,
            metavar="FILE.toml",
            type=click.Path(exists=True, dir_okay=False),
            is_eager=True,
            expose_value=False,
            callback=load_toml,
            help=text,
        ),
    )


CONFIG = toml_option("--config", "Settings by flag name; flags win over it.")
"""The file of a run's settings."""

RECIPE: Options = (
    click.option(
        "--model",
        default="english",
        show_default=True,
        help="Bundled model, model folder, Hugging Face CTC model, or module:factory.",
    ),
    click.option(
        "--filter",
        "filter_",
        metavar="FILE.json",
        help="Filter to use.  [default: the one made for the model]",
    ),
    click.option(
        "--cut",
        type=click.Choice(["words", "paper"]),
        default="words",
        show_default=True,
        help="Cut around words that the audio does not say, or by the paper's rule alone.",
    ),
    click.option("--max-wer", type=float, help="Highest share of wrong words in what is kept, such as 0.01."),
    click.option(
        "--target-duration", type=float, default=7.0, show_default=True, help="Mean length, in seconds."
    ),
    click.option("--min-duration", type=float, default=0.5, show_default=True, help="Drop shorter ones."),
    click.option(
        "--max-duration", type=float, default=20.0, show_default=True, help="Cut longer ones, or drop them."
    ),
    click.option(
        "--padding", type=float, default=0.2, show_default=True, help="Most silence kept at each end."
    ),
    click.option(
        "--min-pause-frames", type=int, help="Shortest pause to cut at.  [default: chosen for the target]"
    ),
    click.option(
        "--retune", is_flag=True, help="Choose the shortest pause anew for a corpus that has grown."
    ),
)
"""How recordings become utterances."""

SHARDS: Options = (
    click.option(
        "--noise", metavar="PATH", help="Folder or manifest of noise clips.  [default: generated noise]"
    ),
    click.option(
        "--noise-fraction",
        type=float,
        default=0.4,
        show_default=True,
        help="Share of utterances with noise.",
    ),
    click.option("--snr-db", type=float, nargs=2, default=(0.0, 30.0), show_default=True, metavar="MIN MAX"),
    click.option(
        "--format",
        "formats",
        type=click.Choice(FORMATS),
        multiple=True,
        default=("parquet",),
        show_default=True,
        help="Shard format; may be repeated.",
    ),
    click.option(
        "--level-db", type=float, nargs=2, metavar="MIN MAX", help="Vary the level of noisy utterances."
    ),
    click.option("--rooms", metavar="PATH", help="Folder or manifest of room impulse responses."),
    click.option(
        "--room-fraction",
        type=float,
        default=0.5,
        show_default=True,
        help="Share of the noisy utterances that are put into a room, where there are rooms.",
    ),
    click.option(
        "--audio-format",
        type=click.Choice(["flac", "wav", "opus"]),
        default="flac",
        show_default=True,
        help="Of the audio inside the shards; Opus loses a little.",
    ),
    click.option("--tfrecord-gzip", is_flag=True, help="Compress TFRecord files."),
    click.option("--shard-mb", type=float, default=256.0, show_default=True, help="Target size of a shard."),
    click.option(
        "--split",
        "splits",
        multiple=True,
        metavar="NAME=SHARE",
        help="Such as dev=0.02; may be repeated. The rest is train.",
    ),
    click.option(
        "--split-by",
        type=click.Choice(["auto", "speaker", "recording"]),
        default="auto",
        show_default=True,
        help="What stays whole in one split; auto: speaker where known, else recording.",
    ),
    click.option(
        "--order",
        type=click.Choice(["shuffle", "length"]),
        default="shuffle",
        show_default=True,
        help="Of utterances.",
    ),
    click.option("--seed", type=int, default=0, show_default=True, help="Of every random choice."),
)
"""What shapes shards."""

TEXT: Options = (
    click.option("--language", default="en", show_default=True, help="Of recordings that name none."),
    click.option("--strip-markup", is_flag=True, help="Leave HTML and Markdown marks out of transcripts."),
    click.option(
        "--strip-speakers/--keep-speakers",
        default=None,
        help="Leave NAME: at line starts out of transcripts.  [default: of HTML, Markdown and subtitles]",
    ),
    click.option(
        "--strip-brackets/--keep-brackets",
        default=None,
        help="Leave [stage directions] out of transcripts.  [default: of HTML, Markdown and subtitles]",
    ),
)
"""How transcripts are read."""

CORPUS: Options = (
    click.option(
        "--babble", is_flag=True, help="Add babble made of the corpus's own recordings to the noise."
    ),
    *TEXT,
    click.option(
        "--max-failed", type=float, default=0.1, show_default=True, help="Share of recordings that may fail."
    ),
)
"""What is true of the corpus."""


def shard_settings(settings: dict[str, Any]) -> dict[str, Any]:
    """The fields of a config that `SHARDS` gives."""
    return {
        "noise": settings["noise"],
        "noise_fraction": settings["noise_fraction"],
        "snr_db": tuple(settings["snr_db"]),
        "level_db": tuple(settings["level_db"]) if settings["level_db"] else None,
        "rooms": settings["rooms"],
        "room_fraction": settings["room_fraction"],
        "audio_format": settings["audio_format"],
        "tfrecord_gzip": settings["tfrecord_gzip"],
        "formats": tuple(dict.fromkeys(settings["formats"])),
        "shard_mb": settings["shard_mb"],
        "splits": parse_splits(tuple(settings["splits"])),
        "split_by": settings["split_by"],
        "order": settings["order"],
        "seed": settings["seed"],
    }


def run_config(
    settings: dict[str, Any], *, device: str, workers: int, beam_options: tuple[str, ...] = ()
) -> RunConfig:
    """The config that `RECIPE`, `SHARDS` and `CORPUS`, with a manifest and an output folder, describe."""
    return RunConfig(
        manifest=settings["manifest"],
        out=settings["out"],
        model=settings["model"],
        filter=settings["filter_"],
        cut=settings["cut"],
        max_wer=settings["max_wer"],
        target_duration_seconds=settings["target_duration"],
        min_duration_seconds=settings["min_duration"],
        max_duration_seconds=settings["max_duration"],
        padding_seconds=settings["padding"],
        min_pause_frames=settings["min_pause_frames"],
        retune=settings["retune"],
        babble=settings["babble"],
        **shard_settings(settings),
        language=settings["language"],
        strip_markup=settings["strip_markup"],
        strip_speakers=settings["strip_speakers"],
        strip_brackets=settings["strip_brackets"],
        device=device,
        workers=workers,
        max_failed=settings["max_failed"],
        beam_options=beam_options,
    )
