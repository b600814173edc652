"""Numbers in words: which library says them, what is put right of it, and the choices that libraries leave open.

Most languages are num2words'. Those that it does not know, or says wrong, come from the spellout rules of Unicode's
CLDR (unicode-rbnf); slips that are left are mended here, each seen in num2words 0.5.14 or unicode-rbnf 2.4.1. What
neither says right is not said: None. The tables of tests/align/spoken/test_numbers.py hold what is right.
"""

from __future__ import annotations

import re
from functools import lru_cache, partial
from threading import Lock
from typing import TYPE_CHECKING, Literal

from prep_corpus.align.spoken.bounded import TookTooLong, within

if TYPE_CHECKING:
    from unicode_rbnf import RbnfEngine

MOST_SECONDS = 5.0
"""Of one number: num2words 0.5.14 loops for ever on some numbers of some languages."""
_ONE_AT_A_TIME = Lock()
"""num2words keeps one object for each language, and some, such as Arabic's, hold the number that is being said."""
MAX_CARDINAL_DIGITS = 15
"""Longer runs of digits are serial numbers, and are read digit by digit."""
_CLDR = {
    "af": "af", "bg": "bg", "da": "da", "el": "el", "et": "et", "fr-be": "fr_BE", "fr-ch": "fr_CH", "hi": "hi",
    "hr": "hr", "ka": "ka", "ms": "ms", "sq": "sq", "sw": "sw", "tr": "tr", "vi": "vi",
}  # fmt: skip
"""Languages by CLDR's rules, with the name there."""
_ELSEWHERE = {"kk": "kz", "pt-br": "pt_BR"}
"""Languages that num2words has under another name."""
_MOST = {"sr": 10**9 - 1}
"""The largest number that is said right, where that is not every one."""
_NEVER = {"ar": re.compile("ألف ألف")}
"""What shows that a number was not said right: 101,000 as "a hundred and a thousand thousands"."""
_MENDS = {
    "ar": (
        (r"(?<!\S)و ", "و"),  # "and" is one with the word behind it
        ("مئتا$", "مئتان"),
        ("ألفا$", "ألفان"),
        ("مليونا$", "مليونان"),
    ),
    "cs": ((r"\bdvěstě", "dvě stě"), (r"\b(tři|čtyři)sta", r"\1 sta"), (r"\b(\w+)set\b", r"\1 set")),
    "de": (("einstausend", "eintausend"),),
    "el": (("εννενήντα", "ενενήντα"), ("χίλιάδες", "χιλιάδες")),
    "eo": ((r"\bmil(?=cent)", "mil "),),
    "es": ((r"\bveintiuno (?=mil)", "veintiún "), (r"\buno (?=mil)", "un ")),
    "hu": (("két$", "kettő"), ("kettő(?=száz|ezer|milli)", "két")),
    "id": ((r"\b(juta|miliar|triliun) satu ribu\b", r"\1 seribu"),),
    "no": (
        (r"\b(|tjue|\w+ti)en (hundre|tusen)\b", r"\1ett \2"),  # both are neuter
        (r"\bmillard", "milliard"),
        (r"(?<!\ben )(milli(?:on|ard))\b", r"\1er"),
    ),
    "ro": ((r"\bunu de mii\b", "una de mii"), (r"(zeci(?: și \w+)?|sut[eă]) milioane", r"\1 de milioane")),
    "sl": ((r"(?<!\ben )(?<=\S )milijon\b", "milijonov"),),
    "sv": (
        ("ettt", "ett"),
        ("förti", "fyrti"),
        (r"(miljoner|miljarder|miljon(?!er\b)|miljard(?!er\b))(?=\w)", r"\1 "),
    ),
}  # fmt: skip
SIGNS = {
    "af": ("min", "komma", ","), "bg": ("минус", "цяло и", ","), "ca": ("menys", "coma", ","),
    "cs": ("minus", "", ","), "da": ("minus", "komma", ","), "el": ("μείον", "κόμμα", ","),
    "eo": ("minus", "komo", ","), "et": ("miinus", "koma", ","), "fi": ("miinus", "pilkku", ","),
    "he": ("מינוס", "נקודה", "."), "hi": ("माइनस", "दशमलव", "."), "hr": ("minus", "zarez", ","),
    "hu": ("mínusz", "", ","), "id": ("minus", "koma", ","), "is": ("mínus", "komma", ","),
    "ja": ("マイナス", "点", "."), "ko": ("마이너스", "점", "."), "lt": ("minus", "kablelis", ","),
    "lv": ("mīnus", "komats", ","), "ms": ("negatif", "perpuluhan", "."), "no": ("minus", "komma", ","),
    "pl": ("minus", "przecinek", ","), "ro": ("minus", "virgulă", ","), "ru": ("минус", "", ","),
    "sk": ("mínus", "", ","), "sl": ("minus", "", ","), "sq": ("minus", "presje", ","),
    "sr": ("minus", "zarez", ","), "sv": ("minus", "komma", ","), "th": ("ลบ", "จุด", "."),
    "tr": ("eksi", "virgül", ","), "uk": ("мінус", "", ","), "vi": ("âm", "phẩy", ","),
}  # fmt: skip
"""The minus sign, the decimal mark as it is said and as it is written, in languages that have no table of their own.

Where nothing is said for the mark, the places are counted in tenths and hundredths, which bend.
"""
_AZERBAIJANI = ((10**12, "trilyon"), (10**9, "milyard"), (10**6, "milyon"), (10**3, "min"))


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
    plain = form == "cardinal" or (form == "year" and not _counts_years(language))
    call = partial(cardinal, number, language) if plain else partial(_said, number, language, form)
    try:
        with _ONE_AT_A_TIME:
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


def cardinal(number: int, language: str) -> str | None:
    """A whole number in words, as its library writes them.

    Args:
        number: 0 or more.
        language: primary subtag; with a region ("pt-br", "fr-be", "fr-ch") where that counts otherwise.

    Returns:
        The words, or None where no library says it right.

    Raises:
        NotImplementedError: no library knows the language.
    """
    if number > _MOST.get(language, number):
        return None
    if language == "az" and number >= 1000:
        return _azerbaijani(number)
    spoken = _by_rules(number, _CLDR[language]) if language in _CLDR else _said(number, language, "cardinal")
    if language in _NEVER and _NEVER[language].search(spoken):
        return None
    for pattern, right in _MENDS.get(language, ()):
        spoken = re.sub(pattern, right, spoken)
    return spoken


def _counts_years(language: str) -> bool:
    """Whether years are said otherwise than numbers: "nineteen ninety"."""
    return language in ("de", "en", "nl")


def _said(number: int, language: str, form: str) -> str:
    """What num2words says.

    Raises:
        NotImplementedError, and what else it raises: it has no such form, or not of this number.
    """
    from num2words import num2words  # imports all its languages

    return str(num2words(number, lang=_ELSEWHERE.get(language, language), to=form))


def _azerbaijani(number: int) -> str:
    """By thousands, of which num2words loses the ones: it reads 21,000 as 20,000."""
    words = []
    for size, name in _AZERBAIJANI:
        count, number = divmod(number, size)
        if count == 1 and name == "min":
            words.append(name)
        elif count:
            words += [_said(count, "az", "cardinal"), name]
    return " ".join([*words, _said(number, "az", "cardinal")] if number else words)


@lru_cache(maxsize=32)
def _rules(name: str) -> RbnfEngine:
    from unicode_rbnf import RbnfEngine  # reads files of its own

    return RbnfEngine.for_language(name)


def _by_rules(number: int, name: str) -> str:
    from unicode_rbnf import FormatPurpose

    return str(_rules(name).format_number(number, FormatPurpose.CARDINAL).text)
