"""Options that several commands share, made of the declarations of a run's settings, and the configs that they make."""

from __future__ import annotations

import math
from collections.abc import Callable
from contextlib import suppress
from decimal import Decimal, InvalidOperation
from typing import Any, Literal

import click

from prep_corpus.align.errors import UsageError
from prep_corpus.jobs.config import SETTINGS, RunConfig
from prep_corpus.jobs.settings import BABBLE, CUTTING, FAILURES, MODEL, ROWS, SEED, SHARDS, TEXT, Setting

Command = Callable[..., Any]
Options = tuple[Callable[[Command], Command], ...]

WORD_TIME_FORMATS = ("ctm", "textgrid", "eaf", "json", "jsonl", "srt", "vtt")
"""Files that say what was said when, one per recording."""

PLAIN_FORMATS: tuple[Literal["nemo", "kaldi", "whisper"], ...] = ("nemo", "kaldi", "whisper")
"""Lists of plain audio files, one per utterance."""

ORIGINAL_LINES = click.option(
    "--original-lines",
    is_flag=True,
    help="Captions show the whole text of the cues that were given, in its lines, not what is said of it.",
)

_BY_KEY = {one.key: one for one in SETTINGS}


class SettingOption(click.Option):
    """An option that is a setting of a run.

    Attributes:
        setting: its declaration.
    """

    def __init__(self, declarations: list[str], *, setting: Setting, **kwargs: Any) -> None:
        super().__init__(declarations, **kwargs)
        self.setting = setting


def setting_option(one: Setting) -> Callable[[Command], Command]:
    """The option of a setting, under the name of its field."""
    text = one.about if not one.default_about else f"{one.about}  [default: {one.default_about}]"
    flags = f"{one.flag}/{one.off_flag}" if one.off_flag else one.flag
    shared: dict[str, Any] = {"cls": SettingOption, "setting": one, "help": text}
    if one.kind is bool:
        default = None if one.off_flag else False
        return click.option(one.name, flags, is_flag=True, default=default, **shared)
    # A default that is told in words is put in by the config, which alone may know it.
    default = None if one.default_about or one.parse is not None else one.default
    return click.option(
        one.name,
        flags,
        type=_kind(one),
        nargs=one.count,
        multiple=one.repeated,
        default=default,
        show_default=default is not None,
        metavar=one.metavar,
        **shared,
    )


def _kind(one: Setting) -> Any:
    if one.choices:
        return click.Choice(one.choices)
    if one.allowed is None:
        return one.kind
    bounds = one.allowed
    if one.kind is int:
        return click.IntRange(
            None if bounds.low is None else int(bounds.low), None if bounds.high is None else int(bounds.high)
        )
    kind = _Share if bounds.high == 1 else click.FloatRange
    return kind(bounds.low, bounds.high, bounds.low_open, bounds.high_open)


class Number(click.FloatRange):
    """A finite number in a range."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Refuse what click takes for a number in any range: infinity, and NaN."""
        number = super().convert(value, param, ctx)
        if not math.isfinite(number):
            self.fail(f"{value} is no finite number.", param, ctx)
        return number


class _Share(click.FloatRange):
    """A share, as a number or in percent: 0.1 or 10%."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """See above; what is neither is refused as written."""
        if isinstance(value, str) and value.rstrip().endswith("%"):
            with suppress(InvalidOperation):
                value = str(Decimal(value.rstrip()[:-1].strip()) / 100)
        return super().convert(value, param, ctx)


def settings_options(*groups: str, without: tuple[str, ...] = ()) -> Options:
    """The options of some groups of settings, in the order of the groups.

    Args:
        groups: of `prep_corpus.jobs.config`.
        without: names of fields to leave out.
    """
    return tuple(
        setting_option(one)
        for group in groups
        for one in SETTINGS
        if one.group == group and one.name not in without
    )


def with_options(*groups: Options) -> Callable[[Command], Command]:
    """Add groups of options to a command, in the order in which its help lists them."""

    def decorate(command: Command) -> Command:
        for group in reversed(groups):
            for option in reversed(group):
                command = option(command)
        return command

    return decorate


def load_toml(ctx: click.Context, parameter: click.Parameter, path: str | None) -> str | None:
    """Make the settings of a TOML file the defaults of the flags; those of other commands are passed over."""
    if path is None:
        return None
    import tomllib

    where = f"{parameter.opts[0]} {path}"
    try:
        with open(path, "rb") as file:
            settings = tomllib.load(file)
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{where}: not valid TOML: {error}") from error
    own = {option.lstrip("-"): p for p in ctx.command.params for option in p.opts if option.startswith("--")}
    for name in ("config", "profile"):
        own.pop(name, None)
    defaults = dict(ctx.default_map or {})
    for written, value in settings.items():
        key = written.replace("_", "-")
        if key not in own and key not in _BY_KEY:
            known = ", ".join(sorted({*own, *_BY_KEY}))
            raise UsageError(f"{where}: unknown setting {written!r}; the settings are {known}")
        if _is_read(own.get(key), key):
            option = own[key]
            # One value stands for a list of one, not for a list of its letters.
            alone = isinstance(option, click.Option) and option.multiple and not isinstance(value, list)
            assert option.name is not None
            defaults[option.name] = [value] if alone else value
    ctx.default_map = defaults
    return path


def _is_read(option: click.Parameter | None, key: str) -> bool:
    """Whether a command's option is what a key of a file means: `align --format` is not a run's `format`."""
    if option is None:
        return False
    declared = _BY_KEY.get(key)
    return isinstance(option, SettingOption) or declared is None or not declared.moves_bytes


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


CONFIG = toml_option(
    "--config", "Settings by flag name, as `prep-corpus settings` prints them; flags win over it."
)
"""The file of a run's settings."""


RUN = settings_options(MODEL, CUTTING, SHARDS, SEED, BABBLE, TEXT, ROWS, FAILURES)
"""All settings of a run but those of the machine, which `submit` has others for."""


def run_config(values: dict[str, Any], **more: Any) -> RunConfig:
    """The config that the options of a command describe.

    Args:
        values: what click gives, by the names of the fields of `RunConfig`; other options are passed over.
        more: fields that no option of the command gives; they win.

    Raises:
        UsageError: a value is not allowed.
    """
    fields: dict[str, Any] = {}
    for one in SETTINGS:
        if one.name in values and one.name not in more:
            value = one.to_config(values[one.name])
            # None stands for the default where that is told in words.
            if value is not None:
                fields[one.name] = value
    return RunConfig(**{**fields, **more})


def own_device(values: dict[str, Any]) -> str:
    """The device asked for, or the best of this machine."""
    if values["device"]:
        return str(values["device"])
    from prep_corpus.align.model.devices import default_device

    return default_device()
