"""Where words begin in long corrupted recordings, against the clean utterance aligned alone.

    python benchmarks/quality/bench_boundaries.py [--cache DIR] [--seeds 5]

For the first word of every utterance of LibriSpeech dev-clean that ends up in a kept utterance, with the bundled
filter at 0.5 %: how far its start is from where it starts when its utterance is aligned alone with its true text.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
SHARED = Path(os.environ.get("PREP_CORPUS_SHARED", ROOT.parent / "shared"))
sys.path[:0] = [str(ROOT / "tests"), str(SHARED / "models" / "quartznet15x5")]

from support import corpora, quality_cases  # noqa: E402

from prep_corpus.align.cutting.cutting import CutOptions  # noqa: E402
from prep_corpus.align.model.models import ModelInfo  # noqa: E402
from prep_corpus.filters.fitting.sweep import Bench  # noqa: E402
from prep_corpus.filters.linear import Filter, bundled_filter  # noqa: E402
from prep_corpus.filters.scoring import score_words  # noqa: E402

ASKED = 0.005
"""Word error rate asked of the filter."""


def off_frames(
    spoken: quality_cases.Spoken, transcript: corpora.CorruptedTranscript, info: ModelInfo, fitted: Filter
) -> list[int]:
    """Frames between the two starts, for each kept first word of an utterance."""
    case = quality_cases.labelled(spoken, transcript, info)
    options = CutOptions(stride_samples=info.stride_samples, sample_rate_hz=info.sample_rate_hz)
    bench, point = Bench(cases=[case], options=options), fitted.point(ASKED)
    scores_W = score_words(case.evidence_WF, fitted)
    cuts = bench.cut(0, scores_W, point.word_threshold, fitted.words.k_frames)
    scores_S = fitted.words.utterance.score(bench.outcome(0, cuts).features_SF)
    kept = {
        word
        for segment, score in zip((s for s in cuts.segments if not s.reason), scores_S)
        if score >= point.utterance_threshold
        for start, end in segment.spoken_ranges()
        for word in range(start, end)
    }
    lengths = [len(utterance.words) for utterance in spoken.recording.utterances]
    firsts = set(np.concatenate(([0], np.cumsum(lengths)[:-1])).tolist())
    return [
        int(case.words.frame_starts[word] - spoken.starts_V[truth])
        for word, truth in enumerate(transcript.truths)
        if truth in firsts and word in kept
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cache", type=Path, default=ROOT / "build" / "quality")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--first-seed", type=int, default=0)
    options = parser.parse_args()
    info, recordings = quality_cases.spoken_recordings(
        SHARED, options.cache, "quartznet:acoustic_model", "dev-clean"
    )
    fitted = bundled_filter("quartznet")
    texts = [utterance.words for one in recordings for utterance in one.recording.utterances]
    off = np.abs(
        [
            frames
            for one in recordings
            for seed in range(options.first_seed, options.first_seed + options.seeds)
            for frames in off_frames(
                one, corpora.corrupt(one.recording, seed=seed, texts=texts), info, fitted
            )
        ]
    )
    seconds = off * info.frame_seconds
    print(f"{len(off)} kept first words of utterances, {options.seeds} seeds")
    print(f"start off by {np.median(off):g} frames in the median, {1000 * seconds.mean():.1f} ms in the mean")
    print(
        f"over 0.1 s: {(seconds > 0.1).mean():.2%}; over 1 s: {int((seconds > 1).sum())}; most {seconds.max():.2f} s"
    )


if __name__ == "__main__":
    main()
