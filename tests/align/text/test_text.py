"""Normalisation of transcripts: hand-computed spans, then properties on arbitrary Unicode."""

from __future__ import annotations

import re
import unicodedata
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from prep_corpus.align.errors import UsageError
from prep_corpus.align.text.normalize import (
    NO_WORDS,
    STRIPPED,
    UNREAD,
    UNSAYABLE,
    NormalizedText,
    TextOptions,
    alphabet_of,
    encode,
    normalize,
)

LOWER = frozenset("abcdefghijklmnopqrstuvwxyz'")
UPPER = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZ'")
GERMAN = frozenset("abcdefghijklmnopqrstuvwxyzäöüß'")
HAN = frozenset("今天是二零三年月日百分之五十我用一万个点负")


def english(original: str, **options: bool) -> NormalizedText:
    return normalize(original, alphabet=LOWER, options=TextOptions(**options))


def sources(normalized: NormalizedText) -> list[tuple[str, str]]:
    """Each word beside the original from its first character's start to its last one's end."""
    return [
        (normalized.text[a:b], normalized.original[normalized.starts_L[a] : normalized.ends_L[b - 1]])
        for a, b in normalized.words()
    ]


def test_each_word_knows_what_it_was_written_as() -> None:
    assert sources(english("He paid $25 to Dr. Ⅳ, “naïvely”.")) == [
        ("he", "He"), ("paid", "paid"), ("twenty", "$25"), ("five", "$25"), ("dollars", "$25"), ("to", "to"),
        ("doctor", "Dr."), ("iv", "Ⅳ"), ("naively", "naïvely"),
    ]  # fmt: skip


def test_every_character_of_a_spoken_number_carries_the_span_of_its_digits() -> None:
    normalized = english("a 25 b")
    assert normalized.text == "a twenty five b"
    assert normalized.starts_L.tolist() == [0, 1] + [2] * 11 + [4, 5]
    assert normalized.ends_L.tolist() == [1, 2] + [4] * 11 + [5, 6]
    assert normalized.starts_L.dtype == normalized.ends_L.dtype == np.int32


@pytest.mark.parametrize(
    ("original", "text", "spans"),
    [
        ("ﬁn", "fin", [(0, 1), (0, 1), (1, 2)]),
        ("e\u0301a", "ea", [(0, 2), (2, 3)]),
        ("a\u0301\u0323b", "ab", [(0, 3), (3, 4)]),
        ("ＡＢ", "ab", [(0, 1), (1, 2)]),
        ("Straße", "strasse", [(0, 1), (1, 2), (2, 3), (3, 4), (4, 5), (4, 5), (5, 6)]),
        ("a\u00adb", "ab", [(0, 1), (2, 3)]),
        ("½", "one half", [(0, 1)] * 8),
        ("①", "one", [(0, 1)] * 3),
        ("  a  ", "a", [(2, 3)]),
        ("a - b", "a b", [(0, 1), (1, 4), (4, 5)]),
    ],
)
def test_offsets_survive_composition_and_expansion(
    original: str, text: str, spans: list[tuple[int, int]]
) -> None:
    normalized = english(original)
    assert normalized.text == text
    assert list(zip(normalized.starts_L.tolist(), normalized.ends_L.tolist())) == spans


def test_accents_are_stripped_only_where_the_alphabet_lacks_them() -> None:
    assert normalize("Äpfel café", alphabet=GERMAN, language="de").text == "äpfel cafe"
    assert normalize("Äpfel café", alphabet=LOWER, language="de").text == "apfel cafe"
    assert normalize("A\u0308pfel", alphabet=GERMAN, language="de").text == "äpfel"


def test_case_follows_the_alphabet() -> None:
    assert normalize("Don’t Stop", alphabet=UPPER).text == "DON'T STOP"
    assert normalize("straße 5", alphabet=UPPER).text == "STRASSE FIVE"
    assert normalize(
        "Iğdır İZMİR", alphabet=frozenset("abcçdefgğhıijklmnoöprsştuüvyz"), language="tr"
    ).text == ("ığdır izmir")


def test_apostrophes_stay_inside_words_alone() -> None:
    assert english("'Don’t,' said O'Brien, 'tis rock 'n' roll.").text == "don't said o'brien 'tis rock n roll"
    no_apostrophe = LOWER - {"'"}
    assert normalize("don't", alphabet=no_apostrophe).text == "dont"
    assert normalize("l’homme", alphabet=no_apostrophe, language="fr").text == "l homme"
    assert normalize("don't", alphabet=no_apostrophe | {"’"}).text == "don’t"


def test_dashes_and_punctuation_part_words_and_brackets_do_not() -> None:
    assert english("well-known—yes/no,so...on word(s) [w]hen").text == "well known yes no so on words when"


def test_what_cannot_be_said_is_reported() -> None:
    normalized = english("Hi 日本 ok 😀, привет!")
    assert normalized.text == "hi ok"
    assert normalized.unsayable == ((3, 5), (9, 10), (12, 18))
    assert normalized.unsayable_share == pytest.approx(8 / 12)
    assert english("Hello, world!").unsayable == ()
    assert english("").unsayable_share == 0.0


def test_digits_are_unsayable_where_no_rule_reads_them() -> None:
    normalized = normalize("anno 12 b", alphabet=LOWER, language="la")
    assert (normalized.text, normalized.unsayable) == ("anno b", ((5, 7),))
    assert english("a 12", speak=False).unsayable == ((2, 4),)
    assert normalize("a 12", alphabet=LOWER | set("0123456789")).text == "a 12"


def test_a_number_in_words_that_the_alphabet_lacks_is_unsayable_as_a_whole() -> None:
    normalized = normalize("a 7 b", alphabet=frozenset("abc"))
    assert (normalized.text, normalized.unsayable) == ("a b", ((2, 3),))


def test_ownership_by_hand() -> None:
    normalized = english("“Hi,” (he) 😀 said.")
    assert normalized.char_ownership().tolist() == (
        [0] * 6  # “Hi,” and the space
        + [1] * 5  # (he) and the space
        + [UNSAYABLE]
        + [1]
        + [2] * 5
    )
    assert [normalized.text_of(w, w + 1) for w in range(3)] == ["“Hi,”", "(he)", "said."]
    assert normalized.text_of(0, 3) == "“Hi,” (he) said."


def test_words_of_one_number_leave_it_to_the_first() -> None:
    normalized = english("I am 25.")
    assert normalized.char_ownership().tolist() == [0, 0, 1, 1, 1, 2, 2, 2]
    assert [normalized.text_of(w, w + 1) for w in range(4)] == ["I", "am", "25.", ""]
    assert normalized.text_of(2, 4) == "25."
    assert normalized.spoken_of(2, 4) == "twenty five"


def test_ownership_without_words() -> None:
    assert english(" ,;, ").char_ownership().tolist() == [NO_WORDS] * 5
    assert english("日 ").char_ownership().tolist() == [UNSAYABLE, NO_WORDS]


def test_stripped_spans_are_owned_by_nobody_and_left_out_of_the_text() -> None:
    normalized = english(
        "<b>JOHN:</b> Hi [waves] to&nbsp;you.", strip_markup=True, strip_speakers=True, strip_directions=True
    )
    assert normalized.text == "hi to you"
    owners = normalized.char_ownership()
    assert normalized.stripped == ((0, 13), (16, 23))
    assert all((owners[a:b] == STRIPPED).all() for a, b in normalized.stripped)
    assert normalized.text_of(0, 3) == "Hi to\xa0you."


def test_a_language_without_spaces_has_one_word_a_character() -> None:
    normalized = normalize("今天,是 今天。", alphabet=HAN, language="zh", has_spaces=False)
    assert normalized.text == "今天是今天"
    assert normalized.words() == [(0, 1), (1, 2), (2, 3), (3, 4), (4, 5)]
    assert normalized.text_of(0, 3) == "今天,是"
    assert normalized.text_of(1, 2) == "天,"


def test_encoding() -> None:
    vocabulary = ("<pad>", "|", "a", "b", "'", "é")
    normalized = normalize("Ab ba", alphabet=alphabet_of(vocabulary, blank=0, word_delimiter="|"))
    token_ids = encode(normalized, vocabulary, "|")
    assert token_ids.dtype == np.int32
    assert token_ids.tolist() == [2, 3, 1, 3, 2]
    assert encode(english(""), vocabulary, "|").tolist() == []
    with pytest.raises(UsageError, match="'c'"):
        encode(english("cab"), vocabulary, "|")


def test_the_alphabet_of_a_vocabulary() -> None:
    vocabulary = ("_", "|", "a", "é", "'", "<unk>", ".", "7")
    assert alphabet_of(vocabulary, blank=0, word_delimiter="|") == {"a", "é", "'", "7"}


def check(normalized: NormalizedText, alphabet: frozenset[str]) -> None:
    """What must hold for every text."""
    original, text = normalized.original, normalized.text
    starts_L, ends_L = normalized.starts_L, normalized.ends_L
    assert len(starts_L) == len(ends_L) == len(text)
    assert set(text) <= alphabet | {" "}
    assert "  " not in text
    assert text == text.strip(" ")
    if not normalized.has_spaces:
        assert " " not in text
    if text:
        assert starts_L[0] >= 0
        assert ends_L[-1] <= len(original)
        assert (np.diff(starts_L) >= 0).all()
        assert (np.diff(ends_L) >= 0).all()
        assert (starts_L <= ends_L).all()
        spoken = np.array([c != " " for c in text])
        assert (starts_L[spoken] < ends_L[spoken]).all()
    words = normalized.words()
    owners = normalized.char_ownership()
    assert len(owners) == len(original)
    assert owners.min(initial=0) >= UNREAD
    assert owners.max(initial=-1) < len(words)
    assert not (words and (owners == NO_WORDS).any())
    assert (np.diff(owners[owners >= 0]) >= 0).all()
    for a, b in normalized.unsayable:
        assert (owners[a:b] <= UNSAYABLE).all()
    ends = [normalized.span_of(w, w + 1) for w in range(len(words))]
    assert all(before[1] <= after[0] or after[0] == after[1] for before, after in pairwise(ends))
    if words:
        assert normalized.text_of(0, len(words)) == normalized.text_of(0, len(words)).strip()
        assert normalized.spoken_of(0, len(words)) == text


ALPHABETS = [
    LOWER,
    UPPER,
    GERMAN,
    HAN,
    LOWER | set("0123456789"),
    frozenset("абвгдежзийклмнопрстуфхцчшщъыьэюя"),
]
EXPRESSIONS = (
    "$ £ € 3 25 1843 1,000 3.50 .5 % km °C Mr. Dr. St. No. U.S.A. e.g. - – — ' ’ \" ( ) [ ] : / th st s am"
    " p.m. IV Henry Chapter VIII & @ www. .com < > <b> </b> &amp; * _ # JOHN: ½ ² ① ﬁ é e\u0301 ß 日 😀"
    " \u200d \u00ad \n \t x I ﷺ ㍿ İ ǆ + = 5/8 12:30 ª º ¿ ¡ « »"
)
WRITING = st.one_of(
    st.text(max_size=60),
    st.lists(
        st.one_of(
            st.sampled_from(EXPRESSIONS.split(" ")),
            st.sampled_from([" ", "a", "word", "Name"]),
            st.text(max_size=2),
        ),
        max_size=25,
    ).map("".join),
)


@settings(max_examples=400, deadline=None)
@given(
    original=WRITING,
    alphabet=st.sampled_from(ALPHABETS),
    language=st.sampled_from(["en", "de", "fr", "es", "zh", "tr", "ru", "xx"]),
    has_spaces=st.booleans(),
    options=st.builds(TextOptions, **{name: st.booleans() for name in TextOptions.__dataclass_fields__}),
)
@example(original="\ud800 a", alphabet=LOWER, language="en", has_spaces=True, options=TextOptions())
def test_offsets_hold_on_arbitrary_unicode(
    original: str, alphabet: frozenset[str], language: str, has_spaces: bool, options: TextOptions
) -> None:
    check(
        normalize(original, alphabet=alphabet, language=language, has_spaces=has_spaces, options=options),
        alphabet,
    )


@settings(max_examples=300, deadline=None)
@given(original=st.text(max_size=60))
def test_every_letter_comes_from_its_own_span(original: str) -> None:
    """Read without numbers, each character is the folded form of something inside its own span."""
    normalized = english(original, speak=False)
    for at, character in enumerate(normalized.text):
        source = original[normalized.starts_L[at] : normalized.ends_L[at]]
        if character == " ":
            continue
        alone = english("a" + source + "a", speak=False).text
        assert character in alone[1:-1], (source, character)


@settings(max_examples=300, deadline=None)
@given(original=st.text(max_size=60))
@example("a\\Nb")
def test_letters_and_digits_are_said_or_reported(original: str) -> None:
    normalized = english(original)
    said = np.zeros(len(original), bool)
    for a, b in zip(normalized.starts_L, normalized.ends_L):
        said[a:b] = True
    for a, b in normalized.unsayable:
        said[a:b] = True
    for a, b in normalized.stripped:
        # A line break as subtitles write it is a sign, though it looks like a letter.
        for found in re.finditer(r"\\[Nnh]", original[a:b]):
            said[a + found.start() : a + found.end()] = True
    for at, character in enumerate(original):
        if unicodedata.category(character)[0] in "LN":
            assert said[at], (at, character)


@settings(max_examples=100, deadline=None)
@given(original=st.text(alphabet="abcdef ", max_size=60))
def test_plain_text_stays_as_it_is(original: str) -> None:
    assert english(original).text == " ".join(original.split())
