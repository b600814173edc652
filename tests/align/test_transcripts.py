"""Transcripts in the files that people have: what is text, when it is said, and where it stands in the file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from prep_corpus.align.annotations import parse_stm, parse_textgrid
from prep_corpus.align.errors import EntryInvalid, TranscriptNotUtf8
from prep_corpus.align.scripts import parse_html, parse_markdown
from prep_corpus.align.subtitles import parse_srt, parse_webvtt
from prep_corpus.align.text import TextOptions, normalize
from prep_corpus.align.transcripts import Cue, Transcript, compare_cues, decode, parse

FILES = Path(__file__).parent / "transcript_files"
LOWER = frozenset("abcdefghijklmnopqrstuvwxyz'")


def load(name: str, **selection: str) -> Transcript:
    return parse(decode((FILES / name).read_bytes(), name=name), name=name, **selection)


def timed(transcript: Transcript) -> list[tuple[float, float, str]]:
    return [
        (cue.start_seconds, cue.end_seconds, transcript.text[cue.char_start : cue.char_end])
        for cue in transcript.cues
    ]


def said(transcript: Transcript) -> str:
    options = TextOptions(strip_speakers=True, strip_directions=True)
    return normalize(transcript.text, alphabet=LOWER, options=options).text


def check_offsets(transcript: Transcript) -> None:
    """Spans lie in the file, and a character that stands in the file as such points to itself."""
    starts, ends = transcript.starts_N, transcript.ends_N
    assert len(starts) == len(ends) == len(transcript.text)
    assert (starts <= ends).all()
    assert starts.min(initial=0) >= 0
    assert ends.max(initial=0) <= len(transcript.original)
    for at, character in enumerate(transcript.text):
        source = transcript.original[starts[at] : ends[at]]
        assert character == source or character.isspace() or source[0] in '&"'
    previous_end = 0
    for cue in transcript.cues:
        assert previous_end <= cue.char_start < cue.char_end <= len(transcript.text)
        assert cue.start_seconds <= cue.end_seconds
        previous_end = cue.char_end


@pytest.mark.parametrize("path", sorted(FILES.iterdir()), ids=lambda path: path.name)
@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_offsets_lead_back_to_the_file(path: Path, line_end: str) -> None:
    original = path.read_text(encoding="utf-8").replace("\n", line_end)
    transcript = parse(original, name=path.name, recording="debate_01" if path.suffix == ".stm" else None)
    assert transcript.text
    assert "\r" not in transcript.text or path.suffix == ".md"
    check_offsets(transcript)


def test_subrip() -> None:
    transcript = load("lecture.srt")
    assert timed(transcript) == [
        (1.2, 4.0, "Good morning, everyone.\nIt's 9:30."),
        (4.1, 7.85, 'JOHN: Today we read\n"Tom & Jerry".'),
        (8.0, 10.5, "Really?\nYes, 25 pages."),
        (14.0, 15.0, "[APPLAUSE]"),
        (pytest.approx(3723.004), pytest.approx(3725.999), "Goodbye."),
    ]
    assert said(transcript) == (
        "good morning everyone it's nine thirty today we read tom and jerry really yes twenty five pages"
        " times that run backwards goodbye"
    )
    assert len(transcript.problems) == 1
    assert transcript.problems[0].startswith("line 18: ")
    at = transcript.text.index("&")
    assert transcript.original[slice(*transcript.original_span(at, at + 1))] == "&amp;"


def test_a_number_alone_on_a_line_is_text_unless_it_numbers_the_next_cue() -> None:
    srt = "1\n00:00:01,000 --> 00:00:02,000\nIt was\n1984\n\n2\n00:00:02,000 --> 00:00:03,000\n42\n"
    assert [text for _, _, text in timed(parse_srt(srt))] == ["It was\n1984", "42"]


def test_webvtt() -> None:
    transcript = load("talk.vtt")
    assert timed(transcript) == [
        (1.0, 4.0, "We are in New York City."),
        (5.0, 9.5, "Actually at the Lucern Hotel,\ndown the street <here>"),
        (60.0, 62.0, "And we\xa0start."),
    ]
    assert [cue.speaker for cue in transcript.cues] == ["Roger Bingham", "Neil", None]
    assert transcript.problems == ()


def test_rolling_captions_are_written_once() -> None:
    transcript = load("rolling.vtt")
    assert transcript.text == "hello and welcome\nto the show\nwhere we talk"
    assert [cue.start_seconds for cue in transcript.cues] == [0.16, 2.24, 4.88]


def test_a_line_that_is_said_twice_is_kept_twice() -> None:
    cues = "\n\n".join(f"00:0{at}.000 --> 00:0{at + 1}.000\nNo." for at in range(4))
    assert parse_webvtt("WEBVTT\n\n" + cues).text == "No.\nNo.\nNo.\nNo."


def test_segment_time_marks() -> None:
    transcript = load("debate.stm", recording="debate_01")
    assert [(start, end, " ".join(text.split())) for start, end, text in timed(transcript)] == [
        (1.1, 4.25, "it's a good day uh ma'am"),
        (4.25, 6.0, "we paid twenty five"),
        (6.5, 7.0, "done"),
    ]
    assert [cue.speaker for cue in transcript.cues] == ["Ann_Lee", "Bob", "Ann_Lee"]
    assert transcript.problems == (
        "line 8: a segment is recording channel speaker start end words, not 'debate_01 broken line'",
    )
    assert load("debate.stm", recording="debate_02", channel="A").text == "another recording"
    assert load("debate.stm", recording="debate_02", channel="B").text == ""
    with pytest.raises(EntryInvalid, match="several"):
        load("debate.stm")
    with pytest.raises(EntryInvalid, match="debate_03"):
        load("debate.stm", recording="debate_03")


def test_segments_are_put_in_the_order_of_their_starts() -> None:
    transcript = parse_stm("a 1 s 5.0 6.0 second\na 1 s 1.0 2.0 first\n")
    assert transcript.text == "first\nsecond"
    assert transcript.original_span(0, 5) == (35, 40)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("words.TextGrid", [(0.5, 1.1, "He said"), (1.5, 2.3, '"hi 5" = ok')]),
        ("short.TextGrid", [(0.0, 1.25, "Hello there."), (1.25, 2.3, "Second line.")]),
    ],
)
def test_textgrids_long_and_short(name: str, expected: list[tuple[float, float, str]]) -> None:
    assert timed(load(name)) == expected


def test_a_named_tier_and_what_is_no_textgrid() -> None:
    original = (FILES / "words.TextGrid").read_text()
    assert parse_textgrid(original, tier="phones").text == "HH\nAY1"
    with pytest.raises(EntryInvalid, match="events"):
        parse_textgrid(original, tier="nobody")
    with pytest.raises(EntryInvalid, match="breaks off"):
        parse_textgrid(original[:900])
    with pytest.raises(EntryInvalid, match="ooTextFile"):
        parse_textgrid("hello")


def test_textgrid_in_utf16() -> None:
    original = (FILES / "short.TextGrid").read_text()
    assert parse(decode(original.encode("utf-16"), name="a.TextGrid"), name="a.TextGrid").text.startswith(
        "Hello"
    )


def test_html() -> None:
    transcript = load("play.html")
    assert transcript.text.split("\n") == [
        "Act I",
        "JOHN: I paid $25 for café & cake",
        "at 3:45. [He sits.]",
        "MARY: 5 < 6, you see.",
        "Boo…",
    ]
    assert said(transcript) == (
        "act one i paid twenty five dollars for cafe and cake at three forty five five six you see boo"
    )
    assert transcript.cues == ()
    assert parse_html("<p>a</p><nav><p>b</p>").problems == (
        "line 1: <nav> is never closed, and all after it is left out",
    )


def test_markdown() -> None:
    transcript = load("script.md")
    assert said(transcript) == (
        "episode seven welcome to the show with our guest thanks we sold three thousand copies that's a lot really bye"
    )


def test_plain_text_and_unknown_endings() -> None:
    assert load_text("a.txt", "One.\nTwo.").text == "One.\nTwo."
    with pytest.raises(EntryInvalid, match="docx"):
        load_text("a.docx", "")


def load_text(name: str, original: str) -> Transcript:
    return parse(original, name=name)


def test_files_that_are_no_text() -> None:
    assert decode(b"\xef\xbb\xbfhi", name="a") == "hi"
    with pytest.raises(TranscriptNotUtf8, match="byte 1 of 3 is 0xff"):
        decode(b"a\xffb", name="a")
    with pytest.raises(EntryInvalid, match="WEBVTT"):
        parse_webvtt("1\n00:00 --> 00:01\nhi")


PARTS = st.sampled_from(
    [
        *(
            "<p>",
            "</p>",
            "<br>",
            "<i>",
            "</i>",
            "<nav>",
            "</nav>",
            "&amp;",
            "&#233;",
            "&x",
            "<",
            ">",
            "&",
            "\n",
            " ",
        ),
        *("a", "b c", "<!--", "-->", "<script>", "</script>", "[a](b)", "**", "#", "1", "\n\n", "é", "\r\n"),
        "00:00:01,000 --> 00:00:02,000",
    ]
)


@settings(max_examples=300, deadline=None)
@given(parts=st.lists(st.one_of(PARTS, st.text(max_size=3)), max_size=30))
def test_offsets_hold_for_anything(parts: list[str]) -> None:
    original = "".join(parts)
    for transcript in (parse_html(original), parse_markdown(original), parse_srt(original)):
        check_offsets(transcript)
    check_offsets(parse_webvtt("WEBVTT\n\n" + original))
    check_offsets(parse_stm("".join(f"a 1 s 0 1 {part}\n" for part in parts)))


def test_cues_shifted_by_three_seconds_are_found_shifted_by_three_seconds() -> None:
    cues = [
        Cue(start_seconds=float(at), end_seconds=at + 1.0, char_start=at * 10, char_end=at * 10 + 9)
        for at in range(50)
    ]
    char_starts = np.arange(0, 500, 5, dtype=np.int32)
    starts = char_starts / 10 + 3.0 + np.where(char_starts % 20 == 0, 0.1, -0.1)
    found = compare_cues(cues, char_starts_W=char_starts, start_seconds_W=starts)
    assert found is not None
    assert found.cues == 50
    assert found.median_seconds == pytest.approx(3.0, abs=0.11)
    assert found.spread_seconds < 0.21
    assert found.share_off == 1.0
    assert compare_cues([], char_starts_W=char_starts, start_seconds_W=starts) is None
    late = np.array([900], np.int32)
    assert compare_cues(cues, char_starts_W=late, start_seconds_W=np.array([1.0])) is None
