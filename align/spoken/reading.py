"""Which expressions are read otherwise than they are written: the rules of each language."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

from prep_corpus.align.language_tags import THREE_LETTERS, primary_of
from prep_corpus.align.spoken import english as spoken_english
from prep_corpus.align.spoken import european as spoken_european
from prep_corpus.align.spoken import mandarin as spoken_mandarin
from prep_corpus.align.spoken.european_words import TONGUES
from prep_corpus.align.spoken.numbers import in_words
from prep_corpus.align.spoken.rules import Rule, apply_rules
from prep_corpus.align.traced import Edit

_OTHER_CODES = {
    "ger": "de", "fre": "fr", "dut": "nl", "chi": "zh", "cmn": "zh", "cze": "cs", "nob": "no", "nb": "no", "per": "fa",
    "pes": "fa", "rum": "ro", "gre": "el", "alb": "sq", "als": "sq", "arb": "ar", "arm": "hy", "ekk": "et", "geo": "ka",
    "ice": "is", "lvs": "lv", "mac": "mk", "may": "ms", "slo": "sk", "swh": "sw", "wel": "cy", "zsm": "ms",
}  # fmt: skip
"""Codes of libraries, of single languages of a group, and of Norwegian's written form, as the usual two letters."""
_TWO_LETTERS = {three: two for two, three in THREE_LETTERS.items()} | _OTHER_CODES


def primary_language(tag: str) -> str:
    """The primary subtag in two letters where there are two ("en" of "en-GB", "eng" and "EN_us").

    Args:
        tag: a BCP 47 tag or an ISO 639-3 code.
    """
    primary = primary_of(tag.strip())
    return _TWO_LETTERS.get(primary, primary)


def counting_language(tag: str) -> str:
    """The primary subtag, with the region where that counts otherwise: "pt-br", "fr-be" and "fr-ch".

    Args:
        tag: a BCP 47 tag ("pt-BR", "por_Latn_BR").
    """
    primary = primary_language(tag)
    regional = (f"{primary}-{part.lower()}" for part in re.split("[-_]", tag.strip())[1:])
    return next((one for one in regional if one in TONGUES), primary)


def spoken_edits(text: str, language: str) -> list[Edit]:
    """What a reader of the language says instead of numbers, units, abbreviations and symbols.

    Args:
        text: came through `characters.cleaning_edits`.
        language: as `counting_language` gives it. For one without rules there is nothing.
    """
    return apply_rules(text, rules_for(language))


@lru_cache(maxsize=64)
def rules_for(language: str) -> Sequence[Rule]:
    """The rules of a language, the most special first; none for one whose numbers nobody here knows.

    Args:
        language: as `counting_language` gives it.
    """
    if language == "en":
        return spoken_english.ENGLISH_RULES
    if language == "zh":
        return spoken_mandarin.MANDARIN_RULES
    if language in TONGUES:
        return spoken_european.rules_of(TONGUES[language])
    return spoken_european.plain_rules_of(language) if in_words(1, language) is not None else ()
