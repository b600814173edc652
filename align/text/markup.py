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
_RAISED_NUMBER = re.compile(
    r"<sup(?![\w-])[^<>]{0,200}>\s?(?:<a(?![\w-])[^<>]{0,200}>\s?)?(?P<digits>\d{1,5})(?=\s?(?:</a>\s?)?</sup>)",
    re.I,
)
_RAISED = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")
_MARKDOWN = re.compile(
    r"(?P<image>!\[[^\[\]\n]*\]\([^()\n]*\))"
    r"|(?P<open>\[)[^\[\]\n]+(?P<target>\]\([^()\n]*\))"
    r"|(?P<rule>^[ \t]*[-*_](?:[ \t]*[-*_]){2,}[ \t]*$)"
    r"|(?P<line>^[ \t]*(?:\#{1,6}|>+|[-*+])[ \t]+)"
    r"|(?P<mark>(?<!\w)[*_]{1,3}(?=\w)|(?<=\S)[*_]{1,3}(?!\w)|`+)",
    re.M | re.X,
)
_ENTITY = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")

_NAME = r"[^\W\d_][\w.'’\-]*(?:[ ]\#?[\w.'’&\-]+){0,4}"
_STRONG = r"[*_]{0,3}"
_LABEL = re.compile(
    rf"^[ \t>\-–—]*(?:\[[^\[\]\n]*\][ \t]*)?{_STRONG}(?P<name>{_NAME})(?<!_){_STRONG}[ \t]*"
    rf"(?:(?P<aside>\([^()\n]{{0,80}}\)|\[[^\[\]\n]{{0,80}}\])[ \t]*)?:{_STRONG}(?=\s|$)[ \t]*",
    re.M,
)
_BRACKETED_LABEL = re.compile(
    r"^[ \t>\-–—]{0,20}(?:\[[^\[\]\n]{1,60}\]|\([^()\n]{1,60}\)|<[^<>\n]{1,60}>)[ \t]{0,3}:(?=\s|$)[ \t]*",
    re.M,
)
_TIME = r"[\[(]?\d{1,2}:\d{2}(?::\d{2})?(?:[.,]\d{1,3})?[\])]?"
# Lines of recognisers and meeting tools: "Ann Lee  0:05", "00:00:12 Speaker 2", "[Ann Lee] 00:00:05".
_TIMED_NAME = re.compile(
    rf"^[ \t]{{0,9}}(?:{_STRONG}(?:\[(?P<held>{_NAME})\]|(?P<name>{_NAME})(?<!_)){_STRONG}[ \t]{{1,9}}{_TIME}"
    rf"|{_TIME}[ \t]{{1,9}}(?:[-–—][ \t])?(?P<after>{_NAME}))(?<![.!?])[ \t]*$",
    re.M,
)
_QUESTION = re.compile(r"^[ \t]{0,20}(?P<side>[QA])\.(?=[ \t]+\S)[ \t]*", re.M)
_TURN = re.compile(r"(?<=[.!?…\"”’])[ \t]{1,3}[-–][ \t]{0,3}(?=[\"“‘'¿¡]?(?P<first>[^\W\d_]))")
_VOICE = re.compile(r"\((?:[^a-z()]{1,80}|[Cc]ont['’]?d\.?|[Vv]oice[- ]?over|[Oo]ff[- ]?(?:screen|camera))\)")
_AROUND_NAME = re.compile(r"\A[\s>:–—\[\]()<-]+|[\s>:–—\[\]()<-]+\Z")
_NO_NAME = re.compile(
    r"(?:act|appendix|book|chapter|chapitre|kapitel|cap[ií]tulo|figure|footnote|lesson|note|page|part|scene|section"
    r"|table|teil|tome|verse|vol|volume)\b",
    re.I,
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
_NOISE = re.compile(_NOISES, re.I)
_DIRECTION = re.compile(
    r"(?<!\w)\[[^\[\]\n]{0,300}\](?!\w)(?:[ \t]{0,3}:(?=\s|$))?"  # [w]hen is an editor's, [laughs] is a direction
    r"|(?<!\w)\{[^{}\n]{0,300}\}(?!\w)"
    r"|(?<!\w)<(?:\|[^|<>\n]{1,30}\||[^\W\d_][\w/ -]{0,30})>(?!\w)"  # <COMMA>, <unk>, <|endoftext|>
    r"|^[ \t]*\([^()\n]{1,300}\)[ \t]*$"
    rf"|(?<![\w*])\*(?:{_NOISES})[^*\n]{{0,60}}\*(?![\w*])"
    rf"|(?<!\w)\((?:{_NOISES})[^()\n]{{0,60}}\)(?!\w)",
    re.M | re.I,
)


def raised_edits(number: str, start: int) -> list[Edit]:
    """Edits that write the digits of a number as superscript characters, so that a plain text shows that it was raised.

    Args:
        number: its digits, perhaps with white space around.
        start: where it stands in the text.
    """
    return [
        (start + at, start + at + 1, raised)
        for at, c in enumerate(number)
        if (raised := c.translate(_RAISED)) != c
    ]


def raised_number_edits(text: str) -> list[Edit]:
    """The same for the numbers in `<sup>` tags, before the tags are taken out."""
    if "<" not in text:
        return []
    return [
        edit
        for found in _RAISED_NUMBER.finditer(text)
        for edit in raised_edits(found["digits"], found.start("digits"))
    ]


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

    A label in brackets ("[Mary]:"), in capitals or with a digit ("JOHN:", "Speaker 2:") counts at once, one in mixed
    case ("Mary:")
    only where it stands on two lines or more, so that "Note:" stays.
    """
    return [(start, end, "") for start, end, _ in speaker_labels(text)]


def speaker_labels(text: str) -> list[Edit]:
    """The labels that `speaker_edits` takes out, each with the speaker whom it names; "" where it names none."""
    found = [
        *_question_labels(text),
        *((*line.span(), _named(line[0])) for line in _BRACKETED_LABEL.finditer(text)),
    ]
    if ":" in text:
        labels = [label for label in _LABEL.finditer(text) if _is_name(label["name"])]
        times = Counter(label["name"] for label in labels)
        found += [
            (label.start(), label.end(), _named(label["name"]))
            for label in labels
            if label["name"].isupper()
            or times[label["name"]] > 1
            or any(c.isdigit() for c in label["name"])
            or _is_voice(label["aside"])
        ]
        lines = [
            (line.span(), line["held"] or line["name"] or line["after"], line["held"])
            for line in _TIMED_NAME.finditer(text)
        ]
        often = Counter(name for _, name, _ in lines)
        found += [
            # "[Music] 00:05" tells when, and names nobody.
            (*span, "" if held and _NOISE.match(held) else _named(name))
            for span, name, held in lines
            if _is_name(name) and (often[name] > 1 or any(c.isdigit() for c in name))
        ]
    return _without_overlap(found)


def _named(label: str) -> str:
    """The name in a label, without brackets and marks; "" where it is a part of a book or says no name."""
    name = " ".join(_AROUND_NAME.sub("", label).split())
    return "" if _NO_NAME.match(name) or not any(c.isalpha() for c in name) else name


def _question_labels(text: str) -> list[Edit]:
    """The "Q." and "A." of a hearing, where both stand at the starts of two lines or more."""
    found = list(_QUESTION.finditer(text))
    times = Counter(line["side"] for line in found)
    return [(*line.span(), line["side"]) for line in found] if min(times["Q"], times["A"]) > 1 else []


def _is_voice(aside: str | None) -> bool:
    """Whether it says how a name in a script is heard: "(V.O.)", "(cont'd)"."""
    return aside is not None and _VOICE.fullmatch(aside) is not None and not any(map(str.isdigit, aside))


def _is_name(name: str) -> bool:
    words = [word.lstrip("#") for word in name.split()]
    return all(word[:1].isupper() or word[:1].isdigit() or word in _SMALL_NAME_WORDS for word in words)


def _without_overlap(edits: list[Edit]) -> list[Edit]:
    """In order, each that begins before the last has ended left out."""
    kept: list[Edit] = []
    for edit in sorted(edits):
        if not kept or edit[0] >= kept[-1][1]:
            kept.append(edit)
    return kept


def turn_edits(text: str) -> list[Edit]:
    """Edits that take out the dash of a second speaker in one line of a caption ("Yes. - No.")."""
    return [(*found.span(), " ") for found in _TURN.finditer(text) if found["first"].isupper()]


def direction_edits(text: str) -> list[Edit]:
    """Edits that take out stage directions.

    Those are square brackets, braces, names in angle brackets, round brackets that fill a line or hold a noise
    ("(laughs)"), and noises between asterisks.
    """
    if not any(mark in text for mark in "[{(*<"):
        return []
    return [(*found.span(), " ") for found in _DIRECTION.finditer(text)]
