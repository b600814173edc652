"""SMIL: the texts of the documents that it names, in its order, with its times and the way back."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from prep_corpus.align.aligner import read_text
from prep_corpus.align.errors import TranscriptMalformed, TranscriptMissing, TranscriptNotUtf8
from prep_corpus.align.transcripts.formats import documents_of, parse
from prep_corpus.align.transcripts.pieces import EVERYTHING, Selection, Transcript

PAGE = (
    '<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE html>\n<html xmlns="http://www.w3.org/1999/xhtml" '
    'xmlns:epub="http://www.idpf.org/2007/ops">\n<head><title>Not said</title></head>\n<body>\n'
    '<h1 id="f001">Chapter <i>One</i></h1>\n<p><span id="f002">Tom &amp; Jåne<a epub:type="noteref">1</a>\n  '
    'came.</span> Unnamed. <span id="f003">Then\nwent.</span></p>\n'
    '<aside epub:type="footnote" id="n1"><p id="f004">A <b>note</b>.</p>unsaid</aside>\n'
    '<span epub:type="pagebreak" id="pg2">Page 2</span><p id="f005">Last</p>\n</body></html>\n'
)
SECOND = '<html><body><p id="f001">Another page &#8212; here.</p></body></html>'


def overlay(*pars: tuple[str, str, str, str], begin: str = "clipBegin", end: str = "clipEnd") -> str:
    """A SMIL file of (text's address, audio, start, end)."""
    return '<smil xmlns="http://www.w3.org/ns/SMIL" version="3.0"><body>\n' + "\n".join(
        f'<par><text src="{text}"/>'
        + (f'<audio src="{audio}" {begin}="{start}" {end}="{stop}"/>' if audio else "")
        + "</par>"
        for text, audio, start, stop in pars
    ) + "\n</body></smil>\n"  # fmt: skip


def read(original: str, selection: Selection = EVERYTHING, **documents: str) -> Transcript:
    pages = {"page.xhtml": PAGE, "text/two.xhtml": SECOND, **documents}
    named = documents_of(original.encode(), name="a.smil")
    found = {path: pages[path].encode() for path in named}
    return parse(original, name="a.smil", selection=selection, documents=found)


def times(transcript: Transcript) -> list[tuple[str, float, float]]:
    return [
        (transcript.text[cue.char_start : cue.char_end], cue.start_seconds, cue.end_seconds)
        for cue in transcript.cues
    ]


def test_what_aeneas_writes() -> None:
    original = (
        '<smil xmlns="http://www.w3.org/ns/SMIL" xmlns:epub="http://www.idpf.org/2007/ops" version="3.0">\n  <body>\n'
        '    <seq id="seq000001" epub:textref="page.xhtml">\n'
        + "".join(
            f'      <par id="par{n:06d}">\n        <text src="page.xhtml#f{n:03d}"/>\n        <audio src="p001.mp3" '
            f'clipBegin="00:00:{start:06.3f}" clipEnd="00:00:{end:06.3f}"/>\n      </par>\n'
            for n, start, end in ((1, 0.0, 2.64), (2, 2.64, 5.88), (3, 5.88, 9.24))
        )
        + "    </seq>\n  </body>\n</smil>"
    )
    found = read(original)
    assert found.text == "Chapter One\nTom & Jåne came.\nThen went."
    assert times(found) == [
        ("Chapter One", 0.0, 2.64), ("Tom & Jåne came.", 2.64, 5.88), ("Then went.", 5.88, 9.24)
    ]  # fmt: skip
    # The places are those of the one document.
    assert found.original == PAGE
    assert (
        PAGE[slice(*found.original_span(12, 28))]
        == PAGE[PAGE.index("Tom &amp;") : PAGE.index("</span> Unnamed")]
    )
    for at, character in enumerate(found.text):
        source = PAGE[found.starts_N[at] : found.ends_N[at]]
        assert source == character or character.isspace() or source == "&amp;"
    assert not found.problems
    machine = original.replace('"00:00:0', '"')
    assert machine != original
    assert times(read(machine)) == times(found)


def test_an_overlay_of_epub_3() -> None:
    """Nested sequences, several documents, notes and page marks that are named, a text without audio."""
    original = (
        '<smil xmlns="http://www.w3.org/ns/SMIL" xmlns:epub="http://www.idpf.org/2007/ops" version="3.0">\n'
        '<head/><body><seq epub:textref="page.xhtml#s1" epub:type="chapter"><par><text src="page.xhtml#f001"/>'
        '<audio src="audio/ch1.mp3" clipBegin="1.5s" clipEnd="0:00:03"/></par>\n'
        '<seq epub:type="footnotes"><par><text src="./page.xhtml#f004"/><audio src="audio/ch1.mp3" clipBegin="3000ms" '
        'clipEnd="npt=4.25s"/></par></seq><par epub:type="pagebreak"><text src="page.xhtml#pg2"/></par></seq>\n'
        '<par><text src="text/tw%6F.xhtml#f001"/>'
        '<audio src="audio/ch1.mp3" clipBegin="00:05" clipEnd="0.1min"/></par>\n'
        "</body></smil>"
    )
    found = read(original)
    assert found.text == "Chapter One\nA note.\nPage 2\nAnother page — here."
    assert times(found) == [
        ("Chapter One", 1.5, 3.0), ("A note.", 3.0, 4.25), ("Another page — here.", 5.0, 6.0)
    ]  # fmt: skip
    assert found.original == f"{PAGE}\n{SECOND}"
    start, end = found.original_span(found.text.index("Another"), len(found.text))
    assert found.original[start:end] == "Another page &#8212; here."
    assert documents_of(original.encode(), name="a.smil") == {"page.xhtml": 2, "text/two.xhtml": 4}


def test_a_document_without_an_element_is_read_whole() -> None:
    assert read(overlay(("text/two.xhtml", "", "", ""))).text == "Another page — here."


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        ("0:00:01.5", 1.5), ("02:30:03", 9003.0), ("50:00:10.25", 180010.25), ("02:33", 153.0), ("00:10.5", 10.5),
        ("1.5h", 5400.0), ("90min", 5400.0), ("1.5s", 1.5), ("400ms", 0.4), ("12.467", 12.467), ("npt=7.5s", 7.5),
        ("npt=0:01:00", 60.0), ("00:00:05.", 5.0),
        ("smpte=10:12:33:20", None), ("1:99", None), ("1:60:00", None), ("-1s", None), ("1:00s", None), ("", None),
        ("1e3", None), ("٣s", None),
    ],
)  # fmt: skip
@pytest.mark.parametrize("names", [("clipBegin", "clipEnd"), ("clip-begin", "clip-end")])
def test_clock_values(written: str, seconds: float | None, names: tuple[str, str]) -> None:
    original = overlay(("page.xhtml#f001", "a.mp3", written, "60h"), begin=names[0], end=names[1])
    found = read(original)
    assert found.text == "Chapter One"
    if seconds is None:
        assert found.cues == ()
        assert found.problems == (f"line 2: clipBegin is no time that can be read: {written!r}",)
    else:
        assert found.cues[0].start_seconds == pytest.approx(seconds)
        assert not found.problems


def test_clips_in_a_sequence_and_of_one_text_are_one() -> None:
    audio = '<audio src="a.mp3" clip-begin="npt={}s" clip-end="npt={}s"/>'
    text = '<par><text src="page.xhtml#f003"/>'
    daisy = f"<smil><body>{text}<seq>{audio.format(1, 2)}{audio.format(2, 3)}</seq></par></body></smil>"
    assert times(read(daisy)) == [("Then went.", 1.0, 3.0)]
    again = overlay(("page.xhtml#f003", "a.mp3", "1s", "2s"), ("page.xhtml#f003", "a.mp3", "2s", "4s"))
    assert times(read(again)) == [("Then went.", 1.0, 4.0)]


def test_a_text_is_read_once() -> None:
    pars = [("page.xhtml#f001", "", "", ""), ("page.xhtml#n1", "", "", ""), ("page.xhtml#f004", "", "", "")]
    found = read(overlay(*pars, pars[0]))
    assert found.text == "Chapter One\nA note.\nunsaid"
    assert found.problems == (
        "line 4: page.xhtml#f004 is read already, and not again",
        "line 5: page.xhtml#f001 is read already, and not again",
    )


def test_single_words_are_put_together_into_lines() -> None:
    words = "She had a book in her hand.".split()
    page = "<p>" + " ".join(f'<span id="w{n}">{word}</span>' for n, word in enumerate(words)) + "</p>"
    pars = [(f"page.xhtml#w{n}", "a.mp3", f"{n * 0.4}s", f"{n * 0.4 + 0.3}s") for n in range(len(words))]
    found = read(overlay(*pars), **{"page.xhtml": page})
    assert found.text == " ".join(words)
    assert times(found) == [(found.text, 0.0, pytest.approx(2.7))]


def test_clips_of_another_recording_are_left_out() -> None:
    pars = (
        ("page.xhtml#f001", "audio/p%31.mp3", "0s", "1s"),
        ("page.xhtml#pg2", "", "", ""),
        ("page.xhtml#f002", "p2.mp3", "0s", "1s"),
        ("page.xhtml#f003", "p2.mp3", "1s", "2s"),
    )
    assert read(overlay(*pars), Selection(recordings=("x", "p1"))).text == "Chapter One\nPage 2"
    assert read(overlay(*pars), Selection(recordings=("p2.mp3",))).text == "Tom & Jåne came.\nThen went."
    with pytest.raises(
        TranscriptMalformed, match=r"must be the recording's \(x or y\), but they are .*text_recording"
    ):
        read(overlay(*pars), Selection(recordings=("x", "y")))
    # Which of them is the recording is not known: no time is compared.
    unknown = read(overlay(*pars))
    assert (len(unknown.text.splitlines()), unknown.cues) == (4, ())
    assert unknown.problems == ("the file names 2 audio files, whose times cannot be told apart",)
    # The only audio is the recording, whatever its name.
    assert len(times(read(overlay(*pars[2:]), Selection(recordings=("x",))))) == 2


@pytest.mark.parametrize(
    "source",
    [
        "/etc/page.xhtml", "../page.xhtml", "a/../../page.xhtml", "%2e%2e/page.xhtml", "a/%2E%2E/page.xhtml",
        "file:///etc/page.xhtml", "http://example.org/page.xhtml", "//example.org/page.xhtml", "s3://a/page.xhtml",
        "C:/page.xhtml", "a\\page.xhtml", "..%5Cpage.xhtml", "data:text/html,hello", "page.xhtml?x=1", "%00page.xhtml",
        "a%23bytes=0-9/page.xhtml", "#f001", "",
    ],
)  # fmt: skip
def test_a_document_elsewhere_is_refused(source: str) -> None:
    with pytest.raises(TranscriptMalformed) as told:
        documents_of(overlay(("page.xhtml#f001", "", "", ""), (source, "", "", "")).encode(), name="a.smil")
    message = str(told.value)
    assert message.startswith(
        "a.smil: line 3: <text> must name a document in the folder of the SMIL file or below it"
    )
    assert "put it there" in message
    assert "\n" not in message


@pytest.mark.parametrize(
    ("original", "rule"),
    [
        (overlay(("page.xhtml#f999", "", "", "")), r"a\.smil: line 2: <text> must name an element .*'f999'; give the"),
        (overlay(("page.txt#f001", "", "", "")), r"a\.smil: line 2: <text> must name an XHTML document"),
        (overlay(("book.epub#f001", "", "", "")), "must name an XHTML document"),
        ("<smil><body><par/></body></smil>", "must name texts .* names none; give the document"),
        ("<tt/>", "must be <smil>, and is <tt>"),
        ("<smil>", "must be well-formed XML, but line 1"),
        (overlay(*((f"{n}.xhtml", "", "", "") for n in range(1001))), "at most 1000 documents, and names 1001"),
    ],
)  # fmt: skip
def test_what_is_refused(original: str, rule: str) -> None:
    with pytest.raises(TranscriptMalformed, match=rule):
        read(original)


def test_a_document_that_was_not_handed_over_is_told() -> None:
    with pytest.raises(TranscriptMissing, match=r"a\.smil: line 2: .*no page\.xhtml"):
        parse(overlay(("page.xhtml#f001", "", "", "")), name="a.smil")


def test_the_aligner_reads_documents_beside_the_file(tmp_path: Path) -> None:
    (tmp_path / "book").mkdir()
    (tmp_path / "book/text").mkdir()
    path = tmp_path / "book/a.smil"
    path.write_text(overlay(("page.xhtml#f001", "", "", ""), ("text/two.xhtml#f001", "", "", "")))
    (tmp_path / "book/page.xhtml").write_text(PAGE)
    with pytest.raises(TranscriptMissing, match=r"a\.smil: line 3: .*no text/two\.xhtml .*put it there"):
        read_text(path)
    (tmp_path / "two.xhtml").write_text(SECOND)
    (tmp_path / "book/text/two.xhtml").symlink_to("../../two.xhtml")
    with pytest.raises(TranscriptMalformed, match=r"a\.smil: line 3: .*is a link out of it"):
        read_text(path)
    (tmp_path / "book/text/two.xhtml").unlink()
    os.mkfifo(tmp_path / "book/text/two.xhtml")
    with pytest.raises(TranscriptMissing, match="is no regular file"):
        read_text(path)
    (tmp_path / "book/text/two.xhtml").unlink()
    (tmp_path / "book/text/two.xhtml").write_bytes(b"\xff\xfe\xff")
    with pytest.raises(TranscriptNotUtf8, match=r"a\.smil: text/two\.xhtml"):
        read_text(path)
    (tmp_path / "two.xhtml").rename(tmp_path / "book/text/two.xhtml")
    version = read_text(path)
    assert version.text == "Chapter One\nAnother page — here."
    assert version.source is not None
    assert version.source.format == "smil"
    assert version.is_script


def test_any_document_is_read_in_a_time_that_grows_with_its_length() -> None:
    """Named elements in each other, unclosed, and inside what is left out."""
    began = time.process_time()
    deep = "".join(f'<div id="i{n}"><nav>' for n in range(20_000)) + '<div id="i20000">x'
    pars = [(f"page.xhtml#i{n}", "", "", "") for n in range(20_001)]
    found = read(overlay(*pars), **{"page.xhtml": deep})
    assert found.text == "x"
    assert time.process_time() - began < 5
