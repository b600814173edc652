"""What was said when, one file per recording and format: CTM, TextGrid, EAF, JSON, JSON lines and captions."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from prep_corpus.align.audio.levels import Levels
from prep_corpus.align.model.models import ModelInfo
from prep_corpus.align.recognition.sources import RECOGNISED
from prep_corpus.align.text.normalize import TextOptions
from prep_corpus.align.transcripts.versions import file_span
from prep_corpus.align.words.annotated import to_eaf, to_json
from prep_corpus.align.words.captions import Caption, captions, to_srt, to_vtt
from prep_corpus.align.words.coarse import fine_frames, finer_alignment
from prep_corpus.align.words.evidence import EVIDENCE_NAMES
from prep_corpus.align.words.timed_words import TimedWord, timed_words, word_scores
from prep_corpus.align.words.words import to_ctm, to_textgrid
from prep_corpus.pipeline.inputs.bundles import read_bundle
from prep_corpus.pipeline.shards.rows import TEXT_SOURCE, safe_name
from prep_corpus.pipeline.stage_frame import emissions_of, read_model
from prep_corpus.pipeline.stages.align import AlignedRecording, read_alignments
from prep_corpus.pipeline.stages.emit import read_emissions
from prep_corpus.pipeline.storage import files
from prep_corpus.pipeline.storage.stage_store import StageRef, Store


@dataclass(frozen=True, kw_only=True)
class ExportOptions:
    """What is written for each recording.

    Attributes:
        out: folder of the results.
        formats: of `jobs.options.WORD_TIME_FORMATS`.
        text: how transcripts are normalised.
        original_lines: captions show the whole text of their cues, in its lines; else what is said of it.
        read: by recording, what the model reads in it, for captions.
    """

    out: str
    formats: tuple[str, ...]
    text: TextOptions
    original_lines: bool = False
    read: Mapping[str, Sequence[Caption]] = field(default_factory=dict)


def words_json(aligned: AlignedRecording, info: ModelInfo) -> str:
    """One JSON object per word, then one for each stretch of speech that no text covers."""
    words, normalized, seconds = aligned.words, aligned.normalized, info.frame_seconds
    lines = []
    for w in range(len(words)):
        start, end = int(words.char_starts[w]), int(words.char_ends[w])
        file_start, file_end = file_span(aligned.probed.recording.source, start, end)
        lines.append(
            {
                "word": normalized.spoken_of(w, w + 1),
                "start": round(float(words.frame_starts[w]) * seconds, 3),
                "end": round(float(words.frame_ends[w]) * seconds, 3),
                "char_start": start,
                "char_end": end,
                "file_char_start": file_start,
                "file_char_end": file_end,
                "written": normalized.original[start:end],
                "spoken": not bool(words.skipped[w]),
                "speaker": aligned.speaker_of(w, w + 1),
                "evidence": {
                    name: round(float(value), 4)
                    for name, value in zip(EVIDENCE_NAMES, aligned.evidence_WF[w])
                },
            }
        )
    spans = [
        {"untranscribed": True, "start": round(start * seconds, 3), "end": round(end * seconds, 3)}
        for start, end in aligned.alignment.untranscribed
    ]
    return "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in [*lines, *spans])


def captions_of(aligned: AlignedRecording, info: ModelInfo, *, original_lines: bool) -> list[Caption]:
    """The transcript's cues at the times at which they are said, or new ones where it has none."""
    source = aligned.probed.recording.source
    return captions(
        aligned.words,
        aligned.normalized,
        source.cues if source is not None else (),
        frame_seconds=info.frame_seconds,
        speakers=aligned.speakers,
        original_lines=original_lines,
    )


def with_read(shown: Sequence[Caption], read: Sequence[Caption]) -> list[Caption]:
    """Captions of a transcript, and what the model reads where none of them stands; in order of time."""
    return sorted(
        (
            *shown,
            *(
                one
                for one in read
                if not any(
                    one.start_seconds < other.end_seconds and other.start_seconds < one.end_seconds
                    for other in shown
                )
            ),
        ),
        key=lambda one: one.start_seconds,
    )


def duration_of(aligned: AlignedRecording, info: ModelInfo) -> float:
    """Seconds of a recording; at least those of its frames."""
    return max(aligned.n_samples / info.sample_rate_hz, aligned.n_frames * info.frame_seconds)


def untranscribed_of(aligned: AlignedRecording, info: ModelInfo) -> list[tuple[float, float]]:
    """(start, end) in seconds of speech that the transcript does not have."""
    seconds = info.frame_seconds
    return [(start * seconds, end * seconds) for start, end in aligned.alignment.untranscribed]


def _ctm(aligned: AlignedRecording, info: ModelInfo, options: ExportOptions) -> str:
    return to_ctm(
        aligned.words,
        aligned.normalized,
        recording_id=aligned.probed.recording.id,
        frame_seconds=info.frame_seconds,
        speakers=aligned.speakers,
    )


def _textgrid(aligned: AlignedRecording, info: ModelInfo, options: ExportOptions) -> str:
    return to_textgrid(
        aligned.words,
        aligned.normalized,
        aligned.alignment.untranscribed,
        speakers=aligned.speakers,
        frame_seconds=info.frame_seconds,
        duration_seconds=duration_of(aligned, info),
    )


def _words_of(aligned: AlignedRecording, info: ModelInfo) -> Callable[[Caption], list[TimedWord]]:
    """What gives the words of a caption."""
    scores_W = word_scores(aligned.evidence_WF)

    def words_of(caption: Caption) -> list[TimedWord]:
        return timed_words(
            aligned.words,
            aligned.normalized,
            caption.words,
            scores_W,
            frame_seconds=info.frame_seconds,
            speakers=aligned.speakers,
            own_speaker=aligned.probed.recording.speaker,
        )

    return words_of


def _json(aligned: AlignedRecording, info: ModelInfo, options: ExportOptions) -> str:
    return to_json(
        captions_of(aligned, info, original_lines=options.original_lines),
        _words_of(aligned, info),
        untranscribed_of(aligned, info),
        name=aligned.probed.recording.id,
        language=aligned.probed.recording.language,
        duration_seconds=duration_of(aligned, info),
    )


def _eaf(aligned: AlignedRecording, info: ModelInfo, options: ExportOptions) -> str:
    recording = aligned.probed.recording
    return to_eaf(
        captions_of(aligned, info, original_lines=options.original_lines),
        _words_of(aligned, info),
        untranscribed_of(aligned, info),
        audio_uri=recording.audio_uri,
        offset_seconds=recording.offset_seconds,
    )


def _shown(aligned: AlignedRecording, info: ModelInfo, options: ExportOptions) -> list[Caption]:
    own = captions_of(aligned, info, original_lines=options.original_lines)
    return with_read(own, options.read.get(aligned.probed.recording.id, ()))


_WRITERS: dict[str, tuple[str, Callable[[AlignedRecording, ModelInfo, ExportOptions], str]]] = {
    "ctm": (".ctm", _ctm),
    "textgrid": (".TextGrid", _textgrid),
    "eaf": (".eaf", _eaf),
    "json": (".json", _json),
    "jsonl": (".jsonl", lambda aligned, info, _: words_json(aligned, info)),
    "srt": (
        ".srt",
        lambda aligned, info, options: to_srt(_shown(aligned, info, options)),
    ),
    "vtt": (
        ".vtt",
        lambda aligned, info, options: to_vtt(_shown(aligned, info, options)),
    ),
}


def export_recording(aligned: AlignedRecording, info: ModelInfo, options: ExportOptions) -> list[str]:
    """Write one recording's files; returns their paths."""
    written = []
    for name in options.formats:
        ending, write = _WRITERS[name]
        data = write(aligned, info, options).encode()
        uri = files.join(options.out, safe_name(aligned.probed.recording.id) + ending)
        files.write_atomic(uri, lambda file, data=data: file.write(data), replace=True)  # type: ignore[misc]
        written.append(uri)
    return written


def read_captions(store: Store, segments: StageRef, sample_rate_hz: int) -> dict[str, tuple[Caption, ...]]:
    """The utterances of a bundle whose text is what the model reads, by recording.

    Args:
        store: of the run.
        segments: of a run with `--read`, or without.
        sample_rate_hz: of the model.
    """
    found: dict[str, list[Caption]] = {}
    table = store.read(segments).table
    for row in table.to_pylist() if TEXT_SOURCE in table.column_names else ():
        if row["kept"] and row[TEXT_SOURCE] == RECOGNISED:
            shown = Caption(
                start_seconds=row["start_sample"] / sample_rate_hz,
                end_seconds=row["end_sample"] / sample_rate_hz,
                text=row["text"],
                speaker=row["speaker"],
            )
            found.setdefault(row["recording_id"], []).append(shown)
    return {recording: tuple(shown) for recording, shown in found.items()}


def export_bundle(
    store: Store, alignments: StageRef, options: ExportOptions, segments: StageRef | None = None
) -> Iterator[str]:
    """Write the files of a bundle's recordings; captions also of what is read in `segments`."""
    emissions = emissions_of(store, alignments)
    info = read_model(store, emissions)
    if segments is not None:
        options = replace(options, read=read_captions(store, segments, info.sample_rate_hz))
    fine = fine_frames(info.stride_samples, info.sample_rate_hz)
    emitted = read_emissions(store, emissions)[1] if fine > 1 else {}
    bundle = read_bundle(store, emissions.bundle)
    for aligned in read_alignments(store, alignments, bundle, info, options.text):
        if fine > 1:
            levels = emitted[aligned.probed.recording.id].levels
            yield from export_recording(_finer(aligned, levels, info, fine), info.finer(fine), options)
        else:
            yield from export_recording(aligned, info, options)


def _finer(aligned: AlignedRecording, levels: Levels, info: ModelInfo, parts: int) -> AlignedRecording:
    """The recording with words that begin and end where the loudness says; in finer frames."""
    alignment, words = finer_alignment(aligned.alignment, aligned.words, levels, info.stride_samples, parts)
    return replace(aligned, alignment=alignment, words=words, n_frames=aligned.n_frames * parts)
