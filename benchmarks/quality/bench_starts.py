"""Where a model with coarse frames puts the words of clean utterances, against QuartzNet.

    python benchmarks/quality/bench_starts.py [--model quartznet_bpe:acoustic_model] [--cache DIR]

Each utterance of LibriSpeech dev-clean is aligned alone with its true text, by both models. The starts and ends of
the coarse model's words are those that `prep-corpus align` writes: on a finer grid, placed by the loudness.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
SHARED = Path(os.environ.get("PREP_CORPUS_SHARED", ROOT.parent / "shared"))
sys.path[:0] = [
    str(ROOT / "tests"),
    *(str(SHARED / "models" / name) for name in ("quartznet15x5", "quartznet-bpe")),
]

from support import quality_cases  # noqa: E402

from prep_corpus.align.model.models import ModelInfo  # noqa: E402
from prep_corpus.align.words.coarse import fine_frames, finer_words  # noqa: E402
from prep_corpus.align.words.words import Words  # noqa: E402


def seconds(spoken: quality_cases.Spoken, info: ModelInfo) -> tuple[np.ndarray, np.ndarray]:
    """Starts and ends of the true words."""
    count = len(spoken.starts_V)
    places = np.arange(count, dtype=np.int32)
    words = Words(
        token_starts=places,
        token_ends=places + 1,
        frame_starts=spoken.starts_V,
        frame_ends=spoken.ends_V,
        char_starts=places,
        char_ends=places + 1,
        skipped=np.zeros(count, bool),
    )
    parts = fine_frames(info.stride_samples, info.sample_rate_hz)
    if parts > 1:
        words = finer_words(words, spoken.levels, info.stride_samples, parts)
    frame = info.frame_seconds / parts
    return words.frame_starts * frame, words.frame_ends * frame


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default="quartznet_bpe:acoustic_model")
    parser.add_argument("--cache", type=Path, default=ROOT / "build" / "quality")
    options = parser.parse_args()
    found = {}
    for name in ("quartznet:acoustic_model", options.model):
        info, spoken = quality_cases.spoken_recordings(SHARED, options.cache, name, "dev-clean")
        found[name] = [seconds(one, info) for one in spoken]
    starts, ends = (
        np.concatenate([theirs[at] - ours[at] for ours, theirs in zip(*found.values())]) for at in (0, 1)
    )
    lengths = [len(utterance.words) for one in spoken for utterance in one.recording.utterances]
    firsts = np.concatenate(([0], np.cumsum(lengths)[:-1]))
    print(f"| {options.model} against QuartzNet | median | 90th percentile | over 0.2 s |\n|---|---|---|---|")
    for label, off in (("starts", starts), ("ends", ends), ("first words' starts", starts[firsts])):
        middle, most = 1000 * np.quantile(np.abs(off), (0.5, 0.9))
        print(f"| {label}, {len(off)} | {middle:.0f} ms | {most:.0f} ms | {(np.abs(off) > 0.2).mean():.2%} |")


if __name__ == "__main__":
    main()
