"""What is kept and how wrong it is, as a table."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from prep_corpus.filters.fitting.measures import Tally

NO_FILTER = 1e9
"""Stands for keeping every utterance."""


@dataclass
class Judged:
    """What one way of cutting and one wanted error rate give on speakers not fitted on.

    Attributes:
        by_seed: counts of each seed.
        by_fold: counts of each fold.
        edges_db: levels at the edges of kept utterances against their own mean, in dB.
    """

    by_seed: dict[int, Tally]
    by_fold: dict[int, Tally]
    edges_db: list[float]

    def add(self, seed: int, fold: int, counts: Tally) -> None:
        """Count one more case."""
        self.by_seed[seed] = self.by_seed.get(seed, Tally()) + counts
        self.by_fold[fold] = self.by_fold.get(fold, Tally()) + counts

    @property
    def total(self) -> Tally:
        """All seeds together."""
        return sum(self.by_seed.values(), Tally())


def print_table(found: dict[tuple[str, float], Judged]) -> None:
    """One row for each way of cutting and wanted error rate."""
    print(
        "| cut | max-wer | right words kept | spread over seeds | spoken words kept | WER | 90th pct over folds "
        "| mean s | hours | utterances | edges over -10 dB |"
    )
    print("|---|---|---|---|---|---|---|---|---|---|---|")
    for (cut, max_wer), judged in found.items():
        total = judged.total
        by_seed = [counts.right_kept_share for counts in judged.by_seed.values()]
        wers = [counts.wer for counts in judged.by_fold.values()]
        loud = np.mean(np.array(judged.edges_db) > -10) if judged.edges_db else 0.0
        asked = "no filter" if max_wer == NO_FILTER else f"{max_wer:.1%}"
        cells = (
            cut,
            asked,
            f"{total.right_kept_share:.2%}",
            f"{min(by_seed):.2%} to {max(by_seed):.2%}",
            f"{total.kept_share:.2%}",
            f"{total.wer:.3%}",
            f"{np.quantile(wers, 0.9):.3%}",
            f"{total.mean_seconds:.2f}",
            f"{total.seconds / 3600 / len(by_seed):.3f}",
            f"{total.utterances / len(by_seed):.0f}",
            f"{loud:.2%}",
        )
        print(f"| {' | '.join(cells)} |")
