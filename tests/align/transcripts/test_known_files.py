"""Transcripts as recognisers, subtitle editors, annotation tools and publishers write them."""

from __future__ import annotations

import io
import json
import random
import time
import zipfile
from pathlib import Path

import docx
import pytest
from support.known_files import (
    CHAT,
    FILES,
    TEXT,
    TIMED,
    ctm,
    eaf,
    pipeline_words,
    trs,
    ttml,
)

from prep_corpus.align.errors import RecordingError, TranscriptMalformed
from prep_corpus.align.offsets import OffsetMap
from prep_corpus.align.transcripts.formats import ENDINGS, NOT_READ, decode, format_of, parse
from prep_corpus.align.transcripts.pieces import Selection, Transcript


def said(transcript: Transcript) -> str:
    return " ".join(transcript.text.split())


def check_places(transcript: Transcript) -> None:
    """Every character stands in its span of the file, or what is there is a reference, an escape or a break."""
    starts, ends = transcript.starts_N, transcript.ends_N
    assert OffsetMap.of_flat(transcript.offsets.flat()) == transcript.offsets
    assert len(starts) == len(ends) == len(transcript.text)
    for at, character in enumerate(transcript.text):
        source = transcript.original[starts[at] : ends[at]]
        assert character == source or character.isspace() or source[:1] in ("&", "\\", "‡", "„"), (
            at,
            character,
            source,
        )


@pytest.mark.parametrize("name", FILES)
def test_text_times_and_places(name: str) -> None:
    transcript = parse(FILES[name], name=name)
    check_places(transcript)
    assert said(transcript) == " ".join(TEXT.split())
    assert [cue.start_seconds for cue in transcript.cues] == pytest.approx([a for a, _, _ in TIMED], abs=0.03)
    if not name.endswith(("lrc", "trs")):  # each ends where the next begins
        assert [cue.end_seconds for cue in transcript.cues] == pytest.approx(
            [b for _, b, _ in TIMED], abs=0.03
        )
    assert not transcript.problems


@pytest.mark.parametrize("name", [name for name in FILES if name not in ("a.sub", "a.ssa")])
def test_a_text_file_that_is_of_a_known_format_inside_is_read_as_such(name: str) -> None:
    assert parse(FILES[name], name="a.txt").text == parse(FILES[name], name=name).text


def test_speakers_are_named() -> None:
    def speakers(name: str, original: str) -> list[str | None]:
        return [cue.speaker for cue in parse(original, name=name).cues]

    assert speakers("a.json", FILES["whisperx.json"]) == ["SPEAKER_00"] * 3
    assert speakers("a.trs", FILES["a.trs"]) == ["Ann"] * 3
    assert speakers("a.ass", FILES["a.ass"]) == ["Ann"] * 3
    assert speakers("a.cha", CHAT) == ["CHI Ann", "MOT", "CHI Ann"]
    words = [
        {"word": w, "start": n, "end": n + 1, "speaker": s}
        for n, (w, s) in enumerate((("Hi.", "A"), ("Yes,", "B"), ("so", None)))
    ]
    mixed = json.dumps({"segments": [{"start": 0, "end": 3, "text": " Hi. Yes, so", "words": words}]})
    assert speakers("a.json", mixed) == ["A", "B"]
    agents = (
        ttml()
        .replace("<metadata>", '<metadata><agent xml:id="x"><name>Ann</name></agent>')
        .replace("<div>", '<div agent="x">')
    )
    assert speakers("a.ttml", agents) == ["Ann"] * 3
    assert parse(agents, name="a.ttml").text == parse(ttml(), name="a.ttml").text


def test_chat_is_read_as_it_is_spoken() -> None:
    transcript = parse(CHAT, name="a.cha")
    assert transcript.text.splitlines() == [
        'It\'s no better than a "badger" hole .', "Very glad, she she she said", "uh Tom cause & Jerry ."
    ]  # fmt: skip
    assert [(cue.start_seconds, cue.end_seconds) for cue in transcript.cues] == [
        (0, 4.4),
        (4.8, 8.25),
        (8.7, 14),
    ]
    twice = "@Begin\n*A:\tone two \x150_900\x15 three . \x15900_1500\x15\n"
    assert [cue.end_seconds for cue in parse(twice, name="a.cha").cues] == [0.9, 1.5]


def test_tiers_of_elan_are_speakers(tmp_path: Path) -> None:
    original = eaf(tmp_path)
    transcript = parse(original, name="a.eaf")
    check_places(transcript)
    assert transcript.text == TEXT
    assert [cue.speaker for cue in transcript.cues] == ["Ann", "Bob", "Ann"]
    one = parse(original, name="a.eaf", selection=Selection(tiers=("Bob",)))
    assert one.text == TIMED[1][2]
    with pytest.raises(TranscriptMalformed, match="there must be tiers Eve"):
        parse(original, name="a.eaf", selection=Selection(tiers=("Eve",)))


def marked(ending: str) -> str:
    """Three cues in which ">>" says that another speaks; the second begins in the middle of a turn."""
    texts = (">> Good morning. >> Morning!", "How are you?", ">>> Fine & well.")
    if ending == "json3":
        events = [
            {"tStartMs": 1000 * at, "dDurationMs": 900, "segs": [{"utf8": text}]}
            for at, text in enumerate(texts)
        ]
        return json.dumps({"events": events})
    if ending == "sbv":
        return "\n\n".join(f"0:00:0{at}.000,0:00:0{at}.900\n{text}" for at, text in enumerate(texts)) + "\n"
    escaped = [text.replace("&", "&amp;").replace(">", "&gt;") for text in texts]
    if ending == "srv3":
        lines = [f'<p t="{1000 * at}" d="900">{text}</p>' for at, text in enumerate(escaped)]
        return f"<timedtext><body>{''.join(lines)}</body></timedtext>"
    lines = [f'<p begin="{at}s" end="{at}.9s">{text}</p>' for at, text in enumerate(escaped)]
    return f'<tt xmlns="http://www.w3.org/ns/ttml"><body><div>{"".join(lines)}</div></body></tt>'


@pytest.mark.parametrize("ending", ["ttml", "sbv", "json3", "srv3"])
def test_marks_of_another_speaker_part_turns(ending: str) -> None:
    transcript = parse(marked(ending), name=f"a.{ending}")
    check_places(transcript)
    assert transcript.text == "Good morning. Morning!\nHow are you?\nFine & well."
    assert [
        (turn.speaker, transcript.text[turn.char_start : turn.char_end].strip()) for turn in transcript.turns
    ] == [
        ("", "Good morning."),
        ("", "Morning!\nHow are you?"),
        ("", "Fine & well."),
    ]
    assert [cue.start_seconds for cue in transcript.cues] == [0, 1, 2]


def test_the_speakers_of_a_ctm_are_its_eighth_column() -> None:
    names = ("Ann", "Ann", "null", "Bo")
    lines = [f"t 1 {at}.0 0.5 word{at} 0.9 lex {name}\n" for at, name in enumerate(names)]
    transcript = parse("".join(lines), name="a.ctm")
    assert [
        (turn.speaker, transcript.text[turn.char_start : turn.char_end]) for turn in transcript.turns
    ] == [
        ("Ann", "word0 word1"),
        ("Bo", "word3"),
    ]
    assert parse("t 1 0.0 0.5 word 0.9\n", name="a.ctm").turns == ()


def test_words_with_times_become_lines() -> None:
    for name, original in (("a.ctm", ctm()), ("words.json", pipeline_words())):
        transcript = parse(original, name=name)
        check_places(transcript)
        assert said(transcript) == " ".join(TEXT.split())
        assert len(transcript.cues) == 3
    with pytest.raises(TranscriptMalformed, match="text_recording in the manifest"):
        parse(ctm() + "other A 0.1 0.2 word\n", name="a.ctm")
    both = ctm() + "talk B 0.1 0.2 other\n"
    assert parse(both, name="a.ctm", selection=Selection(channel="B")).text == "other"
    choice = "".join(
        f"t 1 0.0 0.1 {word}\n" for word in ("<ALT_BEGIN>", "um", "<ALT>", "uh", "<ALT_END>", "yes")
    )
    assert parse(choice, name="a.ctm").text == "um yes"


def test_a_word_document_is_read_with_what_was_inserted(tmp_path: Path) -> None:
    document = docx.Document()
    for _, _, text in TIMED:
        document.add_paragraph(text)
    document.save(str(tmp_path / "a.docx"))
    content = (tmp_path / "a.docx").read_bytes()
    original = decode(content, name="a.docx")
    assert parse(original, name="a.docx").text == TEXT
    changed = original.replace(
        "<w:t>Tom &amp; Jerry.</w:t></w:r>",
        "<w:t>Tom &amp; Jerry</w:t></w:r><w:ins><w:r><w:t> came</w:t></w:r></w:ins><w:del><w:r><w:delText> went"
        "</w:delText></w:r></w:del><w:r><w:t>.</w:t></w:r>",
    )
    assert changed != original
    transcript = parse(changed, name="a.docx")
    check_places(transcript)
    assert transcript.text.splitlines()[-1] == "Tom & Jerry came."


def epub() -> bytes:
    page = (
        '<?xml version="1.0"?><!DOCTYPE html><html xmlns:epub="e"><head><title>no</title></head>'
        "<body>{}</body></html>"
    )
    chapters = {
        "two.xhtml": '<p>Very glad,<span epub:type="pagebreak" id="p2">2</span> she said.</p>',
        "one.xhtml": '<h1>One</h1><p>It was so<a epub:type="noteref" href="#n">1</a>.</p>'
        '<aside epub:type="footnote"><p>A note.</p></aside>',
        "toc.xhtml": "<nav><p>contents</p></nav>",
    }  # fmt: skip
    items = "".join(
        f'<item id="i{n}" href="{path}" media-type="application/xhtml+xml" properties="{path[:3]}"/>'
        for n, path in enumerate(chapters)
    ).replace('"toc"', '"nav"')
    spine = "".join(f'<itemref idref="i{n}"/>' for n in (2, 1, 0))
    package = f"<package><manifest>{items}</manifest><spine>{spine}</spine></package>"
    container = '<container><rootfiles><rootfile full-path="OEBPS/book.opf"/></rootfiles></container>'
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("mimetype", "application/epub+zip")
        archive.writestr("META-INF/container.xml", container)
        archive.writestr("OEBPS/book.opf", package)
        for path, body in chapters.items():
            archive.writestr(f"OEBPS/{path}", page.format(body))
    return file.getvalue()


def test_a_book_is_read_in_the_order_of_its_spine_without_notes_and_page_marks() -> None:
    original = decode(epub(), name="b.epub")
    transcript = parse(original, name="b.epub")
    check_places(transcript)
    assert transcript.text.splitlines() == ["One", "It was so.", "Very glad, she said."]


def test_an_archive_larger_than_its_bound_is_refused() -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("word/document.xml", bytes(65 << 20))
    with pytest.raises(TranscriptMalformed, match="at most 64 MiB"):
        decode(file.getvalue(), name="a.docx")
    with pytest.raises(TranscriptMalformed, match="must be a ZIP archive"):
        decode(b"no archive", name="a.epub")


def test_xml_may_declare_an_encoding_and_no_entities() -> None:
    latin = trs().replace("UTF-8", "ISO-8859-1").replace("—", "-").encode("latin-1")
    assert "née Åsa" in parse(decode(latin, name="a.trs"), name="a.trs").text
    declared = '<!DOCTYPE tt [<!ENTITY a "b">]><tt><body><div><p>x &a;</p></div></body></tt>'
    with pytest.raises(TranscriptMalformed, match="declares entities"):
        parse(declared, name="a.ttml")
    deep = "<tt>" + "<div>" * 200 + "</div>" * 200 + "</tt>"
    with pytest.raises(TranscriptMalformed, match="at most 100 levels"):
        parse(deep, name="a.ttml")
    with pytest.raises(TranscriptMalformed, match="at most 100 levels"):
        parse("[" * 5000 + "]" * 5000, name="a.json")


@pytest.mark.parametrize("ending", sorted(NOT_READ))
def test_what_is_not_read_is_refused_by_name_with_the_way_out(ending: str) -> None:
    assert ending not in ENDINGS
    with pytest.raises(TranscriptMalformed, match=rf"format \{ending} are not read: \w"):
        parse("anything", name=f"talk{ending}")


@pytest.mark.parametrize(
    ("name", "original", "rule"),
    [
        ("a.txt", "<w a='1'>so</w>\n" * 40, "markup"),
        ("a.lab", "0:01\nhello there\n0:04\nhow are you\n0:09\nfine\n", "are times"),
        ("a.json", '{"name": "x"}', "must have segments"),
        ("a.txt", '{"name": ["x"]}', "must have segments"),
        ("a.json", '{"text": "x"', "valid JSON"),
        ("a.xml", "<feed><p>x</p></feed>", "root of this one is <feed>"),
        ("a.xml", "<smil/>", "must have the ending .smil"),
        ("a.tsv", "0\t1\tx\n", "must begin with the columns"),
    ],
)  # fmt: skip
def test_what_is_no_transcript_is_refused(name: str, original: str, rule: str) -> None:
    with pytest.raises(TranscriptMalformed, match=rule):
        parse(original, name=name)


@pytest.mark.parametrize(
    "original", ['{"segments": [], "language": "en"}', '{"text": "", "segments": []}', '{"chunks": []}']
)
def test_a_recogniser_that_has_heard_nothing_leaves_an_empty_text(original: str) -> None:
    assert parse(original, name="a.json").text == ""


@pytest.mark.parametrize(
    "text",
    [
        "[Music] Hello there.\nAnd so on.",
        "At 10:30 we left.\n10:45\nThen home.",
        "a < b and c > d",
        "{sic} he said",
        "1\n2\n3\nfour",
    ],
)
def test_what_people_write_stays_plain_text(text: str) -> None:
    assert format_of("a.txt", text) == "text"
    assert parse(text, name="a.txt").text == text


@pytest.mark.parametrize("name", [*FILES, "a.cha", "a.ctm", "b.epub"])
def test_damaged_files_are_read_or_refused_in_a_moment(name: str) -> None:
    draw = random.Random(name)
    whole = epub() if name == "b.epub" else {**FILES, "a.cha": CHAT, "a.ctm": ctm()}[name].encode()
    for _ in range(500):
        content = bytearray(whole)
        for _ in range(draw.randint(1, 6)):
            at, width = draw.randrange(len(content)), draw.randint(1, 30)
            kind = draw.randrange(4)
            if kind == 0:
                content[at] ^= 1 << draw.randrange(8)
            elif kind == 1:
                del content[at : at + width]
            elif kind == 2:
                content[at:at] = content[at : at + width] * draw.randint(1, 9)
            else:
                content[at : at + width] = bytes(draw.randrange(256) for _ in range(width))
            content = content or bytearray(b" ")
        began = time.process_time()
        try:
            transcript = parse(decode(bytes(content), name=name), name=name)
        except RecordingError:
            pass
        else:
            assert (transcript.starts_N <= transcript.ends_N).all()
        assert time.process_time() - began < 2
