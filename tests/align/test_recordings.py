from __future__ import annotations

import posixpath
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prep_corpus.align.errors import EntryInvalid, IdUnsafe, RecordingError
from prep_corpus.align.recordings import Entry, Recording, check_id, default_id, parse_entry
from prep_corpus.align.transcripts.versions import Version


def parsed(**fields: Any) -> Entry:
    return parse_entry(fields, join=lambda path: "/base/" + path, name="m.jsonl:3")


def refused(error: type[RecordingError], match: str, **fields: Any) -> None:
    with pytest.raises(error, match=match) as caught:
        parsed(**fields)
    assert "m.jsonl:3: " in str(caught.value)


@pytest.mark.parametrize(
    "good", ["a", "book/chapter1", "1272-128104-0000", "à la carte", "书/一", "a..b", "x" * 512]
)
def test_ids_that_are_safe(good: str) -> None:
    check_id(good)


@pytest.mark.parametrize(
    "bad",
    [
        "",
        "  ",
        "x" * 513,
        "é" * 257,
        "a\nb",
        "a\x00b",
        "a\x7fb",
        "a\u202eb",
        "a\u2028b",
        "\ud800",
        "..",
        "../a",
        "a/../b",
        "a/..",
        "./a",
        "a//b",
        "a/",
        "/etc/passwd",
        "a\\b",
        "C:/x",
        "gs://bucket/x",
    ],
)
def test_ids_that_are_not(bad: str) -> None:
    with pytest.raises(IdUnsafe) as caught:
        check_id(bad)
    assert str(caught.value).isprintable()


@given(st.text(max_size=40))
def test_an_id_that_passes_stays_inside_its_folder(recording_id: str) -> None:
    try:
        check_id(recording_id)
    except IdUnsafe:
        return
    path = posixpath.normpath(posixpath.join("/out", recording_id))
    assert path == "/out/" + recording_id
    assert recording_id.encode().decode() == recording_id


@pytest.mark.parametrize(
    ("path", "offset", "channel", "expected"),
    [
        ("book/chapter1.mp3", None, None, "book/chapter1"),
        ("chapter1.part2.mp3", None, None, "chapter1.part2"),
        ("a.wav", 0.0, None, "a-0"),
        ("a.wav", 12.5, None, "a-12.5"),
        ("a.wav", 100.0, 1, "a-100-channel1"),
        ("a.wav", None, 0, "a-channel0"),
        ("../audio/a.wav", None, None, "audio/a"),
        ("/data/x/a.wav", None, None, "data/x/a"),
        ("gs://bucket/x/a.wav", None, None, "bucket/x/a"),
        ("C:\\x\\a.wav", None, None, "x/a"),
        ("./a.wav", None, None, "a"),
    ],
)
def test_default_ids(path: str, offset: float | None, channel: int | None, expected: str) -> None:
    assert default_id(path, offset=offset, channel=channel) == expected
    check_id(expected)


def test_a_track_is_a_number_or_a_language() -> None:
    entry = {"audio_filepath": "a/b.mkv", "text": "t"}
    for written, track in ((1, "1"), ("0", "0"), ("en", "en"), ("fre", "fre"), (None, None)):
        found = parse_entry({**entry, "track": written}, join=str, name="m:1")
        assert found.track == track
        assert found.id == ("a/b" if track is None else f"a/b-track{track}")
        assert found.recording([Version(text="t")]).track == track
    for wrong in ("-1", "1.5", "the second"):
        with pytest.raises(EntryInvalid, match="track must be a whole number counted from 0, or a language"):
            parse_entry({**entry, "track": wrong}, join=str, name="m:1")


def test_a_full_entry() -> None:
    entry = parsed(
        audio_filepath="a/b.flac",
        text="Hello.",
        id="x",
        offset=1,
        duration="2.5",
        speaker=84,
        lang="de",
        channel="1",
        pred_text="ignored",
    )
    assert entry.recording([Version(text="Hello.")]) == Recording(
        id="x",
        audio_uri="/base/a/b.flac",
        text="Hello.",
        offset_seconds=1.0,
        duration_seconds=2.5,
        sliced=True,
        speaker="84",
        language="de",
        channel=1,
    )


def test_a_short_entry() -> None:
    entry = parsed(audio_filepath="a/b.flac", text_filepath="a/b.txt", duration=None, speaker="")
    assert (entry.id, entry.text, entry.text_uri) == ("a/b", None, "/base/a/b.txt")
    assert (entry.offset_seconds, entry.duration_seconds, entry.sliced) == (0.0, None, False)
    assert (entry.speaker, entry.language, entry.channel) == (None, "en", None)


def test_text_wins_over_a_text_file_unless_it_is_empty() -> None:
    assert parsed(audio_filepath="a", text="t", text_filepath="f").text_uri is None
    assert parsed(audio_filepath="a", text="", text_filepath="f").text_uri == "/base/f"
    assert parsed(audio_filepath="a", text="").text == ""


def test_an_offset_makes_the_duration_a_length_to_take() -> None:
    assert not parsed(audio_filepath="a", text="t", duration=3).sliced
    assert parsed(audio_filepath="a", text="t", duration=3, offset=0).sliced
    assert Recording(id="a", audio_uri="a", text="t", offset_seconds=2.0).sliced


@pytest.mark.parametrize(
    ("fields", "match"),
    [
        ({"text": "t"}, "needs audio_filepath, this one has 'text'"),
        ({}, "no value at all"),
        ({"audio_filepath": "a"}, "needs text, text_filepath or segments"),
        ({"audio_filepath": "a", "segments": []}, "segments must hold a piece of text at least"),
        ({"audio_filepath": "", "text": "t"}, "needs audio_filepath"),
        ({"audio_filepath": ["a"], "text": "t"}, "audio_filepath must be a string"),
        ({"audio_filepath": "a\0b", "text": "t"}, "zero character"),
        ({"audio_filepath": "a\ud800", "text": "t"}, "surrogate"),
        ({"audio_filepath": "a", "text": "t\udfff"}, "surrogate"),
        ({"audio_filepath": "a", "text": {"en": "t"}}, "text must be a string"),
        ({"audio_filepath": "a", "text": "t", "duration": "long"}, "duration must be a number of seconds"),
        ({"audio_filepath": "a", "text": "t", "duration": True}, "duration must be a number"),
        ({"audio_filepath": "a", "text": "t", "duration": 0}, "duration must be over 0 seconds, it is 0"),
        ({"audio_filepath": "a", "text": "t", "duration": -3}, "duration must be over 0"),
        ({"audio_filepath": "a", "text": "t", "duration": float("nan")}, "duration must be over 0"),
        ({"audio_filepath": "a", "text": "t", "duration": 10**400}, "duration must be a number"),
        (
            {"audio_filepath": "a", "text": "t", "duration": float("inf")},
            "over 0 seconds and have an end; leave it out",
        ),
        ({"audio_filepath": "a", "text": "t", "offset": -1}, "offset must be at least 0"),
        ({"audio_filepath": "a", "text": "t", "offset": float("inf")}, "offset must be at least 0"),
        ({"audio_filepath": "a", "text": "t", "channel": -1}, "channel must be at least 0"),
        ({"audio_filepath": "a", "text": "t", "channel": 0.5}, "whole number"),
    ],
)
def test_entries_that_break_a_rule(fields: dict[str, Any], match: str) -> None:
    refused(EntryInvalid, match, **fields)


def test_an_unsafe_id_names_its_line() -> None:
    refused(IdUnsafe, "could lead out", audio_filepath="a", text="t", id="../a")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=4), inner, max_size=2),
    max_leaves=3,
)


@given(
    st.dictionaries(
        st.sampled_from(
            [
                "audio_filepath",
                "text",
                "text_filepath",
                "id",
                "offset",
                "duration",
                "speaker",
                "lang",
                "channel",
            ]
        ),
        JSON,
    )
)
def test_any_json_object_is_an_entry_or_a_typed_error(fields: dict[str, Any]) -> None:
    try:
        entry = parsed(**fields)
    except RecordingError:
        return
    recording = entry.recording([Version(text=entry.text or "from a file")])
    assert recording.id
    assert recording.text.encode()
