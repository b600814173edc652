"""The global order of utterances and the shards they go to: pure functions of the seed and of ids.

Every utterance has a key, an unsigned 64-bit number; the corpus is ordered by (key, id) and shards are runs
of that order. The boundaries come from a histogram of bytes over the key's top 18 bits, which workers can
fill apart and add up, so that no single place ever sees all utterances:

    key   |<-- 18 bits: bin -->|<------------- 46 bits -------------->|
    bins  0 ........ b1 ........ b2 ........ 2^18
    shard |-- 0 -----|--- 1 ----|--- 2 ------|       about equal bytes each
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from hashlib import blake2b
from typing import Literal

import numpy as np
import numpy.typing as npt

from prep_corpus.align.errors import UsageError

Order = Literal["shuffle", "length"]

_NUMBERED = re.compile(
    r"(?:(?:speaker|spkr?|sp|voice|talker|person|s)[ _.-]?[0-9a-z]{1,3}|unknown|[a-z]|\d{1,2})", re.I
)

BIN_BITS = 18
BINS = 1 << BIN_BITS
_HASH_BITS = 64

# Order by length counts in units of 16 ms, up to 65.5 s: 12 bits of the bin. The other 6 are of the hash, so
# that lengths that are whole model frames do not all fall into the same few bins.
LENGTH_UNIT_SECONDS = 0.016
_LENGTH_BITS = 12


def _hash64(purpose: str, seed: int, name: str) -> int:
    digest = blake2b(f"{purpose}\0{seed}\0{name}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big")


def shuffle_key(seed: int, utterance_id: str) -> int:
    """The key for the global shuffle, in [0, 2^64)."""
    return _hash64("shuffle", seed, utterance_id)


def length_key(seed: int, utterance_id: str, duration_seconds: float) -> int:
    """The key for shortest first, in [0, 2^64): by length in units of 16 ms, at random within a unit.

    Source: SortaGrad, Deep Speech 2, section 3.2.
    """
    units = min(int(duration_seconds / LENGTH_UNIT_SECONDS), (1 << _LENGTH_BITS) - 1)
    low_bits = _HASH_BITS - _LENGTH_BITS
    return units << low_bits | shuffle_key(seed, utterance_id) >> _LENGTH_BITS


def order_key(order: Order, seed: int, utterance_id: str, duration_seconds: float) -> int:
    """The key for one of the two orders."""
    if order == "shuffle":
        return shuffle_key(seed, utterance_id)
    if order == "length":
        return length_key(seed, utterance_id, duration_seconds)
    raise UsageError(f"the order must be shuffle or length: {order!r}")


def split_group(speaker: str | None, recording_id: str) -> str:
    """What has to stay in one split: a speaker where known, else a recording."""
    return f"speaker:{speaker}" if speaker else f"recording:{recording_id}"


def numbers_a_voice(speaker: str) -> bool:
    """Whether a speaker's name only tells the voices of one recording apart: "SPEAKER_01", "spk 2", "Q"."""
    return _NUMBERED.fullmatch(speaker) is not None


def company(speakers: Iterable[str | None], recording_id: str) -> tuple[str, ...]:
    """The groups that a recording of several speakers holds together, its own first; nothing for one of one speaker.

    Names that only number the voices of a recording are no group of their own.
    """
    distinct = set(speakers)
    if len(distinct) < 2:
        return ()
    known = sorted(one for one in distinct if one and not numbers_a_voice(one))
    return (split_group(None, recording_id), *(split_group(one, recording_id) for one in known))


class Kin:
    """Groups that must come to one split, because a recording holds both."""

    def __init__(self) -> None:
        self._parents: dict[str, str] = {}

    def join(self, groups: Iterable[str]) -> None:
        """These belong together."""
        roots = sorted({self._root(group) for group in groups})
        for root in roots[1:]:
            self._parents[root] = roots[0]

    def pairs(self) -> Iterator[tuple[str, str]]:
        """All that was joined, each with what stands for it: the last by name, so a speaker if there is one."""
        last: dict[str, str] = {}
        for group in self._parents:
            root = self._root(group)
            last[root] = max(last.get(root, group), group)
        for group in self._parents:
            yield group, last[self._root(group)]

    def _root(self, group: str) -> str:
        path = [group]
        while (parent := self._parents.setdefault(path[-1], path[-1])) != path[-1]:
            path.append(parent)
        for passed in path:
            self._parents[passed] = path[-1]
        return path[-1]


def group_in(kin: Mapping[str, str], speaker: str | None, recording_id: str) -> str:
    """What has to stay in one split with an utterance.

    Args:
        kin: what stands for each group that was joined with others.
        speaker, recording_id: of the utterance.
    """
    of_recording = kin.get(split_group(None, recording_id))
    own = split_group(speaker, recording_id)
    return of_recording or kin.get(own, own)


def split_of(seed: int, group: str, shares: Mapping[str, float]) -> str:
    """The split of a group, see `split_group`.

    Args:
        seed: seed of the run.
        group: the group's name; all utterances of a group come to the same split.
        shares: split name to share of the groups; they add up to 1. The order of the names counts.

    Raises:
        UsageError: the shares do not add up to 1.
    """
    if not shares or any(share < 0 for share in shares.values()) or abs(sum(shares.values()) - 1.0) > 1e-6:
        raise UsageError(f"shares of splits must not be negative and must add up to 1: {dict(shares)}")
    position = _hash64("split", seed, group) / 2.0**_HASH_BITS
    edge = 0.0
    chosen = ""
    for name, share in shares.items():
        edge += share
        if share > 0:
            chosen = name
            if position < edge:
                break
    return chosen


def empty_histogram() -> npt.NDArray[np.int64]:
    """No bytes yet: int64 [BINS]."""
    return np.zeros(BINS, np.int64)


def add_to_histogram(
    histogram: npt.NDArray[np.int64], keys: Iterable[int], sizes_bytes: Iterable[int]
) -> npt.NDArray[np.int64]:
    """Add utterances to a histogram, in place; histograms add up with `+`."""
    bins = np.fromiter((key >> (_HASH_BITS - BIN_BITS) for key in keys), np.int64)
    np.add.at(histogram, bins, np.fromiter(sizes_bytes, np.int64))
    return histogram


@dataclass(frozen=True, kw_only=True)
class ShardPlan:
    """Where the shards of one split begin.

    Attributes:
        split: name of the split.
        first_bins: the first bin of every shard but shard 0, ascending.
    """

    split: str
    first_bins: tuple[int, ...]

    def __post_init__(self) -> None:
        if list(self.first_bins) != sorted(set(self.first_bins)):
            raise UsageError(
                f"shards must begin at ascending bins: {self.first_bins} in split {self.split!r}"
            )

    @property
    def count(self) -> int:
        """Shards of the split."""
        return len(self.first_bins) + 1

    def shard_of(self, key: int) -> int:
        """The shard, in [0, count), of the utterance with this key."""
        return bisect_right(self.first_bins, key >> (_HASH_BITS - BIN_BITS))


def plan_shards(split: str, histogram: npt.NDArray[np.int64], target_bytes: int) -> ShardPlan:
    """Cut the order into shards of about equal bytes, as near to the target as equal shards come.

    Args:
        split: name of the split.
        histogram: int64 [BINS], bytes by bin of the key.
        target_bytes: wanted size of a shard, over 0.
    """
    if target_bytes <= 0:
        raise UsageError(f"a shard's target size must be over 0 bytes: {target_bytes} in split {split!r}")
    if histogram.shape != (BINS,):
        raise UsageError(f"a histogram must have {BINS} bins: shape {histogram.shape} in split {split!r}")
    cumulative = np.cumsum(histogram)
    total_bytes = int(cumulative[-1])
    count = max(1, round(total_bytes / target_bytes))
    first_bins: list[int] = []
    for index in range(1, count):
        wanted = total_bytes * index / count
        # The bin that passes the wanted sum either ends this shard or begins the next, whichever is nearer.
        passing = int(np.searchsorted(cumulative, wanted))
        before = int(cumulative[passing - 1]) if passing else 0
        first = passing if wanted - before < int(cumulative[passing]) - wanted else passing + 1
        below = int(cumulative[first - 1]) if first else 0
        previous = int(cumulative[first_bins[-1] - 1]) if first_bins else 0
        if previous < below < total_bytes:
            first_bins.append(first)
    return ShardPlan(split=split, first_bins=tuple(first_bins))
