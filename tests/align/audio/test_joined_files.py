"""FLAC files that were joined as they stood: the header of the first states the end of a part."""

from __future__ import annotations

import io

import numpy as np
import pytest
from support.encoders import encode_sound

from prep_corpus.align.audio import decode as audio
from prep_corpus.align.audio.flac_frames import hold_frames
from prep_corpus.align.errors import AudioTruncated

RATE_HZ = 16_000


def encoded(seconds: int, subtype: str = "PCM_16") -> bytes:
    steps = np.random.default_rng(seconds).integers(-8000, 8000, seconds * RATE_HZ)
    return encode_sound((steps / 32768).astype(np.float32), RATE_HZ, container="FLAC", subtype=subtype)


def frames_of(flac: bytes) -> bytes:
    """What stands behind the metadata."""
    at = 4
    while True:
        last, length = flac[at] & 0x80, int.from_bytes(flac[at + 1 : at + 4], "big")
        at += 4 + length
        if last:
            return flac[at:]


def samples_of(data: bytes) -> int:
    return sum(map(len, audio.decode(io.BytesIO(data), name="r", sample_rate_hz=RATE_HZ)))


@pytest.mark.parametrize("subtype", ["PCM_16", "PCM_24"])
def test_flac_frames_behind_the_stated_end_are_told(subtype: str) -> None:
    first, second = (encoded(seconds, subtype) for seconds in (5, 6))
    with pytest.raises(AudioTruncated, match=r"at 5\.000 s, and more of it follows"):
        samples_of(first + frames_of(second))
    with pytest.raises(AudioTruncated):
        samples_of(first + second)


@pytest.mark.parametrize("first_seconds", [1, 30])
def test_a_short_part_behind_the_stated_end_is_told(first_seconds: int) -> None:
    first, second = encoded(first_seconds), encoded(1)[:8000]
    id3 = b"ID3\x04\x00\x00" + bytes((0, 0, 5 << 1, 0)) + bytes(5 << 8)
    for before in (b"", id3):
        assert samples_of(before + first) == first_seconds * RATE_HZ
        with pytest.raises(AudioTruncated, match="more of it follows"):
            samples_of(before + first + second)


def test_what_is_no_audio_may_follow_flac() -> None:
    first = encoded(5)
    for behind in (b"TAG" + bytes(125), bytes(300_000), np.random.default_rng(0).bytes(1000)):
        assert samples_of(first + behind) == 5 * RATE_HZ
    assert not hold_frames(np.random.default_rng(0).bytes(1 << 18))


@pytest.mark.parametrize("rate_hz", [8_000, 11_025, 44_100, 96_000])
def test_frames_are_known_by_their_headers(rate_hz: int) -> None:
    samples_N2 = np.random.default_rng(1).normal(0, 0.1, (3 * rate_hz, 2)).astype(np.float32)
    frames = frames_of(encode_sound(samples_N2, rate_hz, container="FLAC"))
    assert hold_frames(frames)
    assert hold_frames(frames[len(frames) // 3 :])
    # One frame is no proof.
    assert not hold_frames(frames[:1000])
