"""Which expressions are read otherwise than they are written: the rules of each language."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

from prep_corpus.align.spoken import english as spoken_english
from prep_corpus.align.spoken import european as spoken_european
from prep_corpus.align.spoken import mandarin as spoken_mandarin
from prep_corpus.align.spoken.european_words import TONGUES
from prep_corpus.align.spoken.numbers import in_words
from prep_corpus.align.spoken.rules import Rule, apply_rules
from prep_corpus.align.traced import Edit

_THREE_LETTERS = {
    "eng": "en", "deu": "de", "ger": "de", "fra": "fr", "fre": "fr", "spa": "es", "ita": "it", "por": "pt",
    "nld": "nl", "dut": "nl", "rus": "ru", "pol": "pl", "zho": "zh", "chi": "zh", "cmn": "zh", "jpn": "ja",
    "kor": "ko", "tur": "tr", "ukr": "uk", "ces": "cs", "cze": "cs", "swe": "sv", "dan": "da", "nor": "no",
    "nob": "no", "nb": "no", "fin": "fi", "hun": "hu", "ara": "ar", "fas": "fa", "per": "fa", "cat": "ca",
    "ron": "ro", "rum": "ro", "vie": "vi", "tha": "th", "heb": "he", "ind": "id", "kaz": "kk",
}  # fmt: skip


def primary_language(tag: str) -> str:
    """The primary subtag in two letters where there are two ("en" of "en-GB", "eng" and "EN_us").

    Args:
        tag: a BCP 47 tag or an ISO 639-3 code.
    """
    primary = re.split(r"[-_]", tag.strip().lower())[0]
    return _THREE_LETTERS.get(primary, primary)


def spoken_edits(text: str, language: str) -> list[Edit]:
    """What a reader of the language says instead of numbers, units, abbreviations and symbols.

    Args:
        text: came through `characters.cleaning_edits`.
        language: primary subtag. For one without rules there is nothing.
    """
    return apply_rules(text, rules_for(language))


@lru_cache(maxsize=64)
def rules_for(language: str) -> Sequence[Rule]:
    """The rules of a language, the most special first; none for one whose numbers nobody here knows.

    Args:
        language: primary subtag.
    """
    if language == "en":
        return spoken_english.ENGLISH_RULES
    if language == "zh":
        return spoken_mandarin.MANDARIN_RULES
    if language in TONGUES:
        return spoken_european.rules_of(TONGUES[language])
    return spoken_european.plain_rules_of(language) if in_words(1, language) is not None else ()
