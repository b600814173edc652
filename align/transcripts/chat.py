"""CHAT, the format of TalkBank and CHILDES: main tiers as they are spoken."""

from __future__ import annotations

import re

from prep_corpus.align.errors import TranscriptMalformed
from prep_corpus.align.traced import Edit, TracedText
from prep_corpus.align.transcripts.pieces import Piece, Transcript, assemble, piece_of, timed_piece
from prep_corpus.align.transcripts.positions import with_single_spaces

_TIER = re.compile(r"^(?P<kind>[*%@])(?P<name>[^:\t\r\n]*):?(?P<text>[^\r\n]*(?:\r?\n[\t ][^\r\n]*)*)", re.M)
_BULLET = re.compile(r"\x15[^\x15\r\n]*\x15")
_TIMES = re.compile(r"\x15(?:[^\x15\r\n]*?_)?(\d+)_(\d+)\x15")
_PARTICIPANT = re.compile(r"\s*(\S+)((?:\s+[^\s,]+)*)")
# In the order in which they are taken out; what stands in the place of each.
_MARKS = (
    (re.compile(r"\[- [^\[\]]*\]"), ""),  # the language of the utterance
    (
        re.compile(r"\[[^\[\]]*\]"),
        "",
    ),  # retracing, replacement, explanation, overlap, error: the words before are said
    (re.compile(r"\(\.{1,3}\)|\(\d+(?::\d+)?\.?\d*\)"), ""),  # pauses
    (re.compile(r"(?<!\S)&[=*][^\s<>]*"), ""),  # events, and what another says meanwhile
    (re.compile(r"(?<!\S)&[-+~]"), ""),  # fillers and fragments are said
    (re.compile(r"(?<!\S)\+[\"/.,^+!?<>≈≋]+(?=\s|$)"), ""),  # how utterances begin and end
    (re.compile(r"(?<!\S)(?:xxx|yyy|www|xx|yy)(?:@\S*)?(?!\S)"), ""),  # unintelligible, untranscribed
    (re.compile(r"(?<!\S)0\S+"), ""),  # words that are left out
    (re.compile(r"(?<=\S)@[\w:$&+-]+"), ""),  # the kind of a word
    (re.compile(r"\([^()\s]*\)"), ""),  # letters of a word that are not said
    (re.compile(r"[<>‹›⌈⌉⌊⌋↑↓⇗↗→↘⇘∞≈≋≡∙⁇°▁▔☺♋Ϋ∆∇⁎∬ΫḧἩʔˈˌ]"), ""),
    (re.compile(r"(?<=\w):+(?=\w|\s|$)|(?<=\w)\^(?=\w)"), ""),  # long sounds, pauses inside a word
    (re.compile(r"[‡„]"), ","),
    (re.compile(r"(?<=\w)_(?=\w)"), " "),
    (re.compile(r"(?<=\w)\+(?=\w)"), ""),
)


def parse_chat(original: str, *, name: str = "CHAT") -> Transcript:
    """The main tiers (`*CHI:`) of a CHAT file, a line for each utterance or each of its time marks.

    Left out: headers, dependent tiers (`%mor:` and the like), codes in square brackets, events, pauses, unintelligible
    speech, and what the notation says was not spoken. Retraced words, fillers and fragments are spoken, and stay.

    Args:
        original: the decoded file.
        name: name for messages.

    Raises:
        TranscriptMalformed: no line is a main tier.
    """
    participants: dict[str, str] = {}
    pieces = []
    for tier in _TIER.finditer(original):
        if tier["kind"] == "@" and tier["name"] == "Participants":
            participants |= _participants(tier["text"])
        elif tier["kind"] == "*":
            speaker = participants.get(tier["name"], tier["name"])
            pieces += _utterance(piece_of(original, *tier.span("text")), speaker)
    if not pieces:
        raise TranscriptMalformed(
            f"{name}: a CHAT file must hold main tiers such as '*CHI:\ttext', and holds none"
        )
    return assemble(original, pieces)


def _participants(text: str) -> dict[str, str]:
    """Codes and what they stand for: the name where there is one, else the code itself."""
    found = [match for part in text.split(",") if (match := _PARTICIPANT.match(part))]
    names = {match[1]: match[2].split() for match in found}
    return {code: f"{code} {words[0]}" if len(words) > 1 else code for code, words in names.items()}


def _utterance(traced: TracedText, speaker: str) -> list[Piece]:
    """One utterance; where it has several time marks, a piece for each."""
    pieces: list[Piece] = []
    at = 0
    for bullet in _BULLET.finditer(traced.text):
        times = _TIMES.fullmatch(bullet[0])
        start, end = (int(times[1]) / 1000, int(times[2]) / 1000) if times else (0.0, -1.0)
        pieces.append(_piece(_part(traced, at, bullet.start()), speaker, start, end))
        at = bullet.end()
    pieces.append(_piece(_part(traced, at, len(traced.text)), speaker, 0.0, -1.0))
    return [piece for piece in pieces if re.search(r"\w", piece.traced.text)]


def _part(traced: TracedText, start: int, end: int) -> TracedText:
    return TracedText(
        text=traced.text[start:end], starts_L=traced.starts_L[start:end], ends_L=traced.ends_L[start:end]
    )


def _piece(traced: TracedText, speaker: str, start: float, end: float) -> Piece:
    for pattern, instead in _MARKS:
        edits: list[Edit] = [(*found.span(), instead) for found in pattern.finditer(traced.text)]
        traced = traced.replaced(edits)
    return timed_piece(with_single_spaces(traced), start, end, speaker)
