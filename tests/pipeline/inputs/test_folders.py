"""Folders of audio and texts as manifests."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from support.entries import letters, reasons, recordings, write

from prep_corpus.align.errors import UsageError
from prep_corpus.align.recordings import Recording
from prep_corpus.pipeline.inputs.manifests import read_manifest, texts_without_audio


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (["clips/a.mp3", "validated.tsv", "a.csv", "b.json", "d.jsonl.gz"], "a.csv, b.json, d.jsonl.gz and 1 more"),
        (["data/wav.scp", "data/text"], "data may be meant, which has wav.scp"),
        (["1.mp3", "2.mp3", "book.txt"], "2 audio and 1 text files of other names, and `prep-corpus pair "),
        (["1.mp3"], "1 audio files and no text, which run --read all takes"),
    ],
)  # fmt: skip
def test_of_a_folder_that_is_no_manifest_it_is_said_what_may_be_meant(
    tmp_path: Path, names: list[str], said: str
) -> None:
    for name in names:
        write(tmp_path / name, "")
    with pytest.raises(UsageError, match=re.escape(said)):
        read_manifest(str(tmp_path))


def test_a_folder_of_pairs(tmp_path: Path) -> None:
    write(tmp_path / "b/two.MP3", b"")
    write(tmp_path / "b/two.lab", "Two.")
    write(tmp_path / "one.flac", b"")
    write(tmp_path / "one.txt", "One.")
    write(tmp_path / "alone.wav", b"")
    write(tmp_path / "notes.txt", "No audio here.")
    found = list(read_manifest(str(tmp_path)))
    by_id = {one.id: one for one in found if isinstance(one, Recording)}
    assert sorted(by_id) == ["b/two", "one"]
    assert (by_id["b/two"].text, by_id["b/two"].audio_uri) == ("Two.", str(tmp_path / "b/two.MP3"))
    (letter,) = letters(str(tmp_path) + "/")
    assert letter.reason == "transcript-missing"
    assert "alone.wav" in letter.message
    write(tmp_path / "one.de.vtt", "WEBVTT")
    for name in ("README.md", "LICENSE.txt", "b/Licence.md", "stats.json", "index.html"):
        write(tmp_path / name, "About the corpus.")
    assert texts_without_audio(str(tmp_path)) == ["notes.txt"]
    write(tmp_path / "one.json", "{}")
    assert texts_without_audio(str(tmp_path)) == ["notes.txt", "stats.json"]
    assert texts_without_audio(write(tmp_path / "manifest.jsonl", "{}")) == []


def test_texts_may_stand_in_a_folder_of_their_own(tmp_path: Path) -> None:
    for name, content in (
        ("audio/a.mp3", ""),
        ("audio/b/c.flac", ""),
        ("text/a.en.txt", "A."),
        ("text/c.lab", "C."),
    ):
        write(tmp_path / name, content)
    write(tmp_path / "text/a.txt", "An A.")
    write(tmp_path / "text/README.md", "About.")
    found = recordings(str(tmp_path))
    assert [(one.id, one.text) for one in found] == [("audio/a", "A."), ("audio/b/c", "C.")]
    assert [[other.text for other in one.others] for one in found] == [["An A."], []]
    assert texts_without_audio(str(tmp_path)) == []
    # Two of one name: nothing says whose the text is.
    write(tmp_path / "audio/b/a.flac", "")
    assert reasons(str(tmp_path)) == ["transcript-missing", "transcript-missing", ""]


def test_two_audio_files_of_one_stem_are_duplicates(tmp_path: Path) -> None:
    for name in ("a.flac", "a.wav"):
        write(tmp_path / name, b"")
    write(tmp_path / "a.txt", "A.")
    assert reasons(str(tmp_path)) == ["", "duplicate-id"]


def test_a_transcript_may_name_its_language_and_a_near_miss_is_named(tmp_path: Path) -> None:
    for name in ("talk.wav", "Panel 1.mp3", "other.flac"):
        write(tmp_path / name, b"")
    write(tmp_path / "talk.en.vtt", "WEBVTT\n\n00:01.000 --> 00:02.000\nHello.\n")
    write(tmp_path / "panel_1.txt", "Hi.")
    by_id = {one.id: one for one in read_manifest(str(tmp_path)) if isinstance(one, Recording)}
    assert list(by_id) == ["talk"]
    assert by_id["talk"].text == "Hello."
    said = {letter.message.rpartition(")")[2] for letter in letters(str(tmp_path))}
    assert said == {"; is panel_1.txt meant?", ""}
