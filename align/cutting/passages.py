"""Passages of words that the audio says, and where they may be broken.

Legend: V spoken words, the others left out. Gap g lies before spoken word g; gaps 0 and V are the ends.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from prep_corpus.align.cutting.edges import Edges
from prep_corpus.align.words.words import SEVERAL

if TYPE_CHECKING:
    from prep_corpus.align.words.evidence import Track
    from prep_corpus.align.words.words import Words

BoolArray = NDArray[np.bool_]
LongArray = NDArray[np.int64]
Span = tuple[int, int]

SURE_NATS = float(np.log(0.9))
"""Log-probability of a letter that is surely heard: a weak model misses delimiters, and is seldom so sure."""


@dataclass(frozen=True, kw_only=True)
class Spoken:
    """The words that the audio says, and the gaps between them.

    Attributes:
        index_V: which word of the transcript each is.
        starts_V, ends_V: its frames, half-open.
        before_V, after_V: where the word before it ends and the one after it begins, of all words that have a place
            in the audio; -1 and T where there is none.
        frames: T.
        letters_V: characters of each.
        speakers_V: who says each, as `Words.speakers`; None where nobody is named.
    """

    index_V: LongArray
    starts_V: LongArray
    ends_V: LongArray
    before_V: LongArray
    after_V: LongArray
    frames: int
    letters_V: NDArray[np.int32]
    speakers_V: NDArray[np.int32] | None = None

    @classmethod
    def of(cls, words: Words, spoken_W: BoolArray, frames: int) -> Spoken:
        """Those of `words` that are marked."""
        index_V = np.flatnonzero(spoken_W)
        placed = np.flatnonzero(spoken_W | ~words.skipped)
        at_V = np.searchsorted(placed, index_V)
        ends, starts = np.append(words.frame_ends[placed], -1), np.append(words.frame_starts[placed], frames)
        return cls(
            index_V=index_V,
            starts_V=words.frame_starts[index_V].astype(np.int64),
            ends_V=words.frame_ends[index_V].astype(np.int64),
            before_V=ends[at_V - 1].astype(np.int64),
            after_V=starts[at_V + 1].astype(np.int64),
            frames=frames,
            letters_V=words.letter_counts[index_V],
            speakers_V=None if words.speakers is None else words.speakers[index_V],
        )

    @cached_property
    def gap_starts(self) -> LongArray:
        """First frame of each of the V + 1 gaps."""
        return np.concatenate(([0], self.ends_V))

    @cached_property
    def gap_ends(self) -> LongArray:
        """End of each gap."""
        ends: LongArray = np.maximum(np.append(self.starts_V, self.frames), self.gap_starts)
        return ends

    @cached_property
    def gap_frames(self) -> LongArray:
        """Length of each gap."""
        return self.gap_ends - self.gap_starts

    @property
    def passed_G(self) -> BoolArray:
        """Gaps in which the transcript has words that the audio does not say; the two ends count as none."""
        between = np.diff(self.index_V) > 1
        return np.concatenate(([False], between, [False])) if len(self.index_V) else np.zeros(1, bool)

    @property
    def turns_G(self) -> BoolArray:
        """Gaps between words of different speakers; the two ends count as none."""
        turns_G = np.zeros(len(self.index_V) + 1, bool)
        if self.speakers_V is not None and len(self.index_V):
            turns_G[1:-1] = self.speakers_V[1:] != self.speakers_V[:-1]
        return turns_G

    def by_several(self, span: Span) -> bool:
        """Whether several speakers speak at once in a range of words of one turn."""
        return self.speakers_V is not None and bool(self.speakers_V[span[0]] == SEVERAL)

    def rows(self, unsaid_W: BoolArray, least: int) -> BoolArray:
        """Gaps in which the transcript has at least so many words that nobody says; at the two ends before and after.

        Args:
            unsaid_W: words that nobody says.
            least: so many.
        """
        sums = np.concatenate(([0], np.cumsum(unsaid_W)))
        borders = np.concatenate(([-1], self.index_V, [len(unsaid_W)]))
        found_G: BoolArray = sums[borders[1:]] - sums[borders[:-1] + 1] >= least
        return found_G

    def doubted(self, doubtful_W: BoolArray) -> BoolArray:
        """Gaps in which the transcript has a word of doubtful worth; the two ends count as none."""
        sums = np.concatenate(([0], np.cumsum(doubtful_W)))
        between = np.diff(sums[self.index_V]) > 0
        return np.concatenate(([False], between, [False])) if len(self.index_V) else np.zeros(1, bool)

    def lacking(self, lacking_W: BoolArray) -> BoolArray:
        """Gaps in which a word is said that the transcript lacks, as marked at the word after it; not the last gap."""
        sums = np.concatenate(([0], np.cumsum(lacking_W)))
        lacking_G = np.zeros(len(self.index_V) + 1, bool)
        lacking_G[:-1] = np.diff(sums[np.append(-1, self.index_V) + 1]) > 0
        return lacking_G

    def length(self, span: Span) -> int:
        """Frames from the first word's start to the last word's end."""
        return int(self.ends_V[span[1] - 1] - self.starts_V[span[0]])


def passages(spoken: Spoken, break_G: BoolArray) -> list[Span]:
    """Maximal ranges of spoken words without a breaking gap inside."""
    count = len(spoken.index_V)
    if count == 0:
        return []
    return list(pairwise([0, *(np.flatnonzero(break_G[1:-1]) + 1).tolist(), count]))


def trimmed(passage: Span, edges: Edges, limit_db: float) -> Span:
    """The passage without the words at its two ends beside which there is no place to cut.

    Args:
        passage: a range of words.
        edges: the words' edges.
        limit_db: loudest edge that is no cut inside speech.
    """
    start, end = passage
    while start < end and not edges.start_levels_V[start] <= limit_db:
        start += 1
    while end > start and not edges.end_levels_V[end - 1] <= limit_db:
        end -= 1
    return start, end


def without_fragments(
    passage: Span,
    lengths_G: LongArray,
    break_G: BoolArray,
    letters_V: NDArray[np.integer],
    *,
    gap_frames: int,
    most_letters: int,
) -> Span:
    """The passage without a few letters at an end that is a break, if a pause parts them from the rest.

    Args:
        passage: a range of words.
        lengths_G: frames of each gap.
        break_G: gaps that end a passage; at the two ends of the recording, those with speech in them.
        letters_V: letters of each word.
        gap_frames: such a pause has at least this length.
        most_letters: and there are at most so many letters beyond it.
    """
    start, end = passage
    inner = slice(passage[0] + 1, passage[1])
    first = _fragment(lengths_G[inner], letters_V[passage[0] : passage[1]], gap_frames, most_letters)
    last = _fragment(
        lengths_G[inner][::-1], letters_V[passage[0] : passage[1]][::-1], gap_frames, most_letters
    )
    if break_G[passage[0]]:
        start += first
    if break_G[passage[1]] and end - last > start:
        end -= last
    return start, end


def _fragment(gaps: LongArray, letters: NDArray[np.integer], gap_frames: int, most_letters: int) -> int:
    """Words before the first pause, if they have few letters; else 0."""
    pauses = np.flatnonzero(gaps >= gap_frames)
    if not len(pauses) or int(letters[: pauses[0] + 1].sum()) > most_letters:
        return 0
    return int(pauses[0]) + 1


def without_cut_off(
    whole: Span, passage: Span, spoken: Spoken, seen: Track, break_G: BoolArray, reach_frames: int
) -> Span:
    """The passage without a word at an end that is a break, if the word heard there goes on beyond it.

    Args:
        whole: what is left of the passage so far.
        passage: the range of words between two breaks.
        spoken: the words.
        seen: what the model saw in each of the recording's frames.
        break_G: gaps that end a passage; at the two ends of the recording, those with speech in them.
        reach_frames: how far beyond the word a letter may follow.
    """
    start, end = whole
    if start == passage[0] < end and break_G[start]:
        first = int(spoken.starts_V[start])
        if seen.goes_on_T is not None:
            start += _has_begun(seen, first, int(spoken.ends_V[start]))
        else:
            start += _goes_on(seen, np.arange(first, max(first - reach_frames, 0) - 1, -1))
    if start < end == passage[1] and break_G[end]:
        last = int(spoken.ends_V[end - 1]) - 1
        end -= _goes_on(seen, np.arange(last, min(last + 1 + reach_frames, len(seen.greedy_T))))
    return start, end


def without_unsure(whole: Span, passage: Span, break_G: BoolArray, sure_V: BoolArray) -> Span:
    """The passage without the words at an end that is a break, up to one that the audio surely says.

    Args:
        whole: what is left of the passage so far.
        passage: the range of words between two breaks.
        break_G: gaps that end a passage; at the two ends of the recording, those with speech in them.
        sure_V: whether each word may stand beside a break.
    """
    start, end = whole
    while break_G[passage[0]] and start < end and not sure_V[start]:
        start += 1
    while break_G[passage[1]] and start < end and not sure_V[end - 1]:
        end -= 1
    return start, end


def without_strays(
    whole: Span, passage: Span, lengths_G: LongArray, row_G: BoolArray, gap_frames: int
) -> Span:
    """The passage without one word at an end beside a text that nobody says, if a pause parts it from the rest.

    Alignment puts the ends of such a text on whatever sounds like them, also in speech that is another text's.

    Args:
        whole: what is left of the passage so far.
        passage: the range of words between two breaks.
        lengths_G: frames of each gap.
        row_G: gaps in which the transcript has such a text.
        gap_frames: such a pause has at least this length.
    """
    start, end = whole
    if row_G[passage[0]] and end - start > 1 and lengths_G[start + 1] >= gap_frames:
        start += 1
    if row_G[passage[1]] and end - start > 1 and lengths_G[end - 1] >= gap_frames:
        end -= 1
    return start, end


def _goes_on(seen: Track, outward: LongArray) -> bool:
    """Whether, from a word's outermost frame outward, another letter is surely heard before a delimiter."""
    heard_T = seen.greedy_T[outward]
    changed = np.flatnonzero(heard_T != heard_T[0])
    if (seen.delimiter < 0 and seen.goes_on_T is None) or not len(changed):
        return False
    beyond = outward[changed[0] :]
    symbols = beyond[seen.greedy_T[beyond] != seen.blank]
    if not len(symbols) or seen.greedy_T[symbols[0]] == seen.delimiter:
        return False
    if seen.goes_on_T is not None and not seen.goes_on_T[symbols[0]]:
        return False
    return bool(seen.maximum_T[symbols[0]] > SURE_NATS)


def _has_begun(seen: Track, first: int, end: int) -> bool:
    """Whether the first piece surely heard in a word's frames is one that goes on with a word begun before."""
    heard = np.flatnonzero(seen.greedy_T[first:end] != seen.blank) + first
    if seen.goes_on_T is None or not len(heard):
        return False
    return bool(seen.goes_on_T[heard[0]] and seen.maximum_T[heard[0]] > SURE_NATS)


def left_out(said: NDArray[np.int64]) -> tuple[int, ...]:
    """The indices between the first and the last that are not there."""
    if said[-1] - said[0] + 1 == len(said):
        return ()
    missing = np.ones(said[-1] - said[0] + 1, bool)
    missing[said - said[0]] = False
    return tuple((np.flatnonzero(missing) + said[0]).tolist())
