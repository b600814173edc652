"""How often the best of several transcripts is chosen, on real speech with known truth.

    python benchmarks/quality/bench_versions.py --shared ../shared --cache FOLDER [--model english]

For each recording: the true text, and texts with one word in five wrong, with every other sentence missing, with a
sentence after each fourth that nobody says, with each fifth sentence shortened, and another recording's text.
"""

from __future__ import annotations

import argparse
import itertools
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tests"))

import numpy as np
from support import corpora, quality_cases

from prep_corpus.align.words.choosing import heard_characters
from prep_corpus.align.words.evidence import evidence
from prep_corpus.filters.linear import BUNDLED_FILTERS, bundled_filter
from prep_corpus.filters.scoring import score_words


def texts(recording: corpora.LongRecording, other: corpora.LongRecording) -> dict[str, str]:
    """Transcripts of one recording by what is wrong with them."""
    said = [" ".join(utterance.words) for utterance in recording.utterances]
    read = [" ".join(utterance.words) for utterance in other.utterances]
    longer = [f"{words} {read[n % len(read)]}" if n % 4 == 0 else words for n, words in enumerate(said)]
    shortened = [" ".join(u.words[: len(u.words) // 2]) if n % 5 == 0 else said[n]
                 for n, u in enumerate(recording.utterances)]  # fmt: skip
    return {
        "true": " ".join(said),
        "shortened": " ".join(shortened),
        "one in five wrong": corpora.corrupt(recording, seed=1).text,
        "half missing": " ".join(said[::2]),
        "a fifth not said": " ".join(longer),
        "another's": " ".join(read),
    }


def main() -> None:
    """Print what is heard of each kind of text, beside the words that the bundled filter would keep of it."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--shared", type=Path, required=True)
    parser.add_argument("--cache", type=Path, required=True)
    parser.add_argument("--model", default="english")
    options = parser.parse_args()
    info, spoken = quality_cases.spoken_recordings(options.shared, options.cache, options.model, "dev-clean")
    bundled = [bundled_filter(name) for name in BUNDLED_FILTERS]
    fitted = min(
        bundled, key=lambda each: (not each.fits(info.digest), abs(each.frame_seconds - info.frame_seconds))
    )
    threshold = fitted.point(0.01, cut="words").word_threshold
    columns: dict[str, list[tuple[float, float, float]]] = {}
    by_heard = by_score = pairs = 0
    for one, other in zip(spoken, [*spoken[1:], spoken[0]]):
        found = []
        for kind, written in texts(one.recording, other.recording).items():
            tokens_L, words, alignment = quality_cases.aligned(one.log_probs_TC, written, info)
            evidence_WF = evidence(one.log_probs_TC, tokens_L, alignment, words, info)
            kept = (score_words(evidence_WF, fitted) >= threshold) & ~words.skipped
            heard = heard_characters(words, evidence_WF)
            found.append((heard, alignment.score_nats, float(kept.sum())))
            columns.setdefault(kind, []).append((heard, float(kept.sum()), float(len(one.recording.words))))
        for first, second in itertools.combinations(found, 2):
            pairs += 1
            by_heard += (first[0] > second[0]) == (first[2] > second[2])
            by_score += (first[1] > second[1]) == (first[2] > second[2])
    for kind, rows in columns.items():
        heard, kept, said = np.sum(rows, axis=0)
        print(
            f"{kind}: {heard / said:.2f} characters heard and {kept / said:.3f} words kept for each word said"
        )
    print(f"of {pairs} pairs of texts the one with more words to keep is chosen in {by_heard} by what is heard, in "
          f"{by_score} by the score of the alignment")  # fmt: skip


if __name__ == "__main__":
    main()
