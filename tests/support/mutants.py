"""Mutated inputs for every reader: audio, transcripts, entries of manifests, cuts, and documents in JSON and TOML.

Each mutant comes from a sound file and a `random.Random`, so that a seed gives the same ones again.
"""

from __future__ import annotations

import copy
import io
import json
import random
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from support.encoders import encode_av, encode_sound
from support.toy import SAMPLE_RATE_HZ, recording

TRANSCRIPTS = Path(__file__).resolve().parents[1] / "align" / "transcripts" / "transcript_files"

NASTY_VALUES: tuple[Any, ...] = (
    None, True, [], {}, "", " ", -1, 0, 1e308, float("nan"), float("inf"), 10**400, -0.5, "NaN", [[]], {"a": {}},
    "\ud800", "\x00", "../../x", "/dev/zero", "/dev/stdin", "http://127.0.0.1:9/x", "file:///etc/hostname", "x" * 5000,
    "\u202e\u0000\x1b[31m", ["a", 1, None], "💥", "999999999999999999999999", "0x10", "1e999", ".", "a/b/../c", 2**63,
)  # fmt: skip
NASTY_BYTES = (
    b"\x00" * 64, b"\xff" * 64, b"\xed\xa0\x80", b"\xef\xbb\xbf", b"\xff\xfe", b"((((((((" * 400, b"[" * 3000,
    b"<" * 2000, b"&#x110000;", b"&a;" * 99, b"<!DOCTYPE a [<!ENTITY b 'c'>]>", b"-->" * 500, b"\r" * 999, b"\n" * 5000,
    b"1,1,1,1," * 800, b"9" * 4999, b"00:00:00,000 --> 99:99:99,999\n", b"{\\an8}" * 300, b"\x1b]0;x\x07",
    "٣٤٥ १२३ ១២៣".encode(), "\u0301".encode() * 900, "ﷺ".encode() * 300, b"$" * 500, b"\t" * 700, b"1/2 " * 600,
    b"a-" * 2000, b"'" * 999, b"." * 3000, b"-1e5 " * 400, b"#" * 500, b"* " * 900, b"@" * 300, b"https://a.b/" * 200,
)  # fmt: skip


def mutated(data: bytes, chance: random.Random, others: Sequence[bytes] = ()) -> bytes:
    """The same with one to four changes.

    Args:
        data: a sound file.
        chance: of what is changed.
        others: files of which pieces may get in.
    """
    changed = bytearray(data)
    for _ in range(chance.choice((1, 1, 2, 4))):
        at = chance.randrange(len(changed) + 1)
        # Headers decide how the rest is read.
        at = at if chance.random() < 0.6 else min(at, chance.randrange(256))
        end = min(len(changed), at + chance.choice((1, 4, 64, 1024)))
        kind = chance.randrange(8)
        if kind == 0 and at < len(changed):
            changed[at] ^= 1 << chance.randrange(8)
        elif kind == 1:
            del changed[at:end]
        elif kind == 2:
            del changed[at:]
        elif kind == 3:
            changed[at:at] = changed[at:end] * chance.choice((1, 3, 50))
        elif kind == 4:
            changed[at:at] = chance.choice(NASTY_BYTES)
        elif kind == 5:
            changed[at:end] = chance.choice((b"\x00", b"\xff", b"\x7f", b" ")) * (end - at)
        elif kind == 6:
            changed[at:end] = chance.randbytes(end - at)
        elif others:
            other = chance.choice(others)
            start = chance.randrange(len(other) + 1)
            changed[at:end] = other[start : start + chance.choice((4, 64, 4096))]
    return bytes(changed)


def mutated_archive(data: bytes, chance: random.Random, others: Sequence[bytes] = ()) -> bytes:
    """The same with one of its files mutated inside, where it is a ZIP archive; else, and sometimes, as it stands."""
    if not zipfile.is_zipfile(io.BytesIO(data)) or chance.random() < 0.5:
        return mutated(data, chance, others)
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    name = chance.choice(sorted(members))
    members[name] = mutated(members[name], chance, others)
    return _zipped(members)


def mutated_value(value: Any, chance: random.Random) -> Any:
    """A JSON value in which something, somewhere, is another."""
    places = list(_places(value))
    root = [copy.deepcopy(value)]
    for path in chance.sample(places, min(len(places), chance.choice((1, 1, 2, 3)))):
        holder: Any = root
        keys = [0, *path]
        try:
            for key in keys[:-1]:
                holder = holder[key]
            old = holder[keys[-1]]
        except (KeyError, IndexError, TypeError):
            continue
        if not isinstance(holder, dict | list):
            # An earlier change has put a text there.
            continue
        kind = chance.randrange(6)
        if kind == 0 and isinstance(holder, dict):
            del holder[keys[-1]]
        elif kind == 1 and isinstance(old, str) and old:
            holder[keys[-1]] = mutated(old.encode(), chance).decode("utf-8", "surrogateescape")
        elif kind == 2:
            holder[keys[-1]] = [old]
        elif kind == 3 and isinstance(old, (int, float)) and not isinstance(old, bool):
            holder[keys[-1]] = old * chance.choice((-1, 0, 1e9, 1.0001, 1e-9))
        elif kind == 4 and isinstance(holder, dict):
            holder[chance.choice(("id", "type", "text", "offset", "x" * 99))] = chance.choice(NASTY_VALUES)
        else:
            holder[keys[-1]] = copy.deepcopy(chance.choice(NASTY_VALUES))
    return root[0]


def _places(value: Any, path: tuple[Any, ...] = ()) -> Any:
    yield path
    if isinstance(value, dict):
        for key in value:
            yield from _places(value[key], (*path, key))
    elif isinstance(value, list):
        for index in range(len(value)):
            yield from _places(value[index], (*path, index))


def mutated_document(value: Any, chance: random.Random) -> bytes:
    """A JSON document of a mutated value, sometimes mutated as bytes as well."""
    if chance.random() < 0.7:
        value = mutated_value(value, chance)
    data = json.dumps(value).encode()
    return data if chance.random() < 0.7 else mutated(data, chance)


def audio_samples(seed: int = 50) -> dict[str, bytes]:
    """A short recording in every container that is read, by the name of the file."""
    samples_N, _ = recording(seed, 1)
    samples_N = samples_N[: 3 * SAMPLE_RATE_HZ]
    wide_N = np.repeat(samples_N, 3)
    rate = SAMPLE_RATE_HZ
    two_NC = np.stack([samples_N, samples_N / 2], axis=1)
    return {
        "a.wav": encode_sound(samples_N, rate, container="WAV"),
        "float.wav": encode_sound(two_NC, rate, container="WAV", subtype="FLOAT"),
        "a.flac": encode_sound(samples_N, rate, container="FLAC"),
        "a.ogg": encode_sound(samples_N, rate, container="OGG", subtype="VORBIS"),
        "a.opus": encode_sound(wide_N, 48_000, container="OGG", subtype="OPUS"),
        "a.aiff": encode_sound(samples_N, rate, container="AIFF"),
        "a.mp3": encode_av(samples_N, rate, codec="libmp3lame", container="mp3"),
        "vbr.mp3": encode_av(samples_N, rate, codec="libmp3lame", container="mp3", vbr_quality=4),
        "a.m4a": encode_av(samples_N, rate, codec="aac", container="ipod"),
        "two.mp4": encode_av(samples_N, rate, codec="aac", container="mp4", stereo=True),
        "a.webm": encode_av(wide_N, 48_000, codec="libopus", container="webm"),
        "a.aac": encode_av(samples_N, rate, codec="aac", container="adts"),
    }


def transcript_samples(text: str) -> dict[str, bytes]:
    """A text in every format that is read, by the name of the file; the SMIL file names `page.xhtml`."""
    timed = [(n * 2.0, n * 2.0 + 1.5, line) for n, line in enumerate(text.split(". "))]
    segments = [{"start": a, "end": b, "text": line} for a, b, line in timed]
    found: dict[str, str] = {
        "a.txt": text,
        "a.json": json.dumps({"text": text, "segments": segments, "language": "en"}),
        "cpp.json": json.dumps({"transcription": [{"offsets": {"from": 0, "to": 9}, "text": text}]}),
        "pipeline.json": json.dumps(
            {"text": text, "chunks": [{"timestamp": [a, b], "text": line} for a, b, line in timed]}
        ),
        "aeneas.json": json.dumps(
            {"fragments": [{"begin": f"{a:.3f}", "end": f"{b:.3f}", "lines": [line]} for a, b, line in timed]}
        ),
        "labels.txt": "".join(f"{a:.6f}\t{b:.6f}\t{line}\n" for a, b, line in timed),
        "a.json3": json.dumps(
            {"events": [{"tStartMs": 0, "dDurationMs": 9, "segs": [{"utf8": w} for w in text.split()]}]}
        ),
        "a.tsv": "start\tend\ttext\n" + "".join(f"{a:.0f}\t{b:.0f}\t{line}\n" for a, b, line in timed),
        "a.ctm": "".join(f"talk A {n * 0.3:.2f} 0.20 {w} 0.9\n" for n, w in enumerate(text.split())),
        "a.sbv": "\n\n".join(f"0:00:{a:06.3f},0:00:{b:06.3f}\n{line}" for a, b, line in timed),
        "a.sub": "".join(f"{{{a * 25:.0f}}}{{{b * 25:.0f}}}{line}\n" for a, b, line in timed),
        "a.lrc": "[ti:x]\n" + "".join(f"[00:{a:05.2f}]{line}\n" for a, _, line in timed),
        "a.ass": "[Script Info]\n[Events]\nFormat: Layer, Start, End, Style, Name, Text\n"
        + "".join(f"Dialogue: 0,0:00:{a:05.2f},0:00:{b:05.2f},D,A,{{\\i1}}{line}\n" for a, b, line in timed),
        "a.ttml": '<?xml version="1.0"?><tt xmlns="http://www.w3.org/ns/ttml"><body><div>'
        + "".join(f'<p begin="{a}s" end="{b}s">{line}<br/></p>' for a, b, line in timed)
        + "</div></body></tt>",
        "a.srv1": '<?xml version="1.0"?><transcript>'
        + "".join(f'<text start="{a}" dur="1.5">{line}</text>' for a, _, line in timed)
        + "</transcript>",
        "a.srv2": "<timedtext>"
        + "".join(f'<text t="{a * 1000:.0f}" d="1500">{line}</text>' for a, _, line in timed)
        + "</timedtext>",
        "a.srv3": "<timedtext><body>"
        + "".join(f'<p t="{a:.0f}" d="9"><s>{w} </s></p>' for a, _, line in timed for w in line.split())
        + "</body></timedtext>",
        "a.trs": '<?xml version="1.0"?><Trans><Episode><Section type="report" startTime="0" endTime="9">'
        + '<Turn startTime="0" endTime="9">'
        + "".join(f'<Sync time="{a}"/>{line}' for a, _, line in timed)
        + "</Turn></Section></Episode></Trans>",
        "a.eaf": "<ANNOTATION_DOCUMENT><TIME_ORDER>"
        + "".join(f'<TIME_SLOT TIME_SLOT_ID="t{n}" TIME_VALUE="{n * 900}"/>' for n in range(len(timed) + 1))
        + '</TIME_ORDER><TIER TIER_ID="Ann">'
        + "".join(
            f'<ANNOTATION><ALIGNABLE_ANNOTATION ANNOTATION_ID="a{n}" TIME_SLOT_REF1="t{n}" TIME_SLOT_REF2="t{n + 1}">'
            f"<ANNOTATION_VALUE>{line}</ANNOTATION_VALUE></ALIGNABLE_ANNOTATION></ANNOTATION>"
            for n, (_, _, line) in enumerate(timed)
        )
        + "</TIER></ANNOTATION_DOCUMENT>",
        "a.smil": '<smil xmlns="http://www.w3.org/ns/SMIL"><body><seq>'
        + "".join(
            f'<par><text src="page.xhtml#f{n}"/><audio src="a.mp3" clipBegin="{a}s" clipEnd="0:00:{b:06.3f}"/></par>'
            for n, (a, b, _) in enumerate(timed)
        )
        + "</seq></body></smil>",
        "page.xhtml": '<html xmlns="http://www.w3.org/1999/xhtml"><body>'
        + "".join(f'<p><span id="f{n}">{line}.</span></p>' for n, (_, _, line) in enumerate(timed))
        + "</body></html>",
        "a.cha": "@UTF8\n@Begin\n" + "".join(f"*CHI:\t{line} .\n" for _, _, line in timed) + "@End\n",
    }
    found["a.dfxp"] = found["a.ttml"].replace("ns/ttml", "2006/10/ttaf1")
    found["a.ssa"] = found["a.ass"].replace("Layer", "Marked").replace("Dialogue: 0", "Dialogue: Marked=0")
    samples = {name: content.encode() for name, content in found.items()}
    samples |= {path.name: path.read_bytes() for path in sorted(TRANSCRIPTS.iterdir())}
    return {**samples, "a.epub": _epub(text), "a.docx": _docx(text)}


def _zipped(files: Mapping[str, str | bytes]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(zipfile.ZipInfo(name), content)
    return file.getvalue()


def _epub(text: str) -> bytes:
    return _zipped(
        {
            "mimetype": "application/epub+zip",
            "META-INF/container.xml": '<container><rootfiles><rootfile full-path="b.opf"/></rootfiles></container>',
            "b.opf": '<package><manifest><item id="i" href="a.xhtml" media-type="application/xhtml+xml"/></manifest>'
            '<spine><itemref idref="i"/></spine></package>',
            "a.xhtml": f"<html><body><p>{text}</p></body></html>",
        }
    )


def _docx(text: str) -> bytes:
    space = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
    body = "".join(f"<w:p><w:r><w:t>{line}</w:t></w:r></w:p>" for line in text.split(". "))
    return _zipped(
        {
            "[Content_Types].xml": "<Types/>",
            "word/document.xml": f'<w:document xmlns:w="{space}"><w:body>{body}</w:body></w:document>',
        }
    )


def cut_line(audio: str, text: str, seconds: float) -> dict[str, Any]:
    """A Lhotse cut of a whole recording with its supervision."""
    channel = {"channel": 0, "channel_ids": [0]}
    source = {"type": "file", "channels": [0], "source": audio}
    samples = round(seconds * SAMPLE_RATE_HZ)
    held = {"id": "r", "sources": [source], "sampling_rate": SAMPLE_RATE_HZ, "num_samples": samples}
    spoken = {"id": "s", "recording_id": "r", "start": 0.0, "duration": seconds, "text": text, "channel": 0}
    return {
        "id": "cut",
        "start": 0.0,
        "duration": seconds,
        "channel": channel["channel"],
        "type": "MonoCut",
        "recording": {**held, "duration": seconds},
        "supervisions": [spoken],
    }


@dataclass(frozen=True, kw_only=True)
class Material:
    """What mutants are made of.

    Attributes:
        text: of the good recordings' language.
        audio, transcripts: sound files by name.
    """

    text: str
    audio: Mapping[str, bytes]
    transcripts: Mapping[str, bytes]

    @classmethod
    def made(cls) -> Material:
        """The usual one."""
        _, said = recording(50, 1)
        text = (
            ". ".join(" ".join(words).capitalize() for words in said) + ". $5,000 in 1999. Dr. No said 3/4!"
        )
        return cls(text=text, audio=audio_samples(), transcripts=transcript_samples(text))


def write_mutants(folder: Path, material: Material, chance: random.Random, count: int) -> list[bytes]:
    """Write mutated recordings, and return the lines of a manifest that name them.

    Args:
        folder: the manifest's; the files go into `mutants` in it.
        material: what they are made of.
        chance: of everything.
        count: lines.
    """
    (folder / "mutants").mkdir(parents=True, exist_ok=True)
    (folder / "mutants" / "page.xhtml").write_bytes(material.transcripts["page.xhtml"])
    for name in material.audio:
        (folder / "mutants" / f"sound-{name}").write_bytes(material.audio[name])
    makers: tuple[Callable[[Path, Material, random.Random, int], bytes], ...] = (
        _audio,
        _transcript,
        _entry,
        _cut,
        _speakers,
    )
    return [
        chance.choices(makers, (4, 4, 2, 1, 1))[0](folder, material, chance, number)
        for number in range(count)
    ]


def _audio(folder: Path, material: Material, chance: random.Random, number: int) -> bytes:
    name = chance.choice(sorted(material.audio))
    path = f"mutants/{number}-{name}"
    (folder / path).write_bytes(mutated(material.audio[name], chance, list(material.audio.values())))
    return json.dumps({"audio_filepath": path, "text": material.text}).encode()


def _transcript(folder: Path, material: Material, chance: random.Random, number: int) -> bytes:
    name = chance.choice(sorted(material.transcripts))
    path = f"mutants/{number}-{name}"
    (folder / path).write_bytes(
        mutated_archive(material.transcripts[name], chance, list(material.transcripts.values()))
    )
    language = chance.choice(("en", "en", "de", "fr", "am", "zh", "hi", "ru", "tr", "xx"))
    fields = {"id": f"t{number}", "audio_filepath": "mutants/sound-a.flac", "text_filepath": path}
    return json.dumps({**fields, "language": language}).encode()


def _entry(folder: Path, material: Material, chance: random.Random, number: int) -> bytes:
    fields = {
        "id": f"e{number}",
        "audio_filepath": "mutants/sound-a.wav",
        "text": material.text,
        "duration": 2.5,
        "offset": 0.0,
        "channel": 0,
        "speaker": "s",
        "language": "en",
    }
    return mutated_document(fields, chance).replace(b"\n", b" ")


def _cut(folder: Path, material: Material, chance: random.Random, number: int) -> bytes:
    cut = cut_line("mutants/sound-a.flac", material.text, 2.5)
    return mutated_document({**cut, "id": f"c{number}"}, chance).replace(b"\n", b" ")


def _speakers(folder: Path, material: Material, chance: random.Random, number: int) -> bytes:
    path = f"mutants/{number}-a.rttm"
    lines = "".join(f"SPEAKER talk 1 {n * 0.4:.3f} 0.350 <NA> <NA> v{n % 2} <NA> <NA>\n" for n in range(8))
    (folder / path).write_bytes(mutated(lines.encode(), chance, list(material.transcripts.values())))
    fields = {"id": f"s{number}", "audio_filepath": "mutants/sound-a.wav", "text": material.text}
    return json.dumps({**fields, "rttm_filepath": path}).encode()
