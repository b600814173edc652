"""The audio of a recording, decoded in order, and spans of it."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from prep_corpus.align.audio import decode as audio
from prep_corpus.align.audio.levels import Levels
from prep_corpus.align.audio.sound_files import SeekFailed
from prep_corpus.align.audio.spans import sought_spans
from prep_corpus.align.errors import RecordingError, SourceChanged
from prep_corpus.align.model.emissions import FloatArray
from prep_corpus.pipeline.apart.attempts import attempt
from prep_corpus.pipeline.inputs.bundles import ProbedRecording
from prep_corpus.pipeline.inputs.proof import check_source
from prep_corpus.pipeline.storage import files
from prep_corpus.pipeline.storage.remote.object_stores import ObjectReplaced


def decoded(probed: ProbedRecording, sample_rate_hz: int) -> Generator[FloatArray, None, None]:
    """The samples of a recording in blocks, in order, mixed, at the rate asked for.

    Whoever closes it before its end must let what `close` raises go on up.

    Raises:
        SourceChanged: the file is not what it was when the run began, or is gone; told when all is read, or on `close`.
        RecordingError: the audio breaks a rule.
    """
    recording = probed.recording
    with _source(probed) as (file, place):
        blocks = audio.decode(
            file,
            name=recording.id,
            sample_rate_hz=sample_rate_hz,
            channel=recording.channel,
            track=recording.track,
            offset_seconds=recording.offset_seconds,
            duration_seconds=recording.duration_seconds,
            sliced=recording.sliced,
        )
        while True:
            with attempt(recording.id):
                block_N = next(blocks, None)
            if block_N is None:
                break
            yield block_N
            place.yielded += len(block_N)


@dataclass
class _Place:
    """How far a decode has come."""

    yielded: int = 0


@contextmanager
def _source(probed: ProbedRecording) -> Iterator[tuple[BinaryIO, _Place]]:
    """A recording's open file, proven when the block ends in whatever way."""
    recording, place = probed.recording, _Place()
    try:
        with files.open_binary(recording.audio_uri) as file:
            try:
                yield file, place
            except (RecordingError, SeekFailed, GeneratorExit):
                # What stops half-way, or breaks a rule, may be another file too.
                check_source(file, probed)
                raise
            check_source(file, probed)
    except SourceChanged as error:
        error.decoded_samples = place.yielded
        raise
    except OSError as error:
        if not files.is_absent(error) and not isinstance(error, ObjectReplaced):
            raise
        changed = SourceChanged(
            f"{recording.id}: the audio must be what it was when the run began, and {recording.audio_uri} is not: "
            f"{error}; put it back, or run again"
        )
        changed.decoded_samples = place.yielded
        raise changed from error


def decoded_spans(
    probed: ProbedRecording,
    sample_rate_hz: int,
    spans: list[tuple[int, int]],
    levels: Levels | None,
    *,
    may_lack: int = 0,
) -> Generator[NDArray[np.int16], None, None]:
    """The samples of ordered spans without overlap, as steps of 16 bits; gaps are decoded only where they must be.

    Args:
        probed: the recording.
        sample_rate_hz: rate of the result.
        spans: half-open, in samples at that rate.
        levels: its loudness at that rate, by which jumps are proven; None to decode in order.
        may_lack: see `slices`.

    Raises:
        EOFError: the audio is shorter.
        SourceChanged, RecordingError: see `decoded`.
    """
    done = 0
    # An object store reads 16 MiB at each jump.
    if spans and levels is not None and files.is_local(probed.recording.audio_uri):
        with suppress(SeekFailed), closing(_sought(probed, sample_rate_hz, spans, levels)) as sought:
            for samples_N in sought:
                yield samples_N
                done += 1
            return
    if spans[done:]:
        with closing(decoded(probed, sample_rate_hz)) as blocks:
            for floats_N in slices(blocks, spans[done:], may_lack=may_lack):
                yield audio.to_int16(floats_N)


def _sought(
    probed: ProbedRecording, sample_rate_hz: int, spans: list[tuple[int, int]], levels: Levels
) -> Generator[NDArray[np.int16], None, None]:
    recording = probed.recording
    with _source(probed) as (file, place):
        found = sought_spans(
            file,
            spans,
            levels,
            name=recording.id,
            sample_rate_hz=sample_rate_hz,
            channel=recording.channel,
            track=recording.track,
            offset_seconds=recording.offset_seconds,
        )
        for _, end in spans:
            with attempt(recording.id):
                samples_N = next(found)
            yield samples_N
            place.yielded = end


def own_rate_hz(probed: ProbedRecording) -> int:
    """The rate of a recording's file.

    Raises:
        SourceChanged: the file is gone.
        RecordingError: it cannot be read any more.
    """
    recording = probed.recording
    try:
        with files.open_binary(recording.audio_uri) as file, attempt(recording.id):
            return audio.probe(file, name=recording.id, track=recording.track).sample_rate_hz
    except OSError as error:
        if not files.is_absent(error):
            raise
        raise SourceChanged(
            f"{recording.id}: the audio must be what it was when the run began, and {recording.audio_uri} is not: "
            f"{error}"
        ) from error


def slices(
    blocks: Iterator[FloatArray], spans: list[tuple[int, int]], *, may_lack: int = 0
) -> Iterator[FloatArray]:
    """The samples of ordered spans without overlap, from blocks in order, holding little more than one span.

    Args:
        blocks: of the recording.
        spans: half-open, in samples.
        may_lack: samples by which the last span may end after the audio, where ends are rounded at another rate.

    Raises:
        EOFError: the audio is shorter.
    """
    held: list[FloatArray] = []
    held_start = held_end = 0
    for start, end in spans:
        while held_end < end:
            block_N = next(blocks, None)
            if block_N is None:
                if start < held_end and end - held_end <= may_lack:
                    end = held_end
                    break
                raise EOFError(f"the audio ended at sample {held_end}, and was longer when it was aligned")
            held.append(block_N)
            held_end += len(block_N)
            while held and held_start + len(held[0]) <= start:
                held_start += len(held.pop(0))
        joined_N = np.concatenate(held)
        yield joined_N[start - held_start : end - held_start]


def joined_spans(spans: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Half-open spans in order, those that touch or overlap as one."""
    joined: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        if joined and start <= joined[-1][1]:
            joined[-1] = joined[-1][0], max(end, joined[-1][1])
        else:
            joined.append((start, end))
    return joined
