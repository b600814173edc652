"""Others' recipes, judged as ours: sentences, thresholds looked up, places and scores."""

from __future__ import annotations

import numpy as np
import pytest
from support import peer_recipes, toy
from support.peer_recipes import Piece, most_kept, peer_rows, sentence_spans

from prep_corpus.align.audio.levels import Levels
from prep_corpus.align.cutting.cutting import CutOptions
from prep_corpus.align.model.emissions import Emitter, WindowOptions
from prep_corpus.align.model.models import load_model
from prep_corpus.align.text.normalize import normalize
from prep_corpus.align.words.evidence import evidence, track
from prep_corpus.align.words.placing import place_text
from prep_corpus.filters.fitting.cases import Case


def piece(score: float, inside: int, right: int, edits: int) -> Piece:
    return Piece(score=score, inside=inside, right=right, edits=edits)


def test_sentences_end_where_a_word_has_a_full_stop() -> None:
    assert sentence_spans("It is. So, it is not. Ever") == [(0, 2), (2, 6), (6, 7)]
    assert sentence_spans("One.") == [(0, 1)]


@pytest.mark.parametrize(
    ("max_wer", "kept"), [(0.0, (10, 10)), (0.049, (10, 10)), (0.05, (40, 36)), (0.2, (50, 40))]
)
def test_the_best_threshold_keeps_all_pieces_of_a_score_or_none(
    max_wer: float, kept: tuple[int, int]
) -> None:
    pieces = [piece(0.9, 10, 10, 0), piece(0.5, 10, 8, 2), piece(0.5, 20, 18, 0), piece(0.1, 10, 4, 6)]
    assert most_kept(pieces, max_wer) == kept
    assert most_kept([], max_wer) == (0, 0)
    assert most_kept([piece(1.0, 1, 0, 1)], max_wer) == (0, 0)


@pytest.fixture(scope="module")
def case() -> Case:
    """A recording in the toy language; in the text its second sentence is another."""
    pytest.importorskip("ctc_segmentation", reason=peer_recipes.NOT_INSTALLED)
    model = load_model("support.toy:acoustic_model")
    info = model.info
    samples, said = toy.recording(5, 4)
    [(_, log_probs_TC)] = Emitter[str](model, WindowOptions()).emit([("toy", [samples])], lambda *_: None)
    shown = [said[0], ["answer", "people", "house"], *said[2:]]
    normalized = normalize(" ".join(w for words in shown for w in words), alphabet=info.alphabet)
    placed = place_text(log_probs_TC, normalized, info)
    seen = track(log_probs_TC, info)
    truth = [word for words in said for word in words]
    clean = normalize(" ".join(truth), alphabet=info.alphabet)
    true_words = place_text(log_probs_TC, clean, info).words
    is_right = np.array([number != 1 for number, words in enumerate(said) for _ in words])
    return Case(
        group="toy",
        log_probs_TC=log_probs_TC,
        tokens_L=placed.tokens_L,
        words=placed.words,
        texts=tuple(normalized.text.split()),
        evidence_WF=evidence(
            log_probs_TC, placed.tokens_L, placed.alignment, placed.words, info, frame_track=seen
        ),
        seen=seen,
        levels=Levels.of_powers(
            np.ones(len(seen.speech_T)), block_samples=info.stride_samples, floor_db=-60.0
        ),
        right_W=np.ones(len(placed.words), bool),
        known_W=np.ones(len(placed.words), bool),
        true_texts=tuple(truth),
        true_middles_V=(true_words.frame_starts + true_words.frame_ends) / 2 * info.frame_seconds,
        true_right_V=is_right,
    )


def test_every_recipe_keeps_the_sentences_that_are_said_and_not_the_other(case: Case) -> None:
    info = load_model("support.toy:acoustic_model").info
    lengths = [len(words) for words in toy.recording(5, 4)[1]]
    lengths[1] = 3
    ends = np.cumsum(lengths).tolist()
    spans = list(zip([0, *ends[:-1]], ends))
    options = CutOptions(stride_samples=info.stride_samples, sample_rate_hz=info.sample_rate_hz)
    found = peer_recipes.recipes([case], [spans], info, options)
    assert {name for name, _ in found} == {
        peer_recipes.BY_SCORE,
        peer_recipes.BY_AGREEMENT,
        peer_recipes.BY_PAUSES,
    }
    right = int(case.true_right_V.sum())
    for recipe in (peer_recipes.BY_SCORE, peer_recipes.BY_AGREEMENT):
        pieces = found[recipe, 0.0]
        assert len(pieces) == 4
        assert most_kept(pieces, 0.0) == (right, right)
        assert np.argmin([one.score for one in pieces]) == 1
    rows = peer_rows(found, [case], [0.0])
    assert rows[2].endswith(f"| {right / len(case.true_texts):.1%} / 100.0% |")
