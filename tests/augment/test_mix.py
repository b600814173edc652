from __future__ import annotations

import numpy as np
import pytest

from prep_corpus.align.errors import UsageError
from prep_corpus.augment.bank import NoiseBank, SpeechSilent, impulse_response, noise_bank, noise_clip
from prep_corpus.augment.mix import active_power, is_silent, mix, noise_json, to_int16
from prep_corpus.augment.plan import MixPlan, NoisePart, plan_from_json

RATE_HZ = 16000


def _bank(rooms: tuple[np.ndarray, ...] = ()) -> NoiseBank:
    rng = np.random.default_rng(0)
    clips = [noise_clip(f"c{n}", rng.normal(0, 0.1, 20_000).astype(np.float32)) for n in range(2)]
    return noise_bank(
        clips, RATE_HZ, impulse_responses=[impulse_response(str(n), r) for n, r in enumerate(rooms)]
    )


def _plan(bank: NoiseBank, snr_db: float, **changes: object) -> MixPlan:
    parts = tuple(
        NoisePart(name=clip.name, digest=clip.digest, offset_samples=15_000, gain_db=-3.0 * number)
        for number, clip in enumerate(bank.clips)
    )
    return MixPlan(seed=0, bank=bank.digest, parts=parts, snr_db=snr_db, **changes)  # type: ignore[arg-type]


def _speech(amplitude: float = 3000.0) -> np.ndarray:
    """One second of tone after one second of pause."""
    tone = amplitude * np.sin(np.arange(16_000) * 0.1)
    return np.concatenate([np.zeros(16_000), tone]).astype(np.int16)


def test_power_is_that_of_speech_and_not_of_pauses() -> None:
    assert active_power(_speech(), RATE_HZ, utterance_id="u") == pytest.approx(3000.0**2 / 2, rel=0.01)
    assert active_power(_speech()[16_000:], RATE_HZ, utterance_id="u") == pytest.approx(
        3000.0**2 / 2, rel=0.01
    )


def test_a_faint_hiss_in_the_pauses_changes_nothing() -> None:
    speech_N = _speech()
    hiss_N = np.random.default_rng(3).integers(-30, 31, speech_N.size)
    assert active_power((speech_N + hiss_N).astype(np.int16), RATE_HZ, utterance_id="u") == pytest.approx(
        3000.0**2 / 2, rel=0.01
    )


@pytest.mark.parametrize("snr_db", [0.0, 10.0, 30.0])
def test_the_ratio_of_speech_to_added_noise_is_the_planned_one(snr_db: float) -> None:
    speech_N, bank = _speech(), _bank()
    mixed_N, report = mix(speech_N, _plan(bank, snr_db), bank, utterance_id="u")
    assert report.scale == 1.0
    noise_N = mixed_N.astype(float) - speech_N
    measured = 10 * np.log10((3000.0**2 / 2) / np.mean(noise_N**2))
    assert measured == pytest.approx(snr_db, abs=0.05)


def test_what_would_clip_is_scaled_and_recorded() -> None:
    speech_N, bank = _speech(30_000.0), _bank()
    mixed_N, report = mix(speech_N, _plan(bank, 0.0), bank, utterance_id="u")
    assert report.scale < 0.5
    assert 32_700 <= np.max(np.abs(mixed_N.astype(int))) <= 32_767
    noise_N = mixed_N / report.scale - speech_N
    assert 10 * np.log10((30_000.0**2 / 2) / np.mean(noise_N**2)) == pytest.approx(0.0, abs=0.05)


def test_the_same_plan_gives_the_same_bytes_again() -> None:
    bank = _bank()
    one, _ = mix(_speech(), _plan(bank, 3.0), bank, utterance_id="u")
    other, _ = mix(
        _speech().astype(np.float32) / np.float32(32768), _plan(bank, 3.0), _bank(), utterance_id="u"
    )
    assert one.dtype == np.int16
    assert one.tobytes() == other.tobytes()


def test_a_noisy_utterance_is_made_again_from_its_column() -> None:
    bank = _bank((np.array([1.0, 0.5, 0.25], np.float32),))
    room = bank.impulse_responses[0].digest
    for changes in ({}, {"level_db": -7.25}, {"impulse_response": room}):
        one, report = mix(_speech(20_000.0), _plan(bank, 3.0, **changes), bank, utterance_id="u")
        column = noise_json(_plan(bank, 3.0, **changes), report)
        other, again = mix(_speech(20_000.0), plan_from_json(column), bank, utterance_id="u")
        assert one.tobytes() == other.tobytes()
        assert report == again


def test_level_is_varied() -> None:
    bank = _bank()
    plain, _ = mix(_speech(), _plan(bank, 10.0), bank, utterance_id="u")
    quiet, _ = mix(_speech(), _plan(bank, 10.0, level_db=-6.0), bank, utterance_id="u")
    assert np.std(quiet) / np.std(plain) == pytest.approx(10 ** (-6 / 20), rel=0.001)


def test_silent_speech_is_a_typed_error_and_not_passed_through() -> None:
    bank = _bank()
    with pytest.raises(SpeechSilent, match="'still'") as caught:
        mix(np.zeros(16_000, np.int16), _plan(bank, 3.0), bank, utterance_id="still")
    assert caught.value.reason == "speech-silent"
    with pytest.raises(SpeechSilent):
        mix(np.zeros(0, np.int16), _plan(bank, 3.0), bank, utterance_id="none")


def test_a_plan_of_another_bank_is_refused() -> None:
    bank = _bank()
    with pytest.raises(UsageError, match="noise bank that it was made for"):
        mix(_speech(), _plan(bank, 3.0), noise_bank(bank.clips[:1], RATE_HZ), utterance_id="u")


def test_a_rooms_direct_path_stays_where_it_was() -> None:
    room = np.zeros(400, np.float32)
    room[37], room[300] = 0.9, 0.3
    bank = _bank((room,))
    speech_N = np.zeros(16_000, np.int16)
    speech_N[5000:5100] = 9000
    plan = _plan(bank, 60.0, impulse_response=bank.impulse_responses[0].digest)
    mixed_N, _ = mix(speech_N, plan, bank, utterance_id="u")
    assert np.flatnonzero(np.abs(mixed_N) > 5000)[[0, -1]].tolist() == [5000, 5099]
    assert np.mean(mixed_N[5263:5363]) == pytest.approx(np.mean(mixed_N[5000:5100]) / 3, rel=0.02)
    assert np.sum(mixed_N.astype(float) ** 2) == pytest.approx(np.sum(speech_N.astype(float) ** 2), rel=0.02)


def test_float_samples_become_16_bits_without_wrapping() -> None:
    assert to_int16(np.array([1.0, -1.0, 0.5 / 32768, 1.5 / 32768], np.float32)).tolist() == [
        32767,
        -32768,
        0,
        2,
    ]


@pytest.mark.parametrize("samples", [0, 100, 319, 320, 900, 16_000])
@pytest.mark.parametrize("steps", [0, 1, 2, 400])
def test_what_is_silent_has_no_power_to_measure_against(samples: int, steps: int) -> None:
    random = np.random.default_rng(samples)
    speech_N = (random.integers(-steps, steps + 1, samples) * (random.random(samples) < 0.5)).astype(np.int16)
    try:
        active_power(speech_N, RATE_HZ, utterance_id="")
        silent = False
    except SpeechSilent:
        silent = True
    assert is_silent(speech_N, RATE_HZ) == silent
