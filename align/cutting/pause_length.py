"""Choosing k, the shortest pause that is cut at, for a target mean length of utterances."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from prep_corpus.align.cutting.cutting import CutOptions, Cuts
from prep_corpus.align.errors import UsageError


def candidate_gaps(options: CutOptions) -> tuple[int, ...]:
    """The values of k, in frames, among which one is picked for a corpus: 0.04 s to about 2 s."""
    shortest = max(1, options.frames(0.04))
    longest = max(options.frames(2.0), shortest + 1)
    return tuple(int(k) for k in np.unique(np.round(np.geomspace(shortest, longest, 40)).astype(int)))


def measure(cut: Callable[[int], Cuts], candidates: Sequence[int]) -> dict[int, tuple[int, int]]:
    """How many candidates a recording gives, and how long they are together, for each k.

    Args:
        cut: the whole cut function of one recording, of k in frames.
        candidates: values of k to try.

    Returns:
        k -> (segments without a drop reason, their samples); sums over recordings go to `pick_k`.
    """
    totals = {}
    for k_frames in candidates:
        kept = [segment for segment in cut(k_frames).segments if not segment.reason]
        totals[k_frames] = (len(kept), sum(segment.sample_end - segment.sample_start for segment in kept))
    return totals


def pick_k(totals: Mapping[int, tuple[int, int]], target_samples: float) -> int:
    """The k whose mean length over the corpus is nearest to the target; the smallest such k.

    Args:
        totals: k -> (segments, samples), summed over all recordings.
        target_samples: wanted mean length.

    Raises:
        UsageError: no candidate gives any segment.
    """
    means = {k: samples / count for k, (count, samples) in totals.items() if count}
    if not means:
        raise UsageError("no value of k yields a single segment: the corpus holds nothing that can be cut")
    return min(means, key=lambda k: (abs(means[k] - target_samples), k))
