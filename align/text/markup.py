"""What stands in a transcript and is not read out: tags, speaker labels, stage directions."""

from __future__ import annotations

import re
from collections import Counter

from prep_corpus.align.traced import Edit

# Tags inside a sentence vanish without a trace; all others end a line, so that labels are found behind them.
_INLINE_TAGS = frozenset({
    "a", "abbr", "b", "bdi", "bdo", "big", "c", "cite", "code", "del", "dfn", "em", "font", "i", "ins", "kbd",
    "lang", "mark", "q", "rp", "rt", "ruby", "s", "samp", "small", "span", "strike", "strong", "sub", "sup",
    "tt", "u", "v", "var",
})  # fmt: skip
# No part of a pattern can give back what another could take: files of any content are read in a time that grows
# with their length alone.
_HTML = re.compile(
    r"(?P<comment><!--)|<(?P<whole>script|style|head)(?![\w-])|</?(?P<tag>[A-Za-z][\w-]*)(?![\w-])[^<>]*>|<![^<>]*>"
    r"|<\d[\d:.]*>|<\?[^<>]*>",
    re.I,
)
_WHOLE_ENDS = {name: re.compile(rf"</{name}\s{{0,20}}>", re.I) for name in ("script", "style", "head")}
_MARKDOWN = re.compile(
    r"(?P<image>!\[[^\[\]\n]*\]\([^()\n]*\))"
    r"|(?P<open>\[)[^\[\]\n]+(?P<target>\]\([^()\n]*\))"
    r"|(?P<rule>^[ \t]*[-*_](?:[ \t]*[-*_]){2,}[ \t]*$)"
    r"|(?P<line>^[ \t]*(?:\#{1,6}|>+|[-*+])[ \t]+)"
    r"|(?P<mark>(?<!\w)[*_]{1,3}(?=\w)|(?<=\S)[*_]{1,3}(?!\w)|`+)",
    re.M | re.X,
)
_ENTITY = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")

_NAME = r"[^\W\d_][\w.'’\-]*(?:[ ][\w.'’&\-]+){0,4}"
_LABEL = re.compile(
    rf"^[ \t>\-–—]*(?:\[[^\[\]\n]*\][ \t]*)?(?P<name>{_NAME})[ \t]*"
    r"(?P<aside>\([^()\n]{0,80}\)|\[[^\[\]\n]{0,80}\])?[ \t]*:(?=\s|$)[ \t]*",
    re.M,
)
_SMALL_NAME_WORDS = frozenset(
    {"and", "de", "del", "der", "di", "du", "la", "le", "of", "the", "van", "von", "y"}
)

_NOISES = (
    "applause|audience|beat|break|breath|chuckl|clapping|clears? throat|cough|cheer|cries|crosstalk|crying"
    "|exhal|exit|gasp|giggl|groan|inaudible|indistinct|inhal|laugh|music|noise|off[- ]?mic|overlapping|pause"
    "|phone|ringing|scoff|sigh|silence|singing|sings|sniff|sob|static|unclear|unintelligible|unknown|whisper"
    "|yawn"
)
_DIRECTION = re.compile(
    r"(?<!\w)\[[^\[\]\n]{0,300}\](?!\w)"  # [w]hen is an editor's, [laughs] is a direction
    r"|(?<!\w)\{[^{}\n]{0,300}\}(?!\w)"
    r"|^[ \t]*\([^()\n]{1,300}\)[ \t]*$"
    rf"|(?<!\w)\((?:{_NOISES})[^()\n]{{0,60}}\)(?!\w)",
    re.M | re.I,
)


def html_edits(text: str) -> list[Edit]:
    """Edits that take out tags, comments, scripts and styles.

    Args:
        text: HTML, or a text that holds some.
    """
    edits: list[Edit] = []
    at = 0
    endless: set[str] = set()
    while found := _HTML.search(text, at):
        end, inline = (
            found.end(),
            (found["tag"] or "").lower() in _INLINE_TAGS or found[0][1] in "!0123456789",
        )
        swallows = "comment" if found["comment"] else (found["whole"] or "").lower()
        if swallows:
            close = -1 if swallows in endless else _end_of(text, swallows, end)
            if close < 0:
                # Nothing ends it, nor any later one: it is a tag that ends with its bracket, or a "<".
                endless.add(swallows)
                close = text.find(">", end) + 1 or end
            end = close
        edits.append((found.start(), end, "" if inline else "\n"))
        at = end
    return edits


def _end_of(text: str, opened: str, at: int) -> int:
    """Where a comment or an element that is left out as a whole ends, after `at`; -1 where it never does."""
    if opened == "comment":
        close = text.find("-->", at)
        return close + 3 if close >= 0 else -1
    found = _WHOLE_ENDS[opened].search(text, at)
    return -1 if found is None else found.end()


def entity_spans(text: str) -> list[tuple[int, int]]:
    """Half-open spans of the character references, such as `&nbsp;`."""
    return [found.span() for found in _ENTITY.finditer(text)] if "&" in text else []


def markdown_edits(text: str) -> list[Edit]:
    """Edits that take out Markdown's marks, pictures and link targets, and leave the words."""
    edits: list[Edit] = []
    for found in _MARKDOWN.finditer(text):
        if found["open"]:
            edits += [(*found.span("open"), ""), (*found.span("target"), "")]
        else:
            edits.append((*found.span(), "\n" if found["image"] or found["rule"] else ""))
    return edits


def speaker_edits(text: str) -> list[Edit]:
    """Edits that take out the names of speakers at the starts of lines.

    A label in capitals or with a digit ("JOHN:", "Speaker 2:") counts at once, one in mixed case ("Mary:")
    only where it stands on two lines or more, so that "Note:" stays.
    """
    found = [label for label in _LABEL.finditer(text) if _is_name(label["name"])] if ":" in text else []
    times = Counter(label["name"] for label in found)
    return [
        (label.start(), label.end(), "")
        for label in found
        if label["name"].isupper() or times[label["name"]] > 1 or any(c.isdigit() for c in label["name"])
    ]


def _is_name(name: str) -> bool:
    return all(word[0].isupper() or word[0].isdigit() or word in _SMALL_NAME_WORDS for word in name.split())


def direction_edits(text: str) -> list[Edit]:
    """Edits that take out stage directions.

    Those are square brackets, braces, and round ones that fill a line or hold a noise ("(laughs)").
    """
    return [(*found.span(), " ") for found in _DIRECTION.finditer(text)]
