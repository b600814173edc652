"""Rules that find expressions in a text and speak them out."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from prep_corpus.align.traced import Edit


@dataclass(frozen=True, kw_only=True)
class Rule:
    """One kind of expression.

    Attributes:
        pattern: finds it. A group named `it` alone is replaced, and the rest is context.
        say: its spoken form, or None where this is not one after all.
        needs_digit: whether it holds a digit, or stands next to one.
        needs: a character that it holds; "" where it is one of several.
    """

    pattern: re.Pattern[str]
    say: Callable[[re.Match[str]], str | None]
    needs_digit: bool = False
    needs: str = ""


def apply_rules(text: str, rules: Sequence[Rule]) -> list[Edit]:
    """The edits of all rules, in the order of the text; of two that overlap, the earlier rule's.

    Args:
        text: any text.
        rules: the most special first.
    """
    claimed = bytearray(len(text))
    edits: list[Edit] = []
    everywhere = [(0, len(text))]
    near_digits = _near_digits(text)
    for rule in rules:
        if rule.needs not in text:
            continue
        group: str | int = "it" if "it" in rule.pattern.groupindex else 0
        for window in near_digits if rule.needs_digit else everywhere:
            for found in rule.pattern.finditer(text, *window):
                start, end = found.span(group)
                if start == end or claimed.find(1, start, end) >= 0:
                    continue
                spoken = rule.say(found)
                if spoken is not None:
                    edits.append((start, end, _parted(text, start, end, spoken)))
                    claimed[start:end] = b"\x01" * (end - start)
    edits.sort()
    return edits


_DIGITS = re.compile(r"\d+")
_REACH = 40
"""Characters around a digit in which an expression that holds it begins and ends."""


def _near_digits(text: str) -> list[tuple[int, int]]:
    """Half-open spans around the digits of a text: most of a text has none, and most rules need one."""
    windows: list[tuple[int, int]] = []
    for found in _DIGITS.finditer(text):
        start, end = max(0, found.start() - _REACH), min(len(text), found.end() + _REACH)
        if windows and start <= windows[-1][1]:
            start = windows.pop()[0]
        windows.append((start, end))
    return windows


def _parted(text: str, start: int, end: int, spoken: str) -> str:
    """The spoken form, parted from what it touches by spaces, but for a genitive ("Henry VIII's")."""
    before, after = text[start - 1 : start] if start else " ", text[end : end + 1] or " "
    genitive = after == "'" and text[end + 1 : end + 2].isalpha()
    return f"{'' if before.isspace() else ' '}{spoken}{'' if after.isspace() or genitive else ' '}"
