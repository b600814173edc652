"""Hashtags, as any language reads them: "#LoveWins" is "hashtag love wins"."""

from __future__ import annotations

import re

from prep_corpus.align.spoken.numbers import whole_in_words
from prep_corpus.align.spoken.rules import Rule

_BORDERS = re.compile(r"(?<=[^\W\d_])(?=\d)|(?<=\d)(?=[^\W\d_])|(?<=[a-zà-öø-ÿ])(?=[A-ZÀ-ÖØ-Þ])|_+")


def hashtag_rules(language: str) -> tuple[Rule, ...]:
    """The words of a tag, where it holds several, and the sign before it.

    Args:
        language: primary subtag, for numbers in a tag.
    """

    def parted(found: re.Match[str]) -> str | None:
        humps = _BORDERS.sub(" ", found["it"]).split()
        spoken = [whole_in_words(hump, language) if hump.isdecimal() else hump for hump in humps]
        return None if len(humps) < 2 or None in spoken else " ".join(hump for hump in spoken if hump)

    return (
        Rule(pattern=re.compile(r"(?<![\w&#])#(?P<it>[^\W\d_]\w{1,80})"), say=parted, needs="#"),
        Rule(pattern=re.compile(r"(?<![\w&#])(?P<it>#)(?=[^\W\d_])"), say=lambda found: "hashtag", needs="#"),
    )
