"""Transcripts as recognisers, subtitle editors, annotation tools and publishers write them."""

from __future__ import annotations

import io
import json
import random
import time
import zipfile
from pathlib import Path

import docx
import pympi
import pysubs2
import pytest

from prep_corpus.align.errors import RecordingError, TranscriptMalformed
from prep_corpus.align.offsets import OffsetMap
from prep_corpus.align.transcripts.formats import ENDINGS, NOT_READ, decode, format_of, parse
from prep_corpus.align.transcripts.pieces import Selection, Transcript

TIMED = [
    (0.0, 4.4, 'It\'s no better than a "badger" hole.'),
    (4.8, 8.25, "Very glad, she said — née Åsa."),
    (8.7, 14.0, "Tom & Jerry."),
]
TEXT = "\n".join(text for _, _, text in TIMED)


def whisper(**more: object) -> str:
    segments = [{"id": n, "start": a, "end": b, "text": f" {t}", **more} for n, (a, b, t) in enumerate(TIMED)]
    return json.dumps(
        {"text": " ".join(t for _, _, t in TIMED), "segments": segments, "language": "en"}, indent=1
    )


def whisper_cpp() -> str:
    entries = [
        {"offsets": {"from": round(a * 1000), "to": round(b * 1000)}, "text": f" {t}"} for a, b, t in TIMED
    ]
    return json.dumps(
        {"systeminfo": "", "result": {"language": "en"}, "transcription": entries}, ensure_ascii=False
    )


def pipeline() -> str:
    return json.dumps({"text": TEXT, "chunks": [{"timestamp": [a, b], "text": f" {t}"} for a, b, t in TIMED]})


def pipeline_words() -> str:
    words = [(a + n * 0.3, w) for a, _, t in TIMED for n, w in enumerate(t.split())]
    return json.dumps(
        {"text": TEXT, "chunks": [{"text": f" {w}", "timestamp": [a, a + 0.2]} for a, w in words]}
    )


def json3() -> str:
    events: list[dict[str, object]] = [{"tStartMs": 0, "dDurationMs": 99000, "id": 1, "wpWinPosId": 1}]
    for a, b, t in TIMED:
        words = t.split(" ")
        segments = [{"utf8": w if n == 0 else f" {w}", "tOffsetMs": 9 * n} for n, w in enumerate(words)]
        events.append({"tStartMs": round(a * 1000), "dDurationMs": round((b - a) * 1000), "segs": segments})
        events.append(
            {"tStartMs": round(b * 1000), "dDurationMs": 10, "aAppend": 1, "segs": [{"utf8": "\n"}]}
        )
    return json.dumps({"wireMagic": "pb3", "events": events})


def aeneas() -> str:
    return json.dumps(
        {
            "fragments": [
                {"begin": f"{a:.3f}", "end": f"{b:.3f}", "id": "f", "lines": [t]} for a, b, t in TIMED
            ]
        }
    )


def escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace('"', "&quot;")


def ttml() -> str:
    lines = [f'<p begin="{a}s" end="{b}s">{escaped(t).replace(" she", "<br/>she")}</p>' for a, b, t in TIMED]
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n<tt xmlns="http://www.w3.org/ns/ttml" xml:lang="en">\n'
        "<head><metadata><desc>not said</desc></metadata></head>\n<body><div>\n"
        + "\n".join(lines)
        + "\n</div></body></tt>"
    )


def srv1() -> str:
    lines = [f'<text start="{a}" dur="{b - a:.3f}">{escaped(escaped(t))}</text>' for a, b, t in TIMED]
    return '<?xml version="1.0" encoding="utf-8" ?><transcript>' + "".join(lines) + "</transcript>"


def srv3() -> str:
    lines = []
    for a, b, t in TIMED:
        words = "".join(f'<s t="9" ac="0">{escaped(w)} </s>' for w in t.split())
        lines.append(f'<p t="{round(a * 1000)}" d="{round((b - a) * 1000)}" w="1">{words}</p>')
        lines.append(f'<p t="{round(b * 1000)}" d="10" a="1">\n</p>')
    return '<timedtext format="3"><head><pen id="1"/></head><body>' + "\n".join(lines) + "</body></timedtext>"


def trs() -> str:
    syncs = "\n".join(
        f'<Sync time="{a}"/>\n{escaped(t)}\n<Event desc="b" type="noise" extent="instantaneous"/>'
        for a, _, t in TIMED
    )
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE Trans SYSTEM "trans-14.dtd">\n<Trans scribe="x">\n'
        '<Speakers>\n<Speaker id="spk1" name="Ann"/>\n</Speakers>\n'
        '<Episode><Section type="report" startTime="0" endTime="14">\n'
        f'<Turn speaker="spk1" startTime="0" endTime="14.0">\n{syncs}\n</Turn></Section>\n'
        '<Section type="nontrans" startTime="14" endTime="20"><Turn startTime="14" endTime="20">music</Turn></Section>'
        "</Episode></Trans>"
    )


def sbv() -> str:
    clock = lambda s: f"0:00:{s:06.3f}"  # noqa: E731
    return "\r\n\r\n".join(f"{clock(a)},{clock(b)}\r\n{t}" for a, b, t in TIMED) + "\r\n"


def ctm() -> str:
    words = [(a + n * 0.3, w) for a, _, t in TIMED for n, w in enumerate(t.split())]
    return ";; made by hand\n" + "".join(f"talk A {a:.2f} 0.20 {w} 0.9\n" for a, w in words)


def by_pysubs2(kind: str) -> str:
    subs = pysubs2.SSAFile()
    for a, b, t in TIMED:
        subs.append(
            pysubs2.SSAEvent(
                start=round(a * 1000),
                end=round(b * 1000),
                text="{\\i1}" + t.replace(", ", ",\\N"),
                name="Ann",
            )
        )
    return subs.to_string(kind, fps=25)


def eaf(folder: Path) -> str:
    made = pympi.Elan.Eaf(author="x")
    made.remove_tier("default")
    for tier in ("Ann", "Bob"):
        made.add_tier(tier, part=tier)
    for number, (a, b, t) in enumerate(TIMED):
        made.add_annotation(("Ann", "Bob")[number % 2], round(a * 1000), round(b * 1000), t)
    made.to_file(str(folder / "made.eaf"))
    return (folder / "made.eaf").read_text(encoding="utf-8")


CHAT = (
    "@UTF8\n@Begin\n@Languages:\teng\n@Participants:\tCHI Ann Child, MOT Mother\n"
    '*CHI:\tIt\'s no better than a "badger" hole . \x150_4400\x15\n%mor:\tpro|it~v|be&3S\n'
    "*MOT:\tVery [*] glad, <she she> [/] she said (.)\n\t&=laughs +... \x154800_8250\x15\n"
    "*CHI:\t&-uh Tom@f (be)cause xxx & Jerry . \x158700_14000\x15\n@End\n"
)

FILES = {
    "a.json": whisper(), "openai.json": whisper(avg_logprob=-0.3, words=[]),
    "whisperx.json": whisper(speaker="SPEAKER_00"),
    "cpp.json": whisper_cpp(), "pipeline.json": pipeline(), "a.json3": json3(), "aeneas.json": aeneas(),
    "a.tsv": "start\tend\ttext\n" + "".join(f"{round(a * 1000)}\t{round(b * 1000)}\t{t}\n" for a, b, t in TIMED),
    "a.ttml": ttml(), "a.srv1": srv1(), "a.srv3": srv3(), "a.trs": trs(), "a.sbv": sbv(),
    "a.lrc": "[ti:x]\n" + "".join(f"[00:{a:05.2f}]{t}\n" for a, _, t in TIMED),
    "a.ass": by_pysubs2("ass"), "a.ssa": by_pysubs2("ssa"), "a.sub": by_pysubs2("microdvd"),
    "labels.txt": "".join(f"{a:.6f}\t{b:.6f}\t{t}\n" for a, b, t in TIMED),
}  # fmt: skip


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
