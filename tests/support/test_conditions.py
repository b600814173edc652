"""Hard ground keeps its promises: same place, same length, same bytes for the same seed."""

from __future__ import annotations

import numpy as np
import pytest
from support import conditions, sounds
from support.conditions import CONDITIONS, KINDS, Material
from support.sounds import RATE_HZ

SPEECH = tuple(sounds.modulated_noise(3 * RATE_HZ, np.random.default_rng(voice)) for voice in range(5))
MATERIAL = Material(speech=SPEECH, noises=SPEECH[:1], languages=("de",))


@pytest.mark.parametrize("name", CONDITIONS)
def test_a_condition_leaves_speech_where_it_was(name: str) -> None:
    clean_N = SPEECH[0]
    hard_N = CONDITIONS[name](clean_N, MATERIAL, np.random.default_rng(7))
    assert hard_N.dtype == np.float32
    assert len(hard_N) == len(clean_N)
    assert np.abs(hard_N).max() <= 1.5
    again_N = CONDITIONS[name](clean_N, MATERIAL, np.random.default_rng(7))
    assert np.array_equal(hard_N, again_N)
    middle = slice(RATE_HZ, 2 * RATE_HZ)
    likeness = [float(np.dot(clean_N[middle], np.roll(hard_N, -lag)[middle])) for lag in range(-400, 401, 40)]
    assert int(np.argmax(likeness)) == 10


@pytest.mark.parametrize("kind", KINDS)
def test_a_sound_is_as_long_as_asked_and_depends_on_its_seed(kind: str) -> None:
    made = [conditions.nobody(kind, RATE_HZ, MATERIAL, np.random.default_rng(seed)) for seed in (1, 1, 2)]
    if made[0] is None:
        pytest.skip("espeak-ng is not installed")
    assert all(one is not None and len(one) == RATE_HZ and np.isfinite(one).all() for one in made)
    assert np.array_equal(made[0], made[1])
    assert not np.array_equal(made[0], made[2])


def test_a_sound_is_added_at_its_level() -> None:
    tone_N = np.sin(np.arange(RATE_HZ) / 5).astype(np.float32) * 0.1
    noise_N = sounds.coloured(RATE_HZ, 0.0, np.random.default_rng(0))
    added_N = conditions.mixed(tone_N, noise_N, 10.0) - tone_N
    db = 10 * np.log10(np.square(tone_N).mean() / np.square(added_N).mean())
    assert db == pytest.approx(10, abs=0.2)
