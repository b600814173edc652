"""The ranges of words that a recording is cut into, for several shortest pauses at once, as arrays.

Legend: V spoken words, G gaps (V + 1; gap g lies before word g), P spans that do not depend on the pause, K pauses,
R ranges of all pauses, one pause after the other.

An open span is broken at every allowed gap of at least k frames, where it is asked for short parts join a neighbour,
and what is too long is broken at its longest gaps:

    span      ww ww    ww w    ww ww ww   ww
    broken   [ww ww]  [ww w]  [ww ww ww] [ww]      gaps of k frames
    joined   [ww ww]  [ww w]  [ww ww ww   ww]      over the smaller gap, where one alone is too short
    shaped   [ww ww]  [ww w]  [ww][ww ww  ww]      at the longest gap, while one is too long
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from prep_corpus.align.viterbi.compiling import compiled

LongArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]

TOO_SHORT = "too-short"
TOO_LONG = "too-long"
INSIDE_SPEECH = "inside-speech"
LOW_SCORE = "low-score"
NOT_HEARD = "not-heard"
OVERLAPPING = "overlapping-speech"
REASONS = (TOO_SHORT, TOO_LONG, INSIDE_SPEECH, NOT_HEARD, OVERLAPPING, LOW_SCORE)

REASON_OF = ("", *REASONS)
"""The drop reason that a code stands for; code 0 is none."""
OPEN = 0
CODES = {reason: code for code, reason in enumerate(REASON_OF)}
_TOO_LONG = CODES[TOO_LONG]


@dataclass(frozen=True, kw_only=True)
class Ranges:
    """Consecutive ranges of spoken words for each of several pauses.

    Attributes:
        firsts_R, ends_R: int64, half-open range of spoken words.
        codes_R: int64, the drop reason as a place in `REASON_OF`; 0 for a candidate.
        start_samples_R, end_samples_R: int64, half-open, the audio, padding included.
        bounds_K: int64 [K + 1], where the ranges of each pause begin, and the end of the last.
    """

    firsts_R: LongArray
    ends_R: LongArray
    codes_R: LongArray
    start_samples_R: LongArray
    end_samples_R: LongArray
    bounds_K: LongArray

    def totals(self) -> list[tuple[int, int]]:
        """Candidates and their samples, for each pause."""
        kept_R = self.codes_R == OPEN
        counts = np.concatenate(([0], np.cumsum(kept_R)))
        lengths_R = np.where(kept_R, self.end_samples_R - self.start_samples_R, 0)
        samples = np.concatenate(([0], np.cumsum(lengths_R)))
        return list(zip(np.diff(counts[self.bounds_K]).tolist(), np.diff(samples[self.bounds_K]).tolist()))


@dataclass(frozen=True, kw_only=True)
class Shaping:
    """How open spans are broken.

    Attributes:
        merges: parts that are too short join a neighbour.
        parts_all: spans that have a reason are broken at the pauses too.
        min_frames: shorter parts look for a neighbour.
        max_samples: no joined part is longer; longer parts are broken at their longest gaps, or dropped as too long.
        edge_frames: at gaps of at least this length.
    """

    merges: bool
    parts_all: bool
    min_frames: int
    max_samples: int
    edge_frames: int


def shaped_ranges(
    spans_P3: LongArray,
    starts_V: LongArray,
    ends_V: LongArray,
    start_samples_V: LongArray,
    end_samples_V: LongArray,
    lengths_G: LongArray,
    allowed_G: BoolArray,
    pauses: Sequence[int],
    shaping: Shaping,
) -> tuple[LongArray, LongArray]:
    """The ranges of every pause.

    Args:
        spans_P3: first word, end and reason code of consecutive spans of words; code `OPEN` for those to be shaped.
        starts_V, ends_V: frames of the words.
        start_samples_V, end_samples_V: where the audio of a part begins and ends that begins and ends with each word.
        lengths_G: frames of each gap.
        allowed_G: gaps at which an open span may be broken.
        pauses: K shortest pauses to break at, in frames.
        shaping: how.

    Returns:
        int64 [R, 3], first word, end and reason code of each range; and where the ranges of each pause begin.
    """
    pauses_K = np.array(pauses, np.int64)
    found_R3 = np.empty((max(len(starts_V), 1) * len(pauses_K), 3), np.int64)
    bounds_K = np.zeros(len(pauses_K) + 1, np.int64)
    _shape_all(
        spans_P3,
        starts_V,
        ends_V,
        start_samples_V,
        end_samples_V,
        lengths_G,
        allowed_G,
        pauses_K,
        shaping.merges,
        shaping.parts_all,
        shaping.min_frames,
        shaping.max_samples,
        shaping.edge_frames,
        found_R3,
        bounds_K,
    )
    return found_R3[: bounds_K[-1]], bounds_K


@compiled
def _shape_all(
    spans_P3: LongArray,
    starts_V: LongArray,
    ends_V: LongArray,
    start_samples_V: LongArray,
    end_samples_V: LongArray,
    lengths_G: LongArray,
    allowed_G: BoolArray,
    pauses_K: LongArray,
    merges: bool,
    parts_all: bool,
    min_frames: int,
    max_samples: int,
    edge_frames: int,
    found_R3: LongArray,
    bounds_K: LongArray,
) -> None:
    words = len(starts_V)
    # The part that begins at word a ends at after_G[a], and the one before it begins at before_G[a].
    after_G = np.empty(words + 1, np.int64)
    before_G = np.empty(words + 1, np.int64)
    waiting_X2 = np.empty((words + 1, 2), np.int64)
    count = 0
    for k in range(len(pauses_K)):
        for p in range(len(spans_P3)):
            first, end, code = spans_P3[p, 0], spans_P3[p, 1], spans_P3[p, 2]
            if code != 0 and not parts_all:
                found_R3[count] = spans_P3[p]
                count += 1
                continue
            _break(first, end, lengths_G, allowed_G, pauses_K[k], after_G, before_G)
            if merges:
                _merge(
                    first,
                    end,
                    starts_V,
                    ends_V,
                    start_samples_V,
                    end_samples_V,
                    lengths_G,
                    min_frames,
                    max_samples,
                    after_G,
                    before_G,
                )
            part = first
            while part < end:
                if code != 0:
                    found_R3[count, 0], found_R3[count, 1], found_R3[count, 2] = part, after_G[part], code
                    count += 1
                else:
                    count = _shape(
                        part,
                        after_G[part],
                        start_samples_V,
                        end_samples_V,
                        lengths_G,
                        allowed_G,
                        max_samples,
                        edge_frames,
                        waiting_X2,
                        found_R3,
                        count,
                    )
                part = after_G[part]
        bounds_K[k + 1] = count


@compiled
def _break(
    first: int,
    end: int,
    lengths_G: LongArray,
    allowed_G: BoolArray,
    pause: int,
    after_G: LongArray,
    before_G: LongArray,
) -> None:
    """Break a span at all allowed gaps of at least so many frames."""
    part = first
    before_G[first] = -1
    for gap in range(first + 1, end):
        if lengths_G[gap] >= pause and allowed_G[gap]:
            after_G[part] = gap
            before_G[gap] = part
            part = gap
    after_G[part] = end


@compiled
def _merge(
    first: int,
    end: int,
    starts_V: LongArray,
    ends_V: LongArray,
    start_samples_V: LongArray,
    end_samples_V: LongArray,
    lengths_G: LongArray,
    min_frames: int,
    max_samples: int,
    after_G: LongArray,
    before_G: LongArray,
) -> None:
    """Join neighbouring parts over the smaller gap, the earlier of equals, where one alone is too short."""
    part = first
    while part < end:
        after = after_G[part]
        best = -1
        if ends_V[after - 1] - starts_V[part] < min_frames:
            if part > first and end_samples_V[after - 1] - start_samples_V[before_G[part]] <= max_samples:
                best = part
            joins = after < end and end_samples_V[after_G[after] - 1] - start_samples_V[part] <= max_samples
            if joins and (best < 0 or lengths_G[after] < lengths_G[best]):
                best = after
        if best < 0:
            part = after
            continue
        # The part that begins at `best` becomes the end of the one before it.
        part = before_G[best]
        after_G[part] = after_G[best]
        if after_G[part] < end:
            before_G[after_G[part]] = part


@compiled
def _shape(
    first: int,
    end: int,
    start_samples_V: LongArray,
    end_samples_V: LongArray,
    lengths_G: LongArray,
    allowed_G: BoolArray,
    max_samples: int,
    edge_frames: int,
    waiting_X2: LongArray,
    found_R3: LongArray,
    count: int,
) -> int:
    """Break a part at its longest allowed gaps, the earliest of equals, until nothing is too long."""
    waiting_X2[0, 0], waiting_X2[0, 1] = first, end
    held = 1
    while held:
        held -= 1
        first, end = waiting_X2[held, 0], waiting_X2[held, 1]
        code = 0
        if end_samples_V[end - 1] - start_samples_V[first] > max_samples:
            widest, middle = edge_frames - 1, -1
            for gap in range(first + 1, end):
                if lengths_G[gap] > widest and allowed_G[gap]:
                    widest, middle = lengths_G[gap], gap
            if middle >= 0:
                waiting_X2[held, 0], waiting_X2[held, 1] = middle, end
                waiting_X2[held + 1, 0], waiting_X2[held + 1, 1] = first, middle
                held += 2
                continue
            code = _TOO_LONG
        found_R3[count, 0], found_R3[count, 1], found_R3[count, 2] = first, end, code
        count += 1
    return count
