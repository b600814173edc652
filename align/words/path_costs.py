"""Evidence for a word over all paths: how likely its zone says it, and whether it says something else there.

The other evidence is that of one path. A weak model spreads what it hears over many, of which each says little.

Legend: T frames, F frames of a block, C classes, L tokens, W words, N tokens of some words, S = 2 N + 1 states.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from prep_corpus.align.viterbi.compiling import compiled
from prep_corpus.align.words.heard import COST_NAMES

if TYPE_CHECKING:
    from prep_corpus.align.words.words import Words

DoubleArray = NDArray[np.float64]
LongArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]

COMPANY_FRAMES = 50
"""A zone reaches no farther from its word, and words with a longer pause between them are no company."""

MOST_NATS = 30.0
MOST_NATS_OF_THREE = 60.0
MOST_NATS_PER_TOKEN = 10.0
LEAST_GAIN, MOST_GAIN = -10.0, 30.0
LEAST_GAIN_PER_TOKEN, MOST_GAIN_PER_TOKEN = -5.0, 8.0
LEAST_MORE, MOST_MORE = -10.0, 20.0

_BLOCK_WORDS = 512
_BLOCK_FRAMES = 8192
_LEAST_PROBABILITY = 1e-13
"""Of a symbol in a frame: what is less likely is not told apart, and no sum vanishes between two scalings."""
_FRAMES_PER_SCALING = 8
_NO_PATH_NATS = 1e3


def path_costs(
    log_probs_TC: NDArray[np.floating],
    tokens_L: NDArray[np.int32],
    words: Words,
    zones: LongArray,
    *,
    blank: int,
    delimiter: int,
) -> NDArray[np.float32]:
    """What each word costs over all paths, float32 [W, F], columns as in `COST_NAMES`.

    Args:
        log_probs_TC: natural log-probabilities.
        tokens_L: the tokens that were aligned.
        words: tokens and frames of each word, at least one.
        zones: int64 [W + 1], the frame where each word's zone begins, and the end of the last; rising.
        blank: index of the blank.
        delimiter: index of the word delimiter, which may stand for the blank beside a word; or -1.

    Source: Graves et al. 2006, section 4.1.
    """
    starts, ends = words.frame_starts.astype(np.int64), words.frame_ends.astype(np.int64)
    lows = np.maximum(zones[:-1], starts - COMPANY_FRAMES)
    highs = np.maximum(np.minimum(zones[1:], ends + COMPANY_FRAMES), lows)
    linked = np.concatenate(([False], starts[1:] - ends[:-1] <= COMPANY_FRAMES, [False]))
    costs_W6 = np.empty((len(starts), 6))
    for first, last in _blocks(linked, lows, highs):
        begins = int(lows[first - int(linked[first])])
        probs_FC = np.exp(log_probs_TC[begins : int(highs[last - 1 + int(linked[last])])].astype(np.float32))
        np.maximum(probs_FC, np.float32(_LEAST_PROBABILITY), out=probs_FC)
        silent_F = probs_FC[:, blank] + (probs_FC[:, delimiter] if delimiter >= 0 else np.float32(0.0))
        spans_W = (lows - begins, highs - begins, linked, words.token_starts, words.token_ends, tokens_L)
        _costs(probs_FC, silent_F, blank, *spans_W, first, last, costs_W6)
    return _columns(costs_W6, (words.token_ends - words.token_starts).astype(np.float64), linked)


def _columns(costs_W6: DoubleArray, tokens_W: DoubleArray, linked: BoolArray) -> NDArray[np.float32]:
    own_W, three_W, without_W, other_W, two_W, parted_W = costs_W6.T
    beside_W = np.where(linked[:-1], np.roll(tokens_W, 1), 0.0) + np.where(
        linked[1:], np.roll(tokens_W, -1), 0.0
    )
    gain_W = without_W - three_W
    more_W = np.append(np.clip(two_W - parted_W, LEAST_MORE, MOST_MORE), 0.0)
    columns = {
        "cost": np.minimum(own_W, MOST_NATS),
        "cost_per_token": np.minimum(own_W / tokens_W, MOST_NATS_PER_TOKEN),
        "cost_of_three": np.minimum(three_W, MOST_NATS_OF_THREE),
        "cost_of_three_per_token": np.minimum(three_W / (tokens_W + beside_W), MOST_NATS_PER_TOKEN),
        "gain": np.clip(gain_W, LEAST_GAIN, MOST_GAIN),
        "gain_per_token": np.clip(gain_W / tokens_W, LEAST_GAIN_PER_TOKEN, MOST_GAIN_PER_TOKEN),
        "other": np.clip(three_W - other_W, LEAST_MORE, MOST_NATS),
        "more_before": more_W[:-1],
        "more_after": np.where(linked[1:], more_W[1:], 0.0),
    }
    return np.stack([columns[name] for name in COST_NAMES], axis=1).astype(np.float32)


def _blocks(linked: BoolArray, lows: LongArray, highs: LongArray) -> Iterator[tuple[int, int]]:
    """Ranges of words whose frames are looked at together: over no long pause where the frames are many."""
    parted = np.flatnonzero(~linked)
    first = 0
    while first < len(lows):
        last = min(first + _BLOCK_WORDS, len(lows))
        if highs[last - 1] - lows[first] > _BLOCK_FRAMES:
            last = min(last, int(parted[np.searchsorted(parted, first, side="right")]))
        yield first, last
        first = last


@compiled
def _costs(
    probs_FC: NDArray[np.float32],
    silent_F: NDArray[np.float32],
    blank: int,
    lows: LongArray,
    highs: LongArray,
    linked: BoolArray,
    token_starts: NDArray[np.int32],
    token_ends: NDArray[np.int32],
    tokens_L: NDArray[np.int32],
    first: int,
    last: int,
    costs_W6: DoubleArray,
) -> None:
    """Fill in -log p of each word; of it with those beside it; of these alone; of these with anything between them.

    And of the word before and this one, and of these with anything between them.
    """
    most = 0
    for w in range(max(first - 1, 0), min(last + 1, len(lows))):
        most = max(most, token_ends[w] - token_starts[w])
    tokens_N = np.empty(3 * most, np.int64)
    between_N = np.empty(3 * most + 1, np.bool_)
    sums_S = np.empty(6 * most + 1)
    for w in range(first, last):
        before = w - 1 if linked[w] else w
        after = w + 1 if linked[w + 1] else w
        for which in range(6):
            # The words from a to b, where this one is left out or not, and something else may be in its place.
            a = w if which == 0 else before
            b = after if which in (1, 2, 3) else w
            left_out = which in (2, 3)
            other = -1
            count = 0
            between_N[0] = True
            for q in range(a, b + 1):
                if q == w and which in (3, 5):
                    other = count
                if q == w and left_out:
                    continue
                for at in range(token_starts[q], token_ends[q]):
                    tokens_N[count] = tokens_L[at]
                    count += 1
                    between_N[count] = at + 1 == token_ends[q]
            frames = slice(lows[a], highs[b])
            costs_W6[w, which] = _cost(
                probs_FC[frames], silent_F[frames], blank, tokens_N[:count], between_N, other, sums_S
            )


@compiled
def _cost(
    probs_FC: NDArray[np.float32],
    silent_F: NDArray[np.float32],
    blank: int,
    tokens_N: LongArray,
    between_N: BoolArray,
    other: int,
    sums_S: DoubleArray,
) -> float:
    """-log p of some words, delimiters beside them as silence; `_NO_PATH_NATS` where the frames cannot hold them.

    Where `other` is not -1, something else is said before the token of that number, whatever it is.
    """
    count = len(tokens_N)
    something = 0.0
    sums_S[: 2 * count + 1] = 0.0
    sums_S[0] = 1.0
    logs = 0.0
    for f in range(len(probs_FC)):
        # In place, from the end: what a state is reached from is still that of the frame before.
        for p in range(min(count, f), -1, -1):
            at = 2 * p
            before = sums_S[at - 1] if p else 0.0
            if p < count:
                reached = sums_S[at + 1] + (something if p == other else sums_S[at])
                if p and p != other and tokens_N[p] != tokens_N[p - 1]:
                    reached += before
                sums_S[at + 1] = reached * probs_FC[f, tokens_N[p]]
            arrived = sums_S[at] + before
            if p == other:
                # It begins with a frame of speech, and then takes every frame.
                something += arrived * max(1.0 - silent_F[f], _LEAST_PROBABILITY)
            sums_S[at] = arrived * (silent_F[f] if between_N[p] else probs_FC[f, blank])
        if f % _FRAMES_PER_SCALING == _FRAMES_PER_SCALING - 1:
            total = something
            for s in range(2 * count + 1):
                total += sums_S[s]
            for s in range(2 * count + 1):
                sums_S[s] /= total
            something /= total
            logs += math.log(total)
    ended = something if other == count else sums_S[2 * count] + (sums_S[2 * count - 1] if count else 0.0)
    return -(math.log(ended) + logs) if ended > 0.0 else _NO_PATH_NATS
