"""What comes out where the model's words are kept beside the transcript's: shares and errors of both."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace

from support import recognition_cases
from support.recognition_cases import Recognised

from prep_corpus.align.cutting.segments import CutOptions, Segment
from prep_corpus.align.errors import UsageError
from prep_corpus.align.model.models import ModelInfo
from prep_corpus.align.recognition.sources import READ_ALL, READ_REPAIR, READ_UNCOVERED
from prep_corpus.filters.fitting.cases import Case
from prep_corpus.filters.fitting.measures import KeptUtterance, Tally, tally, word_edits
from prep_corpus.filters.fitting.sweep import kept_utterance
from prep_corpus.filters.fitting.texted.texted_cases import texted_case, with_text_of
from prep_corpus.filters.linear import Filter
from prep_corpus.filters.recognition import RecognitionFilter, RecognitionLevel
from prep_corpus.filters.scoring import judge_words
from prep_corpus.filters.text_evidence import words_of_text


@dataclass
class RecognitionCounts:
    """Counts at one word error rate that was asked for.

    Attributes:
        transcript: utterances of the transcript as it stands.
        repaired: utterances of the transcript with repairs.
        model: what the model hears beside them.
        alone: what it hears where nothing of the transcript is known.
        heard_edits, read_edits: word edits between all that is said and all that is heard, without a text and as it is
            read with one.
    """

    transcript: Tally = field(default_factory=Tally)
    repaired: Tally = field(default_factory=Tally)
    model: Tally = field(default_factory=Tally)
    alone: Tally = field(default_factory=Tally)
    heard_edits: int = 0
    read_edits: int = 0


@dataclass(frozen=True, kw_only=True)
class Reading:
    """One way to read the recordings.

    Attributes:
        heard: the recordings without text.
        fitted_on: the same, of which filters are fitted; with another judge where one is told from the other.
        counts: what it gave, by the error rate that was asked for.
    """

    heard: Recognised
    fitted_on: Recognised
    counts: dict[float, RecognitionCounts] = field(default_factory=dict)


def count_readings(
    cases: Sequence[Case],
    readings: Sequence[Reading],
    info: ModelInfo,
    cut: CutOptions,
    asked: Sequence[float],
    fit_on: Callable[[Sequence[int]], Filter],
    kept_of: Callable[[int, Filter, float], list[Segment]],
    mode: str,
) -> None:
    """Count for each error rate asked what comes out of speakers not fitted on, two left out at a time.

    Args:
        cases: with corrupted transcripts, several of each recording.
        readings: of the same recordings; their counts are filled.
        info: the model's description.
        cut: lengths and padding.
        asked: word error rates.
        fit_on: the filter of transcripts from some of the cases.
        kept_of: the utterances that it keeps of a case.
        mode: of `READ_MODES`.
    """
    groups = sorted({case.group for case in cases})
    for reading in readings:
        reading.counts.update((max_wer, RecognitionCounts()) for max_wer in asked)
    for fold in range(-(-len(groups) // 2)):
        left_out = groups[2 * fold : 2 * fold + 2]
        inside = [i for i, case in enumerate(cases) if case.group not in left_out]
        fitted = fit_on(inside)
        k_frames = fitted.words.k_frames
        print(f"fold {fold}: k {k_frames}", file=sys.stderr, flush=True)
        for reading in readings:
            reader = recognition_cases.fit(
                reading.fitted_on.without(left_out), info, cut, k_frames=k_frames, about=""
            ).filter
            by_group = {case.group: case for case in reading.heard.clean}
            for max_wer, counts in reading.counts.items():
                for group in left_out:
                    with suppress(UsageError):
                        counts.alone += recognition_cases.read(
                            by_group[group], reader.alone, max_wer, (), cut, k_frames
                        )
                for i, case in enumerate(cases):
                    if case.group in left_out:
                        judged = reading.heard.judged_of[case.group]
                        heard, level = with_its_text(
                            case, by_group[case.group], judged, fitted, reader, max_wer, info
                        )
                        one = _counts_of(
                            case,
                            heard,
                            fitted,
                            level,
                            max_wer,
                            cut,
                            lambda i=i, fitted=fitted, max_wer=max_wer: kept_of(i, fitted, max_wer),  # type: ignore[misc]
                            mode,
                        )
                        counts.transcript += one.transcript
                        counts.repaired += one.repaired
                        counts.model += one.model
                        counts.heard_edits += word_edits(by_group[case.group].texts, case.true_texts)
                        counts.read_edits += word_edits(heard.texts, case.true_texts)


def with_its_text(
    case: Case,
    heard: Case,
    judged: recognition_cases.Judged | None,
    fitted: Filter,
    reader: RecognitionFilter,
    max_wer: float,
    info: ModelInfo,
) -> tuple[Case, RecognitionLevel]:
    """What is heard in a recording as it is read with its text, and the level that judges it, as a run takes them.

    Args:
        case: of the transcript.
        heard: of the recording without text.
        judged: what a judge hears in it.
        fitted, reader: the filter of transcripts, and that of what is heard.
        max_wer: that is asked for.
        info: the model's description.
    """
    if reader.with_text is None or reader.rereading is None:
        return heard, reader.alone
    refused_W = None
    try:
        _ = reader.with_text.point(max_wer)
    except UsageError:
        return heard, reader.alone
    with suppress(UsageError):
        threshold = fitted.point(max_wer, cut="words").word_threshold
        refused_W = ~judge_words(case.evidence_WF, fitted, threshold).likely_W
    text = words_of_text(case.words, case.texts, case.tokens_L, info, refused_W)
    if not text.is_said:
        return heard, reader.alone
    return with_text_of(texted_case(heard, text, info, judged), reader.rereading, info), reader.with_text


def _counts_of(
    case: Case,
    heard: Case,
    fitted: Filter,
    reader: RecognitionLevel,
    max_wer: float,
    cut: CutOptions,
    kept_of: Callable[[], list[Segment]],
    mode: str,
) -> RecognitionCounts:
    """What comes out of one case at one error rate that is asked for."""
    counts = RecognitionCounts()
    kept: list[Segment] = []
    repaired: list[KeptUtterance] = []
    with suppress(UsageError):
        if mode in (READ_REPAIR, READ_ALL):
            plain, repaired, kept = recognition_cases.repaired(case, heard, fitted, reader, max_wer, cut)
        else:
            kept = kept_of()
            plain = [kept_utterance(segment, case.texts, cut.sample_rate_hz) for segment in kept]
        counts.transcript += tally(plain, case.true_texts, case.true_middles_V, right_W=case.true_right_V)
        counts.repaired += tally(repaired, case.true_texts, case.true_middles_V, right_W=case.true_right_V)
    if mode in (READ_UNCOVERED, READ_ALL):
        with suppress(UsageError):
            counts.model += recognition_cases.read(
                heard, reader, max_wer, kept, cut, fitted.words.k_frames, case.true_right_V
            )
    for name in ("transcript", "repaired", "model"):
        whole = replace(
            getattr(counts, name), spoken=len(case.true_texts), right=int(case.true_right_V.sum())
        )
        setattr(counts, name, whole)
    return counts


def print_recognition_table(found: dict[float, RecognitionCounts]) -> None:
    """One row for each error rate asked."""
    print(
        "| max-wer | spoken words out | right words of the transcript out | WER | mean s "
        "| of the transcript | its WER | mean s | repaired | its WER | mean s "
        "| read by the model | its WER | mean s | out without any text | its WER | mean s |\n"
        f"|{'---|' * 17}"
    )
    for max_wer, counts in found.items():
        kept, repaired, read = counts.transcript, counts.repaired, counts.model
        # No utterance covers what another one does.
        together = replace(kept + repaired + read, spoken=kept.spoken, right=kept.right)
        cells = [
            f"{max_wer:.1%}",
            f"{together.kept_share:.2%}",
            f"{together.right_kept_share:.2%}",
            f"{together.wer:.3%}",
            f"{together.mean_seconds:.2f}",
        ]
        for part in (kept, repaired, read, counts.alone):
            cells += [f"{part.kept_share:.2%}", f"{part.wer:.3%}", f"{part.mean_seconds:.2f}"]
        print(f"| {' | '.join(cells)} |")
    for max_wer, counts in found.items():
        heard, read = (
            edits / max(counts.transcript.spoken, 1) for edits in (counts.heard_edits, counts.read_edits)
        )
        print(
            f"at {max_wer:.1%} {heard:.2%} of all words are misheard, {read:.2%} as they are read with the text"
        )
