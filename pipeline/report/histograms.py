"""The histograms of a report, counted bundle by bundle.

Legend: S segments.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from prep_corpus.pipeline.report.model import Histogram, ReportOptions


@dataclass(kw_only=True)
class Counter:
    """A histogram being counted."""

    key: str
    title: str
    unit: str
    edges: NDArray[np.floating]
    marks: tuple[tuple[float, str], ...] = ()
    note: str = ""
    counts: dict[bool, NDArray[np.int64]] = field(default_factory=dict)

    def add(self, values_S: NDArray[np.float64], kept_S: NDArray[np.bool_]) -> None:
        """Count values; what lies outside the edges goes to the outermost bins, NaN nowhere."""
        bins_S = np.searchsorted(self.edges, values_S, side="right") - 1
        bins_S = np.clip(bins_S, 0, len(self.edges) - 2)
        for kept in (True, False):
            chosen = bins_S[np.isfinite(values_S) & (kept_S == kept)]
            counted = np.bincount(chosen, minlength=len(self.edges) - 1)
            self.counts[kept] = self.counts.get(kept, np.zeros_like(counted)) + counted

    def finish(self) -> Histogram:
        """The histogram without its empty ends."""
        zeros = np.zeros(len(self.edges) - 1, np.int64)
        kept, dropped = self.counts.get(True, zeros), self.counts.get(False, zeros)
        filled = np.flatnonzero(kept + dropped)
        first, last = (max(int(filled[0]) - 1, 0), int(filled[-1]) + 2) if len(filled) else (0, 1)
        return Histogram(
            key=self.key,
            title=self.title,
            unit=self.unit,
            edges=tuple(self.edges[first : last + 1].round(6).tolist()),
            kept=tuple(kept[first:last].tolist()),
            dropped=tuple(dropped[first:last].tolist()),
            marks=self.marks,
            note=self.note,
        )


def counters(options: ReportOptions) -> dict[str, Counter]:
    """The histograms of a report."""
    settings, point = options.settings, options.point
    lengths = tuple(
        (float(str(settings[f"{name}_duration_seconds"])), name)
        for name in ("min", "target", "max")
        if f"{name}_duration_seconds" in settings
    )
    longest = max([20.0, *(value for value, _ in lengths)])
    score_marks = () if point is None else ((round(point.utterance_threshold, 3), "threshold"),)
    weak_marks = () if options.word_threshold is None else ((round(options.word_threshold, 3), "threshold"),)
    listed = (
        Counter(
            key="seconds",
            title="Length",
            unit="s",
            edges=np.arange(0, longest + 1.01, 0.5),
            marks=lengths,
            note="Of all segments; those over the last bin are counted in it.",
        ),
        Counter(
            key="score",
            title="Score of the utterance",
            unit="log-odds",
            edges=np.arange(-12, 12.01, 0.25),
            marks=score_marks,
            note="Of segments that came to be scored: those that cutting dropped have none.",
        ),
        Counter(
            key="rate",
            title="Speaking rate",
            unit="characters/s",
            edges=np.arange(0, 40.01, 0.5),
            note="Characters of the normalised text over the length, padding included.",
        ),
        Counter(
            key="snr",
            title="Signal to noise in the source",
            unit="dB",
            edges=np.arange(-10, 61.01, 1.0),
            note="Estimated: mean power of the segment over that of the recording's quietest tenth, before any "
            "noise was added.",
        ),
        Counter(
            key="weakest",
            title="Evidence for the weakest word",
            unit="log-odds",
            edges=np.arange(-6, 12.01, 0.25),
            marks=weak_marks,
            note="Log-odds that the audio says the least certain word of the text.",
        ),
    )
    return {counter.key: counter for counter in listed}
