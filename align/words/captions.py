"""Captions with the times of the words in them, as SubRip and as WebVTT.

Legend: W words of the transcript.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from prep_corpus.align.text.normalize import NormalizedText
from prep_corpus.align.transcripts.pieces import Cue
from prep_corpus.align.words.words import Words

LONGEST_SECONDS = 7.0
MOST_CHARACTERS = 84
"""Two lines of 42, as captions have them."""

PAUSE_SECONDS = 1.0
"""A longer pause ends a caption."""

_SENTENCE_END = re.compile(r"[.!?…。！？][\"'”’)\]]*\Z")


@dataclass(frozen=True, kw_only=True)
class Caption:
    """What is shown while something is said.

    Attributes:
        start_seconds, end_seconds: of its first and last word that is said.
        text: lines.
        speaker: who says it, where that is known.
        words: numbers of its words that are said.
    """

    start_seconds: float
    end_seconds: float
    text: str
    speaker: str | None = None
    words: tuple[int, ...] = ()


def captions(
    words: Words,
    normalized: NormalizedText,
    cues: Sequence[Cue],
    *,
    frame_seconds: float,
    speakers: Sequence[str] = (),
    original_lines: bool = False,
) -> list[Caption]:
    """The cues of a transcript at the times at which they are said; new ones where it has none.

    A cue of which nothing is said is left out. Without cues, captions end at sentences, at changes of speaker, at
    pauses, and before they are longer than two lines or 7 s.

    Args:
        words: W words with their frames.
        normalized: the transcript, without what nobody reads.
        cues: of the transcript.
        frame_seconds: length of a frame.
        speakers: names of the speakers that `words.speakers` counts.
        original_lines: show the whole text of each cue, in its lines; else what is said of it, on one line.
    """
    said = np.flatnonzero(~words.skipped)
    groups = _by_cue(words, said, cues) if cues else _by_sentence(words, normalized, said, frame_seconds)
    found = []
    for cue, group in groups:
        text = (
            normalized.original[cue.char_start : cue.char_end] if cue is not None and original_lines else ""
        )
        who = -1 if words.speakers is None else int(words.speakers[group[0]])
        found.append(
            Caption(
                start_seconds=float(words.frame_starts[group[0]]) * frame_seconds,
                end_seconds=float(words.frame_ends[group[-1]]) * frame_seconds,
                text=text.strip() or _text_of(normalized, group),
                speaker=(speakers[who] or None) if who >= 0 else None,
                words=tuple(group.tolist()),
            )
        )
    return [one for one in found if one.text]


def to_srt(shown: Iterable[Caption]) -> str:
    """Captions as SubRip: a number, two times, lines of text, an empty line."""
    return "".join(
        f"{number}\n{_clock(one.start_seconds, ',')} --> {_clock(one.end_seconds, ',')}\n{_lines(one.text)}\n\n"
        for number, one in enumerate(shown, start=1)
    )


def to_vtt(shown: Iterable[Caption]) -> str:
    """Captions as WebVTT, with the name of the speaker where it is known."""
    cues = []
    for one in shown:
        text = html.escape(_lines(one.text), quote=False)
        voice = f"<v {_name(one.speaker)}>" if one.speaker else ""
        cues.append(f"{_clock(one.start_seconds, '.')} --> {_clock(one.end_seconds, '.')}\n{voice}{text}\n\n")
    return "WEBVTT\n\n" + "".join(cues)


Groups = list[tuple[Cue | None, NDArray[np.int64]]]


def _by_cue(words: Words, said: NDArray[np.int64], cues: Sequence[Cue]) -> Groups:
    """The words of each cue that are said."""
    starts = words.char_starts[said]
    found: Groups = []
    for cue in cues:
        first, last = np.searchsorted(starts, (cue.char_start, cue.char_end)).tolist()
        if first < last:
            found.append((cue, said[first:last]))
    return found


def _by_sentence(
    words: Words, normalized: NormalizedText, said: NDArray[np.int64], frame_seconds: float
) -> Groups:
    """The words that are said, in groups that read well."""
    groups: Groups = []
    first = 0
    for at in range(1, len(said) + 1):
        if at < len(said) and not _ends(words, normalized, said[first:at], int(said[at]), frame_seconds):
            continue
        groups.append((None, said[first:at]))
        first = at
    return groups


def _ends(
    words: Words, normalized: NormalizedText, group: NDArray[np.int64], after: int, frame_seconds: float
) -> bool:
    """Whether a caption ends between a group of words and the word after it."""
    last = int(group[-1])
    if words.speakers is not None and words.speakers[after] != words.speakers[last]:
        return True
    pause = (words.frame_starts[after] - words.frame_ends[last]) * frame_seconds
    length = (words.frame_ends[after] - words.frame_starts[group[0]]) * frame_seconds
    characters = int(words.char_ends[after] - words.char_starts[group[0]])
    is_sentence = _SENTENCE_END.search(normalized.text_of(last, last + 1)) is not None
    return bool(
        pause > PAUSE_SECONDS or length > LONGEST_SECONDS or characters > MOST_CHARACTERS or is_sentence
    )


def _text_of(normalized: NormalizedText, group: NDArray[np.int64]) -> str:
    """What is said of a group of words: runs of neighbours, one after the other."""
    breaks = np.flatnonzero(np.diff(group) > 1) + 1
    runs = np.split(group, breaks)
    between = " " if normalized.has_spaces else ""
    return between.join(filter(None, (normalized.text_of(int(run[0]), int(run[-1]) + 1) for run in runs)))


def _clock(seconds: float, point: str) -> str:
    """Hours, minutes, seconds and milliseconds."""
    milliseconds = round(1000 * seconds)
    whole, rest = divmod(milliseconds, 1000)
    return f"{whole // 3600:02d}:{whole // 60 % 60:02d}:{whole % 60:02d}{point}{rest:03d}"


def _lines(text: str) -> str:
    """Lines without the empty ones, which would end a cue, and without what looks like its times."""
    return "\n".join(line.strip().replace("-->", "->") for line in text.splitlines() if line.strip())


def _name(speaker: str) -> str:
    """A name as a tag can hold it."""
    return html.escape(" ".join(speaker.split()), quote=False)
