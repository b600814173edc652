"""Speeds and times to go that a person can believe."""

from __future__ import annotations

import numpy as np
import pytest

from prep_corpus.jobs.screen.pace import Finish, Pace, estimate_to_go, in_words
from prep_corpus.pipeline.progress import StageProgress


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0:00"),
        (245, "4:05"),
        (599, "9:59"),
        (1501, "25 min"),
        (7100, "118 min"),
        (13_000, "3 h 40 min"),
        (14_300, "4 h"),
        (190_000, "2 days 5 h"),
    ],
)
def test_times_are_no_finer_than_they_are_known(seconds: float, words: str) -> None:
    assert in_words(seconds) == words


def test_a_pace_is_of_the_later_half_and_what_stands_still_has_none() -> None:
    pace = Pace(0.0)
    assert pace.speed is None
    for now in range(1, 2001):
        pace.note(float(now), 50.0 * min(now, 1000) + 10.0 * max(now - 1000, 0))
    assert pace.speed == pytest.approx(10.0, rel=0.1)
    for now in range(2001, 6001, 10):
        pace.note(float(now), 60_000.0)
    assert pace.speed is None


def test_an_hour_more_of_stages_that_have_not_begun_is_counted() -> None:
    emit = {"emit": StageProgress(audio_seconds=1800)}
    half = estimate_to_go(emit, {"emit": 100.0}, audio_seconds=3600, workers=1)
    assert half == pytest.approx(18 + 2.8 + 5.1 + 2.4 + 0.4)
    alone = estimate_to_go(emit, {"emit": 100.0}, audio_seconds=3600, workers=1, order=("emit", "align"))
    assert alone == pytest.approx(18 + 2.8)
    assert estimate_to_go(emit, {}, audio_seconds=3600, workers=1) is None
    both = {"emit": StageProgress(audio_seconds=3600), "align": StageProgress(audio_seconds=1800),
            "measure": StageProgress(audio_seconds=1800)}  # fmt: skip
    # Align and measure go on side by side.
    went = estimate_to_go(both, {"align": 90.0, "measure": 100.0}, audio_seconds=3600, workers=2)
    assert went == pytest.approx(20 + (2.4 + 0.4) / 2)


def shown_times(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """A run of 100 hours on a machine that others use too: what is shown every 5 s, and the truth."""
    random = np.random.default_rng(seed)
    bundle_seconds, audio_seconds = 3600.0, 360_000.0
    clock, ends = 0.0, []
    for stage, speed in (
        ("emit", 60.0),
        ("align", 1200.0),
        ("measure", 700.0),
        ("segment", 1500.0),
        ("write", 6000.0),
    ):
        for _ in range(100):
            clock += bundle_seconds / speed * random.lognormal(0, 0.4)
            ends.append((clock, stage))
    paces: dict[str, Pace] = {}
    finish = Finish(0.0)
    looks = np.arange(5.0, clock, 5.0)
    shown = []
    for now in looks.tolist():
        done: dict[str, float] = {}
        for end, stage in ends:
            if end <= now:
                done[stage] = done.get(stage, 0.0) + bundle_seconds
        for stage, seconds in done.items():
            paces.setdefault(stage, Pace(now)).note(now, seconds)
        stages = {stage: StageProgress(audio_seconds=seconds) for stage, seconds in done.items()}
        speeds = {stage: pace.speed for stage, pace in paces.items() if pace.speed is not None}
        estimate = estimate_to_go(stages, speeds, audio_seconds=audio_seconds, workers=1)
        shown.append(np.nan if estimate is None else finish.to_go_seconds(now, estimate))
    return np.array(shown), clock - looks


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_time_to_go_settles(seed: int) -> None:
    shown, truth = shown_times(seed)
    whole = truth[0]
    later = slice(len(shown) // 5, None)
    assert not np.isnan(shown[later]).any()
    # After a fifth of the run it is known to a tenth of the whole, and no look differs much from the one before.
    assert np.abs(shown[later] - truth[later]).max() < 0.1 * whole
    assert np.abs(np.diff(shown[later]) + 5.0).max() < 0.01 * whole
