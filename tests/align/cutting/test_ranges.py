"""The compiled way of breaking words into ranges against a plain one; and plans that are cut at many pauses."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from prep_corpus.align.cutting.ranges import CODES, OPEN, TOO_LONG, Ranges, Shaping, shaped_ranges

Span = tuple[int, int]


@dataclass
class Problem:
    starts_V: NDArray[np.int64]
    ends_V: NDArray[np.int64]
    start_samples_V: NDArray[np.int64]
    end_samples_V: NDArray[np.int64]
    lengths_G: NDArray[np.int64]
    allowed_G: NDArray[np.bool_]
    spans: list[tuple[int, int, int]]
    shaping: Shaping

    def length(self, span: Span) -> int:
        return int(self.ends_V[span[1] - 1] - self.starts_V[span[0]])

    def samples(self, span: Span) -> int:
        return int(self.end_samples_V[span[1] - 1] - self.start_samples_V[span[0]])


@st.composite
def problems(draw: st.DrawFn) -> Problem:
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    count = draw(st.integers(1, 30))
    gaps, lengths = random.integers(0, 9, count + 1), random.integers(1, 9, count)
    starts_V = np.cumsum(gaps[:-1]) + np.concatenate(([0], np.cumsum(lengths)[:-1]))
    borders = (
        [0, *sorted(set(random.integers(1, count, draw(st.integers(0, 4))).tolist()))] if count > 1 else [0]
    )
    spans = [
        (first, end, OPEN if random.random() < 0.7 else CODES["inside-speech"])
        for first, end in pairwise([*borders, count])
    ]
    return Problem(
        starts_V=starts_V,
        ends_V=starts_V + lengths,
        start_samples_V=10 * starts_V - random.integers(-9, 30, count),
        end_samples_V=10 * (starts_V + lengths) + random.integers(-9, 30, count),
        lengths_G=gaps.astype(np.int64),
        allowed_G=random.random(count + 1) < draw(st.sampled_from((0.3, 0.9, 1.0))),
        spans=spans,
        shaping=Shaping(
            merges=draw(st.booleans()),
            parts_all=draw(st.booleans()),
            min_frames=draw(st.integers(0, 25)),
            max_samples=draw(st.integers(50, 600)),
            edge_frames=draw(st.integers(1, 4)),
        ),
    )


def plain_parts(problem: Problem, span: Span, pause: int) -> list[Span]:
    start, end = span
    wide = [g for g in range(start + 1, end) if problem.lengths_G[g] >= pause and problem.allowed_G[g]]
    return list(pairwise([start, *wide, end]))


def plain_merged(problem: Problem, parts: list[Span]) -> list[Span]:
    at = 0
    while at < len(parts):
        choices = []
        if problem.length(parts[at]) < problem.shaping.min_frames:
            for first in (at - 1, at):
                if first < 0 or first + 1 >= len(parts):
                    continue
                joined = (parts[first][0], parts[first + 1][1])
                if problem.samples(joined) <= problem.shaping.max_samples:
                    choices.append((int(problem.lengths_G[parts[first][1]]), first, joined))
        if not choices:
            at += 1
            continue
        _, first, joined = min(choices)
        parts[first : first + 2] = [joined]
        at = first
    return parts


def plain_shaped(problem: Problem, part: Span) -> list[tuple[int, int, int]]:
    if problem.samples(part) <= problem.shaping.max_samples:
        return [(*part, OPEN)]
    inside = [
        (-int(problem.lengths_G[gap]), gap)
        for gap in range(part[0] + 1, part[1])
        if problem.allowed_G[gap] and problem.lengths_G[gap] >= problem.shaping.edge_frames
    ]
    if not inside:
        return [(*part, CODES[TOO_LONG])]
    middle = min(inside)[1]
    return plain_shaped(problem, (part[0], middle)) + plain_shaped(problem, (middle, part[1]))


def plain_ranges(problem: Problem, pause: int) -> list[tuple[int, int, int]]:
    found: list[tuple[int, int, int]] = []
    for first, end, code in problem.spans:
        if code != OPEN and not problem.shaping.parts_all:
            found.append((first, end, code))
            continue
        parts = plain_parts(problem, (first, end), pause)
        if problem.shaping.merges:
            parts = plain_merged(problem, parts)
        for part in parts:
            found += [(*part, code)] if code != OPEN else plain_shaped(problem, part)
    return found


@settings(max_examples=300, deadline=None)
@given(problems(), st.lists(st.integers(0, 9), min_size=1, max_size=4))
def test_the_ranges_of_every_pause_are_those_of_a_plain_way(problem: Problem, pauses: list[int]) -> None:
    found_R3, bounds_K = shaped_ranges(
        np.array(problem.spans, np.int64),
        problem.starts_V,
        problem.ends_V,
        problem.start_samples_V,
        problem.end_samples_V,
        problem.lengths_G,
        problem.allowed_G,
        pauses,
        problem.shaping,
    )
    assert len(bounds_K) == len(pauses) + 1
    for pause, (first, end) in zip(pauses, pairwise(bounds_K.tolist())):
        assert [tuple(row) for row in found_R3[first:end].tolist()] == plain_ranges(problem, pause)


def test_totals_count_candidates_of_each_pause() -> None:
    ranges = Ranges(
        firsts_R=np.array([0, 1, 0]),
        ends_R=np.array([1, 2, 2]),
        codes_R=np.array([OPEN, CODES[TOO_LONG], OPEN]),
        start_samples_R=np.array([10, 30, 10]),
        end_samples_R=np.array([25, 50, 50]),
        bounds_K=np.array([0, 2, 3, 3]),
    )
    assert ranges.totals() == [(1, 15), (1, 40), (0, 0)]
