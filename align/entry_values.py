"""Values of a manifest entry, each of the type that its key asks for.

None and the empty string count as not given. What is something else raises EntryInvalid, which names entry, key and
value.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from prep_corpus.align.errors import EntryInvalid


def strings_of(entry: Mapping[str, Any], key: str, name: str) -> list[str]:
    """One string or several; none where it is not given."""
    value = entry.get(key)
    if not isinstance(value, list):
        one = text_of(entry, key, name)
        return [] if one is None else [one]
    many = [text_of({key: each}, key, name) for each in value]
    if not many:
        raise EntryInvalid(f"{name}: {key} must be a string, or a list of at least one string, it is []")
    if None in many:
        raise EntryInvalid(f"{name}: {key} must be a string, or a list of strings, it is {shown(value)}")
    return [each for each in many if each is not None]


def given_keys(entry: Mapping[str, Any]) -> str:
    """The first keys that have a value, for a message."""
    given = [repr(key) for key, value in entry.items() if value not in (None, "")]
    return ", ".join(given[:8]) if given else "no value at all"


def shown(value: object) -> str:
    """A value in ASCII, cut short, for a message."""
    text = ascii(value)
    return text if len(text) <= 60 else text[:57] + "..."


def text_of(entry: Mapping[str, Any], key: str, name: str) -> str | None:
    """A string; a number counts as one (a speaker 84), other types do not."""
    value = entry.get(key)
    if value is None or value == "":
        return None
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise EntryInvalid(f"{name}: {key} must be a string, it is {shown(value)}")
    string = str(value)
    if "\0" in string:
        raise EntryInvalid(f"{name}: {key} must not hold a zero character, it is {shown(value)}")
    check_unicode(string, key, name)
    return string


def check_unicode(value: str, key: str, name: str) -> None:
    """Refuse half a surrogate pair, which JSON can write and no file can hold."""
    if not value.isascii() and any("\ud800" <= character <= "\udfff" for character in value):
        raise EntryInvalid(f"{name}: {key} must not hold half a surrogate pair: {shown(value)}")


def number_of(
    entry: Mapping[str, Any], key: str, name: str, kind: str = "a number of seconds"
) -> float | None:
    """A finite or infinite number, which may stand as a string; None where it is not given.

    Args:
        entry, key, name: the entry, its key, and its name in messages.
        kind: what it must be, for the message.

    Raises:
        EntryInvalid: it is something else.
    """
    value = entry.get(key)
    if value is None or value == "":
        return None
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise EntryInvalid(f"{name}: {key} must be {kind}, it is {shown(value)}")
    try:
        return float(value)
    except (ValueError, OverflowError) as error:
        raise EntryInvalid(f"{name}: {key} must be {kind}, it is {shown(value)}") from error
