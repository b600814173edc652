"""Words without a text: by hand, and as they were said."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from support import planted_cases
from support.pieces import sentence_pieces

from prep_corpus.align.errors import UsageError
from prep_corpus.align.model.models import ModelInfo
from prep_corpus.align.recognition.recognised import RecognisedWords, recognise
from prep_corpus.align.text.spelling import LETTERS, UNKNOWN_LETTER
from prep_corpus.align.words.evidence import Track, track

INFO = replace(planted_cases.INFO, vocabulary=("<blank>", " ", "a", "b", "<unk>"))
SYMBOLS = {".": 0, "|": 1, "a": 2, "b": 3, "?": 4}


def heard(frames: str, info: ModelInfo = INFO) -> RecognisedWords:
    greedy_T = np.array([SYMBOLS[one] for one in frames], np.int32)
    seen = Track(
        speech_T=(greedy_T > 1).astype(np.float32),
        maximum_T=np.zeros(len(frames), np.float32),
        greedy_T=greedy_T,
        blank=0,
        delimiter=-1 if info.delimiter_index is None else info.delimiter_index,
    )
    return recognise(seen, info)


def test_repeated_frames_are_one_letter_and_a_blank_parts_two() -> None:
    found = heard("..aa.ab|..b.|")
    assert found.texts == ("aab", "b")
    assert found.frame_starts.tolist() == [2, 10]
    assert found.frame_ends.tolist() == [7, 11]
    assert found.zone_starts.tolist() == [0, 7]
    assert found.zone_ends.tolist() == [8, 13]


def test_the_nearest_delimiters_bound_a_zone() -> None:
    found = heard("|.|.a.|.|.b.|.|")
    assert found.zone_starts.tolist() == [2, 8]
    assert found.zone_ends.tolist() == [7, 13]


@pytest.mark.parametrize("frames", ["", "....", ".|.|."])
def test_silence_has_no_words(frames: str) -> None:
    found = heard(frames)
    assert found.texts == ()
    assert len(found) == len(found.frame_starts) == len(found.frame_ends) == len(found.zone_ends) == 0


def test_a_pause_parts_words_without_a_delimiter() -> None:
    assert heard(f"a{'.' * 24}b").texts == ("ab",)
    found = heard(f"a{'.' * 25}b")
    assert found.texts == ("a", "b")
    assert found.zone_starts.tolist() == [0, 1]
    assert found.zone_ends.tolist() == [26, 27]


def test_what_no_column_writes_is_no_letter() -> None:
    assert heard("a?.|b").texts == (f"a{UNKNOWN_LETTER}", "b")


def test_without_a_delimiter_each_symbol_is_a_word() -> None:
    info = replace(INFO, vocabulary=("<blank>", "<unk>", "a", "b", "<s>"), word_delimiter=None)
    found = heard("a.b", info)
    assert found.texts == ("a", "b")
    assert found.zone_starts.tolist() == [0, 1]
    assert found.zone_ends.tolist() == [2, 3]


def test_the_start_of_a_word_with_nothing_behind_it_is_no_word() -> None:
    document, pieces = sentence_pieces()
    vocabulary = ("<blank>", *pieces)
    info = replace(INFO, vocabulary=vocabulary, word_delimiter=None, tokenizer=document)
    said = ("▁the", "<blank>", "▁", "<blank>", "▁ca", "t", "▁", "c", "<blank>", "▁")
    greedy_T = np.array([vocabulary.index(piece) for piece in said], np.int32)
    log_probs_TC = np.full((len(said), len(vocabulary)), -20.0, np.float32)
    log_probs_TC[np.arange(len(said)), greedy_T] = 0.0
    found = recognise(track(log_probs_TC, info), info)
    assert found.texts == ("the", "cat", "c")
    assert found.frame_starts.tolist() == [0, 4, 6]
    assert found.frame_ends.tolist() == [1, 6, 8]


def test_letters_alone_do_not_tell_a_word() -> None:
    with pytest.raises(UsageError, match="where a word ends"):
        heard("ab", replace(INFO, word_delimiter=None, tokenizer=LETTERS))


def test_words_are_heard_as_they_were_said() -> None:
    random = np.random.default_rng(7)
    said = [planted_cases.drawn_word(random) for _ in range(200)]
    log_probs_TC, _, spans = planted_cases.emissions(said, random, 0.1)
    found = recognise(track(log_probs_TC, planted_cases.INFO), planted_cases.INFO)
    assert list(found.texts) == said
    assert list(zip(found.frame_starts.tolist(), found.frame_ends.tolist())) == spans
