"""Forced alignment of one recording with its text: audio and transcript in, words with times out.

The same functions as the stages of the pipeline, on one recording in memory: decode, normalise, run the model,
find the exact CTC path, gather words, and of several transcripts take the one that fits best.

Legend: N samples, T frames, C classes.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path
from threading import Lock
from typing import BinaryIO

from prep_corpus.align.aligned_file import AlignedFile, AlignedWord
from prep_corpus.align.audio.decode import decode
from prep_corpus.align.audio.levels import LevelMeter, Levels, block_samples
from prep_corpus.align.errors import AudioMissing, TranscriptMissing, UsageError
from prep_corpus.align.model.columns import columns_used, needs_columns
from prep_corpus.align.model.devices import default_device
from prep_corpus.align.model.emissions import Emitter, FloatArray, HalfArray, WindowOptions
from prep_corpus.align.model.models import ModelInfo, load_model
from prep_corpus.align.recordings import DEFAULT_LANGUAGE
from prep_corpus.align.sections.reordered import reordered_version, section_starts
from prep_corpus.align.speakers.word_speakers import SpokenBy, spoken_by
from prep_corpus.align.text.normalize import TextOptions, normalize
from prep_corpus.align.transcripts import formats
from prep_corpus.align.transcripts.overlays import smil
from prep_corpus.align.transcripts.versions import Version, version_of
from prep_corpus.align.words.aligned_text import AlignedText, align_best
from prep_corpus.align.words.coarse import fine_frames, finer_alignment
from prep_corpus.align.words.timed_words import word_scores

Audio = str | os.PathLike[str] | BinaryIO
"""The path of an audio file, or an open binary file that can seek."""

Text = str | os.PathLike[str]
"""A transcript itself, as a str, or the path of its file, as a Path."""

_GPU_CALLS = 2


class Aligner:
    """Aligns recordings with their texts, one after the other, with one model.

    The emissions are those of `prep-corpus run` with the same model and device, so the times are the same too.

    Args:
        model: "english", a model folder, a Hugging Face CTC model, or "module:factory".
        device: "cpu", "cuda" or "cuda:N"; the GPU where there is one, if None.
        threads: model calls at a time on a CPU; all cores if None. No part of the result.

    Raises:
        UsageError: there is no such model, or it cannot be used.
    """

    def __init__(
        self, model: str = "english", *, device: str | None = None, threads: int | None = None
    ) -> None:
        self._model = load_model(model, device or default_device())
        self._on_gpu = self._model.device.startswith("cuda")
        self._threads = _GPU_CALLS if self._on_gpu else threads or os.cpu_count() or 1

    @property
    def info(self) -> ModelInfo:
        """What is known of the model."""
        return self._model.info

    def align(
        self,
        audio: Audio,
        text: Text | Sequence[Text],
        *,
        language: str = DEFAULT_LANGUAGE,
        options: TextOptions | None = None,
        channel: int | None = None,
        track: str | int | None = None,
    ) -> AlignedFile:
        """Align one recording with its text.

        Args:
            audio: path of the audio file, or an open binary file; any format that the pipeline reads.
            text: the transcript as a str, or the Path of its file (plain text, SRT, WebVTT, STM, TextGrid, HTML,
                Markdown, by the ending); or several of them, of which the one that fits the audio best is taken.
            language: of the transcript, a tag such as "en".
            options: what is left out of the transcript; by default, speaker names and stage directions of subtitles
                and scripts.
            channel: the one channel to take, counted from 0; the mean of all if None.
            track: of several audio tracks, its number from 0 or its language; the default one if None.

        Returns:
            The words of the transcript with their times.

        Raises:
            RecordingError: the audio or the transcript cannot be used, or they do not fit together.
            UsageError: the arguments break a rule.
        """
        name = (
            str(getattr(audio, "name", "audio")) if not isinstance(audio, str | os.PathLike) else str(audio)
        )
        given = [text] if isinstance(text, str | os.PathLike) else list(text)
        if not given:
            raise UsageError(f"{name}: an alignment needs at least one transcript, and 0 are given")
        options = options or TextOptions()
        versions = [read_text(one) for one in given]
        texts = [(version.text, options.for_script(version.is_script)) for version in versions]
        meter = LevelMeter(block_samples(self.info.sample_rate_hz))
        n_samples, log_probs_TC, info = self._emissions(
            audio, texts, language, (channel, None if track is None else str(track)), name, meter
        )
        best = align_best(log_probs_TC, texts, info, language=language, recording_id=name)
        frames, fine = len(log_probs_TC), fine_frames(info.stride_samples, info.sample_rate_hz)
        if fine > 1:
            best = replace(best, aligned=_finer(best.aligned, meter, info, fine))
            frames, info = frames * fine, info.finer(fine)
        seconds = info.frame_seconds
        used, order = versions[best.number], best.aligned.order
        source = (used if order is None else reordered_version(used, order)).source
        sections = () if order is None else section_starts(order)
        said = spoken_by(
            best.aligned.words,
            best.aligned.normalized,
            source,
            (),
            frame_seconds=seconds,
            sections=sections,
        )
        best = replace(best, aligned=replace(best.aligned, words=said.words))
        return AlignedFile(
            words=tuple(_words(best.aligned, said, seconds)),
            untranscribed=tuple(
                (start * seconds, end * seconds) for start, end in best.aligned.alignment.untranscribed
            ),
            duration_seconds=max(n_samples / info.sample_rate_hz, frames * seconds),
            version=best.number,
            name=Path(name).stem,
            info=info,
            aligned=best.aligned,
            speakers=said.names,
            cues=source.cues if source is not None else (),
            audio=name,
            language=language,
        )

    def _emissions(
        self,
        audio: Audio,
        texts: Sequence[tuple[str, TextOptions]],
        language: str,
        part: tuple[int | None, str | None],
        name: str,
        meter: LevelMeter,
    ) -> tuple[int, HalfArray, ModelInfo]:
        """Samples decoded, log-probs [T, C], and the model whose columns they hold; `part` is channel and track."""
        info = self._model.info
        symbols: set[str] = set()
        if needs_columns(info):
            has_spaces = info.has_spaces
            for text, options in texts:
                normalized = normalize(
                    text, alphabet=info.alphabet, language=language, has_spaces=has_spaces, options=options
                )
                symbols.update(info.symbols_of(normalized))
        info, columns = columns_used(info, symbols)
        windows = WindowOptions.for_device(self._model.device)
        emitter = Emitter[int](self._model, windows, columns=columns, threads=self._threads)
        errors: list[Exception] = []
        n_samples = 0

        def counted() -> Iterator[FloatArray]:
            nonlocal n_samples
            with _opened(audio, name) as file:
                blocks = decode(
                    file, name=name, sample_rate_hz=info.sample_rate_hz, channel=part[0], track=part[1]
                )
                for block_N in meter.through(blocks):
                    n_samples += len(block_N)
                    yield block_N

        with nullcontext() if self._model.runtime else _one_thread_per_call():
            found = dict(emitter.emit([(0, counted())], lambda _, error: errors.append(error)))
        if errors:
            raise errors[0]
        return n_samples, found[0], info


def align_file(
    audio: Audio,
    text: Text | Sequence[Text],
    *,
    model: str = "english",
    language: str = DEFAULT_LANGUAGE,
    device: str | None = None,
) -> AlignedFile:
    """Align one recording with its text; an `Aligner` loads the model once for many.

    Args:
        audio, text, language: as `Aligner.align` takes them.
        model, device: as `Aligner` takes them.

    Returns:
        The words of the transcript with their times.

    Raises:
        RecordingError: the audio or the transcript cannot be used, or they do not fit together.
        UsageError: there is no such model, or the arguments break a rule.
    """
    return Aligner(model, device=device).align(audio, text, language=language)


def read_text(text: Text) -> Version:
    """A transcript that is given as a str, or as the path of its file.

    Raises:
        UsageError: a str is the name of a file, which is given as a Path.
        RecordingError: there is no such file, or it is not of its format.
    """
    if isinstance(text, str):
        if len(text) < 1024 and "\n" not in text and os.path.isfile(text):
            raise UsageError(
                f"a transcript is a str, and its file a pathlib.Path: {text!r} is a file; give Path({text!r})"
            )
        return Version(text=text)
    path = Path(text)
    try:
        data = path.read_bytes()
    except OSError as error:
        raise TranscriptMissing(f"there must be a transcript at {path}: {error}") from error
    original = formats.decode(data, name=str(path))
    named = formats.documents_of(data, name=str(path), up=smil.MOST_UP)
    up = smil.folders_up(str(path.parent), named, os.path.isfile)
    documents = {
        document: _document(path, document, f"{path}: line {line}", up)
        for document, line in formats.documents_of(data, name=str(path), up=up).items()
    }
    transcript = formats.parse(original, name=str(path), documents=documents)
    return version_of(transcript, name=str(path), kind=formats.format_of(str(path), original))


def _document(path: Path, document: str, place: str, up: int) -> bytes:
    """A file that a transcript's text stands in.

    Raises:
        RecordingError: there is none, or it stands elsewhere.
    """
    smil.check_below(str(path.parent), document, place=place, up=up)
    found = path.parent / document
    try:
        if found.exists() and not found.is_file():
            raise OSError(f"{found} is no regular file")
        return found.read_bytes()
    except OSError as error:
        raise smil.absent(document, error, place=place) from error


def _finer(aligned: AlignedText, meter: LevelMeter, info: ModelInfo, parts: int) -> AlignedText:
    """The words where the loudness says that they begin and end, in finer frames."""
    levels = Levels.of(meter.finish(), meter.block_samples)
    alignment, words = finer_alignment(aligned.alignment, aligned.words, levels, info.stride_samples, parts)
    return replace(aligned, alignment=alignment, words=words)


def _words(aligned: AlignedText, said: SpokenBy, frame_seconds: float) -> Iterator[AlignedWord]:
    words, normalized = aligned.words, aligned.normalized
    scores_W = word_scores(aligned.evidence_WF)
    for w in range(len(words)):
        is_said = not bool(words.skipped[w])
        yield AlignedWord(
            text=normalized.text_of(w, w + 1),
            spoken=normalized.spoken_of(w, w + 1),
            start_seconds=float(words.frame_starts[w]) * frame_seconds,
            end_seconds=float(words.frame_ends[w]) * frame_seconds,
            score=float(scores_W[w]) if is_said else 0.0,
            is_said=is_said,
            char_start=int(words.char_starts[w]),
            char_end=int(words.char_ends[w]),
            speaker=said.speaker_of(w, w + 1),
        )


@contextmanager
def _opened(audio: Audio, name: str) -> Iterator[BinaryIO]:
    if not isinstance(audio, str | os.PathLike):
        with nullcontext(audio) as file:
            yield file
        return
    try:
        file = open(audio, "rb")  # noqa: SIM115
    except OSError as error:
        raise AudioMissing(f"{name}: the audio must be a file that can be read: {error}") from error
    with file:
        yield file


_ONE_CALLER = Lock()
"""The setting is the whole process's: of two callers at once the first to end would give the other's calls more."""


@contextmanager
def _one_thread_per_call() -> Iterator[None]:
    """Results change with the threads of a model call, so each call has one; the caller's setting comes back."""
    import torch

    with _ONE_CALLER:
        before = torch.get_num_threads()
        torch.set_num_threads(1)
        try:
            yield
        finally:
            torch.set_num_threads(before)
