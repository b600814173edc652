"""Counters that the stages of this process feed, so that a run can be watched while Beam blocks."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from prep_corpus.pipeline.storage.stage_store import StageRef, Store

STAGES = ("emit", "align", "measure", "segment", "write")
STAGES_WITH_JUDGE = ("emit", "align", "judge", "measure", "segment", "write")
"""Of a run with a second model: emit and judge go on side by side, and align waits for both."""


@dataclass(frozen=True, kw_only=True)
class StageProgress:
    """What one stage has done so far in this process.

    Attributes:
        units: bundles (for "write": shards) finished, found ones included.
        found: units that stood in the store already.
        recordings: recordings (for "write": utterances) in them.
        audio_seconds: audio done; for "emit" it also counts what is decoded of bundles under way.
        found_seconds: the part of it that stood in the store already.
        cpu_seconds: CPU time of the process while the stage ran; stages side by side share it by their bundles.
        failed: dead letters.
        reasons: rejected recordings by reason.
        kept: for "segment": utterances.
        dropped: for "segment": segments that were not kept.
    """

    units: int = 0
    found: int = 0
    recordings: int = 0
    audio_seconds: float = 0.0
    found_seconds: float = 0.0
    cpu_seconds: float = 0.0
    failed: int = 0
    reasons: Mapping[str, int] = field(default_factory=dict)
    kept: int = 0
    dropped: int = 0


def added(one: StageProgress, other: StageProgress) -> StageProgress:
    """The sums of both."""
    return StageProgress(
        units=one.units + other.units,
        found=one.found + other.found,
        recordings=one.recordings + other.recordings,
        audio_seconds=one.audio_seconds + other.audio_seconds,
        found_seconds=one.found_seconds + other.found_seconds,
        cpu_seconds=one.cpu_seconds + other.cpu_seconds,
        failed=one.failed + other.failed,
        reasons=dict(Counter(one.reasons) + Counter(other.reasons)),
        kept=one.kept + other.kept,
        dropped=one.dropped + other.dropped,
    )


def reasons_of(store: Store, ref: StageRef) -> dict[str, int]:
    """The dead letters of a stage's result by reason."""
    if not ref.failed:
        return {}
    return dict(Counter(letter.reason for letter in store.read(ref, columns=[]).dead_letters))


class _Board:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._stages: dict[str, StageProgress] = {}
        self._told: dict[str, StageProgress] = {}

    def clear(self) -> None:
        with self._lock:
            self._stages, self._told = {}, {}

    def add(self, stage: str, step: StageProgress) -> None:
        with self._lock:
            self._stages[stage] = added(self._stages.get(stage, StageProgress()), step)

    def snapshot(self) -> dict[str, StageProgress]:
        with self._lock:
            return dict(self._stages)

    def gained(self, stage: str) -> tuple[StageProgress, StageProgress]:
        """What a stage had done at the last call of this, and what it has done now."""
        with self._lock:
            before, now = (board.get(stage, StageProgress()) for board in (self._told, self._stages))
            self._told[stage] = now
            return before, now


BOARD = _Board()
"""The one board of this process: Beam gives no other way to see inside a running local pipeline."""


class _Clock:
    """The CPU time of each stage; bundles side by side share it, so that the stages' sum is what the process took."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._under_way: Counter[str] = Counter()
        self._since = 0.0

    def step(self, stage: str, more: int) -> None:
        """So many more bundles of a stage are under way; shares out the time since the last step, if any were."""
        with self._lock:
            now = time.process_time()
            passed, bundles = now - self._since, self._under_way.total()
            shares = {one: passed * count / bundles for one, count in self._under_way.items() if count}
            self._since = now
            self._under_way[stage] += more
        for one, share in shares.items():
            BOARD.add(one, StageProgress(cpu_seconds=share))


_CLOCK = _Clock()


@contextmanager
def timed(stage: str) -> Iterator[None]:
    """Add the CPU time of what runs inside to a stage."""
    _CLOCK.step(stage, 1)
    try:
        yield
    finally:
        _CLOCK.step(stage, -1)
