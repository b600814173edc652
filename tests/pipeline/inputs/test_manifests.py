"""Manifests in every form, read."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.entries import json_lines, kaldi, letters, reasons, recordings, write

from prep_corpus.align.errors import DeadLetter, UsageError
from prep_corpus.align.recordings import Recording
from prep_corpus.pipeline.inputs.manifests import read_manifest
from prep_corpus.pipeline.stages.close import write_dead_letters


def test_json_lines(tmp_path: Path) -> None:
    write(tmp_path / "b.txt", "\ufeffFrom a file.\n")
    uri = json_lines(
        tmp_path / "manifest.jsonl",
        {"audio_filepath": "x/a.wav", "text": "Hello.", "duration": 3.5, "lang": "de"},
        {"audio_filepath": "/abs/b.wav", "text_filepath": "b.txt"},
        {"audio_filepath": "file:///abs/c.wav", "text": "t", "offset": 0, "duration": 2},
    )
    first, second, third = recordings(uri, language="fr")
    assert first == Recording(
        id="x/a", audio_uri=str(tmp_path / "x/a.wav"), text="Hello.", duration_seconds=3.5, language="de"
    )
    assert (second.id, second.audio_uri, second.text) == ("abs/b", "/abs/b.wav", "From a file.\n")
    assert second.language == "fr"
    assert (third.audio_uri, third.sliced) == ("/abs/c.wav", True)


@pytest.mark.parametrize("ending", ["json", "ndjson", "manifest", "JSONL"])
def test_other_endings_of_json_lines(tmp_path: Path, ending: str) -> None:
    uri = json_lines(tmp_path / f"m.{ending}", {"audio_filepath": "a.wav", "text": "t"})
    assert recordings(uri)[0].id == "a"


def test_a_byte_order_mark_windows_ends_and_empty_lines_do_not_matter(tmp_path: Path) -> None:
    line = json.dumps({"audio_filepath": "a.wav", "text": "t"})
    other = json.dumps({"audio_filepath": "b.wav", "text": "t"})
    uri = write(tmp_path / "m.jsonl", f"\ufeff{line}\r\n\r\n   \n{other}")
    assert [one.id for one in recordings(uri)] == ["a", "b"]


def test_one_bad_line_costs_itself_alone(tmp_path: Path) -> None:
    good = {"audio_filepath": "a.wav", "text": "t"}
    write(tmp_path / "latin.txt", b"caf\xe9")
    write(tmp_path / "empty.txt", " \n")
    lines = [
        json.dumps(good).encode(),
        b"{",
        b"[1]",
        b'"a"',
        b"\xff\xfe{}",
        b'{"text": "t"}',
        b'{"audio_filepath": "b.wav"}',
        json.dumps(good).encode(),
        json.dumps({**good, "id": "../x"}).encode(),
        json.dumps({"audio_filepath": "c.wav", "text": "  "}).encode(),
        json.dumps({"audio_filepath": "d.wav", "text_filepath": "latin.txt"}).encode(),
        json.dumps({"audio_filepath": "e.wav", "text_filepath": "nowhere.txt"}).encode(),
        json.dumps({"audio_filepath": "f.wav", "text_filepath": "empty.txt"}).encode(),
        json.dumps({"audio_filepath": "g.wav", "text_filepath": "."}).encode(),
        json.dumps({"audio_filepath": "h.wav", "text_filepath": "x" * 300}).encode(),
        json.dumps({"audio_filepath": "nowhere://h.wav", "text": "t"}).encode(),
        b'{"audio_filepath": "i.wav", "text": "t", "duration": NaN}',
        b"[" * 100_000,
        json.dumps({"audio_filepath": "z.wav", "text": "t"}).encode(),
    ]
    uri = write(tmp_path / "m.jsonl", b"\n".join(lines))
    assert reasons(uri) == [
        "",
        "entry-invalid",
        "entry-invalid",
        "entry-invalid",
        "entry-invalid",
        "entry-invalid",
        "entry-invalid",
        "duplicate-id",
        "id-unsafe",
        "transcript-empty",
        "transcript-not-utf8",
        "transcript-missing",
        "transcript-empty",
        "transcript-missing",
        "transcript-missing",
        "entry-invalid",
        "entry-invalid",
        "entry-invalid",
        "",
    ]
    for letter in letters(uri):
        assert letter.stage == "manifest"
        assert "m.jsonl:" in letter.message


def test_a_duplicate_id_names_both_lines_and_keeps_the_first(tmp_path: Path) -> None:
    entries = [{"audio_filepath": f"{n}.wav", "text": "t", "id": "same"} for n in range(3)]
    uri = json_lines(tmp_path / "m.jsonl", *entries)
    first, second, third = read_manifest(uri)
    assert isinstance(first, Recording)
    assert isinstance(second, DeadLetter)
    assert isinstance(third, DeadLetter)
    assert "m.jsonl:2" in second.message
    assert "m.jsonl:1" in second.message
    assert "m.jsonl:3" in third.message
    assert "m.jsonl:1" in third.message
    assert second.recording_id == "same"


def test_a_rejected_transcript_is_counted(tmp_path: Path) -> None:
    entry = {"audio_filepath": "a.wav", "text": "four", "id": "same"}
    uri = json_lines(tmp_path / "m.jsonl", entry, entry, {"audio_filepath": "b.wav", "text": "   "})
    assert [letter.read_characters for letter in letters(uri)] == [4, 3]


def test_csv_with_quotes_and_lines_inside_them(tmp_path: Path) -> None:
    uri = write(
        tmp_path / "m.csv",
        "\ufeffaudio_filepath, text,duration,speaker,extra\r\n"
        'a.wav,"He said ""no"", twice.\nThen he left.",2.5,84,x\r\n'
        "b.wav,Plain,,,\r\n"
        "\r\n"
        "c.wav,too few\r\n"
        "d.wav,t,1,,,,,\r\n"
        "e.wav,t,never,,\r\n"
        "f.wav,,1,,\r\n"
        "g.wav,Last,1,,\r\n",
    )
    found = list(read_manifest(uri))
    assert [one.id if isinstance(one, Recording) else one.reason for one in found] == [
        "a",
        "b",
        "entry-invalid",
        "entry-invalid",
        "entry-invalid",
        "transcript-empty",
        "g",
    ]
    assert isinstance(found[0], Recording)
    assert found[0].text == 'He said "no", twice.\nThen he left.'
    assert (found[0].duration_seconds, found[0].speaker) == (2.5, "84")
    # The row that spans two lines moves those after it.
    assert [one.recording_id for one in found if isinstance(one, DeadLetter)][:2] == ["m.csv:6", "m.csv:7"]


def test_tsv_takes_quotation_marks_as_they_are(tmp_path: Path) -> None:
    content = 'audio_filepath\ttext\na.wav\t"Yes," she said\nb.wav\t"\n'
    uri = write(tmp_path / "m.tsv", content)
    assert [one.text for one in recordings(uri)] == ['"Yes," she said', '"']


def test_a_table_line_that_is_not_utf8_costs_itself_alone(tmp_path: Path) -> None:
    uri = write(tmp_path / "m.csv", b"audio_filepath,text\na.wav,caf\xe9\nb.wav,t\n")
    assert reasons(uri) == ["entry-invalid", ""]


@pytest.mark.parametrize("header", ["", "path,duration", "wav,sentence", "audio_filepath", "text"])
def test_a_table_without_the_columns_is_refused_at_once(tmp_path: Path, header: str) -> None:
    uri = write(tmp_path / "m.csv", header + "\na.wav,t\n")
    with pytest.raises(UsageError, match="must name the columns"):
        read_manifest(uri)


def test_tables_of_common_voice_and_of_folders_of_audio(tmp_path: Path) -> None:
    header = "client_id\tpath\tsentence_id\tsentence\tsentence_domain\tup_votes\tage\tlocale\tsegment"
    row = 'ab\tcommon_voice_de_1.mp3\tcd\t"Ja", sagte er.\t\t2\ttwenties\tde\t'
    nameless = row.replace("common_voice_de_1.mp3", "")
    one, letter = read_manifest(write(tmp_path / "validated.tsv", f"{header}\n{row}\n{nameless}\n"))
    assert isinstance(one, Recording)
    assert isinstance(letter, DeadLetter)
    assert "needs audio_filepath" in letter.message
    assert one.audio_uri == str(tmp_path / "clips" / "common_voice_de_1.mp3")
    assert (one.text, one.speaker, one.language) == ('"Ja", sagte er.', "ab", "de")
    table = write(tmp_path / "metadata.csv", "file_name,transcription\nclips/a.wav,Yes.\n")
    lines = write(tmp_path / "metadata.jsonl", '{"file_name": "clips/a.wav", "transcription": "Yes."}\n')
    for uri in (table, lines):
        (one,) = recordings(uri)
        assert (one.id, one.audio_uri, one.text) == ("clips/a", str(tmp_path / "clips" / "a.wav"), "Yes.")
    own = '{"audio_filepath": "b.wav", "path": "a.wav", "text": "No."}\n'
    assert recordings(write(tmp_path / "own.jsonl", own))[0].audio_uri == str(tmp_path / "b.wav")


@pytest.mark.parametrize(
    "keys", [("recording_id", "start", "duration", "text"), ("sources", "sampling_rate", "num_samples")]
)
def test_of_what_lhotse_writes_beside_cuts_it_is_said_how_cuts_are_made(
    tmp_path: Path, keys: tuple[str, ...]
) -> None:
    uri = write(tmp_path / "some.jsonl", json.dumps(dict.fromkeys(("id", *keys), 1)) + "\n")
    with pytest.raises(UsageError, match="lhotse cut simple"):
        read_manifest(uri)


def test_channels_of_calls_may_be_letters(tmp_path: Path) -> None:
    segments = "".join(f"{key} r1 0 1 {channel}\n" for key, channel in zip("abc", "ABX"))
    uri = kaldi(tmp_path, wav_scp="r1 r1.wav\n", text="a one\nb two\nc three\n", segments=segments)
    found = list(read_manifest(uri))
    assert [one.channel for one in found if isinstance(one, Recording)] == [0, 1]
    assert "channel must be a whole number counted from 0, it is 'X'" in letters(uri)[0].message


@pytest.mark.parametrize(
    ("name", "content", "match"),
    [
        ("m.jsonl", '[{"audio_filepath": "a.wav", "text": "t"}]', "one object per line"),
        ("m.srt", "1\n", "'.srt' names no known form"),
        ("m", "", "names no known form"),
        ("folder/readme.md", "", "no pairs of audio and text"),
        ("folder/a.wav", "", "no pairs of audio and text"),
        ("folder/wav.scp", "a a.wav", "there is no text"),
    ],
)
def test_manifests_of_no_known_form_are_refused_at_once(
    tmp_path: Path, name: str, content: str, match: str
) -> None:
    write(tmp_path / name, content)
    with pytest.raises(UsageError, match=match):
        read_manifest(str(tmp_path / name.split("/")[0]))


@pytest.mark.parametrize("uri", ["nowhere.jsonl", "nowhere://x/m.jsonl"])
def test_a_manifest_that_is_not_there_is_refused_at_once(tmp_path: Path, uri: str) -> None:
    with pytest.raises(UsageError, match=r"no such manifest|no file system"):
        read_manifest(uri if "://" in uri else str(tmp_path / uri))


def test_an_empty_manifest_has_no_recordings(tmp_path: Path) -> None:
    assert recordings(write(tmp_path / "m.jsonl", "")) == []


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.binary(max_size=200), form=st.sampled_from(["m.jsonl", "m.csv", "m.tsv"]))
def test_no_bytes_whatever_crash_a_reader(tmp_path: Path, content: bytes, form: str) -> None:
    header = {"m.csv": b"audio_filepath,text\n", "m.tsv": b"audio_filepath\ttext\n", "m.jsonl": b""}[form]
    uri = write(tmp_path / form, header + content)
    try:
        for one in read_manifest(uri):
            assert isinstance(one, Recording | DeadLetter)
    except UsageError:
        # A JSON array, which the first byte may announce.
        assert content.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"[")


def test_real_speech(shared_dir: Path) -> None:
    found = recordings(str(shared_dir / "data" / "kathleen" / "manifest.jsonl"))
    assert len(found) > 700
    assert all(Path(one.audio_uri).is_file() for one in found[:20])
    assert found[0].text == "Not at this particular case, Tom, apologized Whittemore."


def test_subtitles_and_web_pages_give_their_words_without_times_and_tags(tmp_path: Path) -> None:
    (tmp_path / "a.srt").write_text(
        "1\n00:00:01,000 --> 00:00:02,500\nGood morning.\n\n2\n00:00:03,000 --> 00:00:04,000\n<i>How are you?</i>\n"
    )
    (tmp_path / "b.html").write_text("<html><body><p>First &amp; last.</p><script>x()</script></body></html>")
    lines = [
        {"audio_filepath": "a.wav", "text_filepath": "a.srt"},
        {"audio_filepath": "b.wav", "text_filepath": "b.html"},
    ]
    manifest = tmp_path / "manifest.jsonl"
    manifest.write_text("".join(json.dumps(line) + "\n" for line in lines))
    found = list(read_manifest(str(manifest)))
    texts = [recording.text.split() for recording in found if isinstance(recording, Recording)]
    assert texts == [["Good", "morning.", "How", "are", "you?"], ["First", "&", "last."]]


def test_no_line_stops_a_run_whatever_stands_in_it(tmp_path: Path) -> None:
    lines = [
        {"type": ["MonoCut"], "id": "a"},
        {"type": {"MonoCut": 1}, "supervisions": {}},
        {"audio_filepath": "a.wav", "text_filepath": "\ud800.txt"},
        {"audio_filepath": "a.wav", "text_filepath": ["b.txt", "\udfff.txt"]},
        {"audio_filepath": "\ud800.wav", "text": "\udfff"},
        {"audio_filepath": "good.wav", "text": "good"},
    ]
    path = tmp_path / "m.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    found = list(read_manifest(str(path)))
    assert [type(one) for one in found] == [DeadLetter] * 5 + [Recording]
    uri = str(tmp_path / "dead-letters.jsonl")
    write_dead_letters(uri, [one for one in found if isinstance(one, DeadLetter)])
    assert len(Path(uri).read_text().splitlines()) == 5


def test_a_pipe_or_device_is_refused_by_name_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.txt")
    path = tmp_path / "m.jsonl"
    lines = [
        {"id": f"talk{number}", "audio_filepath": "a.wav", "text_filepath": name}
        for number, name in enumerate(("pipe.txt", "/dev/zero"))
    ]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    for one in read_manifest(str(path)):
        assert isinstance(one, DeadLetter)
        assert one.reason == "transcript-missing"
        assert "it is a pipe, socket or device, and no regular file" in one.message


def test_a_recording_may_lack_a_transcript_only_where_that_is_asked(tmp_path: Path) -> None:
    empty = write(tmp_path / "empty.txt", "")
    entries = (
        {"audio_filepath": "a.wav"},
        {"audio_filepath": "b.wav", "text": " "},
        {"audio_filepath": "c.wav", "text_filepath": empty},
        {"audio_filepath": "d.wav", "text": "said"},
    )
    lines = json_lines(tmp_path / "m.jsonl", *entries)
    table = write(tmp_path / "m.csv", "audio_filepath,speaker\na.wav,84\n")
    folder = str(tmp_path / "folder")
    write(tmp_path / "folder" / "a.wav", b"")
    assert [one.text for one in recordings(lines, may_lack_text=True)] == ["", "", "", "said"]
    assert [(one.text, one.speaker) for one in recordings(table, may_lack_text=True)] == [("", "84")]
    assert [one.id for one in recordings(folder, may_lack_text=True)] == ["a"]
    write(tmp_path / "folder" / "b.wav", b"")
    write(tmp_path / "folder" / "b.txt", "said")
    assert {one.id: one.text for one in recordings(folder, may_lack_text=True)} == {"a": "", "b": "said"}
    assert reasons(lines) == ["entry-invalid", "transcript-empty", "transcript-empty", ""]
    assert reasons(folder) == ["transcript-missing", ""]
    with pytest.raises(UsageError, match="must name the columns"):
        read_manifest(table)
    tables = {"wav_scp": "a a.wav\nb b.wav\n", "utt2spk": "a 84\n"}
    bare, some = kaldi(tmp_path / "bare", **tables), kaldi(tmp_path / "some", text="b said\n", **tables)
    assert [(one.text, one.speaker) for one in recordings(bare, may_lack_text=True)] == [
        ("", "84"),
        ("", None),
    ]
    assert [one.text for one in recordings(some, may_lack_text=True)] == ["", "said"]
    # A file that is named has to be there.
    gone = json_lines(tmp_path / "gone.jsonl", {"audio_filepath": "a.wav", "text_filepath": "gone.txt"})
    [letter] = read_manifest(gone, may_lack_text=True)
    assert isinstance(letter, DeadLetter)
    assert letter.reason == "transcript-missing"
