"""NIST segment time marks (.stm) and Praat's TextGrid: transcripts with times that researchers keep."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from prep_corpus.align.errors import TranscriptMalformed
from prep_corpus.align.traced import Edit, TracedText
from prep_corpus.align.transcripts.pieces import EVERYTHING, Piece, Selection, Transcript, assemble, piece_of

_STM_LINE = re.compile(
    r"^[ \t]*(?P<recording>\S+)[ \t]+(?P<channel>\S+)[ \t]+(?P<speaker>\S+)[ \t]+(?P<start>\d+\.?\d*)"
    r"[ \t]+(?P<end>\d+\.?\d*)"
    r"(?:[ \t]+<[^<>\n]*,[^<>\n]*>|[ \t]+<[oO][^<>\n]*>)?(?:[ \t]+(?P<text>[^ \t\n][^\n]*))?[ \t]*\r?$",
    re.M,
)
_ANY_LINE = re.compile(r"^.*$", re.M)
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
_SPEAKER_TIER = re.compile(rf"(?P<speaker>\S(?:.*\S)?) - (?P<kind>{'|'.join(_TEXTGRID_NAMES)})", re.I)
"""A tier's name as the Montreal Forced Aligner writes it, "ann - words"."""
_LAYER = re.compile(
    r"phone|phonem|segment|syll|tone|break|pitch|accent|gesture|gaze|gloss|translat|\bpos\b|note|comment|noise"
    r"|ipa|sampa|maus|\bkan\b|event|silence|\buntranscribed\b|\bunspoken\b",
    re.I,
)
"""Names of tiers that say something about the speech, and are not what is said."""
_MAX_OVERLAP = 0.5
_SILENCES = frozenset(
    {"", "sil", "sp", "spn", "<eps>", "<sil>", "<unk>", "#", "<p:>", "silence", "pau", "h#"}
)


def parse_stm(original: str, *, name: str = "STM", selection: Selection = EVERYTHING) -> Transcript:
    """Segment time marks: recording, channel, speaker, start, end, an optional label, words.

    Segments of all speakers are put in the order of their starts. Comments (;;) and segments that are not scored are
    left out; of alternatives ({a / b}) the first counts; marks of noises (<NA>, [breath], %hesitation) go, and
    " 's" joins the word before.

    Args:
        original: the decoded file.
        name: name for messages.
        selection: the recording (needed where the file holds several) and the channel.

    Raises:
        TranscriptMalformed: there is no segment, or none of the recording or channel that is selected.
    """
    problems: list[str] = []
    found_lines = []
    for number, line in enumerate(_ANY_LINE.finditer(original), start=1):
        if line[0].lstrip("\ufeff \t").startswith(";;") or not line[0].strip():
            continue
        found = _STM_LINE.match(original, line.start())
        if found is None or not float(found["start"]) <= float(found["end"]):
            problems.append(
                f"line {number}: a segment is recording channel speaker start end words, not {line[0][:80]!r}"
            )
        else:
            found_lines.append(found)
    if problems and not found_lines:
        raise TranscriptMalformed(
            f"{name}: an STM file must hold segments, and no line is one; {problems[0]}"
        )
    segments = _of_channel(_of_recording(found_lines, selection, name), selection, name)
    pieces = [
        Piece(
            traced=_stm_words(_without_space(original, *found.span("text"))),
            start_seconds=float(found["start"]),
            end_seconds=float(found["end"]),
            speaker=found["speaker"],
        )
        for found in sorted(segments, key=lambda found: float(found["start"]))
        if found["text"] and _NOT_SCORED not in found["text"].upper()
    ]
    return assemble(original, pieces, problems)


def _of_recording(segments: list[re.Match[str]], selection: Selection, name: str) -> list[re.Match[str]]:
    """The segments of the recording selected, or of the only one."""
    names = sorted({found["recording"] for found in segments})
    chosen = next((wanted for wanted in selection.recordings if wanted in names), None)
    if chosen is None and (len(names) > 1 or (names and selection.strict)):
        wanted = " or ".join(map(repr, selection.recordings)) or "a recording that is named"
        raise TranscriptMalformed(
            f"{name}: there must be segments of {wanted}, but there are those of {names[:10]}; text_recording in the "
            "manifest says which are meant"
        )
    return [found for found in segments if chosen in (None, found["recording"])]


def _of_channel(segments: list[re.Match[str]], selection: Selection, name: str) -> list[re.Match[str]]:
    """The segments of the channel selected; of all where none is, or where there is one."""
    labels = sorted({found["channel"] for found in segments})
    if selection.channel is not None:
        if labels and selection.channel not in labels:
            raise TranscriptMalformed(
                f"{name}: there must be segments of channel {selection.channel!r}, but there are those of {labels}"
            )
        return [found for found in segments if found["channel"] == selection.channel]
    index = selection.channel_index
    if index is None or len(labels) < 2:
        return segments
    if index >= len(labels):
        raise TranscriptMalformed(
            f"{name}: there must be segments of channel {index}, counted from 0, but there are those of {labels}"
        )
    return [found for found in segments if found["channel"] == labels[index]]


def _without_space(original: str, start: int, end: int) -> TracedText:
    return piece_of(original, start, start + len(original[start:end].rstrip()))


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


def parse_textgrid(original: str, *, name: str = "TextGrid", tiers: tuple[str, ...] = ()) -> Transcript:
    """Praat's TextGrid, long or short; silences are left out.

    Args:
        original: the decoded file.
        name: name for messages.
        tiers: the interval tiers to take, by name. Where empty: the one with a usual name ("words", "transcript",
            ...), or all "NAME - words", one a speaker; else the first with text that is no tier of sounds, and
            those whose intervals stand between its own, as of speakers who take turns. Several are put together in
            the order of time.

    Raises:
        TranscriptMalformed: it is no TextGrid, breaks off, or has no such tier.
    """
    tokens = list(_tokens(original))
    texts = [token.text for token in tokens[:2]]
    if texts != ["ooTextFile", "TextGrid"]:
        raise TranscriptMalformed(
            f"{name}: a TextGrid must begin with 'ooTextFile' and 'TextGrid', not {texts}"
        )
    try:
        found = _interval_tiers(original, tokens)
    except IndexError:
        raise TranscriptMalformed(f"{name}: the TextGrid breaks off after {len(tokens)} fields") from None
    chosen = _named_tiers(found, tiers) if tiers else _usual_tiers(found)
    if not chosen:
        shown = f"interval tiers {', '.join(tiers)}" if tiers else "an interval tier with text"
        raise TranscriptMalformed(
            f"{name}: there must be {shown}, but there are {[tier.name for tier in found]}"
        )
    left_out = [
        tier.name
        for tier in found
        if tier.pieces and tier not in chosen and not tiers and not _LAYER.search(tier.name)
    ]
    pieces = [
        replace(piece, speaker=tier.speaker if len(chosen) > 1 else None)
        for tier in chosen
        for piece in tier.pieces
    ]
    pieces.sort(key=lambda piece: piece.start_seconds or 0.0)
    problems = (
        [f"the tiers {', '.join(left_out)} are not read; text_tier names those to read"] if left_out else []
    )
    return assemble(original, pieces, problems)


def _tokens(original: str) -> Iterator[_Token]:
    for found in _TEXTGRID_TOKEN.finditer(original):
        if found["text"] is not None:
            yield _Token(text=found["text"], number=0.0, start=found.start("text"), end=found.end("text"))
        elif found["number"] is not None:
            yield _Token(text=None, number=float(found["number"]), start=found.start(), end=found.end())


@dataclass(frozen=True, kw_only=True)
class _Tier:
    """An interval tier, or one of points, which has no pieces."""

    name: str
    pieces: tuple[Piece, ...]

    @property
    def speaker(self) -> str:
        """What the name says beside what kind of tier it is."""
        found = _SPEAKER_TIER.fullmatch(self.name)
        return found["speaker"] if found else self.name


def _interval_tiers(original: str, tokens: list[_Token]) -> list[_Tier]:
    """The tiers in order. Both layouts are the same fields, read without their labels.

    Raises:
        IndexError: the fields end before the tiers do.
    """
    tiers = []
    at = 4  # the two names, the start and the end of the whole
    for _ in range(_count(tokens[at])):
        kind, name, count = tokens[at + 1].text, tokens[at + 2].text or "", _count(tokens[at + 5])
        at += 6
        pieces = []
        width = 3 if kind == "IntervalTier" else 2
        for place in range(at, at + count * width, width):
            label = tokens[place + width - 1]
            if width == 3 and label.text is not None and label.text.strip().lower() not in _SILENCES:
                traced = piece_of(original, label.start, label.end)
                quotes = [(q.start(), q.end(), '"') for q in re.finditer('""', traced.text)]
                start, end = tokens[place].number, tokens[place + 1].number
                timed = math.isfinite(start) and start <= end < math.inf
                pieces.append(
                    Piece(
                        traced=traced.replaced(quotes),
                        start_seconds=start if timed else None,
                        end_seconds=end if timed else None,
                    )
                )
        at += count * width - 1
        tiers.append(_Tier(name=name, pieces=tuple(pieces)))
    return tiers


def _count(token: _Token) -> int:
    """A number of things; no file holds a negative or infinite one."""
    if not 0 <= token.number < 1e9:
        raise IndexError(f"a count of {token.number}")
    return int(token.number)


def _named_tiers(tiers: list[_Tier], names: tuple[str, ...]) -> list[_Tier]:
    """The first tier of each name; none where one is missing."""
    found = [next((tier for tier in tiers if tier.name == name), None) for name in names]
    return [tier for tier in found if tier is not None] if None not in found else []


def is_layer(tier: str) -> bool:
    """Whether a tier's name says that it holds something about the speech, not what is said."""
    return _LAYER.search(tier) is not None


def _usual_tiers(tiers: list[_Tier]) -> list[_Tier]:
    full = [tier for tier in tiers if tier.pieces]
    for usual in _TEXTGRID_NAMES:
        for tier in full:
            if tier.name.strip().lower() == usual:
                return [tier]
        of_speakers = [
            tier
            for tier in full
            if (found := _SPEAKER_TIER.fullmatch(tier.name)) and found["kind"].lower() == usual
        ]
        if of_speakers:
            return of_speakers
    spoken = [tier for tier in full if not _LAYER.search(tier.name)] or full[:1]
    chosen: list[_Tier] = []
    for tier in spoken:
        if not chosen or _overlap(tier, chosen) < _MAX_OVERLAP:
            chosen.append(tier)
    return chosen


def _overlap(tier: _Tier, others: list[_Tier]) -> float:
    """The part of a tier's time, or of the others' where that is less, in which both have text."""
    events: list[tuple[float, int, int]] = []
    for side, group in enumerate(([tier], others)):
        for piece in (piece for member in group for piece in member.pieces):
            events += [(piece.start_seconds or 0.0, 1, side), (piece.end_seconds or 0.0, -1, side)]
    both, before = 0.0, 0.0
    alone, running = [0.0, 0.0], [0, 0]
    for at, step, side in sorted(events):
        both += (at - before) * (min(running) > 0)
        for this in (0, 1):
            alone[this] += (at - before) * (running[this] > 0)
        running[side] += step
        before = at
    return both / max(min(alone), 1e-9)
