"""Emissions with a known truth, of any length and vocabulary, made without audio or a model.

Legend: T frames, C classes, L tokens, W words.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

BLANK = 0
DELIMITER = 1


@dataclass(frozen=True, kw_only=True)
class Planted:
    """Emissions and the tokens they were made from.

    Attributes:
        log_probs_TC: natural log-probabilities, float16 or float32.
        tokens_L: what is said, words joined by one delimiter.
        starts_L: int32, the frame at which each token begins.
        ends_L: int32, the frame after its last.
    """

    log_probs_TC: NDArray[np.floating]
    tokens_L: NDArray[np.int32]
    starts_L: NDArray[np.int32]
    ends_L: NDArray[np.int32]


def spoken_words(
    count: int, random: np.random.Generator, *, symbols: int = 28, lexicon: int = 3000
) -> list[tuple[int, ...]]:
    """Words of one to nine symbols, some far more frequent than others, as in a language.

    Args:
        count: W.
        random: decides.
        symbols: symbols 2 to symbols - 1 are letters.
        lexicon: distinct words.
    """
    letters = 1 / np.arange(1, symbols - 1)
    lengths = random.integers(1, 10, size=lexicon)
    words = [
        tuple(int(s) for s in 2 + random.choice(symbols - 2, size=n, p=letters / letters.sum()))
        for n in lengths
    ]
    ranks = 1 / np.arange(1, lexicon + 1)
    return [words[w] for w in random.choice(lexicon, size=count, p=ranks / ranks.sum())]


def joined(words: list[tuple[int, ...]]) -> NDArray[np.int32]:
    """Tokens of the words with one delimiter between them."""
    tokens: list[int] = []
    for word in words:
        tokens += [*word, DELIMITER]
    return np.array(tokens[:-1], np.int32)


def plant(
    tokens_L: NDArray[np.int32],
    random: np.random.Generator,
    *,
    frames: int,
    classes: int,
    clear: float = 8.0,
    mistaken: float = 0.03,
    dtype: type[np.floating] = np.float16,
) -> Planted:
    """Emissions in which the tokens are said, with blanks of uneven length between them.

    Args:
        tokens_L: what is said.
        random: decides.
        frames: T, at least 2 L + 1.
        classes: C.
        clear: how far, in nats, the truth stands out from noise of one nat.
        mistaken: share of frames in which another symbol stands out as well.
        dtype: of the emissions.
    """
    count = len(tokens_L)
    held_L = 1 + (random.random(count) < 0.2).astype(np.int64)
    spare = frames - int(held_L.sum()) - count
    if spare < 0:
        raise ValueError(f"{count} tokens need {frames - spare} frames, not {frames}")
    # Uneven gaps: each token has one blank frame before it, and the spare ones fall in clusters.
    weights = random.gamma(0.4, size=count + 1)
    gaps = np.diff(np.floor(np.append(0, np.cumsum(weights)) / weights.sum() * spare)).astype(np.int64)
    starts_L = np.cumsum(np.append(0, held_L[:-1])) + np.cumsum(gaps[:-1] + 1)
    ends_L = starts_L + held_L
    truth_T = np.full(frames, BLANK)
    for held in (0, 1):
        longer = held_L > held
        truth_T[starts_L[longer] + held] = tokens_L[longer]
    log_probs_TC = np.empty((frames, classes), dtype)
    for start in range(0, frames, 4096):
        truth = truth_T[start : start + 4096]
        rows = np.arange(len(truth))
        logits = random.standard_normal((len(truth), classes), dtype=np.float32)
        logits[rows, truth] += clear
        wrong = rows[random.random(len(truth)) < mistaken]
        logits[wrong, random.integers(0, classes, len(wrong))] += clear
        logits -= np.log(np.exp(logits).sum(axis=1, keepdims=True))
        log_probs_TC[start : start + 4096] = logits
    return Planted(
        log_probs_TC=log_probs_TC,
        tokens_L=tokens_L,
        starts_L=starts_L.astype(np.int32),
        ends_L=ends_L.astype(np.int32),
    )
