"""What others' recipes keep of labelled recordings, from the same emissions and by the same measure.

    ctc-segmentation   sentences of the transcript, aligned by it and kept by its own score
    greedy agreement   the same sentences, and utterances cut at pauses, kept where the model's own greedy reading of
                       their frames has enough of their letters

Every threshold, and the length of the pauses, is looked up on the very recordings, in the recipes' favour: no one
who has no truth could do as well.

Source: L. Kürzinger et al., "CTC-Segmentation of Large Corpora for German End-to-End Speech Recognition", 2020.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from rapidfuzz.distance import Levenshtein

from prep_corpus.align.cutting.cutting import CutOptions
from prep_corpus.align.model.models import ModelInfo
from prep_corpus.align.words.hearing import Reading, reading
from prep_corpus.filters.fitting.cases import Case
from prep_corpus.filters.fitting.measures import inside, word_edits
from prep_corpus.filters.fitting.sweep import Bench

Span = tuple[int, int]
PAUSES_SECONDS = (0.1, 0.2, 0.3, 0.4, 0.6)
BY_SCORE = "sentences by ctc-segmentation, its score"
BY_AGREEMENT = "the same sentences, agreement with greedy recognition"
BY_PAUSES = "utterances between pauses, agreement with greedy recognition"
NOT_INSTALLED = "ctc-segmentation is not installed: pip install 'prep-corpus[peers]'"


@dataclass(frozen=True, kw_only=True)
class Piece:
    """A piece of a recording with its text, and what the truth says of it.

    Attributes:
        score: by which it is kept; more is better.
        inside: true words inside.
        right: those of them that the transcript has right.
        edits: word edits of its text.
    """

    score: float
    inside: int
    right: int
    edits: int


def sentence_spans(text: str) -> list[Span]:
    """Half-open ranges of words, one for each sentence of a transcript."""
    words = text.split()
    ends = [at + 1 for at, word in enumerate(words) if word.endswith(".")]
    return list(pairwise(sorted({0, *ends, len(words)})))


def most_kept(pieces: Iterable[Piece], max_wer: float) -> tuple[int, int]:
    """The spoken and the right words that are kept at the best threshold at which few enough are wrong."""
    ordered = sorted(pieces, key=lambda piece: -piece.score)
    if not ordered:
        return 0, 0
    counts = np.cumsum([(one.inside, one.right, one.edits) for one in ordered], axis=0)
    scores = np.array([one.score for one in ordered])
    is_last = np.append(scores[1:] != scores[:-1], True)
    allowed = is_last & (counts[:, 2] <= max_wer * counts[:, 0])
    best = int(np.argmax(np.where(allowed, counts[:, 0], -1)))
    return (int(counts[best, 0]), int(counts[best, 1])) if allowed[best] else (0, 0)


def by_ctc_segmentation(
    case: Case, sentences: Sequence[Span], info: ModelInfo
) -> list[tuple[Span, float, float, float]]:
    """Sentence, start and end in seconds, and the package's score, for each sentence.

    Raises:
        ImportError: the package is not installed.
    """
    import ctc_segmentation as peer

    delimiter = [] if info.delimiter_index < 0 else [info.delimiter_index]
    tokens = []
    for first, last in sentences:
        together: list[int] = []
        for w in range(first, last):
            together += delimiter if w > first else []
            together += case.tokens_L[case.words.token_starts[w] : case.words.token_ends[w]].tolist()
        tokens.append(np.array(together, np.int64))
    settings = peer.CtcSegmentationParameters(
        char_list=list(info.vocabulary), blank=info.blank, index_duration=info.frame_seconds
    )
    matrix, begins = peer.prepare_token_list(settings, tokens)
    timings, probabilities, _ = peer.ctc_segmentation(
        settings, np.asarray(case.log_probs_TC, np.float32), matrix
    )
    found = peer.determine_utterance_segments(settings, begins, probabilities, timings, tokens)
    return [(span, *map(float, one)) for span, one in zip(sentences, found)]


def agreement(case: Case, read: Reading, span: Span, frame_start: float, frame_end: float) -> float:
    """Share of a text's letters that the greedy reading of its frames has, insertions taken off."""
    heard = (read.places >= frame_start) & (read.places < frame_end)
    wanted = [
        int(token)
        for w in range(*span)
        for token in case.tokens_L[case.words.token_starts[w] : case.words.token_ends[w]]
    ]
    return 1 - Levenshtein.distance(wanted, read.symbols[heard].tolist()) / max(len(wanted), 1)


def judged(case: Case, span: Span, start_seconds: float, end_seconds: float, score: float) -> Piece:
    """A range of a transcript's words at a place of its recording, against the truth."""
    first, last = inside(start_seconds, end_seconds, case.true_middles_V)
    return Piece(
        score=score,
        inside=last - first,
        right=int(case.true_right_V[first:last].sum()),
        edits=word_edits(case.texts[slice(*span)], case.true_texts[first:last]),
    )


def recipes(
    cases: Sequence[Case], sentences: Sequence[Sequence[Span]], info: ModelInfo, options: CutOptions
) -> dict[tuple[str, float], list[Piece]]:
    """The pieces of every recipe, the lengths of pauses apart.

    Args:
        cases: labelled recordings.
        sentences: of each transcript.
        info: the model.
        options: of cutting at pauses.
    """
    found: dict[tuple[str, float], list[Piece]] = {}

    def add(recipe: str, pause_seconds: float, piece: Piece) -> None:
        found.setdefault((recipe, pause_seconds), []).append(piece)

    for case, spans in zip(cases, sentences):
        read = reading(case.seen)
        for span, start, end, score in by_ctc_segmentation(case, spans, info):
            shared = agreement(case, read, span, start / info.frame_seconds, end / info.frame_seconds)
            add(BY_SCORE, 0.0, judged(case, span, start, end, score))
            add(BY_AGREEMENT, 0.0, judged(case, span, start, end, shared))
        bench = Bench(cases=[case], options=options)
        for pause_seconds in PAUSES_SECONDS:
            cuts = bench.cut(0, None, 0.0, options.frames(pause_seconds))
            for one in (segment for segment in cuts.segments if not segment.reason):
                span = (one.word_start, one.word_end)
                shared = agreement(case, read, span, one.frame_start, one.frame_end)
                seconds = (edge / options.sample_rate_hz for edge in (one.sample_start, one.sample_end))
                add(BY_PAUSES, pause_seconds, judged(case, span, *seconds, shared))
    return found


def peer_rows(
    found: dict[tuple[str, float], list[Piece]], cases: Sequence[Case], asked: Sequence[float]
) -> list[str]:
    """A table of the spoken and the right words that each recipe keeps at a true word error rate, a row a recipe."""
    spoken = sum(len(case.true_texts) for case in cases)
    right = sum(int(case.true_right_V.sum()) for case in cases)
    rows = [
        f"| recipe, spoken / right words kept at a true WER of | {' | '.join(f'{wer:.1%}' for wer in asked)} |",
        "|---|" + "---|" * len(asked),
    ]
    for recipe in dict.fromkeys(name for name, _ in found):
        best = [
            max(most_kept(pieces, wer) for (name, _), pieces in found.items() if name == recipe)
            for wer in asked
        ]
        cells = (f"{kept / spoken:.1%} / {of_right / right:.1%}" for kept, of_right in best)
        rows.append(f"| {recipe} | {' | '.join(cells)} |")
    return rows
