"""JSON of speech recognisers, aligners and podcasts' feeds: the Whisper family, YouTube's json3, aeneas, services.

| program | where the text is | times |
|---|---|---|
| openai-whisper, faster-whisper, WhisperX, the OpenAI API (verbose) | `segments[].text` | `start`, `end` in seconds |
| whisper.cpp | `transcription[].text` | `offsets` in milliseconds, or `timestamps` |
| Transformers' pipeline | `chunks[].text` | `timestamp`, two seconds |
| YouTube json3 | `events[].segs[].utf8` | `tStartMs`, `dDurationMs` |
| aeneas | `fragments[].lines` | `begin`, `end` in seconds, as strings |
| podcasts' feeds (podcast namespace) | `segments[].body` | `startTime`, `endTime` in seconds |
| AssemblyAI | `utterances[].text` | `start`, `end` in milliseconds |
| Deepgram | `results.utterances[].transcript` | `start`, `end` in seconds |
| the same without utterances | `results.channels[].alternatives[0].transcript` | none |
| Google Cloud | `results[].alternatives[0].transcript` | none |
| Amazon Transcribe | `results.transcripts[].transcript` | none |
| Rev AI | `monologues[].elements[].value` | `ts`, `end_ts` in seconds |
| the OpenAI API (plain) | `text` | none |
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping

from prep_corpus.align.errors import TranscriptMalformed
from prep_corpus.align.transcripts.pieces import (
    Piece,
    Transcript,
    assemble,
    joined,
    lines_of_words,
    timed_piece,
    with_turns,
)
from prep_corpus.align.transcripts.positions import (
    JsonString,
    JsonValue,
    adjoined,
    read_json,
    with_single_spaces,
)

_CLOCK = re.compile(r"(?:(\d{1,4}):)?(\d{1,2}):(\d{1,2})[.,](\d{1,6})")
_Object = Mapping[str, JsonValue]


def parse_json(original: str, *, name: str = "JSON") -> Transcript:
    """The text of a recogniser's or aligner's JSON, one line for each segment.

    Args:
        original: the decoded file.
        name: name for messages.

    Raises:
        TranscriptMalformed: it is no JSON, or of none of these programs.
    """
    value = read_json(original, name=name)
    if isinstance(value, list):
        value = {"segments": value}
    if not isinstance(value, dict):
        raise TranscriptMalformed(f"{name}: a JSON transcript must be an object, and this is a single value")
    for key, read in _READERS.items():
        entries = value.get(key)
        if isinstance(entries, list) and (pieces := list(read([e for e in entries if isinstance(e, dict)]))):
            return assemble(original, pieces)
    if pieces := list(_results(value.get("results"))):
        return assemble(original, pieces)
    text = value.get("text")
    if isinstance(text, JsonString):
        return assemble(original, [Piece(traced=with_single_spaces(text.traced))])
    if any(value.get(key) == [] for key in _READERS) or _hears_nothing(value.get("results")):
        # They have heard nothing.
        return assemble(original, [])
    raise TranscriptMalformed(
        f"{name}: a JSON transcript must have {', '.join(_READERS)}, results or text, as Whisper's relatives, YouTube, "
        f"aeneas, podcasts' feeds and services write them, but this has {sorted(value)[:10]}"
    )


def may_hold_text(value: Mapping[str, object]) -> bool:
    """Whether an object has objects, not texts or numbers, where these programs write what they hear."""
    results = value.get("results")
    lists = [value.get(key) for key in _READERS] + [results]
    return bool(results and isinstance(results, dict)) or any(
        isinstance(held, list) and any(isinstance(one, dict) for one in held) for held in lists
    )


def _segments(entries: list[dict[str, JsonValue]]) -> Iterator[Piece]:
    if not any(isinstance(entry.get("text"), JsonString) for entry in entries):
        pieces = list(_bodies(entries))
        # Some feeds have a segment for each word.
        yield from lines_of_words(pieces) if _are_words(pieces) else pieces
        return
    for entry in entries:
        yield from _bodies([entry])
        words = entry.get("words")
        spoken = [word for word in words if isinstance(word, dict)] if isinstance(words, list) else []
        if len({_name(word.get("speaker")) for word in spoken} - {None}) > 1:
            yield from _turns(spoken)
            continue
        text = entry.get("text")
        if isinstance(text, JsonString):
            start, end = _span(entry)
            yield timed_piece(with_single_spaces(text.traced), start, end, _name(entry.get("speaker")))


def _bodies(entries: list[dict[str, JsonValue]]) -> Iterator[Piece]:
    yield from _texts(entries, "body", ("startTime", "endTime"))


def _turns(words: list[dict[str, JsonValue]]) -> Iterator[Piece]:
    """The words of a segment in which the speaker changes, a piece for each turn."""
    at = 0
    while at < len(words):
        speaker = _name(words[at].get("speaker"))
        end = at + 1
        while end < len(words) and _name(words[end].get("speaker")) in (speaker, None):
            end += 1
        turn = words[at:end]
        texts = [word.get("word", word.get("text")) for word in turn]
        traced = [with_single_spaces(text.traced) for text in texts if isinstance(text, JsonString)]
        starts = [_span(word)[0] for word in turn]
        ends = [_span(word)[1] for word in turn]
        start = next((one for one in starts if one is not None), None)
        end_seconds = next((one for one in reversed(ends) if one is not None), None)
        yield timed_piece(joined(traced, " "), start, end_seconds, speaker)
        at = end


def _transcription(entries: list[dict[str, JsonValue]]) -> Iterator[Piece]:
    for entry in entries:
        text = entry.get("text")
        if isinstance(text, JsonString):
            offsets, stamps = entry.get("offsets"), entry.get("timestamps")
            start = end = None
            if isinstance(offsets, dict):
                start, end = _seconds(offsets.get("from"), 1000), _seconds(offsets.get("to"), 1000)
            elif isinstance(stamps, dict):
                start, end = _clock(stamps.get("from")), _clock(stamps.get("to"))
            yield timed_piece(with_single_spaces(text.traced), start, end, _name(entry.get("speaker")))


def _chunks(entries: list[dict[str, JsonValue]]) -> Iterator[Piece]:
    pieces = list(_chunk_pieces(entries))
    # Asked for times of words, the pipeline writes a chunk for each.
    yield from lines_of_words(pieces) if _are_words(pieces) else pieces


def _are_words(pieces: list[Piece]) -> bool:
    single = sum(" " not in piece.traced.text for piece in pieces)
    return single * 10 > len(pieces) * 9


def _chunk_pieces(entries: list[dict[str, JsonValue]]) -> Iterator[Piece]:
    for entry in entries:
        text, stamp = entry.get("text"), entry.get("timestamp")
        if isinstance(text, JsonString):
            start = end = None
            if isinstance(stamp, list) and len(stamp) == 2:
                start, end = _seconds(stamp[0]), _seconds(stamp[1])
            yield timed_piece(with_single_spaces(text.traced), start, end)


def _events(entries: list[dict[str, JsonValue]]) -> Iterator[Piece]:
    yield from with_turns(_event_pieces(entries))


def _event_pieces(entries: list[dict[str, JsonValue]]) -> Iterator[Piece]:
    for entry in entries:
        segments = entry.get("segs")
        if not isinstance(segments, list) or entry.get("aAppend"):
            continue
        texts = [segment.get("utf8") for segment in segments if isinstance(segment, dict)]
        traced = adjoined([text.traced for text in texts if isinstance(text, JsonString)])
        start, duration = _seconds(entry.get("tStartMs"), 1000), _seconds(entry.get("dDurationMs"), 1000)
        end = start + duration if start is not None and duration is not None else None
        yield timed_piece(with_single_spaces(traced), start, end)


def _fragments(entries: list[dict[str, JsonValue]]) -> Iterator[Piece]:
    for entry in entries:
        lines = entry.get("lines")
        texts = (
            [line.traced for line in lines if isinstance(line, JsonString)] if isinstance(lines, list) else []
        )
        start, end = _seconds(entry.get("begin")), _seconds(entry.get("end"))
        yield timed_piece(with_single_spaces(joined(texts, " ")), start, end)


def _texts(
    entries: list[dict[str, JsonValue]], key: str, times: tuple[str, str], per_second: float = 1
) -> Iterator[Piece]:
    """A piece for each text under a key, with the times and the speaker beside it."""
    for entry in entries:
        text = entry.get(key)
        if isinstance(text, JsonString):
            start, end = (_seconds(entry.get(time), per_second) for time in times)
            yield timed_piece(with_single_spaces(text.traced), start, end, _name(entry.get("speaker")))


def _utterances(entries: list[dict[str, JsonValue]]) -> Iterator[Piece]:
    yield from _texts(entries, "text", ("start", "end"), 1000)


def _monologues(entries: list[dict[str, JsonValue]]) -> Iterator[Piece]:
    for entry in entries:
        elements = _objects(entry.get("elements"))
        texts = [one.get("value") for one in elements]
        starts, ends = ([_seconds(one.get(key)) for one in elements] for key in ("ts", "end_ts"))
        start = next((one for one in starts if one is not None), None)
        end = next((one for one in reversed(ends) if one is not None), None)
        traced = adjoined([text.traced for text in texts if isinstance(text, JsonString)])
        yield timed_piece(with_single_spaces(traced), start, end, _name(entry.get("speaker")))


def _results(value: JsonValue) -> Iterator[Piece]:
    """The text of a service: of the best of the alternatives each."""
    held = value if isinstance(value, dict) else {}
    if pieces := list(_texts(_objects(held.get("utterances")), "transcript", ("start", "end"))):
        yield from pieces
        return
    for one in [*_objects(held.get("channels")), *_objects(value)]:
        yield from _texts(_objects(one.get("alternatives"))[:1], "transcript", ("", ""))
    yield from _texts(_objects(held.get("transcripts")), "transcript", ("", ""))


def _hears_nothing(results: JsonValue) -> bool:
    if isinstance(results, dict):
        return any(_hears_nothing(results.get(key)) for key in ("utterances", "channels", "transcripts"))
    return isinstance(results, list) and all(
        isinstance(one, dict) and one.get("alternatives") == [] for one in results
    )


def _objects(value: JsonValue) -> list[dict[str, JsonValue]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


_READERS: dict[str, Callable[[list[dict[str, JsonValue]]], Iterator[Piece]]] = {
    "segments": _segments,
    "transcription": _transcription,
    "chunks": _chunks,
    "events": _events,
    "fragments": _fragments,
    "utterances": _utterances,
    "monologues": _monologues,
}


def _span(entry: _Object) -> tuple[float | None, float | None]:
    return _seconds(entry.get("start")), _seconds(entry.get("end"))


def _seconds(value: JsonValue, per_second: float = 1) -> float | None:
    if isinstance(value, JsonString):
        try:
            value = float(value.text)
        except ValueError:
            return None
    return None if not isinstance(value, float) else value / per_second


def _clock(value: JsonValue) -> float | None:
    found = _CLOCK.fullmatch(value.text.strip()) if isinstance(value, JsonString) else None
    if found is None:
        return None
    hours, minutes, seconds, places = found.groups()
    return int(hours or 0) * 3600 + int(minutes) * 60 + int(seconds) + float(f"0.{places}")


def _name(value: JsonValue) -> str | None:
    """A speaker's name; some number them from 0."""
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else str(value)
    return value.text.strip() or None if isinstance(value, JsonString) else None
