"""Cutting labelled cases at many thresholds, and counting what is kept and how wrong it is.

Legend: S segments, G groups, P thresholds of the utterance score.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from prep_corpus.align.cutting.cutting import CutOptions, Cuts, Segment, cut_paper, cut_words
from prep_corpus.align.cutting.pause_length import candidate_gaps, measure, pick_k
from prep_corpus.filters.curve import OperatingPoint
from prep_corpus.filters.features import FEATURE_NAMES, utterance_features
from prep_corpus.filters.fitting.cases import Case
from prep_corpus.filters.fitting.measures import HeldOut, KeptUtterance, inside, word_edits
from prep_corpus.filters.scoring import Verdicts, verdicts

DoubleArray = NDArray[np.float64]

PADDING_SECONDS = 0.25
"""A segment may reach this far over a judged span's edge: its padding holds no words."""

NO_THRESHOLD = -1e9
"""Written in place of minus infinity: everything passes."""

UTTERANCE_THRESHOLDS = (
    NO_THRESHOLD,
    *range(-40, -12),
    *(step / 32 for step in range(-384, 257)),
)
"""So close together that from one to the next about a hundredth of the spoken words is lost at most."""


@dataclass(frozen=True, kw_only=True)
class ScoredSegments:
    """Segments of one case at one word threshold, with their truth.

    Attributes:
        features_SF: the six features of each utterance.
        inside_S: true words inside.
        right_S: the number of these words that the transcript has right, per utterance.
        edits_S: word edits of the text.
        seconds_S: length.
    """

    features_SF: DoubleArray
    inside_S: NDArray[np.int64]
    right_S: NDArray[np.int64]
    edits_S: NDArray[np.int64]
    seconds_S: DoubleArray

    def where(self, kept_S: NDArray[np.bool_]) -> ScoredSegments:
        """Those of the segments that are marked."""
        return ScoredSegments(**{name: column_S[kept_S] for name, column_S in vars(self).items()})

    def good(self, wer: float) -> NDArray[np.bool_]:
        """Which segments have at most this share of wrong words."""
        good_S: NDArray[np.bool_] = self.edits_S <= wer * np.maximum(self.inside_S, 1)
        return good_S


@dataclass
class Bench:
    """Cuts cases and judges the pieces; remembers the costly features of pieces seen before.

    Attributes:
        cases: the cases of the fit.
        options: the options of cutting.
    """

    cases: Sequence[Case]
    options: CutOptions
    _features: dict[tuple[int, Segment], DoubleArray] = field(default_factory=dict)

    def cut(
        self,
        index: int,
        scores_W: DoubleArray | None,
        threshold: float,
        k_frames: int,
        *,
        heard: Verdicts | None = None,
        own_W: DoubleArray | None = None,
        lacking_W: NDArray[np.bool_] | None = None,
    ) -> Cuts:
        """The cuts of a case, around words under the threshold or, without scores, by the paper's rule.

        Args:
            index: of the case.
            scores_W: of its words, the guard's verdict in them.
            threshold: of the scores.
            k_frames: shortest pause to cut at.
            heard: `scoring.heard_verdicts`, for the paper's rule; all words are heard where None.
            own_W, lacking_W: as in `scoring.verdicts`.
        """
        case = self.cases[index]
        if scores_W is None:
            return cut_paper(
                case.seen,
                case.words,
                k_frames=k_frames,
                options=self.options,
                levels=case.levels,
                heard_W=None if heard is None else heard.said_W,
                sure_W=None if heard is None else heard.sure_W,
            )
        found = verdicts(scores_W, threshold, own_W, lacking_W)
        return cut_words(
            case.seen,
            case.words,
            found.said_W,
            k_frames=k_frames,
            options=self.options,
            levels=case.levels,
            sure_W=found.sure_W,
            unsaid_W=found.unsaid_W,
            lacking_W=found.lacking_W,
        )

    def pick_k(self, cut: Callable[[int, int], Cuts], target_seconds: float) -> int:
        """The k that gives the target mean length over all cases, each cut by `cut(its index, k)`.

        The mean rises with k, so the candidates are halved rather than tried one by one.
        """
        candidates = candidate_gaps(self.options)
        totals: dict[int, tuple[int, int]] = {}
        low, high = 0, len(candidates) - 1
        while True:
            middle = (low + high) // 2
            k = candidates[middle]
            totals[k] = self._total(cut, k)
            count, samples = totals[k]
            if low == high:
                return pick_k(totals, target_seconds * self.options.sample_rate_hz)
            if count and samples / count < target_seconds * self.options.sample_rate_hz:
                low = middle + 1
            else:
                high = middle

    def _total(self, cut: Callable[[int, int], Cuts], k_frames: int) -> tuple[int, int]:
        """Candidates and their samples over all cases."""
        count = samples = 0
        for index in range(len(self.cases)):
            found = measure(partial(cut, index), (k_frames,))[k_frames]
            count, samples = count + found[0], samples + found[1]
        return count, samples

    def judged(self, index: int, cuts: Cuts) -> list[Segment]:
        """A case's candidates that stand where the truth is known."""
        case, rate = self.cases[index], self.options.sample_rate_hz
        return [s for s in cuts.segments if not s.reason and _judged(case, s, rate)]

    def outcome(self, index: int, cuts: Cuts) -> ScoredSegments:
        """Features and truth of a case's `judged` candidates."""
        case = self.cases[index]
        rate = self.options.sample_rate_hz
        segments = self.judged(index, cuts)
        missing = [s for s in segments if (index, s) not in self._features]
        if missing:
            found_SF = utterance_features(
                case.log_probs_TC,
                case.tokens_L,
                case.words,
                missing,
                blank=case.seen.blank,
                delimiter=case.seen.delimiter if case.seen.delimiter >= 0 else None,
            )
            self._features.update({(index, s): row for s, row in zip(missing, found_SF)})
        rows = [self._features[index, s] for s in segments]
        utterances = [kept_utterance(s, case.texts, rate) for s in segments]
        spans = [inside(u.start_seconds, u.end_seconds, case.true_middles_V) for u in utterances]
        return ScoredSegments(
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
        words=tuple(texts[w] for start, end in segment.spoken_ranges() for w in range(start, end)),
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
        right_G: the number of these words that the transcripts have right, per group.
        counts: counts by word threshold, float64 [5, G, P]: kept words, right kept words, edits, utterances
            and seconds at each of `UTTERANCE_THRESHOLDS`.
        unit: weight of one utterance, in the mean.
    """

    groups: tuple[str, ...]
    spoken_G: DoubleArray
    right_G: DoubleArray
    counts: Mapping[float, DoubleArray]
    unit: float = 1.0


def count_outcomes(
    outcome: ScoredSegments, scores_S: DoubleArray, *, floor: float = NO_THRESHOLD
) -> DoubleArray:
    """[5, P]: kept words, right kept words, edits, utterances, seconds at each utterance threshold.

    Args:
        outcome: S segments.
        scores_S: of the utterance classifier.
        floor: segments of a lower score are kept at no threshold, as by `linear.Filter.point`.
    """
    thresholds_P = np.maximum(UTTERANCE_THRESHOLDS, floor)
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


def points_of(swept: Swept, *, resamples: int = 1000, seed: int = 0) -> list[OperatingPoint]:
    """Every operating point with its upper bound, from resampling the groups.

    Args:
        swept: counts by group.
        resamples: how often the groups are drawn with replacement.
        seed: the seed of the draws.
    """
    points = []
    for word_threshold, counts in swept.counts.items():
        kept_P, _, edits_P, utterances_P, _ = counts.sum(axis=1)
        _, upper_P = _interval(swept, word_threshold, resamples, seed)
        for p, utterance_threshold in enumerate(UTTERANCE_THRESHOLDS):
            if utterances_P[p] == 0:
                continue
            points.append(
                OperatingPoint(
                    word_threshold=float(word_threshold),
                    utterance_threshold=float(utterance_threshold),
                    kept_share=float(kept_P[p] / swept.spoken_G.sum()),
                    wer=float(edits_P[p] / max(kept_P[p], 1.0)),
                    wer_upper=float(upper_P[p]),
                )
            )
    return points


def _interval(
    swept: Swept, word_threshold: float, resamples: int, seed: int
) -> tuple[DoubleArray, DoubleArray]:
    """Both ends of the 80 % interval of the word error rate at each utterance threshold."""
    counts = swept.counts[word_threshold]
    # The same draws at each threshold.
    weights_RG = np.random.default_rng(seed).multinomial(
        len(swept.groups), [1 / len(swept.groups)] * len(swept.groups), size=resamples
    )
    # Half an edit more keeps a small sample without errors from promising none.
    resampled_RP = (weights_RG @ counts[2] + 0.5 * swept.unit) / np.maximum(weights_RG @ counts[0], 1.0)
    low_P, high_P = np.quantile(resampled_RP, (0.1, 0.9), axis=0)
    return low_P, high_P


def lower_bound(swept: Swept, point: OperatingPoint, *, resamples: int = 1000, seed: int = 0) -> float:
    """The lower end of a point's interval, whose upper end is `OperatingPoint.wer_upper`; at most its rate."""
    low_P, _ = _interval(swept, point.word_threshold, resamples, seed)
    return min(float(low_P[UTTERANCE_THRESHOLDS.index(point.utterance_threshold)]), point.wer)


def found_at(swept: Swept, point: OperatingPoint) -> tuple[float, float, float]:
    """Spoken words, kept words and word edits of all groups at a point; between two thresholds at the laxer one."""
    p = int(np.searchsorted(UTTERANCE_THRESHOLDS, point.utterance_threshold, side="right")) - 1
    kept, _, edits, *_ = swept.counts[point.word_threshold].sum(axis=1)[:, p]
    return float(swept.spoken_G.sum()), float(kept), float(edits)


def worse_of(one: Sequence[OperatingPoint], other: Sequence[OperatingPoint]) -> list[OperatingPoint]:
    """Points measured twice, each with the worse of its two error rates; the kept share is that of `one`.

    Args:
        one: a whole curve.
        other: the same thresholds' counts on other cases; where a threshold has none, `one` stands alone.
    """
    measured = {(point.word_threshold, point.utterance_threshold): point for point in other}
    found = []
    for point in one:
        again = measured.get((point.word_threshold, point.utterance_threshold), point)
        found.append(
            replace(point, wer=max(point.wer, again.wer), wer_upper=max(point.wer_upper, again.wer_upper))
        )
    return found


FEW_WORDS = 500.0
"""A condition's rate is that of all hard ground by so much as if this many more words of it had been kept."""


def worst_of(pooled: Swept, by_condition: Mapping[str, Swept]) -> list[OperatingPoint]:
    """Every operating point with the word error rate of the condition under which it is highest.

    Where hardly a word is kept a rate says nothing; so each counts together with `FEW_WORDS` words of the rate of all.

    Args:
        pooled: counts of all conditions together.
        by_condition: counts of each, at the same thresholds.
    """
    points = []
    for word_threshold, counts in pooled.counts.items():
        kept_P, _, edits_P, utterances_P, _ = counts.sum(axis=1)
        together_P = edits_P / np.maximum(kept_P, 1.0)
        worst_P = together_P
        for swept in by_condition.values():
            kept_of_P, _, edits_of_P, *_ = swept.counts[word_threshold].sum(axis=1)
            few = FEW_WORDS * swept.unit
            worst_P = np.maximum(worst_P, (edits_of_P + few * together_P) / (kept_of_P + few))
        points += [
            OperatingPoint(
                word_threshold=float(word_threshold),
                utterance_threshold=float(utterance_threshold),
                kept_share=float(kept_P[p] / max(pooled.spoken_G.sum(), 1.0)),
                wer=float(together_P[p]),
                wer_upper=float(worst_P[p]),
            )
            for p, utterance_threshold in enumerate(UTTERANCE_THRESHOLDS)
            if utterances_P[p] > 0
        ]
    return points


def sweep(cases: Sequence[Case], counts: Mapping[float, Sequence[DoubleArray]]) -> Swept:
    """Add up the counts of all cases by group.

    Args:
        cases: cases in the order of the counts.
        counts: counts by word threshold, one [5, P] array per case.
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
    unit = float(np.mean([case.weight for case in cases])) if len(cases) else 1.0
    return Swept(groups=groups, spoken_G=spoken_G, right_G=right_G, counts=added, unit=unit)


def held_out_utterances(
    cases: Sequence[Case], outcomes: Sequence[ScoredSegments], scores: Sequence[DoubleArray], good_wer: float
) -> HeldOut:
    """Utterances of every case with their scores; good is one with at most `good_wer`."""
    return HeldOut(
        scores_N=np.concatenate(scores),
        good_N=np.concatenate([outcome.good(good_wer) for outcome in outcomes]),
        weights_N=np.concatenate(
            [np.full(len(outcome.edits_S), case.weight) for case, outcome in zip(cases, outcomes)]
        ),
        features_NF=np.concatenate([outcome.features_SF for outcome in outcomes]),
    )
