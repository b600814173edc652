"""A report as the JSON that its page draws from: columns rather than rows, numbers as short as they may be."""

from __future__ import annotations

import base64
from typing import Any

import numpy as np

from prep_corpus.align.recognition.sources import TRANSCRIPT
from prep_corpus.pipeline.report.model import (
    STRIP_CLASSES,
    Example,
    RecordingRow,
    Report,
    SegmentRow,
    Word,
)
from prep_corpus.pipeline.stages.transcript_checks import TranscriptCheck

BASE64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
_DIGITS = np.frombuffer(BASE64.encode(), np.uint8)
_SAID, _INSIDE = 1, 2
_MOST_PROBLEMS = 5


def payload(report: Report) -> dict[str, Any]:
    """All that the page draws, but for the audio."""
    ids = {row.id: at for at, row in enumerate(report.segments)}
    recordings = sorted(
        {row.recording_id for row in report.segments} | {example.recording_id for example in report.examples}
    )
    places = {recording_id: at for at, recording_id in enumerate(recordings)}
    return {
        "recordingIds": recordings,
        "segments": _segments(report.segments, places),
        "segmentsTotal": report.segments_total,
        "recordings": [_recording(row) for row in report.recordings],
        "recordingsTotal": report.recordings_total,
        "classes": list(STRIP_CLASSES),
        "examples": [_example(example, ids, places) for example in report.examples],
        "histograms": [
            {
                "key": one.key,
                "title": one.title,
                "unit": one.unit,
                "edges": one.edges,
                "kept": one.kept,
                "dropped": one.dropped,
                "marks": one.marks,
                "note": one.note,
            }
            for one in report.histograms
        ],
        "curve": _curve(report),
        "letters": [[one.recording_id, one.stage, one.reason, one.message] for one in report.letters],
        "lettersTotal": report.failed,
        "checks": [_check(check) for check in report.checks],
        "wordThreshold": None if report.point is None else _short(report.point.word_threshold, 3),
        "utteranceThreshold": None if report.point is None else _short(report.point.utterance_threshold, 3),
        "wordsDecide": report.settings.get("cut", "words") == "words",
    }


def _short(value: float | None, digits: int) -> float | None:
    """A number with few digits, None where there is none."""
    return None if value is None or not np.isfinite(value) else round(value, digits)


def _segments(rows: tuple[SegmentRow, ...], places: dict[str, int]) -> dict[str, list[Any]]:
    sources = [row.text_source for row in rows]
    return {
        "id": [row.id for row in rows],
        "recording": [places[row.recording_id] for row in rows],
        "speaker": [row.speaker for row in rows],
        "start": [_short(row.start, 2) for row in rows],
        "seconds": [_short(row.seconds, 2) for row in rows],
        "kept": [int(row.kept) for row in rows],
        "reason": [row.reason for row in rows],
        "text": [row.text for row in rows],
        "score": [_short(row.score, 2) for row in rows],
        "rate": [_short(row.rate, 1) for row in rows],
        "snr": [_short(row.snr_db, 0) for row in rows],
        "weakest": [_short(row.weakest, 2) for row in rows],
        **({"source": sources} if any(source != TRANSCRIPT for source in sources) else {}),
    }


def _recording(row: RecordingRow) -> dict[str, Any]:
    return {
        "id": row.id,
        "speaker": row.speaker,
        "seconds": _short(row.seconds, 1),
        "share": _short(row.share_kept, 4),
        "utterances": row.utterances,
        "segments": row.segments,
        "parts": {key: _short(value, 1) for key, value in row.parts.items() if value},
        "characters": {key: value for key, value in row.characters.items() if value},
        "strip": [_DIGITS[values].tobytes().decode() for values in row.strip],
    }


def _check(check: TranscriptCheck) -> dict[str, Any]:
    cues = check.cues
    return {
        "id": check.recording_id,
        "verdict": check.verdict,
        "disagrees": check.disagrees,
        "transcript": check.transcript,
        "format": check.format,
        "shift": None if cues is None else _short(cues.shift_seconds, 2),
        "drift": None if cues is None else _short(cues.drift_seconds_per_hour, 2),
        "compared": None if cues is None else [cues.compared, cues.cues],
        "versions": [[one.name, one.used, one.words, one.words_apart] for one in check.versions],
        "problems": list(check.problems[:_MOST_PROBLEMS]),
        "problemCount": check.problem_count,
    }


def _example(example: Example, ids: dict[str, int], places: dict[str, int]) -> dict[str, Any]:
    return {
        "row": ids.get(example.segment_id),
        "key": example.segment_id or f"{example.recording_id}@{example.group}@{example.start:.2f}",
        "recording": places[example.recording_id],
        "group": example.group,
        "start": _short(example.start, 3),
        "seconds": _short(example.end - example.start, 3),
        "core": [_short(at, 3) for at in example.core],
        "peaks": base64.b64encode(example.peaks.tobytes()).decode(),
        "words": [_word(word) for word in example.words],
    }


def _word(word: Word) -> list[Any]:
    flags = _SAID * word.said + _INSIDE * word.inside
    times = [_short(word.start, 3), _short(word.end, 3)]
    return [word.text, *times, _short(word.score, 2), flags, _short(word.mean_ratio, 2), word.edits]


def _curve(report: Report) -> dict[str, Any] | None:
    if not report.curve:
        return None
    points = sorted(report.curve, key=lambda point: point.wer_upper)
    chosen = points.index(report.point) if report.point in points else None
    return {
        "points": [[_short(p.wer, 5), _short(p.wer_upper, 5), _short(p.kept_share, 4)] for p in points],
        "thresholds": [[_short(p.word_threshold, 2), _short(p.utterance_threshold, 2)] for p in points],
        "chosen": chosen,
    }
