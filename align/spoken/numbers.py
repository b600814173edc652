"""Numbers in words, with the choices that libraries leave open."""

from __future__ import annotations

from functools import lru_cache, partial
from typing import Literal

from prep_corpus.align.spoken.bounded import TookTooLong, within
from prep_corpus.align.spoken.number_words import cardinal, counts_years, said

MOST_SECONDS = 5.0
"""Of one number: num2words 0.5.14 loops for ever on some numbers of some languages."""
MAX_CARDINAL_DIGITS = 15
"""Longer runs of digits are serial numbers, and are read digit by digit."""


@lru_cache(maxsize=65536)
def in_words(
    number: int, language: str, form: Literal["cardinal", "ordinal", "year"] = "cardinal"
) -> str | None:
    """One whole number in words, without hyphens and commas.

    Args:
        number: 0 or more.
        language: primary subtag, with a region where that counts otherwise ("pt-br").
        form: the kind of number, by num2words' names.

    Returns:
        The words, or None where nobody here knows them.
    """
    plain = form == "cardinal" or (form == "year" and not counts_years(language))
    call = partial(cardinal, number, language) if plain else partial(said, number, language, form)
    try:
        spoken = within(MOST_SECONDS, call)
    except TookTooLong:
        return None
    except (NotImplementedError, AttributeError, OverflowError, ValueError, KeyError, IndexError, TypeError):
        return None
    return spoken and " ".join(spoken.replace("-", " ").replace(",", " ").split())


def digits_in_words(digits: str, language: str, zero: str | None = None) -> str | None:
    """A run of digits, one after another.

    Args:
        digits: 0 to 9 only.
        language: primary subtag.
        zero: the word for 0, where it is not the cardinal ("oh").
    """
    words = [zero if digit == "0" and zero else in_words(int(digit), language) for digit in digits]
    return None if None in words else " ".join(word for word in words if word)


def whole_in_words(digits: str, language: str) -> str | None:
    """A run of digits as a cardinal; digit by digit where it starts with 0 or is too long to be counted."""
    if (len(digits) > 1 and digits[0] == "0") or len(digits) > MAX_CARDINAL_DIGITS:
        return digits_in_words(digits, language)
    return in_words(int(digits), language)


def decimal_in_words(whole: str, fraction: str, point: str, language: str) -> str | None:
    """A decimal number: the whole part as a cardinal, the places one after another.

    Args:
        whole: digits before the point; empty for ".5".
        fraction: digits after it; empty for a whole number.
        point: the word for the decimal mark.
        language: primary subtag.
    """
    before = whole_in_words(whole, language) if whole else ""
    after = digits_in_words(fraction, language) if fraction else ""
    if before is None or after is None:
        return None
    return f"{before} {point} {after}".strip() if fraction else before
