"""One utterance as a whole audio file: FLAC, WAV or Opus, with the same bytes each time.

libsndfile gives every Ogg stream a random serial number. It is set to a fixed one here, and the page
checksums, which cover it, are made anew:

    Ogg page   "OggS" version flags granule(8) serial(4) sequence(4) checksum(4) segments(1) table ...
    byte        0     4       5     6          14        18          22          26          27

Shapes: N samples.

Source: RFC 3533, sections 6 and 6.1 (Ogg pages).
"""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
import soundfile as sf

from prep_corpus.align.errors import UsageError
from prep_corpus.augment.bank import Int16Array
from prep_corpus.pipeline.shards.rows import AudioFormat

OPUS_RATES_HZ = (8000, 12000, 16000, 24000, 48000)

_CONTAINERS: dict[AudioFormat, tuple[str, str]] = {
    "flac": ("FLAC", "PCM_16"),
    "wav": ("WAV", "PCM_16"),
    "opus": ("OGG", "OPUS"),
}
_SERIAL = struct.pack("<I", 1)
_PAGE_HEADER_BYTES = 27
_REVERSED_BITS = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))


def encode_audio(samples_N: Int16Array, sample_rate_hz: int, audio_format: AudioFormat = "flac") -> bytes:
    """A mono file of 16-bit samples, or of Opus at libsndfile's own rate of bits.

    Args:
        samples_N: int16, at least one.
        sample_rate_hz: rate of the samples.
        audio_format: "flac" and "wav" keep every sample; "opus" does not.

    Raises:
        UsageError: Opus does not know the rate, or there are no samples.
    """
    if samples_N.dtype != np.int16 or samples_N.ndim != 1 or not samples_N.size:
        raise UsageError(
            f"audio to encode must be int16 of shape [N], N over 0: {samples_N.dtype} of {samples_N.shape}"
        )
    if audio_format == "opus" and sample_rate_hz not in OPUS_RATES_HZ:
        raise UsageError(
            f"Opus needs a rate of {', '.join(map(str, OPUS_RATES_HZ))} Hz, not {sample_rate_hz}"
        )
    container, subtype = _CONTAINERS[audio_format]
    buffer = io.BytesIO()
    sf.write(buffer, samples_N, sample_rate_hz, format=container, subtype=subtype)
    return _with_fixed_serial(buffer.getvalue()) if audio_format == "opus" else buffer.getvalue()


def _with_fixed_serial(ogg: bytes) -> bytes:
    pages = []
    start = 0
    while start < len(ogg):
        header_end = start + _PAGE_HEADER_BYTES + ogg[start + 26]
        end = header_end + sum(ogg[start + _PAGE_HEADER_BYTES : header_end])
        page = (
            ogg[start : start + 14]
            + _SERIAL
            + ogg[start + 18 : start + 22]
            + b"\0\0\0\0"
            + ogg[start + 26 : end]
        )
        pages.append(page[:22] + struct.pack("<I", _ogg_checksum(page)) + page[26:])
        start = end
    return b"".join(pages)


def _ogg_checksum(page: bytes) -> int:
    """CRC-32 of zlib's polynomial, but with bits in the other order, and neither end inverted."""
    mirrored = zlib.crc32(page.translate(_REVERSED_BITS), 0xFFFFFFFF) ^ 0xFFFFFFFF
    return int(f"{mirrored:032b}"[::-1], 2)
