"""However words lie, no spans overlap and nothing disappears."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from support.cutting_words import BLANK, RATE, SPACE, STRIDE, options, words_at

from prep_corpus.align.audio.levels import Levels
from prep_corpus.align.cutting.cut_ledgers import character_ledger, sample_ledger
from prep_corpus.align.cutting.cutting import cut_paper, cut_words
from prep_corpus.align.words.evidence import Track
from prep_corpus.align.words.words import Words


@dataclass(frozen=True, kw_only=True)
class Problem:
    words: Words
    spoken_W: NDArray[np.bool_]
    seen: Track
    levels: Levels | None
    frames: int


@st.composite
def problems(draw: st.DrawFn) -> Problem:
    count = draw(st.integers(1, 12))
    at, spans, skipped = 0, [], []
    for w in range(count):
        at += draw(st.integers(0, 12))
        length = draw(st.integers(0, 9))
        if length == 0:
            skipped.append(w)
        spans.append((at, at + length))
        at += length
    frames = at + draw(st.integers(1, 12))
    words = words_at(*spans, skipped=tuple(skipped))
    seed = draw(st.integers(0, 2**32 - 1))
    random = np.random.default_rng(seed)
    greedy_T = np.where(random.random(frames) < draw(st.floats(0, 1)), 5, 0).astype(np.int32)
    seen = Track(
        speech_T=(greedy_T == 5).astype(np.float32),
        maximum_T=np.zeros(frames, np.float32),
        greedy_T=greedy_T,
        blank=BLANK,
        delimiter=SPACE,
    )
    levels = None
    if draw(st.booleans()):
        block = draw(st.sampled_from((80, 77, 640)))
        power_P = random.choice([1.0, 1e-3, 1e-9], size=max(1, frames * STRIDE // block))
        levels = Levels.of_powers(power_P, block_samples=block, floor_db=-60.0)
    spoken_W = random.random(count) < 0.7
    return Problem(words=words, spoken_W=spoken_W, seen=seen, levels=levels, frames=frames)


@settings(max_examples=300, deadline=None)
@given(
    problems(),
    st.integers(1, 12),
    st.sampled_from((-1.0, 1.0, 99.0)),
    st.booleans(),
    st.sampled_from((0.3, 2.0)),
    st.sampled_from((0.0, 0.2, 1.0)),
)
def test_spans_never_overlap_and_both_ledgers_add_up(
    problem: Problem,
    k_frames: int,
    bridge_mass: float,
    paper: bool,
    max_seconds: float,
    padding_seconds: float,
) -> None:
    shape = options(
        bridge_mass=bridge_mass, min_seconds=0.05, max_seconds=max_seconds, padding_seconds=padding_seconds
    )
    if paper:
        cuts = cut_paper(problem.seen, problem.words, k_frames=k_frames, options=shape, levels=problem.levels)
    else:
        cuts = cut_words(
            problem.seen,
            problem.words,
            problem.spoken_W,
            k_frames=k_frames,
            options=shape,
            levels=problem.levels,
        )
    spans = [(s.sample_start, s.sample_end) for s in cuts.segments]
    for before, after in pairwise(spans):
        assert before[1] <= after[0]
    n_samples = problem.frames * STRIDE + 11
    assert all(0 <= a <= b <= n_samples for a, b in spans)
    ledger = sample_ledger(cuts, n_samples)
    assert sum(ledger.values()) == n_samples
    assert min(ledger.values()) >= 0
    owner_N = np.repeat(np.arange(-1, len(problem.words)), 3)
    assert sum(character_ledger(cuts, owner_N).values()) == len(owner_N)
    for s, segment in enumerate(cuts.segments):
        said = [w for a, b in segment.spoken_ranges() for w in range(a, b)]
        assert said == np.flatnonzero(cuts.segment_W == s).tolist()
        assert said
        assert paper or not problem.words.skipped[said].any()
        assert segment.frame_start <= problem.words.frame_starts[said[0]]
        assert segment.frame_end >= problem.words.frame_ends[said[-1]]
        if not segment.reason:
            assert segment.sample_end - segment.sample_start <= max_seconds * RATE
