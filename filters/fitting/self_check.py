"""Counts of what cutting and filter make of transcripts that were damaged at known places.

The truth is the transcript before the damage: what it has wrong itself is not seen.

Legend: V words before the damage, W words after it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from rapidfuzz.distance import Levenshtein

from prep_corpus.align.cutting.cutting import Segment
from prep_corpus.align.words.words import Words
from prep_corpus.filters.fitting.cases import Damaged
from prep_corpus.filters.fitting.measures import inside

DELETED = "deleted"
"""Words that an edited sentence has lost, beside the `WORD_KINDS`; those of a missing sentence are `MISSING`."""

MISSING = "missing"


@dataclass
class FateCounts:
    """Counts over the sentences that met one fate.

    Attributes:
        spoken: words said in the sentences.
        kept: words said whose middle lies in exactly one kept utterance.
        right: words said that the text still has.
        text_kept: words of kept texts.
        text_right: words of kept texts that stood there before the damage.
        edits: word edits of kept texts against what is said.
        inside: words said inside kept utterances.
    """

    spoken: int = 0
    kept: int = 0
    right: int = 0
    text_kept: int = 0
    text_right: int = 0
    edits: int = 0
    inside: int = 0

    def add(self, other: FateCounts) -> None:
        """Count another's too."""
        for name in vars(self):
            setattr(self, name, getattr(self, name) + getattr(other, name))

    @property
    def kept_share(self) -> float:
        """Kept words over words said."""
        return _share(self.kept, self.spoken)

    @property
    def precision(self) -> float:
        """Words of kept texts that are right."""
        return _share(self.text_right, self.text_kept)

    @property
    def recall(self) -> float:
        """Right words that are in kept texts."""
        return _share(self.text_right, self.right)

    @property
    def wer(self) -> float:
        """Word edits over words said, inside kept utterances."""
        return _share(self.edits, self.inside)


def _share(part: float, whole: float) -> float:
    return part / whole if whole else float("nan")


@dataclass
class Check:
    """What was found on some recordings.

    Attributes:
        fates: counts by what befell the sentence, a name of `SENTENCE_KINDS`.
        false_words: number of false words in the texts and of lost words, by kind.
        left_in: number of false words in kept texts, and of lost words said inside kept utterances, by kind.
        starts_seconds, ends_seconds: for kept utterances, by how much the start of the first word and the end of
            the last stand off where the undamaged transcript has them; where these words were put in, nothing.
        utterances, seconds: number of kept utterances, and seconds of speech in them.
        clean_spoken, clean_kept: words said, and words kept of the transcripts without damage.
    """

    fates: dict[str, FateCounts] = field(default_factory=dict)
    false_words: Counter[str] = field(default_factory=Counter)
    left_in: Counter[str] = field(default_factory=Counter)
    starts_seconds: list[float] = field(default_factory=list)
    ends_seconds: list[float] = field(default_factory=list)
    utterances: int = 0
    seconds: float = 0.0
    clean_spoken: int = 0
    clean_kept: int = 0

    @property
    def total(self) -> FateCounts:
        """All sentences together."""
        whole = FateCounts()
        for counts in self.fates.values():
            whole.add(counts)
        return whole

    def fate(self, name: str) -> FateCounts:
        """The counts of one fate."""
        return self.fates.setdefault(name, FateCounts())


@dataclass(frozen=True, kw_only=True)
class Checked:
    """One recording with its damaged transcript.

    Attributes:
        damaged: what was done to it.
        texts: the V words before.
        before: their places, from the transcript without damage.
        after: places of the W words, from the damaged transcript.
        stride_samples, sample_rate_hz: of the model.
    """

    damaged: Damaged
    texts: tuple[str, ...]
    before: Words
    after: Words
    stride_samples: int
    sample_rate_hz: int

    @property
    def said_V(self) -> NDArray[np.bool_]:
        """Which words the aligner found in the audio before the damage."""
        said_V: NDArray[np.bool_] = ~self.before.skipped
        return said_V

    @property
    def middles_V(self) -> NDArray[np.float64]:
        """The middle of each word, in samples."""
        middles_V: NDArray[np.float64] = (
            (self.before.frame_starts + self.before.frame_ends) / 2 * self.stride_samples
        )
        return middles_V


def check_recording(check: Check, one: Checked, kept: Sequence[Segment], clean: Sequence[Segment]) -> None:
    """Count one recording.

    Args:
        check: what is added to.
        one: the recording.
        kept: utterances of the damaged transcript.
        clean: utterances of the transcript without damage.
    """
    damaged = one.damaged
    said = np.flatnonzero(one.said_V)
    place_V = {int(v): at for at, v in enumerate(said)}
    middles = one.middles_V[said]
    covered = np.zeros(len(said), np.int64)
    in_text: set[int] = set()
    for segment in kept:
        first, last = inside(segment.sample_start, segment.sample_end, middles)
        covered[first:last] += 1
        words = [w for start, end in segment.spoken_ranges() for w in range(start, end)]
        in_text.update(words)
        _count_edits(check, one, words, said[first:last])
        _add_shifts(check, one, words)
        check.utterances += 1
        check.seconds += (segment.sample_end - segment.sample_start) / one.sample_rate_hz
    _count_words(check, one, said, covered, in_text)
    remaining = {origin for origin in damaged.origins if origin >= 0}
    for v, fate in enumerate(damaged.original_fates):
        if v in place_V and v not in remaining and fate != "replaced":
            kind = MISSING if fate == "missing" else DELETED
            # A substituted word is lost too, and counted as a false one.
            check.false_words[kind] += 1
            check.left_in[kind] += int(covered[place_V[v]] > 0)
    clean_covered = np.zeros(len(said), np.int64)
    for segment in clean:
        first, last = inside(segment.sample_start, segment.sample_end, middles)
        clean_covered[first:last] += 1
    check.clean_spoken += len(said)
    check.clean_kept += int((clean_covered == 1).sum())


def _count_words(
    check: Check, one: Checked, said: NDArray[np.int64], covered: NDArray[np.int64], in_text: set[int]
) -> None:
    damaged = one.damaged
    for v, times in zip(said.tolist(), covered.tolist()):
        counts = check.fate(damaged.original_fates[v])
        counts.spoken += 1
        counts.kept += times == 1
    for w, (origin, kind, fate) in enumerate(zip(damaged.origins, damaged.kinds, damaged.fates)):
        counts = check.fate(fate)
        is_kept = w in in_text
        counts.text_kept += is_kept
        if origin >= 0:
            counts.right += 1
            counts.text_right += is_kept
        else:
            check.false_words[kind] += 1
            check.left_in[kind] += is_kept


def _count_edits(check: Check, one: Checked, words: Sequence[int], said_inside: NDArray[np.int64]) -> None:
    """Edits of one kept text, each counted where its word stands: in the text, or, where it is lost, in the truth."""
    text = [one.damaged.words[w] for w in words]
    truth = [one.texts[v] for v in said_inside]
    for v in said_inside:
        check.fate(one.damaged.original_fates[v]).inside += 1
    for step in Levenshtein.editops(text, truth):
        if step.tag == "insert":
            fate = one.damaged.original_fates[said_inside[step.dest_pos]]
        else:
            fate = one.damaged.fates[words[step.src_pos]]
        check.fate(fate).edits += 1


def _add_shifts(check: Check, one: Checked, words: Sequence[int]) -> None:
    frame_seconds = one.stride_samples / one.sample_rate_hz
    origins = one.damaged.origins
    first, last = words[0], words[-1]
    if origins[first] >= 0:
        shift = int(one.after.frame_starts[first]) - int(one.before.frame_starts[origins[first]])
        check.starts_seconds.append(shift * frame_seconds)
    if origins[last] >= 0:
        shift = int(one.after.frame_ends[last]) - int(one.before.frame_ends[origins[last]])
        check.ends_seconds.append(shift * frame_seconds)
