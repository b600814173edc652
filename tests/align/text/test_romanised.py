"""Other scripts in Latin letters: every letter knows its characters, and every character of a word has its letters."""

from __future__ import annotations

import unicodedata
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support import planted

from prep_corpus.align.language_tags import is_known, three_letters
from prep_corpus.align.model.models import ModelInfo
from prep_corpus.align.text.normalize import NormalizedText, TextOptions, normalize
from prep_corpus.align.text.romanised import roman_edits
from prep_corpus.align.text.spelling import LETTERS
from prep_corpus.align.traced import TracedText
from prep_corpus.align.words.placing import place_text

pytest.importorskip("uroman")

LATIN = frozenset("abcdefghijklmnopqrstuvwxyz'")
VOCABULARY = ("<blank>", "|", *sorted(LATIN))
SENTENCES = {
    "ar": "مرحبا بالعالم، كيف حالك اليوم؟",
    "hi": "नमस्ते दुनिया, आप कैसे हैं?",
    "ja": "千葉は 二〇二六年に 人々が 行った",
    "th": "สวัสดีครับ ผมชื่อสมชาย",
    "km": "សួស្តី ពិភពលោក",
    "ka": "გამარჯობა მსოფლიო, როგორ ხარ?",
    "ru": "Привет, мир! Как дела?",
    "am": "ሰላም ልዑል እንደምን ነህ",
}
INFO = ModelInfo(
    sample_rate_hz=16_000,
    stride_samples=320,
    vocabulary=VOCABULARY,
    blank=0,
    word_delimiter="|",
    case="lower",
    digest="planted",
)


def romanised(text: str, language: str) -> NormalizedText:
    return normalize(text, alphabet=LATIN, language=language, options=TextOptions(romanize=True))


ALONE = replace(INFO, vocabulary=("<blank>", "*", *sorted(LATIN)), word_delimiter=None, tokenizer=LETTERS)
"""As checkpoints are that align romanised texts."""


@pytest.mark.parametrize("info", [INFO, ALONE], ids=["delimiter", "letters alone"])
@pytest.mark.parametrize("language", sorted(SENTENCES))
def test_every_word_comes_back_at_its_characters(language: str, info: ModelInfo) -> None:
    original = SENTENCES[language]
    normalized = romanised(original, language)
    written = [word.strip(",?!،؟") for word in original.split()]
    words = normalized.words()
    assert [original[normalized.starts_L[a] : normalized.ends_L[b - 1]] for a, b in words] == written
    assert not normalized.unsayable

    spelled = info.spell(normalized)
    random = np.random.default_rng(0)
    frames = 4 * len(spelled.tokens_L) + 20
    said = planted.plant(spelled.tokens_L, random, frames=frames, classes=len(VOCABULARY))
    placed = place_text(said.log_probs_TC, normalized, info, recording_id=language)
    assert not placed.words.skipped.any()
    assert [original[a:b] for a, b in zip(placed.words.char_starts, placed.words.char_ends)] == written
    off = np.abs(placed.words.frame_starts - said.starts_L[spelled.firsts_W])
    assert off.max() <= 3


def test_numerals_and_repetitions_of_han_are_read_as_words() -> None:
    assert romanised("千葉", "ja").text.startswith("sen")
    assert romanised("千葉", "zh").text.startswith("qian")
    assert romanised("二〇二六年", "zh").text == "erlingerliunian"
    assert romanised("人々", "zh").text == "renren"


def test_latin_words_stay_and_numbers_are_said_first() -> None:
    assert romanised("Hello мир", "ru").text == "hello mir"
    assert romanised("25 книг", "ru").text == romanised("двадцать пять книг", "ru").text
    without = normalize("мир", alphabet=LATIN, language="ru")
    assert (without.text, without.unsayable) == ("", ((0, 3),))


ALPHABETS = (
    "абвгджия" + "กขคงสวดี" + "さくら千々二" + "កខគសុំ្ត" + "ሀለሐመ" + "अआकखि्" + "ابتثجلم" + "აბგდ" + "ab é'"
)


@settings(max_examples=150, deadline=None)
@given(st.text(alphabet=ALPHABETS + "  ,.", max_size=24), st.sampled_from(sorted(SENTENCES)))
def test_offsets_go_there_and_back(text: str, language: str) -> None:
    edits = roman_edits(text, language)
    done = 0
    for start, end, _ in edits:
        assert done <= start < end <= len(text)
        done = end
    traced = TracedText.of(text).replaced(edits)
    covered = np.zeros(len(text), bool)
    for start, end in zip(traced.starts_L.tolist(), traced.ends_L.tolist()):
        covered[start:end] = True
    for at, _letter in enumerate(text):
        run = text[: at + 1].split(" ")[-1] + text[at + 1 :].split(" ")[0]
        if any(unicodedata.category(one)[0] == "L" for one in run):
            assert covered[at], (text, at)
    assert np.all(np.diff(traced.starts_L) >= 0)
    assert np.all(np.diff(traced.ends_L) >= 0)


def test_tags_of_two_letters_are_known_by_three() -> None:
    assert [three_letters(tag) for tag in ("de-AT", "ja", "zh_TW", "swh", "yue")] == [
        "deu",
        "jpn",
        "zho",
        "swh",
        "yue",
    ]
    assert is_known("en-GB")
    assert is_known("cmn")
    assert not is_known("xx")
    assert not is_known("english")


@pytest.mark.parametrize("original", ["百分之", "说 百分之", "三分之", "十分之后"])
def test_a_sign_of_a_fraction_that_ends_a_word_is_written(original: str) -> None:
    assert "fenzhi" in romanised(original, "zh").text
