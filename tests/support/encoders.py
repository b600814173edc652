"""Audio files of every kind, made with FFmpeg and libsndfile.

Shapes: N samples.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import av
import numpy as np
import soundfile
from av.stream import Disposition
from numpy.typing import NDArray

FloatArray = NDArray[np.float32]


def encode_av(
    audio_N: FloatArray,
    sample_rate_hz: int,
    *,
    codec: str,
    container: str,
    options: dict[str, str] | None = None,
    vbr_quality: int | None = None,
    stereo: bool = False,
) -> bytes:
    """An encoded file made by FFmpeg.

    Args:
        audio_N: mono.
        sample_rate_hz: of the file; Opus takes 48,000.
        codec: such as "libmp3lame".
        container: such as "mp3".
        options: of the container.
        vbr_quality: makes an MP3 of variable bit rate.
        stereo: the same samples on two channels, the second at half the level.
    """
    layout = "stereo" if stereo else "mono"
    # A file with a name, since FFmpeg opens it a second time to move an index to the front.
    with TemporaryDirectory() as folder:
        path = Path(folder) / "encoded"
        with av.open(str(path), "w", format=container, options=options or {}) as output:
            stream: Any = output.add_stream(codec, rate=sample_rate_hz, layout=layout)
            if vbr_quality is not None:
                stream.codec_context.qscale = True
                stream.codec_context.global_quality = vbr_quality
            audio_CN = np.stack([audio_N, audio_N / 2]) if stereo else audio_N[None]
            frame = av.AudioFrame.from_ndarray(
                np.ascontiguousarray(audio_CN, np.float32), format="fltp", layout=layout
            )
            frame.sample_rate = sample_rate_hz
            wanted = stream.codec_context.format.name
            resampler = av.AudioResampler(format=wanted, layout=layout, rate=sample_rate_hz)
            for ready in [*resampler.resample(frame), *resampler.resample(None), None]:
                for packet in stream.encode(ready):
                    output.mux(packet)
        return path.read_bytes()


def encode_tracks(
    tracks: Sequence[FloatArray], sample_rate_hz: int, *, languages: Sequence[str], default: int | None
) -> bytes:
    """A Matroska file of several audio tracks, each in PCM.

    Args:
        tracks: mono samples of each.
        sample_rate_hz: of all.
        languages: of each, as ISO 639-2 has them.
        default: the one that is flagged as the default.
    """
    with TemporaryDirectory() as folder:
        path = Path(folder) / "encoded"
        with av.open(str(path), "w", format="matroska") as output:
            streams: list[Any] = []
            for at, language in enumerate(languages):
                stream: Any = output.add_stream("pcm_s16le", rate=sample_rate_hz, layout="mono")
                stream.metadata["language"] = language
                stream.disposition = Disposition.default if at == default else Disposition(0)
                streams.append(stream)
            for stream, audio_N in zip(streams, tracks):
                steps_1N = np.rint(audio_N[None] * 32767).astype(np.int16)
                frame = av.AudioFrame.from_ndarray(steps_1N, format="s16", layout="mono")
                frame.sample_rate = sample_rate_hz
                for ready in (frame, None):
                    for packet in stream.encode(ready):
                        output.mux(packet)
        return path.read_bytes()


def vbr_mp3_without_xing(audio_N: FloatArray, sample_rate_hz: int) -> bytes:
    """The kind of MP3 whose length libsndfile gets wrong."""
    return encode_av(
        audio_N,
        sample_rate_hz,
        codec="libmp3lame",
        container="mp3",
        options={"write_xing": "0"},
        vbr_quality=4,
    )


def encode_sound(
    audio: FloatArray, sample_rate_hz: int, *, container: str, subtype: str | None = None
) -> bytes:
    """An encoded file made by libsndfile, of [N] or [N, C]."""
    file = io.BytesIO()
    channels = 1 if audio.ndim == 1 else audio.shape[1]
    with soundfile.SoundFile(file, "w", sample_rate_hz, channels, subtype=subtype, format=container) as sound:
        # libsndfile crashes on minutes of Vorbis in one call.
        for start in range(0, len(audio), sample_rate_hz):
            sound.write(audio[start : start + sample_rate_hz])
    return file.getvalue()
