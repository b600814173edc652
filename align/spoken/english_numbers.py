"""Numbers, years and dates as English reads them."""

from __future__ import annotations

import re

from prep_corpus.align.spoken import english_words as words
from prep_corpus.align.spoken.numbers import decimal_in_words, in_words

# Thousands parted by spaces ("12 500", but not "5 100", which is two numbers as likely), by spaces that no line breaks
# at, or by points.
_FIXED_SPACES = "\u00a0\u202f\u2009"
_SPACED = (
    rf"(?=\d{{1,3}}[ {_FIXED_SPACES}]\d{{3}})(?:\d{{1,3}}(?:[{_FIXED_SPACES}]\d{{3}}){{1,4}}(?!\d)"
    r"|(?<!\d[ ])(?:\d{2}[ ]\d{3}|\d{1,2}(?:[ ]\d{3}){2,4}|\d{1,3}(?:[ ]\d{3}){0,3}[ ]000)(?![ ]?\d))"
)
_POINTED = r"\d{1,3}(?:\.\d{3})+(?=,\d{1,2}(?!\d))"
_DECIMAL_COMMA = r",\d{1,2}(?!\d|[.,]\d)"
NUMBER = (
    rf"(?:(?<!\d)(?:{_SPACED}(?:\.\d+|{_DECIMAL_COMMA})?|{_POINTED}{_DECIMAL_COMMA}"
    rf"|\d{{1,3}}(?:,\d{{3}})+(?!\d)(?:\.\d+)?|(?<![\d,])\d+{_DECIMAL_COMMA}|\d+(?:\.\d+)?)|(?<![\w.])\.\d+)"
)
"""Pattern of a number; never from the middle of another, which also keeps long runs of digits from taking quadratic
time."""

FIRST_YEAR, LAST_YEAR = 1010, 2099
_BETWEEN_THOUSANDS = re.compile(r"[,\s]")
_COMMA_PLACES = re.compile(r",(?=\d{1,2}\Z)")


def cardinal(value: int) -> str:
    """A whole number in words; in digits where it is too large for that."""
    return in_words(value, "en") or str(value)


def ordinal(value: int) -> str | None:
    """A whole number as first, second, third."""
    return in_words(value, "en", "ordinal")


def year(number: int) -> str | None:
    """A year as it is read: 1843 eighteen forty three, 1905 nineteen oh five, 2003 two thousand three."""
    century, rest = divmod(number, 100)
    if rest == 0 and number % 1000:
        return f"{cardinal(century)} hundred"
    if century % 10 == 0 and rest < 10:
        return f"{cardinal(century // 10)} thousand {cardinal(rest) if rest else ''}".rstrip()
    return f"{cardinal(century)} {'oh ' if rest < 10 else ''}{cardinal(rest)}"


def number(written: str) -> str | None:
    """A number as written, with commas, spaces or points between thousands, and decimal point or comma."""
    whole, _, fraction = bare_number(written).partition(".")
    return decimal_in_words(whole, fraction, "point", "en")


def bare_number(written: str) -> str:
    """A number as written, with a decimal point alone."""
    if _COMMA_PLACES.search(written) and not re.fullmatch(r"\d{1,3}(?:,\d{3})+", written):
        written = _COMMA_PLACES.sub("_", written.replace(".", "")).replace("_", ".")
    return _BETWEEN_THOUSANDS.sub("", written)


def date(month: int, day: int, written_year: str) -> str | None:
    """A date, month and day as they stand unless only the other order makes one; None where neither does.

    Args:
        month, day: as numbers.
        written_year: a year of two or four digits.
    """
    if month > 12:
        month, day = day, month
    if not (1 <= month <= 12 and 1 <= day <= 31):
        return None
    full = int(written_year)
    if len(written_year) == 2:
        spoken: str | None = f"oh {cardinal(full)}" if full < 10 else cardinal(full)
    else:
        spoken = year(full) if FIRST_YEAR <= full <= LAST_YEAR else cardinal(full)
    return f"{words.MONTHS[month - 1].lower()} {ordinal(day)} {spoken}"
