"""Whether a clip holds its first and its last word: each is read alone, as whoever trains on it gets it.

    python benchmarks/quality/bench_clips.py [--cache DIR] [--clips 150] [--lead 0.2]

The joined recordings of LibriSpeech dev-clean are cut by their true labels around wrong words; at both ends of some
of the clips QuartzNet reads 3.5 s, set between 0.3 s of the recording's own room tone, and the word there is
compared. It also counts ends after whose last word one more is heard.
"""

from __future__ import annotations

import argparse
import os
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

ROOT = Path(__file__).resolve().parents[2]
SHARED = Path(os.environ.get("PREP_CORPUS_SHARED", ROOT.parent / "shared"))
sys.path[:0] = [str(ROOT / "tests"), str(SHARED / "models" / "quartznet15x5")]

from support import corpora, quality_cases  # noqa: E402

from prep_corpus.align.cutting.cutting import CutOptions, Segment, plan_words  # noqa: E402
from prep_corpus.align.model.emissions import Emitter, WindowOptions  # noqa: E402
from prep_corpus.align.model.models import ModelInfo, load_model  # noqa: E402
from prep_corpus.filters.fitting.cases import Case  # noqa: E402
from prep_corpus.filters.linear import bundled_filter  # noqa: E402

FloatArray = NDArray[np.float32]
MODEL = "quartznet:acoustic_model"
READ_SECONDS = 3.5
TONE_SECONDS = 0.3
"""A model that hears a word begin with the first sample is at a loss, wherever the cut is."""


def heard(log_probs_TC: NDArray[np.floating], info: ModelInfo) -> list[str]:
    """The words of the greedy reading."""
    best_T = log_probs_TC.argmax(axis=1)
    symbols = best_T[np.concatenate(([True], best_T[1:] != best_T[:-1]))]
    letters = "".join(info.vocabulary[symbol] for symbol in symbols if symbol != info.blank)
    return letters.replace(info.word_delimiter or " ", " ").split()


def room_tone(audio_N: FloatArray) -> FloatArray:
    """The quietest stretch that is not digital silence."""
    length = round(TONE_SECONDS * corpora.SAMPLE_RATE_HZ)
    sums = np.concatenate(([0.0], np.cumsum(audio_N.astype(np.float64) ** 2)))
    power = (sums[length:] - sums[:-length]) / length
    start = int(np.where(power > 1e-9, power, np.inf).argmin())
    return audio_N[start : start + length]


def clips_of(case: Case, options: CutOptions, k_frames: int) -> list[tuple[Segment, list[str]]]:
    """What is cut around the wrong words of a case, with the words of each."""
    plan = plan_words(case.seen, case.words, case.right_W, options=options, levels=case.levels)
    return [
        (segment, [case.texts[w] for start, end in segment.spoken_ranges() for w in range(start, end)])
        for segment in plan.cut(k_frames).segments
        if not segment.reason
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cache", type=Path, default=ROOT / "build" / "quality")
    parser.add_argument("--clips", type=int, default=150)
    parser.add_argument("--lead", type=float, default=CutOptions.lead_seconds, help="see `CutOptions`")
    arguments = parser.parse_args()
    info, found = quality_cases.spoken_recordings(SHARED, arguments.cache, MODEL, "dev-clean")
    texts = [utterance.words for one in found for utterance in one.recording.utterances]
    options = replace(
        CutOptions(stride_samples=info.stride_samples, sample_rate_hz=info.sample_rate_hz),
        lead_seconds=arguments.lead,
    )
    k_frames = bundled_filter("quartznet").words.k_frames
    clips = [
        (one.recording.id, *clip)
        for one in found
        for clip in clips_of(
            quality_cases.labelled(one, corpora.corrupt(one.recording, seed=0, texts=texts), info),
            options,
            k_frames,
        )
    ]
    drawn = np.random.default_rng(1).permutation(len(clips))[: arguments.clips]
    audio = {
        name: corpora.join(utterances, recording_id=name).audio_N
        for name, utterances in quality_cases.dev_clean(SHARED).items()
    }
    tones = {name: room_tone(audio_N) for name, audio_N in audio.items()}
    emitter = Emitter[int](load_model(MODEL), WindowOptions())
    most = round(READ_SECONDS * info.sample_rate_hz)
    first = last = more = 0
    for name, segment, words in (clips[c] for c in drawn):
        clip_N = audio[name][segment.sample_start : segment.sample_end]
        read = []
        for part_N in (clip_N[:most], clip_N[-most:]):
            [(_, log_probs_TC)] = emitter.emit([(0, [tones[name], part_N, tones[name]])], _fail)
            read.append(heard(log_probs_TC, info))
        first += read[0][:1] == words[:1]
        last += read[1][-1:] == words[-1:]
        more += read[1][-2:-1] == words[-1:]
    print(f"{len(clips)} clips, of which {len(drawn)} are read")
    print(f"first word right {first / len(drawn):.1%}, last word right {last / len(drawn):.1%}, ", end="")
    print(f"one more word after the last {more / len(drawn):.1%}")


def _fail(key: int, error: Exception) -> None:
    raise RuntimeError("a clip could not be read") from error


if __name__ == "__main__":
    main()
