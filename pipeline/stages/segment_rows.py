"""The table of segments: its columns, the row of a segment, and what planning reads of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from prep_corpus.align.audio.levels import Levels
from prep_corpus.align.cutting.cutting import Segment
from prep_corpus.align.model.models import ModelInfo
from prep_corpus.align.text.styles import CLEAN
from prep_corpus.align.transcripts.versions import file_span
from prep_corpus.align.words.coarse import fine_frames, finer_words
from prep_corpus.align.words.timed_words import timed_words, word_scores
from prep_corpus.filters.features import FEATURE_NAMES
from prep_corpus.pipeline.recognition.uncovered import Recognition
from prep_corpus.pipeline.shards.rows import TEXT_SOURCE, WORD_TIMES, utterance_id
from prep_corpus.pipeline.stages.align import AlignedRecording
from prep_corpus.pipeline.storage.stage_store import StageRef, Store

SCHEMA = pa.schema(
    [
        ("id", pa.string()),
        ("recording_id", pa.string()),
        ("speaker", pa.string()),
        ("kept", pa.bool_()),
        ("reason", pa.string()),
        ("start_sample", pa.int64()),
        ("end_sample", pa.int64()),
        ("start", pa.float64()),
        ("end", pa.float64()),
        ("duration", pa.float64()),
        ("text", pa.string()),
        ("text_normalized", pa.string()),
        ("char_start", pa.int64()),
        ("char_end", pa.int64()),
        ("file_char_start", pa.int64()),
        ("file_char_end", pa.int64()),
        *[(name, pa.float64()) for name in FEATURE_NAMES],
        ("score", pa.float64()),
        ("clip_offset", pa.int64()),
        ("clip_bytes", pa.int64()),
    ]
)

TIME_PLACES = 6
"""Decimal places of the times of words, in seconds."""

_NOT_IN_SHARDS = ("kept", "reason", "char_start", "char_end", "file_char_start", "file_char_end")


def segment_row(
    aligned: AlignedRecording, segment: Segment, info: ModelInfo, text_style: str = CLEAN
) -> dict[str, Any]:
    """The row of a segment but for its features, score and clip."""
    recording = aligned.probed.recording
    rate = info.sample_rate_hz
    normalized, ranges = aligned.normalized, segment.spoken_ranges()
    between = " " if normalized.has_spaces else ""
    char_start, char_end = normalized.span_of(segment.word_start, segment.word_end)
    file_start, file_end = file_span(recording.source, char_start, char_end)
    return {
        "id": utterance_id(recording.id, segment.sample_start, segment.sample_end),
        "recording_id": recording.id,
        "speaker": aligned.speaker_of(segment.word_start, segment.word_end),
        "kept": not segment.reason,
        "reason": segment.reason,
        **positions(segment.sample_start, segment.sample_end, rate),
        "text": between.join(
            filter(None, (normalized.styled(start, end, text_style) for start, end in ranges))
        ),
        "text_normalized": between.join(normalized.spoken_of(start, end) for start, end in ranges),
        "char_start": char_start,
        "char_end": char_end,
        "file_char_start": file_start,
        "file_char_end": file_end,
    }


def recognised_row(
    aligned: AlignedRecording, recognised: Recognition, segment: Segment, info: ModelInfo
) -> dict[str, Any]:
    """The row of an utterance whose text is what the model hears, but for its features, score and clip.

    It has no characters of the transcript; its place there is where the words after it begin.
    """
    recording = aligned.probed.recording
    text = recognised.text_of(segment)
    words = aligned.words
    after = int(np.searchsorted(words.frame_starts, segment.frame_start))
    place = int(words.char_starts[after]) if after < len(words) else len(aligned.normalized.original)
    return {
        "id": utterance_id(recording.id, segment.sample_start, segment.sample_end),
        "recording_id": recording.id,
        "speaker": None if aligned.speakers else recording.speaker,
        "kept": not segment.reason,
        "reason": segment.reason,
        **positions(segment.sample_start, segment.sample_end, info.sample_rate_hz),
        "text": text,
        "text_normalized": text,
        "char_start": place,
        "char_end": place,
        "file_char_start": None,
        "file_char_end": None,
    }


def positions(start_sample: int, end_sample: int, rate_hz: int) -> dict[str, Any]:
    """The columns that say where a half-open span of samples stands."""
    return {
        "start_sample": start_sample,
        "end_sample": end_sample,
        "start": start_sample / rate_hz,
        "end": end_sample / rate_hz,
        "duration": (end_sample - start_sample) / rate_hz,
    }


def word_times(
    aligned: AlignedRecording, levels: Levels, segments: Sequence[Segment], info: ModelInfo
) -> Iterator[list[dict[str, Any]]]:
    """The words of each segment, as `rows.WordTime` has them; its times are those of `align`."""
    fine = fine_frames(info.stride_samples, info.sample_rate_hz)
    words = finer_words(aligned.words, levels, info.stride_samples, fine) if fine > 1 else aligned.words
    scores_W = word_scores(aligned.evidence_WF)
    for segment in segments:
        origin, end = segment.sample_start / info.sample_rate_hz, segment.sample_end / info.sample_rate_hz
        said = timed_words(
            words,
            aligned.normalized,
            (w for first, last in segment.spoken_ranges() for w in range(first, last)),
            scores_W,
            frame_seconds=info.frame_seconds / fine,
            speakers=aligned.speakers,
            own_speaker=aligned.probed.recording.speaker,
        )
        yield [
            {
                "text": word.text,
                "start": round(min(max(word.start_seconds, origin), end) - origin, TIME_PLACES),
                "end": round(min(max(word.end_seconds, origin), end) - origin, TIME_PLACES),
                "score": round(word.score, TIME_PLACES),
                "speaker": word.speaker,
            }
            for word in said
        ]


def recognised_word_times(
    recognised: Recognition, speaker: str | None, segments: Sequence[Segment], info: ModelInfo
) -> Iterator[list[dict[str, Any]]]:
    """The same of utterances whose text is what the model hears; a word's score is the probability that it was said."""
    scores_W = 1 / (1 + np.exp(-np.clip(recognised.word_scores_W, -50, 50)))
    for segment in segments:
        origin, end = segment.sample_start / info.sample_rate_hz, segment.sample_end / info.sample_rate_hz
        first, last = segment.word_start, segment.word_end
        starts, ends = (
            (np.clip(edges_W[first:last] * info.frame_seconds, origin, end) - origin).tolist()
            for edges_W in (recognised.words.frame_starts, recognised.words.frame_ends)
        )
        yield [
            {
                "text": text,
                "start": round(start, TIME_PLACES),
                "end": round(until, TIME_PLACES),
                "score": round(float(score), TIME_PLACES),
                "speaker": speaker,
            }
            for text, start, until, score in zip(
                recognised.found.texts[first:last], starts, ends, scores_W[first:last]
            )
        ]


def clip_fields(
    aligned: AlignedRecording,
    row: dict[str, Any],
    info: ModelInfo,
    config_digest: str,
    words: list[dict[str, Any]] | None = None,
    text_source: str | None = None,
) -> dict[str, Any]:
    """The row of an utterance without audio and noise, as `rows.from_fields` takes it.

    With its words and the source of its text, where these are given.
    """
    recording = aligned.probed.recording
    fields = {key: row[key] for key in row if key not in _NOT_IN_SHARDS}
    return {
        **fields,
        "words": int(row["words"]),
        "characters": int(row["characters"]),
        "language": recording.language,
        "source_uri": recording.audio_uri,
        "model_digest": info.digest,
        "config_digest": config_digest,
        "sample_rate_hz": info.sample_rate_hz,
        **({} if words is None else {WORD_TIMES: words}),
        **({} if text_source is None else {TEXT_SOURCE: text_source}),
    }


@dataclass(frozen=True, kw_only=True)
class PlannedUtterance:
    """What planning needs of a kept utterance."""

    id: str
    recording_id: str
    speaker: str | None
    seconds: float
    offset: int
    n_bytes: int


def read_utterance_refs(store: Store, segments: StageRef) -> Iterator[PlannedUtterance]:
    """The kept utterances of a bundle."""
    columns = ["id", "recording_id", "speaker", "kept", "duration", "clip_offset", "clip_bytes"]
    table = store.read(segments, columns).table
    for row in table.filter(table["kept"]).to_pylist():
        yield PlannedUtterance(
            id=row["id"],
            recording_id=row["recording_id"],
            speaker=row["speaker"],
            seconds=row["duration"],
            offset=row["clip_offset"],
            n_bytes=row["clip_bytes"],
        )
