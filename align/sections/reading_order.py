"""In which order the sections of a text are read, where that is another than the text's own.

    text        |== A ==|== B ==|== C ==|
    read        |== A ==|== C ==|== B ==|

Where the best chain of anchors never goes back in the text, the order is right and nothing is told. Where it does,
all letters are compared that lie not close to anchors (`likeness`), for sections too short or too poorly read to have
enough of these. The text is cut between what is read of a section and of the next, best of all where a paragraph ends.

Legend: K stretches of letters that text and reading share.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from itertools import pairwise

import numpy as np

from prep_corpus.align.sections.anchors import RUN_LETTERS, LongArray, ReadLetters, TextLetters
from prep_corpus.align.sections.chains import Stretches, runs_in_order
from prep_corpus.align.sections.likeness import AGREE, COMPARED_LETTERS, LikePart, like_parts
from prep_corpus.align.sections.order import ReadingOrder, moved
from prep_corpus.align.sections.part_of_text import Span, margin_letters

FEWEST_LETTERS = 160
"""Shorter texts, and shorter recordings, have no sections."""

FEWEST_MOVED = 200
"""Nor is another order told in which fewer characters leave their place, as of a sentence that the text has twice."""

LENGTHS = (6, 7, 8, 10, 12, 16, 20, 24)
DISTINCT_SHARE = 0.8
"""Runs are so long that nearly as many of them differ as of the longest; what is read poorly has short ones alone."""

CLOSE_LETTERS, END_LETTERS, GAP_LETTERS = 200, 150, 40
"""What stands so close to the next anchor, so far from a section's ends and so far from other gaps between anchors, is
read where these put it."""

CUT_LETTERS = 250
"""How far inside a section its border is looked for: its outermost anchors may be of chance."""

PARAGRAPH_RUNS, LINE_RUNS, SENTENCE_RUNS = 12.0, 9.0, 6.0
"""So many anchors may lie beyond a border where a paragraph, a line or a sentence ends."""

MISFIT_RUNS = 0.05
ASIDE_RUNS = 0.005
"""What each letter costs that cannot be read where the border puts it; and each aside from the middle of what can."""

_BREAK = re.compile(r"\s+")
_SENTENCE_ENDS = ".!?…。！？"


@dataclass(frozen=True, kw_only=True)
class Section:
    """A part of a text that is read as it stands; half-open spans of letters.

    Attributes:
        text_start, text_end: in the text, from the first to the last anchor.
        read_start, read_end: in what is read.
        anchors_M: letters of the text at which its anchors begin, rising; where it is found by all of its letters, as
            many as agree beyond those that do not, evenly.
    """

    text_start: int
    text_end: int
    read_start: int
    read_end: int
    anchors_M: LongArray = field(repr=False)


def may_be_reordered(text: str, *, far_longer: bool) -> bool:
    """Whether a text is long enough for another order of its sections; see `reading_order`."""
    return len(text) >= (FEWEST_LETTERS if far_longer else max(FEWEST_LETTERS, FEWEST_MOVED))


def reading_order(text: str, read: ReadLetters, *, far_longer: bool = False) -> ReadingOrder | None:
    """The order in which the sections of a text are read.

    Args:
        text: the text.
        read: what is read in the recording.
        far_longer: nobody could say the text in the recording: what is far from all sections is no part of them, and
            sections may stand far apart in it.

    Returns:
        None where it is the text's own, or not certain.
    """
    if not may_be_reordered(text, far_longer=far_longer) or len(read.letters_G) < FEWEST_LETTERS:
        return None
    letters = TextLetters.of(text, read.known)
    margin = margin_letters(len(read.letters_G)) if far_longer else None
    for length in _lengths(letters):
        found = Stretches.of(*letters.anchors(read, length))
        runs = runs_in_order(found, length, len(read.letters_G), None if margin is None else 2 * margin)
        if len(runs) > 1:
            sections = [_anchored(run, length) for run in runs]
            order = _spans(text, letters.places_P, sections, margin)
            if far_longer or order.moved_characters < FEWEST_MOVED:
                return order if far_longer else None
            if max(len(letters.letters_P), len(read.letters_G)) >= COMPARED_LETTERS:
                return order
            return _by_all_letters(
                text, letters, read, [part for run in runs for part in _known(run, length)]
            )
    return None


def _by_all_letters(
    text: str, letters: TextLetters, read: ReadLetters, known: list[LikePart]
) -> ReadingOrder | None:
    """The order in which sections are read, found by all of their letters; anchors tell that it is another.

    Args:
        text: the text.
        letters: its letters.
        read: what is read in the recording.
        known: parts that anchors tell beyond doubt.

    """
    parts = like_parts(letters.letters_P, read.letters_G, known)
    in_text = np.argsort(np.argsort([part.text_start for part in parts]))
    firsts = np.flatnonzero(np.diff(in_text, prepend=-2) != 1) if parts else in_text
    runs = [parts[first:end] for first, end in pairwise([*firsts.tolist(), len(parts)])]
    if len(runs) < 2:
        return None
    gains = [sum(part.gain for part in run) // AGREE for run in runs]
    found = _spans(text, letters.places_P, [_section(run) for run in runs], None)
    return replace(found, moved_letters=moved(found.spans, gains))


def _section(run: list[LikePart]) -> Section:
    """The section of parts that follow each other in the text as in the reading."""
    agree = [
        np.linspace(part.text_start, part.text_end - 1, part.gain // AGREE).astype(np.int64) for part in run
    ]
    return Section(
        text_start=run[0].text_start,
        text_end=run[-1].text_end,
        read_start=run[0].read_start,
        read_end=run[-1].read_end,
        anchors_M=np.concatenate(agree),
    )


def _lengths(letters: TextLetters) -> list[int]:
    """Lengths of the runs, tried one after the other: from the shortest of which most stand once in the text."""
    # What longer runs repeat as well is no chance: the text has it twice.
    wanted = DISTINCT_SHARE * letters.distinct_runs(LENGTHS[-1])
    likely = len(str(len(letters.letters_P))) + 2
    first = next(one for one in LENGTHS if one >= likely and letters.distinct_runs(one) >= wanted)
    return [first, *(longer for longer in RUN_LETTERS if longer > first)][:2]


def _anchored(run: Stretches, run_letters: int) -> Section:
    """The section of what is read of it."""
    return Section(
        text_start=int(run.text_K[0]),
        text_end=int(run.text_K[-1] + run.count_K[-1]) + run_letters - 1,
        read_start=int(run.read_K[0]),
        read_end=int(run.read_K[-1] + run.count_K[-1]) + run_letters - 1,
        anchors_M=run.anchors_M,
    )


def _known(run: Stretches, run_letters: int) -> Iterator[LikePart]:
    """What is read of a section beyond doubt: where anchors stand close to each other, but for its two ends."""
    ends_K, read_ends_K = (first_K + run.count_K + run_letters - 1 for first_K in (run.text_K, run.read_K))
    text_gaps, read_gaps = run.text_K[1:] - ends_K[:-1], run.read_K[1:] - read_ends_K[:-1]
    is_close = (np.maximum(text_gaps, read_gaps) <= CLOSE_LETTERS) & (
        np.abs(text_gaps - read_gaps) <= CLOSE_LETTERS // 2
    )
    firsts = [0, *(np.flatnonzero(~is_close) + 1).tolist(), len(run)]
    for first, end in pairwise(firsts):
        start = run.text_K[first] + (GAP_LETTERS if first else END_LETTERS)
        stop = ends_K[end - 1] - (GAP_LETTERS if end < len(run) else END_LETTERS)
        inside_K = first + np.flatnonzero((run.text_K[first:end] >= start) & (ends_K[first:end] <= stop))
        if len(inside_K) > 1:
            one, other = int(inside_K[0]), int(inside_K[-1])
            yield LikePart(
                text_start=int(run.text_K[one]),
                text_end=int(ends_K[other]),
                read_start=int(run.read_K[one]),
                read_end=int(read_ends_K[other]),
                gain=AGREE * int(run.count_K[one : other + 1].sum()),
            )


def _spans(text: str, places_P: LongArray, sections: list[Section], margin: int | None) -> ReadingOrder:
    """The text cut between its sections.

    Args:
        text: the text.
        places_P: where its letters stand.
        sections: in the order in which they are read, at least two.
        margin: how many letters a section reaches beyond its anchors at most; no bound where None.
    """
    in_text = sorted(range(len(sections)), key=lambda one: sections[one].text_start)
    starts, ends = [0] * len(sections), [len(text)] * len(sections)
    rest: list[Span] = []
    for before, after in zip([None, *in_text], [*in_text, None]):
        first = 0 if before is None else sections[before].text_end
        last = len(places_P) if after is None else sections[after].text_start
        if margin is None or last - first <= margin * ((before is not None) + (after is not None)):
            if before is not None and after is not None:
                ends[before], starts[after] = _border(text, places_P, sections, before, after)
            continue
        left, right = (0, 0), (len(text), len(text))
        if before is not None:
            left = _best_break(text, places_P, (first, first + margin), lambda _: 0.0)
            ends[before] = left[0]
        if after is not None:
            right = _best_break(text, places_P, (last - margin, last), lambda _: 0.0)
            starts[after] = right[1]
        rest.append((left[1], right[0]))
    spans = [*zip(starts, ends), *(span for span in rest if span[0] < span[1])]
    return ReadingOrder(spans=tuple(spans), read=len(sections))


def _border(text: str, places_P: LongArray, sections: list[Section], before: int, after: int) -> Span:
    """The white space between two sections that follow each other in the text; empty where there is none."""
    one, other = sections[before], sections[after]
    # Letters that are read behind the one until the next section, and before the other.
    behind = sections[before + 1].read_start - one.read_end if before + 1 < len(sections) else len(places_P)
    ahead = other.read_start - sections[after - 1].read_end if after else len(places_P)
    low, high = other.text_start - max(ahead, 0), one.text_end + max(behind, 0)
    middle = min(max((low + high) / 2, one.text_end), other.text_start)

    def cost(at: int) -> float:
        beyond = (
            len(one.anchors_M)
            - int(np.searchsorted(one.anchors_M, at))
            + int(np.searchsorted(other.anchors_M, at))
        )
        return beyond + MISFIT_RUNS * max(low - at, at - high, 0) + ASIDE_RUNS * abs(at - middle)

    first = max(one.text_end - CUT_LETTERS, (one.text_start + one.text_end) // 2)
    last = min(other.text_start + CUT_LETTERS, (other.text_start + other.text_end) // 2)
    return _best_break(text, places_P, (first, last), cost)


def _best_break(text: str, places_P: LongArray, letters: Span, cost: Callable[[int], float]) -> Span:
    """The white space at which a text is best cut, by what ends there and what the cut costs.

    Args:
        text: the text.
        places_P: where its letters stand.
        letters: half-open span of its letters; the cut lies before one of them.
        cost: what a cut before a letter costs, in anchors.
    """
    first, last = (int(places_P[min(max(at, 0), len(places_P) - 1)]) for at in letters)

    def worth(found: re.Match[str]) -> float:
        lines = found[0].count("\n")
        ends_sentence = (
            text[max(found.start() - 2, 0) : found.start()].strip("\"'”’)»")[-1:] in _SENTENCE_ENDS
        )
        kind = (SENTENCE_RUNS if ends_sentence else 0.0, LINE_RUNS, PARAGRAPH_RUNS)[min(lines, 2)]
        return kind - cost(int(np.searchsorted(places_P, found.start())))

    found = list(_BREAK.finditer(text, first, last))
    if found:
        return max(found, key=worth).span()
    # A text without white space.
    at = int(places_P[min(range(letters[0], letters[1] + 1), key=cost)])
    return at, at
