"""Audio without text, text without audio, and vocabularies of thousands, on planted emissions of an hour.

Legend: T frames, L tokens.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from numpy.typing import NDArray
from support.planted import BLANK, DELIMITER, Planted, joined, plant, spoken_words

from prep_corpus.align.cutting.cutting import CutOptions, cut_paper
from prep_corpus.align.cutting.pause_length import candidate_gaps, measure, pick_k
from prep_corpus.align.model.models import ModelInfo
from prep_corpus.align.text.normalize import normalize
from prep_corpus.align.viterbi.viterbi import DEFAULT_DETOURS, Alignment, align
from prep_corpus.align.words.evidence import track
from prep_corpus.align.words.words import word_table

HOUR_FRAMES = 180_000
TEN_MINUTES = 30_000
WORDS = 9_000


def _hour(seed: int) -> Planted:
    random = np.random.default_rng(seed)
    words = spoken_words(WORDS, random)
    return plant(joined(words), random, frames=HOUR_FRAMES, classes=29)


def _align(planted: Planted, tokens_L: NDArray[np.int32]) -> Alignment:
    return align(planted.log_probs_TC, tokens_L, blank=BLANK, delimiter=DELIMITER, detours=DEFAULT_DETOURS)


def _off(found_L: NDArray[np.int32], true_L: NDArray[np.int32]) -> NDArray[np.int32]:
    return np.abs(found_L - true_L)


def test_ten_minutes_of_untranscribed_speech_are_a_span_of_their_own() -> None:
    planted = _hour(1)
    middle = int(np.searchsorted(planted.starts_L, HOUR_FRAMES // 2))
    first = middle + int(np.argmax(planted.tokens_L[middle:] == DELIMITER))
    after = int(np.searchsorted(planted.starts_L, planted.starts_L[first] + TEN_MINUTES))
    after += int(np.argmax(planted.tokens_L[after:] == DELIMITER))
    tokens_L = np.delete(planted.tokens_L, np.s_[first:after])
    found = _align(planted, tokens_L)
    assert not found.skipped_L.any()
    starts_L = np.delete(planted.starts_L, np.s_[first:after])
    assert np.median(_off(found.starts_L, starts_L)) == 0
    # All but the words at the very edge stand where they are said.
    assert np.count_nonzero(_off(found.starts_L, starts_L) > 2) <= 10
    gone_start, gone_end = int(planted.starts_L[first]), int(planted.ends_L[after - 1])
    assert found.untranscribed[0][0] == pytest.approx(gone_start, abs=50)
    assert found.untranscribed[-1][1] == pytest.approx(gone_end, abs=50)
    assert sum(end - start for start, end in found.untranscribed) > 0.9 * (gone_end - gone_start)


def test_ten_minutes_of_unspoken_text_are_skipped() -> None:
    planted = _hour(2)
    extra = joined(spoken_words(WORDS // 6, np.random.default_rng(3)))
    at = int(np.searchsorted(planted.starts_L, HOUR_FRAMES // 2))
    at += int(np.argmax(planted.tokens_L[at:] == DELIMITER)) + 1
    tokens_L = np.concatenate((planted.tokens_L[:at], extra, [DELIMITER], planted.tokens_L[at:])).astype(
        np.int32
    )
    found = _align(planted, tokens_L)
    inside = slice(at, at + len(extra) + 1)
    assert found.skipped_L[inside].mean() > 0.98
    others = np.delete(np.arange(len(tokens_L)), np.s_[inside])
    assert np.count_nonzero(found.skipped_L[others]) <= 20
    said = others[~found.skipped_L[others]]
    true_L = planted.starts_L[~found.skipped_L[others]]
    assert np.count_nonzero(_off(found.starts_L[said], true_L) > 2) <= 20
    # What is skipped stands where the path passed it by.
    passed = found.starts_L[inside][found.skipped_L[inside]]
    assert np.abs(passed - planted.starts_L[at]).max() < 50


def test_a_text_that_is_said_in_full_has_no_gaps() -> None:
    random = np.random.default_rng(4)
    planted = plant(joined(spoken_words(800, random)), random, frames=16_000, classes=29)
    found = _align(planted, planted.tokens_L)
    assert not found.skipped_L.any()
    assert found.untranscribed == ()
    assert np.median(_off(found.starts_L, planted.starts_L)) == 0


def test_the_first_and_the_last_words_can_be_unspoken() -> None:
    random = np.random.default_rng(5)
    words = spoken_words(300, random)
    planted = plant(joined(words[100:200]), random, frames=2_500, classes=29, clear=14.0, mistaken=0.0)
    found = _align(planted, joined(words))
    lengths = np.cumsum([len(word) + 1 for word in words])
    assert found.skipped_L[: lengths[97]].all()
    assert found.skipped_L[lengths[202] :].all()
    assert not found.skipped_L[lengths[102] : lengths[197]].any()


def test_speech_before_and_after_the_text_is_untranscribed() -> None:
    random = np.random.default_rng(6)
    words = spoken_words(300, random)
    planted = plant(joined(words), random, frames=5_000, classes=29)
    first = sum(len(word) + 1 for word in words[:100])
    last = sum(len(word) + 1 for word in words[:200]) - 1
    found = _align(planted, planted.tokens_L[first:last])
    assert np.median(_off(found.starts_L, planted.starts_L[first:last])) == 0
    assert found.untranscribed[0][0] == 0
    assert found.untranscribed[0][1] == pytest.approx(planted.starts_L[first], abs=30)
    assert found.untranscribed[-1][0] == pytest.approx(planted.ends_L[last - 1], abs=30)
    assert found.untranscribed[-1][1] == pytest.approx(planted.ends_L[-1], abs=30)


def test_an_hour_of_mandarin_aligns_by_character() -> None:
    random = np.random.default_rng(7)
    ranks = 1 / np.arange(1, 5_000) ** 1.4
    said = 1 + random.choice(4_999, size=14_000, p=ranks / ranks.sum())
    # As the pipeline keeps it: the corpus's own symbols, and the best of all others.
    vocabulary, columns_L = np.unique(said, return_inverse=True)
    assert vocabulary[-1] > 4_900
    assert len(vocabulary) > 800
    planted = _hour_of_characters(1 + columns_L.astype(np.int32), len(vocabulary) + 2, random)
    unspoken = 200
    tokens_L = planted.tokens_L
    text_L = np.concatenate((tokens_L[:7_000], tokens_L[1_000 : 1_000 + unspoken], tokens_L[7_000:]))
    found = align(planted.log_probs_TC, text_L, blank=BLANK, delimiter=None)
    assert found.skipped_L.sum() == pytest.approx(unspoken, abs=10)
    others = np.delete(np.arange(len(text_L)), np.s_[7_000 : 7_000 + unspoken])
    kept = ~found.skipped_L[others]
    off = _off(found.starts_L[others][kept], planted.starts_L[kept])
    assert np.median(off) == 0
    assert np.count_nonzero(off > 2) <= 20
    _cuts_without_spaces(planted, found, text_L, len(vocabulary))


def _cuts_without_spaces(planted: Planted, found: Alignment, text_L: NDArray[np.int32], symbols: int) -> None:
    """Characters are words, and a cut needs blanks alone."""
    info = ModelInfo(
        sample_rate_hz=16_000,
        stride_samples=640,
        vocabulary=("<blank>", *(chr(0x4E00 + n) for n in range(symbols)), "<other>"),
        blank=BLANK,
        word_delimiter=None,
        case="none",
        digest="planted",
    )
    original = "".join(info.vocabulary[token] for token in text_L)
    normalized = normalize(original, alphabet=info.alphabet, language="zh", has_spaces=False)
    assert normalized.text == original
    words = word_table(found, normalized)
    options = CutOptions(stride_samples=info.stride_samples, sample_rate_hz=info.sample_rate_hz)
    seen = track(planted.log_probs_TC, info)
    candidates = candidate_gaps(options)
    totals = measure(lambda k: cut_paper(seen, words, k_frames=k, options=options), candidates)
    k_frames = pick_k(totals, 7.0 * info.sample_rate_hz)
    segments = cut_paper(seen, words, k_frames=k_frames, options=options).segments
    kept = [segment for segment in segments if not segment.reason]
    assert len(kept) > 100
    assert all(segment.sample_end <= after.sample_start for segment, after in pairwise(segments))
    assert all(segment.sample_end - segment.sample_start <= 20.5 * info.sample_rate_hz for segment in kept)
    assert sum(segment.word_end - segment.word_start for segment in kept) > 0.9 * len(text_L)


def _hour_of_characters(tokens_L: NDArray[np.int32], classes: int, random: np.random.Generator) -> Planted:
    """An hour at 40 ms, planted over three symbols, then spread over all: cheap, yet no two columns alike."""
    small = plant(1 + tokens_L % 2, random, frames=90_000, classes=3)
    log_probs_TC = np.empty((90_000, classes), np.float16)
    log_probs_TC[:, 0] = small.log_probs_TC[:, 0]
    others = -9 - random.gamma(2.0, 1.0, size=(1_000, classes - 1)).astype(np.float16)
    for start in range(0, 90_000, 1_000):
        log_probs_TC[start : start + 1_000, 1:] = np.roll(others, start // 1_000, axis=1)
    for held in (0, 1):
        longer = small.ends_L - small.starts_L > held
        frames = small.starts_L[longer] + held
        log_probs_TC[frames, tokens_L[longer]] = small.log_probs_TC[frames, 1 + tokens_L[longer] % 2]
    return Planted(log_probs_TC=log_probs_TC, tokens_L=tokens_L, starts_L=small.starts_L, ends_L=small.ends_L)
