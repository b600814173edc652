"""Pieces of recordings as small recordings of their own: what is drawn for fitting, and what people labelled.

Legend: T frames, C classes, L tokens, W words.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from prep_corpus.align.audio.levels import Levels
from prep_corpus.align.words.evidence import Track
from prep_corpus.align.words.words import Words
from prep_corpus.filters.fitting.cases import HEARD, Case
from prep_corpus.filters.fitting.self_labels import Aligned, Unlabelled
from prep_corpus.filters.labels.heard_labels import RIGHT, mark_words

UNHEARD = "\N{REPLACEMENT CHARACTER}"
"""Stands for each word of an utterance that nobody could make out: no text has it."""

Span = tuple[int, int]


def borders(words: Words, frames: int, longest_frames: int) -> list[int]:
    """Frames at which a recording is divided into stretches: in the longest pause near each even division.

    Args:
        words: the recording's words.
        frames: T.
        longest_frames: stretches are about this long at most.

    Returns:
        Rising, from 0 to T.
    """
    count = -(-frames // longest_frames)
    gap_starts, gap_ends = words.frame_ends[:-1], words.frame_starts[1:]
    found = [0]
    for part in range(1, count):
        ideal = frames * part // count
        middles = (gap_starts + gap_ends) // 2
        near = np.flatnonzero(np.abs(middles - ideal) <= frames // (4 * count))
        if len(near):
            best = near[int(np.argmax((gap_ends - gap_starts)[near]))]
            if int(middles[best]) > found[-1]:
                found.append(int(middles[best]))
    return [*found, frames]


def stretch(
    one: Unlabelled, frame_span: Span, word_span: Span, *, stride_samples: int, name: str
) -> Unlabelled:
    """A piece of a recording, with the evidence that its words have in the whole.

    Args:
        one: the recording.
        frame_span: half-open; holds the frames of the words.
        word_span: half-open range of words, at least one.
        stride_samples: samples per frame.
        name: the stretch's name.
    """
    (first, last), (start, end) = frame_span, word_span
    words = one.aligned.words
    token = int(words.token_starts[start])
    token_end = int(words.token_ends[end - 1])
    part = slice(start, end)
    inner = Words(
        token_starts=words.token_starts[part] - np.int32(token),
        token_ends=words.token_ends[part] - np.int32(token),
        frame_starts=np.clip(words.frame_starts[part], first, last) - np.int32(first),
        frame_ends=np.clip(words.frame_ends[part], first, last) - np.int32(first),
        char_starts=words.char_starts[part],
        char_ends=words.char_ends[part],
        skipped=words.skipped[part],
        letters=None if words.letters is None else words.letters[part],
    )
    return Unlabelled(
        name=name,
        group=one.group,
        # A copy: a view would keep the whole recording in memory.
        log_probs_TC=one.log_probs_TC[first:last].copy(),
        seen=Track(
            speech_T=one.seen.speech_T[first:last].copy(),
            maximum_T=one.seen.maximum_T[first:last].copy(),
            greedy_T=one.seen.greedy_T[first:last].copy(),
            blank=one.seen.blank,
            delimiter=one.seen.delimiter,
            goes_on_T=None if one.seen.goes_on_T is None else one.seen.goes_on_T[first:last].copy(),
        ),
        levels=_levels(one.levels, first * stride_samples, last * stride_samples),
        aligned=Aligned(
            tokens_L=one.aligned.tokens_L[token:token_end],
            words=inner,
            texts=one.aligned.texts[part],
            evidence_WF=one.aligned.evidence_WF[part].copy(),
        ),
        sentence_ends=tuple(at - start for at in one.sentence_ends if start < at <= end),
    )


def _levels(levels: Levels | None, start_sample: int, end_sample: int) -> Levels | None:
    if levels is None:
        return None
    size = levels.block_samples
    level_P = levels.level_P[round(start_sample / size) : -(-end_sample // size)].copy()
    return replace(levels, level_P=level_P)


def words_within(words: Words, frame_span: Span, char_span: Span) -> Span:
    """The half-open range of words of an utterance: inside its frames and its characters; (0, 0) where none is.

    Args:
        words: the recording's words.
        frame_span: half-open.
        char_span: half-open, of the original transcript.
    """
    middles_W = (words.frame_starts + words.frame_ends) / 2
    inside = np.flatnonzero(
        (middles_W >= frame_span[0])
        & (middles_W <= frame_span[1])
        & (words.char_starts >= char_span[0])
        & (words.char_ends <= char_span[1])
    )
    return (int(inside[0]), int(inside[-1]) + 1) if len(inside) else (0, 0)


def heard_case(
    piece: Unlabelled,
    heard: Sequence[str] | None,
    place: Callable[[Unlabelled, tuple[str, ...]], Aligned | None],
    *,
    frame_seconds: float,
    weight: float,
) -> Case:
    """A labelled utterance as a case: its truth is what was heard.

    Args:
        piece: the utterance's stretch.
        heard: the words heard; None where nobody could make them out: then every word counts as wrong, and
            none is taught.
        place: aligns the words heard with the stretch's emissions, or None where they do not fit into it.
        frame_seconds: length of a frame.
        weight: how many utterances of the run it stands for.
    """
    texts = piece.aligned.texts
    count = len(texts)
    words = piece.aligned.words
    right_W = np.zeros(count, bool)
    if heard is None:
        truth: tuple[str, ...] = (UNHEARD,) * count
        right_V = np.zeros(count, bool)
        middles_V = (words.frame_starts + words.frame_ends) / 2.0
    else:
        truth = tuple(heard)
        marks = mark_words(texts, truth)
        right_W[:] = [mark == RIGHT for mark in marks.marks]
        right_V = np.zeros(len(truth), bool)
        right_V[[v for _, v in marks.matched]] = True
        placed = place(piece, truth) if truth else None
        if placed is not None and len(placed.words) == len(truth):
            middles_V = (placed.words.frame_starts + placed.words.frame_ends) / 2.0
        else:
            middles_V = (np.arange(len(truth)) + 0.5) * len(piece.log_probs_TC) / max(len(truth), 1)
    # A word on the very last frame still lies inside.
    middles_V = np.minimum(middles_V, len(piece.log_probs_TC) - 0.5)
    return Case(
        group=piece.group,
        log_probs_TC=piece.log_probs_TC,
        tokens_L=piece.aligned.tokens_L,
        words=words,
        texts=texts,
        evidence_WF=piece.aligned.evidence_WF,
        seen=piece.seen,
        levels=piece.levels,
        right_W=right_W,
        known_W=np.full(count, heard is not None),
        true_texts=truth,
        true_middles_V=middles_V * frame_seconds,
        true_right_V=right_V,
        weight=weight,
        origin=HEARD,
    )
