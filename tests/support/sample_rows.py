"""Rows with real, small FLAC files in them."""

from __future__ import annotations

import io

import numpy as np
import soundfile as sf

from prep_corpus.pipeline.shards.rows import Utterance, audio_path, utterance_id

RATE_HZ = 16000


def samples_of(number: int, samples: int) -> np.ndarray:
    """A tone with noise, int16, different for each number."""
    rng = np.random.default_rng(number)
    tone = 8000 * np.sin(np.arange(samples) * (0.05 + 0.001 * (number % 50)))
    return (tone + rng.integers(-500, 500, samples)).astype(np.int16)


def flac(samples_N: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    sf.write(buffer, samples_N, RATE_HZ, format="FLAC", subtype="PCM_16")
    return buffer.getvalue()


def make_row(
    number: int, *, samples: int = 3200, recording: str | None = None, **changes: object
) -> Utterance:
    recording_id = recording or f"book/chapter.{number // 4}"
    start = (number % 4) * 160_000
    identifier = utterance_id(recording_id, start, start + samples)
    columns: dict[str, object] = {
        "id": identifier,
        "audio": flac(samples_of(number, samples)),
        "audio_path": audio_path(identifier),
        "text": f'Wörd {number}, "quoted"\nline',
        "text_normalized": "".join("abcdefghij"[int(digit)] for digit in str(number)),
        "duration": samples / RATE_HZ,
        "start": start / RATE_HZ,
        "end": (start + samples) / RATE_HZ,
        "start_sample": start,
        "end_sample": start + samples,
        "recording_id": recording_id,
        "speaker": None if number % 3 == 0 else f"speaker {number % 3}",
        "language": "en",
        "ctc_cost": 1.5 + number,
        "ctc_cost_per_frame": 0.125,
        "ctc_cost_per_token": 0.25,
        "frames_per_token": 3.5,
        "words": 3,
        "score": -2.5,
        "noise": None if number % 2 else '{"snr_db": 12.5}',
        "snr_db": None if number % 2 else 12.5,
        "source_uri": f"gs://bucket/{recording_id}.mp3",
        "model_digest": "m" * 32,
        "config_digest": "c" * 32,
        "sample_rate_hz": RATE_HZ,
    }
    columns.update(changes)
    if "characters" not in changes:
        columns["characters"] = sum(map(len, str(columns["text_normalized"]).split()))
    return Utterance(**columns)  # type: ignore[arg-type]
