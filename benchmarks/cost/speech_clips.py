"""Real utterances for the benches: FLAC clips of about 7 s, cut from the LibriSpeech training parts."""

from __future__ import annotations

import io
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import soundfile

from prep_corpus.align.audio import decode as audio
from prep_corpus.augment.bank import NoiseBank, noise_bank, noise_clip
from prep_corpus.pipeline.shards.rows import Utterance, audio_path, utterance_id

RATE_HZ = 16_000
ROOT = Path(__file__).resolve().parents[2]


def data_folder() -> Path:
    """The folder of real speech."""
    return Path(os.environ.get("PREP_CORPUS_SHARED", ROOT.parent / "shared")) / "data"


def read(path: Path) -> np.ndarray:
    """A file's samples, float32 [N]."""
    with open(path, "rb") as file:
        return np.concatenate(list(audio.decode(file, name=path.name, sample_rate_hz=RATE_HZ)))


def real_bank() -> NoiseBank:
    """The five real noise clips."""
    paths = sorted((data_folder() / "noise").glob("*.opus"))
    return noise_bank([noise_clip(path.name, read(path)) for path in paths], RATE_HZ)


def rows(hours: float, seed: int = 0) -> list[Utterance]:
    """Utterances of 2 to 16 s, 7 s in the mean, of real speech; it repeats itself after two hours."""
    folders = ("librispeech-train-3-speakers", "librispeech-train-248-speakers")
    paths = sorted(
        path for folder in folders for path in (data_folder() / folder).iterdir() if path.suffix != ".jsonl"
    )
    wanted = int(min(hours, 2.0) * 3600 * RATE_HZ)
    speech: list[np.ndarray] = []
    while sum(map(len, speech)) < wanted and paths:
        speech.append(read(paths.pop(0)))
    samples_N = np.concatenate(speech)[:wanted]
    rng = np.random.default_rng(seed)
    found: list[Utterance] = []
    start = 0
    while start < samples_N.size - RATE_HZ:
        end = min(start + int(np.clip(rng.gamma(4.0, 1.75), 2.0, 16.0) * RATE_HZ), samples_N.size)
        found.append(_row(samples_N[start:end], start, end))
        start = end
    return found


def repeated(found: list[Utterance], hours: float) -> list[Utterance]:
    """As many hours of the same utterances, with ids of their own; they share their audio's memory."""
    seconds = sum(row.duration for row in found)
    times = max(1, round(hours * 3600 / seconds))
    return [
        replace(
            row,
            id=f"{turn}-{row.id}",
            recording_id=f"{turn}-{row.recording_id}",
            audio_path=f"{turn}-{row.audio_path}",
        )
        for turn in range(times)
        for row in found
    ]


def _row(samples_N: np.ndarray, start: int, end: int) -> Utterance:
    identifier = utterance_id("speech", start, end)
    buffer = io.BytesIO()
    soundfile.write(buffer, audio.to_int16(samples_N), RATE_HZ, format="FLAC", subtype="PCM_16")
    words = "the quick brown fox jumps over the lazy dog " * 3
    return Utterance(
        id=identifier,
        audio=buffer.getvalue(),
        audio_path=audio_path(identifier),
        text=words.capitalize(),
        text_normalized=words[: (end - start) * 15 // RATE_HZ],
        duration=(end - start) / RATE_HZ,
        start=start / RATE_HZ,
        end=end / RATE_HZ,
        start_sample=start,
        end_sample=end,
        recording_id="speech",
        speaker=None,
        language="en",
        ctc_cost=12.5,
        ctc_cost_per_frame=0.05,
        ctc_cost_per_token=0.2,
        frames_per_token=4.0,
        words=25,
        characters=100,
        score=3.0,
        noise=None,
        snr_db=None,
        source_uri="speech.flac",
        model_digest="0" * 32,
        config_digest="0" * 32,
        sample_rate_hz=RATE_HZ,
    )
