"""Estimates of a run's speed and remaining time that settle instead of jumping with every bundle."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from prep_corpus.pipeline.progress import STAGES, StageProgress

# CPU seconds per hour of audio, from `make bench-run`: until a stage has begun and shows its own pace.
_EXPECTED_SECONDS_PER_HOUR = {"align": 2.8, "measure": 5.1, "segment": 2.4, "write": 0.5}
_KEPT_SHARE = 0.8
_MIN_WINDOW_SECONDS = 60.0
_MAX_SAMPLES = 256
_SMOOTHING_SECONDS = 20.0


class Pace:
    """Audio seconds per second of one stage, over the later half of its time, and over a minute at least."""

    def __init__(self, began: float) -> None:
        self._samples = [(began, 0.0)]
        self._latest = (began, 0.0)
        self._spacing_seconds = 0.0

    def note(self, now: float, made_seconds: float) -> None:
        """Tell how much audio the stage has done itself so far.

        Args:
            now: time of a clock that never goes back, in seconds.
            made_seconds: what it found done not counted.
        """
        self._latest = (now, made_seconds)
        if now - self._samples[-1][0] < self._spacing_seconds:
            return
        self._samples.append(self._latest)
        if len(self._samples) > _MAX_SAMPLES:
            self._samples = self._samples[::2]
            self._spacing_seconds = 2 * (now - self._samples[0][0]) / _MAX_SAMPLES

    @property
    def speed(self) -> float | None:
        """Times real time; None until something was done, or where nothing is done any more."""
        (began, _), (now, made) = self._samples[0], self._latest
        since = now - max(_MIN_WINDOW_SECONDS, (now - began) / 2)
        then, before = next(
            (sample for sample in reversed(self._samples) if sample[0] <= since), self._samples[0]
        )
        if now - then < 1.0 or made <= before:
            return None
        return (made - before) / (now - then)


class Finish:
    """When a run will be done: each new estimate moves the last one by a little, less and less as time goes on."""

    def __init__(self, began: float) -> None:
        self._began = began
        self._noted: tuple[float, float] | None = None

    def to_go_seconds(self, now: float, estimate_seconds: float) -> float:
        """The settled time to go.

        Args:
            now: time of a clock that never goes back, in seconds.
            estimate_seconds: time to go as it looks just now.
        """
        end = now + estimate_seconds
        if self._noted is not None:
            before, expected = self._noted
            slowness = max(_SMOOTHING_SECONDS, (now - self._began) / 10)
            weight = 1 - math.exp(-(now - before) / slowness)
            end = expected + weight * (end - expected)
        self._noted = (now, end)
        return max(end - now, 0.0)


def estimate_to_go(
    stages: Mapping[str, StageProgress],
    speeds: Mapping[str, float],
    *,
    audio_seconds: float,
    workers: int,
    order: Sequence[str] = STAGES,
) -> float | None:
    """Time until the whole run is done, as it looks just now.

    Stages under way go on side by side, so that the slowest counts; those that have not begun come after them.

    Args:
        stages: what each stage that has begun has done.
        speeds: times real time of those that show one.
        audio_seconds: seconds of the corpus.
        workers: threads.
        order: the stages that the run has.

    Returns:
        Seconds, or None where a stage under way shows no speed yet.
    """
    under_way, to_come = 0.0, 0.0
    begun = [order.index(stage) for stage in stages]
    for number, stage in enumerate(order):
        whole = audio_seconds * (_KEPT_SHARE if stage == "write" else 1.0)
        left = max(whole - (stages[stage].audio_seconds if stage in stages else 0.0), 0.0)
        expected = _EXPECTED_SECONDS_PER_HOUR.get(stage)
        if left <= 0 or (stage not in stages and number < max(begun, default=0)):
            continue
        if stage in speeds:
            under_way = max(under_way, left / speeds[stage])
        elif expected is None:
            return None
        else:
            to_come += left / 3600 * expected / workers
    return under_way + to_come


def in_words(seconds: float) -> str:
    """A time to go, no finer than it is known: 4:05, 25 min, 3 h 40 min, 2 days 5 h."""
    minutes = seconds / 60
    if minutes < 10:
        return f"{int(minutes)}:{int(seconds) % 60:02d}"
    if minutes < 120:
        return f"{round(minutes)} min"
    if minutes < 48 * 60:
        hours, rest = divmod(round(minutes / 10) * 10, 60)
        return f"{hours} h {rest} min" if rest else f"{hours} h"
    days, hours = divmod(round(minutes / 60), 24)
    return f"{days} days {hours} h" if hours else f"{days} days"
