"""Words in given frames, what a model saw of them, and how they are cut."""

from __future__ import annotations

import numpy as np

from prep_corpus.align.cutting.cutting import CutOptions
from prep_corpus.align.words.evidence import Track
from prep_corpus.align.words.words import Words

STRIDE, RATE = 320, 16_000
BLANK, SPACE = 0, 1


def words_at(*spans: tuple[int, int], skipped: tuple[int, ...] = ()) -> Words:
    """Words of three letters in the given frames, each letter's frames apart."""
    count = len(spans)
    starts = np.arange(count, dtype=np.int32) * 4
    return Words(
        token_starts=starts,
        token_ends=starts + 3,
        frame_starts=np.array([a for a, _ in spans], np.int32),
        frame_ends=np.array([b for _, b in spans], np.int32),
        char_starts=starts,
        char_ends=starts + 3,
        skipped=np.array([w in skipped for w in range(count)], bool),
    )


def track_of(words: Words, frames: int, extra: tuple[tuple[int, int], ...] = ()) -> Track:
    """Letters in the words' frames and in the extra spans, a delimiter beside each, blanks elsewhere."""
    greedy_T = np.zeros(frames, np.int32)
    spans = [*zip(words.frame_starts, words.frame_ends), *extra]
    for a, b in spans:
        greedy_T[max(a - 1, 0) : b + 1] = SPACE
    for a, b in spans:
        greedy_T[a:b] = 5
    return Track(
        speech_T=(greedy_T == 5).astype(np.float32),
        maximum_T=np.zeros(frames, np.float32),
        greedy_T=greedy_T,
        blank=BLANK,
        delimiter=SPACE,
    )


def options(**changes: float) -> CutOptions:
    """Cuts of whatever length, without bridges, but for what is changed."""
    return CutOptions(
        stride_samples=STRIDE,
        sample_rate_hz=RATE,
        **{"min_seconds": 0.1, "max_seconds": 20.0, "bridge_mass": -1.0, **changes},  # type: ignore[arg-type]
    )
