"""JSON of podcasts' feeds and of services, and times before lines of talk."""

from __future__ import annotations

import json
from typing import Any

import pytest
from support.cue_times import timed

from prep_corpus.align.transcripts.formats import parse


def test_times_before_lines_of_talk_have_hours_and_those_of_songs_hundredths() -> None:
    talk = "[00:00:03] Jane: Hello.\n[00:01:30] Bob: Hi.\n[01:00:05] Jane: Bye.\n"
    transcript = parse(talk, name="a.txt")
    assert [start for start, _, _ in timed(transcript)] == [3.0, 90.0, 3605.0]
    hour = parse("[59:58] Jane: Hello.\n[1:00:05] Bob: Hi.\n", name="a.txt")
    assert [start for start, _, _ in timed(hour)] == [3598.0, 3605.0]
    song = "[00:03:10]Hello\n[00:05:75]Hi\n"
    assert [start for start, _, _ in timed(parse(song, name="a.lrc"))] == [3.1, 5.75]


FEED = ((1.0, "One"), (1.5, "two"))


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        (
            {"segments": [{"speaker": "Jo", "startTime": 0.5, "endTime": 2.0, "body": "Good  day."}]},
            [(0.5, 2.0, "Good day.", "Jo")],
        ),
        (
            {"segments": [{"startTime": at, "endTime": at + 0.2, "body": text} for at, text in FEED]},
            [(1.0, 1.7, "One two", None)],
        ),
        (
            {"text": "A. B.", "utterances": [{"speaker": "A", "text": "A.", "start": 500, "end": 900, "words": []}]},
            [(0.5, 0.9, "A.", "A")],
        ),
        (
            {"results": {"utterances": [{"speaker": 0, "transcript": "Hi.", "start": 1, "end": 2.5}], "channels": []}},
            [(1.0, 2.5, "Hi.", "0")],
        ),
        (
            {"results": {"channels": [{"alternatives": [{"transcript": "Yes."}, {"transcript": "Yeas."}]}]}},
            [(None, None, "Yes.", None)],
        ),
        (
            {"results": [{"alternatives": [{"transcript": "One"}]}, {"alternatives": [{"transcript": " two"}]}]},
            [(None, None, "One", None), (None, None, "two", None)],
        ),
        ({"results": {"transcripts": [{"transcript": "No."}], "items": []}}, [(None, None, "No.", None)]),
        (
            {
                "monologues": [
                    {
                        "speaker": 1,
                        "elements": [
                            {"type": "text", "value": "Hi", "ts": 0.5, "end_ts": 0.8},
                            {"type": "punct", "value": "."},
                        ],
                    }
                ]
            },
            [(0.5, 0.8, "Hi.", "1")],
        ),
    ],
)  # fmt: skip
def test_json_of_podcasts_and_of_services(document: object, expected: list[tuple[Any, ...]]) -> None:
    transcript = parse(json.dumps(document), name="a.json")
    assert transcript.text == "\n".join(text for _, _, text, _ in expected)
    if expected[0][0] is not None:
        assert timed(transcript) == [one[:3] for one in expected]
    assert [turn.speaker for turn in transcript.turns] == [name for *_, name in expected if name]


@pytest.mark.parametrize(
    "results", [[], {"transcripts": []}, {"channels": []}, {"channels": [{"alternatives": []}]}]
)
def test_services_may_hear_nothing(results: object) -> None:
    assert parse(json.dumps({"results": results}), name="a.json").text == ""


def test_what_services_hear_is_found_beside_entries_without_text() -> None:
    beside = {"utterances": [{"id": 1}], "channels": [{"alternatives": [{"transcript": "Yes."}]}]}
    assert parse(json.dumps({"results": beside}), name="a.json").text == "Yes."
    mixed = [{"text": "A b."}, {"body": None, "text": "C d."}, {"body": "E f."}]
    assert parse(json.dumps({"segments": mixed}), name="a.json").text == "A b.\nC d.\nE f."


def test_speakers_of_long_numbers_stay_two() -> None:
    segments = [{"speaker": 1000000 + at, "text": f"This is {at}."} for at in (1, 2)]
    turns = parse(json.dumps({"segments": segments}), name="a.json").turns
    assert [turn.speaker for turn in turns] == ["1000001", "1000002"]
