"""Fitting how much a recording's own text counts for what is read in it.

Legend: W recognised words, V words truly said, R readings.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from rapidfuzz.distance import Levenshtein

from prep_corpus.filters.rereading import READING_NAMES, Readings, Rereading

DoubleArray = NDArray[np.float64]

PENALTY = 0.5
"""Of the squared distance from the weights that are taken where there is nothing to learn."""

NOTHING_LEARNED = Rereading(cost=-1.0, unknown=-2.0, unknown_letters=0.0, log_share=0.2, pairs=0.5)


@dataclass(frozen=True, kw_only=True)
class KnownReadings:
    """The readings of a recording's words, and what was said there.

    Attributes:
        readings: of some of the W words.
        said: what was said in place of each word; None where that is not known.
        weight: of each word.
    """

    readings: Readings
    said: Sequence[str | None]
    weight: float = 1.0


def said_in_place(texts: Sequence[str], true_texts: Sequence[str]) -> list[str | None]:
    """What was said in place of each of the W recognised words; None where words were lost or put in beside it."""
    said: list[str | None] = [None] * len(texts)
    for step in Levenshtein.opcodes(list(texts), list(true_texts)):
        if step.src_end - step.src_start == step.dest_end - step.dest_start:
            said[step.src_start : step.src_end] = true_texts[step.dest_start : step.dest_end]
    return said


def fit_rereading(known: Sequence[KnownReadings]) -> Rereading:
    """The weights with which the right readings are likeliest: a conditional logistic regression.

    Args:
        known: words of which no reading is right teach nothing.
    """
    from scipy.optimize import minimize

    found = [choice for one in known for choice in _choices(one)]
    start_F = np.array([getattr(NOTHING_LEARNED, name) for name in READING_NAMES])
    if not found:
        return NOTHING_LEARNED
    features_RF = np.concatenate([features_RF for features_RF, _, _ in found])
    counts = np.array([len(features_RF) for features_RF, _, _ in found])
    firsts = np.cumsum(counts) - counts
    rights = firsts + np.array([right for _, right, _ in found])
    weights = np.array([weight for _, _, weight in found])

    def loss(by_feature_F: DoubleArray) -> tuple[float, DoubleArray]:
        scores_R = features_RF @ by_feature_F
        scores_R = scores_R - np.repeat(np.maximum.reduceat(scores_R, firsts), counts)
        sums = np.add.reduceat(np.exp(scores_R), firsts)
        chances_R = np.exp(scores_R) / np.repeat(sums, counts)
        off_F = by_feature_F - start_F
        total = PENALTY * float(off_F @ off_F) + float(weights @ (np.log(sums) - scores_R[rights]))
        slope_F = features_RF.T @ (chances_R * np.repeat(weights, counts)) - features_RF[rights].T @ weights
        return total, 2 * PENALTY * off_F + slope_F

    best_F = minimize(loss, start_F, jac=True, method="L-BFGS-B").x
    return Rereading(**dict(zip(READING_NAMES, map(float, best_F))))


def _choices(known: KnownReadings) -> list[tuple[DoubleArray, int, float]]:
    """The features of the readings of each word of which one is right, which one, and the weight."""
    readings = known.readings
    firsts = readings.firsts.tolist()
    found = []
    for first, end in zip(firsts, [*firsts[1:], len(readings.texts)]):
        said = known.said[int(readings.word_R[first])]
        if said in readings.texts[first:end]:
            right = readings.texts[first:end].index(said)
            found.append((readings.features_RF[first:end], right, known.weight))
    return found
