"""Where a recording is cut into segments, and what becomes of every word and every sample.

Legend: T frames, W words of the transcript, V spoken words, G gaps beside them (V + 1), P spans of words, R ranges.

A cut is allowed in a gap of at least k frames: on the alignment's path a gap is a maximal run of blanks and
word delimiters that holds a delimiter. In languages without spaces every character is a word, and the run is of blanks
alone. Between words of two speakers there is always a cut.

Most of the work does not depend on k. So a recording's cuts are planned once (`plan_paper`, `plan_words`), and the
plan is cut at one k or at many (`CutPlan.ranges`), which costs next to nothing.

Drop reasons that cutting gives:
    too-short       shorter than the minimum; or a few letters beside a break, a pause away from the rest
    too-long        longer than the maximum, and no gap inside where it could be cut
    inside-speech   words that the audio says, between others that it does not, without a pause to cut at, or not
                    surely enough to stand beside a break; parts of longer words that are not in the text; or one word
                    a pause away from the rest, beside a text that nobody says
    not-heard       words of which the model hears too few where they should be (`unheard.without_unheard`), and those
                    that cannot be parted from a text that nobody says
    overlapping-speech
                    words that are said while another speaker speaks
    low-score       given later, by the utterance classifier (`with_scores`)

Source: Deep Speech 2 (arXiv 1512.02595), section 5.1, for `cut_paper`.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from prep_corpus.align.audio.levels import SILENCE_DB, Levels
from prep_corpus.align.cutting.coarse import finer
from prep_corpus.align.cutting.edges import PAUSE_MARGIN_DB, Edges, Reach, find_edges
from prep_corpus.align.cutting.passages import (
    Span,
    Spoken,
    passages,
    trimmed,
    without_cut_off,
    without_fragments,
    without_strays,
    without_unsure,
)
from prep_corpus.align.cutting.plan import CutPlan
from prep_corpus.align.cutting.ranges import (
    CODES,
    INSIDE_SPEECH,
    LOW_SCORE,
    NOT_HEARD,
    OPEN,
    OVERLAPPING,
    REASONS,
    TOO_LONG,
    TOO_SHORT,
    Shaping,
)
from prep_corpus.align.cutting.segments import CutOptions, Cuts, Segment, with_scores
from prep_corpus.align.cutting.unheard import (
    NEAR_WORDS,
    SURE_WORDS,
    UNHEARD_IN_A_ROW,
    outside_rows,
    without_unheard,
)
from prep_corpus.align.words.coarse import fine_frames
from prep_corpus.align.words.evidence import Track

if TYPE_CHECKING:
    from prep_corpus.align.words.words import Words

__all__ = [
    "INSIDE_SPEECH",
    "LOW_SCORE",
    "NOT_HEARD",
    "OVERLAPPING",
    "REASONS",
    "TOO_LONG",
    "TOO_SHORT",
    "CutOptions",
    "CutPlan",
    "Cuts",
    "Segment",
    "cut_paper",
    "cut_words",
    "plan_paper",
    "plan_words",
    "with_scores",
]

BoolArray = NDArray[np.bool_]
LongArray = NDArray[np.int64]
CutSpan = tuple[int, int, int]
"""(first spoken word, end of the spoken words, place of the drop reason in `REASON_OF`)."""

EDGE_SECONDS = 0.02
"""An edge is as loud as this much audio just inside it."""

SEARCH_SECONDS = 0.1
"""A quiet place is looked for at least this far outside a word, however short the padding is."""


def plan_paper(
    seen: Track,
    words: Words,
    *,
    options: CutOptions,
    levels: Levels | None = None,
    heard_W: BoolArray | None = None,
    sure_W: BoolArray | None = None,
) -> CutPlan:
    """What is cut by the paper's rule: at every gap of at least k frames, whatever the words are worth.

    A text that nobody says (`unheard.unheard_rows`) is cut off from the speech around it at a shorter gap too, so that
    it alone is dropped.

    Args:
        seen: what the model saw in each of the recording's T frames.
        words: W words; those that the aligner skipped stay in the text, for the filter to judge.
        options: lengths and padding.
        levels: loudness of the recording, for where in a gap the cut stands; from the emissions where None.
        heard_W: whether the model hears the text around each word; it does everywhere where None.
        sure_W: words that may stand beside a text that nobody says; all where None.
    """
    all_W = np.ones(len(words), bool)
    fine = fine_frames(options.stride_samples, options.sample_rate_hz) if levels is not None else 1
    placed = words
    if fine > 1 and levels is not None:
        seen, placed = finer(seen, words, all_W, levels, options.stride_samples, fine)
        options = replace(options, stride_samples=options.stride_samples // fine)
    spoken = Spoken.of(placed, all_W, len(seen.speech_T))
    edges = _edges(seen, spoken, options, levels)
    row_G: BoolArray = np.zeros(len(words) + 1, bool)
    if heard_W is not None:
        row_G = _around_rows(heard_W, all_W if sure_W is None else sure_W, spoken, edges, options)
    spans = [
        (*passage, CODES[OVERLAPPING] if spoken.by_several(passage) else OPEN)
        for passage in passages(spoken, spoken.turns_G | row_G)
    ]
    return CutPlan(
        seen=seen,
        words=words,
        spoken=spoken,
        edges=edges,
        options=options,
        spans_P3=np.array(spans, np.int64).reshape(-1, 3),
        allowed_G=np.ones(len(spoken.index_V) + 1, bool),
        shaping=_shaping(options, merges=False, parts_all=True),
        parts=fine,
    )


def plan_words(
    seen: Track,
    words: Words,
    spoken_W: BoolArray,
    *,
    options: CutOptions,
    levels: Levels | None = None,
    sure_W: BoolArray | None = None,
    unsaid_W: BoolArray | None = None,
    lacking_W: BoolArray | None = None,
) -> CutPlan:
    """What is cut around the words that the audio does not say, and at gaps of at least k frames elsewhere.

    A word of the transcript that nobody says, between two that follow each other in the audio without speech
    between them, is left out of its utterance's text (`Segment.unspoken`) instead of costing a cut.

    Args:
        seen: what the model saw in each of the recording's T frames.
        words: W words.
        spoken_W: the word classifier's verdict: the audio says it.
        options: lengths and padding.
        levels: loudness of the recording, for where it is quiet enough to cut; from the emissions where None.
        sure_W: words that may stand beside a break, where a word is wrong or missing; all where None.
        unsaid_W: words that may be left out of a text that goes on around them; all that are not spoken where None.
        lacking_W: words before which something is said that the transcript lacks; where None nothing tells, and a few
            letters beside a break, a pause away from the rest, are dropped instead.
    """
    fine = fine_frames(options.stride_samples, options.sample_rate_hz) if levels is not None else 1
    placed, said_W = words, spoken_W & ~words.skipped
    if fine > 1 and levels is not None:
        seen, placed = finer(seen, words, said_W, levels, options.stride_samples, fine)
        options = replace(options, stride_samples=options.stride_samples // fine)
    spoken = Spoken.of(placed, said_W, len(seen.speech_T))
    edges = _edges(seen, spoken, options, levels)
    mass_sums = np.concatenate(([0.0], np.cumsum(seen.speech_T, dtype=np.float64)))
    mass_G = mass_sums[spoken.gap_ends] - mass_sums[spoken.gap_starts]
    break_G = mass_G > np.where(spoken.passed_G, options.bridge_mass, options.gap_mass)
    if unsaid_W is not None:
        break_G |= spoken.doubted(~said_W & ~words.skipped & ~unsaid_W)
    if lacking_W is not None:
        break_G |= spoken.lacking(lacking_W)
        options = replace(options, fragment_letters=0)
    unsaid_W = words.skipped if unsaid_W is None else unsaid_W | words.skipped
    row_G = spoken.rows(unsaid_W & ~said_W, UNHEARD_IN_A_ROW)
    sure_V = None if sure_W is None else sure_W[spoken.index_V]
    allowed_G = np.zeros(len(break_G), bool)
    spans: list[CutSpan] = []
    for passage in passages(spoken, break_G | spoken.turns_G):
        if spoken.by_several(passage):
            spans.append((*passage, CODES[OVERLAPPING]))
            continue
        if passage[1] - passage[0] == 1 and row_G[passage[0] : passage[1] + 1].any():
            # Alignment puts the end of a text that nobody says on the speech beside it.
            spans.append((*passage, CODES[TOO_SHORT]))
            continue
        limit_db = _limit_db(passage, spoken, edges.levels, options)
        whole, (start, end) = _inner(passage, spoken, edges, limit_db, seen, break_G, row_G, sure_V, options)
        if start >= end:
            spans.append((*passage, CODES[INSIDE_SPEECH]))
            continue
        allowed_G[start + 1 : end] = edges.allowed(start + 1, end, limit_db)
        spans += [
            (first, last, code)
            for first, last, code in (
                (passage[0], whole[0], CODES[TOO_SHORT]),
                (whole[0], start, CODES[INSIDE_SPEECH]),
                (start, end, OPEN),
                (end, whole[1], CODES[INSIDE_SPEECH]),
                (whole[1], passage[1], CODES[TOO_SHORT]),
            )
            if first < last
        ]
    return CutPlan(
        seen=seen,
        words=words,
        spoken=spoken,
        edges=edges,
        options=options,
        spans_P3=np.array(spans, np.int64).reshape(-1, 3),
        allowed_G=allowed_G,
        shaping=_shaping(options, merges=True, parts_all=False),
        parts=fine,
        own_level=fine > 1,
    )


def cut_paper(
    seen: Track,
    words: Words,
    *,
    k_frames: int,
    options: CutOptions,
    levels: Levels | None = None,
    heard_W: BoolArray | None = None,
    sure_W: BoolArray | None = None,
) -> Cuts:
    """`plan_paper`, cut at gaps of at least `k_frames`, and `without_unheard`."""
    plan = plan_paper(seen, words, options=options, levels=levels, heard_W=heard_W, sure_W=sure_W)
    cuts = plan.cut(k_frames)
    return cuts if heard_W is None else without_unheard(cuts, heard_W)


def cut_words(
    seen: Track,
    words: Words,
    spoken_W: BoolArray,
    *,
    k_frames: int,
    options: CutOptions,
    levels: Levels | None = None,
    sure_W: BoolArray | None = None,
    unsaid_W: BoolArray | None = None,
    lacking_W: BoolArray | None = None,
) -> Cuts:
    """`plan_words`, cut at gaps of at least `k_frames`."""
    return plan_words(
        seen,
        words,
        spoken_W,
        options=options,
        levels=levels,
        sure_W=sure_W,
        unsaid_W=unsaid_W,
        lacking_W=lacking_W,
    ).cut(k_frames)


def _around_rows(
    heard_W: BoolArray, sure_W: BoolArray, spoken: Spoken, edges: Edges, options: CutOptions
) -> BoolArray:
    """The gaps [W + 1] at which texts that nobody says are cut off, with the words beside them that are in doubt.

    In the speech between two such texts they are the first and the last gap, `NEAR_WORDS` away from the texts, at which
    it can begin and end in quiet with `SURE_WORDS` sure words; it is not cut off where no such gap is left.

    Args:
        heard_W: whether the model hears the text around each word.
        sure_W: words that may stand beside a text that nobody says.
        spoken: all W words.
        edges: their edges.
        options: lengths and padding.
    """
    count = len(heard_W)
    row_G = np.zeros(count + 1, bool)
    for first, last in outside_rows(heard_W):
        limit_db = _limit_db((first, last), spoken, edges.levels, options)
        begins_W, ends_W = edges.start_levels_V <= limit_db, edges.end_levels_V <= limit_db
        start = first + NEAR_WORDS if first else 0
        while 0 < start < last and not (begins_W[start] and sure_W[start : start + SURE_WORDS].all()):
            start += 1
        end = last - NEAR_WORDS if last < count else count
        while start < end < count and not (ends_W[end - 1] and sure_W[max(end - SURE_WORDS, 0) : end].all()):
            end -= 1
        if start < end:
            row_G[[start, end]] = True
    return row_G


def _shaping(options: CutOptions, *, merges: bool, parts_all: bool) -> Shaping:
    return Shaping(
        merges=merges,
        parts_all=parts_all,
        min_frames=options.frames(options.min_seconds),
        max_samples=int(options.max_seconds * options.sample_rate_hz),
        edge_frames=max(options.frames(options.edge_gap_seconds), 1),
    )


def _inner(
    passage: Span,
    spoken: Spoken,
    edges: Edges,
    limit_db: float,
    seen: Track,
    break_G: BoolArray,
    row_G: BoolArray,
    sure_V: BoolArray | None,
    options: CutOptions,
) -> tuple[Span, Span]:
    """A passage without fragments at its ends; and what of it may stand beside a break, and begin and end in quiet."""
    pause_frames = max(options.frames(options.fragment_gap_seconds), 1)
    whole = without_fragments(
        passage,
        spoken.gap_frames,
        break_G,
        spoken.letters_V,
        gap_frames=pause_frames,
        most_letters=options.fragment_letters,
    )
    inner = without_cut_off(whole, passage, spoken, seen, break_G, options.frames(options.goes_on_seconds))
    if sure_V is not None:
        inner = without_unsure(inner, passage, break_G, sure_V)
    inner = without_strays(trimmed(inner, edges, limit_db), passage, spoken.gap_frames, row_G, pause_frames)
    return whole, trimmed(inner, edges, limit_db)


def _limit_db(passage: Span, spoken: Spoken, levels: Levels, options: CutOptions) -> float:
    """The level that counts as a pause beside a passage: well under its speech, or little above the noise."""
    stride = options.stride_samples
    speech_db = levels.mean_db(
        int(spoken.starts_V[passage[0]]) * stride, int(spoken.ends_V[passage[1] - 1]) * stride
    )
    return max(speech_db - options.edge_drop_db, levels.floor_db + PAUSE_MARGIN_DB)


def _edges(seen: Track, spoken: Spoken, options: CutOptions, levels: Levels | None) -> Edges:
    quiet_T = seen.quiet_T
    slack, lead = options.frames(options.slack_seconds), options.frames(options.lead_seconds)
    if levels is None:
        # Without the audio a frame is as loud as its symbols, and a letter's own frames are no place to cut.
        levels = Levels(
            level_P=quiet_T.astype(np.uint8),
            power_L=np.array([1.0, 1e-12]),
            block_samples=options.stride_samples,
            floor_db=SILENCE_DB,
        )
        slack = lead = 0
    window = round(EDGE_SECONDS * options.sample_rate_hz / levels.block_samples)
    padding = options.frames(options.padding_seconds)
    reach = Reach(
        stride_samples=options.stride_samples,
        window_blocks=max(window, 2),
        search_frames=max(padding, options.frames(SEARCH_SECONDS)),
        padding_frames=padding,
        slack_frames=slack,
        lead_frames=lead,
    )
    starts_V, ends_V = spoken.starts_V, spoken.ends_V
    return find_edges(starts_V, ends_V, spoken.before_V, spoken.after_V, quiet_T, levels, reach)
