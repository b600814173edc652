"""What decoding promises: the same samples whatever the block size, exact slices, typed errors."""

from __future__ import annotations

import io
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
import soundfile
import soxr
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from support.encoders import encode_av, encode_sound, vbr_mp3_without_xing

from prep_corpus.align.audio import decode as audio
from prep_corpus.align.errors import (
    AudioEmpty,
    AudioNotFinite,
    AudioSilent,
    AudioTruncated,
    AudioUnreadable,
    ChannelsCancel,
    DurationMismatch,
    EntryInvalid,
    RecordingError,
)

RATE_HZ = 16_000


def noise(n_samples: int, channels: int = 1, seed: int = 0) -> np.ndarray:
    """Noise on the 16-bit grid: [N] or [N, C]."""
    shape = n_samples if channels == 1 else (n_samples, channels)
    steps = np.random.default_rng(seed).integers(-8000, 8000, shape)
    return (steps / 32768).astype(np.float32)


def decoded(data: bytes, *, rate_hz: int = RATE_HZ, **options: object) -> np.ndarray:
    blocks = list(audio.decode(io.BytesIO(data), name="r", sample_rate_hz=rate_hz, **options))  # type: ignore[arg-type]
    assert all(block.dtype == np.float32 and block.ndim == 1 and len(block) for block in blocks)
    return np.concatenate([np.empty(0, np.float32), *blocks])


def failure(data: bytes, error: type[RecordingError], **options: object) -> RecordingError:
    with pytest.raises(error, match=r"^r: ") as caught:
        decoded(data, **options)
    return caught.value


@pytest.mark.parametrize(("container", "subtype"), [("WAV", "PCM_16"), ("WAV", "FLOAT"), ("FLAC", "PCM_16")])
def test_lossless_mono_at_the_models_rate_comes_out_exactly(container: str, subtype: str) -> None:
    x_N = noise(100_001)
    data = encode_sound(x_N, RATE_HZ, container=container, subtype=subtype)
    np.testing.assert_array_equal(decoded(data), x_N)


def test_channels_are_mixed_to_their_mean_or_one_is_taken() -> None:
    for channels in (2, 3):
        x_NC = noise(70_000, channels)
        data = encode_sound(x_NC, RATE_HZ, container="WAV", subtype="PCM_16")
        np.testing.assert_allclose(decoded(data), x_NC.mean(axis=1), atol=1e-7)
        np.testing.assert_array_equal(decoded(data, channel=1), x_NC[:, 1])
        assert "under the file's" in str(failure(data, EntryInvalid, channel=channels))


def test_channels_of_which_one_is_the_other_inverted_are_told() -> None:
    one_N = noise(RATE_HZ)
    inverted_NC = np.stack([one_N, -0.98 * one_N], axis=1)
    data = encode_sound(inverted_NC, RATE_HZ, container="WAV")
    assert "take one of them with channel (0 to 1)" in str(failure(data, ChannelsCancel))
    assert len(decoded(data, channel=1)) == RATE_HZ
    apart_NC = np.stack([one_N, noise(RATE_HZ, seed=1)], axis=1)
    assert len(decoded(encode_sound(apart_NC, RATE_HZ, container="WAV"))) == RATE_HZ


def test_the_channel_of_an_mp3_is_taken() -> None:
    tone_N = np.sin(np.arange(RATE_HZ * 2) / 5).astype(np.float32) / 2
    data = encode_av(tone_N, RATE_HZ, codec="libmp3lame", container="mp3", stereo=True)
    left, right, both = decoded(data, channel=0), decoded(data, channel=1), decoded(data)
    assert np.std(right) == pytest.approx(np.std(left) / 2, rel=0.05)
    np.testing.assert_allclose(both, (left + right) / 2, atol=1e-6)


@pytest.mark.parametrize("rate_hz", [8_000, 11_025, 44_100, 48_000])
def test_resampling_in_blocks_equals_resampling_at_once(rate_hz: int) -> None:
    x_N = noise(rate_hz * 5 + 17)
    found_N = decoded(encode_sound(x_N, rate_hz, container="FLAC"))
    whole_N = soxr.resample(x_N, rate_hz, RATE_HZ, quality="HQ")
    assert len(found_N) == len(whole_N)
    np.testing.assert_allclose(found_N, whole_N, atol=1e-6)


@settings(max_examples=15, deadline=None)
@given(
    block_samples=st.integers(1000, 200_000),
    n_samples=st.integers(1, 150_000),
    rate_hz=st.sampled_from([8_000, 16_000, 44_100]),
)
def test_the_samples_do_not_depend_on_the_block_size(
    block_samples: int, n_samples: int, rate_hz: int
) -> None:
    data = encode_sound(noise(n_samples), rate_hz, container="FLAC")
    blocks = list(
        audio.decode(io.BytesIO(data), name="r", sample_rate_hz=RATE_HZ, block_samples=block_samples)
    )
    assert all(len(block) == block_samples for block in blocks[:-1])
    np.testing.assert_array_equal(np.concatenate([np.empty(0, np.float32), *blocks]), decoded(data))


@pytest.mark.parametrize("kind", ["flac", "wav", "ogg", "mp3", "m4a"])
def test_a_part_is_a_slice_of_the_decode_in_order(kind: str) -> None:
    x_N = noise(RATE_HZ * 10)
    data = {
        "flac": lambda: encode_sound(x_N, RATE_HZ, container="FLAC"),
        "wav": lambda: encode_sound(x_N, RATE_HZ, container="WAV"),
        "ogg": lambda: encode_sound(x_N, RATE_HZ, container="OGG"),
        "mp3": lambda: encode_av(x_N, RATE_HZ, codec="libmp3lame", container="mp3"),
        "m4a": lambda: encode_av(x_N, RATE_HZ, codec="aac", container="ipod"),
    }[kind]()
    whole_N = decoded(data)
    part_N = decoded(data, offset_seconds=6.1234, duration_seconds=2.5)
    first = round(6.1234 * RATE_HZ)
    np.testing.assert_array_equal(part_N, whole_N[first : round(8.6234 * RATE_HZ)])
    np.testing.assert_array_equal(decoded(data, offset_seconds=6.1234), whole_N[first:])
    head_N = decoded(data, duration_seconds=2.5, sliced=True)
    np.testing.assert_array_equal(head_N, whole_N[: round(2.5 * RATE_HZ)])


def test_neighbouring_parts_share_no_sample_and_lose_none() -> None:
    data = encode_sound(noise(RATE_HZ * 4), RATE_HZ, container="FLAC")
    parts = [decoded(data, offset_seconds=s * 0.33333, duration_seconds=0.33333) for s in range(1, 9)]
    first_N = decoded(data, duration_seconds=0.33333, sliced=True)
    whole_N = decoded(data)
    joined_N = np.concatenate([first_N, *parts])
    np.testing.assert_array_equal(joined_N, whole_N[: len(joined_N)])


def test_a_part_is_cut_before_it_is_resampled() -> None:
    x_N = noise(44_100 * 3)
    data = encode_sound(x_N, 44_100, container="FLAC")
    part_N = decoded(data, offset_seconds=1.0, duration_seconds=1.0)
    alone_N = decoded(encode_sound(x_N[44_100:88_200], 44_100, container="FLAC"))
    np.testing.assert_array_equal(part_N, alone_N)


def test_a_part_outside_the_file_is_refused() -> None:
    for data in (
        encode_sound(noise(RATE_HZ * 3), RATE_HZ, container="FLAC"),
        encode_av(noise(RATE_HZ * 3), RATE_HZ, codec="libmp3lame", container="mp3"),
    ):
        for span in ({"offset_seconds": 2.0, "duration_seconds": 2.0}, {"offset_seconds": 5.0}):
            assert "must lie inside the file" in str(failure(data, DurationMismatch, **span))


@pytest.mark.parametrize("container", ["FLAC", "mp3"])
def test_a_stated_duration_is_checked_against_what_is_decoded(container: str) -> None:
    x_N = noise(RATE_HZ * 20)
    if container == "FLAC":
        data = encode_sound(x_N, RATE_HZ, container="FLAC")
    else:
        data = encode_av(x_N, RATE_HZ, codec="libmp3lame", container="mp3")
    assert len(decoded(data, duration_seconds=20.1)) >= len(x_N)
    for wrong in (20.4, 19.6):
        message = str(failure(data, DurationMismatch, duration_seconds=wrong))
        assert f"{wrong:.3f}" in message
        assert "20.0" in message


def test_an_error_tells_how_many_samples_came_before_it() -> None:
    mp3 = encode_av(noise(RATE_HZ * 20), RATE_HZ, codec="libmp3lame", container="mp3")
    assert failure(mp3, DurationMismatch, duration_seconds=10).decoded_samples == RATE_HZ * 20
    x_N = noise(RATE_HZ * 20)
    x_N[170_000] = np.inf
    wav = encode_sound(x_N, RATE_HZ, container="WAV", subtype="FLOAT")
    blocks = []
    with pytest.raises(AudioNotFinite, match=r"10\.625 s is inf") as caught:
        blocks.extend(audio.decode(io.BytesIO(wav), name="r", sample_rate_hz=RATE_HZ, block_samples=7000))
    # extend() keeps what came before the error.
    assert caught.value.decoded_samples == sum(len(block) for block in blocks) == 2 * 65_536
    assert failure(b"", AudioEmpty).decoded_samples == 0


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_one_sample_that_is_no_number_is_found(value: float) -> None:
    x_N = noise(200_000)
    x_N[199_999] = value
    failure(encode_sound(x_N, RATE_HZ, container="WAV", subtype="FLOAT"), AudioNotFinite)


def test_large_samples_are_taken_and_samples_beyond_all_loudness_are_refused() -> None:
    x_N = np.full(1000, 9e5, np.float32)
    assert len(decoded(encode_sound(x_N, RATE_HZ, container="WAV", subtype="FLOAT"))) == 1000
    failure(encode_sound(1e25 * x_N, RATE_HZ, container="WAV", subtype="FLOAT"), AudioNotFinite)


def test_silence_is_told_from_quiet_speech() -> None:
    zeros_N = np.zeros(200_000, np.float32)
    failure(encode_sound(zeros_N, RATE_HZ, container="WAV"), AudioSilent)
    failure(encode_av(zeros_N, RATE_HZ, codec="libmp3lame", container="mp3"), AudioSilent)
    zeros_N[150_000] = 1 / 32768
    assert len(decoded(encode_sound(zeros_N, RATE_HZ, container="WAV"))) == 200_000


def test_no_samples_and_no_bytes_are_empty() -> None:
    for container in ("WAV", "OGG"):
        failure(encode_sound(np.empty(0, np.float32), RATE_HZ, container=container), AudioEmpty)
    with pytest.raises(AudioEmpty, match="0 bytes"):
        audio.probe(io.BytesIO(b""), name="r")


@pytest.mark.parametrize("keep", [0.1, 0.5, 0.9, 0.999])
def test_flac_that_breaks_off_is_truncated(keep: float) -> None:
    data = encode_sound(noise(RATE_HZ * 20), RATE_HZ, container="FLAC")
    failure(data[: int(len(data) * keep)], AudioTruncated)


def test_wav_that_breaks_off_is_truncated_though_libsndfile_says_nothing() -> None:
    data = encode_sound(noise(RATE_HZ * 20), RATE_HZ, container="WAV")
    failure(data[: len(data) // 2], AudioTruncated)
    streamed = bytearray(data)
    streamed[40:44] = (0xFFFF_FFFF).to_bytes(4, "little")
    assert len(decoded(bytes(streamed))) == RATE_HZ * 20


def test_mp4_that_breaks_off_does_not_pass() -> None:
    data = encode_av(
        noise(RATE_HZ * 20), RATE_HZ, codec="aac", container="ipod", options={"movflags": "faststart"}
    )
    assert data.index(b"moov") < data.index(b"mdat")
    with pytest.raises((DurationMismatch, AudioTruncated)):
        decoded(data[: len(data) // 2])


@pytest.mark.parametrize(
    "data",
    [
        b"this is a text and no sound\n" * 50,
        b"RIFF\x00\x00\x00\x00WAVE",
        b"fLaC",
        b"\xff\xfb",
        b"#EXTM3U\n#EXTINF:10,\n/etc/hostname\n",
        b"ffconcat version 1.0\nfile '/etc/hostname'\n",
        bytes(5000),
        np.random.default_rng(0).bytes(20_000),
    ],
)
def test_what_is_no_audio_is_unreadable(data: bytes) -> None:
    failure(data, AudioUnreadable)


@settings(max_examples=60, deadline=None)
@given(
    data=st.binary(max_size=300),
    start=st.sampled_from([b"RIFF", b"OggS", b"fLaC", b"ID3", b"\x1aE\xdf\xa3", b""]),
)
def test_no_bytes_whatever_escape_the_tree_of_errors(data: bytes, start: bytes) -> None:
    with pytest.raises(RecordingError):
        decoded(start + data)


@settings(max_examples=40, deadline=None)
@given(where=st.integers(0, 30_000), junk=st.binary(min_size=1, max_size=200), kind=st.integers(0, 4))
def test_damaged_files_decode_or_raise_from_the_tree(where: int, junk: bytes, kind: int) -> None:
    data = bytearray(DAMAGED[kind])
    where %= len(data)
    data[where : where + len(junk)] = junk
    with suppress(RecordingError):
        decoded(bytes(data))


def test_an_io_error_is_raised_as_itself_and_is_no_fault_of_the_audio() -> None:
    class Failing(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            if self.tell() > 60_000:
                raise ConnectionResetError("the network went away")
            return super().read(size)

    x_N = noise(RATE_HZ * 20)
    for data in (
        encode_sound(x_N, RATE_HZ, container="FLAC"),
        encode_sound(x_N, RATE_HZ, container="WAV"),
        encode_av(x_N, RATE_HZ, codec="libmp3lame", container="mp3"),
    ):
        with pytest.raises(ConnectionResetError):
            list(audio.decode(Failing(data + bytes(60_000)), name="r", sample_rate_hz=RATE_HZ))


def test_probe_reads_headers() -> None:
    x_N = noise(44_100 * 3)
    flac = audio.probe(io.BytesIO(encode_sound(x_N, 44_100, container="FLAC")), name="r")
    assert (flac.sample_rate_hz, flac.channels, flac.duration_seconds) == (44_100, 1, 3.0)
    assert flac.decoder == "soundfile"
    mp3 = audio.probe(io.BytesIO(vbr_mp3_without_xing(x_N, 44_100)), name="r")
    assert mp3.decoder == "av"
    assert not mp3.duration_is_exact
    m4a = audio.probe(
        io.BytesIO(encode_av(x_N, 44_100, codec="aac", container="ipod", stereo=True)), name="r"
    )
    assert (m4a.channels, m4a.duration_is_exact) == (2, True)
    assert m4a.duration_seconds == pytest.approx(3.0, abs=0.05)


def test_check_stated_finds_a_wrong_duration_before_decoding() -> None:
    header = audio.probe(io.BytesIO(encode_sound(noise(RATE_HZ * 10), RATE_HZ, container="WAV")), name="r")
    audio.check_stated(header, name="r", duration_seconds=10.09)
    audio.check_stated(header, name="r", duration_seconds=4.0, sliced=True)
    with pytest.raises(DurationMismatch, match=r"10\.000 s .* 10\.200 s"):
        audio.check_stated(header, name="r", duration_seconds=10.2)
    with pytest.raises(DurationMismatch):
        audio.check_stated(header, name="r", duration_seconds=4.0, offset_seconds=7.0)
    with pytest.raises(EntryInvalid):
        audio.check_stated(header, name="r", channel=1)


def test_absurd_rates_are_refused() -> None:
    failure(encode_sound(noise(1000), 10, container="WAV"), AudioUnreadable)


@given(hnp.arrays(np.int16, st.integers(0, 50)))
def test_16_bit_samples_survive_the_way_through_floats(steps_N: np.ndarray) -> None:
    np.testing.assert_array_equal(audio.to_int16(audio.from_int16(steps_N)), steps_N)


def test_rounding_is_half_to_even_and_clips() -> None:
    x_N = np.array([0.5, 1.5, 2.5, -0.5, -1.5, 40000, -40000], np.float32) / 32768
    assert audio.to_int16(x_N).tolist() == [0, 2, 2, 0, -2, 32767, -32768]


def test_clips_come_back_exactly_and_are_the_same_bytes_each_time() -> None:
    x_N = noise(30_000)
    data = audio.encode_flac(x_N, RATE_HZ)
    found_N, rate_hz = audio.decode_clip(data)
    assert rate_hz == RATE_HZ
    np.testing.assert_array_equal(found_N, x_N)
    assert audio.encode_flac(x_N, RATE_HZ) == data
    assert soundfile.info(io.BytesIO(data)).subtype == "PCM_16"
    with pytest.raises(ValueError, match="N > 0"):
        audio.encode_flac(x_N[:0], RATE_HZ)
    with pytest.raises(ValueError, match="FLAC"):
        audio.decode_clip(b"no flac")


def test_real_speech_has_its_stated_length(shared_dir: Path) -> None:
    path = shared_dir / "data" / "librispeech-dev-clean" / "1462" / "170138" / "1462-170138-0001.mp3"
    with path.open("rb") as file:
        blocks = list(audio.decode(file, name="1462", sample_rate_hz=RATE_HZ, duration_seconds=3.985))
    samples_N = np.concatenate(blocks)
    assert len(samples_N) / RATE_HZ == pytest.approx(3.985, abs=0.1)
    assert 0.01 < np.sqrt(np.mean(samples_N**2)) < 0.3


DAMAGED = (
    encode_sound(noise(RATE_HZ), RATE_HZ, container="FLAC"),
    encode_sound(noise(RATE_HZ), RATE_HZ, container="OGG"),
    encode_av(noise(RATE_HZ), RATE_HZ, codec="libmp3lame", container="mp3"),
    encode_av(noise(RATE_HZ), RATE_HZ, codec="aac", container="ipod"),
    encode_sound(noise(RATE_HZ), RATE_HZ, container="WAV"),
)


@pytest.mark.parametrize(("peak", "is_audio"), [(32768.0, True), (1e5, True), (3e6, False), (1e30, False)])
def test_samples_beyond_all_loudness_are_no_audio(peak: float, is_audio: bool) -> None:
    x_N = noise(2 * RATE_HZ)
    x_N[RATE_HZ] = peak
    data = encode_sound(x_N, RATE_HZ, container="WAV", subtype="FLOAT")
    if is_audio:
        assert float(decoded(data).max()) == pytest.approx(peak)
    else:
        failure(data, AudioNotFinite)
