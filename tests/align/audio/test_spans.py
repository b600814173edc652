"""Spans that are sought are the samples of the decode in order, or are not given."""

from __future__ import annotations

import io

import numpy as np
import pytest
from numpy.typing import NDArray
from support.encoders import encode_sound

from prep_corpus.align.audio import decode as audio
from prep_corpus.align.audio.levels import LevelMeter, Levels, block_samples
from prep_corpus.align.audio.sound_files import SeekFailed
from prep_corpus.align.audio.spans import sought_spans

RATE_HZ = 16_000
SPANS = [(7, 20_001), (20_001, 30_000), (60_003, 90_000), (100_000, 131_072), (190_001, 240_000)]


def murmur(seconds: float, channels: int = 1) -> NDArray[np.float64]:
    """Noise as loud as it comes, for every twentieth of a second anew."""
    random = np.random.default_rng(3)
    loud_N = np.repeat(10 ** random.uniform(-3, -0.5, round(seconds * 20)), RATE_HZ // 20)[:, None]
    return np.squeeze(random.normal(0, 0.3, (len(loud_N), channels)) * loud_N)


def in_order(data: bytes, **options: object) -> tuple[NDArray[np.float32], Levels]:
    meter = LevelMeter(block_samples(RATE_HZ))
    blocks = audio.decode(io.BytesIO(data), name="talk", sample_rate_hz=RATE_HZ, **options)  # type: ignore[arg-type]
    samples_N = np.concatenate(list(meter.through(blocks)))
    return samples_N, Levels.of(meter.finish(), block_samples(RATE_HZ))


def sought(data: bytes, levels: Levels, **options: object) -> list[NDArray[np.int16]]:
    found = sought_spans(
        io.BytesIO(data),
        SPANS,
        levels,
        name="talk",
        sample_rate_hz=RATE_HZ,
        **options,  # type: ignore[arg-type]
    )
    return list(found)


@pytest.mark.parametrize("container", ["FLAC", "WAV"])
@pytest.mark.parametrize(("channels", "subtype"), [(1, "PCM_16"), (1, "PCM_24"), (2, "PCM_16")])
def test_spans_are_those_of_the_decode_in_order(container: str, channels: int, subtype: str) -> None:
    data = encode_sound(murmur(17, channels), RATE_HZ, container=container, subtype=subtype)
    for options in ({}, {"offset_seconds": 1.2345}):
        whole_N, levels = in_order(data, **options)
        pieces = sought(data, levels, **options)
        for (start, end), piece_N in zip(SPANS, pieces, strict=True):
            np.testing.assert_array_equal(piece_N, audio.to_int16(whole_N[start:end]))


def test_quiet_files_of_many_bits_are_sought() -> None:
    data = encode_sound(murmur(17) * 1e-3, RATE_HZ, container="FLAC", subtype="PCM_24")
    whole_N, levels = in_order(data)
    for (start, end), piece_N in zip(SPANS, sought(data, levels), strict=True):
        np.testing.assert_array_equal(piece_N, audio.to_int16(whole_N[start:end]))


def test_samples_that_come_one_too_late_are_not_proven() -> None:
    steps_N = audio.to_int16(np.random.default_rng(3).normal(0, 0.1, 5 * RATE_HZ))
    whole_N, levels = in_order(encode_sound(steps_N / 32768, RATE_HZ, container="WAV", subtype="PCM_16"))
    np.testing.assert_array_equal(audio.to_int16(whole_N), steps_N)
    assert levels.prove(steps_N[10_007:50_000], 10_007)
    assert levels.prove(whole_N[10_007:50_000], 10_007)
    assert not levels.prove(steps_N[10_008:50_000], 10_007)


def test_other_files_are_left_to_the_decode_in_order() -> None:
    for data in (
        encode_sound(murmur(17), RATE_HZ, container="OGG", subtype="VORBIS"),
        encode_sound(murmur(17), 2 * RATE_HZ, container="FLAC"),
    ):
        with pytest.raises(SeekFailed):
            sought(data, in_order(data)[1])


def cut_flac(data: bytes, frames: int) -> bytes:
    """Without its first frames, as a copy of a part has them: those left keep their numbers."""
    first = data.index(b"\xff\xf8", 42)
    cut = data.index(bytes([frames]), first)
    while data[cut - 4 : cut - 2] != b"\xff\xf8":
        cut = data.index(bytes([frames]), cut + 1)
    block = int.from_bytes(data[8:10], "big")
    fields = int.from_bytes(data[18:26], "big") - frames * block
    return data[:18] + fields.to_bytes(8, "big") + data[26:first] + data[cut - 4 :]


def test_flac_whose_frames_are_numbered_wrongly_leads_to_no_other_samples() -> None:
    data = encode_sound(murmur(20), RATE_HZ, container="FLAC")
    cut = cut_flac(data, 11)
    cut_N, levels = in_order(cut)
    block = int.from_bytes(data[8:10], "big")
    np.testing.assert_array_equal(cut_N, in_order(data)[0][11 * block :])
    found = sought_spans(io.BytesIO(cut), SPANS, levels, name="talk", sample_rate_hz=RATE_HZ)
    for start, end in SPANS[:2]:
        np.testing.assert_array_equal(next(found), audio.to_int16(cut_N[start:end]))
    with pytest.raises(SeekFailed):
        next(found)
