"""Ledgers of one cut recording: where every sample and every character of the transcript went.

Legend: N characters.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from prep_corpus.align.cutting.cutting import Cuts


def sample_ledger(cuts: Cuts, n_samples: int) -> dict[str, int]:
    """Where every sample of a recording went.

    Returns:
        Samples by "kept", "dropped:<reason>", "untranscribed" and "pause"; they add up to `n_samples`.
    """
    ledger: dict[str, int] = {"kept": 0, "untranscribed": 0}
    for segment in cuts.segments:
        key = f"dropped:{segment.reason}" if segment.reason else "kept"
        ledger[key] = ledger.get(key, 0) + segment.sample_end - segment.sample_start
    ledger["untranscribed"] = sum(end - start for start, end in cuts.untranscribed)
    ledger["pause"] = n_samples - sum(ledger.values())
    return ledger


def character_ledger(cuts: Cuts, owner_N: NDArray[np.integer]) -> dict[str, int]:
    """Where every character of a transcript went.

    Args:
        cuts: cuts, with a segment or -1 for each word.
        owner_N: index of the word that owns each character of the original transcript, or a negative number
            where no word does (`NormalizedText.char_ownership`).

    Returns:
        Characters by "kept", "dropped:<reason>", "unspoken" and "unsayable"; they add up to len(owner_N).
    """
    ledger: dict[str, int] = {"kept": 0, "unspoken": 0}
    owned = owner_N[owner_N >= 0]
    ledger["unsayable"] = len(owner_N) - len(owned)
    counts = np.bincount(cuts.segment_W[owned] + 1, minlength=len(cuts.segments) + 1)
    ledger["unspoken"] = int(counts[0])
    for segment, count in zip(cuts.segments, counts[1:].tolist()):
        key = f"dropped:{segment.reason}" if segment.reason else "kept"
        ledger[key] = ledger.get(key, 0) + count
    return ledger
