"""The whole cut function: what measure tries but for the utterance classifier, and what segment does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace

import numpy as np
from numpy.typing import NDArray

from prep_corpus.align.cutting.cut_ledgers import character_ledger, sample_ledger
from prep_corpus.align.cutting.cutting import plan_paper, plan_words
from prep_corpus.align.cutting.plan import CutPlan
from prep_corpus.align.cutting.ranges import OVERLAPPING, Ranges
from prep_corpus.align.cutting.segments import CutOptions, Cuts, Segment, with_scores
from prep_corpus.align.cutting.unheard import ranges_without_unheard
from prep_corpus.align.model.models import ModelInfo
from prep_corpus.align.recognition.sources import KEPT_REPAIRED, READ_REPAIR, READING_ALONE, REPAIRING
from prep_corpus.align.text.normalize import STRIPPED, UNREAD, TextOptions
from prep_corpus.align.text.styles import CLEAN
from prep_corpus.align.words.evidence import Track, track
from prep_corpus.filters.features import FEATURE_NAMES, utterance_features
from prep_corpus.filters.judge_evidence import TimedWords
from prep_corpus.filters.linear import Filter
from prep_corpus.filters.scoring import Verdicts, judged_scores, score_utterances, score_words
from prep_corpus.filters.text_evidence import words_of_text
from prep_corpus.pipeline.ledgers import Ledgers
from prep_corpus.pipeline.recognition.repaired import RepairableText, RepairedCuts
from prep_corpus.pipeline.recognition.uncovered import (
    Recognition,
    RecognitionOptions,
    ScoredWords,
    hear,
    plan_heard,
    recognise_uncovered,
    uncovered_total,
    with_recognised,
)
from prep_corpus.pipeline.stages.align import AlignedRecording
from prep_corpus.pipeline.stages.emit import EmittedRecording
from prep_corpus.pipeline.word_verdicts import word_verdicts

MODEL_RATE = "model"


@dataclass(frozen=True, kw_only=True)
class SegmentOptions:
    """What measure and segment read of the configuration.

    Attributes:
        cut: "words" or "paper".
        filter: the fitted filter.
        word_threshold: lowest word score that counts as spoken.
        utterance_threshold: lowest utterance score that is kept.
        min_seconds, max_seconds, padding_seconds: see `CutOptions`.
        text: how transcripts are normalised.
        config_digest: goes into each row.
        text_style: what the column `text` holds, of `TEXT_STYLES`; segments are the same with each.
        word_times: rows carry the times of their words.
        sample_rate: the clips have the model's rate ("model") or that of their file ("source").
        recognised: how far what the model hears is trusted where no text of the transcript is kept; None to keep none.
    """

    cut: str
    filter: Filter
    word_threshold: float
    utterance_threshold: float
    min_seconds: float
    max_seconds: float
    padding_seconds: float
    text: TextOptions
    config_digest: str
    text_style: str = CLEAN
    word_times: bool = False
    sample_rate: str = MODEL_RATE
    recognised: RecognitionOptions | None = None

    def identity(self) -> list[object]:
        """All that decides where cuts are and what is kept, for a digest."""
        return [
            self.cut,
            self.filter.digest,
            self.word_threshold,
            self.utterance_threshold,
            self.min_seconds,
            self.max_seconds,
            self.padding_seconds,
            self.text.identity,
            # The defaults that no option changes.
            asdict(self.cut_options(1, 1)),
        ]

    def row_identity(self) -> list[object]:
        """What else decides the rows, for a digest; nothing by default."""
        style = [] if self.text_style == CLEAN else [self.text_style]
        words = ["word_times"] if self.word_times else []
        rate = [] if self.sample_rate == MODEL_RATE else ["source rate"]
        return [*style, *words, *rate, *([] if self.recognised is None else self.recognised.identity())]

    @property
    def repairs(self) -> bool:
        """Whether transcripts are repaired: not where nothing is cut around words that are wrong."""
        return self.recognised is not None and self.recognised.mode in REPAIRING and self.cut == "words"

    def cut_options(self, stride_samples: int, sample_rate_hz: int) -> CutOptions:
        """The same for a model's frames."""
        return CutOptions(
            stride_samples=stride_samples,
            sample_rate_hz=sample_rate_hz,
            min_seconds=self.min_seconds,
            max_seconds=self.max_seconds,
            padding_seconds=self.padding_seconds,
        )


def words_trusted(aligned: AlignedRecording, options: SegmentOptions) -> Verdicts:
    """The filter's verdict on each word: it is said (`--cut words`), or heard at all (`--cut paper`)."""
    return word_verdicts(aligned.evidence_WF, options.filter, options.cut, options.word_threshold)


def plan_cuts(
    aligned: AlignedRecording,
    emitted: EmittedRecording,
    seen: Track,
    info: ModelInfo,
    options: SegmentOptions,
    trusted: Verdicts,
) -> CutPlan:
    """What is known of a recording's cuts before the shortest pause is.

    Args:
        aligned, emitted, seen: of the recording.
        info: the model's description.
        options: the run's options of cutting.
        trusted: `words_trusted`.
    """
    shape = options.cut_options(info.stride_samples, info.sample_rate_hz)
    if options.cut == "paper":
        return plan_paper(
            seen,
            aligned.words,
            options=shape,
            levels=emitted.levels,
            heard_W=trusted.said_W,
            sure_W=trusted.sure_W,
        )
    return plan_words(
        seen,
        aligned.words,
        trusted.said_W,
        options=shape,
        levels=emitted.levels,
        sure_W=trusted.sure_W,
        unsaid_W=trusted.unsaid_W,
        lacking_W=trusted.lacking_W,
    )


def measured_totals(
    aligned: AlignedRecording,
    emitted: EmittedRecording,
    info: ModelInfo,
    options: SegmentOptions,
    pauses: Sequence[int],
    judged: TimedWords | None = None,
) -> list[tuple[int, int]]:
    """What comes out at each of several shortest pauses, before anything is scored: (segments, samples) of each.

    What is heard beside a transcript hardly depends on the pauses; it is cut at the longest.

    Args:
        aligned, emitted: of the recording.
        info: the model's description.
        options: the run's options of cutting.
        pauses: in frames.
        judged: what the judge hears in the recording.
    """
    seen, recognised = track(emitted.log_probs_TC, info), options.recognised
    cut = options.cut_options(info.stride_samples, info.sample_rate_hz)
    if not aligned.has_text and recognised is not None:
        plan = plan_heard(emitted.log_probs_TC, seen, emitted.levels, info, recognised, judged, cut=cut)
        return plan.ranges(pauses).totals()
    trusted = words_trusted(aligned, options)
    if recognised is None:
        plan = plan_cuts(aligned, emitted, seen, info, options, trusted)
        return cut_recording(plan, options, trusted, pauses).totals()
    (heard, text), longest = _reading(aligned, emitted, seen, info, options, trusted, judged), max(pauses)
    if options.repairs:
        totals, cuts = text.plan(longest).ranges(pauses).totals(), text.cuts(longest).cuts
    else:
        plan = plan_cuts(aligned, emitted, seen, info, options, trusted)
        totals = cut_recording(plan, options, trusted, pauses).totals()
        cuts = plan.cuts(cut_recording(plan, options, trusted, (longest,)))
    if recognised.mode not in READING_ALONE:
        return totals
    read, samples = uncovered_total(seen, emitted.levels, _taken(cuts), heard, cut=cut, k_frames=longest)
    return [(count + read, length + samples) for count, length in totals]


def _reading(
    aligned: AlignedRecording,
    emitted: EmittedRecording,
    seen: Track,
    info: ModelInfo,
    options: SegmentOptions,
    trusted: Verdicts,
    judged: TimedWords | None,
) -> tuple[ScoredWords, RepairableText]:
    """What the model hears in a recording, and the transcript, which is evidence for that and may be repaired by it."""
    assert options.recognised is not None
    written = aligned.normalized.text
    texts = [written[start:end] for start, end in aligned.normalized.words()]
    text = None
    if aligned.has_text:
        text = words_of_text(aligned.words, texts, aligned.tokens_L, info, ~trusted.likely_W)
    heard = hear(emitted.log_probs_TC, seen, info, options.recognised, judged, text)
    repairable = RepairableText(
        seen=seen,
        levels=emitted.levels,
        words=aligned.words,
        tokens_L=aligned.tokens_L,
        texts=texts,
        trusted=trusted,
        heard=heard,
        cut=options.cut_options(info.stride_samples, info.sample_rate_hz),
    )
    return heard, repairable


def _taken(cuts: Cuts) -> list[Segment]:
    """Segments of the transcript beside which nothing is read."""
    return [segment for segment in cuts.segments if segment.reason in ("", OVERLAPPING)]


@dataclass(frozen=True, kw_only=True)
class SegmentedRecording:
    """What became of a recording, before its audio is cut.

    Attributes:
        cuts: segments with their final reasons.
        features_SF: float64 [segments, 6], as `FEATURE_NAMES`; NaN for those that cutting dropped.
        scores_S: float64, log-odds; NaN likewise.
        recognised: utterances of what the model hears beside them; None where none are kept.
        repairs: the repaired text that the cuts were made of, by the segments' places; None where nothing is repaired.
        heard: what the model hears; None where none of it is kept.
    """

    cuts: Cuts
    features_SF: NDArray[np.float64]
    scores_S: NDArray[np.float64]
    recognised: Recognition | None = None
    repairs: RepairedCuts | None = None
    heard: ScoredWords | None = None


def segment_recording(
    aligned: AlignedRecording,
    emitted: EmittedRecording,
    info: ModelInfo,
    options: SegmentOptions,
    k_frames: int,
    judged: TimedWords | None = None,
) -> SegmentedRecording:
    """Cut and score one recording; `judged` is what the judge hears in it."""
    seen = track(emitted.log_probs_TC, info)
    shape = options.cut_options(info.stride_samples, info.sample_rate_hz)
    trusted = words_trusted(aligned, options)
    heard = repairs = None
    if options.recognised is not None:
        heard, text = _reading(aligned, emitted, seen, info, options, trusted, judged)
        repairs = text.cuts(k_frames) if options.repairs else None
    if repairs is not None:
        cuts, words, tokens_L = repairs.cuts, repairs.text.words, repairs.text.tokens_L
    else:
        plan = plan_cuts(aligned, emitted, seen, info, options, trusted)
        cuts = plan.cuts(cut_recording(plan, options, trusted, (k_frames,)))
        words, tokens_L = aligned.words, aligned.tokens_L
    features_SF = np.full((len(cuts.segments), len(FEATURE_NAMES)), np.nan)
    candidates = [s for s, segment in enumerate(cuts.segments) if not segment.reason]
    if candidates:
        features_SF[candidates] = utterance_features(
            emitted.log_probs_TC,
            tokens_L,
            words,
            [cuts.segments[s] for s in candidates],
            blank=info.blank,
            delimiter=info.delimiter_index,
        )
    scores_S = np.full(len(cuts.segments), np.nan)
    scores_S[candidates] = score_utterances(features_SF[candidates], options.filter, cut=options.cut)
    cuts = with_scores(cuts, _judged(scores_S, cuts, aligned, options), options.utterance_threshold)
    if repairs is not None:
        repairs = replace(repairs, cuts=cuts)
        cuts = repairs.in_transcript(len(aligned.words))
    recognised = None
    if heard is not None and options.recognised is not None and options.recognised.mode != READ_REPAIR:
        recognised = recognise_uncovered(
            emitted.log_probs_TC,
            seen,
            emitted.levels,
            info,
            _taken(cuts),
            heard,
            cut=shape,
            k_frames=k_frames,
        )
    return SegmentedRecording(
        cuts=cuts,
        features_SF=features_SF,
        scores_S=scores_S,
        recognised=recognised,
        repairs=repairs,
        heard=heard,
    )


def _judged(
    scores_S: NDArray[np.float64], cuts: Cuts, aligned: AlignedRecording, options: SegmentOptions
) -> NDArray[np.float64]:
    """The scores that the utterance threshold is compared with."""
    level = options.filter.level(options.cut)
    if not level.by_words:
        return scores_S
    worth_W = score_words(aligned.evidence_WF, options.filter)
    return judged_scores(scores_S, cuts.segments, worth_W, level, options.word_threshold)


def account(
    aligned: AlignedRecording,
    cuts: Cuts,
    recognised: Sequence[Segment] | None = None,
    repaired: Sequence[Segment] | None = None,
) -> Ledgers:
    """Where every sample and every character of a recording went.

    Args:
        aligned: the recording.
        cuts: what became of its transcript.
        recognised: utterances whose text is what the model hears; None where the run keeps none.
        repaired: those of `cuts` whose text is repaired; None where the run repairs none.

    Raises:
        InternalError: something is left over.
    """
    owner_N = aligned.normalized.char_ownership()
    characters = character_ledger(cuts, owner_N)
    stripped = int((owner_N == STRIPPED).sum())
    unread = int((owner_N == UNREAD).sum())
    characters["unsayable"] -= stripped + unread
    characters["unspoken"] += unread
    kept = [segment for segment in cuts.segments if not segment.reason]
    unused, why = sum(len(version.text) for version in aligned.probed.recording.others), "other-version"
    if aligned.refused is not None:
        unused, why = aligned.refused.read_characters, aligned.refused.reason
    if unused:
        characters[f"rejected:{why}"] = unused
    samples = sample_ledger(cuts, aligned.n_samples)
    if recognised is not None:
        samples = with_recognised(samples, cuts, recognised)
    recognition_counts = {} if recognised is None else {"utterances recognised": len(recognised)}
    if repaired is not None:
        mended = sum(segment.sample_end - segment.sample_start for segment in repaired)
        samples = {**samples, "kept": samples["kept"] - mended, KEPT_REPAIRED: mended}
        recognition_counts["utterances repaired"] = len(repaired)
    ledgers = Ledgers(
        samples={**samples, "decoded": aligned.n_samples},
        characters={**characters, "stripped": stripped, "read": len(owner_N) + unused},
        counts={
            "recordings": 1,
            "words": len(aligned.words.frame_starts),
            "words kept": sum(end - start for segment in kept for start, end in segment.spoken_ranges()),
            "segments": len(cuts.segments) + len(recognised or ()),
            "utterances": len(kept) + len(recognised or ()),
            **recognition_counts,
        },
    )
    ledgers.check(aligned.probed.recording.id)
    return ledgers


def cut_recording(plan: CutPlan, options: SegmentOptions, trusted: Verdicts, pauses: Sequence[int]) -> Ranges:
    """The whole cut function but for the utterance classifier: what measure tries and segment does.

    Args:
        plan: `plan_cuts`.
        options: the run's options of cutting.
        trusted: `words_trusted`.
        pauses: shortest pauses to cut at, in frames.
    """
    ranges = plan.ranges(pauses)
    if options.cut == "paper":
        ranges = ranges_without_unheard(ranges, trusted.said_W)
    return ranges
