"""Cutting labelled cases at many thresholds, and counting what is kept and how wrong it is.

Legend: S segments, G groups, P thresholds of the utterance score.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

import numpy as np
from numpy.typing import NDArray

from prep_corpus.align.cutting import (
    CutOptions,
    Cuts,
    Segment,
    candidate_gaps,
    cut_paper,
    cut_words,
    measure,
    pick_k,
)
from prep_corpus.filters.curve import Point
from prep_corpus.filters.features import FEATURE_NAMES, utterance_features
from prep_corpus.filters.labels import Case
from prep_corpus.filters.measures import KeptUtterance, inside, word_edits

DoubleArray = NDArray[np.float64]

PADDING_SECONDS = 0.25
"""A segment may reach this far over a judged span's edge: its padding holds no words."""

NO_THRESHOLD = -1e9
"""Written in place of minus infinity: everything passes."""

UTTERANCE_THRESHOLDS = (NO_THRESHOLD, *(step / 2 for step in range(-24, 17)))


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """Segments of one case at one word threshold, with their truth.

    Attributes:
        features_SF: the six.
        inside_S: true words inside.
        right_S: of these, words that the transcript has right.
        edits_S: word edits of the text.
        seconds_S: length.
    """

    features_SF: DoubleArray
    inside_S: NDArray[np.int64]
    right_S: NDArray[np.int64]
    edits_S: NDArray[np.int64]
    seconds_S: DoubleArray


@dataclass
class Bench:
    """Cuts cases and judges the pieces; remembers the costly features of pieces seen before.

    Attributes:
        cases: of the fit.
        options: of cutting.
        blank, delimiter: columns of the model.
    """

    cases: Sequence[Case]
    options: CutOptions
    blank: int
    delimiter: int | None
    _features: dict[tuple[int, Segment], DoubleArray] = field(default_factory=dict)

    def cut(self, index: int, scores_W: DoubleArray | None, threshold: float, k_frames: int) -> Cuts:
        """The cuts of a case, around words under the threshold or, without scores, by the paper's rule."""
        case = self.cases[index]
        if scores_W is None:
            return cut_paper(
                case.seen, case.words, k_frames=k_frames, options=self.options, levels=case.levels
            )
        return cut_words(
            case.seen,
            case.words,
            scores_W >= threshold,
            k_frames=k_frames,
            options=self.options,
            levels=case.levels,
        )

    def pick_k(self, scores: Sequence[DoubleArray | None], threshold: float, target_seconds: float) -> int:
        """The k that gives the target mean length over all cases.

        The mean rises with k, so the candidates are halved rather than tried one by one.
        """
        candidates = candidate_gaps(self.options)
        totals: dict[int, tuple[int, int]] = {}
        low, high = 0, len(candidates) - 1
        while True:
            middle = (low + high) // 2
            k = candidates[middle]
            totals[k] = self._total(scores, threshold, k)
            count, samples = totals[k]
            if low == high:
                return pick_k(totals, target_seconds * self.options.sample_rate_hz)
            if count and samples / count < target_seconds * self.options.sample_rate_hz:
                low = middle + 1
            else:
                high = middle

    def _total(
        self, scores: Sequence[DoubleArray | None], threshold: float, k_frames: int
    ) -> tuple[int, int]:
        """Candidates and their samples over all cases."""
        count = samples = 0
        for index, scores_W in enumerate(scores):
            found = measure(partial(self.cut, index, scores_W, threshold), (k_frames,))[k_frames]
            count, samples = count + found[0], samples + found[1]
        return count, samples

    def outcome(self, index: int, cuts: Cuts) -> Outcome:
        """Features and truth of a case's candidates, those that stand where the truth is known."""
        case = self.cases[index]
        rate = self.options.sample_rate_hz
        segments = [s for s in cuts.segments if not s.reason and _judged(case, s, rate)]
        missing = [s for s in segments if (index, s) not in self._features]
        if missing:
            found_SF = utterance_features(
                case.log_probs_TC,
                case.tokens_L,
                case.words,
                missing,
                blank=self.blank,
                delimiter=self.delimiter,
            )
            self._features.update({(index, s): row for s, row in zip(missing, found_SF)})
        rows = [self._features[index, s] for s in segments]
        utterances = [kept_utterance(s, case.texts, rate) for s in segments]
        spans = [inside(u.start_seconds, u.end_seconds, case.true_middles_V) for u in utterances]
        return Outcome(
            features_SF=np.array(rows).reshape(-1, len(FEATURE_NAMES)),
            inside_S=np.array([b - a for a, b in spans], np.int64),
            right_S=np.array([case.true_right_V[a:b].sum() for a, b in spans], np.int64),
            edits_S=np.array(
                [word_edits(u.words, case.true_texts[a:b]) for u, (a, b) in zip(utterances, spans)], np.int64
            ),
            seconds_S=np.array([u.end_seconds - u.start_seconds for u in utterances]),
        )


def kept_utterance(segment: Segment, texts: Sequence[str], sample_rate_hz: int) -> KeptUtterance:
    """A segment as it would be written, with the words of its text."""
    return KeptUtterance(
        start_seconds=segment.sample_start / sample_rate_hz,
        end_seconds=segment.sample_end / sample_rate_hz,
        words=tuple(text for start, end in segment.spoken_ranges() for text in texts[start:end]),
    )


def _judged(case: Case, segment: Segment, sample_rate_hz: int) -> bool:
    """Whether the truth is known all along a segment, but for its padding."""
    if case.judged is None:
        return True
    start, end = segment.sample_start / sample_rate_hz, segment.sample_end / sample_rate_hz
    return any(a - PADDING_SECONDS <= start and end <= b + PADDING_SECONDS for a, b in case.judged)


@dataclass(frozen=True, kw_only=True)
class Swept:
    """Counts of each group at every pair of thresholds.

    Attributes:
        groups: names of the G groups.
        spoken_G: words truly said, weights multiplied in, as everywhere here.
        right_G: of these, words that the transcripts have right.
        counts: by word threshold, float64 [5, G, P]: kept words, right kept words, edits, utterances
            and seconds at each of `UTTERANCE_THRESHOLDS`.
    """

    groups: tuple[str, ...]
    spoken_G: DoubleArray
    right_G: DoubleArray
    counts: Mapping[float, DoubleArray]


def count_outcomes(outcome: Outcome, scores_S: DoubleArray) -> DoubleArray:
    """[5, P]: kept words, right kept words, edits, utterances, seconds at each utterance threshold."""
    thresholds_P = np.array(UTTERANCE_THRESHOLDS)
    order = np.argsort(scores_S, kind="stable")
    first_P = np.searchsorted(scores_S[order], thresholds_P, side="left")
    columns = (
        outcome.inside_S,
        outcome.right_S,
        outcome.edits_S,
        np.ones(len(order)),
        outcome.seconds_S,
    )
    counts = []
    for column_S in columns:
        from_end = np.concatenate((np.cumsum(column_S[order][::-1])[::-1], [0.0]))
        counts.append(from_end[first_P])
    return np.array(counts, np.float64)


def points_of(swept: Swept, *, resamples: int = 1000, seed: int = 0) -> list[Point]:
    """Every operating point with its upper bound, from resampling the groups.

    Args:
        swept: counts by group.
        resamples: how often the groups are drawn with replacement.
        seed: of the draws.
    """
    random = np.random.default_rng(seed)
    count = len(swept.groups)
    weights_RG = random.multinomial(count, [1 / count] * count, size=resamples)
    points = []
    for word_threshold, counts in swept.counts.items():
        kept_P, _, edits_P, utterances_P, _ = counts.sum(axis=1)
        # Half an edit more keeps a small sample without errors from promising none.
        resampled_RP = (weights_RG @ counts[2] + 0.5) / np.maximum(weights_RG @ counts[0], 1.0)
        upper_P = np.quantile(resampled_RP, 0.9, axis=0)
        for p, utterance_threshold in enumerate(UTTERANCE_THRESHOLDS):
            if utterances_P[p] == 0:
                continue
            points.append(
                Point(
                    word_threshold=float(word_threshold),
                    utterance_threshold=float(utterance_threshold),
                    kept_share=float(kept_P[p] / swept.spoken_G.sum()),
                    wer=float(edits_P[p] / max(kept_P[p], 1.0)),
                    wer_upper=float(upper_P[p]),
                )
            )
    return points


def sweep(cases: Sequence[Case], counts: Mapping[float, Sequence[DoubleArray]]) -> Swept:
    """Add up the counts of all cases by group.

    Args:
        cases: in the order of the counts.
        counts: by word threshold, one [5, P] array a case.
    """
    groups = tuple(sorted({case.group for case in cases}))
    place = {group: g for g, group in enumerate(groups)}
    added = {}
    spoken_G = np.zeros(len(groups))
    right_G = np.zeros(len(groups))
    for case in cases:
        spoken_G[place[case.group]] += case.weight * len(case.true_texts)
        right_G[place[case.group]] += case.weight * int(case.true_right_V.sum())
    for threshold, pieces in counts.items():
        total = np.zeros((5, len(groups), len(UTTERANCE_THRESHOLDS)))
        for case, piece in zip(cases, pieces):
            total[:, place[case.group]] += case.weight * piece
        added[threshold] = total
    return Swept(groups=groups, spoken_G=spoken_G, right_G=right_G, counts=added)
