"""Spans of a recording without what stands between them, from files that seek to the sample.

Every jump is proven by the loudness that the decode in order had there: a file whose frames are numbered wrongly, such
as joined or cut FLAC, leads elsewhere.

Shapes: N samples.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO, cast

import numpy as np
from numpy.typing import NDArray

from prep_corpus.align.audio.containers import open_source
from prep_corpus.align.audio.levels import Levels
from prep_corpus.align.audio.sound_files import SeekFailed, SoundFileSource
from prep_corpus.align.audio.sources import FloatArray, to_int16

READ_OVER_SECONDS = 1.0
"""A shorter gap is decoded: seeking reads some frames too many, and asks the file several times."""


def sought_spans(
    file: BinaryIO,
    spans: list[tuple[int, int]],
    levels: Levels,
    *,
    name: str,
    sample_rate_hz: int,
    channel: int | None = None,
    track: str | None = None,
    offset_seconds: float = 0.0,
) -> Iterator[NDArray[np.int16]]:
    """The samples of ordered spans without overlap, the same as `decode` has, as steps of 16 bits.

    Args:
        file: open, binary, seekable.
        spans: half-open, in samples of the recording.
        levels: of the recording, measured on the decode in order at `sample_rate_hz`.
        name, sample_rate_hz, channel, track, offset_seconds: see `decode`.

    Raises:
        SeekFailed: this file must be decoded in order, from the span on that was to come next.
        RecordingError: as for `decode`.
        OSError: the file could not be read for reasons of its own.
    """
    source = open_source(file, name=name, track=track)
    if not isinstance(source, SoundFileSource) or not source.seeks_exactly:
        raise SeekFailed("its format leads to other samples")
    if source.header.sample_rate_hz != sample_rate_hz:
        raise SeekFailed("it is resampled, which depends on all samples before")
    first = round(offset_seconds * sample_rate_hz)
    read_over = round(READ_OVER_SECONDS * sample_rate_hz)
    at = 0
    for start, end in spans:
        samples_N = source.span(first + start, first + end, channel, read_over)
        if first + start - at >= read_over and not levels.prove(samples_N, start):
            raise SeekFailed(f"what stands at sample {start} does not sound as it did")
        at = first + end
        steps = samples_N.dtype == np.int16
        yield cast(NDArray[np.int16], samples_N) if steps else to_int16(cast(FloatArray, samples_N))
