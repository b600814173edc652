"""What recordings are cut into: the options of cutting, segments, and what became of a recording."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from prep_corpus.align.cutting.passages import Span
from prep_corpus.align.cutting.ranges import LOW_SCORE
from prep_corpus.align.errors import UsageError

IntArray = NDArray[np.int32]


@dataclass(frozen=True, kw_only=True)
class CutOptions:
    """How segments are shaped.

    Attributes:
        stride_samples: samples per frame.
        sample_rate_hz: the model's sample rate.
        min_seconds: shorter segments are dropped.
        max_seconds: longer segments are cut once more, or dropped.
        padding_seconds: at most this much before the sound of the first word and after the last word.
        edge_gap_seconds: the length that a gap must have for a segment to be shortened there.
        edge_drop_db: an edge is no cut inside speech if the audio just inside it is this much under the mean
            level of the words, or little above the recording's noise.
        gap_mass: a gap with more speech than this in it, in frames of certain speech, breaks a passage of words.
        bridge_mass: the limit that replaces `gap_mass` in a gap where the transcript has words that the audio does not
            say; -1 breaks at every such gap.
        slack_seconds: an edge may stand this far inside the word's first or last letter.
        lead_seconds: the sound of a word may begin so long before its first letter is emitted.
        fragment_letters: at most so many letters beside a break, a pause away from the rest of the passage, are
            dropped where nothing else tells of words that the text lacks: as likely as not they are one of these.
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
    lead_seconds: float = 0.2
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
