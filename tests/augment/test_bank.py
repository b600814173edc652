from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from prep_corpus.align.errors import AudioNotFinite, UsageError
from prep_corpus.augment.bank import (
    NoiseSilent,
    babble_clip,
    map_clip,
    mean_power,
    noise_bank,
    noise_clip,
    noise_clip_from,
)
from prep_corpus.augment.coloured import generated_bank
from prep_corpus.augment.plan import window

RATE_HZ = 16000


def _noise(seed: int, samples: int = 4000) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, 0.05, samples).astype(np.float32)


def test_the_digest_is_of_content_alone() -> None:
    one, other = noise_clip("a", _noise(1)), noise_clip("b", _noise(2))
    bank = noise_bank([one, other], RATE_HZ)
    assert bank.digest == noise_bank([noise_clip("z", _noise(2)), one, one], RATE_HZ).digest
    assert bank.digest != noise_bank([one], RATE_HZ).digest
    assert bank.digest != noise_bank([one, other], 8000).digest
    assert len(noise_bank([one, one], RATE_HZ).clips) == 1


def test_a_quiet_clip_uses_all_16_bits() -> None:
    loud, quiet = noise_clip("a", _noise(1)), noise_clip("b", _noise(1) * np.float32(0.25))
    assert np.array_equal(loud.samples_N, quiet.samples_N)
    assert np.max(np.abs(loud.samples_N)) == 32767


def test_a_clip_in_blocks_is_the_same_clip() -> None:
    whole_N = _noise(1)
    blocks = noise_clip_from("a", lambda: (whole_N[start : start + 999] for start in range(0, 4000, 999)))
    assert blocks.digest == noise_clip("a", whole_N).digest
    assert blocks.power == pytest.approx(np.mean(blocks.samples_N.astype(float) ** 2))


def test_a_mapped_clip_is_the_same_clip(tmp_path: Path) -> None:
    clip = noise_clip("a", _noise(1))
    mapped = map_clip(clip, tmp_path)
    assert np.array_equal(mapped.samples_N, clip.samples_N)
    assert [path.name for path in tmp_path.iterdir()] == [f"{clip.digest}.int16"]
    assert noise_bank([map_clip(clip, tmp_path)], RATE_HZ).digest == noise_bank([clip], RATE_HZ).digest


@pytest.mark.parametrize("samples", [4096, 9001])
def test_the_power_of_a_window_is_that_of_its_samples(samples: int) -> None:
    clip = noise_clip("a", _noise(1, samples))
    assert clip.power == mean_power(clip.samples_N)
    for offset in (0, 1, 4095, 4096, 8999, samples - 1):
        if offset < samples:
            for length in (1, 100, 4096, samples, 2 * samples + 7):
                assert clip.window_power(offset, length) == mean_power(window(clip.samples_N, offset, length))


def test_silence_and_nan_are_typed_errors() -> None:
    with pytest.raises(NoiseSilent, match="'still'"):
        noise_clip("still", np.zeros(100, np.float32))
    with pytest.raises(AudioNotFinite, match="'broken'"):
        noise_clip("broken", np.array([0.1, np.nan], np.float32))
    with pytest.raises(UsageError, match="0 given"):
        noise_bank([], RATE_HZ)


def test_generated_noise_is_the_same_everywhere() -> None:
    bank = generated_bank(RATE_HZ)
    assert bank.digest == "e1e33d27b0fa97b7f1b6657d3d21b740"
    assert bank.duration_seconds == 180
    assert bank.digest != generated_bank(RATE_HZ, seed=1).digest


def test_generated_noise_has_its_colours() -> None:
    slopes = {}
    for clip in generated_bank(RATE_HZ).clips:
        spectra = np.abs(np.fft.rfft(clip.samples_N[: 16384 * 50].reshape(50, 16384).astype(float))) ** 2
        power = spectra.mean(axis=0)
        octaves = [10 * np.log10(power[2**k : 2 ** (k + 1)].mean()) for k in range(6, 12)]
        slopes[clip.name] = np.polyfit(range(6), octaves, 1)[0]
    assert abs(slopes["generated/white"]) < 0.3
    assert abs(slopes["generated/pink"] + 3.0) < 0.6
    assert abs(slopes["generated/brown"] + 6.0) < 0.6


def test_babble_has_all_voices_at_equal_power() -> None:
    one, other = _noise(1, 8000), _noise(2, 4000) * np.float32(0.01)
    clip = babble_clip("babble", [one, other])
    assert clip.samples_N.size == 8000
    mixed = clip.samples_N.astype(float)
    correlations = [np.corrcoef(mixed, np.resize(voice, 8000))[0, 1] for voice in (one, other)]
    assert abs(correlations[0] - correlations[1]) < 0.05
    assert correlations[0] > 0.6
    with pytest.raises(UsageError, match="two voices"):
        babble_clip("babble", [one])
