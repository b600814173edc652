"""Dates in figures as languages with the day in front read them: 24.12.2024, 24/12/2024."""

from __future__ import annotations

import re

from prep_corpus.align.spoken.european_words import JOINS_DATE, MONTH_NAMES, Tongue
from prep_corpus.align.spoken.numbers import in_words
from prep_corpus.align.spoken.rules import Rule

_DATE = re.compile(
    r"(?:\b(?P<before>[A-Za-zà-ÿ]{2,4})\s)?(?<![\d./-])"
    r"(?P<it>(?P<day>\d{1,2})(?P<mark>[./-])[ ]?(?P<month>\d{1,2})(?P=mark)[ ]?(?P<year>\d{4}))(?![\d/-]|\.\d)"
)
_GERMAN_DATIVE = frozenset({"am", "vom", "zum", "beim", "dem", "den", "im", "seit", "bis", "ab"})


def date_rule(tongue: Tongue) -> Rule:
    """The rule for dates of day, month and year in figures.

    Args:
        tongue: the language.
    """

    def say(found: re.Match[str]) -> str | None:
        day, month = int(found["day"]), int(found["month"])
        year = in_words(int(found["year"]), tongue.numbers, "year")
        if year is None or not (1 <= day <= 31 and 1 <= month <= 12):
            return None
        first = _day(day, (found["before"] or "").lower(), tongue)
        name = MONTH_NAMES[tongue.code][month - 1]
        return None if first is None else JOINS_DATE.get(tongue.code, " ").join((first, name, year))

    return Rule(pattern=_DATE, say=say)


def _day(day: int, before: str, tongue: Tongue) -> str | None:
    if tongue.code == "de":
        spoken = in_words(day, "de", "ordinal")
        ending = "n" if before in _GERMAN_DATIVE else "" if before in ("der", "die", "das") else "r"
        return None if spoken is None else spoken + ending
    if day == 1 and tongue.code in ("fr", "it", "es", "pt"):
        return {"fr": "premier", "it": "primo", "es": "primero", "pt": "primeiro"}[tongue.code]
    return in_words(day, tongue.numbers)
