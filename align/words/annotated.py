"""What was said when, as JSON of the Whisper family's form and as ELAN's EAF: captions with their words.

Times are those of the alignment to the millisecond, which both formats can hold.
"""

from __future__ import annotations

import json
import mimetypes
import re
from collections.abc import Callable, Iterable, Sequence
from itertools import groupby
from typing import Any
from urllib.parse import quote
from xml.sax.saxutils import escape, quoteattr

from prep_corpus.align.words.captions import Caption
from prep_corpus.align.words.timed_words import TimedWord

WordsOf = Callable[[Caption], list[TimedWord]]
"""The words that are said in a caption."""

_NO_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_NOBODY = "transcript"
_EAF_HEAD = """<?xml version="1.0" encoding="UTF-8"?>
<ANNOTATION_DOCUMENT AUTHOR="prep-corpus" DATE="1970-01-01T00:00:00+00:00" FORMAT="3.0" VERSION="3.0"\
 xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"\
 xsi:noNamespaceSchemaLocation="http://www.mpi.nl/tools/elan/EAFv3.0.xsd">
"""
_EAF_FOOT = """    <LINGUISTIC_TYPE LINGUISTIC_TYPE_ID="caption" TIME_ALIGNABLE="true" GRAPHIC_REFERENCES="false"/>
    <LINGUISTIC_TYPE LINGUISTIC_TYPE_ID="word" TIME_ALIGNABLE="true" GRAPHIC_REFERENCES="false"\
 CONSTRAINTS="Included_In"/>
    <CONSTRAINT STEREOTYPE="Included_In" DESCRIPTION="Time alignable annotations within the parent annotation's time\
 interval, gaps are allowed"/>
</ANNOTATION_DOCUMENT>
"""


def to_json(
    shown: Iterable[Caption],
    words_of: WordsOf,
    untranscribed: Sequence[tuple[float, float]],
    *,
    name: str,
    language: str,
    duration_seconds: float,
) -> str:
    """Captions as one JSON object with `segments`, each with its `words`, as openai-whisper and WhisperX write them.

    Args:
        shown: captions in order.
        words_of: the words of each.
        untranscribed: (start, end) in seconds of speech that the transcript does not have.
        name: id of the recording.
        language: its tag.
        duration_seconds: its length.
    """
    segments = [
        {
            "id": number,
            **_times(one.start_seconds, one.end_seconds),
            "text": one.text,
            **_speaker(words[0].speaker),
            "words": [
                {
                    "word": word.text,
                    **_times(word.start_seconds, word.end_seconds),
                    "score": round(word.score, 4),
                    **_speaker(word.speaker),
                }
                for word in words
            ],
        }
        for number, (one, words) in enumerate((one, words_of(one)) for one in shown)
    ]
    document = {
        "id": name,
        "language": language,
        "duration": round(duration_seconds, 3),
        "text": "\n".join(str(segment["text"]) for segment in segments),
        "segments": segments,
        "untranscribed": [_times(start, end) for start, end in untranscribed],
    }
    return json.dumps(document, ensure_ascii=False, indent=1) + "\n"


def _times(start_seconds: float, end_seconds: float) -> dict[str, float]:
    return {"start": round(start_seconds, 3), "end": round(end_seconds, 3)}


def _speaker(name: str | None) -> dict[str, str]:
    return {"speaker": name} if name else {}


def to_eaf(
    shown: Iterable[Caption],
    words_of: WordsOf,
    untranscribed: Sequence[tuple[float, float]],
    *,
    audio_uri: str,
    offset_seconds: float = 0.0,
) -> str:
    """Captions as an ELAN document: a tier per speaker, and below it a tier of its words.

    A caption that several speakers share is one annotation for each turn. Speech without text has a tier of its own.

    Args:
        shown: captions in order.
        words_of: the words of each.
        untranscribed: (start, end) in seconds of speech that the transcript does not have.
        audio_uri: path or URI of the audio file, which ELAN opens.
        offset_seconds: where in that file the recording begins.

    Source: EAF format, version 3.0 (The Language Archive, Max Planck Institute for Psycholinguistics).
    """
    turns: dict[str, list[tuple[str, list[TimedWord]]]] = {}
    for one in shown:
        by_speaker = [(who, list(group)) for who, group in groupby(words_of(one), lambda word: word.speaker)]
        for who, group in by_speaker:
            text = one.text if len(by_speaker) == 1 else " ".join(word.text for word in group)
            turns.setdefault(who or _NOBODY, []).append((text, group))
    document = _Eaf()
    for who, said in turns.items():
        participant = f" PARTICIPANT={_attribute(who)}" if who != _NOBODY else ""
        spans = [(words[0].start_seconds, words[-1].end_seconds, text) for text, words in said]
        document.tier(f"TIER_ID={_attribute(who)}{participant}", "caption", spans)
        document.tier(
            f"TIER_ID={_attribute(f'{who} - words')}{participant} PARENT_REF={_attribute(who)}",
            "word",
            [(word.start_seconds, word.end_seconds, word.text) for _, words in said for word in words],
        )
    if untranscribed:
        document.tier(
            'TIER_ID="untranscribed"', "caption", [(start, end, "speech") for start, end in untranscribed]
        )
    return document.text(audio_uri, offset_seconds)


class _Eaf:
    """An ELAN document on its way: each annotation has two places in time of its own."""

    def __init__(self) -> None:
        self._slots: list[str] = []
        self._tiers: list[str] = []

    def tier(self, attributes: str, kind: str, spans: Iterable[tuple[float, float, str]]) -> None:
        """Add a tier of annotations (start and end in seconds, text)."""
        lines = [f'    <TIER LINGUISTIC_TYPE_REF="{kind}" {attributes}>\n']
        for start, end, text in spans:
            first, last = self._slot(start), self._slot(end)
            lines.append(
                f'        <ANNOTATION><ALIGNABLE_ANNOTATION ANNOTATION_ID="a{last // 2}" TIME_SLOT_REF1="ts{first}"'
                f' TIME_SLOT_REF2="ts{last}"><ANNOTATION_VALUE>{escape(_NO_XML.sub("", text))}</ANNOTATION_VALUE>'
                "</ALIGNABLE_ANNOTATION></ANNOTATION>\n"
            )
        self._tiers.append("".join(lines) + "    </TIER>\n")

    def _slot(self, seconds: float) -> int:
        number = len(self._slots) + 1
        self._slots.append(
            f'        <TIME_SLOT TIME_SLOT_ID="ts{number}" TIME_VALUE="{round(1000 * seconds)}"/>\n'
        )
        return number

    def text(self, audio_uri: str, offset_seconds: float) -> str:
        """The whole document."""
        media = audio_uri if "://" in audio_uri else "file://" + quote(audio_uri)
        kind = mimetypes.guess_type(audio_uri, strict=False)[0] or "audio/*"
        origin = f' TIME_ORIGIN="{round(1000 * offset_seconds)}"' if offset_seconds else ""
        return (
            _EAF_HEAD
            + '    <HEADER MEDIA_FILE="" TIME_UNITS="milliseconds">\n'
            + f"        <MEDIA_DESCRIPTOR MEDIA_URL={_attribute(media)} MIME_TYPE={_attribute(kind)}{origin}/>\n"
            + f'        <PROPERTY NAME="lastUsedAnnotationId">{len(self._slots) // 2}</PROPERTY>\n'
            + "    </HEADER>\n    <TIME_ORDER>\n"
            + "".join(self._slots)
            + "    </TIME_ORDER>\n"
            + "".join(self._tiers)
            + _EAF_FOOT
        )


def _attribute(value: Any) -> str:
    return quoteattr(_NO_XML.sub("", str(value)))
