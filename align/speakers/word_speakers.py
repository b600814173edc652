"""The speaker of each word: as the transcript names them, by labels in its text, or by who speaks when it is said.

Legend: W words of the transcript, N characters of it.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from prep_corpus.align.speakers.overlaps import overlap_characters, overlap_seconds
from prep_corpus.align.speakers.rttm import SpeakerSpan
from prep_corpus.align.text.markup import speaker_labels
from prep_corpus.align.text.normalized import STRIPPED, UNREAD, NormalizedText
from prep_corpus.align.transcripts.pieces import Turn
from prep_corpus.align.transcripts.versions import SEGMENTS, TranscriptSource
from prep_corpus.align.words.words import NOBODY, SEVERAL, Words

IntArray = NDArray[np.int32]

TIMED_BY_HAND = frozenset({"stm", "textgrid", "eaf", "chat", "trs", SEGMENTS})
"""Formats whose times say when something is said; those of captions say when it is shown."""

NEAR_SECONDS = 0.5
"""A word in no stretch of an RTTM file belongs to the nearest one, if it is this near."""


@dataclass(frozen=True, kw_only=True)
class SpokenBy:
    """The words of a recording with their speakers.

    Attributes:
        words: with `speakers`, where anybody is named.
        names: the speakers that `words.speakers` counts; "" for one whom nobody names.
    """

    words: Words
    names: tuple[str, ...] = ()

    def speaker_of(self, word_start: int, word_end: int) -> str | None:
        """Who says the first of a half-open range of words that anybody says; None where nobody is named."""
        if self.words.speakers is None:
            return None
        found = self.words.speakers[word_start:word_end][~self.words.skipped[word_start:word_end]]
        return (self.names[int(found[0])] or None) if len(found) and found[0] >= 0 else None


def spoken_by(
    words: Words,
    normalized: NormalizedText,
    source: TranscriptSource | None,
    spans: Sequence[SpeakerSpan],
    *,
    frame_seconds: float,
    sections: Sequence[int] = (),
) -> SpokenBy:
    """Who says each word of an aligned transcript.

    The transcript's own word counts before that of an RTTM file; where several speak at once, by either, the words said
    meanwhile are nobody's.

    Args:
        words: W words with their frames.
        normalized: the transcript, without what nobody reads.
        source: where it comes from, with its turns.
        spans: who speaks when, in the order of their starts; none where that is not known.
        frame_seconds: length of a frame.
        sections: where in the transcript sections begin that its file has in another order, rising; whoever speaks on
            both sides of such a border counts as two of one name.
    """
    names: dict[str, int] = {}
    speakers_W = np.full(len(words), NOBODY, np.int32)
    turns = source.turns if source is not None else ()
    unnamed = [turn for turn in turns if not turn.speaker]
    for turn in (*_labelled(normalized, [turn.char_start for turn in unnamed]), *turns):
        if turn.speaker:
            _name(speakers_W, words, turn, names.setdefault(turn.speaker, len(names)))
    if spans:
        _by_time(speakers_W, words, spans, names, frame_seconds)
    for turn in unnamed:
        _name(speakers_W, words, turn, names.setdefault(f"\0{turn.char_start}", len(names)), only_free=True)
    if source is not None and source.format in TIMED_BY_HAND:
        for start, end in overlap_characters(source.cues):
            first = int(np.searchsorted(words.char_ends, start, side="right"))
            last = int(np.searchsorted(words.char_starts, end))
            speakers_W[first:last] = SEVERAL
    if not names:
        return SpokenBy(words=words)
    shown = ["" if name.startswith("\0") else name for name in names]
    if sections:
        shown = _parted(speakers_W, np.searchsorted(sections, words.char_starts, side="right"), shown)
    return SpokenBy(words=replace(words, speakers=speakers_W), names=tuple(shown))


def _parted(speakers_W: IntArray, sections_W: NDArray[np.int64], names: list[str]) -> list[str]:
    """Give each speaker a number of their own in each section, in place, and return the names by these numbers."""
    named = np.flatnonzero(speakers_W >= 0)
    pairs, numbers = np.unique(np.stack((sections_W[named], speakers_W[named])), axis=1, return_inverse=True)
    speakers_W[named] = numbers.ravel()
    return [names[speaker] for speaker in pairs[1].tolist()]


def _name(speakers_W: IntArray, words: Words, turn: Turn, speaker: int, *, only_free: bool = False) -> None:
    """Give the words of a turn their speaker, or those of them that have none."""
    first, last = np.searchsorted(words.char_starts, (turn.char_start, turn.char_end)).tolist()
    inside_W = speakers_W[first:last]
    inside_W[(inside_W == NOBODY) | (not only_free)] = speaker


def speaker_identity(source: TranscriptSource | None, spans: Sequence[SpeakerSpan]) -> list[object]:
    """All that decides what `spoken_by` says beside text and alignment, for a digest."""
    turns = source.turns if source is not None else ()
    overlaps = (
        overlap_characters(source.cues) if source is not None and source.format in TIMED_BY_HAND else ()
    )
    return [
        [[turn.char_start, turn.char_end, turn.speaker] for turn in turns],
        [list(span) for span in overlaps],
        [[span.start_seconds, span.end_seconds, span.speaker] for span in spans],
    ]


def _labelled(normalized: NormalizedText, borders: Sequence[int] = ()) -> list[Turn]:
    """Turns by the labels of a text that nobody reads, each until the next label, or a turn of someone else.

    Args:
        normalized: the transcript.
        borders: where others' turns begin, rising.
    """
    labels = speaker_labels(normalized.original)
    if not labels:
        return []
    owners_N = normalized.char_ownership()
    found = [
        (start, end, name)
        for start, end, name in labels
        if np.isin(owners_N[start:end], (STRIPPED, UNREAD)).any()
    ]
    labels_end = [start for start, _, _ in found[1:]] + [len(normalized.original)]
    after = [*borders, len(normalized.original)]
    ends = [
        min(stop, after[bisect_left(after, min(end, after[-1]))])
        for stop, (_, end, _) in zip(labels_end, found)
    ]
    return [
        Turn(char_start=end, char_end=stop, speaker=name)
        for (_, end, name), stop in zip(found, ends)
        if name and end < stop
    ]


def _by_time(
    speakers_W: IntArray,
    words: Words,
    spans: Sequence[SpeakerSpan],
    names: dict[str, int],
    frame_seconds: float,
) -> None:
    """Name those whom the transcript does not, by who speaks longest in their time, and where several speak."""
    starts_W, ends_W = (
        np.asarray(frames_W * frame_seconds, np.float64)
        for frames_W in (words.frame_starts, words.frame_ends)
    )
    seconds_O2 = overlap_seconds((one.start_seconds, one.end_seconds, one.speaker) for one in spans)
    overlapped_W = _shared(seconds_O2, starts_W, ends_W) > (ends_W - starts_W) / 2
    nearest_W: NDArray[np.float64] = np.full(len(words), NEAR_SECONDS)
    longest_W: NDArray[np.float64] = np.zeros(len(words))
    found_W = np.full(len(words), NOBODY, np.int32)
    by_speaker: dict[str, list[tuple[float, float]]] = {}
    for one in spans:
        by_speaker.setdefault(one.speaker, []).append((one.start_seconds, one.end_seconds))
    for speaker, stretches in by_speaker.items():
        merged_2 = _merged(stretches)
        shared_W = _shared(merged_2, starts_W, ends_W)
        away_W = _away(merged_2, starts_W, ends_W)
        better_W = (shared_W > longest_W) | ((longest_W == 0) & (shared_W == 0) & (away_W < nearest_W))
        found_W[better_W] = names.setdefault(speaker, len(names))
        longest_W = np.maximum(longest_W, shared_W)
        nearest_W = np.where(better_W, away_W, nearest_W)
    unnamed_W = speakers_W == NOBODY
    speakers_W[unnamed_W] = found_W[unnamed_W]
    speakers_W[overlapped_W & ~words.skipped] = SEVERAL


def _merged(spans: list[tuple[float, float]]) -> NDArray[np.float64]:
    """One speaker's stretches [S, 2] in order, those that touch as one."""
    merged: list[list[float]] = []
    for start, end in sorted(spans):
        if merged and start <= merged[-1][1]:
            merged[-1][1] = max(merged[-1][1], end)
        else:
            merged.append([start, end])
    return np.array(merged, np.float64).reshape(-1, 2)


def _shared(
    spans_2: NDArray[np.float64], starts_W: NDArray[np.float64], ends_W: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Seconds of each word that lie in stretches that are in order and do not overlap."""
    if not len(spans_2):
        return np.zeros(len(starts_W))
    covered = np.cumsum(spans_2[:, 1] - spans_2[:, 0])

    def before(at_W: NDArray[np.float64]) -> NDArray[np.float64]:
        place_W = np.searchsorted(spans_2[:, 0], at_W, side="right") - 1
        inside_W = np.minimum(at_W, spans_2[place_W, 1]) - spans_2[place_W, 0]
        whole_W = covered[place_W] - (spans_2[place_W, 1] - spans_2[place_W, 0])
        return np.where(place_W >= 0, whole_W + inside_W, 0.0)

    return before(ends_W) - before(starts_W)


def _away(
    spans_2: NDArray[np.float64], starts_W: NDArray[np.float64], ends_W: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Seconds from each word to the nearest of the stretches; 0 inside one."""
    after_W = np.searchsorted(spans_2[:, 0], ends_W)
    starts = np.append(spans_2[:, 0], np.inf)
    ends = np.insert(spans_2[:, 1], 0, -np.inf)
    away_W: NDArray[np.float64] = np.minimum(starts[after_W] - ends_W, starts_W - ends[after_W])
    return np.maximum(away_W, 0.0)
