"""Hard ground for the promise: speech under noise, in rooms, over lines, and recordings where nobody says the text.

A condition turns a clean recording into a hard one of the same length, so that its truth stays where it is. The
sounds, rooms and voices that go into it are drawn from what is handed in (`Material`): a fit and its judgement take
different ones.

Shapes: N samples.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import av
import numpy as np
import soxr
from numpy.typing import NDArray
from support import sounds
from support.sounds import RATE_HZ, FloatArray, Random


@dataclass(frozen=True, kw_only=True)
class Material:
    """What hard recordings are made of.

    Attributes:
        speech: recordings of different speakers, none of them the one that is made hard.
        noises: real noise clips.
        languages: espeak-ng's voices, of `sounds.LANGUAGES`.
    """

    speech: tuple[FloatArray, ...]
    noises: tuple[FloatArray, ...]
    languages: tuple[str, ...]


def mixed(samples_N: FloatArray, added_N: FloatArray, snr_db: float) -> FloatArray:
    """Speech with a sound so many dB under the mean power of its louder half."""
    blocks = np.square(samples_N[: len(samples_N) // 400 * 400].reshape(-1, 400), dtype=np.float64).mean(1)
    speech = float(blocks[blocks >= np.median(blocks)].mean())
    noise = float(np.square(added_N, dtype=np.float64).mean())
    together_N = samples_N + added_N * np.sqrt(speech / max(noise, 1e-12) / 10 ** (snr_db / 10))
    return (together_N / max(1.0, float(np.abs(together_N).max()))).astype(np.float32)


def noise(samples: int, material: Material, random: Random) -> FloatArray:
    """Coloured, modulated or real noise."""
    kind = int(random.integers(4))
    if kind < 2 and material.noises:
        return sounds.looped(material.noises[int(random.integers(len(material.noises)))], samples, random)
    return (sounds.steady_noise, sounds.modulated_noise)[kind % 2](samples, random)


def room(samples_N: FloatArray, rt60_seconds: float, random: Random) -> FloatArray:
    """A microphone far from the mouth: the direct sound, a few echoes, and a tail of noise that dies away."""
    seconds_N = np.arange(int(1.2 * rt60_seconds * RATE_HZ)) / RATE_HZ
    tail_N = random.standard_normal(len(seconds_N)) * 10 ** (-3 * seconds_N / rt60_seconds)
    tail_N[: int(random.uniform(0.003, 0.02) * RATE_HZ)] = 0
    for _ in range(6):
        at = int(random.uniform(0.002, 0.03) * RATE_HZ)
        tail_N[at] += random.choice([-1, 1]) * random.uniform(1, 4)
    direct_db = random.uniform(-4, 2)
    response_N = tail_N * (10 ** (-direct_db / 20) / np.sqrt(np.square(tail_N).sum()))
    response_N[0] = 1.0
    size = 1 << (len(samples_N) + len(response_N) - 1).bit_length()
    wet_N = np.fft.irfft(np.fft.rfft(samples_N, size) * np.fft.rfft(response_N, size), size)[: len(samples_N)]
    return sounds.at_level(wet_N, float(np.sqrt(np.square(samples_N, dtype=np.float64).mean())))


def telephone(samples_N: FloatArray) -> FloatArray:
    """8 kHz, 300 to 3400 Hz, 8-bit mu-law, and back."""
    narrow_N = soxr.resample(samples_N, RATE_HZ, 8_000)
    spectrum = np.fft.rfft(narrow_N)
    hz = np.fft.rfftfreq(len(narrow_N), 1 / 8_000)
    spectrum[(hz < 300) | (hz > 3400)] = 0
    line_N = np.clip(np.fft.irfft(spectrum, len(narrow_N)), -1, 1)
    steps_N = np.rint(np.sign(line_N) * np.log1p(255 * np.abs(line_N)) / np.log(256) * 127) / 127
    heard_N = np.sign(steps_N) * np.expm1(np.abs(steps_N) * np.log(256)) / 255
    return _fitted(soxr.resample(heard_N, 8_000, RATE_HZ), len(samples_N))


def mp3(samples_N: FloatArray, bits_per_second: int = 32_000) -> FloatArray:
    """Through an MP3 encoder and back, at the same places."""
    written = io.BytesIO()
    with av.open(written, "w", format="mp3") as container:
        stream = container.add_stream("libmp3lame", rate=RATE_HZ)
        stream.bit_rate = bits_per_second
        stream.layout = "mono"
        values = np.rint(np.clip(samples_N, -1, 1) * 32767).astype(np.int16)[None]
        frame = av.AudioFrame.from_ndarray(values, format="s16", layout="mono")
        frame.sample_rate = RATE_HZ
        resampler = av.AudioResampler(
            format="s16p", layout="mono", rate=RATE_HZ, frame_size=stream.frame_size
        )
        for piece in (*resampler.resample(frame), *resampler.resample(None)):
            container.mux(stream.encode(piece))
        container.mux(stream.encode(None))
    written.seek(0)
    blocks: list[NDArray[np.float32]] = []
    with av.open(written) as container:
        back = av.AudioResampler(format="flt", layout="mono", rate=RATE_HZ)
        for decoded in container.decode(audio=0):
            blocks += [part.to_ndarray()[0] for part in back.resample(decoded)]
    return _fitted(np.concatenate(blocks), len(samples_N))


def _fitted(samples_N: NDArray[np.floating], samples: int) -> FloatArray:
    cut_N = samples_N[:samples]
    return np.pad(cut_N, (0, samples - len(cut_N))).astype(np.float32)


Condition = Callable[[FloatArray, Material, Random], FloatArray]


def _noisy(snr_db: float) -> Condition:
    return lambda x_N, material, random: mixed(x_N, noise(len(x_N), material, random), snr_db)


def _babbled(snr_db: float) -> Condition:
    return lambda x_N, material, random: mixed(
        x_N, sounds.babble(len(x_N), material.speech, 4, random), snr_db
    )


CONDITIONS: dict[str, Condition] = {
    "clean": lambda x_N, material, random: x_N,
    "noise at 20 dB": _noisy(20),
    "noise at 10 dB": _noisy(10),
    "noise at 5 dB": _noisy(5),
    "four other voices at 10 dB": _babbled(10),
    "four other voices at 5 dB": _babbled(5),
    "another speaker at 10 dB": lambda x_N, material, random: mixed(
        x_N, sounds.other_speech(len(x_N), material.speech, random), 10
    ),
    "another speaker at 5 dB": lambda x_N, material, random: mixed(
        x_N, sounds.other_speech(len(x_N), material.speech, random), 5
    ),
    "music at 10 dB": lambda x_N, material, random: mixed(x_N, sounds.music(len(x_N), random), 10),
    "a room, RT60 0.3 to 0.5 s": lambda x_N, material, random: room(x_N, random.uniform(0.3, 0.5), random),
    "a room, RT60 0.5 to 0.8 s": lambda x_N, material, random: room(x_N, random.uniform(0.5, 0.8), random),
    "telephone, 8 kHz mu-law": lambda x_N, material, random: telephone(x_N),
    "MP3 at 32 kb/s": lambda x_N, material, random: mp3(x_N),
}
"""Each takes a clean recording, material, and a random generator."""

KINDS = (
    *sounds.MADE,
    "noise clips",
    "four voices",
    "reversed speech",
    "another language",
    "another recording's speech",
)
"""Recordings in which nobody says the text."""


def nobody(kind: str, samples: int, material: Material, random: Random) -> FloatArray | None:
    """A recording of one of `KINDS`; None for another language where espeak-ng is not installed."""
    if kind in sounds.MADE:
        return sounds.MADE[kind](samples, random)
    if kind == "noise clips":
        clip_N = material.noises[int(random.integers(len(material.noises)))]
        return sounds.at_level(sounds.looped(clip_N, samples, random), sounds.RMS * random.uniform(0.1, 1))
    if kind == "another language":
        return sounds.foreign(samples, random, material.languages)
    if kind == "four voices":
        return sounds.babble(samples, material.speech, 4, random)
    speech: Sequence[FloatArray] = material.speech
    made = sounds.reversed_speech if kind == "reversed speech" else sounds.other_speech
    return made(samples, speech, random)
