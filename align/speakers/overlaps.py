"""Where several speak at once: in time, and in the characters of a transcript whose pieces have times.

Legend: O stretches in which several speak.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from prep_corpus.align.transcripts.pieces import Cue

TimedSpeech = tuple[float, float, str]
Span = tuple[int, int]

SHORTEST_SECONDS = 0.1
"""A shorter overlap is how exactly people mark."""

_MOST_PER_CUE = 1000


def overlap_seconds(speech: Iterable[TimedSpeech]) -> NDArray[np.float64]:
    """Half-open stretches [O, 2] in seconds in which at least two speakers speak; in order, without overlap.

    Args:
        speech: start and end in seconds, and the speaker.
    """
    events: list[tuple[float, int, str]] = []
    for start, end, speaker in speech:
        if end > start:
            events += [(start, 1, speaker), (end, -1, speaker)]
    speaking: Counter[str] = Counter()
    active = 0
    found: list[tuple[float, float]] = []
    began = 0.0
    for at, step, speaker in sorted(events):
        before = active
        speaking[speaker] += step
        if step > 0 and speaking[speaker] == 1:
            active += 1
        elif step < 0 and speaking[speaker] == 0:
            active -= 1
        if before < 2 <= active:
            began = at
        elif active < 2 <= before and at - began >= SHORTEST_SECONDS:
            found.append((began, at))
    return np.array(found, np.float64).reshape(-1, 2)


def overlap_characters(cues: Sequence[Cue]) -> tuple[Span, ...]:
    """Half-open spans of a transcript's characters that are said while another speaker speaks, by its own times.

    Inside a piece its characters are taken to be said at one speed. Where all times of a file are shifted, the spans
    are the same: nothing else of the times counts.
    """
    named = [cue for cue in cues if cue.speaker is not None]
    if len({cue.speaker for cue in named}) < 2:
        return ()
    seconds_O2 = overlap_seconds((cue.start_seconds, cue.end_seconds, cue.speaker or "") for cue in named)
    found: list[Span] = []
    for cue in named:
        length, characters = cue.end_seconds - cue.start_seconds, cue.char_end - cue.char_start
        first = int(np.searchsorted(seconds_O2[:, 1], cue.start_seconds, side="right"))
        last = int(np.searchsorted(seconds_O2[:, 0], cue.end_seconds, side="left"))
        if last - first > _MOST_PER_CUE:
            found.append((cue.char_start, cue.char_end))
            continue
        for start, end in seconds_O2[first:last].tolist():
            shares = ((edge - cue.start_seconds) / length for edge in (start, end))
            at, stop = (cue.char_start + round(min(max(share, 0.0), 1.0) * characters) for share in shares)
            if at < stop:
                found.append((at, stop))
    return tuple(sorted(found))
