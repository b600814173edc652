"""Cues with their times, as tests compare them."""

from __future__ import annotations

from prep_corpus.align.transcripts.pieces import Transcript


def timed(transcript: Transcript) -> list[tuple[float, float, str]]:
    return [
        (cue.start_seconds, cue.end_seconds, transcript.text[cue.char_start : cue.char_end])
        for cue in transcript.cues
    ]
