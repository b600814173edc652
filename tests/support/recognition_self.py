"""What recognition filters promise that are fitted on what a run keeps, on speakers that none was fitted on."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace

from support import quality_cases, recognition_cases
from support.quality_judging import Corpus, kept_segments
from support.quality_self import filter_from, self_cases
from support.recognition_tables import with_its_text

from prep_corpus.align.cutting.cutting import CutOptions, Segment
from prep_corpus.align.errors import UsageError
from prep_corpus.align.model.models import ModelInfo
from prep_corpus.filters.fitting.cases import Case
from prep_corpus.filters.fitting.measures import Tally
from prep_corpus.filters.labels.heard_labels import JudgedUtterance
from prep_corpus.jobs.own_filter.read_fitting import fit_reading
from prep_corpus.pipeline.finished.fit_material import heard_piece
from prep_corpus.pipeline.finished.read_material import HeardRecording, heard_recording, material_of

MOST_WRONG = 0.01
"""Asked of the run whose utterances are taken as true."""


def trusted(case: Case, number: int, segment: Segment) -> JudgedUtterance:
    """A kept utterance as if people had heard in it what its text says."""
    words = [case.texts[w] for start, end in segment.spoken_ranges() for w in range(start, end)]
    return JudgedUtterance(
        id=f"{case.group}-{number}",
        recording_id=case.group,
        speaker=case.group,
        start_sample=segment.sample_start,
        end_sample=segment.sample_end,
        kept=True,
        weight=1.0,
        text=(),
        heard=tuple(words),
        listeners=0,
    )


def heard_in_kept(case: Case, seed: int, kept: Sequence[Segment], info: ModelInfo) -> HeardRecording:
    """What the model hears in the utterances kept of a case."""
    whole = quality_cases.unlabelled(case, seed)
    heard = heard_recording(whole, info)
    for number, segment in enumerate(kept):
        judged = trusted(case, number, segment)
        chars = case.words.char_starts[segment.word_start], case.words.char_ends[segment.word_end - 1]
        piece = heard_piece(whole, judged, (int(chars[0]), int(chars[1])), info)
        if piece is not None:
            heard.pieces.append((judged, replace(piece, group=case.group)))
    return heard


def self_read(corpus: Corpus, cut: CutOptions, asked: Sequence[float], *, k_frames: int) -> None:
    """Print what such filters give: of the audio alone, and beside what the transcript's own filter keeps."""
    assert corpus.heard is not None
    heard = {case.group: case for case in corpus.heard.clean}
    alone: dict[float, Tally] = {}
    beside: dict[float, Tally] = {}
    groups = sorted(heard)
    for fold in range(-(-len(groups) // 2)):
        left_out = groups[2 * fold : 2 * fold + 2]
        inside = [i for i, case in enumerate(corpus.cases) if case.group not in left_out]
        bench = corpus.bench(inside, cut)
        fitted = filter_from(replace(bench, cases=self_cases(corpus, inside, cut), _features={}), corpus)
        material = material_of(
            [
                heard_in_kept(
                    corpus.cases[i],
                    corpus.seeds[i],
                    kept_segments(corpus.bench([i], cut), fitted, "words", MOST_WRONG),
                    corpus.info,
                )
                for i in inside
            ],
            corpus.info,
        )
        reader = fit_reading(material, "", cut, k_frames=k_frames).filter
        for max_wer in asked:
            for i, case in enumerate(corpus.cases):
                if case.group not in left_out:
                    continue
                none = Tally(spoken=len(case.true_texts))
                one, other = none, none
                with suppress(UsageError):
                    one = recognition_cases.read(heard[case.group], reader.alone, max_wer, (), cut, k_frames)
                read, level = with_its_text(
                    case, heard[case.group], None, fitted, reader, max_wer, corpus.info
                )
                with suppress(UsageError):
                    kept = kept_segments(corpus.bench([i], cut), fitted, "words", max_wer)
                    other = recognition_cases.read(read, level, max_wer, kept, cut, k_frames)
                alone[max_wer] = alone.get(max_wer, Tally()) + one
                beside[max_wer] = beside.get(max_wer, Tally()) + other
        print(f"fold {fold}", file=sys.stderr, flush=True)
    print(
        "| max-wer | without any text | its WER | read beside the transcript | its WER |\n|---|---|---|---|---|"
    )
    for max_wer in asked:
        cells = [
            f"{cell:{form}}"
            for part in (alone[max_wer], beside[max_wer])
            for cell, form in ((part.kept_share, ".2%"), (part.wer, ".3%"))
        ]
        print(f"| {max_wer:.1%} | {' | '.join(cells)} |")
