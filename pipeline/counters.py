"""The engine's own counters, by which Flink's and Dataflow's pages show how a run goes.

    namespace            name                      unit, and what it counts
    prep_corpus.STAGE    units                     bundles (of write: shards) done, found ones included
                         found                     those of them that stood in the store already
                         recordings                recordings (of write: utterances) in them
                         audio_milliseconds        ms of audio done; of emit as decoded
                         found_audio_milliseconds  ms of the found ones
                         dead_letters              recordings rejected
                         dead_letters.REASON       those by reason
                         utterances_kept           of segment
                         segments_dropped          of segment
    prep_corpus.close    dead_letters...           what the manifest and the probe rejected before the graph began

STAGE is one of `progress.STAGES`. Beam counts integers, so audio is in milliseconds: 3,600,000 to the hour. Like the
board they are for people: an engine that does something twice counts it twice.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from apache_beam.metrics import Metrics

from prep_corpus.align.errors import DeadLetter
from prep_corpus.pipeline.progress import BOARD, StageProgress

NAMESPACE = "prep_corpus"
_DEAD_LETTERS = "dead_letters"


def counts_of(progress: StageProgress) -> dict[str, int]:
    """What a stage has done, by the name of its counter."""
    return {
        "units": progress.units,
        "found": progress.found,
        "recordings": progress.recordings,
        "audio_milliseconds": round(progress.audio_seconds * 1000),
        "found_audio_milliseconds": round(progress.found_seconds * 1000),
        **_by_reason(progress.failed, progress.reasons),
        "utterances_kept": progress.kept,
        "segments_dropped": progress.dropped,
    }


def _by_reason(failed: int, reasons: Mapping[str, int]) -> dict[str, int]:
    return {
        _DEAD_LETTERS: failed,
        **{f"{_DEAD_LETTERS}.{reason}": count for reason, count in reasons.items()},
    }


def tell_engine(stage: str) -> None:
    """Count for the engine what this process's board has gained of a stage since the last call.

    It counts only where the engine calls: in a DoFn, and not on threads of our own.
    """
    before, now = BOARD.gained(stage)
    already = counts_of(before)
    _add(stage, {name: count - already.get(name, 0) for name, count in counts_of(now).items()})


def tell_engine_of_letters(letters: Iterable[DeadLetter]) -> None:
    """Count for the engine what was rejected before the graph began."""
    reasons = Counter(letter.reason for letter in letters)
    _add("close", _by_reason(reasons.total(), reasons))


def _add(stage: str, counts: Mapping[str, int]) -> None:
    for name, count in counts.items():
        if count:
            Metrics.counter(f"{NAMESPACE}.{stage}", name).inc(count)
