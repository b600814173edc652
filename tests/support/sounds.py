"""Sounds in which nobody says a given text: noises, music, hum, clicks, rooms, breath, and speech that is another.

Everything is made from a random generator alone, or from it and real speech or noise that is handed in, so that a
fit and its judgement can use sounds that have nothing in common. All are mono float32 at 16 kHz, with an RMS of 0.1
before `at_level` sets another; room tone is faint.

Shapes: N samples.
"""

from __future__ import annotations

import io
import shutil
import subprocess
from collections.abc import Callable, Sequence

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

FloatArray = NDArray[np.float32]
DoubleArray = NDArray[np.float64]
Random = np.random.Generator

RATE_HZ = 16_000
RMS = 0.1
SLOPES = {"white": 0.0, "pink": 1.0, "brown": 2.0}
"""Power falls with frequency to this power."""

LANGUAGES = {"de": 0, "es": 1, "fr": 2, "it": 3, "pl": 4, "tr": 5, "fi": 6, "id": 7, "sw": 8, "hu": 9}
"""espeak-ng's voices, each with its line of `FOREIGN`."""

FOREIGN = (
    "Der alte Mann ging langsam durch den verschneiten Wald und suchte seinen Hund, der seit gestern fort war.",
    "La casa estaba vacía y nadie sabía cuándo volverían los dueños del pueblo después de la larga guerra.",
    "Le train partit avant le lever du soleil, et les voyageurs regardaient la plaine sans dire un seul mot.",
    "La mattina dopo il mare era calmo e i pescatori tornarono al porto con le barche piene di pesce fresco.",
    "Wczesnym rankiem dzieci poszły nad rzekę, żeby zobaczyć, czy lód jest już dość gruby na łyżwy.",
    "Köyün yaşlı öğretmeni her sabah aynı yoldan yürür ve çocuklara uzak denizleri anlatırdı.",
    "Vanha kalastaja katsoi järvelle ja sanoi, että illalla tuulee pohjoisesta ja vene on vedettävä maihin.",
    "Pagi itu pasar sudah ramai dan para pedagang menawarkan buah segar kepada setiap orang yang lewat.",
    "Watoto walikimbia kuelekea mtoni wakiimba nyimbo ambazo bibi yao aliwafundisha jioni iliyopita.",
    "A falu szélén álló malom már régóta nem működött, de az emberek még mindig félve kerülték el éjjel.",
)


def at_level(samples_N: NDArray[np.floating], rms: float) -> FloatArray:
    """The same sound with another RMS; silence stays silence."""
    power = float(np.sqrt(np.mean(np.square(samples_N, dtype=np.float64))))
    return (samples_N * (rms / power if power > 0 else 1.0)).astype(np.float32)


def coloured(samples: int, slope: float, random: Random) -> FloatArray:
    """Noise whose power falls with frequency to the power `slope`, from 40 Hz."""
    spectrum = random.standard_normal(samples // 2 + 1) + 1j * random.standard_normal(samples // 2 + 1)
    hz = np.maximum(np.fft.rfftfreq(samples, 1 / RATE_HZ), 40.0)
    return at_level(np.fft.irfft(spectrum * hz ** (-slope / 2), samples), RMS)


def _smooth(samples: int, rate_hz: float, random: Random) -> DoubleArray:
    """A curve in [0, 1] that changes about `rate_hz` times a second."""
    knots = random.random(max(int(samples / RATE_HZ * rate_hz) + 2, 2))
    return np.interp(np.linspace(0, len(knots) - 1, samples), np.arange(len(knots)), knots)


def steady_noise(samples: int, random: Random) -> FloatArray:
    """White, pink or brown noise."""
    return coloured(samples, SLOPES[str(random.choice(list(SLOPES)))], random)


def modulated_noise(samples: int, random: Random) -> FloatArray:
    """Noise that swells and fades as fast as syllables do."""
    shape_N = _smooth(samples, float(random.uniform(2, 9)), random) ** 2
    return at_level(steady_noise(samples, random) * shape_N, RMS)


def music(samples: int, random: Random) -> FloatArray:
    """Chords of three or four notes with overtones and a beat."""
    out_N = np.zeros(samples)
    at = 0
    root_hz = float(random.uniform(80, 220))
    while at < samples:
        length = int(random.uniform(0.3, 1.5) * RATE_HZ)
        count = min(length, samples - at)
        seconds_N = np.arange(count) / RATE_HZ
        step = int(random.choice([0, 2, 3, 5, 7, 9]))
        for note in (0, int(random.choice([3, 4])), 7, int(random.choice([10, 11, 12])))[
            : int(random.integers(3, 5))
        ]:
            hz = root_hz * 2 ** ((step + note) / 12)
            for overtone in range(1, 6):
                phase = float(random.uniform(0, 2 * np.pi))
                out_N[at : at + count] += (
                    np.sin(2 * np.pi * hz * overtone * seconds_N + phase)
                    * np.exp(-seconds_N * random.uniform(0.5, 4))
                    / overtone
                )
        at += length
    return at_level(out_N, RMS)


def tones(samples: int, random: Random) -> FloatArray:
    """Mains hum, a steady tone, or pips and a telephone's ring."""
    seconds_N = np.arange(samples) / RATE_HZ
    kind = int(random.integers(3))
    if kind == 0:
        hz = float(random.choice([50, 60]))
        out_N = sum(np.sin(2 * np.pi * hz * n * seconds_N + random.uniform(0, 6)) / n for n in range(1, 9))
    elif kind == 1:
        out_N = np.sin(2 * np.pi * random.uniform(200, 3000) * seconds_N)
    else:
        gate_N = (seconds_N * random.uniform(0.5, 4)) % 1 < random.uniform(0.1, 0.6)
        out_N = (
            gate_N
            * (
                np.sin(2 * np.pi * 440 * seconds_N)
                + np.sin(2 * np.pi * random.uniform(480, 1400) * seconds_N)
            )
        ).astype(np.float64)
    faint_N = coloured(samples, 1.0, random) * 10 ** (-random.uniform(20, 50) / 20)
    return at_level(np.asarray(out_N) / np.sqrt(2) * RMS + faint_N, RMS)


def clicks(samples: int, random: Random) -> FloatArray:
    """Digital silence, or nearly, with clicks and knocks."""
    out_N = np.zeros(samples)
    if random.random() < 0.5:
        out_N += random.standard_normal(samples) * 10 ** (-random.uniform(70, 90) / 20)
    for _ in range(int(random.integers(1, 4 + samples // RATE_HZ))):
        length = int(random.uniform(0.0005, 0.03) * RATE_HZ)
        at = int(random.integers(0, max(samples - length, 1)))
        out_N[at : at + length] += (
            random.standard_normal(length)
            * np.exp(-np.arange(length) / (length / 4))
            * random.uniform(0.05, 0.9)
        )
    return np.clip(out_N, -1, 1).astype(np.float32)


def room_tone(samples: int, random: Random) -> FloatArray:
    """A quiet room: brownish noise and a little hum, at -75 to -45 dB."""
    tone_N = coloured(samples, float(random.uniform(0.5, 2)), random).astype(np.float64)
    tone_N += (
        0.3
        * RMS
        * np.sin(2 * np.pi * float(random.choice([50, 60, 100, 120])) * np.arange(samples) / RATE_HZ)
    )
    return at_level(tone_N, 10 ** (-random.uniform(45, 75) / 20))


def breath(samples: int, random: Random) -> FloatArray:
    """Breathing and something like laughter: bands of noise that come and go, with a little voice."""
    out_N = np.zeros(samples)
    at = int(random.uniform(0, 0.5) * RATE_HZ)
    while at < samples:
        laughs = random.random() < 0.5
        pulses = int(random.integers(3, 9)) if laughs else 1
        for _ in range(pulses):
            length = (
                int(random.uniform(0.08, 0.16) * RATE_HZ)
                if laughs
                else int(random.uniform(0.5, 1.4) * RATE_HZ)
            )
            count = min(length, samples - at)
            if count < 64:
                break
            band = _band(count, random.uniform(300, 1200), random.uniform(1500, 5000), random)
            if laughs:
                hz = random.uniform(120, 350)
                seconds_N = np.arange(count) / RATE_HZ
                band = band + sum(
                    RMS * np.sin(2 * np.pi * hz * (1 - 0.3 * seconds_N) * n * seconds_N) / n
                    for n in range(1, 8)
                )
            out_N[at : at + count] += band * np.hanning(count)
            at += length + int(random.uniform(0.02, 0.1) * RATE_HZ)
        at += int(random.uniform(0.2, 1.5) * RATE_HZ)
    out_N += random.standard_normal(samples) * 10 ** (-random.uniform(55, 75) / 20)
    return at_level(out_N, RMS / 2)


def _band(samples: int, low_hz: float, high_hz: float, random: Random) -> DoubleArray:
    spectrum = random.standard_normal(samples // 2 + 1) + 1j * random.standard_normal(samples // 2 + 1)
    hz = np.fft.rfftfreq(samples, 1 / RATE_HZ)
    spectrum[(hz < low_hz) | (hz > high_hz)] = 0
    return at_level(np.fft.irfft(spectrum, samples), RMS).astype(np.float64)


def looped(clip_N: FloatArray, samples: int, random: Random) -> FloatArray:
    """A stretch of a clip from a random place, repeated where it is too short."""
    start = int(random.integers(0, max(len(clip_N) - samples, 1)))
    piece_N = clip_N[start : start + samples]
    return np.tile(piece_N, -(-samples // len(piece_N)))[:samples].astype(np.float32)


def babble(samples: int, speech: Sequence[FloatArray], voices: int, random: Random) -> FloatArray:
    """Several stretches of speech at once, each as loud as the others.

    Args:
        samples: N.
        speech: recordings of different speakers to draw from; `voices` of them are used.
        voices: at most as many as there are recordings.
        random: draws.
    """
    chosen = random.choice(len(speech), size=min(voices, len(speech)), replace=False)
    return at_level(
        np.sum([at_level(looped(speech[int(s)], samples, random), RMS) for s in chosen], axis=0), RMS
    )


def reversed_speech(samples: int, speech: Sequence[FloatArray], random: Random) -> FloatArray:
    """Speech played backwards."""
    clip_N = looped(speech[int(random.integers(len(speech)))], samples, random)
    return at_level(clip_N[::-1], RMS)


def other_speech(samples: int, speech: Sequence[FloatArray], random: Random) -> FloatArray:
    """Speech of another recording, clear to hear."""
    return at_level(looped(speech[int(random.integers(len(speech)))], samples, random), RMS)


def foreign(samples: int, random: Random, languages: Sequence[str]) -> FloatArray | None:
    """Synthesised speech in another language; None where espeak-ng is not installed.

    Args:
        samples: N; sentences are repeated to fill them.
        random: draws language, speed and pitch.
        languages: of `LANGUAGES`.
    """
    program = shutil.which("espeak-ng")
    if program is None:
        return None
    language = str(random.choice(list(languages)))
    speed, pitch = int(random.integers(120, 190)), int(random.integers(20, 80))
    command = [
        program,
        "-v",
        language,
        "-s",
        str(speed),
        "-p",
        str(pitch),
        "--stdout",
        FOREIGN[LANGUAGES[language]],
    ]
    made = subprocess.run(command, check=True, capture_output=True, timeout=60).stdout
    spoken_N, rate_hz = soundfile.read(io.BytesIO(made), dtype="float32")
    return at_level(looped(soxr.resample(spoken_N, rate_hz, RATE_HZ), samples, random), RMS)


MADE: dict[str, Callable[[int, Random], FloatArray]] = {
    "steady noise": steady_noise,
    "modulated noise": modulated_noise,
    "music": music,
    "tones": tones,
    "clicks": clicks,
    "room tone": room_tone,
    "breath": breath,
}
"""Sounds that need nothing but a random generator."""
