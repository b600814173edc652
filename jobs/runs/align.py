"""`prep-corpus align`: forced alignment of long recordings alone, written as CTM, TextGrid, JSON lines and captions."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace

import apache_beam as beam
from rich.console import Console

from prep_corpus.align.audio.levels import Levels
from prep_corpus.align.errors import DeadLetter
from prep_corpus.align.model.models import ModelInfo
from prep_corpus.align.text.normalize import TextOptions
from prep_corpus.align.transcripts.versions import file_span
from prep_corpus.align.words.captions import Caption, captions, to_srt, to_vtt
from prep_corpus.align.words.coarse import fine_frames, finer_alignment
from prep_corpus.align.words.evidence import EVIDENCE_NAMES
from prep_corpus.align.words.words import to_ctm, to_textgrid
from prep_corpus.jobs.config import RunConfig
from prep_corpus.jobs.runs.prepare import PreparedRun, prepare_run, read_bundles
from prep_corpus.jobs.runs.run import EXIT_INTERNAL_ERRORS
from prep_corpus.jobs.screen import display
from prep_corpus.jobs.screen.printing import print_line, transcript_lines
from prep_corpus.jobs.start.beam_options import pipeline_options
from prep_corpus.jobs.start.claim import holding
from prep_corpus.pipeline.inputs.bundles import read_bundle
from prep_corpus.pipeline.run_files import DEAD_LETTERS_NAME, STATUS_NAME
from prep_corpus.pipeline.shards.rows import safe_name
from prep_corpus.pipeline.stage_frame import emissions_of, read_model
from prep_corpus.pipeline.stages.align import Align, AlignedRecording, read_alignments
from prep_corpus.pipeline.stages.close import letters_of, write_dead_letters
from prep_corpus.pipeline.stages.emit import Emit, read_emissions
from prep_corpus.pipeline.stages.transcript_checks import CheckTranscripts, read_checks
from prep_corpus.pipeline.storage import files
from prep_corpus.pipeline.storage.stage_store import StageRef, Store

WORD_TIME_FORMATS = ("ctm", "textgrid", "jsonl", "srt", "vtt")
_ENDINGS = {"ctm": ".ctm", "textgrid": ".TextGrid", "jsonl": ".jsonl", "srt": ".srt", "vtt": ".vtt"}


@dataclass(frozen=True, kw_only=True)
class ExportOptions:
    """What is written for each recording.

    Attributes:
        out: folder of the results.
        formats: of `WORD_TIME_FORMATS`.
        text: how transcripts are normalised.
        original_lines: captions show the whole text of their cues, in its lines; else what is said of it.
    """

    out: str
    formats: tuple[str, ...]
    text: TextOptions
    original_lines: bool = False


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


def export_recording(aligned: AlignedRecording, info: ModelInfo, options: ExportOptions) -> list[str]:
    """Write one recording's files; returns their paths."""
    id_ = aligned.probed.recording.id
    written = []
    for name in options.formats:
        if name == "ctm":
            text = to_ctm(
                aligned.words, aligned.normalized, recording_id=id_, frame_seconds=info.frame_seconds
            )
        elif name == "textgrid":
            text = to_textgrid(
                aligned.words,
                aligned.normalized,
                aligned.alignment.untranscribed,
                speakers=aligned.speakers,
                frame_seconds=info.frame_seconds,
                duration_seconds=max(
                    aligned.n_samples / info.sample_rate_hz, aligned.n_frames * info.frame_seconds
                ),
            )
        elif name == "jsonl":
            text = words_json(aligned, info)
        else:
            shown = captions_of(aligned, info, original_lines=options.original_lines)
            text = to_srt(shown) if name == "srt" else to_vtt(shown)
        uri = files.join(options.out, safe_name(id_) + _ENDINGS[name])
        data = text.encode()
        files.write_atomic(uri, lambda file, data=data: file.write(data), replace=True)  # type: ignore[misc]
        written.append(uri)
    return written


def export_bundle(store: Store, alignments: StageRef, options: ExportOptions) -> Iterator[str]:
    """Write the files of a bundle's recordings."""
    emissions = emissions_of(store, alignments)
    info = read_model(store, emissions)
    fine = fine_frames(info.stride_samples, info.sample_rate_hz)
    emitted = read_emissions(store, emissions)[1] if fine > 1 else {}
    bundle = read_bundle(store, alignments.bundle)
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


def execute(config: RunConfig, formats: tuple[str, ...], *, quiet: bool, original_lines: bool = False) -> int:
    """Align a manifest and write the results; returns the exit code.

    Args:
        config: of a run, whose emissions and alignments these are.
        formats: of `WORD_TIME_FORMATS`.
        quiet: print errors alone.
        original_lines: of captions, see `ExportOptions`.
    """
    console = Console(stderr=True, quiet=quiet)
    prepared = prepare_run(config, console, cuts=False)
    with holding(config, console, what="align"):
        options = ExportOptions(
            out=config.out, formats=formats, text=prepared.emit.text, original_lines=original_lines
        )
        return _align(prepared, options, console, quiet=quiet)


def _align(prepared: PreparedRun, options: ExportOptions, console: Console, *, quiet: bool) -> int:
    config = prepared.config
    store, emit = prepared.store, prepared.emit
    bundled = read_bundles(prepared, stages=("emit", "align"))
    corpus, work = bundled.corpus, bundled.work
    with display.shown_progress(work, files.join(config.out, STATUS_NAME), quiet=quiet, console=console):
        pipeline = beam.Pipeline(options=pipeline_options(config))
        emitted = (
            pipeline
            | beam.Create([bundled.bundles_uri])
            | beam.FlatMap(lambda uri: files.read_bytes(uri).decode().split())
            | beam.Reshuffle()
            | Emit(config.work, emit)
        )
        aligned = emitted | Align(config.work, options.text, config.workers)
        _ = aligned | CheckTranscripts(config.work, config.out, options.text)
        _ = aligned | "Export" >> beam.FlatMap(lambda ref: export_bundle(store, ref, options))
        letters_uri = files.join(config.out, DEAD_LETTERS_NAME)
        stages = (emitted, aligned) | beam.Flatten()
        _ = (
            stages
            | "Letters" >> beam.FlatMap(lambda ref: letters_of(store, ref))
            | beam.combiners.ToList()
            | "WriteLetters"
            >> beam.Map(lambda late: write_dead_letters(letters_uri, [*corpus.dead_letters, *late]))
        )
        pipeline.run().wait_until_finish()
    return _report(config, corpus.entries, console)


def _report(config: RunConfig, entries: int, console: Console) -> int:
    text = files.read_bytes(files.join(config.out, DEAD_LETTERS_NAME)).decode()
    letters = [DeadLetter(**json.loads(line)) for line in text.splitlines()]
    for letter in letters[:20]:
        print_line(console, f"rejected: {letter.reason}: {letter.message.splitlines()[0]}")
    for line in transcript_lines(read_checks(config.out)):
        print_line(console, line)
    print_line(console, f"{entries - len(letters)} of {entries} recordings aligned in {config.out}")
    return EXIT_INTERNAL_ERRORS if any(letter.reason == "internal-error" for letter in letters) else 0
