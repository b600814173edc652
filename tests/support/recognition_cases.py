"""What a model hears in the recordings of the quality measurements, without any text: for fits and judgements.

Legend: V words truly said.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from support import corpora, hard_cases, quality_cases
from support.hard_cases import NOBODY, SPLICED, SPOKEN, HardRecording
from support.quality_cases import Spoken

from prep_corpus.align.cutting.segments import CutOptions, Segment
from prep_corpus.align.model.models import LoadedModel, ModelInfo, load_model
from prep_corpus.align.recognition.uncovered import RecognisedText
from prep_corpus.filters.features import utterance_features
from prep_corpus.filters.fitting.cases import Case
from prep_corpus.filters.fitting.fit_recognition import (
    FittedRecognition,
    RecognitionFitOptions,
    cut_recognised,
    fit_recognition,
    recognition_case,
)
from prep_corpus.filters.fitting.measures import KeptUtterance, Tally, tally
from prep_corpus.filters.fitting.texted.fit_rereading import fit_rereading
from prep_corpus.filters.fitting.texted.texted_cases import TextedCase, texted_case, with_text_of
from prep_corpus.filters.judge_evidence import TimedWords, letters_in_common, reading_of
from prep_corpus.filters.linear import Filter
from prep_corpus.filters.recognition import RecognitionLevel, mean_scores
from prep_corpus.filters.rereading import Rereading
from prep_corpus.filters.scoring import EDGE_MARGIN, judge_words
from prep_corpus.filters.text_evidence import PLACE_SECONDS, TextWords, words_of_text
from prep_corpus.pipeline.recognition.repaired import RepairableText
from prep_corpus.pipeline.recognition.uncovered import ScoredWords

Judged = tuple[TimedWords, frozenset[str]]
"""What a judge hears, and the letters in common."""

HARD_ALLOWANCE = 1.2
"""In the worst condition of hard ground what is read may be so many times as wrong as asked."""

ONE_IN = 4
"""Of the hard recordings in which somebody speaks so many share one that is used: each condition has one or two."""

TEXT_SEEDS = 2
"""So many corrupted transcripts of each clean recording are fitted on."""

OTHER_SPEECH = "another recording's speech"
"""Of this kind somebody speaks English, of which no text is known."""


@dataclass(frozen=True, kw_only=True)
class Recognised:
    """Labelled recordings without text.

    Attributes:
        clean: one for each recording of the corpus.
        hard: speech on hard ground, and recordings in which nobody speaks.
        texted: both where they have corrupted transcripts, of which not all is right; and speech in the midst of which
            nobody says what the text has there.
        fold_of: the fold of each group: what shares noise, voices, languages or rooms is in one.
        judged_of: what a judge hears in each clean recording.
    """

    clean: list[Case]
    hard: list[Case]
    texted: list[TextedCase]
    fold_of: dict[str, int]
    judged_of: dict[str, Judged | None]

    def rereading(self) -> Rereading:
        """How much a text counts for what is read in these recordings."""
        return fit_rereading([one.known for one in self.texted])

    def with_texts(self, rereading: Rereading, info: ModelInfo) -> list[Case]:
        """The recordings as they are read with their texts."""
        return [with_text_of(one, rereading, info) for one in self.texted]

    def without(self, groups: Collection[str]) -> Recognised:
        """All cases that have nothing in common with some recordings."""
        folds = {self.fold_of[group] for group in groups}

        def apart(cases: Sequence[Case]) -> list[Case]:
            return [case for case in cases if self.fold_of[case.group] not in folds]

        texted = [one for one in self.texted if self.fold_of[one.case.group] not in folds]
        return replace(self, clean=apart(self.clean), hard=apart(self.hard), texted=texted)


@dataclass(frozen=True, kw_only=True)
class Judge:
    """A second model that hears the same recordings.

    Attributes:
        model: loaded.
        clean: its emissions of each recording of the corpus, by id.
    """

    model: LoadedModel
    clean: Mapping[str, quality_cases.LogProbs]

    def hears(self, log_probs_TC: quality_cases.LogProbs, info: ModelInfo) -> Judged:
        """What it hears, for comparison with a model."""
        letters = letters_in_common(info, self.model.info)
        return reading_of(log_probs_TC, self.model.info, letters), letters


def judge(shared: Path, cache: Path, name: str | None, corpus: str) -> Judge | None:
    """The judge of this name."""
    if name is None:
        return None
    _, spoken = quality_cases.spoken_recordings(shared, cache, name, corpus)
    return Judge(model=load_model(name), clean={one.recording.id: one.log_probs_TC for one in spoken})


def recognised(
    shared: Path,
    cache: Path,
    model: LoadedModel,
    corpus: str,
    spoken: Sequence[Spoken],
    judged_by: Judge | None = None,
) -> Recognised:
    """The recordings of a corpus, and the hard ones that filters of transcripts are fitted on."""
    info = model.info
    utterances = quality_cases.CORPORA[corpus](shared)
    texts = [u.words for one in utterances.values() for u in one]
    times = quality_cases.word_times(spoken, info)
    fold_of = {one.recording.id: b // 2 % hard_cases.FOLDS for b, one in enumerate(spoken)}
    clean: list[Case] = []
    hard: list[Case] = []
    texted: list[TextedCase] = []
    judged_of: dict[str, Judged | None] = {}
    whole_texts: dict[int, TextWords] = {}
    for one in spoken:
        judged = judged_by and judged_by.hears(judged_by.clean[one.recording.id], info)
        judged_of[one.recording.id] = judged
        clean.append(labelled_case(one, info, group=one.recording.id, judged=judged))
        for seed in range(TEXT_SEEDS):
            text = text_of(one, corpora.corrupt(one.recording, seed=seed, texts=texts), info)
            texted.append(texted_case(replace(clean[-1], weight=1 / TEXT_SEEDS), text, info, judged))
        whole_texts[fold_of[one.recording.id]] = text
    recordings: Iterator[HardRecording] = chain(
        hard_cases.nobody_hard(shared, texts, each=hard_cases.FOLDS, purpose="fit"),
        hard_cases.spoken_hard(shared, utterances, every=ONE_IN),
        hard_cases.spliced_hard(shared, utterances, texts, each=1, purpose="fit"),
    )
    for part in recordings:
        if part.condition == OTHER_SPEECH:
            continue
        log_probs_TC = hard_cases.emissions_of(part.recording, model, cache)
        heard = quality_cases.spoken(part.recording, log_probs_TC, info, times)
        condition = part.condition if part.what == SPOKEN else part.what
        judged = None
        if judged_by is not None:
            judged = judged_by.hears(hard_cases.emissions_of(part.recording, judged_by.model, cache), info)
        case = labelled_case(heard, info, group=part.group, condition=condition, judged=judged)
        text = text_of(heard, part.transcript, info)
        if part.what == NOBODY:
            text = followed_by(text, whole_texts[part.fold])
        texted.append(texted_case(case, text, info, judged))
        if part.what != SPLICED:
            hard.append(case)
        fold_of[part.group] = part.fold
    return Recognised(clean=clean, hard=hard, texted=texted, fold_of=fold_of, judged_of=judged_of)


def text_of(one: Spoken, transcript: corpora.CorruptedTranscript, info: ModelInfo) -> TextWords:
    """A corrupted transcript where it is aligned with a recording."""
    tokens_L, words, _ = quality_cases.aligned(one.log_probs_TC, transcript.text, info)
    return words_of_text(words, transcript.words, tokens_L, info)


def followed_by(text: TextWords, other: TextWords) -> TextWords:
    """A text with another one behind it, far enough to be of no word's place in it."""
    shift = text.ends_W.max(initial=0.0) + 10 * PLACE_SECONDS
    return TextWords(
        texts=(*text.texts, *other.texts),
        starts_W=np.append(text.starts_W, other.starts_W + shift),
        ends_W=np.append(text.ends_W, other.ends_W + shift),
        tokens=(*text.tokens, *other.tokens),
        refused_W=np.append(text.refused_W, other.refused_W),
    )


def labelled_case(
    one: Spoken, info: ModelInfo, *, group: str, condition: str = "", judged: Judged | None = None
) -> Case:
    """A recording without text, with the label of each word that the model hears."""
    return recognition_case(
        one.log_probs_TC,
        one.seen,
        one.levels,
        info,
        one.recording.words,
        (one.starts_V + one.ends_V) / 2 * info.frame_seconds,
        group=group,
        condition=condition,
        judged=judged,
    )


def fit(
    found: Recognised, info: ModelInfo, cut: CutOptions, *, k_frames: int, about: str
) -> FittedRecognition:
    """A recognition filter from recordings."""
    cases, rereading = [*found.clean, *found.hard], found.rereading()
    with_text = found.with_texts(rereading, info)
    return fit_recognition(
        cases,
        RecognitionFitOptions(cut=cut, k_frames=k_frames, hard_allowance=HARD_ALLOWANCE, apart=found.fold_of),
        with_text=with_text,
        rereading=rereading,
        model_digest=info.digest,
        frame_seconds=info.frame_seconds,
        fitted_on=about,
        data_digest=quality_cases.data_digest([*cases, *with_text]),
    )


def scored(case: Case, level: RecognitionLevel, max_wer: float) -> ScoredWords:
    """What a model hears in a recording, trusted as `pipeline.recognition.uncovered.hear` does it.

    Raises:
        UsageError: the filter cannot promise so low a rate.
    """
    point = level.point(max_wer)
    scores_W = level.score_words(case.evidence_WF)
    return ScoredWords(
        texts=case.texts,
        text=RecognisedText(words=case.words, tokens_L=case.tokens_L),
        scores_W=scores_W,
        trusted_W=scores_W >= point.word_threshold,
        sure_W=scores_W >= point.word_threshold + EDGE_MARGIN,
        least_mean=point.utterance_threshold,
    )


def read(
    case: Case,
    level: RecognitionLevel,
    max_wer: float,
    kept: Sequence[Segment],
    cut: CutOptions,
    k_frames: int,
    right_W: NDArray[np.bool_] | None = None,
) -> Tally:
    """What a run keeps of the model's words beside some utterances, as `pipeline.recognition.uncovered` does it.

    `right_W` says which of the words said the transcript has right, where there is one.

    Raises:
        UsageError: the filter cannot promise so low a rate.
    """
    heard = scored(case, level, max_wer)
    threshold = level.point(max_wer).word_threshold
    segments = cut_recognised(case, heard.scores_W, threshold, kept, k_frames=k_frames, options=cut)
    means_S = mean_scores(heard.scores_W, segments)
    found = [segment for segment, mean in zip(segments, means_S) if mean >= heard.least_mean]
    return tally(
        [
            KeptUtterance(
                start_seconds=segment.sample_start / cut.sample_rate_hz,
                end_seconds=segment.sample_end / cut.sample_rate_hz,
                words=case.texts[segment.word_start : segment.word_end],
            )
            for segment in found
        ],
        case.true_texts,
        case.true_middles_V,
        right_W=right_W,
    )


def repaired(
    case: Case, heard: Case, fitted: Filter, reader: RecognitionLevel, max_wer: float, cut: CutOptions
) -> tuple[list[KeptUtterance], list[KeptUtterance], list[Segment]]:
    """What a run keeps of a transcript with repairs: utterances without and with them, and where all of them stand.

    Raises:
        UsageError: the filter of transcripts, or the one of what is heard, cannot promise so low a rate.
    """
    point = fitted.point(max_wer, cut="words")
    found = RepairableText(
        seen=case.seen,
        levels=case.levels,
        words=case.words,
        tokens_L=case.tokens_L,
        texts=case.texts,
        trusted=judge_words(case.evidence_WF, fitted, point.word_threshold),
        heard=scored(heard, reader, max_wer),
        cut=cut,
    ).cuts(fitted.words.k_frames)
    segments = [segment for segment in found.cuts.segments if not segment.reason]
    features_SF = utterance_features(
        case.log_probs_TC,
        found.text.tokens_L,
        found.text.words,
        segments,
        blank=case.seen.blank,
        delimiter=case.seen.delimiter if case.seen.delimiter >= 0 else None,
    )
    scores_S = fitted.words.utterance.score(features_SF)
    plain, mended, kept = [], [], []
    for segment, score in zip(segments, scores_S.tolist()):
        if score < point.utterance_threshold:
            continue
        words = [
            word
            for part in found.parts(segment)
            for word in (heard if part.is_read else case).texts[part.start : part.end]
        ]
        utterance = KeptUtterance(
            start_seconds=segment.sample_start / cut.sample_rate_hz,
            end_seconds=segment.sample_end / cut.sample_rate_hz,
            words=tuple(words),
        )
        kept.append(segment)
        (mended if found.repairs_in(segment) else plain).append(utterance)
    return plain, mended, kept
