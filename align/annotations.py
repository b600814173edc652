"""NIST segment time marks (.stm) and Praat's TextGrid: transcripts with times that researchers keep."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from prep_corpus.align.errors import EntryInvalid
from prep_corpus.align.traced import Edit, TracedText
from prep_corpus.align.transcripts import Piece, Transcript, assemble, piece_of

_STM_LINE = re.compile(
    r"^[ \t]*(?P<recording>\S+)[ \t]+(?P<channel>\S+)[ \t]+(?P<speaker>\S+)[ \t]+(?P<start>[\d.]+)[ \t]+(?P<end>[\d.]+)"
    r"(?:[ \t]+<[^<>\n]*,[^<>\n]*>|[ \t]+<[oO][^<>\n]*>)?(?:[ \t]+(?P<text>[^\r\n]*?))?[ \t]*\r?$",
    re.M,
)
_ANY_LINE = re.compile(r"^.+$", re.M)
_NOT_SCORED = "IGNORE_TIME_SEGMENT_IN_SCORING"
_ALTERNATIVES = re.compile(r"\{([^{}/\n]*)((?:/[^{}/\n]*)*)\}")
# Marks of noises and hesitations, and the words that scoring may leave out, in round brackets.
_STM_MARKS = re.compile(r"<[^<>\s]*>|\[[^\[\]\n]*\]|%\w+|(?<!\S)@(?!\S)|[()]")
_CLITIC = re.compile(r"(?<=\w)[ ](?='(?:s|t|d|m|re|ve|ll)\b)", re.I)

_TEXTGRID_TOKEN = re.compile(
    r'"(?P<text>(?:[^"]|"")*)"|(?<![^\s\[=])(?P<number>-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?)(?=[\s!]|$)|!.*'
)
_TEXTGRID_NAMES = (
    "words",
    "word",
    "transcript",
    "transcription",
    "text",
    "utterances",
    "utterance",
    "sentences",
    "orthography",
)
_SILENCES = frozenset(
    {"", "sil", "sp", "spn", "<eps>", "<sil>", "<unk>", "#", "<p:>", "silence", "pau", "h#"}
)


def parse_stm(
    original: str, *, name: str = "STM", recording: str | None = None, channel: str | None = None
) -> Transcript:
    """Segment time marks: recording, channel, speaker, start, end, an optional label, words.

    Segments are put in the order of their starts. Comments (;;) and segments that are not scored are left out; of
    alternatives ({a / b}) the first counts; marks of noises (<NA>, [breath], %hesitation) go, and
    " 's" joins the word before.

    Args:
        original: the decoded file.
        name: for messages.
        recording: the recording's name in the first column; may be None where the file holds one.
        channel: the second column; every channel where None.

    Raises:
        EntryInvalid: the file holds several recordings and none is named, or not the one named.
    """
    problems: list[str] = []
    found_lines = []
    for line in _ANY_LINE.finditer(original):
        if line[0].lstrip().startswith(";;") or not line[0].strip():
            continue
        found = _STM_LINE.match(original, line.start())
        if found is None or float(found["end"]) < float(found["start"]):
            number = original.count("\n", 0, line.start()) + 1
            problems.append(
                f"line {number}: a segment is recording channel speaker start end words, not {line[0][:80]!r}"
            )
        else:
            found_lines.append(found)
    names = sorted({found["recording"] for found in found_lines})
    if recording is None and len(names) > 1:
        raise EntryInvalid(
            f"{name}: the recording must be named where a file holds several, here {names[:10]}"
        )
    if recording is not None and recording not in names:
        raise EntryInvalid(
            f"{name}: there must be segments of {recording!r}, but there are those of {names[:10]}"
        )
    pieces = [
        Piece(
            traced=_stm_words(piece_of(original, *found.span("text"))),
            start_seconds=float(found["start"]),
            end_seconds=float(found["end"]),
            speaker=found["speaker"],
        )
        for found in sorted(found_lines, key=lambda found: float(found["start"]))
        if recording in (None, found["recording"])
        and channel in (None, found["channel"])
        and found["text"]
        and _NOT_SCORED not in found["text"].upper()
    ]
    return assemble(original, pieces, problems)


def _stm_words(traced: TracedText) -> TracedText:
    edits: list[Edit] = []
    for found in _ALTERNATIVES.finditer(traced.text):
        if not found[2]:
            edits.append((*found.span(), ""))  # {NOISE}
            continue
        edits += [(found.start(), found.start(1), ""), (found.end(1), found.end(), "")]
    traced = traced.replaced([edit for edit in edits if edit[0] < edit[1]])
    traced = traced.replaced([(*found.span(), "") for found in _STM_MARKS.finditer(traced.text)])
    return traced.replaced([(*found.span(), "") for found in _CLITIC.finditer(traced.text)])


@dataclass(frozen=True, kw_only=True)
class _Token:
    """A quoted text or a number of a TextGrid, with the half-open span of the text inside the quotes."""

    text: str | None
    number: float
    start: int
    end: int


def parse_textgrid(original: str, *, name: str = "TextGrid", tier: str | None = None) -> Transcript:
    """Praat's TextGrid, long or short: the intervals of one tier; silences are left out.

    Args:
        original: the decoded file.
        name: for messages.
        tier: the tier's name. Where None: the first interval tier with a usual name ("words", "transcript", ...),
            else the first with any text.

    Raises:
        EntryInvalid: it is no TextGrid, breaks off, or has no such tier.
    """
    tokens = list(_tokens(original))
    texts = [token.text for token in tokens[:2]]
    if texts != ["ooTextFile", "TextGrid"]:
        raise EntryInvalid(f"{name}: a TextGrid must begin with 'ooTextFile' and 'TextGrid', not {texts}")
    try:
        tiers = _interval_tiers(original, tokens)
    except IndexError:
        raise EntryInvalid(f"{name}: the TextGrid breaks off after {len(tokens)} fields") from None
    chosen = _choose_tier(tiers, tier)
    if chosen is None:
        raise EntryInvalid(
            f"{name}: there must be an interval tier {tier or 'with text'}, but there are {[name for name, _ in tiers]}"
        )
    return assemble(original, chosen)


def _tokens(original: str) -> Iterator[_Token]:
    for found in _TEXTGRID_TOKEN.finditer(original):
        if found["text"] is not None:
            yield _Token(text=found["text"], number=0.0, start=found.start("text"), end=found.end("text"))
        elif found["number"] is not None:
            yield _Token(text=None, number=float(found["number"]), start=found.start(), end=found.end())


def _interval_tiers(original: str, tokens: list[_Token]) -> list[tuple[str, list[Piece]]]:
    """The tiers in order; those of points are empty. Both layouts are the same fields, read without their labels."""
    tiers = []
    at = 4  # the two names, the start and the end of the whole
    for _ in range(int(tokens[at].number)):
        kind, name, count = tokens[at + 1].text, tokens[at + 2].text or "", int(tokens[at + 5].number)
        at += 6
        pieces = []
        width = 3 if kind == "IntervalTier" else 2
        for field in range(at, at + count * width, width):
            label = tokens[field + width - 1]
            if width == 3 and label.text is not None and label.text.strip().lower() not in _SILENCES:
                traced = piece_of(original, label.start, label.end)
                quotes = [(q.start(), q.end(), '"') for q in re.finditer('""', traced.text)]
                times = tokens[field].number, tokens[field + 1].number
                pieces.append(
                    Piece(traced=traced.replaced(quotes), start_seconds=times[0], end_seconds=times[1])
                )
        at += count * width - 1
        tiers.append((name, pieces))
    return tiers


def _choose_tier(tiers: list[tuple[str, list[Piece]]], name: str | None) -> list[Piece] | None:
    if name is not None:
        return next((pieces for tier, pieces in tiers if tier == name), None)
    for usual in _TEXTGRID_NAMES:
        for tier, pieces in tiers:
            if tier.strip().lower() == usual and pieces:
                return pieces
    return next((pieces for _, pieces in tiers if pieces), None)
