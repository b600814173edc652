"""How English is read aloud where it is not written in words."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from prep_corpus.align.spoken import english_words as words
from prep_corpus.align.spoken.english_numbers import (
    FIRST_YEAR,
    LAST_YEAR,
    NUMBER,
    bare_number,
    cardinal,
    date,
    number,
    ordinal,
    year,
)
from prep_corpus.align.spoken.hashtags import hashtag_rules
from prep_corpus.align.spoken.numbers import digits_in_words, whole_in_words
from prep_corpus.align.spoken.roman import ROMAN, roman_value
from prep_corpus.align.spoken.rules import Rule

_Match = re.Match[str]


def _any_of(keys: Iterable[str]) -> str:
    """Alternatives, the longest first."""
    return "|".join(re.escape(key) for key in sorted(keys, key=lambda key: (-len(key), key)))


def _plain(found: _Match) -> str | None:
    written = found[0]
    if written.isdecimal() and len(written) == 4 and FIRST_YEAR <= int(written) <= LAST_YEAR:
        return year(int(written))
    return number(written)


def _counted(amount: str, one: str, many: str) -> str | None:
    spoken = number(amount)
    return None if spoken is None else f"{spoken} {one if amount == '1' else many}"


def _currency(found: _Match) -> str | None:
    one, many, part, parts = words.CURRENCIES[found["sign"]]
    amount, scale = found["amount"], found["scale"]
    if scale:
        spoken = number(amount)
        return None if spoken is None else f"{spoken} {words.SCALES[scale.lower()]} {many}"
    whole, _, cents = bare_number(amount).partition(".")
    if len(cents) != 2:
        return _counted(amount, one, many)
    small = (
        f"{whole_in_words(str(int(cents)), 'en')} {part if int(cents) == 1 else parts}" if int(cents) else ""
    )
    big = _counted(whole, one, many) if whole and (int(whole) or not small) else ""
    return " and ".join(piece for piece in (big, small) if piece) or None


def _unit(found: _Match) -> str | None:
    return _counted(found["amount"], *words.UNITS[found["unit"]])


def _degrees(found: _Match) -> str | None:
    scale = {"C": " celsius", "F": " fahrenheit", "K": " kelvin"}.get(found["scale"] or "", "")
    spoken = _counted(found["amount"], "degree", "degrees")
    return None if spoken is None else spoken + scale


def _time(found: _Match) -> str | None:
    hours, minutes = int(found["hours"]), int(found["minutes"])
    half = " ".join(found["half"].lower() + "m") if found["half"] else ""
    if minutes:
        said = f"{cardinal(hours)} {'oh ' if minutes < 10 else ''}{cardinal(minutes)}"
    elif half:
        said = cardinal(hours)
    else:
        said = f"{cardinal(hours)} o'clock" if 1 <= hours <= 12 else f"{cardinal(hours)} hundred"
    if found["seconds"]:
        said += f" and {cardinal(int(found['seconds']))} seconds" if int(found["seconds"]) else ""
    return f"{said} {half}".strip()


def _hour(found: _Match) -> str | None:
    return f"{cardinal(int(found['hours']))} {found['half'].lower()} m" if int(found["hours"]) <= 12 else None


def _ordinal_digits(found: _Match) -> str | None:
    return ordinal(int(found["digits"].replace(",", "")))


def _decade(found: _Match) -> str | None:
    tens = int(found["tens"])
    century = found["century"]
    if century and not tens:
        return (
            f"{cardinal(int(century))} hundreds"
            if int(century) % 10
            else f"{cardinal(int(century) // 10)} thousands"
        )
    if not tens:
        return None
    decade = "tens" if tens == 10 else cardinal(tens)[:-1] + "ies"
    return f"{cardinal(int(century))} {decade}" if century else decade


def _short_year(found: _Match) -> str | None:
    value = int(found["year"])
    return f"oh {cardinal(value)}" if value < 10 else cardinal(value)


_PARTS = {2: ("half", "halves"), 4: ("quarter", "quarters")}


def _fraction_words(over: int, under: int) -> str | None:
    one, many = _PARTS.get(under, (ordinal(under), f"{ordinal(under)}s"))
    return f"{cardinal(over)} {one if over == 1 else many}" if one else None


def _fraction(found: _Match) -> str | None:
    over, under = int(found["over"]), int(found["under"])
    # 9/11 and 24/7 are no fractions; 3/10 and 7/16 are.
    if not (0 < over < under and (under <= 10 or under in (12, 16, 20, 32, 64, 100))):
        return None
    part = _fraction_words(over, under)
    if not found["whole"] or part is None:
        return part
    return f"{number(found['whole'])} and {'a ' + part[4:] if over == 1 else part}"


_VULGAR = {
    "½": (1, 2), "⅓": (1, 3), "⅔": (2, 3), "¼": (1, 4), "¾": (3, 4), "⅕": (1, 5), "⅖": (2, 5),
    "⅗": (3, 5), "⅘": (4, 5), "⅙": (1, 6), "⅚": (5, 6), "⅐": (1, 7), "⅛": (1, 8), "⅜": (3, 8),
    "⅝": (5, 8), "⅞": (7, 8), "⅑": (1, 9), "⅒": (1, 10),
}  # fmt: skip


def _vulgar(found: _Match) -> str | None:
    over, under = _VULGAR[found["sign"]]
    part = _fraction_words(over, under)
    if not found["whole"] or part is None:
        return part
    return f"{number(found['whole'])} and {'a ' + part[4:] if over == 1 else part}"


def _date(found: _Match) -> str | None:
    return date(int(found["month"]), int(found["day"]), found["year"])


def _dotted_date(found: _Match) -> str | None:
    return date(int(found["month"] or found["month2"]), int(found["day"] or found["day2"]), found["year"])


def _day_after_month(found: _Match) -> str | None:
    return ordinal(int(found["it"])) if 1 <= int(found["it"]) <= 31 else None


def _day_before_month(found: _Match) -> str | None:
    article = "" if found["article"] else "the "
    return f"{article}{ordinal(int(found['it']))} of" if 1 <= int(found["it"]) <= 31 else None


def _phone(found: _Match) -> str | None:
    return digits_in_words(re.sub(r"\D", "", found[0]), "en", zero="oh")


def _version(found: _Match) -> str | None:
    parts = found[0].split(".")
    is_address = len(parts) == 4 and all(int(part) < 256 for part in parts)
    if _POINTED_THOUSANDS.fullmatch(found[0]) and not is_address:
        return whole_in_words("".join(parts), "en")
    spoken = [whole_in_words(part, "en") for part in parts]
    return None if None in spoken else " point ".join(part for part in spoken if part)


_POINTED_THOUSANDS = re.compile(r"[1-9]\d{0,2}(?:\.\d{3}){2,4}")


def _range(found: _Match) -> str | None:
    left, right = bare_number(found["left"]), bare_number(found["right"])
    rises = float(right) > float(left) or (len(left) == 4 and len(right) == 2)
    return "to" if rises or found["dash"] == "–" else None


def _address(found: _Match) -> str:
    said = re.sub(r"^https?://", "", found[0].lower().rstrip("/"))
    for mark, word in ((".", "dot"), ("@", "at"), ("/", "slash"), ("-", "dash"), ("_", "underscore")):
        said = said.replace(mark, f" {word} ")
    return re.sub(r"\d+", lambda digits: f" {digits_in_words(digits[0], 'en')} ", said)


def _heading(found: _Match) -> str | None:
    value = roman_value(found["it"])
    # "Part I liked" is no heading, "Part I of the book" and "Part I." are.
    after = _LOWER_AFTER.match(found.string, found.end("it"))
    if value is None or (found["it"] == "I" and after and after[1] not in _AFTER_HEADING):
        return None
    return cardinal(value)


_LOWER_AFTER = re.compile(r"\s([a-z']+)")
_AFTER_HEADING = frozenset({"and", "by", "for", "from", "has", "in", "is", "of", "the", "to", "was", "with"})
_INITIAL = re.compile(r"\.\s+[A-Z]")
_REIGNING = re.compile(r"(?:King|Queen|Pope|Emperor|Empress|Tsar|Czar|Kaiser|Sultan|Prince|Shah)\s$")


def _regal(found: _Match) -> str | None:
    value, numeral = roman_value(found["it"]), found["it"]
    if value is None or value > 30 or numeral in ("C", "D", "L", "M"):
        return None
    if numeral == "I" and not _REIGNING.search(found.string[max(0, found.start() - 12) : found.start()]):
        return None
    if len(numeral) == 1 and _INITIAL.match(found.string, found.end("it")):
        return None
    return f"the {ordinal(value)}"


def _raised(found: _Match) -> str | None:
    return {"²": "squared", "³": "cubed"}.get(found[0])


_NAME_BEFORE = re.compile(r"[A-Z][\w'’-]*[ ]$")
_NAME_AFTER = re.compile(r"\s+[A-Z]")


def _stands_between(found: _Match) -> tuple[bool, bool]:
    """Whether a capitalised word stands directly before and directly after."""
    text, start, end = found.string, found.start(), found.end()
    before = _NAME_BEFORE.search(text[max(0, start - 30) : start]) is not None
    return before, _NAME_AFTER.match(text, end) is not None


def _saint_or_street(found: _Match) -> str:
    return "street" if _stands_between(found) == (True, False) else "saint"


def _doctor_or_drive(found: _Match) -> str:
    return "drive" if _stands_between(found) == (True, False) else "doctor"


def _before_name(found: _Match) -> str:
    return words.TITLES_BEFORE_NAMES[found["short"]]


def _after_name(found: _Match) -> str:
    return words.AFTER_NAMES[found["short"]]


def _title(found: _Match) -> str:
    return words.TITLES[(found["short"] or found["dotted"]).lower()]


def _abbreviation(found: _Match) -> str:
    return words.ABBREVIATIONS[found["short"].lower()]


def _before_number(found: _Match) -> str:
    return words.BEFORE_NUMBERS[found["short"] or found["plain"]]


def _short_month(found: _Match) -> str:
    return words.SHORT_MONTHS[found["short"]]


def _symbol(found: _Match) -> str:
    return _SYMBOLS[found[0]]


_SYMBOLS = {
    "&": "and", "@": "at", "%": "percent", "+": "plus", "=": "equals", "×": "times", "÷": "divided by",
    "§": "section", "°": "degrees", "€": "euros", "£": "pounds", "$": "dollars", "¢": "cents",
    "±": "plus or minus", "≈": "about", "≤": "at most", "≥": "at least", "‰": "per thousand", "¥": "yen",
}  # fmt: skip
_MONTH = rf"(?:{_any_of(words.MONTHS)}|(?:{_any_of(words.SHORT_MONTHS)})\b\.?)"
_UNIT = _any_of(words.UNITS)
_TITLE = _any_of(
    {"mr", "mrs", "vs", *map(str.capitalize, words.TITLES), *map(str.upper, words.TITLES)}
    - {"SR", "LT", "JR", "VS"}
)
_HEADING = _any_of({*words.HEADINGS, *(heading.upper() for heading in words.HEADINGS)})


def _rule(pattern: str, say: Callable[[_Match], str | None]) -> Rule:
    return Rule(pattern=re.compile(pattern), say=say)


def _digit_rule(pattern: str, say: Callable[[_Match], str | None]) -> Rule:
    return Rule(pattern=re.compile(pattern), say=say, needs_digit=True)


ENGLISH_RULES = (
    # Addresses, dates, times and telephone numbers hold numbers that are not read as such.
    _rule(r"\b(?:https?://|www\.)[\w./@-]*\w|\b[\w.-]{1,64}@[\w-]{1,64}(?:\.[\w-]{1,64})+", _address),
    _rule(r"\b[A-Za-z][\w-]{0,63}\.(?:com|org|net|edu|gov|info|co\.uk)\b(?!\.\w)", _address),
    _digit_rule(r"(?<![\d-])(?P<year>\d{4})-(?P<month>\d{2})-(?P<day>\d{2})(?![\d-])", _date),
    _digit_rule(r"(?<![\d/])(?P<month>\d{1,2})/(?P<day>\d{1,2})/(?P<year>\d{4}|\d{2})(?![\d/])", _date),
    _digit_rule(r"(?<![\d/])(?P<year>\d{4})/(?P<month>\d{1,2})/(?P<day>\d{1,2})(?![\d/])", _date),
    # Where points part them, the day stands first; of two digits each, so that version numbers stay.
    _digit_rule(
        r"(?<![\d.])(?:(?P<day>\d{1,2})\.[ ]?(?P<month>\d{1,2})\.[ ]?(?=\d{4})|(?P<day2>\d\d)\.(?P<month2>\d\d)\.)"
        r"(?P<year>\d{4}|\d{2})(?!\d|\.\d)",
        _dotted_date,
    ),
    _digit_rule(
        r"(?<![\d:.])(?P<hours>\d{1,2}):(?P<minutes>\d{2})(?::(?P<seconds>\d{2}))?(?![\d:])"
        r"(?:\s?(?P<half>[aApP])\.?\s?[mM]\b\.?)?",
        _time,
    ),
    _digit_rule(r"(?<![\d:.,])(?P<hours>\d{1,2})\s?(?P<half>[aApP])\.?[mM]\b\.?", _hour),
    _digit_rule(
        r"(?<![\d-])(?:\+?\d{1,3}[ .-])?(?:\(\d{3}\) ?|\d{3}[.-])?\d{3}[.-]\d{4}(?![\d-]|\.\d)(?<!\d\.\d{4})",
        _phone,
    ),
    _digit_rule(r"(?<![\d.])\d+(?:\.\d+){2,}(?![\d.]*\d)", _version),
    # Signs between and before numbers.
    _digit_rule(
        rf"(?<![\d.,-])(?P<left>{NUMBER})%?(?P<it>\s?(?P<dash>[-–])\s?)(?=[$£€]?(?P<right>{NUMBER})(?![\d-]))",
        _range,
    ),
    _digit_rule(r"(?:(?<![^\s(])[-–]|−)(?=[$£€]?\.?\d)", lambda found: "minus"),
    _digit_rule(r"#(?=\d)", lambda found: "number"),
    Rule(pattern=re.compile(r"(?<!\w)[A-G](?P<it>#)(?!\w)"), say=lambda found: "sharp", needs="#"),
    *hashtag_rules("en"),
    # Numbers with what they count.
    _digit_rule(
        rf"(?P<sign>{_any_of(words.CURRENCIES)})\s?(?P<amount>{NUMBER}|\.\d+)"
        r"(?:\s?(?P<scale>hundred|thousand|[mbtMBT]illion|bn|mn|tn|[kKmMbB])\b)?",
        _currency,
    ),
    _digit_rule(rf"(?P<amount>{NUMBER})\s?(?P<scale>)(?P<sign>[€£])", _currency),
    _digit_rule(rf"(?P<amount>{NUMBER})\s?¢", lambda found: _counted(found["amount"], "cent", "cents")),
    _digit_rule(rf"(?P<amount>{NUMBER})\s?%", lambda found: _counted(found["amount"], "percent", "percent")),
    _digit_rule(rf"(?P<amount>{NUMBER})\s?°\s?(?P<scale>[CFK]\b)?", _degrees),
    _digit_rule(rf"(?P<amount>{NUMBER})[ \u00a0-]?(?P<unit>{_UNIT})(?![\w²³/'])", _unit),
    _digit_rule(
        r"(?<![\d.,])(?P<digits>\d{1,3}(?:,\d{3}){1,4}|\d{1,9})(?:st|nd|rd|th|ST|ND|RD|TH)\b",
        _ordinal_digits,
    ),
    _digit_rule(r"(?<![\w'])'?(?P<century>\d{2})?(?P<tens>\d0)'?s\b", _decade),
    _digit_rule(r"(?<!\w)'(?P<year>\d{2})(?![\w'])", _short_year),
    # Fractions and days of the month.
    _digit_rule(
        r"(?<![\d.,/])(?:(?P<whole>\d{1,9})[ -])?(?P<over>\d{1,3})[/⁄](?P<under>\d{1,3})(?![\d/])", _fraction
    ),
    _rule(rf"(?:(?P<whole>{NUMBER})\s?)?(?P<sign>[{''.join(_VULGAR)}])", _vulgar),
    _digit_rule(rf"\b{_MONTH}\s(?P<it>\d{{1,2}})(?![\w:]|[.,]\d)", _day_after_month),
    _digit_rule(
        rf"(?P<article>\bthe\s)?(?<![\d.,:/$£€-])(?P<it>\d{{1,2}})(?=\s{_MONTH}\b)", _day_before_month
    ),
    # Abbreviations.
    _rule(r"\bSt\.", _saint_or_street),
    _rule(r"\b(?:Dr|DR|dr)\.", _doctor_or_drive),
    _rule(rf"\b(?:(?P<short>{_TITLE})\b\.?|(?P<dotted>(?i:{_any_of(words.TITLES)}))\.)", _title),
    _rule(rf"\b(?P<short>{_any_of(words.TITLES_BEFORE_NAMES)})\.(?=\s+[A-Z])", _before_name),
    _rule(rf"\b(?P<short>{_any_of(words.AFTER_NAMES)})\.", _after_name),
    _rule(rf"(?<!\w)(?P<short>(?i:{_any_of(words.ABBREVIATIONS)}))(?:\.|(?<=w/o))(?!\w)", _abbreviation),
    _digit_rule(
        rf"\b(?P<short>{_any_of(words.BEFORE_NUMBERS)})\.\s?(?=\d)|\b(?P<plain>No)\s(?=\d)", _before_number
    ),
    _digit_rule(rf"\b(?P<short>{_any_of(words.SHORT_MONTHS)})\b\.?(?=\s\d)", _short_month),
    # Roman numerals, where they cannot be anything else.
    _rule(rf"\b(?:{_HEADING})\s(?P<it>{ROMAN})\b", _heading),
    _rule(rf"\b(?:{_any_of(words.REGAL_NAMES)})\s(?P<it>{ROMAN})\b", _regal),
    # Whatever number or sign is left.
    _digit_rule(NUMBER, _plain),
    _rule("[" + re.escape("".join(_SYMBOLS)) + "]", _symbol),
    _rule("[²³]", _raised),
)
