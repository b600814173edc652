"""Files that the usual way of reading gets wrong, one test a trap."""

from __future__ import annotations

import io
from contextlib import suppress
from types import SimpleNamespace

import av
import numpy as np
import pytest
import soundfile
from support.encoders import encode_av, encode_sound, encode_tracks, vbr_mp3_without_xing

from prep_corpus.align.audio import containers
from prep_corpus.align.audio import decode as audio
from prep_corpus.align.errors import AudioUnreadable, EntryInvalid, RecordingError

RATE_HZ = 16_000


def tones(seconds: int, rate_hz: int = RATE_HZ) -> np.ndarray:
    """Every second a tone of its own, so that a lost or doubled second shows: 300 Hz, 400 Hz, ..."""
    time_N = np.arange(seconds * rate_hz) / rate_hz
    pitch_N = 300 + 100 * (time_N.astype(int) % 20)
    return (0.3 * np.sin(2 * np.pi * pitch_N * time_N)).astype(np.float32)


def heard(samples_N: np.ndarray) -> list[int]:
    """The pitch in the middle of each second, in Hz."""
    pitches = []
    for start in range(RATE_HZ // 4, len(samples_N) - RATE_HZ // 2, RATE_HZ):
        piece_N = samples_N[start : start + RATE_HZ // 2]
        pitches.append(int(np.argmax(np.abs(np.fft.rfft(piece_N)))) * 2)
    return pitches


def decoded(data: bytes) -> np.ndarray:
    return np.concatenate(list(audio.decode(io.BytesIO(data), name="r", sample_rate_hz=RATE_HZ)))


LANGUAGES = ("ger", "eng", "fra")


def tracks(default: int | None) -> bytes:
    """Three tracks of which each has tones of its own: from 300, 500 and 700 Hz on."""
    all_N = tones(14)
    parts = [all_N[2 * at * RATE_HZ : (2 * at + 5) * RATE_HZ] for at in range(3)]
    return encode_tracks(parts, RATE_HZ, languages=LANGUAGES, default=default)


@pytest.mark.parametrize(
    ("default", "track", "expected"),
    [
        (None, None, 0),
        (0, None, 0),
        (1, None, 1),
        (2, "1", 1),
        (2, "0", 0),
        (0, "en", 1),
        (0, "deu", 0),
        (0, "fre", 2),
        (0, "fr-CA", 2),
    ],
)
def test_of_several_tracks_the_one_meant_is_taken(
    default: int | None, track: str | None, expected: int
) -> None:
    data = tracks(default)
    header = audio.probe(io.BytesIO(data), name="r", track=track)
    assert header.track == expected
    samples_N = np.concatenate(
        list(audio.decode(io.BytesIO(data), name="r", sample_rate_hz=RATE_HZ, track=track))
    )
    assert heard(samples_N)[:4] == [300 + 200 * expected + 100 * s for s in range(4)]


@pytest.mark.parametrize("track", ["3", "es"])
def test_a_track_that_is_not_there_is_refused_with_those_that_are(track: str) -> None:
    with pytest.raises(EntryInvalid, match=r"0 \(\w+\), 1 \(eng\), 2 \(\w+\), and it is '" + track):
        audio.probe(io.BytesIO(tracks(0)), name="r", track=track)
    wav = encode_sound(tones(1), RATE_HZ, container="WAV", subtype="PCM_16")
    assert audio.probe(io.BytesIO(wav), name="r", track="0").track == 0
    with pytest.raises(EntryInvalid, match="track must be 0"):
        list(audio.decode(io.BytesIO(wav), name="r", sample_rate_hz=RATE_HZ, track=track))


TEN = [300 + 100 * s for s in range(10)]


@pytest.mark.parametrize(
    ("codec", "container", "rate_hz"),
    [
        ("libmp3lame", "mp3", 16_000),
        ("libmp3lame", "mp3", 44_100),
        ("aac", "ipod", 16_000),
        ("aac", "mp4", 44_100),
        ("aac", "adts", 16_000),
        ("alac", "ipod", 44_100),
        ("libopus", "webm", 48_000),
    ],
)
@pytest.mark.parametrize("stereo", [False, True])
def test_every_second_is_there_in_order(codec: str, container: str, rate_hz: int, stereo: bool) -> None:
    data = encode_av(tones(10, rate_hz), rate_hz, codec=codec, container=container, stereo=stereo)
    samples_N = decoded(data)
    assert heard(samples_N) == TEN
    assert len(samples_N) / RATE_HZ == pytest.approx(10, abs=0.2)
    level = 0.3 / np.sqrt(2) * (0.75 if stereo else 1)
    # LAME turns everything down to 95 %.
    level *= 0.95 if container == "mp3" else 1
    assert np.std(samples_N[RATE_HZ:-RATE_HZ]) == pytest.approx(level, rel=0.02)


@pytest.mark.parametrize(
    ("container", "subtype"),
    [
        ("WAV", "PCM_U8"),
        ("WAV", "PCM_24"),
        ("WAV", "ULAW"),
        ("WAV", "DOUBLE"),
        ("RF64", "PCM_16"),
        ("AIFF", "PCM_16"),
        ("NIST", "PCM_16"),
        ("OGG", "VORBIS"),
        ("OGG", "OPUS"),
    ],
)
def test_what_libsndfile_reads(container: str, subtype: str) -> None:
    samples_N = decoded(encode_sound(tones(10), RATE_HZ, container=container, subtype=subtype))
    assert heard(samples_N) == TEN
    assert len(samples_N) == 10 * RATE_HZ


def test_vbr_mp3_without_xing_is_read_to_its_true_end() -> None:
    x_N = tones(20)
    x_N[RATE_HZ * 5 : RATE_HZ * 15] *= 0.001
    data = vbr_mp3_without_xing(x_N, RATE_HZ)
    sound = soundfile.SoundFile(io.BytesIO(data))
    assert sound.frames < 15 * RATE_HZ, "libsndfile reads it well now: this test has lost its point"
    samples_N = decoded(data)
    assert len(samples_N) / RATE_HZ == pytest.approx(20, abs=0.1)
    assert heard(samples_N)[:4] + heard(samples_N)[16:20] == [300, 400, 500, 600, 1900, 2000, 2100, 2200]


@pytest.mark.parametrize("xing", ["0", "1"])
def test_two_mp3s_joined_decode_both(xing: str) -> None:
    data = encode_av(tones(10), RATE_HZ, codec="libmp3lame", container="mp3", options={"write_xing": xing})
    samples_N = decoded(data + data)
    assert len(samples_N) / RATE_HZ == pytest.approx(20, abs=0.25)
    assert heard(samples_N[: 10 * RATE_HZ]) == TEN
    assert heard(samples_N[-10 * RATE_HZ :]) == TEN


def test_joined_mp3s_of_different_rates_and_channels_keep_their_pitch() -> None:
    first = encode_av(tones(10), RATE_HZ, codec="libmp3lame", container="mp3")
    second = encode_av(tones(10, 44_100), 44_100, codec="libmp3lame", container="mp3", stereo=True)
    for data in (first + second, second + first):
        samples_N = decoded(data)
        assert len(samples_N) / RATE_HZ == pytest.approx(20, abs=0.3)
        assert heard(samples_N[: 10 * RATE_HZ]) == TEN
        assert heard(samples_N[-10 * RATE_HZ :]) == TEN


@pytest.mark.parametrize("subtype", ["OPUS", "VORBIS"])
def test_joined_ogg_files_decode_both_though_libsndfile_stops_after_the_first(subtype: str) -> None:
    data = encode_sound(tones(10), RATE_HZ, container="OGG", subtype=subtype)
    assert soundfile.SoundFile(io.BytesIO(data + data)).frames == 10 * RATE_HZ
    header = audio.probe(io.BytesIO(data + data), name="r")
    audio.check_stated(header, name="r", duration_seconds=20)
    samples_N = decoded(data + data)
    assert len(samples_N) / RATE_HZ == pytest.approx(20, abs=0.1)
    assert heard(samples_N[: 10 * RATE_HZ]) == TEN
    assert heard(samples_N[-10 * RATE_HZ :]) == TEN


def test_tags_before_and_amid_an_mp3_do_not_matter() -> None:
    data = encode_av(tones(10), RATE_HZ, codec="libmp3lame", container="mp3")
    # An ID3v2 tag of 3,000 bytes whose title is no valid text in any encoding.
    body = b"TIT2" + (2000).to_bytes(4, "big") + b"\x00\x00" + b"\x03" + b"\xff\xfe\xfd" * 666
    tag = b"ID3\x03\x00\x00" + bytes([0, 0, 3000 >> 7, 3000 & 127]) + body.ljust(3000, b"\x00")
    assert heard(decoded(tag + data)) == TEN
    samples_N = decoded(tag + data + tag + data)
    assert len(samples_N) / RATE_HZ == pytest.approx(20, abs=0.25)


def test_an_mp3_that_is_mostly_damage_is_refused() -> None:
    data = bytearray(encode_av(tones(10), RATE_HZ, codec="libmp3lame", container="mp3"))
    rng = np.random.default_rng(0)
    for start in range(3000, len(data) - 400, 400):
        data[start + 4 : start + 200] = rng.bytes(196)
    with pytest.raises(AudioUnreadable, match="damaged"):
        decoded(bytes(data))


@pytest.mark.parametrize("subtype", ["OPUS", "VORBIS"])
def test_a_damaged_ogg_page_repeats_no_audio(subtype: str) -> None:
    # Noise, since a pure tone is packed into pages of many seconds.
    noise_N = np.random.default_rng(0).standard_normal(120 * RATE_HZ).astype(np.float32) / 20
    x_N = tones(120) + noise_N
    data = bytearray(encode_sound(x_N, RATE_HZ, container="OGG", subtype=subtype))
    page = data.index(b"OggS", len(data) // 2)
    data[page + 3000 : page + 3010] = bytes(10)
    samples_N = decoded(bytes(data))
    # The page's second or so is gone, under 1 % of the file; nothing stands in for it.
    assert 118.8 < len(samples_N) / RATE_HZ < 119.5
    assert heard(samples_N[-10 * RATE_HZ :]) == [300 + 100 * s for s in range(10, 20)]


def test_a_damaged_header_that_sends_the_reader_before_the_start_is_no_io_error() -> None:
    data = encode_sound(tones(1), RATE_HZ, container="AIFF")
    where = data.index(b"SSND") + 4
    with suppress(RecordingError):
        decoded(data[:where] + b"\xff\xff\xff\xf0" + data[where + 4 :])


def test_decoding_twice_gives_the_same_samples() -> None:
    data = vbr_mp3_without_xing(tones(10), RATE_HZ)
    np.testing.assert_array_equal(decoded(data + data), decoded(data + data))


def test_memory_does_not_grow_with_the_file() -> None:
    data = encode_sound(np.tile(tones(20), 6), RATE_HZ, container="FLAC")
    largest = 0
    for block_N in audio.decode(io.BytesIO(data), name="r", sample_rate_hz=8_000):
        base = block_N if block_N.base is None else block_N.base
        largest = max(largest, base.nbytes)
    assert largest <= 2 * 4 * 65_536


def test_a_frame_with_fewer_planes_than_channels_is_refused_before_ffmpeg_reads_them() -> None:
    """Damaged files that give such frames are not kept: what FFmpeg's queue does with one is to crash."""
    frame = SimpleNamespace(
        sample_rate=8000,
        samples=16,
        pts=0,
        format=SimpleNamespace(name="fltp", is_planar=True),
        layout=SimpleNamespace(name="stereo", channels=("left", "right")),
        planes=(b"",),
    )
    with pytest.raises(av.InvalidDataError, match="a frame of 2 planes has 1"):
        containers._Pending().add(frame)
