"""The frame of a stage: find what stands in the store, else make it and take the time; count either; and the way back.

Each stage's file holds one digest, one function that makes, and what it counts of its own.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, TypeVar

import pyarrow as pa

from prep_corpus.align.heap import give_back_memory
from prep_corpus.align.model.models import ModelInfo
from prep_corpus.pipeline.inputs.bundles import ProbedRecording
from prep_corpus.pipeline.progress import BOARD, StageProgress, reasons_of, timed
from prep_corpus.pipeline.storage.stage_store import StageRef, Store

Result = TypeVar("Result")
log = logging.getLogger(__name__)
_NAMED = 3
"""Recordings of a bundle that a log names."""


class NotMade(Exception):
    """A result that does not stand was asked for where nothing is to be made."""


_FINDING: ContextVar[bool] = ContextVar("finding", default=False)


@contextmanager
def finding_only() -> Iterator[None]:
    """Stages called inside, by this thread, give what stands, or raise `NotMade`; nothing is made."""
    before = _FINDING.set(True)
    try:
        yield
    finally:
        _FINDING.reset(before)


def is_finding() -> bool:
    """Whether this thread is to make nothing."""
    return _FINDING.get()


def made_once(
    stage: str,
    find: Callable[[], Result | None],
    make: Callable[[], Result],
    count: Callable[[Result, bool], StageProgress],
) -> Result:
    """What stands already, or else what is made now; either way it is counted.

    Args:
        stage: name on the board.
        find: gives what stands, or None.
        make: makes it; its CPU time is counted.
        count: what to add to the board, for the result and for whether it stood.
    """
    standing = find()
    if standing is None:
        if _FINDING.get():
            raise NotMade(stage)
        with timed(stage):
            result = make()
    else:
        result = standing
    BOARD.add(stage, count(result, standing is not None))
    return result


class BundleTally:
    """Counts the recordings of a bundle on the board as they are done, by any thread.

    Attributes:
        begun: whether the bundle's result is made, not found.
        recordings: that have been done.
        audio_seconds: of theirs that has been counted.
    """

    def __init__(self, stage: str) -> None:
        self._stage, self._lock = stage, threading.Lock()
        self.begun = False
        self.recordings, self.audio_seconds = 0, 0.0

    def done(self, audio_seconds: float = 0.0) -> None:
        """One more, with so much audio that is not counted otherwise."""
        with self._lock:
            self.recordings += 1
            self.audio_seconds += audio_seconds
        BOARD.add(self._stage, StageProgress(recordings=1, audio_seconds=audio_seconds))


def bundle_stage(
    store: Store,
    stage: str,
    bundle: tuple[str, Sequence[ProbedRecording]],
    digest: str,
    make: Callable[[BundleTally], StageRef],
    *,
    counts_audio: bool = True,
    tells_failures: bool = True,
) -> StageRef:
    """A stage's result for one bundle, found or made.

    Args:
        store: store of the run.
        stage: its name.
        bundle: digest of the bundle, and its recordings.
        digest: digest of all that the result depends on.
        make: makes and writes it; may tell the recordings as they are done, the rest is counted at the end.
        counts_audio: False where `make` counts the audio itself while it is decoded.
        tells_failures: False where what the stage cannot do rejects no recording: it is logged alone.
    """
    bundle_digest, recordings = bundle
    seconds = sum(probed.seconds for probed in recordings)

    tally, began = BundleTally(stage), time.monotonic()

    def count(ref: StageRef, stood: bool) -> StageProgress:
        return StageProgress(
            units=1,
            found=int(stood),
            recordings=len(recordings) - tally.recordings,
            audio_seconds=seconds - tally.audio_seconds if stood or counts_audio else 0.0,
            found_seconds=seconds if stood else 0.0,
            failed=ref.failed if tells_failures else 0,
            reasons=reasons_of(store, ref) if tells_failures else {},
        )

    def made() -> StageRef:
        tally.begun = True
        result = make(tally)
        # A stage's arrays are gone; the next begins without the holes that they leave.
        pa.default_memory_pool().release_unused()
        give_back_memory()
        return result

    ref = made_once(stage, lambda: store.find(stage, bundle_digest, digest), made, count)
    if log.isEnabledFor(logging.INFO):
        _log_bundle(store, ref, recordings, tally, time.monotonic() - began)
    return ref if tells_failures else ref._replace(failed=0)


def _log_bundle(
    store: Store,
    ref: StageRef,
    recordings: Sequence[ProbedRecording],
    tally: BundleTally,
    took_seconds: float,
) -> None:
    names = ", ".join(probed.recording.id for probed in recordings[:_NAMED])
    more = len(recordings) - _NAMED
    seconds = sum(probed.seconds for probed in recordings)
    log.info(
        "%s: %s%s (%.1f min of audio) %s in %.1f s as %s",
        ref.stage,
        names,
        f" and {more} more" if more > 0 else "",
        seconds / 60,
        "made" if tally.begun else "found",
        took_seconds,
        ref.digest,
    )
    for letter in store.read(ref, columns=[]).dead_letters if ref.failed else ():
        log.info("%s: %s rejected: %s: %s", ref.stage, letter.recording_id, letter.reason, letter.message)


def model_of(notes: dict[str, Any]) -> ModelInfo:
    """The model whose columns emissions hold, from the notes of their file."""
    model = notes["model"]
    return ModelInfo.from_notes(model)


def read_model(store: Store, emissions: StageRef) -> ModelInfo:
    """The model whose columns a bundle's emissions hold, without reading them."""
    return model_of(store.read(emissions, columns=[]).notes)


def emissions_of(store: Store, alignments: StageRef) -> StageRef:
    """The emissions that a bundle's alignments were made of."""
    return StageRef(*store.read(alignments, columns=[]).notes["emissions"])
