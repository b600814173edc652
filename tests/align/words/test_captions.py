"""Captions at the times of their words: cues that were given, new ones, lines, speakers, both formats."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from support.worded import script, words_of

from prep_corpus.align.transcripts.formats import parse
from prep_corpus.align.transcripts.pieces import Cue
from prep_corpus.align.words.captions import Caption, captions, to_srt, to_vtt

SRT = (
    "1\n00:00:11,000 --> 00:00:12,000\nJOHN: It is\n<i>very</i> late.\n\n"
    "2\n00:00:12,500 --> 00:00:13,000\n[door]\n\n3\n00:00:13,000 --> 00:00:15,000\nNo & yes 日本.\n\n"
    "4\n00:00:15,000 --> 00:00:15,500\nunsaid words\n"
)


def shown(found: list[Caption]) -> list[tuple[float, float, str]]:
    return [(round(one.start_seconds, 3), round(one.end_seconds, 3), one.text) for one in found]


def test_cues_come_back_at_the_times_of_their_words() -> None:
    transcript = parse(SRT, name="a.srt")
    normalized = script(transcript.text)
    assert normalized.text == "it is very late no and yes unsaid words"
    words = words_of(normalized, unsaid=(1, 7, 8))
    found = captions(words, normalized, transcript.cues, frame_seconds=0.02)
    assert shown(found) == [(0.0, 1.9, "It very late."), (2.0, 3.4, "No & yes")]
    whole = captions(words, normalized, transcript.cues, frame_seconds=0.02, original_lines=True)
    assert [one.text for one in whole] == ["JOHN: It is\nvery late.", "No & yes 日本."]
    again = parse(to_srt(whole), name="a.srt")
    assert [(cue.start_seconds, cue.end_seconds) for cue in again.cues] == [(0.0, 1.9), (2.0, 3.4)]
    assert again.text == "JOHN: It is\nvery late.\nNo & yes 日本."


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("One two. Three\nfour", ["One two.", "Three four"]),
        ("One " * 20, ["One " * 14, "One " * 6]),
        ("Extraordinarily " * 8, ["Extraordinarily " * 5, "Extraordinarily " * 3]),
    ],
)
def test_without_cues_new_ones_end_at_sentences_and_before_they_are_long(
    text: str, expected: list[str]
) -> None:
    normalized = script(text)
    found = captions(words_of(normalized), normalized, (), frame_seconds=0.02)
    assert [one.text for one in found] == [one.strip() for one in expected]
    assert all(one.end_seconds - one.start_seconds <= 7 and len(one.text) <= 84 for one in found)


def test_new_ones_end_at_pauses_and_speakers() -> None:
    normalized = script("one two three four five")
    words = words_of(normalized)
    frames = words.frame_starts + np.array([0, 0, 100, 100, 100], np.int32)
    speakers = np.array([0, 0, 0, 0, 1], np.int32)
    words = replace(words, frame_starts=frames, frame_ends=frames + np.int32(20), speakers=speakers)
    found = captions(words, normalized, (), frame_seconds=0.02, speakers=("Ann <a>", "bob"))
    assert [(one.text, one.speaker) for one in found] == [
        ("one two", "Ann <a>"),
        ("three four", "Ann <a>"),
        ("five", "bob"),
    ]
    vtt = to_vtt(found)
    assert vtt.startswith("WEBVTT\n\n00:00:00.000 --> 00:00:00.900\n<v Ann &lt;a&gt;>one two\n\n")
    assert [turn.speaker for turn in parse(vtt, name="a.vtt").turns][-1] == "bob"


def test_nothing_said_gives_no_captions_and_text_cannot_end_a_cue() -> None:
    normalized = script("one two")
    assert captions(words_of(normalized, unsaid=(0, 1)), normalized, (), frame_seconds=0.02) == []
    cue = Cue(start_seconds=0, end_seconds=1, char_start=0, char_end=7)
    assert captions(words_of(normalized, unsaid=(0, 1)), normalized, (cue,), frame_seconds=0.02) == []
    odd = Caption(start_seconds=3599.9996, end_seconds=3601.5, text="a <b> & c\n\n1 --> 2\n")
    assert to_srt([odd]) == "1\n01:00:00,000 --> 01:00:01,500\na <b> & c\n1 -> 2\n\n"
    assert to_vtt([odd]).endswith("\na &lt;b&gt; &amp; c\n1 -&gt; 2\n\n")
    assert to_srt([]) == ""
