"""What there is to do and what is done, in words: for the live display and for `status` alike."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from prep_corpus.jobs.screen.pace import in_words
from prep_corpus.jobs.screen.plain_text import counted
from prep_corpus.pipeline.progress import STAGES, StageProgress


@dataclass(frozen=True, kw_only=True)
class Work:
    """What there is to do.

    Attributes:
        bundles: number of bundles.
        audio_seconds: hours of the corpus, in seconds.
        recordings: recordings in the bundles.
        rejected: what the manifest and the probe rejected, by reason.
        workers: threads.
        stages: those that the run has.
    """

    bundles: int
    audio_seconds: float
    recordings: int
    rejected: Mapping[str, int] = field(default_factory=dict)
    workers: int = 1
    stages: Sequence[str] = STAGES


def clock(seconds: float) -> str:
    """Hours, minutes and seconds, such as 1:02:03 or 4:05."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


def stage_line(stage: str, progress: StageProgress, work: Work, speed: float | None) -> str:
    """One stage in words: recordings, hours, speed, time to go, failures.

    Args:
        stage: its name.
        progress: what it has done.
        work: what there is to do.
        speed: times real time, where it shows one.
    """
    if stage == "write":
        parts = [counted(progress.units, "shard"), counted(progress.recordings, "utterance")]
        return ", ".join([*parts, f"{progress.audio_seconds / 3600:.2f} h"])
    # What a lost machine had begun is done and counted again.
    audio_seconds = min(progress.audio_seconds, work.audio_seconds)
    parts = [
        f"{min(progress.recordings, work.recordings)}/{counted(work.recordings, 'recording')}",
        f"{audio_seconds / 3600:.2f}/{work.audio_seconds / 3600:.2f} h",
    ]
    if progress.found:
        parts.append(f"{counted(progress.found, 'bundle')} found done")
    if speed:
        parts.append(f"{speed:.0f} x real time")
        left = work.audio_seconds - audio_seconds
        if left > 0:
            parts.append(f"{in_words(left / speed)} to go")
    if progress.failed:
        parts.append(f"{progress.failed} failed")
    return ", ".join(parts)


def failures_line(stages: Mapping[str, StageProgress], work: Work) -> str | None:
    """The failures so far by reason, those before the start among them; None where there are none."""
    reasons = Counter(work.rejected)
    for progress in stages.values():
        reasons.update(progress.reasons)
    if not reasons:
        return None
    listed = ", ".join(
        f"{reason} {count}" for reason, count in sorted(reasons.items(), key=lambda r: (-r[1], r[0]))
    )
    entries = counted(work.recordings + sum(work.rejected.values()), "recording")
    return f"{reasons.total()} of {entries} rejected: {listed}"
