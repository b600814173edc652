"""Labels from people: each sampled utterance judged against what was heard, and what follows for the run.

Legend: W words of the utterance's text, S utterances.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from rapidfuzz.distance import Levenshtein

from prep_corpus.align.errors import UsageError

DoubleArray = NDArray[np.float64]

RIGHT, WRONG, EXTRA = "right", "substituted", "inserted"
"""Marks of a word of the text: heard as it stands, heard as another word, not heard at all."""


@dataclass(frozen=True, kw_only=True)
class WordMarks:
    """A text against what was heard.

    Attributes:
        marks: one of `RIGHT`, `WRONG`, `EXTRA` for each of the W words of the text.
        missing: the place in the text that each heard word missing from it belongs before.
        matched: pairs (word of the text, word heard) that are the same.
    """

    marks: tuple[str, ...]
    missing: tuple[int, ...]
    matched: tuple[tuple[int, int], ...]

    @property
    def edits(self) -> int:
        """Word edit distance."""
        return sum(mark != RIGHT for mark in self.marks) + len(self.missing)


def mark_words(text: Sequence[str], heard: Sequence[str]) -> WordMarks:
    """Mark the words of a text by the fewest edits that make it what was heard."""
    marks = [RIGHT] * len(text)
    missing: list[int] = []
    matched: list[tuple[int, int]] = []
    for step in Levenshtein.opcodes(list(text), list(heard)):
        if step.tag == "equal":
            matched += zip(range(step.src_start, step.src_end), range(step.dest_start, step.dest_end))
        elif step.tag == "insert":
            missing += [step.src_start] * (step.dest_end - step.dest_start)
        else:
            mark = WRONG if step.tag == "replace" else EXTRA
            marks[step.src_start : step.src_end] = [mark] * (step.src_end - step.src_start)
    return WordMarks(marks=tuple(marks), missing=tuple(missing), matched=tuple(matched))


@dataclass(frozen=True, kw_only=True)
class JudgedUtterance:
    """A sampled utterance with its label.

    Attributes:
        id, recording_id, speaker: as in the run.
        start_sample, end_sample: half-open, in the run's samples.
        kept: whether the run kept it.
        weight: how many of the run's utterances it stands for.
        text: the pipeline's normalised words.
        heard: the normalised words of the transcript taken as truth; None where it was unintelligible.
        listeners: how many people judged it.
    """

    id: str
    recording_id: str
    speaker: str | None
    start_sample: int
    end_sample: int
    kept: bool
    weight: float
    text: tuple[str, ...]
    heard: tuple[str, ...] | None
    listeners: int

    @property
    def words(self) -> WordMarks | None:
        """The marks of its words; None where it was unintelligible."""
        return None if self.heard is None else mark_words(self.text, self.heard)

    @property
    def edits(self) -> int:
        """Word edits; an unintelligible text counts as wrong in every word."""
        marks = self.words
        return len(self.text) if marks is None else marks.edits

    @property
    def true_words(self) -> int:
        """Words heard; as many as the text has where it was unintelligible."""
        return len(self.text) if self.heard is None else len(self.heard)

    @property
    def wer(self) -> float:
        """Word edits over words heard; where nothing was heard, over one."""
        return self.edits / max(self.true_words, 1)


def good_threshold(judged: Sequence[JudgedUtterance], good_wer: float) -> float:
    """The largest word error rate of an utterance such that all up to it together stay below `good_wer`.

    Args:
        judged: with weights.
        good_wer: highest share of wrong words in the good part.

    Returns:
        Utterances of at most this rate are the good ones.

    Raises:
        UsageError: not even those with the fewest errors are that good together.

    Source: Deep Speech 2 (arXiv 1512.02595), section 5.1.
    """
    ordered = sorted(judged, key=lambda one: one.wer)
    edits = words = 0.0
    best: float | None = None
    for place, one in enumerate(ordered):
        edits += one.weight * one.edits
        words += one.weight * one.true_words
        last_of_its_rate = place + 1 == len(ordered) or ordered[place + 1].wer > one.wer
        if last_of_its_rate and edits < good_wer * max(words, 1e-9):
            best = one.wer
    if best is None:
        lowest = ordered[0].wer if ordered else float("nan")
        raise UsageError(
            f"--good-wer {good_wer:g}: some utterances must have fewer wrong words than that, and the best of "
            f"{len(ordered)} has {lowest:.1%}; are the transcripts those of this run?"
        )
    return best


@dataclass(frozen=True, kw_only=True)
class ShareEstimate:
    """A share with its 80 % interval over resampled recordings."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:.2%} ({self.low:.2%} to {self.high:.2%})"


def ratio(
    numerators_S: Sequence[float],
    denominators_S: Sequence[float],
    groups_S: Sequence[str],
    *,
    seed: int = 0,
    resamples: int = 1000,
) -> ShareEstimate:
    """A weighted ratio, with its interval from drawing the groups with replacement.

    Args:
        numerators_S, denominators_S: of each utterance, weights multiplied in.
        groups_S: the recording of each.
        seed: seed of the draws.
        resamples: how many.
    """
    names = sorted(set(groups_S))
    place = {name: at for at, name in enumerate(names)}
    sums = np.zeros((2, len(names)))
    for numerator, denominator, group in zip(numerators_S, denominators_S, groups_S):
        sums[:, place[group]] += (numerator, denominator)
    value = float(sums[0].sum() / max(sums[1].sum(), 1e-9))
    if len(names) < 2:
        return ShareEstimate(value=value, low=0.0, high=1.0)
    draws = np.random.default_rng(seed).multinomial(len(names), [1 / len(names)] * len(names), size=resamples)
    drawn = (draws @ sums[0]) / np.maximum(draws @ sums[1], 1e-9)
    low, high = np.quantile(drawn, (0.1, 0.9))
    return ShareEstimate(value=value, low=float(low), high=float(high))


@dataclass(frozen=True, kw_only=True)
class Standing:
    """What the labels say of the run they were drawn from.

    Attributes:
        wer_kept, wer_dropped: word error rate of what the run kept, and of what it dropped.
        precision: good ones among the kept utterances.
        recall: kept ones among the good utterances.
        good: good ones among all.
    """

    wer_kept: ShareEstimate | None
    wer_dropped: ShareEstimate | None
    precision: ShareEstimate | None
    recall: ShareEstimate | None
    good: ShareEstimate


def standing(judged: Sequence[JudgedUtterance], threshold: float) -> Standing:
    """Figures of the whole run from a weighted sample.

    Args:
        judged: at least one.
        threshold: threshold from `good_threshold`.
    """

    def part(
        chosen: Sequence[JudgedUtterance], top: Sequence[float], bottom: Sequence[float]
    ) -> ShareEstimate | None:
        if not sum(bottom):
            return None
        return ratio(top, bottom, [one.recording_id for one in chosen])

    def wer(chosen: Sequence[JudgedUtterance]) -> ShareEstimate | None:
        return part(
            chosen,
            [one.weight * one.edits for one in chosen],
            [one.weight * one.true_words for one in chosen],
        )

    good = [one.wer <= threshold for one in judged]
    kept = [one for one in judged if one.kept]
    good_ones = [one for one, is_good in zip(judged, good) if is_good]
    share = part(judged, [one.weight * g for one, g in zip(judged, good)], [one.weight for one in judged])
    assert share is not None
    return Standing(
        wer_kept=wer(kept),
        wer_dropped=wer([one for one in judged if not one.kept]),
        precision=part(
            kept, [one.weight * (one.wer <= threshold) for one in kept], [one.weight for one in kept]
        ),
        recall=part(
            good_ones, [one.weight * one.kept for one in good_ones], [one.weight for one in good_ones]
        ),
        good=share,
    )
