"""Words with times that are known, in the model's alphabet of small letters."""

from __future__ import annotations

import numpy as np

from prep_corpus.align.text.normalize import NormalizedText, TextOptions, normalize
from prep_corpus.align.words.words import Words

LOWER = frozenset("abcdefghijklmnopqrstuvwxyz'")
FRAME_SECONDS = 0.02


def words_of(
    normalized: NormalizedText, unsaid: tuple[int, ...] = (), speakers: tuple[int, ...] | None = None
) -> Words:
    """A word every half second, 0.4 s long, in frames of 20 ms."""
    spans = np.array(normalized.words(), np.int32)
    starts = np.arange(len(spans), dtype=np.int32) * 25
    skipped = np.isin(np.arange(len(spans)), unsaid)
    return Words(
        token_starts=spans[:, 0],
        token_ends=spans[:, 1],
        frame_starts=starts,
        frame_ends=starts + np.where(skipped, 0, 20).astype(np.int32),
        char_starts=normalized.starts_L[spans[:, 0]],
        char_ends=normalized.ends_L[spans[:, 1] - 1],
        skipped=skipped,
        speakers=None if speakers is None else np.array(speakers, np.int32),
    )


def script(text: str) -> NormalizedText:
    return normalize(text, alphabet=LOWER, options=TextOptions().for_script(True))
