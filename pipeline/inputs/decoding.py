"""The audio of a recording, decoded in order, and spans of it."""

from __future__ import annotations

from collections.abc import Generator, Iterator

import numpy as np

from prep_corpus.align.audio import decode as audio
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
    yielded = 0
    try:
        with files.open_binary(recording.audio_uri) as file:
            try:
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
                    yielded += len(block_N)
            except (RecordingError, GeneratorExit):
                # What stops half-way, or breaks a rule, may be another file too.
                check_source(file, probed)
                raise
            check_source(file, probed)
    except SourceChanged as error:
        error.decoded_samples = yielded
        raise
    except OSError as error:
        if not files.is_absent(error) and not isinstance(error, ObjectReplaced):
            raise
        changed = SourceChanged(
            f"{recording.id}: the audio must be what it was when the run began, and {recording.audio_uri} is not: "
            f"{error}; put it back, or run again"
        )
        changed.decoded_samples = yielded
        raise changed from error


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
