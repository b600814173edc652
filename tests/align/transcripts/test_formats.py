"""Transcripts in the files that people have: what is text, when it is said, and where it stands in the file."""

from __future__ import annotations

import unicodedata
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.cue_times import timed

from prep_corpus.align.errors import TranscriptMalformed
from prep_corpus.align.offsets import OffsetMap
from prep_corpus.align.text.normalize import TextOptions, normalize
from prep_corpus.align.transcripts.annotations import parse_stm, parse_textgrid
from prep_corpus.align.transcripts.documents import parse_html, parse_markdown
from prep_corpus.align.transcripts.formats import decode, parse
from prep_corpus.align.transcripts.pieces import Selection, Transcript
from prep_corpus.align.transcripts.subtitles import parse_srt, parse_webvtt

FILES = Path(__file__).parent / "transcript_files"
LOWER = frozenset("abcdefghijklmnopqrstuvwxyz'")


def load(name: str, **selection: Any) -> Transcript:
    content = decode((FILES / name).read_bytes(), name=name)
    return parse(content, name=name, selection=Selection(**selection))


def said(transcript: Transcript) -> str:
    options = TextOptions(strip_speakers=True, strip_directions=True)
    return normalize(transcript.text, alphabet=LOWER, options=options).text


def check_offsets(transcript: Transcript) -> None:
    """Spans lie in the file, and a character that stands in the file as such points to itself."""
    starts, ends = transcript.starts_N, transcript.ends_N
    check_map(transcript.offsets, starts, ends)
    assert len(starts) == len(ends) == len(transcript.text)
    assert (starts <= ends).all()
    assert starts.min(initial=0) >= 0
    assert ends.max(initial=0) <= len(transcript.original)
    for at, character in enumerate(transcript.text):
        source = transcript.original[starts[at] : ends[at]]
        raised = source.isdecimal() and unicodedata.normalize("NFKC", character) == source
        assert character == source or character.isspace() or source[0] in '&"' or raised
    previous_end = 0
    for cue in transcript.cues:
        assert previous_end <= cue.char_start < cue.char_end <= len(transcript.text)
        assert cue.start_seconds <= cue.end_seconds
        previous_end = cue.char_end


def check_map(offsets: OffsetMap, starts: np.ndarray, ends: np.ndarray) -> None:
    """The map holds for every character and for spans of them, also after it was written down."""
    assert OffsetMap.of_flat(offsets.flat()) == offsets
    for at in range(len(starts)):
        assert offsets.span(at, at + 1) == (starts[at], ends[at])
        end = min(at + 7, len(starts))
        assert offsets.span(at, end) == (starts[at:end].min(), ends[at:end].max())


@pytest.mark.parametrize("path", sorted(FILES.iterdir()), ids=lambda path: path.name)
@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_offsets_lead_back_to_the_file(path: Path, line_end: str) -> None:
    original = path.read_text(encoding="utf-8").replace("\n", line_end)
    transcript = parse(original, name=path.name, selection=Selection(recordings=("debate_01",)))
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


def test_marks_of_speakers_and_line_breaks_in_captions_are_no_text() -> None:
    transcript = parse_srt(
        "1\n00:00:01,000 --> 00:00:02,000\n&gt;&gt; so it is\\Nhere\\hnow\\N- yes\n\n"
        "2\n00:00:03,000 --> 00:00:04,000\n>>\n>>> and >> you 3 >2\n"
    )
    assert [line for _, _, line in timed(transcript)] == ["so it is\nhere now\n yes", "and\nyou 3 >2"]
    check_offsets(transcript)


def test_cues_are_put_in_the_order_of_their_times() -> None:
    cue = "{}\n00:00:{:02d},000 --> 00:00:{:02d},500\n{}\n\n"
    original = "".join(
        cue.format(n, start, start, word)
        for n, (start, word) in enumerate([(1, "a"), (5, "c"), (3, "b"), (9, "d")])
    )
    transcript = parse_srt(original + "5\n00:00:10,000 --> soon\nno times\n")
    assert transcript.text.split("\n") == ["a", "b", "c", "d", "no times"]
    assert [start for start, _, _ in timed(transcript)] == [1.0, 3.0, 5.0, 9.0]
    order, times = transcript.problems[1], transcript.problems[0]
    assert times.startswith("line 18: a cue needs two times")
    assert order == (
        "line 10: cues should be in the order of their times, but 1 start before the one above them; they were put in"
        " order"
    )
    check_offsets(transcript)
    as_vtt = "WEBVTT\n\n" + original.replace(",", ".")
    assert parse_webvtt(as_vtt).text.split("\n") == ["a", "b", "c", "d"]
    assert parse_srt(original.replace("00:00:03", "00:00:08")).problems == ()


def test_raised_numbers_stay_raised_and_other_raised_signs_go() -> None:
    page = (
        "<p>All.<sup>1</sup> 5 m<sup>2</sup>, 19<sup>th</sup> x<sup>a</sup><sup>*</sup>"
        " b<sup><a href='#'>12</a></sup></p>"
    )
    transcript = parse_html(page)
    assert transcript.text == "All.¹ 5 m², 19th x b¹²"
    check_offsets(transcript)
    assert parse_markdown("All.<sup>1</sup> b<sup><a href='#'>12</a></sup>").text == "All.¹ b¹²"
    unclosed = parse_html("<p>a<sup>1<p>2 b</p>")
    assert unclosed.text == "a¹\n2 b"


def test_segment_time_marks() -> None:
    transcript = load("debate.stm", recordings=("talk", "debate_01"))
    assert [(start, end, " ".join(text.split())) for start, end, text in timed(transcript)] == [
        (1.1, 4.25, "it's a good day uh ma'am"),
        (4.25, 6.0, "we paid twenty five"),
        (6.5, 7.0, "done"),
    ]
    assert [cue.speaker for cue in transcript.cues] == ["Ann_Lee", "Bob", "Ann_Lee"]
    assert transcript.problems == (
        "line 8: a segment is recording channel speaker start end words, not 'debate_01 broken line'",
    )
    assert load("debate.stm", recordings=("debate_02",), channel="A").text == "another recording"
    with pytest.raises(TranscriptMalformed, match="channel 'B'"):
        load("debate.stm", recordings=("debate_02",), channel="B")
    with pytest.raises(TranscriptMalformed, match="text_recording"):
        load("debate.stm")
    with pytest.raises(TranscriptMalformed, match="debate_03"):
        load("debate.stm", recordings=("debate_03",))


def test_the_channels_of_a_call_by_name_and_by_place() -> None:
    stm = "call A ann 0.0 2.0 hello\ncall B bob 1.5 3.0 hi there\ncall A ann 4.0 5.0 bye\n"

    def read(**selection: Any) -> str:
        return parse(stm, name="call.stm", selection=Selection(**selection)).text

    assert read() == "hello\nhi there\nbye"
    assert read(channel_index=0) == read(channel="A") == "hello\nbye"
    assert read(channel_index=1, recordings=("another name",)) == "hi there"
    with pytest.raises(TranscriptMalformed, match="channel 2"):
        read(channel_index=2)
    with pytest.raises(TranscriptMalformed, match="'another name'"):
        read(recordings=("another name",), strict=True)


@pytest.mark.parametrize("stm", ["no segments here\n", "a 1 s 1.2.3 4 words\n", "a 1 s . . words\n"])
def test_what_is_no_segment_time_marks(stm: str) -> None:
    with pytest.raises(TranscriptMalformed, match="no line is one"):
        parse_stm(stm)


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
    assert parse_textgrid(original, tiers=("phones",)).text == "HH\nAY1"
    with pytest.raises(TranscriptMalformed, match="events"):
        parse_textgrid(original, tiers=("phones", "nobody"))
    with pytest.raises(TranscriptMalformed, match="breaks off"):
        parse_textgrid(original[:900])
    with pytest.raises(TranscriptMalformed, match="ooTextFile"):
        parse_textgrid("hello")
    for count in ("-2", "1e999", "1e300"):
        with pytest.raises(TranscriptMalformed, match="breaks off"):
            parse_textgrid(original.replace("size = 3", f"size = {count}"))


def textgrid(tiers: dict[str, list[tuple[float, float, str]]]) -> str:
    """A TextGrid in the short layout."""
    fields: list[object] = [
        'File type = "ooTextFile"',
        'Object class = "TextGrid"',
        0,
        10,
        "<exists>",
        len(tiers),
    ]
    for name, intervals in tiers.items():
        fields += ['"IntervalTier"', f'"{name}"', 0, 10, len(intervals)]
        for start, end, text in intervals:
            fields += [start, end, f'"{text}"']
    return "\n".join(map(str, fields))


def test_tiers_of_speakers_who_take_turns_are_put_together_in_time() -> None:
    transcript = parse_textgrid(
        textgrid(
            {
                "Ann": [(0, 2, "good morning"), (2, 5, ""), (5, 7, "fine thanks")],
                "Bob": [(1.8, 4, "how are you"), (7, 9, "bye")],
                "phones": [(0, 2, "G UH D"), (5, 7, "F AY N")],
                "Ann in French": [(0, 2, "bonjour"), (5, 7, "bien merci")],
            }
        )
    )
    assert transcript.text == "good morning\nhow are you\nfine thanks\nbye"
    assert [cue.speaker for cue in transcript.cues] == ["Ann", "Bob", "Ann", "Bob"]
    assert transcript.problems == ("the tiers Ann in French are not read; text_tier names those to read",)


def test_the_tiers_of_a_forced_aligner_with_several_speakers() -> None:
    transcript = parse_textgrid(
        textgrid(
            {
                "ann - words": [(0, 1, "good"), (1, 2, "morning")],
                "ann - phones": [(0, 1, "G"), (1, 2, "M")],
                "bob - words": [(2, 3, "hello")],
                "bob - phones": [(2, 3, "H")],
            }
        )
    )
    assert transcript.text == "good\nmorning\nhello"
    assert [cue.speaker for cue in transcript.cues] == ["ann", "ann", "bob"]
    assert transcript.problems == ()


def test_a_single_tier_of_sounds_is_better_than_none() -> None:
    assert parse_textgrid(textgrid({"segments": [(0, 1, "hello there")]})).text == "hello there"


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


def test_plain_text_by_every_other_ending() -> None:
    for name in ("a.txt", "a.LAB", "a.trans", "a"):
        assert parse("One.\nTwo.", name=name).text == "One.\nTwo."


SUBTITLE = "1\n00:00:00,000 --> 00:00:01,000\n"
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
    for transcript in (parse_html(original), parse_markdown(original), parse_srt(SUBTITLE + original)):
        check_offsets(transcript)
    check_offsets(parse_webvtt("WEBVTT\n\n" + original))
    check_offsets(parse_stm("".join(f"a 1 s 0 1 {part}\n" for part in parts)))


@pytest.mark.parametrize("space", ["\x85", "\u2028", "\xa0", "\r", "\x0b"])
def test_stm_segments_may_begin_with_any_white_space(space: str) -> None:
    transcript = parse_stm(f"a 1 s 0 1 {space}well\na 1 s 1 2 {space}\n")
    check_offsets(transcript)
    assert transcript.text.split() == ["well"]
