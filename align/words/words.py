"""When each word is said, and what two common formats make of it.

Legend: L tokens, W words.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from prep_corpus.align.text.normalize import NormalizedText
from prep_corpus.align.text.spelling import Spelled
from prep_corpus.align.viterbi.viterbi import Alignment

Spans = npt.NDArray[np.int32]


NOBODY = -1
"""Stands for the speaker of words for which nobody is named."""

SEVERAL = -2
"""Stands for the speaker of words that are said while several speak at once."""


@dataclass(frozen=True, kw_only=True)
class Words:
    """The words of one recording; all spans are half-open.

    Attributes:
        token_starts, token_ends: int32 [W], tokens of each word, without the delimiter.
        frame_starts, frame_ends: int32 [W], frames from its first token to its last; never overlap. Those of
            a skipped word are equal: the frame at which the path passed it by.
        char_starts, char_ends: int32 [W], characters of the original transcript.
        skipped: bool [W], the text has the word, but the path left it out.
        letters: int32 [W], characters of each word as normalised; None where every token is one.
        speakers: int32 [W], who says each word, counted from 0, or NOBODY or SEVERAL; None where nobody is named.
    """

    token_starts: Spans
    token_ends: Spans
    frame_starts: Spans
    frame_ends: Spans
    char_starts: Spans
    char_ends: Spans
    skipped: npt.NDArray[np.bool_]
    letters: Spans | None = None
    speakers: Spans | None = None

    def __len__(self) -> int:
        return len(self.token_starts)

    @property
    def letter_counts(self) -> Spans:
        """Characters of each word."""
        return self.token_ends - self.token_starts if self.letters is None else self.letters


def word_table(alignment: Alignment, normalized: NormalizedText, spelled: Spelled | None = None) -> Words:
    """Gather the tokens of an alignment into words.

    Args:
        alignment: the alignment of the tokens of `spelled`, or of the L characters of `normalized.text`, delimiters
            included.
        normalized: the transcript that was aligned.
        spelled: its tokens; None where each character is one.

    Returns:
        One entry for each word.
    """
    count = len(normalized.text) if spelled is None else len(spelled.tokens_L)
    if len(alignment.starts_L) != count:
        raise ValueError(
            f"an alignment must have one place for each token of the text: "
            f"{len(alignment.starts_L)} places, {count} tokens"
        )
    char_firsts, char_lasts = normalized.word_bounds
    firsts, lasts = (char_firsts, char_lasts) if spelled is None else (spelled.firsts_W, spelled.lasts_W)
    return Words(
        token_starts=firsts,
        token_ends=lasts,
        frame_starts=alignment.starts_L[firsts],
        frame_ends=alignment.ends_L[lasts - 1],
        char_starts=normalized.starts_L[char_firsts],
        char_ends=normalized.ends_L[char_lasts - 1],
        skipped=alignment.skipped_L[firsts],
        letters=None if spelled is None or spelled.edges_E is None else spelled.letters_W,
    )


def to_ctm(
    words: Words,
    normalized: NormalizedText,
    *,
    recording_id: str,
    frame_seconds: float,
    speakers: Sequence[str] = (),
) -> str:
    """The words that are said as lines of `recording channel start duration word`, times in seconds.

    Where anybody is named, `NA lex speaker` follows: no confidence, a word, and who says it ("null" for nobody).

    Args:
        words: the table that `word_table` made.
        normalized: the transcript.
        recording_id: first column; white space in it becomes "_", since columns are parted by it.
        frame_seconds: length of a frame.
        speakers: names of the speakers that `words.speakers` counts; white space in them becomes "_".

    Source: NIST sctk, CTM, and the Rich Transcription evaluation plans for the columns behind the word; channel is
    always 1, as the audio is mono.
    """
    name = "_".join(recording_id.split())
    lines = []
    for w in np.flatnonzero(~words.skipped):
        start = words.frame_starts[w] * frame_seconds
        length = (words.frame_ends[w] - words.frame_starts[w]) * frame_seconds
        said = normalized.spoken_of(int(w), int(w) + 1)
        speaker = -1 if words.speakers is None else int(words.speakers[w])
        who = "_".join(speakers[speaker].split()) if speaker >= 0 else ""
        named = f" NA lex {who or 'null'}" if any(speakers) else ""
        lines.append(f"{name} 1 {start:.3f} {length:.3f} {said}{named}\n")
    return "".join(lines)


def to_textgrid(
    words: Words,
    normalized: NormalizedText,
    untranscribed: Iterable[tuple[int, int]],
    *,
    frame_seconds: float,
    duration_seconds: float,
    speakers: Sequence[str] = (),
) -> str:
    """A Praat TextGrid of three tiers: words as said, unspoken words, untranscribed speech.

    Where speakers are named, each has a tier "NAME - words", and those whom nobody is named for are on "words".

    Args:
        words: the table that `word_table` made.
        normalized: the transcript.
        untranscribed: half-open spans of frames, as in `Alignment`.
        frame_seconds: length of a frame.
        duration_seconds: length of the recording; at least that of its frames.
        speakers: names of the speakers that `words.speakers` counts.

    Returns:
        The long text form. Unspoken words stand on a tier of points, neighbours joined into one.

    Source: Praat manual, "TextGrid file formats".
    """
    said: dict[str, list[tuple[float, float, str]]] = {}
    for w in np.flatnonzero(~words.skipped).tolist():
        speaker = -1 if words.speakers is None else int(words.speakers[w])
        name = speakers[speaker] if speaker >= 0 else ""
        said.setdefault(f"{name} - words" if name else "words", []).append(
            (
                float(words.frame_starts[w] * frame_seconds),
                float(words.frame_ends[w] * frame_seconds),
                normalized.spoken_of(w, w + 1),
            )
        )
    speech = [(start * frame_seconds, end * frame_seconds, "") for start, end in untranscribed]
    tiers = [
        *(_interval_tier(name, spoken, duration_seconds) for name, spoken in (said or {"words": []}).items()),
        _point_tier("unspoken", _unspoken_points(words, normalized, frame_seconds), duration_seconds),
        _interval_tier("untranscribed", [(a, b, "speech") for a, b, _ in speech], duration_seconds),
    ]
    head = (
        'File type = "ooTextFile"\nObject class = "TextGrid"\n\n'
        f"xmin = 0\nxmax = {duration_seconds:.6f}\ntiers? <exists>\nsize = {len(tiers)}\nitem []:\n"
    )
    return head + "".join(f"    item [{i}]:\n{tier}" for i, tier in enumerate(tiers, start=1))


def _unspoken_points(
    words: Words, normalized: NormalizedText, frame_seconds: float
) -> list[tuple[float, str]]:
    """One point for each run of skipped words: when they were passed by, and what they are."""
    points: list[tuple[float, str]] = []
    last = -2
    for w in np.flatnonzero(words.skipped):
        text = normalized.spoken_of(int(w), int(w) + 1)
        time = float(words.frame_starts[w] * frame_seconds)
        if points and (w == last + 1 or time <= points[-1][0]):
            points[-1] = (points[-1][0], f"{points[-1][1]} {text}")
        else:
            points.append((time, text))
        last = w
    return points


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'


def _interval_tier(name: str, intervals: Iterable[tuple[float, float, str]], duration_seconds: float) -> str:
    """A tier that covers the whole recording, as Praat demands: gaps become intervals without text."""
    filled: list[tuple[float, float, str]] = []
    at = 0.0
    for start, end, text in intervals:
        if start > at:
            filled.append((at, start, ""))
        filled.append((start, end, text))
        at = end
    if at < duration_seconds or not filled:
        filled.append((at, duration_seconds, ""))
    lines = [
        f'        class = "IntervalTier"\n        name = {_quoted(name)}\n        xmin = 0\n'
        f"        xmax = {duration_seconds:.6f}\n        intervals: size = {len(filled)}\n"
    ]
    for i, (start, end, text) in enumerate(filled, start=1):
        lines.append(
            f"        intervals [{i}]:\n            xmin = {start:.6f}\n            xmax = {end:.6f}\n"
            f"            text = {_quoted(text)}\n"
        )
    return "".join(lines)


def _point_tier(name: str, points: list[tuple[float, str]], duration_seconds: float) -> str:
    lines = [
        f'        class = "TextTier"\n        name = {_quoted(name)}\n        xmin = 0\n'
        f"        xmax = {duration_seconds:.6f}\n        points: size = {len(points)}\n"
    ]
    for i, (time, text) in enumerate(points, start=1):
        lines.append(
            f"        points [{i}]:\n            number = {time:.6f}\n            mark = {_quoted(text)}\n"
        )
    return "".join(lines)
