"""Transcripts with one cue or one word per line: Whisper's TSV, CTM, Audacity labels, SBV, SUB, LRC, ASS and SSA."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise

from prep_corpus.align.errors import TranscriptMalformed
from prep_corpus.align.traced import TracedText
from prep_corpus.align.transcripts.pieces import (
    EVERYTHING,
    Piece,
    Selection,
    Transcript,
    assemble,
    joined,
    lines_of_words,
    piece_of,
    timed_piece,
    with_turns,
)
from prep_corpus.align.transcripts.positions import with_single_spaces

_LINE = re.compile(r"[^\r\n]+")
_TSV = re.compile(r"(\d+)\t(\d+)\t([^\r\n]*)")
_LABEL = re.compile(r"(-?\d+(?:[.,]\d+)?)\t(-?\d+(?:[.,]\d+)?)(?:\t([^\r\n]*))?")
_CTM = re.compile(r"\s*(\S+)\s+(\S+)\s+(\d+\.?\d*|\.\d+)\s+(\d+\.?\d*|\.\d+)\s+(\S+)((?:\s+\S+)*)\s*")
_CTM_MARKS = re.compile(r"<[^<>\s]*>|\[[^\[\]\s]*\]|%\w+|@")
_NO_SPEAKER = frozenset({"null", "<na>", "na", "unknown"})
_CLOCK = r"(\d{1,3}):(\d{1,2}):(\d{1,2})[.:](\d{1,3})"
_CLOCKS = re.compile(rf"\s*{_CLOCK}\s*,\s*{_CLOCK}\s*")
_BREAK = re.compile(r"\[br\]", re.I)
_FRAMES = re.compile(r"\{(\d*)\}\{(\d*)\}([^\r\n]*)")
_BRACES = re.compile(r"\{[^{}\r\n]*\}")
_STAMP = re.compile(r"\[(\d{1,3}):(\d{1,2})(?:[.:](\d{1,3}))?\]")
_WORD_STAMP = re.compile(r"<\d{1,3}:\d{1,2}(?:[.:]\d{1,3})?>")
_TAG = re.compile(r"\[([A-Za-z#]\w*):([^\]\r\n]*)\]")
_OVERRIDE = re.compile(r"\{[^{}\r\n]*\}|\\[Nnh]")
_DRAWING = re.compile(r"\{[^{}]*\\p[1-9]")
_LAST_LINE_SECONDS = 10.0
"""How long the last line of a song counts, whose end no LRC file says."""


def parse_whisper_tsv(original: str, *, name: str = "TSV") -> Transcript:
    """Whisper's table: start and end in milliseconds and the text, a tab between them.

    Raises:
        TranscriptMalformed: its first line does not say so.
    """
    lines = _lines(original)
    header = lines[0].text.lstrip("\ufeff").split("\t") if lines else []
    if header != ["start", "end", "text"]:
        raise TranscriptMalformed(
            f"{name}: a .tsv transcript must begin with the columns start, end and text (milliseconds), as Whisper "
            f"writes it, not with {header}"
        )
    pieces, problems = [], []
    for line in lines[1:]:
        found = _TSV.fullmatch(line.text)
        if found is None:
            problems.append(
                f"line {_number(original, line)}: a row is two numbers and a text, not {line.text[:80]!r}"
            )
            continue
        pieces.append(_piece(line, found.span(3), int(found[1]) / 1000, int(found[2]) / 1000))
    return assemble(original, pieces, problems)


def parse_ctm(original: str, *, name: str = "CTM", selection: Selection = EVERYTHING) -> Transcript:
    """Time-marked words: recording, channel, start, duration, word, and perhaps confidence, type and speaker.

    Of alternatives (`<ALT_BEGIN>`, `<ALT>`, `<ALT_END>`) the first counts; marks of noises are left out.

    Args:
        original: the decoded file.
        name: name for messages.
        selection: the recording (needed where the file holds several) and the channel.

    Raises:
        TranscriptMalformed: no line is a word, or none is of the recording or channel selected.
    """
    words: list[tuple[str, str, Piece]] = []
    problems = []
    alternative = 0
    for line in _lines(original):
        if line.text.lstrip("\ufeff \t").startswith((";;", "#")) or not line.text.strip():
            continue
        found = _CTM.fullmatch(line.text)
        mark = found[5].upper() if found else line.text.split()[-1].upper()
        if mark in ("<ALT_BEGIN>", "<ALT>", "<ALT_END>"):
            alternative = {"<ALT_BEGIN>": 1, "<ALT>": alternative + 1, "<ALT_END>": 0}[mark]
        elif found is None:
            problems.append(
                f"line {_number(original, line)}: a row is recording channel start duration word, not "
                f"{line.text[:80]!r}"
            )
        elif alternative < 2 and not _CTM_MARKS.fullmatch(found[5]):
            start = float(found[3])
            more = found[6].split()
            speaker = more[2] if len(more) > 2 and more[2].lower() not in _NO_SPEAKER else None
            piece = _piece(line, found.span(5), start, start + float(found[4]))
            words.append((found[1], found[2], replace(piece, speaker=speaker)))
    if not words and problems:
        raise TranscriptMalformed(f"{name}: a CTM file must hold time-marked words; {problems[0]}")
    chosen = _selected(words, selection, name)
    return assemble(
        original, lines_of_words(sorted(chosen, key=lambda word: word.start_seconds or 0.0)), problems
    )


def _selected(words: list[tuple[str, str, Piece]], selection: Selection, name: str) -> list[Piece]:
    """The words of the recording and the channel selected, or of the only ones."""
    for column, what, wanted, field in (
        (0, "recording", selection.recordings, "text_recording"),
        (1, "channel", (selection.channel,) if selection.channel is not None else (), "text_channel"),
    ):
        names = sorted({str(word[column]) for word in words})
        chosen = next((one for one in wanted if one in names), None)
        if column == 1 and not wanted and selection.channel_index is not None and len(names) > 1:
            chosen = names[selection.channel_index] if selection.channel_index < len(names) else None
        needed = len(names) > 1 if column == 0 else bool(wanted)
        if chosen is None and names and (needed or (column == 0 and selection.strict)):
            raise TranscriptMalformed(
                f"{name}: there must be words of {what} {' or '.join(map(repr, wanted)) or 'that is named'}, but "
                f"there are those of {names[:10]}; {field} in the manifest says which are meant"
            )
        words = [word for word in words if chosen in (None, word[column])]
    return [piece for _, _, piece in words]


def parse_labels(original: str, *, name: str = "labels") -> Transcript:
    """Audacity's label track: start and end in seconds and the label, a tab between them.

    Raises:
        TranscriptMalformed: no line is a label.
    """
    pieces, problems = [], []
    for line in _lines(original):
        found = _LABEL.fullmatch(line.text.lstrip("\ufeff"))
        if found is None:
            if not line.text.startswith("\\"):  # the frequencies of a spectral selection
                problems.append(
                    f"line {_number(original, line)}: a label is two times and a text, not {line.text[:80]!r}"
                )
            continue
        shift = len(line.text) - len(line.text.lstrip("\ufeff"))
        span = (found.start(3) + shift, found.end(3) + shift) if found[3] else (0, 0)
        start, end = (float(found[at].replace(",", ".")) for at in (1, 2))
        pieces.append(_piece(line, span, start, end))
    if not pieces:
        raise TranscriptMalformed(
            f"{name}: a label track must hold lines of start, end and text with tabs between them"
        )
    return assemble(original, sorted(pieces, key=_start), problems)


def is_labels(original: str) -> bool:
    """Whether a text is a label track: every line two times and a text with tabs between them, and two at least."""
    lines = [line.text.lstrip("\ufeff") for line in _lines(original) if not line.text.startswith("\\")]
    return len(lines) > 1 and all(_LABEL.fullmatch(line) for line in lines)


def parse_sbv(original: str, *, name: str = "SBV") -> Transcript:
    """YouTube's SBV and SubViewer's SUB: a line with two times, lines of text, an empty line.

    Raises:
        TranscriptMalformed: no line holds two times.
    """
    blocks: list[tuple[tuple[float, float], list[TracedText]]] = []
    for line in _lines(original):
        found = _CLOCKS.fullmatch(line.text.lstrip("\ufeff"))
        if found:
            blocks.append(((_clock(found.groups()[:4]), _clock(found.groups()[4:])), []))
        elif blocks:
            breaks = [(*mark.span(), " ") for mark in _BREAK.finditer(line.text)]
            blocks[-1][1].append(with_single_spaces(line.replaced(breaks)))
    if not blocks:
        raise TranscriptMalformed(
            f"{name}: there must be lines such as '0:00:01.000,0:00:02.500' before the text, and there is none"
        )
    return assemble(original, with_turns(timed_piece(joined(lines), *times) for times, lines in blocks))


def parse_sub(original: str, *, name: str = "SUB") -> Transcript:
    """MicroDVD (`{start}{end}text` in frames) or SubViewer, both of the ending .sub.

    The frames of a file that does not say in its first line how many there are per second have no times.

    Raises:
        TranscriptMalformed: it is neither.
    """
    lines = _lines(original)
    found = [_FRAMES.fullmatch(line.text.lstrip("\ufeff")) for line in lines]
    if not any(found):
        return parse_sbv(original, name=name)
    rate = 0.0
    pieces, problems = [], []
    for number, (line, one) in enumerate(zip(lines, found), start=1):
        if one is None:
            problems.append(
                f"line {_number(original, line)}: a cue is {{start}}{{end}}text, not {line.text[:80]!r}"
            )
            continue
        if number == 1 and re.fullmatch(r"\d{2,3}(?:[.,]\d+)?", one[3].strip()):
            rate = float(one[3].replace(",", "."))
            continue
        text = line.replaced([(0, len(line.text) - len(one[3]), "")])
        text = text.replaced([(*mark.span(), "") for mark in _BRACES.finditer(text.text)])
        text = with_single_spaces(
            text.replaced([(*mark.span(), " ") for mark in re.finditer(r"\|", text.text)])
        )
        start, end = (int(frame) / rate if rate and frame else None for frame in (one[1], one[2]))
        pieces.append(timed_piece(text, start, end))
    if not rate:
        problems.append("the first line does not say how many frames a second has: the cues have no times")
    return assemble(original, pieces, problems)


def _has_second_colon(stamp: re.Match[str]) -> bool:
    return bool(stamp[3]) and stamp[0][-len(stamp[3]) - 2] == ":"


def _have_hours(original: str) -> bool:
    """Whether times are `[hh:mm:ss]`, as in transcripts of talk, and no minutes, seconds and hundredths."""
    thirds = [found[3] for found in _STAMP.finditer(original) if _has_second_colon(found)]
    return bool(thirds) and all(len(third) == 2 and int(third) < 60 for third in thirds)


def parse_lrc(original: str, *, name: str = "LRC") -> Transcript:
    """Lyrics with times: `[mm:ss.xx]` before each line, several where a line is sung again; or talk with `[hh:mm:ss]`.

    Raises:
        TranscriptMalformed: no line has a time.
    """
    sung: list[tuple[float, TracedText]] = []
    offset = 0.0
    has_hours = _have_hours(original)
    for line in _lines(original):
        tag = _TAG.match(line.text.lstrip("\ufeff"))
        if tag and tag[1].lower() == "offset" and re.fullmatch(r"\s*[-+]?\d+\s*", tag[2]):
            offset = int(tag[2]) / 1000
        at, stamps = 0, []
        while found := _STAMP.match(line.text, at):
            places = found[3] or "0"
            minutes_seconds = int(found[1]) * 60 + int(found[2])
            stamps.append(
                minutes_seconds * 60 + int(places)
                if has_hours and _has_second_colon(found)
                else minutes_seconds + int(places) / 10 ** len(places)
            )
            at = found.end()
            at += len(line.text) - at - len(line.text[at:].lstrip(" "))
        if stamps:
            text = line.replaced([(0, at, "")])
            text = text.replaced([(*mark.span(), "") for mark in _WORD_STAMP.finditer(text.text)])
            sung += [(stamp, with_single_spaces(text)) for stamp in stamps]
    if not sung:
        raise TranscriptMalformed(
            f"{name}: lyrics must have lines such as '[00:12.34] words', and none is one"
        )
    sung.sort(key=lambda one: one[0])
    ends = [after for (_, _), (after, _) in pairwise(sung)] + [sung[-1][0] + _LAST_LINE_SECONDS]
    pieces = [
        timed_piece(text, max(0.0, start - offset), max(0.0, end - offset))
        for (start, text), end in zip(sung, ends)
    ]
    return assemble(original, pieces)


def parse_ass(original: str, *, name: str = "ASS") -> Transcript:
    """Advanced SubStation Alpha and SSA: the dialogue in the order of its starts, without overrides and drawings.

    Raises:
        TranscriptMalformed: there is no dialogue, or no line that says where its text is.
    """
    columns: list[str] = []
    pieces, problems = [], []
    in_events = False
    for line in _lines(original):
        text = line.text.lstrip("\ufeff")
        if text.startswith("["):
            in_events = text.strip().lower() == "[events]"
        elif in_events and text.lower().startswith("format:"):
            columns = [column.strip().lower() for column in text.partition(":")[2].split(",")]
        elif in_events and text.lower().startswith("dialogue:") and columns:
            piece = _dialogue(line, columns)
            if piece is None:
                problems.append(
                    f"line {_number(original, line)}: a dialogue has {len(columns)} fields, not {text[:80]!r}"
                )
            elif not _DRAWING.search(text):
                pieces.append(piece)
    if not pieces:
        raise TranscriptMalformed(
            f"{name}: there must be dialogue under [Events], and a line Format: before it"
        )
    return assemble(original, sorted(pieces, key=_start), problems)


def _dialogue(line: TracedText, columns: Sequence[str]) -> Piece | None:
    start_at = line.text.index(":") + 1
    fields = line.text[start_at:].split(",", len(columns) - 1)
    if len(fields) < len(columns) or not {"start", "end", "text"} <= set(columns) or columns[-1] != "text":
        return None
    values = dict(zip(columns, fields))
    clocks = [re.fullmatch(rf"\s*{_CLOCK}\s*", values[edge]) for edge in ("start", "end")]
    text = line.replaced([(0, len(line.text) - len(fields[-1]), "")])
    text = text.replaced(
        [(*mark.span(), "" if mark[0].startswith("{") else " ") for mark in _OVERRIDE.finditer(text.text)]
    )
    text = with_single_spaces(text)
    speaker = values.get("name", values.get("actor", "")).strip() or None
    if clocks[0] is None or clocks[1] is None:
        return Piece(traced=text, speaker=speaker)
    return timed_piece(text, _clock(clocks[0].groups()), _clock(clocks[1].groups()), speaker)


def _lines(original: str) -> list[TracedText]:
    """The lines that are not empty."""
    return list(_found_lines(original))


def _found_lines(original: str) -> Iterator[TracedText]:
    for found in _LINE.finditer(original):
        yield piece_of(original, *found.span())


def _number(original: str, line: TracedText) -> int:
    """The number of a line, from 1."""
    return original.count("\n", 0, int(line.starts_L[0])) + 1


def _piece(line: TracedText, span: tuple[int, int], start: float, end: float) -> Piece:
    """A half-open span of a line as a timed piece."""
    cut = TracedText(
        text=line.text[slice(*span)], starts_L=line.starts_L[slice(*span)], ends_L=line.ends_L[slice(*span)]
    )
    return timed_piece(with_single_spaces(cut), start, end)


def _start(piece: Piece) -> float:
    return piece.start_seconds or 0.0


def _clock(parts: Sequence[str | None]) -> float:
    hours, minutes, seconds, places = (part or "0" for part in parts)
    return int(hours) * 3600 + int(minutes) * 60 + int(seconds) + float(f"0.{places}")
