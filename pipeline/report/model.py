"""What the report of a run shows: plain values between gathering (gather.py) and drawing (page.py)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from prep_corpus.align.errors import UsageError
from prep_corpus.align.recognition.sources import KEPT_ENTRIES, READ_NOTHING, TRANSCRIPT
from prep_corpus.align.text.normalize import TextOptions
from prep_corpus.filters.curve import OperatingPoint
from prep_corpus.filters.linear import Filter
from prep_corpus.pipeline.stages.transcript_checks import TranscriptCheck

STRIP_CLASSES = ("kept", "dropped", "untranscribed")
"""What a strip shows, in the order of its rows; what is none of them is a pause."""


FULL_PAGE_HOURS = 3.0
"""A run of so much audio has all examples that a page may hold; one of an hour or less a third of them."""


@dataclass(frozen=True, kw_only=True)
class Limits:
    """How much the page holds; the rest stands in the tables beside it.

    Attributes:
        segments: rows of the list of utterances.
        recordings: rows of the list of recordings.
        letters: dead letters.
        clips: examples with audio.
        clip_bytes: encoded audio in the page, all together.
        clip_seconds: a longer example is cut off here.
        worst, borderline: kept utterances of the weakest words, and of the lowest scores.
        others: kept utterances drawn at random.
        read: kept utterances with words that the model hears.
        per_reason: examples of each reason.
        decoded_recordings: sources that are decoded for examples of what was dropped.
        decoded_seconds: how far each of them is decoded.
        measured_bundles: bundles whose levels and word evidence are read.
        text_characters: number of characters of one row's text.
    """

    segments: int = 8000
    recordings: int = 1000
    letters: int = 1000
    clips: int = 180
    clip_bytes: int = 6_000_000
    clip_seconds: float = 20.0
    worst: int = 24
    borderline: int = 24
    others: int = 24
    read: int = 24
    per_reason: int = 8
    decoded_recordings: int = 4
    decoded_seconds: float = 1800.0
    measured_bundles: int = 500
    text_characters: int = 400

    def __post_init__(self) -> None:
        small = [name for name, value in vars(self).items() if value < 0]
        if small:
            raise UsageError(f"limits of a report must not be negative: {small[0]} is {vars(self)[small[0]]}")

    def for_audio(self, hours: float) -> Limits:
        """The same with fewer examples for a short run, which their encoding would outlast."""
        share = min(max(hours, 1.0) / FULL_PAGE_HOURS, 1.0)
        names = ("clips", "worst", "borderline", "others", "read", "per_reason")
        return replace(self, **{name: math.ceil(share * getattr(self, name)) for name in names})


@dataclass(frozen=True, kw_only=True)
class ReportOptions:
    """What a report needs to know beside the run's folder.

    Attributes:
        folder: local path or URI of the run.
        settings: settings of the run, by name.
        text: how its transcripts were normalised.
        fitted: its filter, or None where that cannot be had any more.
        point: the thresholds that the run used, or None likewise.
        notes: what the reader must know about the above.
        limits: how much the page holds.
    """

    folder: str
    settings: Mapping[str, object]
    text: TextOptions
    fitted: Filter | None
    point: OperatingPoint | None
    notes: tuple[str, ...] = ()
    limits: Limits = Limits()

    @property
    def cut(self) -> str:
        """ "words" or "paper"."""
        return str(self.settings.get("cut", "words"))

    @property
    def reads(self) -> bool:
        """Whether the run keeps words that the model hears."""
        return self.settings.get("read", READ_NOTHING) != READ_NOTHING

    @property
    def word_threshold(self) -> float | None:
        """The lowest word score that counts as spoken; None where words did not decide."""
        return self.point.word_threshold if self.point is not None and self.cut == "words" else None


@dataclass(frozen=True, kw_only=True)
class Histogram:
    """Counts of kept and dropped segments.

    Attributes:
        key, title, unit: what is counted.
        edges: edges of the bins, one more than there are; half-open, and the last holds what lies above.
        kept, dropped: counts.
        marks: (value, name) of limits to show.
        note: how the value was had.
    """

    key: str
    title: str
    unit: str
    edges: tuple[float, ...]
    kept: tuple[int, ...]
    dropped: tuple[int, ...]
    marks: tuple[tuple[float, str], ...] = ()
    note: str = ""


@dataclass(frozen=True, kw_only=True)
class SegmentRow:
    """One segment of the list.

    Attributes:
        id, recording_id, speaker: as in the outputs.
        start, end: seconds in the recording.
        kept, reason: what became of it.
        text: the text as written, possibly cut off.
        score: log-odds of the utterance classifier, or None.
        rate: characters per second.
        snr_db: estimated, or None.
        weakest: log-odds of its weakest word, or None.
        words: number of words, or None.
        char_start, char_end: its characters in the transcript.
        digest: digest of the segment stage that holds it.
        clip_offset, clip_bytes: where its clip lies in that stage's clips; None where it is dropped.
        text_source: whose the text is.
    """

    id: str
    recording_id: str
    speaker: str | None
    start: float
    end: float
    kept: bool
    reason: str
    text: str
    score: float | None
    rate: float
    snr_db: float | None
    weakest: float | None
    words: int | None
    char_start: int
    char_end: int
    digest: str
    clip_offset: int | None
    clip_bytes: int | None
    text_source: str = TRANSCRIPT

    @property
    def seconds(self) -> float:
        """Length."""
        return self.end - self.start


@dataclass(frozen=True, kw_only=True)
class RecordingRow:
    """One recording of the list.

    Attributes:
        id: id of the recording.
        speaker: its speakers, one after the other, or None.
        seconds: decoded.
        parts: seconds by ledger entry.
        characters: characters by ledger entry.
        utterances, segments: kept, and all that were cut.
        strip: uint8 [classes, bins], 0 to 63: how much of each bin is of each of `STRIP_CLASSES`.
    """

    id: str
    speaker: str | None
    seconds: float
    parts: Mapping[str, float]
    characters: Mapping[str, int]
    utterances: int
    segments: int
    strip: NDArray[np.uint8]

    @property
    def share_kept(self) -> float:
        """Of its seconds."""
        kept = sum(self.parts.get(entry, 0.0) for entry in KEPT_ENTRIES)
        return kept / self.seconds if self.seconds else 0.0


@dataclass(frozen=True, kw_only=True)
class Word:
    """One word of an example.

    Attributes:
        text: the text as written, or as spoken where it has no writing of its own.
        start, end: seconds in the clip; equal where the audio passes it by.
        score: log-odds that the audio says it, or None without a filter.
        inside: it belongs to the segment rather than to what stands around it.
        said: the text of the segment holds it.
        mean_ratio: mean over its frames of log p(path) - max log p, in nats.
        edits: characters in which the greedy decoding differs.
    """

    text: str
    start: float
    end: float
    score: float | None
    inside: bool
    said: bool
    mean_ratio: float
    edits: int


@dataclass(frozen=True, kw_only=True)
class Example:
    """A stretch of a recording to look at and hear.

    Attributes:
        segment_id: the segment it shows, or "" where there is none (speech without text, unspoken words).
        recording_id: where it comes from.
        group: "worst", "borderline", "kept", "repaired", "model", or the reason, "untranscribed" or "unspoken".
        start, end: seconds in the recording of the clip.
        core: seconds in the clip that the example is about.
        words: words in order.
        peaks: uint8 [2 x columns]: lowest and highest sample of each column of the wave, 0 to 255.
        sound: the clip, Opus in WebM.
    """

    segment_id: str
    recording_id: str
    group: str
    start: float
    end: float
    core: tuple[float, float]
    words: tuple[Word, ...]
    peaks: NDArray[np.uint8]
    sound: bytes


@dataclass(frozen=True, kw_only=True)
class Letter:
    """A dead letter."""

    recording_id: str
    stage: str
    reason: str
    message: str


@dataclass(frozen=True, kw_only=True)
class Report:
    """All that the page shows.

    Attributes:
        identity: digest of all that it is made of.
        folder: name of the run.
        published: whether its shards were.
        entries, failed: manifest entries, and dead letters among them.
        sample_rate_hz: rate of the samples in the ledger.
        k_frames: shortest pause that was cut at.
        ledgers: ledgers of the corpus.
        settings: settings of the run.
        created_by: versions, where it was published.
        point: thresholds, or None.
        curve: curve of the filter.
        fitted_on: what the filter was fitted on.
        histograms: histograms of the segments.
        segments: rows of the list, by id order of the recordings.
        segments_total: how many there are.
        recordings: rows, the least kept first.
        recordings_total: how many there are.
        examples: with audio.
        letters: dead letters shown; `failed` says how many there are.
        reasons: dead letters by reason.
        checks: checks of transcripts that had cue times, several versions or broken lines; those that disagree first.
        notes: what was left out, and why.
    """

    identity: str
    folder: str
    published: bool
    entries: int
    failed: int
    sample_rate_hz: int
    k_frames: int
    ledgers: Mapping[str, Mapping[str, int]]
    settings: Mapping[str, object]
    created_by: Mapping[str, str]
    point: OperatingPoint | None
    curve: tuple[OperatingPoint, ...]
    fitted_on: str
    histograms: tuple[Histogram, ...]
    segments: tuple[SegmentRow, ...]
    segments_total: int
    recordings: tuple[RecordingRow, ...]
    recordings_total: int
    examples: tuple[Example, ...]
    letters: tuple[Letter, ...]
    reasons: Mapping[str, int]
    checks: tuple[TranscriptCheck, ...]
    notes: tuple[str, ...]
