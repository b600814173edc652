"""Transcripts of any content: read or refused, in a time that grows with their length alone."""

from __future__ import annotations

import time

import pytest

from prep_corpus.align.errors import TranscriptMalformed, TranscriptNotUtf8
from prep_corpus.align.text.normalize import TextOptions, normalize
from prep_corpus.align.transcripts.annotations import parse_stm, parse_textgrid
from prep_corpus.align.transcripts.documents import parse_html, parse_markdown
from prep_corpus.align.transcripts.formats import decode
from prep_corpus.align.transcripts.subtitles import parse_srt, parse_webvtt


def test_files_that_are_no_text() -> None:
    assert decode(b"\xef\xbb\xbfhi", name="a") == "hi"
    with pytest.raises(TranscriptNotUtf8, match="byte 1 of 3 is 0xff"):
        decode(b"a\xffb", name="a")
    with pytest.raises(TranscriptMalformed, match="WEBVTT"):
        parse_webvtt("1\n00:00 --> 00:01\nhi")
    with pytest.raises(TranscriptMalformed, match="none of its 2 lines"):
        parse_srt("Just a page of text.\n")
    assert parse_srt("\n\n").text == ""


HOSTILE = {
    "tags": "<a" * 100_000,  # and nothing ends them
    "one long tag": "<" + "a" * 200_000,
    "comments": "<!--" * 50_000,
    "scripts": "<script " * 25_000,
    "heads": "<head>" * 30_000,
    "voices": "<v a " * 40_000,
    "digits": "1:" + "1" * 200_000,
    "spaces": " " * 200_000 + "x",
    "quotes": '"' * 199_999,
    "brackets": "[" * 200_000,
    "braces": "{a/" * 60_000,
    "dashes": "- " * 100_000 + "x",
    "references": "&a" * 100_000,
    "lines": "a\n" * 100_000,
    "nested": "<nav>" + "<div>" * 20_000 + "</x>" * 20_000,
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_files_of_any_content_are_read_in_a_time_that_grows_with_their_length_alone(kind: str) -> None:
    hostile = HOSTILE[kind]
    began = time.process_time()
    parse_srt("1\n00:00:00,000 --> 00:00:01,000\n" + hostile)
    parse_webvtt("WEBVTT\n\n00:01.000 --> 00:02.000\n" + hostile)
    assert len(parse_stm("a 1 s 0 1 words\na 1 s 0 1 " + hostile + "\nbroken" + hostile).problems) <= 101
    with pytest.raises(TranscriptMalformed):
        parse_textgrid('"ooTextFile" "TextGrid" 0 1 <exists> 5 ' + hostile)
    parse_markdown(hostile)
    parse_html(hostile)
    normalize(
        hostile[:20_000],
        alphabet=frozenset("abcdefghijklmnopqrstuvwxyz'"),
        options=TextOptions(strip_markup=True).for_script(True),
    )
    # A second or so; with one pattern that goes back and forth, hours.
    assert time.process_time() - began < 20


def test_tags_and_comments_that_nothing_ends() -> None:
    for unended in ("a <!-- b <i>c</i>", "a <script b <i>c</i>", "a <style> b <i>c</i>"):
        assert parse_markdown(unended).text.replace("\n", " ").split()[-1] == "c"
    assert parse_markdown("a <!-- b --> c <script>d</script> e").text.split() == ["a", "c", "e"]
