"""Transcripts of manifest entries: several of them, parts of files, and the text of what is rejected."""

from __future__ import annotations

import gzip
import os
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from support.entries import bad, good, read

from prep_corpus.align.aligner import read_text
from prep_corpus.align.errors import DeadLetter
from prep_corpus.align.recordings import Recording
from prep_corpus.align.transcripts.pieces import EVERYTHING
from prep_corpus.align.transcripts.versions import file_span
from prep_corpus.pipeline.apart.parsing import Parser, parsed
from prep_corpus.pipeline.inputs.bundles import ProbedRecording, read_bundle, write_bundle
from prep_corpus.pipeline.inputs.manifests import read_manifest
from prep_corpus.pipeline.storage.stage_store import Store

SRT = "1\n00:00:01,000 --> 00:00:02,000\nTom &amp; I.\n\n2\n00:00:03,000 --> 00:00:04,000\nYes.\n"
STM = (
    "one A ann 0.0 1.0 hello\none B bob 1.0 2.0 hi there\ntwo 1 eve 0.0 1.0 from two\n"
    "three 1 eve 0.0 1.0 from three\n"
)


def test_several_transcripts_of_one_recording(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("Tom and me.")
    (tmp_path / "a.srt").write_text(SRT)
    (tmp_path / "a.vtt").write_text("not at all")
    (tmp_path / "again.txt").write_text("Tom & I.\nYes.")
    paths = ["a.txt", "again.txt", "nowhere.txt", "a.srt", "a.vtt"]
    entries = [
        {"audio_filepath": f"{name}.wav", "text_filepath": text}
        for name, text in (("a", paths), ("b", "a.txt"))
    ]
    recording, plain = good(read(tmp_path, *entries))
    assert [Path(version.name).name for version in plain.versions] == ["a.txt"]
    # The same text twice counts once, with its cues.
    assert [version.text for version in recording.versions] == ["Tom and me.", "Tom & I.\nYes."]
    assert [Path(version.name).name for version in recording.versions] == ["a.txt", "a.srt"]
    assert recording.read_characters == 11 + 13
    missing, malformed = recording.lost
    assert "there must be a transcript at" in missing
    assert "must begin with WEBVTT" in malformed
    chosen = recording.version(1)
    assert (chosen.text, [other.text for other in chosen.others]) == ("Tom & I.\nYes.", ["Tom and me."])
    assert chosen.read_characters == recording.read_characters
    assert [cue.start_seconds for cue in chosen.source.cues] == [1.0, 3.0]  # type: ignore[union-attr]


SMIL = (
    '<smil><body>\n<par><text src="page.xhtml#one"/><audio src="a.mp3" clipBegin="1s" clipEnd="2s"/></par>\n'
    '<par><text src="text/two.xhtml#two"/><audio src="b.mp3" clipBegin="0s" clipEnd="1s"/></par>\n</body></smil>'
)


def test_the_documents_of_a_smil_file_are_read_with_it(tmp_path: Path) -> None:
    (tmp_path / "text").mkdir()
    (tmp_path / "talk.smil").write_text(SMIL)
    page = tmp_path / "page.xhtml"
    page.write_text('<p id="one">Tom &amp; I.</p>')
    (tmp_path / "text/two.xhtml").write_text('<p id="two">Yes.</p>')
    entries = [{"audio_filepath": f"{name}.wav", "text_filepath": "talk.smil"} for name in "ab"]
    first, second = good(read(tmp_path, *entries))
    # Each has the clips of its own audio.
    assert [one.versions[0].text for one in (first, second)] == ["Tom & I.", "Yes."]
    source = first.versions[0].source
    assert source is not None
    assert [(cue.start_seconds, cue.end_seconds) for cue in source.cues] == [(1.0, 2.0)]
    assert file_span(source, 0, 8) == (12, 24)
    # A document that changes is another transcript, be it only in its places.
    page.write_text('<p id="one">Tom &amp; you.</p>')
    assert good(read(tmp_path, *entries))[0].versions[0].text == "Tom & you."
    page.write_text('<h1>One</h1><p id="one">Tom &amp; I.</p>')
    moved = good(read(tmp_path, *entries))[0].versions[0]
    assert moved.text == "Tom & I."
    assert moved != first.versions[0]
    # One that is missing, or a link to elsewhere, costs its recording alone.
    page.unlink()
    entries.append({"audio_filepath": "c.wav", "text": "Hello."})
    for reason, rule in (
        ("transcript-missing", "but there is no page.xhtml"),
        ("transcript-malformed", "is a link out"),
    ):
        (letter, _, hello) = read(tmp_path, *entries)
        assert isinstance(letter, DeadLetter)
        assert isinstance(hello, Recording)
        assert letter.reason == reason
        assert "m.jsonl:1: recording 'a'" in letter.message
        assert (
            "talk.smil: line 2: <text> must name a document in the folder of the SMIL file" in letter.message
        )
        assert rule in letter.message
        assert "put it there" in letter.message
        page.unlink(missing_ok=True)
        page.symlink_to("/etc/hostname")


def smil_of(*sources: str, head: str = "", inner: str = "") -> str:
    pars = "".join(f'<par><text src="{source}"/></par>' for source in sources)
    return f"{head}<smil><body>{inner or pars}</body></smil>"


OUTSIDE = '<!DOCTYPE smil [<!ENTITY out SYSTEM "file:///etc/hostname">]>'
REFUSED = {
    "fifo": (smil_of("fifo.xhtml"), "it is a pipe, socket or device"),
    "link": (smil_of("link.xhtml"), "link.xhtml is a link out of it"),
    "loop": (smil_of("loop.xhtml"), "there is no loop.xhtml that can be read"),
    "folder": (smil_of("text.xhtml"), "Is a directory"),
    "deep": (smil_of(inner="<seq>" * 5000 + "</seq>" * 5000), "levels deep"),
    "many": (smil_of(*(f"{n}.xhtml" for n in range(1001))), "at most 1000 documents, and names 1001"),
    "absent": (smil_of("absent.xhtml"), "there is no absent.xhtml that can be read"),
    "fragment": (smil_of("page.xhtml#two"), "page.xhtml has none with the id 'two'"),
    "entity": (smil_of("page.xhtml", head=OUTSIDE, inner="&out;"), "entity"),
    "absolute": (smil_of("/etc/page.xhtml"), "its src is '/etc/page.xhtml'"),
    "web": (smil_of("http://example.org/page.xhtml"), "its src is 'http://example.org/page.xhtml'"),
    "above": (smil_of("../page.xhtml"), "its src is '../page.xhtml'"),
}


def test_what_smil_files_name_elsewhere_is_refused_by_name(tmp_path: Path) -> None:
    folder = tmp_path / "book"
    (folder / "text.xhtml").mkdir(parents=True)
    (tmp_path / "page.xhtml").write_text('<p id="one">Secret.</p>')
    (folder / "page.xhtml").write_text('<p id="one">Hello.</p>')
    os.mkfifo(folder / "fifo.xhtml")
    (folder / "link.xhtml").symlink_to("../page.xhtml")
    (folder / "loop.xhtml").symlink_to("loop.xhtml")
    for name, (content, _) in REFUSED.items():
        (folder / f"{name}.smil").write_text(content)
    entries = [{"audio_filepath": f"{name}.wav", "text_filepath": f"{name}.smil"} for name in REFUSED]
    letters = bad(read(folder, *entries))
    told = {
        name: (
            letter.reason.startswith("transcript-")
            and f"recording {name!r}" in letter.message
            and rule in letter.message
        )
        or (letter.reason, letter.message)
        for letter, (name, (_, rule)) in zip(letters, REFUSED.items())
    }
    assert told == dict.fromkeys(REFUSED, True)


def test_overlays_of_an_unpacked_epub_name_any_of_its_documents(tmp_path: Path) -> None:
    book = tmp_path / "shelf/book"
    for name in ("META-INF", "EPUB/smil", "EPUB/text"):
        (book / name).mkdir(parents=True)
    (tmp_path / "shelf/page.xhtml").write_text("<p>Another's.</p>")
    (book / "EPUB/text/page.xhtml").write_text('<p id="one">Hello.</p>')
    (book / "EPUB/text/link.xhtml").symlink_to("../../../page.xhtml")
    sources = ("../text/page.xhtml#one", "../../../page.xhtml", "../text/link.xhtml")
    for name, source in zip("abc", sources):
        (book / f"EPUB/smil/{name}.smil").write_text(smil_of(source))
    paths = [f"shelf/book/EPUB/smil/{name}.smil" for name in "abc"]
    entries = [{"audio_filepath": f"{name}.wav", "text_filepath": path} for name, path in zip("abc", paths)]
    assert all("META-INF/container.xml" in letter.message for letter in bad(read(tmp_path, *entries)))
    (book / "META-INF/container.xml").write_text("<container/>")
    within, beside, link = read(tmp_path, *entries)
    assert isinstance(within, Recording)
    assert within.text == "Hello."
    assert read_text(tmp_path / paths[0]).text == "Hello."
    assert "its src is '../../../page.xhtml'" in bad([beside])[0].message
    assert "is a link out of it" in bad([link])[0].message


def test_a_smil_file_is_no_larger_than_any_with_its_documents(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.smil").write_text('<smil><par><text src="page.xhtml"/></par></smil>')
    (tmp_path / "page.xhtml").write_text("<p>Hello.</p>")
    entry = {"audio_filepath": "a.wav", "text_filepath": "a.smil"}
    assert good(read(tmp_path, entry))[0].versions[0].text == "Hello."
    monkeypatch.setattr("prep_corpus.pipeline.inputs.texts.MOST_TRANSCRIPT_BYTES", 60)
    (letter,) = bad(read(tmp_path, entry))
    assert "a.smil: line 1: a transcript has at most 0 MiB with the documents that it names" in letter.message


def test_several_texts_in_the_manifest(tmp_path: Path) -> None:
    (recording,) = good(read(tmp_path, {"audio_filepath": "a.wav", "text": ["One.", " ", "Won."]}))
    assert [version.text for version in recording.versions] == ["One.", "Won."]
    assert len(recording.lost) == 1
    wrong = (
        {"audio_filepath": "a.wav", "text": ["One.", 2]},
        {"audio_filepath": "a.wav", "text_filepath": [[]]},
    )
    assert [letter.reason for letter in bad(read(tmp_path, *wrong))] == ["entry-invalid"] * 2
    (letter,) = bad(read(tmp_path, {"audio_filepath": "a.wav", "text_filepath": []}))
    assert "text_filepath must be a string, or a list of at least one string, it is []" in letter.message


def test_where_none_can_be_read_the_first_says_why(tmp_path: Path) -> None:
    (tmp_path / "a.srt").write_text("no times")
    (letter,) = bad(read(tmp_path, {"audio_filepath": "a.wav", "text_filepath": ["a.srt", "nowhere.txt"]}))
    assert letter.reason == "transcript-malformed"
    assert "m.jsonl:1: recording 'a'" in letter.message
    assert "a.srt: a SubRip file must hold lines such as" in letter.message


def test_all_transcripts_beside_a_file_of_a_folder(tmp_path: Path) -> None:
    for name in ("talk.mp3", "other.wav", "more/talk.flac", "lone.wav"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "talk.SRT").write_text(SRT)
    (tmp_path / "talk.txt").write_text("Tom and I.")
    (tmp_path / "other.md").write_text("# Other")
    (tmp_path / "more" / "talk.lab").write_text("lab")
    found = {one.id if isinstance(one, Recording) else "": one for one in read_manifest(str(tmp_path))}
    assert set(found) == {"talk", "other", "more/talk", ""}
    talk = found["talk"]
    assert isinstance(talk, Recording)
    assert [version.text for version in talk.versions] == ["Tom and I.", "Tom & I.\nYes."]
    assert found[""].reason == "transcript-missing"  # type: ignore[union-attr]


def test_timed_segments_in_the_manifest(tmp_path: Path) -> None:
    pieces = [
        {"start": 5, "end": 6.5, "text": " Second. ", "speaker": "b"},
        {"start": 1.0, "end": 0.5, "text": "First.", "id": 7},
        {"start": 8, "end": 9, "text": ""},
    ]
    (recording,) = good(read(tmp_path, {"audio_filepath": "a.wav", "segments": pieces}))
    assert recording.text == "First.\nSecond."
    assert recording.source is not None
    assert [(cue.start_seconds, cue.end_seconds, cue.speaker) for cue in recording.source.cues] == [
        (1.0, 1.0, None),
        (5.0, 6.5, "b"),
    ]
    for wrong in ("text", [5], [{"start": 1, "text": "a"}], [{"start": 1e12, "end": 2e12, "text": "a"}],
                  [{"start": True, "end": 2, "text": "a"}], [{"start": 1, "end": 10**400, "text": "a"}]):  # fmt: skip
        (letter,) = bad(read(tmp_path, {"audio_filepath": "a.wav", "segments": wrong}))
        assert letter.reason == "entry-invalid"
        assert "segments must be a list of objects" in letter.message
    # With a text of its own, an entry may have segments of any other kind.
    good(read(tmp_path, {"audio_filepath": "a.wav", "text": "t", "segments": 5}))


def test_one_file_of_segment_time_marks_for_many_recordings(tmp_path: Path) -> None:
    (tmp_path / "all.stm").write_text(STM)
    entries = [
        {"audio_filepath": "one.wav"},
        {"audio_filepath": "one.wav", "channel": 1},
        {"audio_filepath": "one.wav", "text_channel": "A", "id": "left"},
        {"audio_filepath": "x/two.flac"},
        {"audio_filepath": "y.flac", "id": "three"},
        {"audio_filepath": "z.flac", "text_recording": "two"},
    ]
    found = good(read(tmp_path, *({**entry, "text_filepath": "all.stm"} for entry in entries)))
    assert [one.text for one in found] == [
        "hello\nhi there", "hi there", "hello", "from two", "from three", "from two"
    ]  # fmt: skip
    (letter,) = bad(read(tmp_path, {"audio_filepath": "none.wav", "text_filepath": "all.stm"}))
    assert letter.reason == "transcript-malformed"
    assert "text_recording in the manifest says" in letter.message


def test_tiers_by_name(tmp_path: Path) -> None:
    fields = ['"ooTextFile"', '"TextGrid"', 0, 9, "<exists>", 2]
    for name, start, text in (("words", 0, "one"), ("Bob", 2, "two")):
        fields += ['"IntervalTier"', f'"{name}"', 0, 9, 1, start, start + 1, f'"{text}"']
    (tmp_path / "a.TextGrid").write_text("\n".join(map(str, fields)))
    tiers = [None, "Bob", ["Bob", "words"]]
    entries = ({"audio_filepath": "a.wav", "id": str(n), "text_filepath": "a.TextGrid", "text_tier": tier}
               for n, tier in enumerate(tiers))  # fmt: skip
    assert [one.text for one in good(read(tmp_path, *entries))] == ["one", "two", "one\ntwo"]


@pytest.mark.parametrize(
    "entry",
    [
        {"id": "../up", "text": "twelve chars"},
        {"id": "../up", "text_filepath": "twelve.txt"},
        {"id": "../up", "text_filepath": "twelve.srt"},
        {"id": "../up", "text": ["twelve", " chars"]},
        {"id": "../up", "segments": [{"start": 0, "end": 1, "text": "twelve chars"}]},
        {"id": "taken", "text_filepath": "twelve.txt"},
        {"id": "taken", "text_filepath": ["twelve.txt", "nowhere.txt"]},
        {"duration": -1, "text_filepath": "twelve.txt"},
        {"audio_filepath": "", "text": "twelve chars"},
        {"audio_filepath": "nowhere://a.wav", "text": "twelve chars"},
    ],
)
def test_text_of_rejected_entries_is_counted_as_read(tmp_path: Path, entry: dict[str, Any]) -> None:
    (tmp_path / "twelve.txt").write_text("twelve chars")
    (tmp_path / "twelve.srt").write_text("1\n00:00:01,000 --> 00:00:02,000\ntwelve chars\n")
    first, letter = read(
        tmp_path,
        {"audio_filepath": "a.wav", "text": "t", "id": "taken"},
        {"audio_filepath": "b.wav", **entry},
    )
    assert isinstance(first, Recording)
    assert isinstance(letter, DeadLetter)
    assert letter.read_characters == 12


def test_no_wrong_value_stops_the_count(tmp_path: Path) -> None:
    entries: list[dict[str, Any]] = [
        {"text": 5, "text_filepath": 6},
        {"text_filepath": ["nowhere.txt", 7, "a\0b", "nowhere://x.txt", "."]},
        {"segments": "x"},
        {"supervisions": {}},
        {"text": {"a": 1}, "segments": {}},
    ]
    assert [letter.read_characters for letter in bad(read(tmp_path, *entries))] == [0] * 5


def test_a_defect_of_a_parser_costs_one_recording(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(original: str, *, name: str) -> None:
        raise ZeroDivisionError(name)

    # The process that parses is another's; it is asked here what it would say.
    monkeypatch.setattr("prep_corpus.align.transcripts.subtitles.parse_srt", broken)
    answer = parsed(SRT.encode(), "a.srt", {"selection": asdict(EVERYTHING)})
    assert answer["error"] == "InternalError"
    assert "ZeroDivisionError" in answer["message"]

    def told(self: Parser, header: bytes, data: bytes) -> dict[str, Any]:
        return answer

    (tmp_path / "a.srt").write_text(SRT)
    monkeypatch.setattr(Parser, "_ask", told)
    letter, fine = read(
        tmp_path,
        {"audio_filepath": "a.wav", "text_filepath": "a.srt"},
        {"audio_filepath": "b.wav", "text": "t"},
    )
    assert isinstance(letter, DeadLetter)
    assert letter.reason == "internal-error"
    assert "ZeroDivisionError" in letter.message
    assert isinstance(fine, Recording)


def test_manifests_in_gzip(tmp_path: Path) -> None:
    (recording,) = good(read(tmp_path, {"audio_filepath": "a.wav", "text": "t"}, name="m.jsonl.gz"))
    assert recording.id == "a"
    (tmp_path / "m.csv.gz").write_bytes(gzip.compress(b"audio_filepath,text\nb.wav,t\n"))
    assert [one.id for one in good(list(read_manifest(str(tmp_path / "m.csv.gz"))))] == ["b"]


def test_a_bundle_keeps_where_transcripts_come_from(tmp_path: Path) -> None:
    (tmp_path / "a.srt").write_text(SRT)
    (tmp_path / "a.txt").write_text("Tom and I.")
    (recording,) = good(
        read(tmp_path, {"audio_filepath": "a.wav", "text_filepath": ["a.srt", "a.txt", "nowhere.txt"]})
    )
    plain = Recording(id="b", audio_uri="b.wav", text="plain")
    bundle = [ProbedRecording(recording=one, fingerprint="f", seconds=1.0) for one in (recording, plain)]
    store = Store(str(tmp_path / "work"))
    back = read_bundle(store, write_bundle(store, bundle).digest)
    assert back == bundle
    source = back[0].recording.source
    at = recording.text.index("&")
    assert SRT[slice(*file_span(source, at, at + 1))] == "&amp;"
    assert SRT[slice(*file_span(source, 0, len(recording.text)))] == SRT[SRT.index("Tom") : -1]
    assert file_span(None, 3, 5) == (3, 5)
