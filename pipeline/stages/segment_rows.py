"""The table of segments: its columns, the row of a segment, and what planning reads of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from prep_corpus.align.audio.levels import Levels
from prep_corpus.align.cutting.cutting import Segment
from prep_corpus.align.model.models import ModelInfo
from prep_corpus.align.recognition.repair import SaidPart
from prep_corpus.align.recognition.sources import RECOGNISED, REPAIRED, TRANSCRIPT
from prep_corpus.align.speakers.word_speakers import speaker_identity
from prep_corpus.align.text.styles import CLEAN
from prep_corpus.align.transcripts.versions import file_span
from prep_corpus.align.words.coarse import fine_frames, finer_words
from prep_corpus.align.words.timed_words import TimedWord, timed_words, word_scores
from prep_corpus.filters.features import FEATURE_NAMES
from prep_corpus.pipeline.inputs.bundles import ProbedRecording
from prep_corpus.pipeline.recognition.uncovered import ScoredWords
from prep_corpus.pipeline.shards.rows import TEXT_ORIGINAL, TEXT_SOURCE, WORD_TIMES, utterance_id
from prep_corpus.pipeline.stages.align import AlignedRecording
from prep_corpus.pipeline.stages.cut_recording import SegmentedRecording
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

SCHEMA_WITH_SOURCE = SCHEMA.append(pa.field(TEXT_SOURCE, pa.string()))
"""Where the model's words are kept."""

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


def repaired_row(
    aligned: AlignedRecording,
    heard: ScoredWords,
    parts: Sequence[SaidPart],
    segment: Segment,
    info: ModelInfo,
    text_style: str = CLEAN,
) -> tuple[dict[str, Any], str]:
    """The row of a segment whose text is repaired, and what the transcript has there."""
    row = segment_row(aligned, segment, info, text_style)
    normalized = aligned.normalized
    texts = [
        (heard.text_of(part.start, part.end),) * 2
        if part.is_read
        else (
            normalized.styled(part.start, part.end, text_style),
            normalized.spoken_of(part.start, part.end),
        )
        for part in parts
    ]
    row["text"] = heard.separator.join(filter(None, (styled for styled, _ in texts)))
    row["text_normalized"] = heard.separator.join(spoken for _, spoken in texts)
    return row, normalized.styled(segment.word_start, segment.word_end, text_style)


def recognised_row(
    aligned: AlignedRecording, heard: ScoredWords, segment: Segment, info: ModelInfo
) -> dict[str, Any]:
    """The row of an utterance whose text is what the model hears, but for its features, score and clip.

    It has no characters of the transcript; its place there is where the words after it begin.
    """
    recording = aligned.probed.recording
    text = heard.text_of(segment.word_start, segment.word_end)
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
    aligned: AlignedRecording,
    levels: Levels,
    said: Iterable[tuple[Segment, Sequence[SaidPart]]],
    info: ModelInfo,
    heard: ScoredWords | None = None,
    *,
    with_source: bool = False,
) -> Iterator[list[dict[str, Any]]]:
    """The words of each segment, as `rows.WordTime` has them; the times of the transcript's are those of `align`.

    Args:
        aligned: the recording.
        levels: its loudness, which places words of coarse frames.
        said: segments with what is said in them, words of the transcript or of `heard`.
        info: the model's description.
        heard: the recognised words; the score of one is the probability that it was said.
        with_source: whether each word says whose it is.
    """
    fine = fine_frames(info.stride_samples, info.sample_rate_hz)
    words = finer_words(aligned.words, levels, info.stride_samples, fine) if fine > 1 else aligned.words
    scores_W = word_scores(aligned.evidence_WF)
    unnamed = None if aligned.speakers else aligned.probed.recording.speaker
    for segment, parts in said:
        found: list[tuple[TimedWord, str]] = []
        for part in parts:
            if part.is_read:
                assert heard is not None
                own = list(_recognised_words(heard, part, unnamed, info))
            else:
                own = timed_words(
                    words,
                    aligned.normalized,
                    range(part.start, part.end),
                    scores_W,
                    frame_seconds=info.frame_seconds / fine,
                    speakers=aligned.speakers,
                    own_speaker=aligned.probed.recording.speaker,
                )
            found += [(word, RECOGNISED if part.is_read else TRANSCRIPT) for word in own]
        yield _fields(found, segment, info, with_source=with_source)


def own_parts(segment: Segment) -> list[SaidPart]:
    """What is said in a segment of a transcript that is not repaired."""
    return [SaidPart(start=start, end=end, is_read=False) for start, end in segment.spoken_ranges()]


def _recognised_words(
    heard: ScoredWords, part: SaidPart, speaker: str | None, info: ModelInfo
) -> Iterator[TimedWord]:
    words, seconds = heard.text.words, info.frame_seconds
    for u in range(part.start, part.end):
        yield TimedWord(
            text=heard.texts[u],
            start_seconds=float(words.frame_starts[u] * seconds),
            end_seconds=float(words.frame_ends[u] * seconds),
            score=float(1 / (1 + np.exp(-np.clip(heard.scores_W[u], -50, 50)))),
            speaker=speaker,
        )


def _fields(
    words: Sequence[tuple[TimedWord, str]], segment: Segment, info: ModelInfo, *, with_source: bool
) -> list[dict[str, Any]]:
    """Words with their times from the start of their segment, inside it, none before the end of the one before."""
    origin, end = segment.sample_start / info.sample_rate_hz, segment.sample_end / info.sample_rate_hz
    fields, before = [], origin
    for word, source in words:
        start = min(max(word.start_seconds, before), end)
        until = min(max(word.end_seconds, start), end)
        fields.append(
            {
                "text": word.text,
                "start": round(start - origin, TIME_PLACES),
                "end": round(until - origin, TIME_PLACES),
                "score": round(word.score, TIME_PLACES),
                "speaker": word.speaker,
                **({"source": source} if with_source else {}),
            }
        )
        before = until
    return fields


def clip_fields(
    aligned: AlignedRecording,
    row: dict[str, Any],
    info: ModelInfo,
    config_digest: str,
    words: list[dict[str, Any]] | None = None,
    text_original: str | None = None,
) -> dict[str, Any]:
    """The row of an utterance without audio and noise, as `rows.from_fields` takes it.

    With its words and what the transcript has in its place, where these are given.
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
        **({} if text_original is None else {TEXT_ORIGINAL: text_original}),
    }


@dataclass(frozen=True, kw_only=True)
class ScoredPiece:
    """A segment on its way to its row; `source` is `TRANSCRIPT`, `REPAIRED` or `RECOGNISED`, `parts` what is said."""

    segment: Segment
    source: str
    features_F: NDArray[np.float64]
    score: float
    parts: Sequence[SaidPart] = ()


def pieces_of(cut: SegmentedRecording) -> list[ScoredPiece]:
    """All segments of a recording in order of time."""
    pieces = []
    for s, (segment, features_F, score) in enumerate(
        zip(cut.cuts.segments, cut.features_SF, cut.scores_S.tolist())
    ):
        source, parts = TRANSCRIPT, own_parts(segment)
        if cut.repairs is not None and cut.repairs.repairs_in(cut.repairs.cuts.segments[s]):
            source, parts = REPAIRED, list(cut.repairs.parts(cut.repairs.cuts.segments[s]))
        pieces.append(
            ScoredPiece(segment=segment, source=source, features_F=features_F, score=score, parts=parts)
        )
    if cut.recognised is not None:
        found = zip(cut.recognised.segments, cut.recognised.features_SF, cut.recognised.scores_S.tolist())
        for segment, features_F, score in found:
            parts = [SaidPart(start=segment.word_start, end=segment.word_end, is_read=True)]
            pieces.append(
                ScoredPiece(
                    segment=segment, source=RECOGNISED, features_F=features_F, score=score, parts=parts
                )
            )
    return sorted(pieces, key=lambda piece: piece.segment.sample_start)


def row_of(
    aligned: AlignedRecording, cut: SegmentedRecording, piece: ScoredPiece, info: ModelInfo, text_style: str
) -> tuple[dict[str, Any], str | None]:
    """The row of a piece but for its features, score and clip, and what the transcript has instead of its text."""
    if piece.source == TRANSCRIPT or cut.heard is None:
        return segment_row(aligned, piece.segment, info, text_style), None
    if piece.source == REPAIRED:
        return repaired_row(aligned, cut.heard, piece.parts, piece.segment, info, text_style)
    return recognised_row(aligned, cut.heard, piece.segment, info), None


@dataclass(frozen=True, kw_only=True)
class PlannedUtterance:
    """What planning needs of a kept utterance."""

    id: str
    recording_id: str
    speaker: str | None
    seconds: float
    offset: int
    n_bytes: int
    text_source: str = TRANSCRIPT


def read_utterance_refs(
    store: Store, segments: StageRef, *, with_source: bool = False
) -> Iterator[PlannedUtterance]:
    """The kept utterances of a bundle, with the source of their text where it is asked for and there."""
    columns = ["id", "recording_id", "speaker", "kept", "duration", "clip_offset", "clip_bytes"]
    columns += [TEXT_SOURCE] if with_source else []
    table = store.read(segments, columns).table
    for row in table.filter(table["kept"]).to_pylist():
        yield PlannedUtterance(
            id=row["id"],
            recording_id=row["recording_id"],
            speaker=row["speaker"],
            seconds=row["duration"],
            offset=row["clip_offset"],
            n_bytes=row["clip_bytes"],
            text_source=row.get(TEXT_SOURCE, TRANSCRIPT),
        )


def speakers_identity(bundle: list[ProbedRecording]) -> list[object]:
    """All that decides who says the words of a bundle, beside texts and alignments."""
    return [
        [
            speaker_identity(version.source, probed.recording.speaker_spans)
            for version in probed.recording.versions
        ]
        for probed in bundle
    ]
