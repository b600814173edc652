"""Timed sentences written as every kind of transcript file, as the programs that people use write them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

SPEAKERS = ("ANN", "BOB")


@dataclass(frozen=True, kw_only=True)
class Sentence:
    """What is said, and when.

    Attributes:
        start_seconds, end_seconds: in the recording.
        text: with capitals and punctuation.
    """

    start_seconds: float
    end_seconds: float
    text: str


def _clock(seconds: float, point: str) -> str:
    milliseconds = round(seconds * 1000)
    hours, rest = divmod(milliseconds, 3_600_000)
    minutes, rest = divmod(rest, 60_000)
    return f"{hours:02d}:{minutes:02d}:{rest // 1000:02d}{point}{rest % 1000:03d}"


def _speaker(number: int) -> str:
    return SPEAKERS[number % 2]


def srt(sentences: Sequence[Sentence], shift_seconds: float = 0.0) -> str:
    """SubRip with Windows line ends, two lines a cue, tags, labels and a sound."""
    cues = []
    for number, sentence in enumerate(sentences):
        words = sentence.text.split()
        half = (len(words) + 1) // 2
        times = [_clock(at + shift_seconds, ",") for at in (sentence.start_seconds, sentence.end_seconds)]
        label = f"{_speaker(number)}: " if number % 3 == 0 else ""
        lines = [f"{label}<i>{' '.join(words[:half])}</i>", " ".join(words[half:])]
        if number == 1:
            lines.append("[MUSIC PLAYING]")
        cues.append("\r\n".join([str(number + 1), " --> ".join(times), *filter(None, lines)]))
    return "\ufeff" + "\r\n\r\n".join(cues) + "\r\n"


def vtt(sentences: Sequence[Sentence]) -> str:
    """WebVTT with a note, a style, cue names and voices."""
    cues = ["WEBVTT - a talk", "NOTE made by hand", "STYLE\n::cue { color: red }"]
    for number, sentence in enumerate(sentences):
        times = [_clock(at, ".") for at in (sentence.start_seconds, sentence.end_seconds)]
        cues.append(
            f"cue-{number}\n{' --> '.join(times)} align:start\n<v {_speaker(number)}>{sentence.text}</v>"
        )
    return "\n\n".join(cues) + "\n"


def stm(sentences: Sequence[Sentence], name: str) -> str:
    """Segment time marks of two recordings, with comments, labels and a gap."""
    lines = [';; CATEGORY "0" "" ""', "other 1 x 0.0 9.0 <o,f0,male> this belongs to another recording"]
    for number, sentence in enumerate(sentences):
        lines.append(
            f"{name} 1 {_speaker(number)} {sentence.start_seconds:.2f} {sentence.end_seconds:.2f} <o,f0,female> "
            f"{sentence.text} <NA>"
        )
    return "\n".join([*lines, f"{name} 1 gap 99.0 99.5 ignore_time_segment_in_scoring"]) + "\n"


def textgrid(sentences: Sequence[Sentence], duration_seconds: float) -> str:
    """A TextGrid in the long layout: a tier for each of two speakers, and one of sounds."""
    tiers: list[tuple[str, list[tuple[float, float, str]]]] = []
    for side, speaker in enumerate(SPEAKERS):
        tiers.append((speaker, [(s.start_seconds, s.end_seconds, s.text) for s in sentences[side::2]]))
    tiers.append(("phones", [(s.start_seconds, s.end_seconds, "AH0 B") for s in sentences]))
    lines = ['File type = "ooTextFile"', 'Object class = "TextGrid"', "", "xmin = 0", f"xmax = {duration_seconds}",
             "tiers? <exists>", f"size = {len(tiers)}", "item []:"]  # fmt: skip
    for index, (name, intervals) in enumerate(tiers, start=1):
        filled, at = [], 0.0
        for start, end, text in intervals:
            filled += [(at, start, ""), (start, end, text)]
            at = end
        filled.append((at, duration_seconds, ""))
        lines += [f"    item [{index}]:", '        class = "IntervalTier"', f'        name = "{name}"',
                  "        xmin = 0", f"        xmax = {duration_seconds}",
                  f"        intervals: size = {len(filled)}"]  # fmt: skip
        for place, (start, end, text) in enumerate(filled, start=1):
            lines += [f"        intervals [{place}]:", f"            xmin = {start}", f"            xmax = {end}",
                      f'            text = "{text}"']  # fmt: skip
    return "\n".join(lines) + "\n"


def html(sentences: Sequence[Sentence]) -> str:
    """A page with a script, a menu, names in bold, directions and references."""
    blocks = [
        f"<p><b>{_speaker(number)}:</b> {sentence.text.replace(' ', '&#32;', 1)}"
        f"{' <em>[He sits down.]</em>' if number == 1 else ''}</p>"
        for number, sentence in enumerate(sentences)
    ]
    return (
        "<!DOCTYPE html>\n<html><head><title>A talk</title><script>let a = '<p>no</p>';</script></head>\n<body>"
        "<nav><a href='/'>Home &amp; more</a></nav>\n"
        + "\n".join(blocks)
        + "\n<footer>Imprint</footer></body></html>\n"
    )


def markdown(sentences: Sequence[Sentence]) -> str:
    """A script with front matter, names in bold, emphasis, a link, directions and a rule."""
    blocks = []
    for number, sentence in enumerate(sentences):
        first, _, rest = sentence.text.partition(" ")
        shown = f"[{first}](https://example.org/{number})" if number == 0 else f"*{first}*"
        direction = "\n\n(They wait.)" if number == 1 else ""
        blocks.append(f"**{_speaker(number)}:** {shown} {rest}{direction}")
    return "---\ntitle: A talk\n---\n\n" + "\n\n".join(blocks) + "\n\n---\n"


def cut(
    sentences: Sequence[Sentence], *, cut_id: str, audio: str, rate_hz: int, samples: int
) -> dict[str, object]:
    """A Lhotse cut of a whole file, as Lhotse writes it."""
    return {
        "id": cut_id,
        "start": 0.0,
        "duration": samples / rate_hz,
        "channel": 0,
        "supervisions": [
            {
                "id": f"{cut_id}-{number}",
                "recording_id": cut_id,
                "start": sentence.start_seconds,
                "duration": round(sentence.end_seconds - sentence.start_seconds, 6),
                "channel": 0,
                "text": sentence.text,
                "language": "English",
                "speaker": "ann",
            }
            for number, sentence in enumerate(sentences)
        ],
        "recording": {
            "id": cut_id,
            "sources": [{"type": "file", "channels": [0], "source": audio}],
            "sampling_rate": rate_hz,
            "num_samples": samples,
            "duration": samples / rate_hz,
            "channel_ids": [0],
        },
        "type": "MonoCut",
    }
