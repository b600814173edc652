"""Loudness block by block."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from prep_corpus.align.audio.levels import LevelMeter, Levels, block_samples


def test_a_block_is_five_milliseconds() -> None:
    assert block_samples(16_000) == 80
    assert block_samples(8_000) == 40


def test_levels_are_mean_squares_to_half_a_db() -> None:
    samples_N = np.concatenate((np.full(80, 0.5), np.full(80, 0.01), np.zeros(80))).astype(np.float32)
    meter = LevelMeter(block_samples=80)
    meter.add(samples_N)
    levels = Levels.of(meter.finish(), 80)
    db_P = 10 * np.log10(levels.powers())
    assert db_P == pytest.approx([-6.0, -40.0, -120.0], abs=0.26)
    assert levels.mean_db(0, 80) == pytest.approx(-6.0, abs=0.26)
    assert levels.mean_db(0, 160) == pytest.approx(-9.0, abs=0.3)


@settings(deadline=None)
@given(st.lists(st.integers(0, 300), max_size=8))
def test_the_bytes_do_not_depend_on_how_the_recording_is_blocked(lengths: list[int]) -> None:
    samples_N = np.random.default_rng(1).uniform(-1, 1, sum(lengths)).astype(np.float32)
    whole = LevelMeter(block_samples=80)
    whole.add(samples_N)
    pieces = LevelMeter(block_samples=80)
    blocks = np.split(samples_N, np.cumsum(lengths)[:-1]) if lengths else []
    passed = list(pieces.through(blocks))
    assert sum(map(len, passed)) == len(samples_N)
    assert pieces.finish().tolist() == whole.finish().tolist()
    assert len(whole.finish()) == -(-len(samples_N) // 80)


@settings(deadline=None)
@given(st.lists(st.integers(0, 255), max_size=60))
def test_levels_are_those_of_every_block_by_itself(levels: list[int]) -> None:
    found = Levels.of(np.array(levels, np.uint8), 80)
    db_P = np.array(levels, np.float64) / -2
    assert found.powers() == pytest.approx(10 ** (db_P / 10), rel=1e-14)
    assert found.floor_db == (float(np.quantile(db_P, 0.1)) if levels else -120.0)


def test_sums_are_those_of_cumsum_however_many_blocks_are_added_at_a_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("prep_corpus.align.audio.levels._AT_A_TIME", 7)
    power_P = np.random.default_rng(0).uniform(0, 1, 40)
    found = Levels.of_powers(power_P, block_samples=80, floor_db=-60.0)
    assert found.powers().tolist() == power_P.tolist()
    assert found.powers(3, 20).tolist() == power_P[3:20].tolist()
    places = np.array([0, 5, 7, 8, 14, 40, 39, 3])
    assert found.sums(places).tolist() == np.concatenate(([0.0], np.cumsum(power_P)))[places].tolist()
