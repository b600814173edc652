"""A recording cut along its transcript with repairs: what the text has wrong between right words is read.

Legend: W words of the transcript, U recognised words, M words of the repaired text, R repairs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from prep_corpus.align.audio.levels import Levels
from prep_corpus.align.cutting.cutting import plan_words
from prep_corpus.align.cutting.plan import CutPlan
from prep_corpus.align.cutting.segments import CutOptions, Cuts, Segment
from prep_corpus.align.recognition.repair import (
    LONGEST_REPAIR_SECONDS,
    NO_WORD,
    Repair,
    RepairedText,
    RepairRules,
    SaidPart,
    agreed_words,
    find_repairs,
    parts_of,
    repaired_text,
)
from prep_corpus.align.words.evidence import Track
from prep_corpus.align.words.words import Words
from prep_corpus.filters.scoring import Verdicts
from prep_corpus.pipeline.recognition.uncovered import ScoredWords


@dataclass(frozen=True, kw_only=True)
class RepairedCuts:
    """A recording cut along its repaired transcript.

    Attributes:
        text: the repaired transcript.
        cuts: over its M words.
    """

    text: RepairedText
    cuts: Cuts

    def parts(self, segment: Segment) -> tuple[SaidPart, ...]:
        """What is said in a segment of `cuts`, in order, by its source."""
        return parts_of(self.text, segment)

    def repairs_in(self, segment: Segment) -> list[Repair]:
        """The repairs in a segment of `cuts`: those both of whose neighbours it holds, or whose words."""
        words = self.text.word_M[segment.word_start : segment.word_end]
        reads = self.text.read_M[segment.word_start : segment.word_end]
        own, read = words[words != NO_WORD], reads[reads != NO_WORD]
        starts_R2, ends_R2 = self._repair_edges
        # Of long recordings there are many: only those near by are looked at.
        near = set[int]()
        for at, found in enumerate((own, read)):
            if len(found):
                first = int(np.searchsorted(ends_R2[:, at], found[0]))
                near.update(range(first, int(np.searchsorted(starts_R2[:, at], found[-1] + 1, side="right"))))
        return [
            repair
            for repair in (self.text.repairs[r] for r in sorted(near))
            if np.any((read >= repair.read_start) & (read < repair.read_end))
            or (len(own) and own[0] < repair.word_start and own[-1] >= repair.word_end)
        ]

    @cached_property
    def _repair_edges(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Starts and ends of the repairs [R, 2], by words of the transcript and by recognised words."""
        edges_R4 = np.array(
            [(r.word_start, r.read_start, r.word_end, r.read_end) for r in self.text.repairs], np.int64
        ).reshape(-1, 4)
        return edges_R4[:, :2], edges_R4[:, 2:]

    def in_transcript(self, count: int) -> Cuts:
        """The same cuts over the transcript's `count` words: what gave way to recognised words is unspoken."""
        segment_W = np.full(count, -1, np.int32)
        own_M = self.text.word_M != NO_WORD
        segment_W[self.text.word_M[own_M]] = self.cuts.segment_W[own_M]
        return replace(
            self.cuts,
            segments=tuple(self._of_transcript(segment) for segment in self.cuts.segments),
            segment_W=segment_W,
        )

    def _of_transcript(self, segment: Segment) -> Segment:
        said = [part for part in self.parts(segment) if not part.is_read]
        start, end = said[0].start, said[-1].end
        inside = set().union(*(range(part.start, part.end) for part in said))
        unspoken = tuple(w for w in range(start, end) if w not in inside)
        return replace(segment, word_start=start, word_end=end, unspoken=unspoken)


@dataclass(frozen=True, kw_only=True)
class RepairableText:
    """A transcript with what the model hears in its recording, by which it may be repaired.

    Attributes:
        seen, levels: of the recording.
        words, tokens_L, texts: W words of the transcript, their tokens, and how they are normalised.
        trusted: the filter's verdicts on them.
        heard: the U recognised words.
        cut: lengths and padding.
    """

    seen: Track
    levels: Levels | None
    words: Words
    tokens_L: NDArray[np.int32]
    texts: Sequence[str]
    trusted: Verdicts
    heard: ScoredWords
    cut: CutOptions

    def plan(self, longest_frames: int) -> CutPlan:
        """What is known of the cuts of the repaired transcript before the shortest pause is.

        Args:
            longest_frames: of the shortest pauses that come into question. With a shorter one there is a cut in a
                repair that holds a longer pause.
        """
        return self._planned(self._repairs(longest_frames))[1]

    def cuts(self, k_frames: int) -> RepairedCuts:
        """Repair the transcript where that is sure, and cut it at pauses of at least `k_frames`."""
        repairs = self._repairs(k_frames)
        while True:
            text, plan = self._planned(repairs)
            found = RepairedCuts(text=text, cuts=plan.cut(k_frames))
            # A segment of the transcript has words of it: what is read alone is no repair.
            doubtful = [one for one in found.cuts.segments if not self._bears_repairs(found.parts(one))]
            without = {id(repair) for segment in doubtful for repair in found.repairs_in(segment)}
            if not without:
                return found
            repairs = [repair for repair in repairs if id(repair) not in without]

    def _bears_repairs(self, parts: Sequence[SaidPart]) -> bool:
        """Whether words of the transcript are said there, and all surely: beside a wrong word stand more of them."""
        own = [part for part in parts if not part.is_read]
        return bool(own) and all(self.trusted.sure_W[part.start : part.end].all() for part in own)

    def _repairs(self, k_frames: int) -> list[Repair]:
        heard = self.heard
        return find_repairs(
            self.words,
            agreed_words(self.words, self.texts, heard.text, heard.texts),
            self.trusted.likely_W,
            heard.text,
            heard.trusted_W,
            heard.scores_W,
            RepairRules(
                k_frames=k_frames,
                longest_frames=self.cut.frames(LONGEST_REPAIR_SECONDS),
                mean_score=heard.least_mean,
            ),
        )

    def _planned(self, repairs: Sequence[Repair]) -> tuple[RepairedText, CutPlan]:
        """The transcript with some repairs, and what is known of its cuts."""
        heard, trusted = self.heard, self.trusted
        text = repaired_text(self.words, self.tokens_L, heard.text, repairs, self.seen.delimiter)
        superfluous_W, lacking_W = np.zeros(len(self.words), bool), np.zeros(len(self.words), bool)
        if trusted.lacking_W is not None:
            lacking_W[:] = trusted.lacking_W
        for repair in repairs:
            superfluous_W[repair.word_start : repair.word_end] = True
            # What was lacking before the next word is now there.
            lacking_W[repair.word_start : repair.word_end + 1] = False
        plan = plan_words(
            self.seen,
            text.words,
            text.of_both(trusted.said_W & ~superfluous_W, heard.trusted_W),
            options=self.cut,
            levels=self.levels,
            sure_W=text.of_both(trusted.sure_W, heard.sure_W),
            unsaid_W=text.of_both(trusted.unsaid_W | superfluous_W, np.zeros(len(heard.trusted_W), bool)),
            lacking_W=None
            if trusted.lacking_W is None
            else text.of_both(lacking_W, np.zeros(len(heard.trusted_W), bool)),
        )
        return text, plan
