"""Words are kept only where the model hears the text at all, whatever the operating point.

A guard says of every word whether the speech around it is heard as this text, and whether its evidence is of the kind
that the filter was fitted on. It is fitted on words that are said against texts that nobody says; its limit is no
choice of the user's.

Legend: W words, F features.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from prep_corpus.align.errors import UsageError
from prep_corpus.filters.features import smoothed, word_feature_blocks, word_features

BoolArray = NDArray[np.bool_]
DoubleArray = NDArray[np.float64]

STRETCH_WORDS = 9
"""A word is heard with the company it stands in: this many words, itself in the middle."""

MOST_LOG_ODDS = 6.0
"""No single word weighs more than this in its company."""

OWN_EXCESS = 1.0
"""By so much, in log-odds, a word's own must exceed what its company must reach."""

STRETCH_FEATURES = (
    "ratio_mean~9",
    "character_mean~9",
    "frames_per_character~9",
    "read~9",
    "read_besides~9",
    "clarity~9",
    "certainty~9",
    "speech~9",
    "margin_mean~9",
)
"""What the distance from the words of the fit is measured in."""


class LogOdds(Protocol):
    """A linear classifier: named features in, log-odds out."""

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the F features."""

    def score(self, features_NF: NDArray[np.floating]) -> DoubleArray:
        """Log-odds [N] of rows whose columns are as in `names`."""


@dataclass(frozen=True, kw_only=True)
class HearingGuard:
    """What is never kept.

    Attributes:
        hearing: log-odds that the model hears this text here, over `word_features`.
        threshold: the mean of `hearing` over `STRETCH_WORDS` words must reach this.
        names: features whose distance from the fit is measured.
        means: their means over the words of the fit that are said.
        whitening: F rows of F numbers that turn differences from the means into independent ones of variance 1.
        limit: the largest distance of a word that is kept.
    """

    hearing: LogOdds
    threshold: float
    names: tuple[str, ...]
    means: tuple[float, ...]
    whitening: tuple[tuple[float, ...], ...]
    limit: float

    def __post_init__(self) -> None:
        rows = {len(self.names), len(self.means), len(self.whitening), *map(len, self.whitening)}
        if len(rows) != 1:
            raise UsageError(
                f"a guard needs one mean and one row of whitening for each of its {len(self.names)} features, "
                f"not {len(self.means)} and {len(self.whitening)}"
            )
        if not np.isfinite([self.threshold, self.limit, *self.means, *np.ravel(self.whitening)]).all():
            raise UsageError("a guard's numbers must be finite")

    def company(self, evidence_WF: NDArray[np.floating]) -> DoubleArray:
        """Log-odds [W] that the model hears the text in each word's company."""
        blocks = word_feature_blocks(evidence_WF, self.hearing.names)
        return company(np.concatenate([np.empty(0), *map(self.hearing.score, blocks)]))

    def distance(self, evidence_WF: NDArray[np.floating]) -> DoubleArray:
        """How far [W] the evidence around each word lies from the words of the fit that are said."""
        return distances(word_features(evidence_WF, self.names), self.means, self.whitening)

    def heard(self, evidence_WF: NDArray[np.floating]) -> BoolArray:
        """Which words [W] may be kept.

        Args:
            evidence_WF: of one recording's words in order, as `align.evidence` gives it.
        """
        heard_W: BoolArray = (self.company(evidence_WF) >= self.threshold) & (
            self.distance(evidence_WF) <= self.limit
        )
        return heard_W


def company(log_odds_W: DoubleArray) -> DoubleArray:
    """The mean over each word's company, no word counting for more than `MOST_LOG_ODDS`; or less for its own.

    Where a stretch begins that nobody says, its first words stand in good company.
    """
    own_W = np.clip(log_odds_W, -MOST_LOG_ODDS, MOST_LOG_ODDS)
    return np.minimum(smoothed(own_W, STRETCH_WORDS), own_W - OWN_EXCESS)


def distances(
    features_WF: DoubleArray, means: tuple[float, ...], whitening: tuple[tuple[float, ...], ...]
) -> DoubleArray:
    """Length [W] of the whitened differences from the means."""
    differences_WF = features_WF - np.array(means)
    # Sums along rows, not a matrix product: BLAS may give other last bits for other numbers of rows.
    squares_W = np.zeros(len(features_WF))
    for row in whitening:
        squares_W += (differences_WF * np.array(row)).sum(axis=1) ** 2
    found: DoubleArray = np.sqrt(squares_W)
    return found
