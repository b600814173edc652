from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest

from prep_corpus.align.errors import UsageError
from prep_corpus.augment.bank import NoiseBank, babble_clip, noise_bank, noise_clip
from prep_corpus.augment.mix import MixReport, noise_json
from prep_corpus.augment.plan import MixPlan, NoiseOptions, is_noisy, plan_from_json, plan_noise, window

RATE_HZ = 16000


def _bank(count: int = 4) -> NoiseBank:
    rng = np.random.default_rng(0)
    clips = [noise_clip(f"c{n}", rng.normal(0, 0.1, 8000 + n).astype(np.float32)) for n in range(count)]
    return noise_bank(clips, RATE_HZ)


def _plans(seed: int, options: NoiseOptions, count: int) -> list[MixPlan | None]:
    bank = _bank()
    return [
        plan_noise(seed=seed, utterance_id=f"u{n}", samples=16000, bank=bank, options=options)
        for n in range(count)
    ]


def test_40_percent_of_10000_utterances_are_noisy() -> None:
    noisy = sum(is_noisy(1, f"u{n}", 0.4) for n in range(10_000))
    assert abs(noisy / 10_000 - 0.4) <= 0.02


def test_another_seed_changes_48_percent_and_no_mix_stays() -> None:
    changed = sum(is_noisy(1, f"u{n}", 0.4) != is_noisy(2, f"u{n}", 0.4) for n in range(10_000))
    assert abs(changed / 10_000 - 0.48) <= 0.02
    options = NoiseOptions()
    for one, other in zip(_plans(1, options, 300), _plans(2, options, 300), strict=True):
        if one is not None and other is not None:
            assert (one.parts, one.snr_db) != (other.parts, other.snr_db)


def test_choices_keep_to_their_ranges_and_fill_them() -> None:
    options = NoiseOptions(fraction=1.0, snr_db=(5.0, 15.0), clips=(1, 3), level_db=(-6.0, 0.0))
    plans = [plan for plan in _plans(0, options, 400) if plan is not None]
    assert len(plans) == 400
    snr_db = np.array([plan.snr_db for plan in plans])
    assert snr_db.min() >= 5.0
    assert snr_db.max() <= 15.0
    assert abs(snr_db.mean() - 10.0) < 0.5
    assert abs(snr_db.std() - 10.0 / np.sqrt(12)) < 0.3
    counts = np.bincount([len(plan.parts) for plan in plans], minlength=4)
    assert np.all(np.abs(counts[1:] / 400 - 1 / 3) < 0.1)
    assert len({part.digest for plan in plans for part in plan.parts}) == 4
    assert all(plan.parts[0].gain_db == 0.0 for plan in plans)
    assert all(-10.0 <= part.gain_db <= 0.0 for plan in plans for part in plan.parts)
    assert all(-6.0 <= plan.level_db <= 0.0 for plan in plans)


def test_a_plan_comes_back_from_its_column() -> None:
    (plan,) = _plans(3, NoiseOptions(fraction=1.0), 1)
    assert plan is not None
    report = MixReport(noise_gain=0.5, scale=1.0, speech_power_db=-20.0)
    column = noise_json(plan, report)
    assert plan_from_json(column) == plan
    assert json.loads(column)["scale"] == 1.0
    with pytest.raises(UsageError, match="mix plan"):
        plan_from_json('{"parts": 3}')


def test_the_bank_enters_the_choice() -> None:
    options = NoiseOptions(fraction=1.0)
    plans = [
        plan_noise(seed=0, utterance_id="u", samples=100, bank=_bank(count), options=options)
        for count in (3, 4)
    ]
    assert plans[0] is not None
    assert plans[1] is not None
    assert plans[0].snr_db != plans[1].snr_db


def test_a_window_loops() -> None:
    clip_N = np.arange(5, dtype=np.int16)
    assert window(clip_N, 1, 3).tolist() == [1, 2, 3]
    assert window(clip_N, 3, 9).tolist() == [3, 4, 0, 1, 2, 3, 4, 0, 1]


def test_windows_in_the_pauses_of_a_clip_are_drawn_again() -> None:
    samples_N = np.zeros(160_000, np.float32)
    samples_N[:40_000] = np.random.default_rng(1).normal(0, 0.1, 40_000)
    bank = noise_bank([noise_clip("door", samples_N)], RATE_HZ)
    options = NoiseOptions(fraction=1.0, clips=(1, 1))
    for number in range(100):
        plan = plan_noise(seed=0, utterance_id=str(number), samples=1600, bank=bank, options=options)
        assert plan is not None
        offset = plan.parts[0].offset_samples
        assert offset < 40_000 or offset > 160_000 - 1600


def test_of_a_clip_that_is_nearly_all_pause_the_loudest_place_is_taken() -> None:
    samples_N = np.zeros(1_600_000, np.float32)
    samples_N[500_005] = 1.0
    bank = noise_bank([noise_clip("click", samples_N)], RATE_HZ)
    options = NoiseOptions(fraction=1.0, clips=(1, 1))
    plan = plan_noise(seed=0, utterance_id="u", samples=160, bank=bank, options=options)
    assert plan is not None
    assert plan.parts[0].offset_samples == 500_005 - 80


@pytest.mark.parametrize(
    "changes",
    [{"fraction": 1.5}, {"snr_db": (5.0, 1.0)}, {"clips": (0, 2)}, {"level_db": (0.0, float("inf"))}],
)
def test_options_that_cannot_be_are_refused(changes: dict[str, object]) -> None:
    with pytest.raises(UsageError):
        dataclasses.replace(NoiseOptions(), **changes)  # type: ignore[arg-type]


def test_an_utterance_never_gets_babble_of_its_own_recording() -> None:
    random = np.random.default_rng(0)
    voices = [random.normal(0, 0.1, 8000).astype(np.float32) for _ in range(4)]
    bank = noise_bank(
        [babble_clip("one", voices[:2], ["a", "b"]), babble_clip("two", voices[2:], ["c", "d"])], 16000
    )
    names = set()
    options = NoiseOptions(fraction=1.0)
    for number in range(20):
        plan = plan_noise(
            seed=0, utterance_id=f"u{number}", samples=800, bank=bank, options=options, recording_id="a"
        )
        assert plan is not None
        names |= {part.name for part in plan.parts}
    assert names == {"two"}
    alone = noise_bank([babble_clip("one", voices[:2], ["a", "b"])], 16000)
    with pytest.raises(UsageError, match="all 1 clips hold 'a'"):
        plan_noise(
            seed=0,
            utterance_id="u",
            samples=800,
            bank=alone,
            options=NoiseOptions(fraction=1.0),
            recording_id="a",
        )
