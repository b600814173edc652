"""In which order the sections of a text are read, where that is another than the text's own.

    text        |== A ==|== B ==|== C ==|
    read        |== A ==|== C ==|== B ==|

Anchors whose places in the text and in what is read rise together make a chain. A chain goes back in the text only
where it gains more by that than chance could give; where the best chain never does, the order is right and nothing is
told. What is read twice counts once. In a text that is in another order, sections too short or too poorly read for
anchors are found by all of their letters (`likeness`); that takes as long as an alignment. The text is cut between what
is read of a section and of the next, best of all where a paragraph ends.

Legend: K stretches of letters that text and reading share.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from prep_corpus.align.sections.anchors import RUN_LETTERS, LongArray, ReadLetters, TextLetters
from prep_corpus.align.sections.likeness import AGREE, COMPARED_LETTERS, LikePart, like_parts
from prep_corpus.align.sections.order import ReadingOrder, moved
from prep_corpus.align.sections.part_of_text import Span, margin_letters

JUMP_RUNS = 3
SECTION_LETTERS = 100
"""What a jump back costs, in anchors: the letters of so many runs, or as many as the reading has in so many letters, if
these are more. No section is found by fewer."""

DENSITY = 0.01
"""Nor is one with anchors at a smaller share of the letters that are read in it; of chance they are fewer."""

FEWEST_LETTERS = 160
"""Shorter texts, and shorter recordings, have no sections."""

FEWEST_MOVED = 200
"""Nor is another order told in which fewer characters leave their place, as of a sentence that the text has twice."""

LENGTHS = (6, 7, 8, 10, 12, 16, 20, 24)
DISTINCT_SHARE = 0.8
"""Runs are so long that nearly as many of them differ as of the longest; what is read poorly has short ones alone."""

LEAP_RUNS = 10
"""What a leap forward costs, over text that nobody reads or that is read elsewhere."""

STRAY_LETTERS = 300
STRAY_SHARE = 0.25
"""With places that stray no further, and this share of the letters that are read between, one stretch goes on from
another without a leap."""

REACH_LETTERS = 20_000
"""So far back in what is read."""

READ_SHARE = 0.5
"""What lies between two stretches is read where the reading has this share of its letters there."""

SLACK_LETTERS = 20

CUT_LETTERS = 250
"""How far inside a section its border is looked for: its outermost anchors may be of chance."""

PARAGRAPH_RUNS, LINE_RUNS, SENTENCE_RUNS = 12.0, 9.0, 6.0
"""So many anchors may lie beyond a border where a paragraph, a line or a sentence ends."""

MISFIT_RUNS = 0.05
ASIDE_RUNS = 0.005
"""What each letter costs that cannot be read where the border puts it; and each aside from the middle of what can."""

_BREAK = re.compile(r"\s+")
_SENTENCE_ENDS = ".!?…。！？"

BoolArray = NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True)
class Stretches:
    """What text and reading share, in the order of the reading; int64 [K] each.

    Attributes:
        text_K, read_K: first letters in the text and in the reading.
        count_K: letters at which an anchor begins; they follow each other in both.
    """

    text_K: LongArray
    read_K: LongArray
    count_K: LongArray

    @staticmethod
    def of(text_M: LongArray, read_M: LongArray) -> Stretches:
        """Those of anchors."""
        goes_on = (np.diff(text_M) == 1) & (np.diff(read_M) == 1)
        firsts = np.flatnonzero(np.append(True, ~goes_on)) if len(text_M) else np.zeros(0, np.int64)
        return Stretches(
            text_K=text_M[firsts],
            read_K=read_M[firsts],
            count_K=np.diff(np.append(firsts, len(text_M))).astype(np.int64),
        )

    def __len__(self) -> int:
        return len(self.text_K)

    def only(self, which: LongArray | BoolArray) -> Stretches:
        """Some of them."""
        return Stretches(text_K=self.text_K[which], read_K=self.read_K[which], count_K=self.count_K[which])

    @property
    def anchors_M(self) -> LongArray:
        """Letters of the text at which their anchors begin."""
        firsts_K = np.cumsum(self.count_K) - self.count_K
        return np.asarray(np.repeat(self.text_K - firsts_K, self.count_K) + np.arange(self.anchors), np.int64)

    @property
    def anchors(self) -> int:
        """How many anchors they hold."""
        return int(self.count_K.sum())


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
    if len(text) < FEWEST_LETTERS or len(read.letters_G) < FEWEST_LETTERS:
        return None
    letters = TextLetters.of(text, read.known)
    margin = margin_letters(len(read.letters_G)) if far_longer else None
    for length in _lengths(letters):
        found = Stretches.of(*letters.anchors(read, length))
        sections = sections_in_order(
            found, length, len(read.letters_G), None if margin is None else 2 * margin
        )
        if len(sections) > 1:
            order = _spans(text, letters.places_P, sections, margin)
            return order if far_longer else _by_all_letters(text, letters, read, order)
    return None


def _by_all_letters(
    text: str, letters: TextLetters, read: ReadLetters, order: ReadingOrder
) -> ReadingOrder | None:
    """The order in which sections are read, found by all of their letters; anchors tell that it is another.

    Args:
        text: the text.
        letters: its letters.
        read: what is read in the recording.
        order: what anchors tell.
    """
    if order.moved_characters < FEWEST_MOVED:
        return None
    if max(len(letters.letters_P), len(read.letters_G)) >= COMPARED_LETTERS:
        return order
    parts = like_parts(letters.letters_P, read.letters_G)
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


def sections_in_order(
    found: Stretches, run_letters: int, read_letters: int, far_letters: int | None = None
) -> list[Section]:
    """The sections of a text in the order in which they are read; one or none where that is the text's own.

    Args:
        found: what text and reading share.
        run_letters: letters of an anchor.
        read_letters: letters that are read.
        far_letters: so many letters of the text that are not read part two sections, though they are in order; none do
            where None.
    """
    fewest = max(JUMP_RUNS * run_letters, round(SECTION_LETTERS * found.anchors / read_letters))
    blocks = _blocks(found, fewest)
    if not blocks or (len(blocks) == 1 and far_letters is None):
        return []
    ordered = _without_light_runs(_once(blocks, fewest), fewest)
    if far_letters is not None:
        ordered = [part for run in ordered for part in _parted(run, far_letters) if part.anchors >= fewest]
    return [
        Section(
            text_start=int(run.text_K[0]),
            text_end=int(run.text_K[-1] + run.count_K[-1]) + run_letters - 1,
            read_start=int(run.read_K[0]),
            read_end=int(run.read_K[-1] + run.count_K[-1]) + run_letters - 1,
            anchors_M=run.anchors_M,
        )
        for run in ordered
    ]


def chained_anchors(found: Stretches) -> int:
    """How many anchors the best chain holds, those read twice counted once."""
    blocks = _blocks(found, 2 * LEAP_RUNS)
    return _once(blocks, 1).anchors if blocks else 0


def _blocks(found: Stretches, jump_runs: int) -> list[Stretches]:
    """The best chain, parted where it jumps; those of chance are in none."""
    text_K, read_K, count_K = found.text_K, found.read_K, found.count_K
    best_K = count_K.astype(np.float64)
    before_K = np.full(len(found), -1, np.int64)
    jumped_K = np.zeros(len(found), np.bool_)
    shift_K = text_K - read_K
    near_K = np.searchsorted(read_K, read_K - REACH_LETTERS)
    text_ends_K, read_ends_K = text_K + count_K, read_K + count_K
    top = -1
    for k in range(1, len(found)):
        near = slice(near_K[k], k)
        if top < 0 or best_K[k - 1] > best_K[top]:
            top = k - 1
        reach = STRAY_LETTERS + STRAY_SHARE * (read_K[k] - read_ends_K[near])
        leaps = np.abs(shift_K[near] - shift_K[k]) > reach
        gained = np.where(text_ends_K[near] <= text_K[k], best_K[near] - LEAP_RUNS * leaps, 0.0)
        at = int(gained.argmax()) if len(gained) else 0
        jump = best_K[top] - jump_runs
        if len(gained) and gained[at] >= max(jump, 0.0) and gained[at] > 0:
            best_K[k] += gained[at]
            before_K[k] = near_K[k] + at
        elif jump > 0:
            best_K[k] += jump
            before_K[k] = top
            jumped_K[k] = True
    blocks: list[list[int]] = [[]]
    k = int(best_K.argmax()) if len(found) else -1
    while k >= 0:
        blocks[-1].append(k)
        if jumped_K[k]:
            blocks.append([])
        k = int(before_K[k])
    return [found.only(np.array(block[::-1], np.int64)) for block in reversed(blocks) if block]


def _once(blocks: list[Stretches], fewest: int) -> Stretches:
    """The stretches of all blocks in the order of the reading, without what a larger block reads as well."""
    kept: list[Stretches] = []
    covered: LongArray = np.zeros((0, 2), np.int64)
    for block in sorted(blocks, key=lambda block: (-block.anchors, int(block.read_K[0]))):
        order = np.argsort(covered[:, 0])
        firsts, ends = covered[order, 0], np.maximum.accumulate(covered[order, 1])
        at_K = np.searchsorted(firsts, block.text_K, side="right") - 1
        own = block.only((at_K < 0) | (block.text_K >= ends[at_K])) if len(covered) else block
        if own.anchors >= fewest:
            kept.append(own)
            covered = np.concatenate((covered, _covered(own)))
    if not kept:
        return blocks[0].only(np.zeros(0, np.int64))
    parts = sorted(kept, key=lambda part: int(part.read_K[0]))
    return Stretches(
        text_K=np.concatenate([part.text_K for part in parts]),
        read_K=np.concatenate([part.read_K for part in parts]),
        count_K=np.concatenate([part.count_K for part in parts]),
    )


def _covered(block: Stretches) -> LongArray:
    """Half-open spans of the text's letters [., 2] that a block reads: its stretches, and what is read between them."""
    ends_K = block.text_K + block.count_K
    text_gaps = block.text_K[1:] - ends_K[:-1]
    read_gaps = block.read_K[1:] - (block.read_K + block.count_K)[:-1]
    is_read = (read_gaps >= READ_SHARE * text_gaps) | (text_gaps <= SLACK_LETTERS)
    firsts = np.flatnonzero(np.append(True, ~is_read))
    lasts = np.append(firsts[1:], len(block)) - 1
    return np.stack((block.text_K[firsts], ends_K[lasts]), axis=1)


def _without_light_runs(chosen: Stretches, fewest: int) -> list[Stretches]:
    """Runs of stretches that follow each other in the text as in the reading, each with enough anchors."""
    while len(chosen):
        rank_K = np.empty(len(chosen), np.int64)
        rank_K[np.argsort(chosen.text_K, kind="stable")] = np.arange(len(chosen))
        firsts = np.flatnonzero(np.append(True, np.diff(rank_K) != 1))
        weights = np.add.reduceat(chosen.count_K, firsts)
        ends = np.append(firsts[1:], len(chosen))
        letters = chosen.read_K[ends - 1] + chosen.count_K[ends - 1] - chosen.read_K[firsts]
        is_light = (weights < fewest) | (weights < DENSITY * letters)
        if len(firsts) == 1 or not is_light.any():
            return [chosen.only(np.arange(first, end)) for first, end in zip(firsts, ends)]
        lightest = int(weights[is_light].min())
        chosen = chosen.only(np.repeat(~is_light | (weights > lightest), ends - firsts))
    return []


def _parted(run: Stretches, far_letters: int) -> list[Stretches]:
    """A run parted where it leaves out so many letters of the text."""
    left_out = np.diff(run.text_K - run.read_K)
    firsts = [0, *(np.flatnonzero(left_out > far_letters) + 1).tolist(), len(run)]
    return [run.only(np.arange(first, end)) for first, end in pairwise(firsts)]


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
