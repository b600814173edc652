"""Planning noise: which utterances get which noise, as a pure function of seed, utterance id and noise bank.

Every choice is read off blake2b(seed, id, purpose), never off an order or a worker.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from hashlib import blake2b
from typing import Any

import numpy as np

from prep_corpus.align.errors import UsageError
from prep_corpus.augment.bank import Int16Array, NoiseBank, NoiseClip

# A window of a clip this much under the clip's own power is one of its pauses; another window is drawn.
QUIETEST_WINDOW_DB = -30.0
_WINDOW_DRAWS = 16


@dataclass(frozen=True, kw_only=True)
class NoiseOptions:
    """How much noise, and of what kind.

    Attributes:
        fraction: share of utterances that get noise, in [0, 1].
        snr_db: lowest and highest signal-to-noise ratio, drawn uniformly.
        clips: fewest and most clips that make one noise.
        part_gain_db: lowest and highest gain of each clip after the first, all being of equal power before.
        level_db: lowest and highest gain of the whole mix, or None to leave speech at its level.
        reverberant_fraction: share of the noisy utterances that are put into a room, where the bank has
            rooms.
    """

    fraction: float = 0.4
    snr_db: tuple[float, float] = (0.0, 30.0)
    clips: tuple[int, int] = (1, 3)
    part_gain_db: tuple[float, float] = (-10.0, 0.0)
    level_db: tuple[float, float] | None = None
    reverberant_fraction: float = 0.0

    def __post_init__(self) -> None:
        for name in ("fraction", "reverberant_fraction"):
            if not 0.0 <= getattr(self, name) <= 1.0:
                raise UsageError(f"{name} must be in [0, 1]: {getattr(self, name)}")
        for name in ("snr_db", "part_gain_db", "level_db", "clips"):
            interval = getattr(self, name)
            if interval is not None and not (
                len(interval) == 2 and np.isfinite(interval).all() and interval[0] <= interval[1]
            ):
                raise UsageError(f"{name} must be a lowest and a highest value: {interval}")
        if self.clips[0] < 1:
            raise UsageError(f"a noise must have at least one clip: {self.clips[0]}")


@dataclass(frozen=True, kw_only=True)
class NoisePart:
    """One clip's share of a noise.

    Attributes:
        name: name of the clip, for people.
        digest: digest of the clip's content.
        offset_samples: where in the clip the utterance's first sample falls; a clip that ends begins anew.
        gain_db: relative to a window of equal power.
    """

    name: str
    digest: str
    offset_samples: int
    gain_db: float


@dataclass(frozen=True, kw_only=True)
class MixPlan:
    """All that is needed to make a noisy utterance again from its parts.

    Attributes:
        seed: the run's.
        bank: digest of the bank.
        parts: the clips to combine.
        snr_db: power of the speech frames over power of the noise.
        level_db: gain of the whole, 0 where levels are left alone.
        impulse_response: digest of the room, or None.
    """

    seed: int
    bank: str
    parts: tuple[NoisePart, ...]
    snr_db: float
    level_db: float = 0.0
    impulse_response: str | None = None

    def to_fields(self) -> dict[str, Any]:
        """As JSON takes it."""
        return asdict(self)


def plan_from_json(text: str) -> MixPlan:
    """The plan in a row's `noise` column; what the report added to it is left out.

    Raises:
        UsageError: not a plan.
    """
    try:
        columns = json.loads(text)
        parts = tuple(NoisePart(**part) for part in columns["parts"])
        names = ("seed", "bank", "snr_db", "level_db", "impulse_response")
        return MixPlan(parts=parts, **{name: columns[name] for name in names})
    except (ValueError, TypeError, KeyError) as error:
        raise UsageError(f"a noise column must hold a mix plan as JSON: {text[:200]!r}") from error


def is_noisy(seed: int, utterance_id: str, fraction: float) -> bool:
    """Whether an utterance is among the share that gets noise."""
    return next(draws(seed, utterance_id, "choice")) < fraction


def plan_noise(
    *,
    seed: int,
    utterance_id: str,
    samples: int,
    bank: NoiseBank,
    options: NoiseOptions,
    recording_id: str | None = None,
) -> MixPlan | None:
    """The noise of one utterance, or None where it stays clean.

    Args:
        seed: seed of the run.
        utterance_id: which also says how long the utterance is.
        samples: that length, over 0, at the bank's rate.
        bank: the clips to choose from.
        options: shares and ranges.
        recording_id: its recording, whose own speech it never gets as noise.

    Raises:
        UsageError: no samples, or every clip holds speech of the recording.
    """
    if samples <= 0:
        raise UsageError(f"an utterance must have samples: {samples} in {utterance_id!r}")
    if not is_noisy(seed, utterance_id, options.fraction):
        return None
    clips = [clip for clip in bank.clips if recording_id not in clip.recordings]
    if not clips:
        raise UsageError(
            f"a recording must not be its own noise: all {len(bank.clips)} clips hold {recording_id!r}"
        )
    uniform = draws(seed, utterance_id, f"noise {bank.digest}")
    fewest, most = options.clips
    count = fewest + int(next(uniform) * (most - fewest + 1))
    snr_db = _between(options.snr_db, next(uniform))
    level_db = 0.0 if options.level_db is None else _between(options.level_db, next(uniform))
    room = None
    if bank.impulse_responses and next(uniform) < options.reverberant_fraction:
        room = bank.impulse_responses[int(next(uniform) * len(bank.impulse_responses))].digest
    parts = []
    for number in range(count):
        clip = clips[int(next(uniform) * len(clips))]
        gain_db = 0.0 if number == 0 else _between(options.part_gain_db, next(uniform))
        offset = _offset(clip, samples, uniform)
        parts.append(NoisePart(name=clip.name, digest=clip.digest, offset_samples=offset, gain_db=gain_db))
    return MixPlan(
        seed=seed,
        bank=bank.digest,
        parts=tuple(parts),
        snr_db=snr_db,
        level_db=level_db,
        impulse_response=room,
    )


def draws(seed: int, utterance_id: str, purpose: str) -> Iterator[float]:
    """Independent uniform numbers in [0, 1), 53 bits each."""
    for block in range(1 << 32):
        digest = blake2b(f"{purpose}\0{seed}\0{block}\0{utterance_id}".encode()).digest()
        for start in range(0, len(digest), 8):
            yield (int.from_bytes(digest[start : start + 8], "big") >> 11) * 2.0**-53


def window(clip_N: Int16Array, offset_samples: int, samples: int) -> Int16Array:
    """A clip from an offset on, begun anew whenever it ends: int16 [samples]."""
    if offset_samples + samples <= clip_N.size:
        return clip_N[offset_samples : offset_samples + samples]
    return np.resize(np.concatenate([clip_N[offset_samples:], clip_N[:offset_samples]]), samples)


def _between(interval: tuple[float, float], position: float) -> float:
    # Thousandths of a decibel keep the JSON short, and equal on machines whose last bits differ.
    return round(interval[0] + position * (interval[1] - interval[0]), 3)


def _offset(clip: NoiseClip, samples: int, uniform: Iterator[float]) -> int:
    """An offset whose window is not one of the clip's pauses."""
    quietest = clip.power * 10.0 ** (QUIETEST_WINDOW_DB / 10.0)
    for _ in range(_WINDOW_DRAWS):
        offset = int(next(uniform) * clip.samples_N.size)
        if clip.window_power(offset, samples) >= quietest:
            return offset
    # A clip of a few knocks in a long silence: put its loudest sample into the middle of the utterance.
    return int(_loudest(clip.samples_N) - samples // 2) % clip.samples_N.size


def _loudest(clip_N: Int16Array) -> int:
    """Index of the largest sample by magnitude; the two ends of 16 bits need no wider numbers for that."""
    highest, lowest = int(np.argmax(clip_N)), int(np.argmin(clip_N))
    return highest if int(clip_N[highest]) >= -int(clip_N[lowest]) else lowest
