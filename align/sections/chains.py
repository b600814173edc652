"""Chains of anchors: what text and reading share, parted where the reading goes back in the text.

Anchors whose places in the text and in what is read rise together make a chain. A chain goes back in the text only
where it gains more by that than chance could give. What is read twice counts once.

Legend: K stretches of letters that text and reading share.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from prep_corpus.align.sections.anchors import LongArray
from prep_corpus.align.viterbi.compiling import compiled

JUMP_RUNS = 3
SECTION_LETTERS = 100
"""What a jump back costs, in anchors: the letters of so many runs, or as many as the reading has in so many letters, if
these are more. No section is found by fewer."""

DENSITY = 0.01
"""Nor is one with anchors at a smaller share of the letters that are read in it; of chance they are fewer."""

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

BoolArray = NDArray[np.bool_]
DoubleArray = NDArray[np.float64]


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


def runs_in_order(
    found: Stretches, run_letters: int, read_letters: int, far_letters: int | None
) -> list[Stretches]:
    """What is read of each section, in the order in which they are read; one or none where that is the text's own.

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
    return ordered


def chained_anchors(found: Stretches) -> int:
    """How many anchors the best chain holds, those read twice counted once."""
    blocks = _blocks(found, 2 * LEAP_RUNS)
    return _once(blocks, 1).anchors if blocks else 0


def _blocks(found: Stretches, jump_runs: int) -> list[Stretches]:
    """The best chain, parted where it jumps; those of chance are in none."""
    best_K = found.count_K.astype(np.float64)
    before_K = np.full(len(found), -1, np.int64)
    jumped_K = np.zeros(len(found), np.bool_)
    near_K = np.searchsorted(found.read_K, found.read_K - REACH_LETTERS)
    _chain(found.text_K, found.read_K, found.count_K, near_K, jump_runs, best_K, before_K, jumped_K)
    blocks: list[list[int]] = [[]]
    k = int(best_K.argmax()) if len(found) else -1
    while k >= 0:
        blocks[-1].append(k)
        if jumped_K[k]:
            blocks.append([])
        k = int(before_K[k])
    return [found.only(np.array(block[::-1], np.int64)) for block in reversed(blocks) if block]


@compiled
def _chain(
    text_K: LongArray,
    read_K: LongArray,
    count_K: LongArray,
    near_K: LongArray,
    jump_runs: int,
    best_K: DoubleArray,
    before_K: LongArray,
    jumped_K: BoolArray,
) -> None:
    """The best chain that ends with each stretch.

    Args:
        text_K, read_K, count_K: as in `Stretches`.
        near_K: the first stretch that is near enough to stand before each without a jump.
        jump_runs: what a jump costs.
        best_K: anchors of each stretch; changed into what the best chain to it is worth.
        before_K, jumped_K: the stretch before it in that chain, and whether it is a jump away; changed.
    """
    top = -1
    for k in range(1, len(best_K)):
        if top < 0 or best_K[k - 1] > best_K[top]:
            top = k - 1
        at, gained = -1, 0.0
        for j in range(near_K[k], k):
            worth = 0.0
            if text_K[j] + count_K[j] <= text_K[k]:
                reach = STRAY_LETTERS + STRAY_SHARE * (read_K[k] - read_K[j] - count_K[j])
                leaps = abs(text_K[j] - read_K[j] - text_K[k] + read_K[k]) > reach
                worth = best_K[j] - (LEAP_RUNS if leaps else 0)
            if at < 0 or worth > gained:
                at, gained = j, worth
        jump = best_K[top] - jump_runs
        if gained > 0 and gained >= jump:
            best_K[k] += gained
            before_K[k] = at
        elif jump > 0:
            best_K[k] += jump
            before_K[k] = top
            jumped_K[k] = True


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
