"""Gathering a report: one pass over the bundles of a run, in memory that does not grow with the corpus."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from prep_corpus.align.recognition.sources import TRANSCRIPT
from prep_corpus.pipeline.report.bundles import BundleFacts
from prep_corpus.pipeline.report.histograms import counters
from prep_corpus.pipeline.report.model import Histogram, RecordingRow, ReportOptions, SegmentRow
from prep_corpus.pipeline.report.rows import Lowest, chance, recording_rows, segment_rows

UNTRANSCRIBED = "untranscribed"
_SHORTEST_SPEECH_SECONDS = 0.6
_LOWEST_SHARE = 0.7
_SHORT_SECONDS = 300.0


@dataclass(kw_only=True)
class Drops:
    """What of one recording was dropped, a few of each reason, for examples.

    Attributes:
        recording_id: the recording.
        digest: digest of the segment stage that holds it.
        rows: segments by reason.
        speech: half-open spans in seconds that no text covers.
        seconds: length of the recording.
    """

    recording_id: str
    digest: str
    rows: dict[str, list[SegmentRow]]
    speech: list[tuple[float, float]]
    seconds: float

    @property
    def kinds(self) -> frozenset[str]:
        """The reasons that it has examples of."""
        return frozenset([*self.rows, *([UNTRANSCRIBED] if self.speech else [])])


@dataclass(kw_only=True)
class Gathered:
    """What one pass over the bundles leaves.

    Attributes:
        histograms: counted.
        worst, borderline: kept utterances of the weakest words and of the lowest scores.
        sample: rows drawn by the hash of their id.
        read: those of utterances with words that the model hears.
        segments_total: the number of all rows.
        recordings: the least kept and, where there are more than fit, a sample.
        recordings_total: the number of all recordings.
        drops: recordings that together show every reason, the most telling first.
    """

    histograms: tuple[Histogram, ...]
    worst: list[SegmentRow]
    borderline: list[SegmentRow]
    sample: list[SegmentRow]
    read: list[SegmentRow]
    segments_total: int
    recordings: list[RecordingRow]
    recordings_total: int
    drops: list[Drops]


class Gatherer:
    """Takes bundles one by one and keeps what the page will show."""

    def __init__(self, options: ReportOptions) -> None:
        limits = options.limits
        self._limits = limits
        self._counters = counters(options)
        self._worst: Lowest[SegmentRow] = Lowest(limits.worst)
        self._borderline: Lowest[SegmentRow] = Lowest(limits.borderline)
        self._sample: Lowest[SegmentRow] = Lowest(limits.segments)
        self._read: dict[str, Lowest[SegmentRow]] = {}
        self._least_kept: Lowest[RecordingRow] = Lowest(round(limits.recordings * _LOWEST_SHARE))
        self._recordings: Lowest[RecordingRow] = Lowest(limits.recordings)
        self._drops: dict[str, Lowest[Drops]] = {}
        self._late: dict[str, Lowest[Drops]] = {}
        self._segments_total = self._recordings_total = 0

    def add(self, facts: BundleFacts) -> list[RecordingRow]:
        """Take a bundle; returns the rows of its recordings, for the table beside the page."""
        rows = segment_rows(facts, self._limits)
        kept_S = np.array([row.kept for row in rows], bool)
        for key, values in (
            ("seconds", [row.seconds for row in rows]),
            ("score", [row.score for row in rows]),
            ("rate", [row.rate for row in rows]),
            ("snr", [row.snr_db for row in rows]),
            ("weakest", [row.weakest for row in rows]),
        ):
            self._counters[key].add(np.array(values, np.float64), kept_S)
        for row in rows:
            self._segments_total += 1
            self._sample.add(chance(row.id), row)
            if row.kept and row.text_source != TRANSCRIPT:
                lowest = self._read.setdefault(row.text_source, Lowest(self._limits.read))
                lowest.add(chance(row.id), row)
            if row.kept and row.score is not None:
                self._borderline.add(row.score, row)
            if row.kept and row.weakest is not None:
                self._worst.add(row.weakest, row)
        by_recording: dict[str, list[SegmentRow]] = {}
        for row in rows:
            by_recording.setdefault(row.recording_id, []).append(row)
        listed = recording_rows(facts, by_recording)
        for recording in listed:
            self._recordings_total += 1
            self._least_kept.add(recording.share_kept, recording)
            self._recordings.add(chance(recording.id), recording)
            self._add_drops(facts, recording, by_recording.get(recording.id, []))
        return listed

    def _add_drops(self, facts: BundleFacts, recording: RecordingRow, rows: list[SegmentRow]) -> None:
        spans = facts.outcomes[recording.id].get("untranscribed_spans", [])
        rate = facts.sample_rate_hz
        speech = [(a / rate, b / rate) for a, b in spans if (b - a) / rate >= _SHORTEST_SPEECH_SECONDS]
        until = self._limits.decoded_seconds
        early = Drops(
            recording_id=recording.id,
            digest=facts.digest,
            rows=few_of_each([row for row in rows if row.end <= until], self._limits.per_reason),
            speech=_few([span for span in speech if span[1] <= until], self._limits.per_reason, recording.id),
            seconds=recording.seconds,
        )
        for kind in early.kinds:
            # The more reasons a recording shows the better; of those alike, chance decides.
            key = -len(early.kinds) + chance(recording.id)
            self._drops.setdefault(kind, Lowest(self._limits.per_reason)).add(key, early)
        for row in rows:
            lowest = self._late.setdefault(row.reason, Lowest(1)) if not row.kept else None
            if lowest is not None and row.end > until and lowest.wants(row.end):
                late = Drops(
                    recording_id=recording.id,
                    digest=facts.digest,
                    rows={row.reason: [row]},
                    speech=[],
                    seconds=recording.seconds,
                )
                lowest.add(row.end, late)

    def finish(self) -> Gathered:
        """All that was kept."""
        recordings = {row.id: row for row in self._least_kept.sorted()}
        for row in self._recordings.sorted():
            if len(recordings) >= self._limits.recordings:
                break
            recordings[row.id] = row
        return Gathered(
            histograms=tuple(counter.finish() for counter in self._counters.values()),
            worst=self._worst.sorted(),
            borderline=self._borderline.sorted(),
            sample=self._sample.sorted(),
            read=[row for lowest in self._read.values() for row in lowest.sorted()],
            segments_total=self._segments_total,
            recordings=sorted(recordings.values(), key=lambda row: (row.share_kept, row.id)),
            recordings_total=self._recordings_total,
            drops=self._chosen_drops(),
        )

    def _chosen_drops(self) -> list[Drops]:
        """Few recordings that show every reason, more where they are short; each time the one that shows most anew."""
        offered = {one.recording_id: one for lowest in self._drops.values() for one in lowest.sorted()}
        chosen: list[Drops] = []
        missing = set(self._drops)
        seconds = 0.0
        while offered:
            best = max(offered.values(), key=lambda one: (len(one.kinds & missing), len(one.kinds)))
            seconds += min(best.seconds, self._limits.decoded_seconds)
            if len(chosen) >= self._limits.decoded_recordings and seconds > _SHORT_SECONDS:
                break
            chosen.append(offered.pop(best.recording_id))
            missing -= best.kinds
        shown = {kind for one in chosen for kind in one.kinds}
        taken = {one.recording_id for one in chosen}
        for reason, lowest in sorted(self._late.items()):
            for late in lowest.sorted():
                if reason not in shown and late.recording_id not in taken:
                    chosen.append(late)
                    taken.add(late.recording_id)
        return chosen


def few_of_each(rows: Iterable[SegmentRow], count: int) -> dict[str, list[SegmentRow]]:
    """At most `count` dropped segments of each reason: by turns of the lowest and the highest score, else by chance."""
    by_reason: dict[str, list[SegmentRow]] = {}
    for row in rows:
        if not row.kept:
            by_reason.setdefault(row.reason, []).append(row)
    few: dict[str, list[SegmentRow]] = {}
    for reason, found in by_reason.items():
        if any(row.score is not None for row in found):
            ordered = sorted(found, key=lambda row: (row.score or 0.0, row.id))
            few[reason] = [
                ordered[-1 - at // 2] if at % 2 else ordered[at // 2] for at in range(len(ordered))
            ][:count]
        else:
            few[reason] = sorted(found, key=lambda row: chance(row.id))[:count]
    return few


def _few(spans: list[tuple[float, float]], count: int, name: str) -> list[tuple[float, float]]:
    return sorted(sorted(spans, key=lambda span: chance(name, str(span)))[:count])
