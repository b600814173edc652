"""Texts in pieces of words: sentence pieces, byte pairs and word pieces, with the way back to characters."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.pieces import PIECES, byte_pairs, sentence_pieces, word_pieces

from prep_corpus.align.errors import UsageError
from prep_corpus.align.model.models import ModelInfo
from prep_corpus.align.text.normalize import normalize

pytest.importorskip("tokenizers")


def info(tokenizer: str, vocabulary: tuple[str, ...]) -> ModelInfo:
    return ModelInfo(
        sample_rate_hz=16_000,
        stride_samples=1_280,
        vocabulary=(*vocabulary, "<blank>"),
        blank=len(vocabulary),
        word_delimiter=None,
        case="lower",
        digest="pieces",
        tokenizer=tokenizer,
    )


SENTENCE = info(*sentence_pieces())


def spelled(model: ModelInfo, original: str) -> list[str]:
    normalized = normalize(original, alphabet=model.alphabet)
    return [model.vocabulary[token] for token in model.spell(normalized).tokens_L]


def test_sentence_pieces_begin_words_and_know_their_characters() -> None:
    normalized = normalize("The cat, sat!", alphabet=SENTENCE.alphabet)
    found = SENTENCE.spell(normalized)
    assert normalized.text == "the cat sat"
    assert [SENTENCE.vocabulary[token] for token in found.tokens_L] == ["▁the", "▁ca", "t", "▁", "sa", "t"]
    assert found.char_starts_L.tolist() == [0, 4, 6, 8, 8, 10]
    assert found.char_ends_L.tolist() == [3, 6, 7, 8, 10, 11]
    assert found.firsts_W.tolist() == [0, 1, 3]
    assert found.lasts_W.tolist() == [1, 3, 6]
    assert found.letters_W.tolist() == [3, 3, 3]
    assert found.edges_E is not None
    assert found.edges_E.tolist() == [0, 1, 3, 6]


def test_word_pieces_and_byte_pairs_are_spelled_likewise() -> None:
    assert spelled(info(*word_pieces()), "the cat sat") == ["the", "ca", "##t", "sa", "##t"]
    assert spelled(info(*byte_pairs()), "the cat sat") == ["Ġthe", "Ġca", "t", "Ġ", "sa", "t"]
    # A letter of two bytes can be said if it has a piece; others that bytes would write are not.
    assert "é" in info(*byte_pairs()).alphabet
    assert "ö" not in info(*byte_pairs()).alphabet
    assert spelled(info(*byte_pairs()), "thé") == ["Ġt", "h", "Ã©"]


def test_letters_outside_the_pieces_are_unsayable_and_capitals_fold() -> None:
    assert SENTENCE.alphabet == frozenset("acehst'")
    normalized = normalize("The CAT sat ω", alphabet=SENTENCE.alphabet)
    assert normalized.text == "the cat sat"
    assert normalized.unsayable == ((12, 13),)


def test_reduced_columns_still_spell_every_word() -> None:
    reduced = SENTENCE.reduced(frozenset({"▁the"}))
    assert spelled(reduced, "the cat") == ["▁the", "▁c", "a", "t"]
    assert reduced.alphabet == SENTENCE.alphabet


def test_notes_give_the_same_model_back() -> None:
    assert ModelInfo.from_notes(SENTENCE.to_notes()) == SENTENCE


def test_pieces_that_tell_no_word_are_refused() -> None:
    tokenizer, _ = sentence_pieces()
    with pytest.raises(UsageError, match="none says where a word begins"):
        info(tokenizer, ("the", "a", "t"))
    with pytest.raises(UsageError, match="must be a document of the library tokenizers"):
        info("{}", PIECES)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.text(alphabet="acehst'", min_size=1, max_size=8), min_size=1, max_size=12))
def test_every_token_leads_back_to_its_characters(words: list[str]) -> None:
    normalized = normalize(" ".join(words), alphabet=SENTENCE.alphabet)
    found = SENTENCE.spell(normalized)
    said = [normalized.text[start:end] for start, end in zip(found.char_starts_L, found.char_ends_L)]
    assert said == [SENTENCE.pieces.texts[token] for token in found.tokens_L]
    begins = [bool(SENTENCE.pieces.begins_C[token]) for token in found.tokens_L]
    assert np.flatnonzero(begins).tolist() == found.firsts_W.tolist()
    for word, (first, last) in enumerate(zip(found.firsts_W, found.lasts_W)):
        assert "".join(said[first:last]) == normalized.spoken_of(word, word + 1)
