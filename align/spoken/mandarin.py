"""How Mandarin is read aloud where it is written in digits."""

from __future__ import annotations

import re
from collections.abc import Callable

from prep_corpus.align.spoken.numbers import MAX_CARDINAL_DIGITS
from prep_corpus.align.spoken.rules import Rule

_Match = re.Match[str]
_DIGITS = "零一二三四五六七八九"
_SMALL = ("", "十", "百", "千")
_LARGE = ("", "万", "亿", "万亿")
_NUMBER = r"(?<!\d)(?:\d{1,3}(?:,\d{3})+(?!\d)|\d+)(?:\.\d+)?"


def digits(written: str) -> str:
    """Digits one after another, as in years and telephone numbers."""
    return "".join(_DIGITS[int(digit)] for digit in written)


def cardinal(value: int) -> str:
    """A whole number below 10 to the 16: 10 is 十, 110 一百一十, 1005 一千零五."""
    if value == 0:
        return _DIGITS[0]
    spoken, skipped = "", False
    groups = [(value // 10 ** (4 * place)) % 10**4 for place in range(len(_LARGE))]
    for place in reversed(range(len(_LARGE))):
        group = groups[place]
        if not group:
            skipped = bool(spoken)
            continue
        spoken += "零" if spoken and (skipped or group < 1000) else ""
        spoken += _group(group) + _LARGE[place]
        skipped = False
    return spoken[1:] if spoken.startswith("一十") else spoken


def _group(value: int) -> str:
    spoken, zero = "", False
    for place in (3, 2, 1, 0):
        digit = value // 10**place % 10
        if digit:
            spoken += ("零" if zero and spoken else "") + _DIGITS[digit] + _SMALL[place]
        zero = not digit
    return spoken


def number(written: str) -> str:
    """A number with commas and decimal point."""
    whole, _, places = written.replace(",", "").partition(".")
    serial = len(whole) > MAX_CARDINAL_DIGITS or (len(whole) > 1 and whole[0] == "0")
    spoken = digits(whole) if serial else cardinal(int(whole))
    return f"{spoken}点{digits(places)}" if places else spoken


def _rule(pattern: str, say: Callable[[_Match], str | None]) -> Rule:
    return Rule(pattern=re.compile(pattern), say=say)


_CURRENCIES = {"¥": "元", "￥": "元", "$": "美元", "€": "欧元", "£": "英镑"}
_UNITS = {
    "km": "公里",
    "m": "米",
    "cm": "厘米",
    "mm": "毫米",
    "kg": "公斤",
    "g": "克",
    "°C": "摄氏度",
    "°": "度",
}

MANDARIN_RULES = (
    _rule(r"(?P<it>\d{4})(?=\s?年)", lambda found: digits(found["it"])),
    _rule(
        r"(?<![\d:])(?P<hours>\d{1,2}):(?P<minutes>\d{2})(?![\d:])",
        lambda found: f"{cardinal(int(found['hours']))}点" + _minutes(found["minutes"]),
    ),
    _rule(rf"(?P<amount>{_NUMBER})\s?%", lambda found: f"百分之{number(found['amount'])}"),
    _rule(
        rf"(?P<sign>[{''.join(_CURRENCIES)}])\s?(?P<amount>{_NUMBER})(?P<scale>[万亿]?)",
        lambda found: number(found["amount"]) + found["scale"] + _CURRENCIES[found["sign"]],
    ),
    _rule(
        rf"(?P<amount>{_NUMBER})\s?(?P<unit>{'|'.join(_UNITS)})(?![A-Za-z])",
        lambda found: number(found["amount"]) + _UNITS[found["unit"]],
    ),
    _rule(
        r"(?<![\d/])(?P<over>\d{1,3})/(?P<under>\d{1,3})(?![\d/])",
        lambda found: f"{cardinal(int(found['under']))}分之{cardinal(int(found['over']))}",
    ),
    _rule(r"(?P<it>[-–~])(?=\d)(?<=\d[-–~])", lambda found: "到"),
    _rule(r"(?<![^\s(])[-−](?=\d)|−(?=\d)", lambda found: "负"),
    _rule(r"(?<!\d)1\d{10}(?!\d)", lambda found: digits(found[0])),
    _rule(_NUMBER, lambda found: number(found[0])),
    _rule("%", lambda found: "百分之"),
)


def _minutes(written: str) -> str:
    if written == "00":
        return ""
    return ("零" if written[0] == "0" else "") + cardinal(int(written)) + "分"
