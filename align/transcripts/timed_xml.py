"""XML transcripts: TTML and DFXP, YouTube's srv1 to srv3, Transcriber's TRS, ELAN's EAF."""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterator

from prep_corpus.align.errors import TranscriptMalformed
from prep_corpus.align.text.markup import entity_spans
from prep_corpus.align.traced import TracedText
from prep_corpus.align.transcripts.annotations import is_layer
from prep_corpus.align.transcripts.pieces import Piece, Transcript, assemble, timed_piece, with_turns
from prep_corpus.align.transcripts.positions import XmlElement, adjoined, read_xml, with_single_spaces

_CLOCK = re.compile(r"(\d{2,3}):(\d{2}):(\d{2})(?:(\.\d+)|:(\d{2,3})(?:\.\d+)?)?")
_COUNT = re.compile(r"(\d+(?:\.\d+)?)(h|m|s|ms|f|t)")
_UNIT_SECONDS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
_DEFAULT_FRAME_RATE = 30.0
# Furigana and the brackets around it, what describes the document, and what is drawn.
_TTML_UNREAD = frozenset({"metadata", "desc", "title", "copyright", "agent", "actor", "name", "image"})
_RUBY_UNREAD = frozenset({"text", "textContainer", "delimiter"})
_Time = Callable[[str | None], float | None]


def parse_xml(original: str, *, name: str = "XML", tiers: tuple[str, ...] = ()) -> Transcript:
    """The text of an XML transcript, by its root.

    Args:
        original: the decoded file.
        name: name for messages.
        tiers: the tiers of an EAF file to read; see `parse_eaf`.

    Raises:
        TranscriptMalformed: it is no well-formed XML, or its root is of no known transcript.
    """
    root = read_xml(original, name=name)
    if root.tag == "tt":
        return _ttml(original, root)
    if root.tag in ("timedtext", "transcript"):
        return _youtube(original, root)
    if root.tag == "Trans":
        return _transcriber(original, root)
    if root.tag == "ANNOTATION_DOCUMENT":
        return _elan(original, root, name, tiers)
    if root.tag == "smil":
        raise TranscriptMalformed(
            f"{name}: a SMIL file must have the ending .smil, by which the documents that it names are read; rename it"
        )
    raise TranscriptMalformed(
        f"{name}: an XML transcript must be TTML (tt), YouTube's (timedtext, transcript), Transcriber's (Trans) or "
        f"ELAN's (ANNOTATION_DOCUMENT), but the root of this one is <{root.tag[:40]}>"
    )


def _ttml(original: str, root: XmlElement) -> Transcript:
    rate = _number(root.attributes.get("frameRate"), _DEFAULT_FRAME_RATE)
    factor = root.attributes.get("frameRateMultiplier", "1 1").split()
    if len(factor) == 2 and _number(factor[1], 0) > 0:
        rate *= _number(factor[0], 1) / _number(factor[1], 1)
    ticks = _number(root.attributes.get("tickRate"), rate)
    names = {}
    for agent in root.all_of("agent"):
        label = adjoined([text for inner in agent.elements("name") for text in inner.texts()]).text.strip()
        names[agent.attributes.get("id", "")] = label or agent.attributes.get("id", "")
    pieces: list[Piece] = []

    def time(written: str | None) -> float | None:
        return None if written is None else _ttml_seconds(written.strip(), rate, ticks)

    def walk(element: XmlElement, base: float, end: float | None, agent: str | None) -> None:
        begin = time(element.attributes.get("begin"))
        start = base + (begin or 0.0)
        stop = time(element.attributes.get("end"))
        duration = time(element.attributes.get("dur"))
        own = base + stop if stop is not None else (start + duration if duration is not None else None)
        agent = element.attributes.get("agent", agent)
        if element.tag == "p":
            pieces.append(
                _paragraph(element, start, own if own is not None else end, time, names.get(agent or ""))
            )
            return
        for inner in element.elements():
            if inner.tag not in _TTML_UNREAD and inner.tag != "head":
                walk(inner, start, own if own is not None else end, agent)

    walk(root, 0.0, None, None)
    return assemble(original, with_turns(sorted(pieces, key=lambda piece: piece.start_seconds or 0.0)))


def _paragraph(
    element: XmlElement, start: float, end: float | None, time: _Time, speaker: str | None
) -> Piece:
    """A paragraph of TTML; where it has no times of its own, its spans' first and last count."""
    if "begin" not in element.attributes:
        spans = [span for span in element.all_of("span") if "begin" in span.attributes]
        begins = [begin for span in spans if (begin := time(span.attributes["begin"])) is not None]
        ends = [stop for span in spans if (stop := time(span.attributes.get("end"))) is not None]
        if begins:
            end = start + max(ends) if ends else end
            start = start + min(begins)
    traced = with_single_spaces(adjoined(list(_ttml_texts(element))))
    return timed_piece(traced, start, end, speaker)


def _ttml_texts(element: XmlElement) -> Iterator[TracedText]:
    for inner in element.content:
        if isinstance(inner, TracedText):
            yield inner
        elif inner.tag == "br":
            yield inner.space
        elif inner.tag not in _TTML_UNREAD and inner.attributes.get("ruby") not in _RUBY_UNREAD:
            yield from _ttml_texts(inner)


def _ttml_seconds(written: str, rate: float, ticks: float) -> float | None:
    if found := _CLOCK.fullmatch(written):
        frames = int(found[5]) / rate if found[5] else 0.0
        return int(found[1]) * 3600 + int(found[2]) * 60 + int(found[3]) + float(found[4] or 0) + frames
    if found := _COUNT.fullmatch(written):
        unit = _UNIT_SECONDS.get(found[2]) or (1 / rate if found[2] == "f" else 1 / ticks)
        return float(found[1]) * unit
    return None


def _youtube(original: str, root: XmlElement) -> Transcript:
    """srv1 (seconds) and srv2, srv3 (milliseconds). Text of srv1 and srv2 is escaped twice."""
    pieces = []
    for element in [*root.all_of("text"), *root.all_of("p")]:
        if element.attributes.get("a") == "1" or element.attributes.get("append") == "1":
            continue
        if "start" in element.attributes:
            start, duration = _number(element.attributes["start"]), _number(element.attributes.get("dur"))
        else:
            start = _number(element.attributes.get("t"), -1000) / 1000
            duration = _number(element.attributes.get("d")) / 1000
        traced = adjoined(list(_ttml_texts(element)))
        if element.tag == "text":
            spans = entity_spans(traced.text)
            traced = traced.replaced([(a, b, html.unescape(traced.text[a:b])) for a, b in spans])
        pieces.append(timed_piece(with_single_spaces(traced), start, start + duration))
    return assemble(original, with_turns(sorted(pieces, key=lambda piece: piece.start_seconds or 0.0)))


def _transcriber(original: str, root: XmlElement) -> Transcript:
    """Turns, cut at their synchronisation marks; events, comments and sections without transcription are left out."""
    names = {
        speaker.attributes.get("id", ""): speaker.attributes.get("name", "").strip()
        for speaker in root.all_of("Speaker")
    }
    pieces: list[Piece] = []
    for section in root.all_of("Section"):
        if section.attributes.get("type") == "nontrans":
            continue
        for turn in section.elements("Turn"):
            pieces += _turn(turn, names)
    return assemble(original, pieces)


def _turn(turn: XmlElement, names: dict[str, str]) -> list[Piece]:
    ids = turn.attributes.get("speaker", "").split()
    speakers = [names.get(one) or one for one in ids]
    end = _number(turn.attributes.get("endTime"), -1)
    start = _number(turn.attributes.get("startTime"), -1)
    speaker = speakers[0] if len(speakers) == 1 else None
    parts: list[tuple[float, str | None, list[TracedText]]] = [(start, speaker, [])]
    for inner in turn.content:
        if isinstance(inner, TracedText):
            parts[-1][2].append(inner)
        elif inner.tag == "Sync":
            parts.append((_number(inner.attributes.get("time"), start), speaker, []))
        elif inner.tag == "Who":
            number = int(_number(inner.attributes.get("nb"), 1))
            speaker = speakers[number - 1] if 0 < number <= len(speakers) else None
            parts.append((parts[-1][0], speaker, []))
    later = [*(part[0] for part in parts[1:]), end]
    pieces = []
    for at, (begin, who, texts) in enumerate(parts):
        stop = next((time for time in later[at:] if time > begin), end)
        pieces.append(timed_piece(with_single_spaces(adjoined(texts)), begin, stop, who))
    return pieces


def _elan(original: str, root: XmlElement, name: str, wanted: tuple[str, ...]) -> Transcript:
    """ELAN: the tiers that stand on no other, put together in the order of time, each a speaker's.

    Raises:
        TranscriptMalformed: a tier that is asked for is not there, or no tier has text.
    """
    slots = {
        slot.attributes.get("TIME_SLOT_ID", ""): _number(slot.attributes["TIME_VALUE"]) / 1000
        for slot in root.all_of("TIME_SLOT")
        if "TIME_VALUE" in slot.attributes
    }
    tiers = list(root.elements("TIER"))
    ids = [tier.attributes.get("TIER_ID", "") for tier in tiers]
    if wanted:
        missing = [one for one in wanted if one not in ids]
        if missing:
            raise TranscriptMalformed(f"{name}: there must be tiers {', '.join(wanted)}, but there are {ids}")
        chosen = [tier for tier, one in zip(tiers, ids) if one in wanted]
    else:
        top = [tier for tier in tiers if "PARENT_REF" not in tier.attributes and _annotations(tier, slots)]
        chosen = [tier for tier in top if not is_layer(tier.attributes.get("TIER_ID", ""))] or top[:1]
    # The name of the only tier says what it holds, not who speaks.
    pieces = [
        piece
        for tier in chosen
        for piece in _annotations(tier, slots, tier.attributes.get("TIER_ID") if len(chosen) > 1 else None)
    ]
    if not pieces:
        raise TranscriptMalformed(
            f"{name}: there must be a tier of annotations with text and times, but there are {ids}"
        )
    left_out = [
        one
        for tier, one in zip(tiers, ids)
        if tier not in chosen and "PARENT_REF" not in tier.attributes and not is_layer(one)
    ]
    problems = (
        [f"the tiers {', '.join(left_out)} are not read; text_tier names those to read"] if left_out else []
    )
    return assemble(original, sorted(pieces, key=lambda piece: piece.start_seconds or 0.0), problems)


def _annotations(tier: XmlElement, slots: dict[str, float], tier_speaker: str | None = None) -> list[Piece]:
    speaker = tier.attributes.get("PARTICIPANT", "").strip() or tier_speaker
    pieces = []
    for annotation in tier.all_of("ALIGNABLE_ANNOTATION"):
        texts = [text for value in annotation.elements("ANNOTATION_VALUE") for text in value.texts()]
        start = slots.get(annotation.attributes.get("TIME_SLOT_REF1", ""), -1.0)
        end = slots.get(annotation.attributes.get("TIME_SLOT_REF2", ""))
        if texts:
            pieces.append(timed_piece(with_single_spaces(adjoined(texts)), start, end, speaker))
    return pieces


def _number(written: str | None, otherwise: float = 0.0) -> float:
    try:
        value = float(written) if written is not None else otherwise
    except ValueError:
        return otherwise
    return value if abs(value) < 1e15 else otherwise
