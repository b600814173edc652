"""How languages with a decimal comma are read aloud where they are not written in words."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence

from prep_corpus.align.spoken.european_dates import date_rule
from prep_corpus.align.spoken.european_words import Forms, Tongue
from prep_corpus.align.spoken.hashtags import hashtag_rules
from prep_corpus.align.spoken.numbers import (
    SIGNS,
    decimal_in_words,
    digits_in_words,
    in_words,
    whole_in_words,
)
from prep_corpus.align.spoken.roman import ROMAN, roman_value
from prep_corpus.align.spoken.rules import Rule

_Match = re.Match[str]
_SPACES = "\u00a0\u202f\u2009 "
_WHOLE = rf"(?<!\d)(?:\d{{1,3}}(?:[.{_SPACES}'’]\d{{3}})+(?!\d)|\d+)"
_NUMBER = rf"{_WHOLE}(?:,\d+)?"
_MINUS = r"(?:(?<![^\s(])[-–]|−)(?=\d)"


def rules_of(tongue: Tongue) -> Sequence[Rule]:
    """The rules of one of the languages in the tables."""
    return (
        date_rule(tongue),
        *hashtag_rules(tongue.numbers),
        *_counting_rules(tongue),
        *_ORDINALS.get(tongue.code, ()),
        *_word_rules(tongue),
        Rule(pattern=re.compile(_NUMBER), say=lambda found: _plain(found[0], tongue)),
        Rule(
            pattern=re.compile("[" + re.escape("".join(tongue.symbols)) + "]"),
            say=lambda found: tongue.symbols[found[0]],
        ),
    )


def plain_rules_of(language: str) -> Sequence[Rule]:
    """The rules of a language of which numbers and their signs are known; parted by thousands, or as in India."""
    by_thousands, as_in_india = (
        rf"\d{{1,3}}(?:[.,{_SPACES}]\d{{3}})+(?!\d)",
        r"\d{1,2}(?:,\d{2})+,\d{3}(?!\d)",
    )
    whole = rf"(?:{by_thousands}|{as_in_india}|\d+)"
    minus, point, mark = SIGNS.get(language, ("", "", ""))
    rules = [_rule(rf"(?<!\d){whole}", lambda found: whole_in_words(re.sub(r"\D", "", found[0]), language))]
    if point:
        # Three places may be a thousand; two numbers and two marks, a date.
        places = rf"(?P<whole>{whole}){re.escape(mark)}(?P<places>\d{{1,2}}|\d{{4,}})(?![\d.,]*\d)"
        rules.insert(
            0,
            _rule(
                rf"(?<![\d.,]){places}",
                lambda found: decimal_in_words(
                    re.sub(r"\D", "", found["whole"]), found["places"], point, language
                ),
            ),
        )
    if minus:
        rules.insert(0, _rule(_MINUS, lambda found: minus))
    return rules


def number(written: str, tongue: Tongue) -> str | None:
    """A number with its separators of thousands and its decimal comma, as a cardinal.

    Args:
        written: matches a whole number, or one with places.
        tongue: the language.
    """
    whole, _, places = written.partition(",")
    spoken = whole_in_words(re.sub(r"\D", "", whole), tongue.numbers)
    if not places or spoken is None:
        return spoken
    as_number = tongue.places_as_number and len(places) <= 2 and places[0] != "0"
    after = whole_in_words(places, tongue.numbers) if as_number else digits_in_words(places, tongue.numbers)
    return None if after is None else f"{spoken} {tongue.point} {after}"


def _plain(written: str, tongue: Tongue) -> str | None:
    if (
        tongue.years_in_hundreds
        and written.isdecimal()
        and len(written) == 4
        and 1100 <= int(written) <= 1999
    ):
        return in_words(int(written), tongue.numbers, "year")
    return number(written, tongue)


def _before_noun(written: str, tongue: Tongue) -> str | None:
    """A cardinal before a masculine noun: "un euro", "veintiún euros"."""
    if written == "1":
        return tongue.one
    spoken = number(written, tongue)
    if spoken and tongue.code == "es" and spoken.endswith("uno"):
        return f"{spoken[:-3]}ún" if spoken.endswith("veintiuno") else spoken[:-1]
    return spoken


def _counted(written: str, forms: Forms, tongue: Tongue) -> str | None:
    spoken = _before_noun(written, tongue)
    return None if spoken is None else f"{spoken} {forms[0] if written == '1' else forms[1]}"


def _any_of(keys: Iterable[str]) -> str:
    return "|".join(re.escape(key) for key in sorted(keys, key=lambda key: (-len(key), key)))


def _counting_rules(tongue: Tongue) -> Iterable[Rule]:
    """Times, ranges, signs, prices, percentages and units."""
    signs, units = _any_of(tongue.currencies), _any_of(tongue.units)

    def price(found: _Match) -> str | None:
        forms = tongue.currencies[found["before"] or found["after"]]
        whole, _, cents = (found["amount"] or found["amount_before"]).partition(",")
        if len(cents) != 2:
            return _counted(f"{whole},{cents}" if cents else whole, forms, tongue)
        spoken, small = _counted(whole, forms, tongue), in_words(int(cents), tongue.numbers)
        return spoken if not int(cents) or spoken is None else f"{spoken}{tongue.joins_cents}{small}"

    def time(found: _Match) -> str | None:
        hours, minutes = in_words(int(found["hours"]), tongue.numbers), int(found["minutes"])
        if hours is not None and found["hours"].lstrip("0") == "1" and tongue.code == "de":
            hours = "ein"
        spoken = (
            f"{hours}{tongue.joins_minutes}{in_words(minutes, tongue.numbers) if minutes else ''}".rstrip()
        )
        return spoken.removesuffix(" e")

    def span(found: _Match) -> str | None:
        left, right = (int(re.sub(r"\D", "", found[side])) for side in ("left", "right"))
        return tongue.to if right > left or found["dash"] == "–" else None

    hour = rf"(?:\s?{tongue.hour}\b)?" if tongue.hour else ""
    yield _rule(rf"(?<![\d:.,])(?P<hours>\d{{1,2}})(?::|\s?h\s?)(?P<minutes>\d{{2}})(?![\d:]){hour}", time)
    yield _rule(
        rf"(?<![\d.,-])(?P<left>{_WHOLE})(?P<it>\s?(?P<dash>[-–])\s?)(?=(?P<right>{_WHOLE})(?![\d-]))", span
    )
    yield _rule(_MINUS, lambda found: tongue.minus)
    yield _rule(
        rf"(?P<before>{signs})\s?(?P<amount>{_NUMBER})|(?P<amount_before>{_NUMBER})\s?(?P<after>{signs})(?!\w)",
        price,
    )
    yield _rule(
        rf"(?P<amount>{_NUMBER})\s?%", lambda found: _counted(found["amount"], (tongue.percent,) * 2, tongue)
    )
    yield _rule(
        rf"(?P<amount>{_NUMBER})\s?(?P<unit>{units})(?![\w²³/'])",
        lambda found: _counted(found["amount"], tongue.units[found["unit"]], tongue),
    )


def _word_rules(tongue: Tongue) -> Iterable[Rule]:
    short, numbered = tongue.abbreviations, tongue.before_numbers
    yield _rule(rf"(?<![\w.])(?P<short>{_any_of(short)})(?!\w)", lambda found: short[found["short"]])
    yield _rule(rf"(?<![\w.])(?P<short>{_any_of(numbered)})(?=\s?\d)", lambda found: numbered[found["short"]])


def _rule(pattern: str, say: Callable[[_Match], str | None]) -> Rule:
    return Rule(pattern=re.compile(pattern), say=say)


def _german_ordinal(found: _Match) -> str | None:
    before = (found["before"] or "").lower()
    # The neuter and masculine article leave the -e, the other cases take -en; without an article -er.
    ending = {"der": "", "die": "", "das": "", "": "r", "ein": "r", "eine": ""}.get(before, "n")
    spoken = in_words(int(found["it"].rstrip(".")), "de", "ordinal")
    return None if spoken is None else spoken + ending


def _french_ordinal(found: _Match) -> str | None:
    value = roman_value(found["roman"]) if found["roman"] else int(found["digits"])
    if value == 1:
        return "première" if "r" in found["ending"] and found["ending"] != "er" else "premier"
    if value == 2 and found["ending"].startswith("nd"):
        return "second" if found["ending"] == "nd" else "seconde"
    return None if not value else in_words(value, "fr", "ordinal")


def _french_king(found: _Match) -> str | None:
    value = roman_value(found["it"])
    return in_words(value, "fr") if value and value > 1 else None


def _latin_ordinal(language: str) -> Callable[[_Match], str | None]:
    """Ordinals with a raised o or a, in which each word bends."""

    def say(found: _Match) -> str | None:
        spoken = in_words(int(found["digits"]), language, "ordinal")
        if spoken is None or found["gender"] == "º":
            return spoken
        return " ".join(word[:-1] + "a" if word.endswith("o") else word for word in spoken.split())

    return say


def _century(language: str) -> Callable[[_Match], str | None]:
    def say(found: _Match) -> str | None:
        value = roman_value(found["it"])
        return None if not value else in_words(value, language)

    return say


def _spanish_king(found: _Match) -> str | None:
    value = roman_value(found["it"])
    return (
        None if not value or value == 1 else in_words(value, "es", "ordinal" if value <= 10 else "cardinal")
    )


_GERMAN_MONTHS = (
    "Januar|Jänner|Februar|März|April|Mai|Juni|Juli|August|September|Oktober|November|Dezember|Jahrhundert|Jh"
)
_GERMAN_ARTICLES = "der|die|das|dem|den|des|am|im|vom|zum|zur|beim|seit|bis|ein|eine|einen|einem|einer|eines"
_SAY_BY_LANGUAGE = {language: _latin_ordinal(language) for language in ("es", "it", "pt")}
_RAISED = r"(?<![\d.,])(?P<digits>\d{1,3})\.?(?P<gender>[ºª])"
_FRENCH_KINGS = (
    "Louis|Charles|Henri|Philippe|Napoléon|Pie|Jean|Paul|Benoît|Léon|Clément|Innocent|Grégoire|Georges"
)
_SPANISH_KINGS = (
    "Felipe|Carlos|Alfonso|Fernando|Isabel|Pío|Juan Pablo|Benedicto|León|Enrique|Luis|Jorge|Pedro|Jaime"
)
_ORDINALS: dict[str, Sequence[Rule]] = {
    "de": (
        _rule(
            rf"(?i:\b(?P<before>{_GERMAN_ARTICLES})\s)(?P<it>\d{{1,4}}\.)(?=\s?[A-ZÄÖÜa-zäöü])",
            _german_ordinal,
        ),
        _rule(rf"(?<![\d.,])(?P<before>)(?P<it>\d{{1,2}}\.)(?=\s?(?:{_GERMAN_MONTHS})\b)", _german_ordinal),
    ),
    "fr": (
        _rule(
            r"(?<![\d.,])(?P<digits>\d{1,4})(?P<roman>)(?P<ending>ers?|ères?|res?|es?|èmes?|emes?|nde?s?)\b",
            _french_ordinal,
        ),
        _rule(r"\b(?P<digits>)(?P<roman>[IVX]+)(?P<ending>er|ère|ème|e)\b", _french_ordinal),
        _rule(rf"\b(?:{_FRENCH_KINGS})\s(?P<it>{ROMAN})\b", _french_king),
        _rule(r"\bM\.(?=\s+[A-ZÉÈÀ])", lambda found: "monsieur"),
    ),
    "es": (
        _rule(_RAISED, _SAY_BY_LANGUAGE["es"]),
        _rule(rf"\b[Ss]iglos?\s(?P<it>{ROMAN})\b", _century("es")),
        _rule(rf"\b(?:{_SPANISH_KINGS})\s(?P<it>{ROMAN})\b", _spanish_king),
    ),
    "it": (_rule(_RAISED, _SAY_BY_LANGUAGE["it"]),),
    "pt": (
        _rule(_RAISED, _SAY_BY_LANGUAGE["pt"]),
        _rule(rf"\b[Ss]éculos?\s(?P<it>{ROMAN})\b", _century("pt")),
    ),
    "nl": (
        _rule(
            r"(?<![\d.,])(?P<digits>\d{1,4})(?:ste|de|e)\b",
            lambda found: in_words(int(found["digits"]), "nl", "ordinal"),
        ),
    ),
}
