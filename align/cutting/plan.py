"""A recording's cuts, planned as far as they do not depend on the shortest pause, and cut at one pause or at many.

Legend: T frames, W words of the transcript, V spoken words, G gaps beside them (V + 1), P spans of words, R ranges.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from prep_corpus.align.cutting.coarse import coarse_places, within_own_level
from prep_corpus.align.cutting.edges import PAUSE_MARGIN_DB, Edges
from prep_corpus.align.cutting.passages import Spoken, left_out
from prep_corpus.align.cutting.ranges import (
    CODES,
    OPEN,
    REASON_OF,
    TOO_SHORT,
    Ranges,
    Shaping,
    shaped_ranges,
)
from prep_corpus.align.cutting.segments import CutOptions, Cuts, Segment
from prep_corpus.align.cutting.untranscribed import untranscribed
from prep_corpus.align.words.evidence import Track

if TYPE_CHECKING:
    from prep_corpus.align.words.words import Words

BoolArray = NDArray[np.bool_]
LongArray = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class CutPlan:
    """All that is known of a recording's cuts before the shortest pause is.

    Attributes:
        seen: what the model saw in each of the recording's T frames.
        words: the words as they were given.
        spoken: the words that the audio says.
        edges: where an utterance may begin and end at each of them.
        options: lengths and padding, for the frames of `seen`.
        spans_P3: int64 [P, 3], consecutive spans of spoken words with their drop reasons, as `shaped_ranges` takes
            them.
        allowed_G: gaps at which a span may be broken.
        shaping: how spans are broken.
        parts: frames of `seen` in a frame of the model: more than one of coarse frames.
        own_level: edges are quiet against the mean level of what is cut, not only of the passage around it.
    """

    seen: Track
    words: Words
    spoken: Spoken
    edges: Edges
    options: CutOptions
    spans_P3: LongArray
    allowed_G: BoolArray
    shaping: Shaping
    parts: int = 1
    own_level: bool = False

    def ranges(self, pauses: Sequence[int]) -> Ranges:
        """The ranges of words that are cut at each of several shortest pauses.

        Args:
            pauses: shortest gaps that are cuts, in frames of the model.
        """
        spoken = self.spoken
        found_R3, bounds_K = shaped_ranges(
            self.spans_P3,
            spoken.starts_V,
            spoken.ends_V,
            self.edges.start_samples_V,
            self.edges.end_samples_V,
            spoken.gap_frames,
            self.allowed_G,
            [pause * self.parts for pause in pauses],
            self.shaping,
        )
        if self.own_level:
            found_R3, bounds_K = within_own_level(
                found_R3, bounds_K, self.edges, self.options.edge_drop_db, PAUSE_MARGIN_DB
            )
        firsts_R, ends_R, codes_R = found_R3[:, 0], found_R3[:, 1], found_R3[:, 2]
        starts = self.edges.start_samples_V[firsts_R]
        ends = np.maximum(self.edges.end_samples_V[ends_R - 1], starts)
        too_short_R = (codes_R == OPEN) & (
            ends - starts < self.options.min_seconds * self.options.sample_rate_hz
        )
        return Ranges(
            firsts_R=firsts_R,
            ends_R=ends_R,
            codes_R=np.where(too_short_R, CODES[TOO_SHORT], codes_R),
            start_samples_R=starts,
            end_samples_R=ends,
            bounds_K=bounds_K,
        )

    def cuts(self, ranges: Ranges) -> Cuts:
        """The segments of the first pause's ranges, and the speech that none of them covers."""
        spoken, stride = self.spoken, self.options.stride_samples
        count = int(ranges.bounds_K[1])
        firsts_R, ends_R = ranges.firsts_R[:count], ranges.ends_R[:count]
        starts, ends = ranges.start_samples_R[:count], ranges.end_samples_R[:count]
        frame_starts = np.minimum(starts // stride, spoken.starts_V[firsts_R])
        frame_ends = np.maximum(np.minimum(-(-ends // stride), spoken.frames), spoken.ends_V[ends_R - 1])
        segments = [
            Segment(
                frame_start=frame_start,
                frame_end=frame_end,
                sample_start=start,
                sample_end=end,
                word_start=word_start,
                word_end=word_last + 1,
                unspoken=()
                if word_last - word_start == last - first
                else left_out(spoken.index_V[first : last + 1]),
                reason=REASON_OF[code],
            )
            for frame_start, frame_end, start, end, word_start, word_last, first, last, code in zip(
                frame_starts.tolist(),
                frame_ends.tolist(),
                starts.tolist(),
                ends.tolist(),
                spoken.index_V[firsts_R].tolist(),
                spoken.index_V[ends_R - 1].tolist(),
                firsts_R.tolist(),
                (ends_R - 1).tolist(),
                ranges.codes_R[:count].tolist(),
            )
        ]
        segment_W = np.full(len(self.words), -1, np.int32)
        for s, (first, end) in enumerate(zip(firsts_R.tolist(), ends_R.tolist())):
            segment_W[spoken.index_V[first:end]] = s
        covered = untranscribed(
            self.seen,
            segments,
            near_frames=self.options.frames(0.5),
            mass=self.options.gap_mass,
            stride_samples=stride,
        )
        cuts = Cuts(segments=tuple(segments), untranscribed=covered, segment_W=segment_W)
        return _coarser(cuts, self.words, self.parts) if self.parts > 1 else cuts

    def cut(self, k_frames: int) -> Cuts:
        """The cuts at gaps of at least k frames of the model."""
        return self.cuts(self.ranges((k_frames,)))


def _coarser(cuts: Cuts, words: Words, parts: int) -> Cuts:
    """Cuts on a fine grid with the frames of the model."""
    places = [coarse_places(vars(segment), words, parts) for segment in cuts.segments]
    return replace(cuts, segments=tuple(replace(one, **at) for one, at in zip(cuts.segments, places)))
