"""Makes the demo corpus from the texts beside it: synthesised speech, with a transcript that errs.

Needs `flite` and `espeak-ng` (apt install flite espeak-ng). The result is in the repository, so that only a
change of the texts calls for this script:

    python demo/make_demo.py

Each text file has one sentence a line and two columns, parted by a tab: what is spoken, and what the
transcript says. An empty first column is a sentence that nobody says; an empty second one is a sentence that
the transcript lacks.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

FloatArray = NDArray[np.float32]

FOLDER = Path(__file__).parent
RATE_HZ = 16_000
PAUSE_SECONDS = (0.5, 1.4)
"""Shortest and longest silence between two sentences."""
HISS_DB = -62.0
"""Level of the faint noise under the whole recording, against full scale."""


@dataclass(frozen=True, kw_only=True)
class Reading:
    """Who reads what.

    Attributes:
        name: of the text file and of the recording.
        command: synthesiser that writes a WAV file; `{wav}` and `{text}` stand for its arguments.
        speaker: name of the voice in the manifest.
    """

    name: str
    command: tuple[str, ...]
    speaker: str


def _flite(name: str, voice: str) -> Reading:
    return Reading(
        name=name,
        command=("flite", "-voice", voice, "-t", "{text}", "-o", "{wav}"),
        speaker=f"flite-{voice}",
    )


READINGS = (
    _flite("alice", "slt"),
    _flite("scrooge", "rms"),
    _flite("ishmael", "awb"),
    _flite("machine", "kal16"),
    Reading(
        name="holmes",
        command=("espeak-ng", "-v", "en-us", "-s", "150", "-w", "{wav}", "{text}"),
        speaker="espeak-en-us",
    ),
    _flite("bennet", "slt"),
)


def read_script(path: Path) -> list[tuple[str, str]]:
    """(spoken, written) of each sentence of a text file."""
    text = path.read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    pairs = []
    for line in lines:
        spoken, separator, written = line.partition("\t")
        if not separator:
            raise ValueError(f"{path.name}: every line has a tab between its two columns, not {line!r}")
        pairs.append((spoken.strip(), written.strip()))
    return pairs


def speak(command: tuple[str, ...], text: str) -> FloatArray:
    """One sentence as float32 samples at 16 kHz, without the silence at its ends."""
    with tempfile.TemporaryDirectory() as folder:
        wav = Path(folder) / "speech.wav"
        arguments = [argument.format(wav=wav, text=text) for argument in command]
        subprocess.run(arguments, check=True, stdout=subprocess.DEVNULL)
        samples_N, rate_hz = soundfile.read(wav, dtype="float32")
    if rate_hz != RATE_HZ:
        samples_N = soxr.resample(samples_N, rate_hz, RATE_HZ)
    loud = np.flatnonzero(np.abs(samples_N) > 0.01 * np.abs(samples_N).max())
    spoken_N: FloatArray = np.float32(0.4 / np.abs(samples_N).max()) * samples_N[loud[0] : loud[-1] + 1]
    return spoken_N


def record(
    reading: Reading, spoken: list[str], random: np.random.Generator
) -> tuple[FloatArray, list[tuple[float, float]]]:
    """The whole recording, and where each sentence lies in it, in seconds."""
    pieces, spans, at = [], [], 0
    for text in spoken:
        pause = np.zeros(int(random.uniform(*PAUSE_SECONDS) * RATE_HZ), np.float32)
        speech_N = speak(reading.command, text)
        start = at + len(pause)
        at = start + len(speech_N)
        pieces += [pause, speech_N]
        spans.append((start / RATE_HZ, at / RATE_HZ))
    samples_N = np.concatenate([*pieces, np.zeros(RATE_HZ, np.float32)])
    hiss_N = 10 ** (HISS_DB / 20) * random.standard_normal(len(samples_N), dtype=np.float32)
    return samples_N + hiss_N, spans


def noises(random: np.random.Generator) -> dict[str, FloatArray]:
    """Two noises that nobody else owns: rain (white, softened) and a humming machine."""
    seconds = 12
    white_N = random.standard_normal(seconds * RATE_HZ)
    rain_N = np.convolve(white_N, np.exp(-np.arange(12) / 3), mode="same")
    drops = random.integers(0, len(rain_N) - 400, size=300)
    for drop in drops:
        rain_N[drop : drop + 400] += 6 * random.standard_normal(400) * np.exp(-np.arange(400) / 60)
    time_N = np.arange(seconds * RATE_HZ) / RATE_HZ
    hum_N = sum(np.sin(2 * np.pi * 50 * k * time_N + random.uniform(0, 6)) / k for k in (1, 2, 3, 5, 8, 13))
    hum_N = hum_N * (1 + 0.3 * np.sin(2 * np.pi * 3 * time_N)) + 0.3 * white_N
    made = {"rain": rain_N, "hum": hum_N}
    return {name: (0.2 * x_N / np.abs(x_N).max()).astype(np.float32) for name, x_N in made.items()}


def write_opus(path: Path, samples_N: FloatArray) -> None:
    """Write Ogg Opus, small."""
    with soundfile.SoundFile(
        path, "w", RATE_HZ, 1, format="OGG", subtype="OPUS", compression_level=0.9
    ) as file:
        file.write(samples_N)


def seeded(name: str) -> np.random.Generator:
    """A generator that depends on the name alone."""
    digest = hashlib.blake2b(name.encode(), digest_size=8).digest()
    return np.random.default_rng(int.from_bytes(digest, "big"))


def main() -> None:
    """Write audio/, noise/, transcripts, manifest.jsonl and truth.jsonl."""
    entries, truths = [], []
    (FOLDER / "audio").mkdir(exist_ok=True)
    (FOLDER / "noise").mkdir(exist_ok=True)
    for reading in READINGS:
        script = read_script(FOLDER / "texts" / f"{reading.name}.tsv")
        spoken = [text for text, _ in script if text]
        samples_N, spans = record(reading, spoken, seeded(reading.name))
        write_opus(FOLDER / "audio" / f"{reading.name}.opus", samples_N)
        transcript = " ".join(written for _, written in script if written)
        (FOLDER / "audio" / f"{reading.name}.txt").write_text(transcript + "\n", encoding="utf-8")
        entries.append(
            {
                "id": reading.name,
                "audio_filepath": f"audio/{reading.name}.opus",
                "text_filepath": f"audio/{reading.name}.txt",
                "speaker": reading.speaker,
                "duration": round(len(samples_N) / RATE_HZ, 3),
            }
        )
        sentences = [
            {"start": round(start, 3), "end": round(end, 3), "text": text}
            for text, (start, end) in zip(spoken, spans, strict=True)
        ]
        truths.append({"id": reading.name, "sentences": sentences})
    for name, samples_N in noises(seeded("noise")).items():
        write_opus(FOLDER / "noise" / f"{name}.opus", samples_N)
    for name, rows in (("manifest", entries), ("truth", truths)):
        lines = [json.dumps(row, ensure_ascii=False) for row in rows]
        (FOLDER / f"{name}.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
