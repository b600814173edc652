"""Other scripts in Latin letters (uroman, extra [uroman]), for models that spell in no others.

Each run without a space is romanised by itself, so that a word is spelled alike wherever it stands. Its pieces say
which characters they come from; what uroman writes nothing for goes with the piece before it, so that every character
of a word is in the span of some letter.

Two things are put right: uroman writes Han numerals as digits, inside names too, and the mark that repeats a character
as another digit. Han characters are read as Mandarin, in Japanese too.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import Any

from prep_corpus.align.errors import UsageError
from prep_corpus.align.language_tags import three_letters
from prep_corpus.align.traced import Edit

_RUN = re.compile(r"\S+")
_LATIN = "LATIN"
_HAN = """
〇:ling 零:ling 一:yi 二:er 三:san 四:si 五:wu 六:liu 七:qi 八:ba 九:jiu 十:shi 百:bai 千:qian
万:wan 萬:wan 亿:yi 億:yi 兆:zhao 两:liang 兩:liang
"""
_JAPANESE = """
〇:zero 零:rei 一:ichi 二:ni 三:san 四:yon 五:go 六:roku 七:nana 八:hachi 九:kyuu 十:juu 百:hyaku 千:sen
万:man 億:oku 兆:chou
"""
_HAN_NUMERALS = {pair[0]: pair[2:] for pair in _HAN.split()}
_JAPANESE_NUMERALS = {pair[0]: pair[2:] for pair in _JAPANESE.split()}
_REPEATS = "々〻"


def roman_edits(text: str, language: str) -> list[Edit]:
    """Edits that write what is in another script in Latin letters; Latin words stay as they are.

    Args:
        text: any.
        language: tag of the text; some scripts are read otherwise in some languages.

    Raises:
        UsageError: uroman is not installed.
    """
    code = three_letters(language)
    edits: list[Edit] = []
    for match in _RUN.finditer(text):
        run, start = match.group(), match.start()
        if any(_is_foreign(letter) for letter in run):
            edits += [(start + first, start + last, roman) for first, last, roman in _pieces(run, code)]
    return edits


def _is_foreign(letter: str) -> bool:
    """Whether a character is of a script that has letters of its own."""
    if letter.isascii() or unicodedata.category(letter)[0] not in "LM":
        return letter in _HAN_NUMERALS
    return not unicodedata.name(letter, "").startswith((_LATIN, "COMBINING", "MODIFIER"))


@lru_cache(maxsize=100_000)
def _pieces(run: str, code: str) -> tuple[Edit, ...]:
    """(first, end, Latin letters) of each piece of a run without spaces; no gaps, and none is empty but by need."""
    numerals = _JAPANESE_NUMERALS if code == "jpn" else _HAN_NUMERALS
    pieces: list[Edit] = []
    for start, end, roman in _edges(run, code):
        source = run[start:end]
        if any(letter in numerals or letter in _REPEATS for letter in source):
            roman = "".join(_numeral(run, start + at, numerals, pieces) for at in range(len(source)))
        if not roman and pieces:
            first, _, before = pieces[-1]
            pieces[-1] = (first, end, before)
        elif pieces and not pieces[-1][2]:
            first, _, _ = pieces.pop()
            pieces.append((first, end, roman))
        else:
            pieces.append((start, end, roman))
    return tuple(pieces)


def _numeral(run: str, at: int, numerals: dict[str, str], before: list[Edit]) -> str:
    if run[at] in _REPEATS:
        # With nothing to repeat it stays as it is, and is told as what the model cannot say.
        return (before[-1][2] if before else "") or run[at]
    if run[at] in numerals:
        return numerals[run[at]]
    return "".join(roman for _, _, roman in _edges(run[at], "zho"))


def _edges(run: str, code: str) -> list[Edit]:
    """What uroman makes of a run: pieces in order, without gaps or overlaps.

    uroman 1.3.1 fails on some runs, such as one whose sign of a fraction ends it; these are halved until it does not.
    """
    roman, form = _uroman()
    try:
        edges = roman.romanize_string(run, lcode=code, rom_format=form)
    except (AttributeError, IndexError, KeyError, TypeError, ValueError):
        half = len(run) // 2
        if not half:
            return [(0, len(run), "")]
        return _edges(run[:half], code) + [
            (half + start, half + end, text) for start, end, text in _edges(run[half:], code)
        ]
    found: list[Edit] = []
    done = 0
    for edge in edges:
        start, end = max(int(edge.start), done), int(edge.end)
        if start > done:
            found.append((done, start, ""))
        if end > start:
            found.append((start, end, str(edge.txt)))
            done = end
    if done < len(run):
        found.append((done, len(run), ""))
    return found


@lru_cache(maxsize=1)
def _uroman() -> tuple[Any, Any]:
    try:
        from uroman import RomFormat, Uroman
    except ModuleNotFoundError as error:
        raise UsageError(
            "--romanize writes other scripts in Latin letters by uroman: pip install 'prep-corpus[uroman]'"
        ) from error
    return Uroman(), RomFormat.EDGES
