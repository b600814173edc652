"""Sampling segments for people to listen to: a stratified draw, and its parts for several listeners.

    kept        five strata of equal size by score          half of the clips
                of each source of text, where there are several
    scored      dropped with a score: three by score        70 % of the rest
    unscored    dropped before they had one: by reason      30 % of the rest

Every drawn segment stands for the same number of segments as all others of its stratum, its weight: figures that
are weighted so are unbiased, however unequal the shares are. Every choice comes from blake2b(seed, id), so a
segment's luck depends on no other.

Legend: S segments of a run, D drawn.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

from prep_corpus.align.errors import UsageError

KEPT_STRATA = 5
SCORED_STRATA = 3
SCORED_SHARE = 0.7
"""Of the dropped segments that are drawn, those with a score: the filter decides these."""


@dataclass(frozen=True, kw_only=True)
class SampleOptions:
    """How segments are drawn and shared out.

    Attributes:
        count: segments to draw; all there are where there are fewer.
        seed: seed of every choice.
        kept_share: share of kept segments among the drawn, in [0, 1].
        min_seconds: shorter segments are not drawn, since nobody can understand them alone.
        listeners: people who share the work.
        overlap: share of the clips that every listener hears, in [0, 1].
    """

    count: int = 500
    seed: int = 0
    kept_share: float = 0.5
    min_seconds: float = 0.5
    listeners: int = 1
    overlap: float = 0.1

    def __post_init__(self) -> None:
        if self.count < 1:
            raise UsageError(f"--count must be at least 1, not {self.count}")
        if self.listeners < 1:
            raise UsageError(f"--listeners must be at least 1, not {self.listeners}")
        if self.min_seconds < 0:
            raise UsageError(f"--min-seconds must not be negative, and is {self.min_seconds}")
        for name, share in (("--kept", self.kept_share), ("--overlap", self.overlap)):
            if not 0 <= share <= 1:
                raise UsageError(f"{name} must lie between 0 and 1, not {share}")


@dataclass(frozen=True, kw_only=True)
class Stratum:
    """Segments of a like fate, of which some are drawn.

    Attributes:
        name: name of the stratum, such as "kept 1 of 5" (the lowest scores first), or the reason of the drop.
        share: share of the sample that falls to it, before what others cannot take.
        members: int64, indices of the S segments, sorted by luck: the first are drawn.
    """

    name: str
    share: float
    members: NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class Draw:
    """The drawn segments.

    Attributes:
        strata: all strata.
        counts: drawn from each.
        indices_D: int64, of the S segments, in the order in which they are heard: by luck.
        stratum_D: int64, the stratum of each.
        weights_D: float64, how many segments of the run each stands for.
    """

    strata: tuple[Stratum, ...]
    counts: tuple[int, ...]
    indices_D: NDArray[np.int64]
    stratum_D: NDArray[np.int64]
    weights_D: NDArray[np.float64]


def luck(seed: int, purpose: str, ids: Iterable[str]) -> NDArray[np.uint64]:
    """A number for each id that depends on seed, purpose and id alone: uint64 [ids]."""
    start = blake2b(f"{seed}\0{purpose}\0".encode(), digest_size=8)
    numbers = []
    for identifier in ids:
        hasher = start.copy()
        hasher.update(identifier.encode())
        numbers.append(int.from_bytes(hasher.digest(), "big"))
    return np.array(numbers, np.uint64)


def draw(
    scores_S: NDArray[np.floating],
    reasons_S: Sequence[str] | NDArray[np.object_],
    luck_S: NDArray[np.uint64],
    options: SampleOptions,
    sources_S: Sequence[str] | NDArray[np.object_] | None = None,
) -> Draw:
    """Draw segments, stratified by score over kept and dropped.

    Args:
        scores_S: log-odds; NaN where a segment was dropped before it had a score.
        reasons_S: why each was dropped; "" for the kept.
        luck_S: see `luck`.
        options: how many, and of what.
        sources_S: whose text each has; the transcript's where None.

    Raises:
        UsageError: there is nothing to draw from.
    """
    strata = stratify(scores_S, reasons_S, luck_S, options.kept_share, sources_S)
    sizes = [len(stratum.members) for stratum in strata]
    counts = allocate(options.count, [stratum.share for stratum in strata], sizes)
    if not sum(counts):
        raise UsageError(
            f"a sample needs segments to draw from: of {len(scores_S)} none has a share with "
            f"--kept {options.kept_share:g} and --min-seconds {options.min_seconds:g}"
        )
    drawn = [stratum.members[:count] for stratum, count in zip(strata, counts)]
    indices_D = np.concatenate(drawn)
    stratum_D = np.repeat(np.arange(len(strata)), counts)
    weights_D = np.repeat([size / count if count else 0.0 for size, count in zip(sizes, counts)], counts)
    # The luck of the draw is used up inside a stratum: the order needs a number of its own.
    order_D = np.argsort(_mixed(luck_S[indices_D]), kind="stable")
    return Draw(
        strata=strata,
        counts=tuple(counts),
        indices_D=indices_D[order_D],
        stratum_D=stratum_D[order_D],
        weights_D=weights_D[order_D],
    )


def stratify(
    scores_S: NDArray[np.floating],
    reasons_S: Sequence[str] | NDArray[np.object_],
    luck_S: NDArray[np.uint64],
    kept_share: float,
    sources_S: Sequence[str] | NDArray[np.object_] | None = None,
) -> tuple[Stratum, ...]:
    """The strata that hold a segment, see the head of this file; arguments as for `draw`."""
    reasons = np.array(reasons_S, dtype=object)
    kept_S = reasons == ""
    scored_S = ~kept_S & ~np.isnan(scores_S)
    unscored_S = ~kept_S & np.isnan(scores_S)
    groups: list[list[tuple[str, NDArray[np.int64]]]] = [
        _kept(kept_S, scores_S, luck_S, sources_S),
        _by_score("scored", np.flatnonzero(scored_S), scores_S, luck_S, SCORED_STRATA),
        [
            (reason, np.flatnonzero(unscored_S & (reasons == reason)))
            for reason in sorted(set(reasons[unscored_S].tolist()))
        ],
    ]
    dropped = 1 - kept_share
    shares = (kept_share, dropped * SCORED_SHARE, dropped * (1 - SCORED_SHARE))
    return tuple(
        Stratum(
            name=name,
            share=share / len(group),
            members=members[np.argsort(luck_S[members], kind="stable")],
        )
        for group, share in zip(groups, shares)
        for name, members in group
    )


def _kept(
    kept_S: NDArray[np.bool_],
    scores_S: NDArray[np.floating],
    luck_S: NDArray[np.uint64],
    sources_S: Sequence[str] | NDArray[np.object_] | None,
) -> list[tuple[str, NDArray[np.int64]]]:
    """Strata of kept segments; those of each source have scores of their own."""
    if sources_S is None:
        return _by_score("kept", np.flatnonzero(kept_S), scores_S, luck_S, KEPT_STRATA)
    sources = np.array(sources_S, dtype=object)
    return [
        stratum
        for source in sorted(set(sources[kept_S].tolist()))
        for stratum in _by_score(
            f"kept, {source}", np.flatnonzero(kept_S & (sources == source)), scores_S, luck_S, KEPT_STRATA
        )
    ]


def _by_score(
    name: str,
    members: NDArray[np.int64],
    scores_S: NDArray[np.floating],
    luck_S: NDArray[np.uint64],
    count: int,
) -> list[tuple[str, NDArray[np.int64]]]:
    """Strata of about equal size, the lowest scores first."""
    ordered = members[np.lexsort((luck_S[members], scores_S[members]))]
    parts = [part for part in np.array_split(ordered, count) if len(part)]
    return [(f"{name} {number} of {len(parts)}", part) for number, part in enumerate(parts, 1)]


def allocate(count: int, shares: Sequence[float], sizes: Sequence[int]) -> list[int]:
    """Divide a count by shares, none above its size; what one cannot take goes to the others, by their shares.

    Args:
        count: count to divide.
        shares: shares, each at least 0; a share of 0 gets nothing.
        sizes: the most that each can take.

    Returns:
        Whole numbers that add up to the count, or to all that can be taken.
    """
    taken = [0] * len(sizes)
    for _ in range(count):
        takers = [i for i, size in enumerate(sizes) if taken[i] < size and shares[i] > 0]
        if not takers:
            break
        # The next goes to whoever is furthest behind its share (Webster's method): a larger count adds to each.
        taken[max(takers, key=lambda i: (shares[i] / (2 * taken[i] + 1), -i))] += 1
    return taken


def share_out(strata_D: Sequence[int], options: SampleOptions) -> list[tuple[int, ...]]:
    """Who hears each clip: every stratum is dealt out evenly, and so are the clips that all hear.

    Args:
        strata_D: the stratum of each clip, in the order in which they are heard.
        options: listeners and overlap.

    Returns:
        For each clip the listeners that hear it, counted from 1.
    """
    everyone = tuple(range(1, options.listeners + 1))
    by_stratum = sorted(range(len(strata_D)), key=lambda clip: (strata_D[clip], clip))
    heard: list[tuple[int, ...]] = [everyone] * len(strata_D)
    shared = dealt = 0
    for place, clip in enumerate(by_stratum, 1):
        if options.listeners > 1 and shared < round(place * options.overlap):
            shared += 1
        else:
            heard[clip] = (everyone[dealt % options.listeners],)
            dealt += 1
    return heard


def _mixed(numbers: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Another permutation of 64 bits: multiplication by an odd number, the halves exchanged."""
    product = numbers * np.uint64(0x9E3779B97F4A7C15)
    return (product << np.uint64(32)) | (product >> np.uint64(32))
