"""What is stripped from a transcript, by option."""

from __future__ import annotations

import time

import pytest

from prep_corpus.align.text.markup import speaker_labels
from prep_corpus.align.text.normalize import NormalizedText, TextOptions, normalize

LOWER = frozenset("abcdefghijklmnopqrstuvwxyz'")


def stripped(original: str, **options: bool) -> NormalizedText:
    return normalize(original, alphabet=LOWER, options=TextOptions(**options))


def gone(normalized: NormalizedText) -> list[str]:
    return [normalized.original[a:b] for a, b in normalized.stripped]


def test_nothing_is_stripped_unless_it_is_asked_for() -> None:
    normalized = stripped("<b>JOHN:</b> hi [waves]")
    assert (normalized.text, normalized.stripped) == ("b john b hi waves", ())


@pytest.mark.parametrize(
    ("original", "text"),
    [
        ("<p>One</p><p>two</p>", "one two"),
        ("wo<i>rd</i>", "word"),
        ("a<br>b<br/>c", "a b c"),
        ("<!-- no --> yes <script>var a = 1 < 2;</script>too", "yes too"),
        ("<style>p {}</style><head><title>t</title></head>body", "body"),
        ("R&amp;B &lt;3 caf&#233; a&nbsp;b", "r and b three cafe a b"),
        ("3 < 4 > 2", "three four two"),
        ("<v Roger Bingham>hello <00:00:01.500>there", "hello there"),
        ("# Chapter IV\n\n- **bold** and _thin_ and `code`", "chapter four bold and thin and code"),
        ("see [the site](http://a.example/b) and ![a picture](p.png) here", "see the site and here"),
        ("a\n---\nb\n* * *\n> quoted", "a b quoted"),
        ("snake_case stays", "snake case stays"),
        ("5 * 3", "five three"),
    ],
)
def test_markup(original: str, text: str) -> None:
    assert stripped(original, strip_markup=True).text == text


@pytest.mark.parametrize(
    ("original", "text", "labels"),
    [
        ("JOHN: Hi.\nMARY ANN (off): Hello.", "hi hello", ["JOHN: ", "MARY ANN (off): "]),
        ("Speaker 1: Hi.\nNote: this stays.", "hi note this stays", ["Speaker 1: "]),
        ("Mary: Hi.\nJo: Yes.\nMary: Bye.", "hi jo yes bye", ["Mary: ", "Mary: "]),
        ("- DR. DE LA CRUZ:\nNo.", "no", ["- DR. DE LA CRUZ:"]),
        ("He said: go.\nAt 3:45 it ended.", "he said go at three forty five it ended", []),
        ("the words: one, two", "the words one two", []),
        ("ЖАН: oui", "oui", ["ЖАН: "]),
        (
            "**Ann:** Hi.\n__Bo Lee__: Yes.\n**Ann:** No.\n__Bo Lee__: Bye.",
            "hi yes no bye",
            ["**Ann:** ", "__Bo Lee__: "] * 2,
        ),
        (
            "[Ann Lee] 00:00:05\nHi.\n**Ann Lee**  0:09\nYes.",
            "hi yes",
            ["[Ann Lee] 00:00:05", "**Ann Lee**  0:09"],
        ),
    ],
)
def test_speaker_labels(original: str, text: str, labels: list[str]) -> None:
    normalized = stripped(original, strip_speakers=True)
    assert (normalized.text, gone(normalized)) == (text, labels)


@pytest.mark.parametrize(
    ("original", "text", "directions"),
    [
        ("Hi [waves] there", "hi there", ["[waves]"]),
        ("[w]hen it [sic] rains", "when it rains", ["[sic]"]),
        ("so (laughs) we (all of us) went", "so we all of us went", ["(laughs)"]),
        ("Go.\n(He leaves.)\nGone.", "go gone", ["(He leaves.)"]),
        ("{music} fine (APPLAUSE)", "fine", ["{music}", "(APPLAUSE)"]),
        ("AND <COMMA> SO <unk> <|0.00|>", "and so", ["<COMMA>", "<unk>", "<|0.00|>"]),
        ("3 < 4 and a<b>c", "three four and a b c", []),
    ],
)
def test_stage_directions(original: str, text: str, directions: list[str]) -> None:
    normalized = stripped(original, strip_directions=True)
    assert (normalized.text, gone(normalized)) == (text, directions)


def test_sounds_with_a_time_are_no_speakers() -> None:
    original = (
        "[Ann] 0:05\nHi.\n[Music] 0:09\n[Music] 0:12\n[Inaudible 0:15]\n[Inaudible 0:18]\n[Ann] 0:20\nYes."
    )
    assert [name for _, _, name in speaker_labels(original)] == ["Ann", "", "", "Ann"]


@pytest.mark.parametrize("name", ["Ann", "**Ann**", "Ann (host)", "[Ann]"])
def test_many_spaces_behind_a_name_are_read_in_a_time_that_grows_with_their_number(name: str) -> None:
    before = time.process_time()
    assert not speaker_labels(f"{name}{' ' * 100_000}x: y")
    assert time.process_time() - before < 1


def test_labels_are_found_behind_tags() -> None:
    original = "<div><b>JOHN:</b> Hi.</div><p>[00:01] <b>MARY:</b> Yes.</p>"
    normalized = stripped(original, strip_markup=True, strip_speakers=True, strip_directions=True)
    assert normalized.text == "hi yes"
    assert normalized.text_of(0, 1) == "Hi."
    assert normalized.text_of(0, 2) == "Hi. Yes."


def test_stripped_characters_and_words_make_up_the_whole() -> None:
    normalized = stripped("<p>Hi <i>you</i>, 日本!</p>", strip_markup=True)
    owners = normalized.char_ownership().tolist()
    assert owners == [-2] * 3 + [0] * 3 + [-2] * 3 + [1] * 3 + [-2] * 4 + [1] * 2 + [-1] * 3 + [-2] * 4
    assert normalized.text_of(0, 2) == "Hi you,"


def test_names_and_directions_go_by_default_from_scripts_alone() -> None:
    script = "JOHN: Hello. [He sits.]"
    kept, gone = (
        normalize(script, alphabet=LOWER, options=TextOptions().for_script(is_script)).text
        for is_script in (False, True)
    )
    assert (kept, gone) == ("john hello he sits", "hello")
    said = TextOptions(strip_speakers=False, strip_directions=True)
    for is_script in (False, True):
        assert normalize(script, alphabet=LOWER, options=said.for_script(is_script)).text == "john hello"
