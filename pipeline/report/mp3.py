"""The sound of examples: speech as MP3, which every browser plays.

Legend: N samples.
"""

from __future__ import annotations

import io

import av
import numpy as np
import soxr

from prep_corpus.align.model.emissions import FloatArray

_RATES_HZ = frozenset({8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000})


def encode_mp3(samples_N: FloatArray, rate_hz: int) -> bytes:
    """A mono MP3 that every browser plays, with its delay on record, so that times are those of the samples."""
    if rate_hz not in _RATES_HZ:
        samples_N, rate_hz = soxr.resample(samples_N, rate_hz, 16_000), 16_000
    file = io.BytesIO()
    with av.open(file, "w", format="mp3") as container:
        bits_per_second = 32_000 if rate_hz <= 24_000 else 64_000
        # The quickest of LAME's ways, which costs two thirds of its own choice.
        options = {"b": str(bits_per_second), "compression_level": "9"}
        stream = container.add_stream("libmp3lame", rate=rate_hz, layout="mono", options=options)
        stream.format = "fltp"
        clipped_N = np.clip(samples_N, -1.0, 1.0).astype(np.float32)
        frame = av.AudioFrame.from_ndarray(clipped_N[None], format="fltp", layout="mono")
        frame.sample_rate = rate_hz
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return file.getvalue()
