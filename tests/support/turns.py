"""A conversation as transcripts of every format that names speakers write it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Said:
    """One turn of a conversation.

    Attributes:
        start_seconds, end_seconds: of its speech.
        speaker: who says it.
        text: what is said, as a sentence.
    """

    start_seconds: float
    end_seconds: float
    speaker: str
    text: str


Turns = Sequence[Said]


def _clock(seconds: float) -> str:
    return f"{int(seconds // 3600):02d}:{int(seconds // 60 % 60):02d}:{seconds % 60:06.3f}"


def stm(turns: Turns) -> str:
    return "".join(
        f"talk 1 {one.speaker} {one.start_seconds:.3f} {one.end_seconds:.3f} <o,f0,unknown> {one.text}\n"
        for one in turns
    )


def vtt(turns: Turns) -> str:
    return "WEBVTT\n\n" + "".join(
        f"{_clock(one.start_seconds)} --> {_clock(one.end_seconds)}\n<v {one.speaker}>{one.text}</v>\n\n"
        for one in turns
    )


def srt(turns: Turns) -> str:
    """Without the speakers, for whom SubRip has no place."""
    return "".join(
        f"{number}\n{_clock(one.start_seconds)} --> {_clock(one.end_seconds)}\n{one.text}\n\n".replace(
            ".", ",", 2
        )
        for number, one in enumerate(turns, 1)
    )


def chat(turns: Turns) -> str:
    names = sorted({one.speaker for one in turns})
    head = "".join(f"@ID:\teng|made|{name}|||||Adult|||\n" for name in names)
    lines = "".join(
        f"*{one.speaker}:\t{one.text.rstrip('.')} . "
        f"\x15{round(1000 * one.start_seconds)}_{round(1000 * one.end_seconds)}\x15\n"
        for one in turns
    )
    participants = ", ".join(f"{name} Adult" for name in names)
    return f"@UTF8\n@Begin\n@Languages:\teng\n@Participants:\t{participants}\n{head}{lines}@End\n"


def eaf(turns: Turns) -> str:
    slots = "".join(
        f'<TIME_SLOT TIME_SLOT_ID="t{2 * at + side}" TIME_VALUE="{round(1000 * edge)}"/>'
        for at, one in enumerate(turns)
        for side, edge in enumerate((one.start_seconds, one.end_seconds))
    )
    tiers = ""
    for name in sorted({one.speaker for one in turns}):
        annotations = "".join(
            f'<ANNOTATION><ALIGNABLE_ANNOTATION ANNOTATION_ID="a{at}" TIME_SLOT_REF1="t{2 * at}" '
            f'TIME_SLOT_REF2="t{2 * at + 1}"><ANNOTATION_VALUE>{one.text}</ANNOTATION_VALUE>'
            "</ALIGNABLE_ANNOTATION></ANNOTATION>"
            for at, one in enumerate(turns)
            if one.speaker == name
        )
        tiers += f'<TIER TIER_ID="{name}" LINGUISTIC_TYPE_REF="default">{annotations}</TIER>'
    return (
        '<?xml version="1.0" encoding="UTF-8"?><ANNOTATION_DOCUMENT FORMAT="3.0"><HEADER TIME_UNITS="milliseconds"/>'
        f"<TIME_ORDER>{slots}</TIME_ORDER>{tiers}</ANNOTATION_DOCUMENT>"
    )


def trs(turns: Turns) -> str:
    names = sorted({one.speaker for one in turns})
    people = "".join(f'<Speaker id="spk{at}" name="{name}"/>' for at, name in enumerate(names))
    body = "".join(
        f'<Turn speaker="spk{names.index(one.speaker)}" startTime="{one.start_seconds:.3f}" '
        f'endTime="{one.end_seconds:.3f}"><Sync time="{one.start_seconds:.3f}"/>\n{one.text}\n</Turn>'
        for one in turns
    )
    return (
        f'<?xml version="1.0" encoding="UTF-8"?><Trans><Speakers>{people}</Speakers><Episode>'
        f'<Section type="report" startTime="0" endTime="999">{body}</Section></Episode></Trans>'
    )


def textgrid(turns: Turns) -> str:
    names = sorted({one.speaker for one in turns})
    end = max(one.end_seconds for one in turns) + 1
    tiers = ""
    for at, name in enumerate(names, start=1):
        mine = [one for one in turns if one.speaker == name]
        intervals = "".join(
            f"intervals [{number}]:\nxmin = {one.start_seconds:.3f}\nxmax = {one.end_seconds:.3f}\n"
            f'text = "{one.text}"\n'
            for number, one in enumerate(mine, start=1)
        )
        tiers += (
            f'item [{at}]:\nclass = "IntervalTier"\nname = "{name}"\nxmin = 0\nxmax = {end}\n'
            f"intervals: size = {len(mine)}\n{intervals}"
        )
    return (
        f'File type = "ooTextFile"\nObject class = "TextGrid"\n\nxmin = 0\nxmax = {end}\ntiers? <exists>\n'
        f"size = {len(names)}\nitem []:\n{tiers}"
    )


def script(turns: Turns) -> str:
    return "\n\n".join(f"{one.speaker.upper()}: {one.text}" for one in turns)


def plain(turns: Turns) -> str:
    return "\n".join(one.text for one in turns)


def rttm(turns: Turns) -> str:
    return "".join(
        f"SPEAKER talk 1 {one.start_seconds:.3f} {one.end_seconds - one.start_seconds:.3f} <NA> <NA> {one.speaker} "
        "<NA> <NA>\n"
        for one in turns
    )


NAMED: dict[str, Callable[[Turns], str]] = {
    ".stm": stm,
    ".vtt": vtt,
    ".cha": chat,
    ".eaf": eaf,
    ".trs": trs,
    ".TextGrid": textgrid,
    ".md": script,
}
"""How each format writes it, by the ending of its files; beside these there is RTTM with a plain text."""

WRITTEN = {**NAMED, ".srt": srt}
"""The same and those that name no speaker."""
