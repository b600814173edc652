"""Comparison of a transcript's cue times with the audio: a check, on which nothing else depends.

Legend: Q cues, W words.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from prep_corpus.align.transcripts.pieces import Cue

VERSION = 1
"""Raised whenever a comparison may come out otherwise."""

LIMIT_SECONDS = 2.0
"""A cue further from the audio is off. Subtitles are shown up to a second before or after they are said."""

_MAX_SHARE_OFF = 0.2
_MAX_SHIFT_SECONDS = 1.0
_MAX_DRIFT_SECONDS = 1.0
_DRIFT_CUES = 400
_MIN_DRIFT_CUES = 8


@dataclass(frozen=True, kw_only=True)
class CueComparison:
    """How far cue times are from an alignment; all differences are cue minus audio, at the cues' first words.

    Attributes:
        cues: number of cues.
        compared: number of cues whose first word is said, by the alignment.
        shift_seconds: median difference: 3 where the cues come 3 s after the speech, -3 where they come before it.
        spread_seconds: median distance from that median.
        low_seconds, high_seconds: nine tenths of the differences lie between them.
        drift_seconds_per_hour: growth of the difference per hour of audio (median of the slopes between
            pairs of cues); 0 where under 8 cues could be compared.
        span_seconds: length of the audio between the first and the last cue compared.
        share_off: cues further from the audio than `LIMIT_SECONDS`, of those compared.
    """

    cues: int
    compared: int
    shift_seconds: float
    spread_seconds: float
    low_seconds: float
    high_seconds: float
    drift_seconds_per_hour: float
    span_seconds: float
    share_off: float

    @property
    def drifts(self) -> bool:
        """Whether the cues run faster or slower than the audio, by over a second from first to last."""
        drift = abs(self.drift_seconds_per_hour) * self.span_seconds / 3600
        return drift > max(
            _MAX_DRIFT_SECONDS, 2 * self.spread_seconds, (self.high_seconds - self.low_seconds) / 2
        )

    @property
    def disagrees(self) -> bool:
        """Whether a person should look at the recording: its cues are shifted, drift, or lie all over the place."""
        shifted = abs(self.shift_seconds) > max(_MAX_SHIFT_SECONDS, self.spread_seconds)
        return shifted or self.drifts or self.share_off > _MAX_SHARE_OFF

    def message(self) -> str:
        """The comparison in a few words, such as "cues are 3.0 s late against the audio"."""
        side = "late" if self.shift_seconds > 0 else "early"
        if self.drifts:
            way = "behind" if self.drift_seconds_per_hour > 0 else "ahead of"
            return (
                f"cues fall {way} the audio by {abs(self.drift_seconds_per_hour):.1f} s an hour (they are "
                f"{abs(self.shift_seconds):.1f} s {side} in the middle)"
            )
        if self.share_off > _MAX_SHARE_OFF and self.spread_seconds > _MAX_SHIFT_SECONDS:
            return (
                f"{self.share_off:.0%} of {self.compared} cues are over {LIMIT_SECONDS:.0f} s from the audio (nine "
                f"tenths between {self.low_seconds:+.1f} and {self.high_seconds:+.1f} s)"
            )
        if abs(self.shift_seconds) > max(_MAX_SHIFT_SECONDS, self.spread_seconds):
            return f"cues are {abs(self.shift_seconds):.1f} s {side} against the audio"
        if self.share_off > _MAX_SHARE_OFF:
            return (
                f"{self.share_off:.0%} of {self.compared} cues are over {LIMIT_SECONDS:.0f} s from the audio"
            )
        return f"cues agree with the audio ({self.shift_seconds:+.1f} s)"


def compare_cues(
    cues: Sequence[Cue],
    *,
    char_starts_W: NDArray[np.int32],
    start_seconds_W: NDArray[np.float64],
    skipped_W: NDArray[np.bool_],
) -> CueComparison | None:
    """How far cue times are from aligned words.

    A cue is compared at its first word, and only where the audio says that word: from the third word of a cue
    nobody can tell when its first was due.

    Args:
        cues: cues of the same plain text as the words.
        char_starts_W: where each word starts in the plain text; never falls.
        start_seconds_W: when each is said.
        skipped_W: words that nobody says.

    Returns:
        None where no cue can be compared.
    """
    starts_Q = np.array([cue.char_start for cue in cues], np.int64)
    ends_Q = np.array([cue.char_end for cue in cues], np.int64)
    cue_seconds_Q = np.array([cue.start_seconds for cue in cues], np.float64)
    firsts_Q = np.searchsorted(char_starts_W, starts_Q)
    inside = np.flatnonzero(firsts_Q < len(char_starts_W))
    firsts = firsts_Q[inside]
    usable = (char_starts_W[firsts] < ends_Q[inside]) & ~skipped_W[firsts]
    # A word that two pieces share ("25" of two cues) belongs to the first of them.
    _, unique = np.unique(firsts[usable], return_index=True)
    kept = inside[usable][unique]
    if len(kept) == 0:
        return None
    audio_seconds = start_seconds_W[firsts_Q[kept]]
    differences = cue_seconds_Q[kept] - audio_seconds
    shift = float(np.median(differences))
    low, high = np.quantile(differences, [0.05, 0.95]).tolist()
    return CueComparison(
        cues=len(cues),
        compared=len(kept),
        shift_seconds=shift,
        spread_seconds=float(np.median(np.abs(differences - shift))),
        low_seconds=low,
        high_seconds=high,
        drift_seconds_per_hour=3600 * _slope(audio_seconds, differences),
        span_seconds=float(np.ptp(audio_seconds)),
        share_off=float(np.mean(np.abs(differences) > LIMIT_SECONDS)),
    )


def _slope(at_seconds: NDArray[np.float64], differences: NDArray[np.float64]) -> float:
    """Median of the slopes between pairs of cues, which a third of wrong cues does not move (Theil and Sen)."""
    if len(at_seconds) < _MIN_DRIFT_CUES:
        return 0.0
    chosen = np.linspace(0, len(at_seconds) - 1, min(len(at_seconds), _DRIFT_CUES)).astype(np.int64)
    x, y = at_seconds[chosen], differences[chosen]
    left, right = np.triu_indices(len(x), k=1)
    runs = x[right] - x[left]
    apart = np.abs(runs) > 1e-3
    return float(np.median((y[right] - y[left])[apart] / runs[apart])) if apart.any() else 0.0
