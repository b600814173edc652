"""What a word's score is worth where it stands: on bad ground a word must be surer to be kept.

On clean speech nearly every word is surely said or surely not, and of all words over a threshold hardly one is
wrong. Under other voices, music or noise most words are in doubt, and of those over the same threshold many are
wrong. How like clean speech the speech around a word is can be heard without knowing what is said: how sure the model
is of anything there, what it reads besides the text. Where it is less like it than most of clean speech, the word's
score is lowered.

Legend: W words, F features.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from prep_corpus.align.errors import UsageError
from prep_corpus.filters.features import word_feature_blocks
from prep_corpus.filters.guard import LogOdds

DoubleArray = NDArray[np.float64]

GROUND_FEATURES = (
    "certainty~25",
    "clarity~25",
    "read~25",
    "read_exactly~25",
    "read_besides~25",
    "speech~25",
    "margin_mean~25",
    "margin_min~25",
    "letters_before~25",
    "sure_before~25",
    "ratio_mean~25",
    "ratio_min~25",
    "character_mean~25",
    "edits_per_character~25",
    "frames_per_character~25",
    "rate~25",
    "log_mass_before~25",
    "log_gap_before~25",
)
"""What tells clean speech from hard ground, in the mean over 25 words."""


@dataclass(frozen=True, kw_only=True)
class Ground:
    """Lowers the scores of words where the model hears badly.

    Attributes:
        clean: log-odds that the speech around a word is clean, over `word_features`.
        free: stretches of at least these log-odds cost nothing.
        charge: what each nat under that takes off a word's score.
    """

    clean: LogOdds
    free: float
    charge: float

    def __post_init__(self) -> None:
        if not np.isfinite((self.free, self.charge)).all() or self.charge < 0:
            raise UsageError(
                f"a ground's numbers must be finite and its charge not negative: {self.free}, {self.charge}"
            )

    def charges(self, evidence_WF: NDArray[np.floating]) -> DoubleArray:
        """What is taken off each word's score [W], in nats.

        Args:
            evidence_WF: the evidence of one recording's words in order, as `align.evidence` gives it.
        """
        blocks = word_feature_blocks(evidence_WF, self.clean.names)
        clean_W = np.concatenate([np.empty(0), *map(self.clean.score, blocks)])
        return charges(clean_W, self.free, self.charge)


def charges(clean_W: DoubleArray, free: float, charge: float) -> DoubleArray:
    """What is taken off each word's score [W]: `charge` for each nat that its log-odds lie under `free`."""
    charges_W: DoubleArray = charge * np.maximum(free - clean_W, 0.0)
    return charges_W
