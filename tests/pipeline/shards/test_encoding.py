from __future__ import annotations

import io

import numpy as np
import pytest
import soundfile as sf
from support.sample_rows import RATE_HZ, samples_of

from prep_corpus.align.audio import decode as audio
from prep_corpus.align.errors import UsageError
from prep_corpus.pipeline.shards.encoding import _ogg_checksum, encode_audio
from prep_corpus.pipeline.shards.rows import AUDIO_FORMATS, AudioFormat


@pytest.mark.parametrize("audio_format", ["flac", "wav"])
def test_sixteen_bits_come_back_as_they_were(audio_format: AudioFormat) -> None:
    samples_N = np.array([0, 1, -1, 32767, -32768, 12345, -12345] * 100, np.int16)
    back_N, rate_hz = sf.read(io.BytesIO(encode_audio(samples_N, RATE_HZ, audio_format)), dtype="int16")
    assert rate_hz == RATE_HZ
    assert np.array_equal(back_N, samples_N)


def test_flac_is_that_of_the_clips() -> None:
    samples_N = samples_of(1, 5000)
    assert encode_audio(samples_N, RATE_HZ) == audio.encode_flac(audio.from_int16(samples_N), RATE_HZ)


@pytest.mark.parametrize("audio_format", AUDIO_FORMATS)
@pytest.mark.parametrize("samples", [1, 160, 16_001, 200_000])
def test_bytes_and_lengths_are_the_same_each_time(audio_format: AudioFormat, samples: int) -> None:
    encoded = {encode_audio(samples_of(1, samples), RATE_HZ, audio_format) for _ in range(3)}
    assert len(encoded) == 1
    assert sf.info(io.BytesIO(encoded.pop())).frames == samples


def test_opus_is_still_the_sound_and_its_checksums_are_libsndfiles() -> None:
    samples_N = samples_of(1, 32_000)
    encoded = encode_audio(samples_N, RATE_HZ, "opus")
    back_N, _ = sf.read(io.BytesIO(encoded), dtype="int16")
    assert np.corrcoef(samples_N, back_N)[0, 1] > 0.95
    plain = io.BytesIO()
    sf.write(plain, samples_N, RATE_HZ, format="OGG", subtype="OPUS")
    page = plain.getvalue()[:47]  # the first page: a header of 28 bytes and an OpusHead of 19
    stored = int.from_bytes(page[22:26], "little")
    assert _ogg_checksum(page[:22] + b"\0\0\0\0" + page[26:]) == stored


def test_what_cannot_be_encoded_is_refused() -> None:
    with pytest.raises(UsageError, match="44100"):
        encode_audio(samples_of(1, 100), 44100, "opus")
    with pytest.raises(UsageError, match="float32"):
        encode_audio(np.zeros(10, np.float32), RATE_HZ)  # type: ignore[arg-type]
    with pytest.raises(UsageError, match=r"\(0,\)"):
        encode_audio(np.zeros(0, np.int16), RATE_HZ)
