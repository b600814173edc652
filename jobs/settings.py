"""What one setting of a run is: its name, default, help, units, range, and which stage it is for.

A field of `RunConfig` is declared by `setting(...)`. All else is derived from the declaration: the command's option,
the key of a `--config` file, the check, the marker and the manifest, and the parameter of the Flex Template.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from prep_corpus.align.errors import UsageError

_KEY = "prep_corpus.setting"

# Groups of options: commands that promise the same thing take the same groups.
MODEL, CUTTING, SHARDS, SEED, BABBLE, TEXT, ROWS, FAILURES, MACHINE = (
    *("model", "cutting", "shards", "seed", "babble", "text", "rows", "failures", "machine"),
)


@dataclass(frozen=True, kw_only=True)
class Parameter:
    """A setting as a parameter of the Dataflow Flex Template.

    Attributes:
        label: a few words; those of the flag where empty.
        regex: that a value must match; derived from kind and range where empty.
        name: name of the parameter; that of the flag where empty.
        about: for people who see no command line; the setting's own where empty.
    """

    label: str = ""
    regex: str = ""
    name: str = ""
    about: str = ""


_DEFAULT_PARAMETER = Parameter()


@dataclass(frozen=True, kw_only=True)
class Range:
    """Which numbers are allowed.

    Attributes:
        low, high: bounds, or None where there is none.
        low_open, high_open: whether the bound itself is not allowed.
    """

    low: float | None = None
    high: float | None = None
    low_open: bool = False
    high_open: bool = False

    def holds(self, value: float) -> bool:
        """Whether a number is allowed; NaN never is."""
        above = self.low is None or (value > self.low if self.low_open else value >= self.low)
        below = self.high is None or (value < self.high if self.high_open else value <= self.high)
        return above and below and not math.isnan(value)

    def __str__(self) -> str:
        low = "" if self.low is None else f"{'over' if self.low_open else 'at least'} {self.low:g}"
        high = "" if self.high is None else f"{'under' if self.high_open else 'at most'} {self.high:g}"
        return " and ".join(part for part in (low, high) if part) or "a number"


SHARE = Range(low=0, high=1)
POSITIVE = Range(low=0, low_open=True)
AT_LEAST_0 = Range(low=0)
AT_LEAST_1 = Range(low=1)


@dataclass(frozen=True, kw_only=True)
class Setting:
    """One setting of a run.

    Attributes:
        name: name of the field of `RunConfig`.
        flag: of the command line, such as "--shard-mb"; without the dashes it is the key of a `--config` file.
        off_flag: the flag that says the opposite, for a setting that is on, off or left to the input.
        kind: str, int, float or bool.
        default: of the field.
        about: one sentence, for the help.
        default_about: what None stands for, for the help.
        unit: of numbers, such as "seconds".
        allowed: which numbers.
        choices: the allowed words; any where empty.
        count: numbers that one value is made of.
        repeated: whether the flag may be given several times; the value is a tuple.
        metavar: what the help calls the value.
        group: of options, which commands take or do not take together.
        to: where it is read, "STAGE.FIELD" of that stage's options; the stage alone where more is to be done.
        moves_bytes: whether another value may change the output; the marker and the manifest hold those.
        words: makes the words of the command line out of a value that is no plain one.
        parse: makes the value out of the words.
        parameter: of the Flex Template, or None where it has none.
    """

    name: str
    flag: str
    off_flag: str
    kind: type
    default: Any
    about: str
    default_about: str
    unit: str
    allowed: Range | None
    choices: tuple[str, ...]
    count: int
    repeated: bool
    metavar: str | None
    group: str
    to: tuple[str, ...]
    moves_bytes: bool
    words: Callable[[Any], list[str]] | None
    parse: Callable[[tuple[str, ...]], Any] | None
    parameter: Parameter | None

    @property
    def key(self) -> str:
        """In a `--config` file."""
        return self.flag.removeprefix("--")

    def check(self, value: Any) -> None:
        """Refuse a value that breaks the declaration.

        Raises:
            UsageError: it does.
        """
        if value is None and (self.default is None or self.default_about):
            return
        if self.parse is not None:
            return
        for one in value if self.repeated or self.count > 1 else (value,):
            if self.choices and one not in self.choices:
                raise UsageError(f"{self.flag} must be one of {', '.join(self.choices)}, not {one!r}")
            if self.allowed is not None and not self.allowed.holds(one):
                raise UsageError(f"{self.flag} must be {self.allowed}, not {one}")
            if isinstance(one, float) and not math.isfinite(one):
                raise UsageError(f"{self.flag} must be a finite number, not {one}")

    def to_config(self, value: Any) -> Any:
        """The field's value from what the command line or a marker gives: lists are tuples."""
        if value is None:
            return None
        if self.parse is not None:
            value = (value,) if isinstance(value, str) else value
            return self.parse(tuple(value)) if all(isinstance(one, str) for one in value) else _tuples(value)
        if self.repeated:
            return tuple(dict.fromkeys(value))
        return _tuples(value)


def _tuples(value: Any) -> Any:
    return tuple(_tuples(one) for one in value) if isinstance(value, (list, tuple)) else value


def setting(
    default: Any,
    flag: str,
    about: str,
    *,
    group: str,
    to: str | Sequence[str],
    kind: type | None = None,
    off_flag: str = "",
    default_about: str = "",
    unit: str = "",
    allowed: Range | None = None,
    choices: Sequence[str] = (),
    count: int = 1,
    repeated: bool = False,
    metavar: str | None = None,
    moves_bytes: bool = True,
    words: Callable[[Any], list[str]] | None = None,
    parse: Callable[[tuple[str, ...]], Any] | None = None,
    parameter: Parameter | None = _DEFAULT_PARAMETER,
) -> Any:
    """Declare a field of `RunConfig`; see `Setting` for what is said of it.

    Args:
        default: of the field, or a function that gives it.
        kind: of the value, or of its parts; that of the default where None.
    """
    known = kind or type(default)
    if known not in (str, int, float, bool):
        raise TypeError(f"{flag}: say the kind of a setting whose default is {default!r}")
    declared = {
        "flag": flag,
        "off_flag": off_flag,
        "kind": known,
        "about": about,
        "default_about": default_about,
        "unit": unit,
        "allowed": allowed,
        "choices": tuple(choices),
        "count": count,
        "repeated": repeated,
        "metavar": metavar,
        "group": group,
        "to": (to,) if isinstance(to, str) else tuple(to),
        "moves_bytes": moves_bytes,
        "words": words,
        "parse": parse,
        "parameter": parameter,
    }
    if callable(default):
        return dataclasses.field(default_factory=default, metadata={_KEY: declared})
    return dataclasses.field(default=default, metadata={_KEY: declared})


def settings_of_class(config_class: type) -> tuple[Setting, ...]:
    """The settings that a dataclass declares, in its order."""
    found = []
    for field in dataclasses.fields(config_class):
        declared = field.metadata.get(_KEY)
        if declared is not None:
            default = None if field.default is dataclasses.MISSING else field.default
            found.append(Setting(name=field.name, default=default, **declared))
    return tuple(found)


def toml_value(setting: Setting, value: Any) -> str:
    """A value as TOML writes it."""
    if setting.words is not None:
        value = setting.words(value)
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(_toml(one) for one in value) + "]"
    return _toml(value)


def _toml(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        # JSON's strings are TOML's, but for the one control character that JSON lets stand.
        import json

        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    return repr(value)


def to_toml(settings: Sequence[Setting], values: Mapping[str, Any]) -> str:
    """Settings as a file that `--config` takes; what is None is left out, which means the same.

    Args:
        settings: settings to write, in order.
        values: by the names of the fields.
    """
    lines: list[str] = []
    for one in settings:
        value = values.get(one.name)
        if value is None:
            continue
        unit = f"  # {one.unit}" if one.unit else ""
        lines.append(f"{one.key} = {toml_value(one, value)}{unit}")
    return "".join(line + "\n" for line in lines)
