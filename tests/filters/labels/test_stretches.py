"""Pieces of recordings as recordings of their own."""

from __future__ import annotations

import numpy as np
from support.planted_cases import INFO, OPTIONS, align_words, planted_case, without_truth

from prep_corpus.filters.fitting.self_labels import Aligned, Unlabelled
from prep_corpus.filters.fitting.sweep import Bench
from prep_corpus.filters.labels.stretches import UNHEARD, borders, heard_case, stretch, words_within


def whole() -> Unlabelled:
    return without_truth(planted_case("s", seed=3), "r")


def piece_of(one: Unlabelled, start: int, end: int) -> Unlabelled:
    words = one.aligned.words
    span = (int(words.frame_starts[start]) - 3, int(words.frame_ends[end - 1]) + 3)
    return stretch(one, span, (start, end), stride_samples=INFO.stride_samples, name="p")


def place(piece: Unlabelled, words: tuple[str, ...]) -> Aligned | None:
    return align_words(piece.log_probs_TC, words)


def test_a_recording_is_divided_in_pauses_and_nothing_is_lost() -> None:
    one = whole()
    frames = len(one.log_probs_TC)
    edges = borders(one.aligned.words, frames, 400)
    assert edges[0] == 0
    assert edges[-1] == frames
    assert len(edges) == -(-frames // 400) + 1
    words = one.aligned.words
    for edge in edges[1:-1]:
        inside = (words.frame_starts < edge) & (words.frame_ends > edge)
        assert not inside.any()
    assert borders(words, frames, frames) == [0, frames]


def test_a_stretch_holds_its_words_at_their_places() -> None:
    one = whole()
    piece = piece_of(one, 10, 20)
    assert piece.aligned.texts == one.aligned.texts[10:20]
    words, before = piece.aligned.words, one.aligned.words
    offset = int(before.frame_starts[10]) - 3
    assert (words.frame_starts + offset == before.frame_starts[10:20]).all()
    said = "".join(INFO.vocabulary[t] for t in piece.aligned.tokens_L)
    assert said == " ".join(piece.aligned.texts)
    assert len(piece.seen.speech_T) == len(piece.log_probs_TC)
    assert not np.shares_memory(piece.log_probs_TC, one.log_probs_TC)
    assert piece.levels is not None
    assert one.levels is not None
    blocks = OPTIONS.stride_samples // one.levels.block_samples
    assert (piece.levels.powers() == one.levels.powers()[offset * blocks :][: len(piece.levels)]).all()


def test_words_of_an_utterance_lie_in_its_frames_and_its_characters() -> None:
    words = whole().aligned.words
    frames = (int(words.frame_starts[4]), int(words.frame_ends[8]))
    assert words_within(words, frames, (0, 10**6)) == (4, 9)
    assert words_within(words, frames, (int(words.char_starts[5]), 10**6)) == (5, 9)
    assert words_within(words, frames, (10**6, 10**6)) == (0, 0)


def test_what_was_heard_labels_the_words() -> None:
    piece = piece_of(whole(), 10, 16)
    texts = piece.aligned.texts
    heard = (*texts[:2], "abab", *texts[3:])
    case = heard_case(piece, heard, place, frame_seconds=0.02, weight=3.0)
    assert case.right_W.tolist() == [True, True, False, True, True, True]
    assert case.true_right_V.tolist() == [True, True, False, True, True, True]
    assert case.known_W.all()
    assert case.weight == 3.0
    assert (np.diff(case.true_middles_V) > 0).all()
    outcome = Bench(cases=[case], options=OPTIONS)
    cuts = outcome.cut(0, None, 0.0, 1000)
    found = outcome.outcome(0, cuts)
    assert found.edits_S.sum() == 1
    assert found.inside_S.sum() == 6


def test_what_nobody_could_make_out_is_wrong_in_every_word_and_teaches_none() -> None:
    case = heard_case(piece_of(whole(), 10, 16), None, place, frame_seconds=0.02, weight=1.0)
    assert set(case.true_texts) == {UNHEARD}
    assert not case.known_W.any()
    bench = Bench(cases=[case], options=OPTIONS)
    found = bench.outcome(0, bench.cut(0, None, 0.0, 1000))
    assert found.edits_S.sum() == found.inside_S.sum() == 6


def test_words_heard_that_do_not_fit_are_spread_evenly() -> None:
    piece = piece_of(whole(), 10, 12)
    heard = (*piece.aligned.texts, *["abcdefgh"] * 3)
    case = heard_case(piece, heard, lambda piece, words: None, frame_seconds=0.02, weight=1.0)
    steps = np.diff(case.true_middles_V)
    assert np.allclose(steps, steps[0])
