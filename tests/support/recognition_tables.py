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
from prep_corpus.filters.fitting.cases import Case
from prep_corpus.filters.fitting.measures import Tally, tally
from prep_corpus.filters.fitting.sweep import kept_utterance
from prep_corpus.filters.linear import Filter


@dataclass
class RecognitionCounts:
    """Counts at one word error rate that was asked for.

    Attributes:
        transcript: utterances of the transcript.
        model: what the model hears beside them.
        alone: what it hears where nothing of the transcript is known.
    """

    transcript: Tally = field(default_factory=Tally)
    model: Tally = field(default_factory=Tally)
    alone: Tally = field(default_factory=Tally)


def recognition_counts(
    cases: Sequence[Case],
    heard: Recognised,
    info: ModelInfo,
    cut: CutOptions,
    asked: Sequence[float],
    fit_on: Callable[[Sequence[int]], Filter],
    kept_of: Callable[[int, Filter, float], list[Segment]],
) -> dict[float, RecognitionCounts]:
    """Count for each error rate asked what comes out of speakers not fitted on, two left out at a time.

    Args:
        cases: with corrupted transcripts, several of each recording.
        heard: the same recordings without text.
        info: the model's description.
        cut: lengths and padding.
        asked: word error rates.
        fit_on: the filter of transcripts from some of the cases.
        kept_of: the utterances that it keeps of a case.
    """
    groups = sorted({case.group for case in cases})
    by_group = {case.group: case for case in heard.clean}
    found = {max_wer: RecognitionCounts() for max_wer in asked}
    for fold in range(-(-len(groups) // 2)):
        left_out = groups[2 * fold : 2 * fold + 2]
        inside = [i for i, case in enumerate(cases) if case.group not in left_out]
        fitted = fit_on(inside)
        k_frames = fitted.words.k_frames
        others = heard.without(left_out)
        reader = recognition_cases.fit(heard, others, info, cut, k_frames=k_frames, about="").filter
        print(f"fold {fold}: k {k_frames}", file=sys.stderr, flush=True)
        for max_wer, counts in found.items():
            for group in left_out:
                with suppress(UsageError):
                    counts.alone += recognition_cases.read(
                        by_group[group], reader, max_wer, (), cut, k_frames
                    )
            for i, case in enumerate(cases):
                if case.group not in left_out:
                    continue
                kept: list[Segment] = []
                with suppress(UsageError):
                    kept = kept_of(i, fitted, max_wer)
                counts.transcript += tally(
                    [kept_utterance(segment, case.texts, cut.sample_rate_hz) for segment in kept],
                    case.true_texts,
                    case.true_middles_V,
                )
                read = replace(Tally(), spoken=len(case.true_texts))
                with suppress(UsageError):
                    read = recognition_cases.read(by_group[case.group], reader, max_wer, kept, cut, k_frames)
                counts.model += read
    return found


def print_recognition_table(found: dict[float, RecognitionCounts]) -> None:
    """One row for each error rate asked."""
    print(
        "| max-wer | spoken words out | WER | of the transcript | its WER | mean s | read by the model | its WER "
        "| mean s | out without any text | its WER | mean s |\n|---|---|---|---|---|---|---|---|---|---|---|---|"
    )
    for max_wer, counts in found.items():
        kept, read, alone = counts.transcript, counts.model, counts.alone
        together = kept.kept_share + read.kept_share
        wer = (kept.edits + read.edits) / max(kept.inside + read.inside, 1)
        cells = [f"{max_wer:.1%}", f"{together:.2%}", f"{wer:.3%}"]
        for part in (kept, read, alone):
            cells += [f"{part.kept_share:.2%}", f"{part.wer:.3%}", f"{part.mean_seconds:.2f}"]
        print(f"| {' | '.join(cells)} |")
