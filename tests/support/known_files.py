"""One transcript in the formats of recognisers, subtitle editors and annotation tools."""

from __future__ import annotations

import json
from pathlib import Path

import pympi
import pysubs2

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
