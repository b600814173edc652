"""The sound of examples: speech as Opus, which every browser plays in WebM (Safari from 15 on).

Legend: N samples.
"""

from __future__ import annotations

import io

import av
import numpy as np
import soxr

from prep_corpus.align.model.emissions import FloatArray

BITS_PER_SECOND = 24_000
_RATES_HZ = frozenset({8000, 12000, 16000, 24000, 48000})
# The quickest of its ways takes a third of what MP3 takes; longer packets are fewer.
_OPTIONS = {"b": str(BITS_PER_SECOND), "compression_level": "0", "frame_duration": "60"}


def encode_opus(samples_N: FloatArray, rate_hz: int) -> bytes:
    """A mono file with its delay on record, so that times are those of the samples; the same bytes each time."""
    if rate_hz not in _RATES_HZ:
        samples_N, rate_hz = soxr.resample(samples_N, rate_hz, 24_000), 24_000
    file = io.BytesIO()
    # Without random names.
    with av.open(file, "w", format="webm", container_options={"fflags": "+bitexact"}) as container:
        stream = container.add_stream("libopus", rate=rate_hz, layout="mono", options=_OPTIONS)
        stream.format = "flt"
        clipped_N = np.clip(samples_N, -1.0, 1.0).astype(np.float32)
        frame = av.AudioFrame.from_ndarray(clipped_N[None], format="flt", layout="mono")
        frame.sample_rate = rate_hz
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return file.getvalue()
