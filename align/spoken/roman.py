"""Roman numerals up to 3999, in the one standard spelling."""

from __future__ import annotations

import re

ROMAN = r"(?=[IVXLCDM])M{0,3}(?:CM|CD|D?C{0,3})(?:XC|XL|L?X{0,3})(?:IX|IV|V?I{0,3})"
"""Pattern of one numeral, in capitals."""

_VALUES = {"M": 1000, "D": 500, "C": 100, "L": 50, "X": 10, "V": 5, "I": 1}
_WHOLE = re.compile(ROMAN)


def roman_value(numeral: str) -> int | None:
    """The value of a numeral in capitals, or None where it is not one.

    Args:
        numeral: a Roman numeral, for instance "XIV".
    """
    if not _WHOLE.fullmatch(numeral):
        return None
    values = [_VALUES[letter] for letter in numeral]
    following = [*values[1:], 0]
    return sum(-value if value < after else value for value, after in zip(values, following))
