"""Where a recording is cut into segments, and what becomes of every word and every sample.

Legend: T frames, W words of the transcript.

A cut is allowed in a gap of at least k frames: on the alignment's path a gap is a maximal run of blanks and
word delimiters that holds a delimiter. In languages without spaces every character is a word, and the run is of blanks
alone. Between words of two speakers there is always a cut.

Drop reasons that cutting gives:
    too-short       shorter than the minimum; or a few letters beside a break, a pause away from the rest
    too-long        longer than the maximum, and no gap inside where it could be cut
    inside-speech   words that the audio says, between others that it does not, without a pause to cut at, or not
                    surely enough to stand beside a break; or parts of longer words that are not in the text
    not-heard       words of which the model hears too few where they should be (`unheard.without_unheard`)
    overlapping-speech
                    words that are said while another speaker speaks
    low-score       given later, by the utterance classifier (`with_scores`)

Source: Deep Speech 2 (arXiv 1512.02595), section 5.1, for `cut_paper`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from prep_corpus.align.audio.levels import SILENCE_DB, Levels
from prep_corpus.align.cutting.coarse import coarse_places, finer
from prep_corpus.align.cutting.edges import Edges, Reach, find_edges
from prep_corpus.align.cutting.passages import (
    Breaks,
    Span,
    Spoken,
    left_out,
    merged,
    passages,
    without_cut_off,
    without_fragments,
    without_unsure,
)
from prep_corpus.align.cutting.untranscribed import untranscribed
from prep_corpus.align.errors import UsageError
from prep_corpus.align.words.coarse import fine_frames
from prep_corpus.align.words.evidence import Track

if TYPE_CHECKING:
    from prep_corpus.align.words.words import Words

BoolArray = NDArray[np.bool_]
IntArray = NDArray[np.int32]
CutRange = tuple[int, int, str]
"""(first spoken word, end of the spoken words, drop reason or "")."""

EDGE_SECONDS = 0.02
"""An edge is as loud as this much audio just inside it."""

SEARCH_SECONDS = 0.1
"""A quiet place is looked for at least this far outside a word, however short the padding is."""

PAUSE_MARGIN_DB = 6.0
"""An edge at most this much above the recording's noise is quiet, however loud the noise is."""

TOO_SHORT = "too-short"
TOO_LONG = "too-long"
INSIDE_SPEECH = "inside-speech"
LOW_SCORE = "low-score"
NOT_HEARD = "not-heard"
OVERLAPPING = "overlapping-speech"
REASONS = (TOO_SHORT, TOO_LONG, INSIDE_SPEECH, NOT_HEARD, OVERLAPPING, LOW_SCORE)


@dataclass(frozen=True, kw_only=True)
class CutOptions:
    """How segments are shaped.

    Attributes:
        stride_samples: samples per frame.
        sample_rate_hz: the model's sample rate.
        min_seconds: shorter segments are dropped.
        max_seconds: longer segments are cut once more, or dropped.
        padding_seconds: at most this much before the first and after the last word.
        edge_gap_seconds: the length that a gap must have for a segment to be shortened there.
        edge_drop_db: an edge is no cut inside speech if the audio just inside it is this much under the mean
            level of the words, or little above the recording's noise.
        gap_mass: a gap with more speech than this in it, in frames of certain speech, breaks a passage of words.
        bridge_mass: the limit that replaces `gap_mass` in a gap where the transcript has words that the audio does not
            say; -1 breaks at every such gap.
        slack_seconds: an edge may stand this far inside the word's first or last letter.
        fragment_letters: at most so many letters beside a break, a pause away from the rest of the passage, are
            dropped: as likely as not they are another word, of the speech that the text lacks.
        fragment_gap_seconds: such a pause has this length.
        goes_on_seconds: a word beside a break is dropped if a letter is surely heard this soon beyond it, and no
            delimiter before: it stands on a part of a longer word.
    """

    stride_samples: int
    sample_rate_hz: int
    min_seconds: float = 0.5
    max_seconds: float = 20.0
    padding_seconds: float = 0.2
    edge_gap_seconds: float = 0.04
    edge_drop_db: float = 10.0
    gap_mass: float = 3.0
    bridge_mass: float = 1.0
    slack_seconds: float = 0.04
    fragment_letters: int = 4
    fragment_gap_seconds: float = 0.5
    goes_on_seconds: float = 0.2

    def __post_init__(self) -> None:
        if not 0 <= self.min_seconds < self.max_seconds:
            raise UsageError(
                f"the minimum duration ({self.min_seconds} s) must be under the maximum, {self.max_seconds} s"
            )
        if self.padding_seconds < 0:
            raise UsageError(f"the padding must not be negative, and is {self.padding_seconds} s")

    def frames(self, seconds: float) -> int:
        """Frames that cover `seconds`, rounded to the nearest."""
        return round(seconds * self.sample_rate_hz / self.stride_samples)


@dataclass(frozen=True, kw_only=True)
class Segment:
    """A piece of a recording with the words said in it.

    Attributes:
        frame_start, frame_end: half-open; all frames of the samples and of the words.
        sample_start, sample_end: half-open, the audio, padding included.
        word_start, word_end: half-open range of words.
        unspoken: words in that range that the audio does not say and the text leaves out.
        reason: "" for a candidate, or why it is dropped.
    """

    frame_start: int
    frame_end: int
    sample_start: int
    sample_end: int
    word_start: int
    word_end: int
    unspoken: tuple[int, ...] = ()
    reason: str = ""

    def spoken_ranges(self) -> list[Span]:
        """The half-open ranges of words that the segment's text holds: all but the unspoken ones."""
        borders = [self.word_start - 1, *self.unspoken, self.word_end]
        return [(before + 1, after) for before, after in pairwise(borders) if before + 1 < after]


@dataclass(frozen=True, kw_only=True)
class Cuts:
    """What became of a recording.

    Attributes:
        segments: candidates and dropped segments, in order and without overlap.
        untranscribed: half-open spans of samples outside all segments that hold speech.
        segment_W: int32, for each word the segment that holds it, or -1 where the audio does not say it.
    """

    segments: tuple[Segment, ...]
    untranscribed: tuple[Span, ...]
    segment_W: IntArray


def cut_paper(
    seen: Track, words: Words, *, k_frames: int, options: CutOptions, levels: Levels | None = None
) -> Cuts:
    """Cut at every gap of at least k frames, whatever the words are worth: the paper's rule.

    Args:
        seen: what the model saw in each of the recording's T frames.
        words: W words; those that the aligner skipped stay in the text, for the filter to judge.
        k_frames: shortest gap that is a cut, in frames.
        options: lengths and padding.
        levels: loudness of the recording, for where in a gap the cut stands; from the emissions where None.
    """
    fine = fine_frames(options.stride_samples, options.sample_rate_hz)
    if fine > 1 and levels is not None:
        every_W, finest = (
            np.ones(len(words), bool),
            replace(options, stride_samples=options.stride_samples // fine),
        )
        track, placed = finer(seen, words, every_W, levels, options.stride_samples, fine)
        cuts = cut_paper(track, placed, k_frames=k_frames * fine, options=finest, levels=levels)
        return _coarser(cuts, words, fine)
    spoken = Spoken.of(words, np.ones(len(words.skipped), bool), len(seen.speech_T))
    edges = _edges(seen, spoken, options, levels)
    lengths_G = spoken.gap_frames
    breaks = Breaks(lengths_G=lengths_G, limit_db=np.inf, edges=edges)
    ranges: list[CutRange] = []
    for passage in passages(spoken, (lengths_G >= k_frames) | spoken.turns_G):
        if spoken.by_several(passage):
            ranges.append((*passage, OVERLAPPING))
        else:
            ranges += _shaped(passage, spoken, breaks, options)
    return _finish(seen, words, spoken, ranges, edges, options)


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
) -> Cuts:
    """Cut around the words that the audio does not say, and at gaps of at least k frames elsewhere.

    A word of the transcript that nobody says, between two that follow each other in the audio without speech
    between them, is left out of its utterance's text (`Segment.unspoken`) instead of costing a cut.

    Args:
        seen: what the model saw in each of the recording's T frames.
        words: W words.
        spoken_W: the word classifier's verdict: the audio says it.
        k_frames: shortest gap between two spoken words that is a cut, in frames.
        options: lengths and padding.
        levels: loudness of the recording, for where it is quiet enough to cut; from the emissions where None.
        sure_W: words that may stand beside a break, where a word is wrong or missing; all where None.
        unsaid_W: words that may be left out of a text that goes on around them; all that are not spoken where None.
    """
    fine = fine_frames(options.stride_samples, options.sample_rate_hz)
    if fine > 1 and levels is not None:
        said_W = spoken_W & ~words.skipped
        track, placed = finer(seen, words, said_W, levels, options.stride_samples, fine)
        cuts = cut_words(
            track,
            placed,
            said_W,
            k_frames=k_frames * fine,
            options=replace(options, stride_samples=options.stride_samples // fine),
            levels=levels,
            sure_W=sure_W,
            unsaid_W=unsaid_W,
        )
        return _coarser(cuts, words, fine)
    spoken = Spoken.of(words, spoken_W & ~words.skipped, len(seen.speech_T))
    edges = _edges(seen, spoken, options, levels)
    lengths_G = spoken.gap_frames
    mass_sums = np.concatenate(([0.0], np.cumsum(seen.speech_T, dtype=np.float64)))
    mass_G = mass_sums[spoken.gap_ends] - mass_sums[spoken.gap_starts]
    break_G = mass_G > np.where(spoken.passed_G, options.bridge_mass, options.gap_mass)
    if unsaid_W is not None:
        break_G |= spoken.doubted(~spoken_W & ~words.skipped & ~unsaid_W)
    min_frames, max_frames = options.frames(options.min_seconds), options.frames(options.max_seconds)
    letters_V = words.letter_counts[spoken.index_V]
    reach_frames = options.frames(options.goes_on_seconds)
    fragment_frames = max(options.frames(options.fragment_gap_seconds), 1)
    ranges: list[CutRange] = []
    for passage in passages(spoken, break_G | spoken.turns_G):
        if spoken.by_several(passage):
            ranges.append((*passage, OVERLAPPING))
            continue
        limit_db = _limit_db(passage, spoken, edges.levels, options)
        breaks = Breaks(lengths_G=lengths_G, limit_db=limit_db, edges=edges)
        whole = without_fragments(
            passage,
            lengths_G,
            break_G,
            letters_V,
            gap_frames=fragment_frames,
            most_letters=options.fragment_letters,
        )
        inner = without_cut_off(whole, passage, spoken, seen, break_G, reach_frames)
        if sure_W is not None:
            inner = without_unsure(inner, passage, break_G, sure_W[spoken.index_V])
        start, end = breaks.trimmed(inner)
        if start >= end:
            ranges.append((*passage, INSIDE_SPEECH))
            continue
        ranges += _any((passage[0], whole[0], TOO_SHORT), (whole[0], start, INSIDE_SPEECH))
        parts = breaks.parts((start, end), k_frames)
        for part in merged(parts, spoken, min_frames=min_frames, max_frames=max_frames):
            ranges += _shaped(part, spoken, breaks, options)
        ranges += _any((end, whole[1], INSIDE_SPEECH), (whole[1], passage[1], TOO_SHORT))
    return _finish(seen, words, spoken, ranges, edges, options)


def _coarser(cuts: Cuts, words: Words, parts: int) -> Cuts:
    """Cuts on a fine grid with the frames of the model."""
    places = [coarse_places(vars(segment), words, parts) for segment in cuts.segments]
    return replace(cuts, segments=tuple(replace(one, **at) for one, at in zip(cuts.segments, places)))


def with_scores(cuts: Cuts, scores_S: NDArray[np.floating], threshold: float) -> Cuts:
    """The cuts with candidates of an utterance score under the threshold dropped as low-score.

    Args:
        cuts: S segments, dropped ones included.
        scores_S: one score a segment; those of dropped segments are not looked at.
        threshold: lowest score that is kept.
    """
    if len(scores_S) != len(cuts.segments):
        raise ValueError(f"there must be one score per segment: {len(scores_S)} for {len(cuts.segments)}")
    segments = tuple(
        replace(segment, reason=LOW_SCORE) if not segment.reason and not score >= threshold else segment
        for segment, score in zip(cuts.segments, scores_S)
    )
    return replace(cuts, segments=segments)


def _shaped(passage: Span, spoken: Spoken, breaks: Breaks, options: CutOptions) -> list[CutRange]:
    """A passage cut at its longest gaps until no range is over the maximum, each with its drop reason or ""."""
    longest = options.frames(options.max_seconds) - 2 * options.frames(options.padding_seconds)
    edge = max(options.frames(options.edge_gap_seconds), 1)
    shaped: list[CutRange] = []
    waiting = [passage]
    while waiting:
        span = waiting.pop()
        reason = ""
        if spoken.length(span) > longest:
            middle = breaks.widest(span, edge)
            if middle is not None:
                waiting += [(middle, span[1]), (span[0], middle)]
                continue
            reason = TOO_LONG
        shaped.append((*span, reason))
    return shaped


def _any(*ranges: CutRange) -> list[CutRange]:
    """Those that hold a word."""
    return [one for one in ranges if one[0] < one[1]]


def _limit_db(passage: Span, spoken: Spoken, levels: Levels, options: CutOptions) -> float:
    """The level that counts as a pause beside a passage: well under its speech, or little above the noise."""
    stride = options.stride_samples
    speech_db = levels.mean_db(
        int(spoken.starts_V[passage[0]]) * stride, int(spoken.ends_V[passage[1] - 1]) * stride
    )
    return max(speech_db - options.edge_drop_db, levels.floor_db + PAUSE_MARGIN_DB)


def _edges(seen: Track, spoken: Spoken, options: CutOptions, levels: Levels | None) -> Edges:
    quiet_T = seen.quiet_T
    slack = options.frames(options.slack_seconds)
    if levels is None:
        # Without the audio a frame is as loud as its symbols, and a letter's own frames are no place to cut.
        levels = Levels(
            power_P=np.where(quiet_T, 1e-12, 1.0), block_samples=options.stride_samples, floor_db=SILENCE_DB
        )
        slack = 0
    window = round(EDGE_SECONDS * options.sample_rate_hz / levels.block_samples)
    padding = options.frames(options.padding_seconds)
    reach = Reach(
        stride_samples=options.stride_samples,
        window_blocks=max(window, 2),
        search_frames=max(padding, options.frames(SEARCH_SECONDS)),
        padding_frames=padding,
        slack_frames=slack,
    )
    starts_V, ends_V = spoken.starts_V, spoken.ends_V
    return find_edges(starts_V, ends_V, spoken.before_V, spoken.after_V, quiet_T, levels, reach)


def _finish(
    seen: Track,
    words: Words,
    spoken: Spoken,
    ranges: Sequence[CutRange],
    edges: Edges,
    options: CutOptions,
) -> Cuts:
    """Give the ranges their edges and the last reasons, and name the speech that none of them covers."""
    stride = options.stride_samples
    shortest = options.min_seconds * options.sample_rate_hz
    segment_W = np.full(len(words.frame_starts), -1, np.int32)
    segments: list[Segment] = []
    for s, (first, last, reason) in enumerate(ranges):
        start = int(edges.start_samples_V[first])
        end = max(int(edges.end_samples_V[last - 1]), start)
        said = spoken.index_V[first:last]
        segment_W[said] = s
        word_start, word_end = int(said[0]), int(said[-1]) + 1
        if not reason and end - start < shortest:
            reason = TOO_SHORT
        segments.append(
            Segment(
                frame_start=min(start // stride, int(spoken.starts_V[first])),
                frame_end=max(min(-(-end // stride), spoken.frames), int(spoken.ends_V[last - 1])),
                sample_start=start,
                sample_end=end,
                word_start=word_start,
                word_end=word_end,
                unspoken=left_out(said),
                reason=reason,
            )
        )
    return Cuts(
        segments=tuple(segments),
        untranscribed=untranscribed(
            seen, segments, near_frames=options.frames(0.5), mass=options.gap_mass, stride_samples=stride
        ),
        segment_W=segment_W,
    )
