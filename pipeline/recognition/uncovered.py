"""What a run keeps of what the model hears: utterances of recognised words beside those of the transcript.

Legend: T frames, C classes, W recognised words, S segments, F features.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from prep_corpus.align.audio.levels import Levels
from prep_corpus.align.cutting.plan import CutPlan
from prep_corpus.align.cutting.segments import CutOptions, Cuts, Segment
from prep_corpus.align.model.models import ModelInfo
from prep_corpus.align.recognition.recognised import recognise
from prep_corpus.align.recognition.sources import KEPT_RECOGNISED, READ_UNCOVERED
from prep_corpus.align.recognition.uncovered import RecognisedText, as_text, cut_outside, plan_outside
from prep_corpus.align.text.spelling import UNKNOWN_LETTER
from prep_corpus.align.words.evidence import Track
from prep_corpus.filters.curve import OperatingPoint
from prep_corpus.filters.features import FEATURE_NAMES, utterance_features
from prep_corpus.filters.judge_evidence import (
    JUDGE_VERSION,
    NOTHING_HEARD,
    TimedWords,
    letters_in_common,
    with_judge,
)
from prep_corpus.filters.recognition import RecognitionFilter, mean_scores
from prep_corpus.filters.recognition_evidence import recognition_evidence
from prep_corpus.filters.rereading import REREADING_VERSION, Reread, reread, with_text
from prep_corpus.filters.scoring import EDGE_MARGIN, REFUSED_SCORE
from prep_corpus.filters.text_evidence import TEXT_VERSION, TextWords
from prep_corpus.pipeline.recognition.judge import JudgeOptions

VERSION = 8
"""Of what is made of a recording where the model's words are kept."""

DoubleArray = NDArray[np.float64]
Span = tuple[int, int]


@dataclass(frozen=True, kw_only=True)
class RecognitionOptions:
    """How far what the model hears is trusted.

    Attributes:
        filter: fitted for the model.
        alone: its operating point for recordings without a text.
        with_text: the one for those with a text; None where nothing can be promised with it, or it looks at none, and
            they are read as those without.
        mode: of `READ_MODES`, but for nothing.
        judge: a second model, whose agreement the filter looks at; None for a filter that knows of none.
    """

    filter: RecognitionFilter
    alone: OperatingPoint
    with_text: OperatingPoint | None = None
    mode: str = READ_UNCOVERED
    judge: JudgeOptions | None = None

    def identity(self) -> list[object]:
        """All that decides what is kept, for a digest."""
        return [
            "recognised",
            VERSION,
            self.filter.digest,
            *_thresholds(self.alone),
            *(
                ()
                if self.with_text is None
                else (TEXT_VERSION, REREADING_VERSION, *_thresholds(self.with_text))
            ),
            self.mode,
            *([] if self.judge is None else ["judge", JUDGE_VERSION, self.judge.info.digest]),
        ]


def _thresholds(point: OperatingPoint) -> tuple[float, float]:
    return point.word_threshold, point.utterance_threshold


@dataclass(frozen=True, kw_only=True)
class ScoredWords:
    """What the model hears in one recording, and how far it is trusted.

    Attributes:
        texts: the W recognised words.
        text: the same, as cutting takes words.
        scores_W: log-odds of each.
        trusted_W: those that may be kept.
        sure_W: those that may stand beside a break.
        least_mean: lowest mean of the log-odds of an utterance, or of a repair, that is kept.
        separator: what stands between two words.
    """

    texts: tuple[str, ...]
    text: RecognisedText
    scores_W: DoubleArray
    trusted_W: NDArray[np.bool_]
    sure_W: NDArray[np.bool_]
    least_mean: float
    separator: str = " "

    def text_of(self, start: int, end: int) -> str:
        """The words of a half-open range, as the model spells them."""
        return self.separator.join(self.texts[start:end])


@dataclass(frozen=True, kw_only=True)
class Recognition:
    """The utterances of one recording whose text is what the model hears.

    Attributes:
        segments: S of them, in order, over the recognised words; none overlaps another or one of the transcript's.
        features_SF: float64 [S, 6], as `FEATURE_NAMES`.
        scores_S: the mean of the words' log-odds.
    """

    segments: tuple[Segment, ...]
    features_SF: DoubleArray
    scores_S: DoubleArray


def hear(
    log_probs_TC: NDArray[np.floating],
    seen: Track,
    info: ModelInfo,
    options: RecognitionOptions,
    judged: TimedWords | None = None,
    text: TextWords | None = None,
) -> ScoredWords:
    """Recognise the words of a recording, and score them.

    Args:
        log_probs_TC, seen: of the recording.
        info: the model's description.
        options: how far the model is trusted.
        judged: what the judge hears in the recording; None where it could not be run, and agrees on nothing.
        text: the words of its transcript where they were aligned; None where it has none. One that is not said in the
            recording is as none.

    Raises:
        UsageError: the model does not tell where a word ends.
    """
    found, level, point = recognise(seen, info), options.filter.alone, options.alone
    words: Reread | None = None
    if text is not None and not text.is_said:
        text = None
    if text is not None and options.with_text is not None:
        assert options.filter.with_text is not None
        assert options.filter.rereading is not None
        level, point = options.filter.with_text, options.with_text
        words = reread(log_probs_TC, seen, info, found, text, options.filter.rereading)
        found = words.found
    evidence_WF = recognition_evidence(log_probs_TC, found, seen)
    if options.judge is not None:
        letters = letters_in_common(info, options.judge.info)
        evidence_WF = with_judge(evidence_WF, found, info, letters, judged or NOTHING_HEARD)
    if words is not None and text is not None:
        evidence_WF = with_text(evidence_WF, words, info, text)
    scores_W = level.score_words(evidence_WF)
    scores_W[[UNKNOWN_LETTER in word for word in found.texts]] = REFUSED_SCORE
    return ScoredWords(
        texts=found.texts,
        text=as_text(found, seen.delimiter, in_pieces=bool(info.tokenizer)),
        scores_W=scores_W,
        trusted_W=scores_W >= point.word_threshold,
        sure_W=scores_W >= point.word_threshold + EDGE_MARGIN,
        least_mean=point.utterance_threshold,
        separator=" " if info.has_spaces else "",
    )


def plan_heard(
    log_probs_TC: NDArray[np.floating],
    seen: Track,
    levels: Levels | None,
    info: ModelInfo,
    options: RecognitionOptions,
    judged: TimedWords | None = None,
    *,
    cut: CutOptions,
) -> CutPlan:
    """The cuts of a recording without a transcript, before the shortest pause is known; as `recognise_uncovered`."""
    heard = hear(log_probs_TC, seen, info, options, judged)
    return plan_outside(seen, heard.text, heard.trusted_W, heard.sure_W, (), options=cut, levels=levels)


def recognise_uncovered(
    log_probs_TC: NDArray[np.floating],
    seen: Track,
    levels: Levels | None,
    info: ModelInfo,
    taken: Sequence[Segment],
    heard: ScoredWords,
    *,
    cut: CutOptions,
    k_frames: int,
) -> Recognition:
    """Utterances of what the model hears where no utterance of the transcript stands.

    Args:
        log_probs_TC, seen, levels: of the recording.
        info: the model's description.
        taken: segments of the transcript that are kept, or of which nothing is to be kept; in order, without overlap.
        heard: what the model hears, as `hear` gives it.
        cut: lengths and padding of utterances.
        k_frames: shortest pause to cut at.
    """
    segments, means_S = _kept_outside(seen, levels, taken, heard, cut=cut, k_frames=k_frames)
    features_SF: DoubleArray = np.zeros((0, len(FEATURE_NAMES)))
    if segments:
        features_SF = utterance_features(
            log_probs_TC,
            heard.text.tokens_L,
            heard.text.words,
            segments,
            blank=info.blank,
            delimiter=info.delimiter_index,
        )
    return Recognition(
        segments=tuple(segments),
        features_SF=features_SF,
        scores_S=means_S,
    )


def uncovered_total(
    seen: Track,
    levels: Levels | None,
    taken: Sequence[Segment],
    heard: ScoredWords,
    *,
    cut: CutOptions,
    k_frames: int,
) -> tuple[int, int]:
    """How many utterances `recognise_uncovered` gives, and their samples together; its arguments."""
    segments, _ = _kept_outside(seen, levels, taken, heard, cut=cut, k_frames=k_frames)
    return len(segments), _length([(segment.sample_start, segment.sample_end) for segment in segments])


def _kept_outside(
    seen: Track,
    levels: Levels | None,
    taken: Sequence[Segment],
    heard: ScoredWords,
    *,
    cut: CutOptions,
    k_frames: int,
) -> tuple[list[Segment], DoubleArray]:
    """The utterances between those that are taken, with the means of their words' log-odds."""
    segments = cut_outside(
        seen,
        heard.text,
        heard.trusted_W,
        heard.sure_W,
        taken,
        k_frames=k_frames,
        options=cut,
        levels=levels,
    )
    means_S = mean_scores(heard.scores_W, segments)
    trusted = np.flatnonzero(means_S >= heard.least_mean).tolist()
    return [segments[s] for s in trusted], means_S[trusted]


def with_recognised(samples: Mapping[str, int], cuts: Cuts, recognised: Sequence[Segment]) -> dict[str, int]:
    """A recording's ledger of samples where some of them are in utterances whose text is what the model hears.

    Args:
        samples: the ledger without these, as `sample_ledger` gives it.
        cuts: the transcript's segments, of which none that is kept overlaps them.
        recognised: utterances of recognised words, in order, without overlap.

    Returns:
        `KEPT_RECOGNISED` is theirs; what they take is taken from what held it.
    """
    taken = [(segment.sample_start, segment.sample_end) for segment in recognised]
    ledger = dict(samples)
    dropped: dict[str, list[Span]] = {}
    for segment in cuts.segments:
        if segment.reason:
            dropped.setdefault(f"dropped:{segment.reason}", []).append(
                (segment.sample_start, segment.sample_end)
            )
    whole = _length(taken)
    ledger[KEPT_RECOGNISED] = whole
    for key, spans in (*dropped.items(), ("untranscribed", list(cuts.untranscribed))):
        lost = _length(spans) - _length(without(spans, taken))
        ledger[key] -= lost
        whole -= lost
    ledger["pause"] -= whole
    return ledger


def _length(spans: Sequence[Span]) -> int:
    return sum(end - start for start, end in spans)


def without(spans: Sequence[Span], taken: Sequence[Span]) -> list[Span]:
    """What is left of half-open spans where others are taken away; both in order, without overlap."""
    left: list[Span] = []
    ends = np.array([end for _, end in taken], np.int64)
    for start, end in spans:
        at = int(np.searchsorted(ends, start, side="right"))
        while at < len(taken) and taken[at][0] < end:
            if start < taken[at][0]:
                left.append((start, taken[at][0]))
            start = max(start, taken[at][1])
            at += 1
        if start < end:
            left.append((start, end))
    return left
