"""What it costs a path to leave the text or the audio, and how that depends on the model.

Legend: T frames, C classes, L tokens.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields, replace

import numpy as np
import numpy.typing as npt

EDGE_FRAMES = 8
"""A path may leave text or audio every so many frames, unless `align` is told otherwise."""

MAX_COST_NATS = 1e4
SHARPNESS_FRAMES = 20_000
SCALE_RANGE = (0.25, 4.0)


@dataclass(frozen=True, kw_only=True)
class DetourCosts:
    """What it costs a path to leave the text, or the audio, at the edge of a word.

    A run of n tokens (delimiters included) that nobody says costs the lesser of `skip_nats` + n *
    `skip_token_nats` and `long_skip_nats` + n * `long_skip_token_nats`: a few words are left out only on strong
    evidence, chapters on less.

    Attributes:
        skip_nats, skip_token_nats: for short runs.
        long_skip_nats, long_skip_token_nats: for long runs.
        enter_nats: cost of a stretch of untranscribed speech.
        speech_nats: what each of its frames scores below the frame's best symbol.
        sharpness_nats: the costs hold for emissions of this sharpness (see `sharpness`), and for others are
            multiplied by the square root of the ratio; None where they hold for all.
    """

    skip_nats: float = 20.0
    skip_token_nats: float = 10.0
    long_skip_nats: float = 1000.0
    long_skip_token_nats: float = 6.0
    enter_nats: float = 80.0
    speech_nats: float = 0.7
    sharpness_nats: float | None = None

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if value is not None and not 0 < value <= MAX_COST_NATS:
                raise ValueError(
                    f"{field.name} must be over 0 and at most {MAX_COST_NATS:g} nats, not {value}"
                )

    def fitted(self, sharpness_nats: float) -> DetourCosts:
        """The costs for emissions of some sharpness."""
        if self.sharpness_nats is None:
            return self
        low, high = SCALE_RANGE
        scale = min(high, max(low, math.sqrt(max(sharpness_nats, 0.0) / self.sharpness_nats)))
        return replace(
            self,
            skip_nats=self.skip_nats * scale,
            skip_token_nats=self.skip_token_nats * scale,
            long_skip_nats=self.long_skip_nats * scale,
            long_skip_token_nats=self.long_skip_token_nats * scale,
            enter_nats=self.enter_nats * scale,
            speech_nats=self.speech_nats * scale,
            sharpness_nats=None,
        )

    def skip_cost_nats(self, tokens: npt.NDArray[np.integer]) -> npt.NDArray[np.float64]:
        """What it costs to leave out runs of so many tokens."""
        cost: npt.NDArray[np.float64] = np.minimum(
            self.skip_nats + tokens * self.skip_token_nats,
            self.long_skip_nats + tokens * self.long_skip_token_nats,
        )
        return cost


DEFAULT_DETOURS = DetourCosts(sharpness_nats=10.0)


def sharpness(
    log_probs_TC: npt.NDArray[np.float32] | npt.NDArray[np.float16],
    tokens_L: npt.NDArray[np.int32],
    *,
    blank: int,
    floor_nats: float,
) -> float:
    """By how much the text's tokens fall short of the blank in a frame taken at random.

    It tells how much a model's word weighs: about 10 nats for QuartzNet, clean or in noise, 3 for a small
    model. At most `SHARPNESS_FRAMES` frames, evenly spaced, are looked at.

    Args:
        log_probs_TC: natural log-probabilities, not empty.
        tokens_L: columns of the tokens, not empty.
        blank: column of the blank.
        floor_nats: log-probs below count as this.

    Returns:
        The mean over frames and tokens, in nats.
    """
    sampled = log_probs_TC[:: -(-len(log_probs_TC) // SHARPNESS_FRAMES)]
    counts_C = np.bincount(tokens_L)
    columns = np.flatnonzero(counts_C)
    counts = counts_C[columns]
    means = _means(sampled, np.append(blank, columns), floor_nats)
    if np.isnan(means).any():
        raise ValueError("log-probs must be numbers: there is a NaN in frames of columns in use")
    return float(means[0] - (means[1:] * counts).sum() / counts.sum())


def _means(
    log_probs_TC: npt.NDArray[np.floating], columns: npt.NDArray[np.integer], floor_nats: float
) -> npt.NDArray[np.float64]:
    """Mean log-prob of some columns over all frames."""
    if log_probs_TC.dtype == np.float16:
        from prep_corpus.align.viterbi.halves import nats_of_halves, sum_nats  # brings numba

        sums = np.zeros(len(columns))
        sum_nats(log_probs_TC.view(np.uint16), columns.astype(np.int64), nats_of_halves(floor_nats), sums)
        return sums / len(log_probs_TC)
    return np.array(
        [np.maximum(log_probs_TC[:, c], floor_nats).mean(dtype=np.float64) for c in columns.tolist()]
    )
