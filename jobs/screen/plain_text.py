"""Texts from data, made fit for a terminal; the command line imports this, and nothing heavy with it."""

from __future__ import annotations

import re
from collections.abc import Sequence

from prep_corpus.align.secret_words import without_secrets

_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


def printable(text: str) -> str:
    """A text from data as a terminal may get it: no escape sequence, no user name, password or token."""
    return without_secrets(_CONTROL.sub("\N{REPLACEMENT CHARACTER}", text))


def some_of(names: Sequence[str], most: int = 3) -> str:
    """The first of some names, and how many there are besides: a.txt, b.txt, c.txt and 4 more."""
    more = len(names) - most
    return ", ".join(names[:most]) + (f" and {more} more" if more > 0 else "")


def counted(number: int, noun: str) -> str:
    """So many of something: 1 worker, 2 workers."""
    return f"{number} {noun}{'' if number == 1 else 's'}"
