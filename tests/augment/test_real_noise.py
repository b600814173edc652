"""Real speech with real noise: the signal-to-noise ratio that comes out is the one that was planned."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf

from prep_corpus.augment.bank import NoiseBank, noise_bank, noise_clip
from prep_corpus.augment.mix import active_power, mix, to_int16
from prep_corpus.augment.plan import NoiseOptions, plan_noise

RATE_HZ = 16000
MIXTURES = 1000


def _read(path: Path) -> np.ndarray:
    samples_N, rate_hz = sf.read(path, dtype="float32")
    assert rate_hz == RATE_HZ
    return samples_N


@pytest.fixture(scope="module")
def bank(shared_dir: Path) -> NoiseBank:
    folder = shared_dir / "data" / "noise"
    entries = [json.loads(line) for line in (folder / "manifest.jsonl").read_text().splitlines()]
    clips = [
        noise_clip(entry["audio_filepath"], _read(folder / entry["audio_filepath"])) for entry in entries
    ]
    return noise_bank(clips, RATE_HZ)


@pytest.fixture(scope="module")
def speech(shared_dir: Path) -> list[np.ndarray]:
    folder = shared_dir / "data" / "common-voice"
    return [to_int16(_read(path)) for path in sorted(folder.glob("*.opus"))[:60]]


def test_the_mean_error_of_1000_real_mixtures_is_under_a_tenth_of_a_decibel(
    bank: NoiseBank, speech: list[np.ndarray]
) -> None:
    errors_db, planned_db, parts = [], [], set()
    for number in range(MIXTURES):
        speech_N = speech[number % len(speech)]
        plan = plan_noise(
            seed=5,
            utterance_id=f"u{number}",
            samples=speech_N.size,
            bank=bank,
            options=NoiseOptions(fraction=1.0),
        )
        assert plan is not None
        mixed_N, report = mix(speech_N, plan, bank, utterance_id=f"u{number}")
        assert np.max(np.abs(mixed_N.astype(int))) <= 32767
        noise_N = mixed_N / report.scale - speech_N
        speech_power = active_power(speech_N, RATE_HZ, utterance_id=f"u{number}")
        measured_db = 10 * np.log10(speech_power / np.mean(noise_N**2))
        errors_db.append(abs(measured_db - plan.snr_db))
        planned_db.append(plan.snr_db)
        parts.add(plan.parts)
    assert np.mean(errors_db) < 0.1
    assert np.max(errors_db) < 1.0
    assert len(parts) == MIXTURES
    assert abs(np.mean(planned_db) - 15.0) < 1.0


def test_speech_power_leaves_out_the_pauses_of_real_speech(speech: list[np.ndarray]) -> None:
    for number, speech_N in enumerate(speech[:20]):
        power = active_power(speech_N, RATE_HZ, utterance_id=str(number))
        with_pause_N = np.concatenate([speech_N, np.zeros(speech_N.size, np.int16)])
        assert active_power(with_pause_N, RATE_HZ, utterance_id=str(number)) == pytest.approx(power, rel=1e-3)
        assert np.mean(speech_N.astype(float) ** 2) < power
