"""The jointly swept curve of a filter: what is kept, and how wrong it is, at each pair of thresholds."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from prep_corpus.align.errors import UsageError


@dataclass(frozen=True, kw_only=True)
class OperatingPoint:
    """One operating point.

    Attributes:
        word_threshold: words of a lower log-odds are taken as not said; -inf is written as a large number.
        utterance_threshold: utterances of a lower log-odds are dropped.
        kept_share: share of the spoken words that lie in exactly one kept utterance, in [0, 1].
        wer: word error rate of the kept text.
        wer_upper: the upper end of its 80 % confidence interval, over resampled recordings.
    """

    word_threshold: float
    utterance_threshold: float
    kept_share: float
    wer: float
    wer_upper: float


def parse_curve(documents: Sequence[Mapping[str, Any]]) -> tuple[OperatingPoint, ...]:
    """Operating points from their part of a JSON document, their numbers as they stand there.

    Raises:
        ValueError: what should be a number is none, or not finite.
        TypeError: a field is missing or unknown.
    """
    points = tuple(OperatingPoint(**document) for document in documents)
    for name, value in (pair for point in points for pair in vars(point).items()):
        if not isinstance(value, (int, float)) or not math.isfinite(value):
            raise ValueError(f"{name} of the curve must be a finite number, not {value!r}")
    return points


def choose(points: Sequence[OperatingPoint], max_wer: float, *, name: str = "this filter") -> OperatingPoint:
    """The point that keeps most among those whose upper bound is at most `max_wer`.

    Args:
        points: the curve, in any order.
        max_wer: largest word error rate that the user accepts, in (0, 1].
        name: of the filter, for the message.

    Raises:
        UsageError: none is that good; the message says what can be reached.
    """
    if not points:
        raise UsageError("the filter holds no curve, so no word error rate can be chosen: fit it again")
    reachable = [point for point in points if point.wer_upper <= max_wer]
    if not reachable:
        best = min(points, key=lambda point: point.wer_upper)
        raise UsageError(
            f"--max-wer {max_wer:g} cannot be reached with {name}; the lowest is {best.wer_upper:.4f}, "
            f"which keeps {best.kept_share:.0%} of the spoken words"
        )
    return max(reachable, key=lambda point: (point.kept_share, -point.wer))


def frontier(points: Sequence[OperatingPoint]) -> tuple[OperatingPoint, ...]:
    """Only the points that no other beats in both kept share and upper bound, by rising upper bound."""
    best = -1.0
    kept = []
    for point in sorted(points, key=lambda point: (point.wer_upper, -point.kept_share)):
        if point.kept_share > best:
            kept.append(point)
            best = point.kept_share
    return tuple(kept)
