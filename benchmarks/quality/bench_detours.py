"""What detours do to real speech: words misplaced, right words skipped, wrong words skipped, missing speech found.

    python benchmarks/quality/bench_detours.py [--model quartznet:acoustic_model] [--cache DIR] [--seeds 1]
        [--inserts 4]

LibriSpeech dev-clean, one recording a speaker, texts corrupted by the recipe of tests/support/corpora.py. The truth is
the plain alignment of the true text. Emissions are kept in the cache folder; computing them takes minutes.

Legend: T frames, W words.
"""

from __future__ import annotations

import argparse
import os
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

ROOT = Path(__file__).resolve().parents[2]
SHARED = Path(os.environ.get("PREP_CORPUS_SHARED", ROOT.parent / "shared"))
sys.path[:0] = [str(ROOT / "tests"), str(SHARED / "models" / "quartznet15x5")]
from support import corpora  # noqa: E402

from prep_corpus.align.model.emissions import Emitter, WindowOptions  # noqa: E402
from prep_corpus.align.model.models import ModelInfo, load_model  # noqa: E402
from prep_corpus.align.text.normalize import encode, normalize  # noqa: E402
from prep_corpus.align.viterbi.viterbi import DEFAULT_DETOURS, DetourCosts, align  # noqa: E402
from prep_corpus.align.words.words import Words, word_table  # noqa: E402

FIELDS = (
    "skip_nats",
    "skip_token_nats",
    "long_skip_nats",
    "long_skip_token_nats",
    "enter_nats",
    "speech_nats",
)


@dataclass(frozen=True)
class Spoken:
    """A recording with the places of its true words."""

    recording: corpora.LongRecording
    log_probs_TC: NDArray[np.float16]
    truth: Words


def _aligned(
    log_probs_TC: NDArray[np.float16], words: list[str], info: ModelInfo, detours: DetourCosts | None
) -> tuple[Words, tuple[tuple[int, int], ...]]:
    normalized = normalize(" ".join(words), alphabet=info.alphabet)
    tokens_L = encode(normalized, info.vocabulary, info.word_delimiter)
    found = align(log_probs_TC, tokens_L, blank=info.blank, delimiter=info.delimiter_index, detours=detours)
    return word_table(found, normalized), found.untranscribed


def _read(model_name: str, cache: Path) -> tuple[ModelInfo, list[Spoken]]:
    model = load_model(model_name)
    cache.mkdir(parents=True, exist_ok=True)
    found = []
    for speaker in corpora.DEV_CLEAN_SPEAKERS:
        recording = corpora.build_recording(
            SHARED / "data" / corpora.DEV_CLEAN, recording_id=f"dev-clean-{speaker}", speakers=[speaker]
        )
        path = cache / f"{model.info.digest[:16]}-{recording.id}.npy"
        if not path.exists():
            emitter: Emitter[str] = Emitter(model, WindowOptions())
            [(_, log_probs_TC)] = emitter.emit([(recording.id, [recording.audio_N])], _stop)
            np.save(path, log_probs_TC)
        log_probs_TC = np.load(path)
        truth, _ = _aligned(log_probs_TC, list(recording.words), model.info, None)
        found.append(Spoken(recording, log_probs_TC, truth))
    return model.info, found


def _stop(key: str, error: Exception) -> None:
    raise RuntimeError(f"no emissions of {key}") from error


def _covered(spans: tuple[tuple[int, int], ...], frames: int) -> NDArray[np.bool_]:
    covered_T = np.zeros(frames, bool)
    for start, end in spans:
        covered_T[start:end] = True
    return covered_T


def corrupted_row(spoken: list[Spoken], info: ModelInfo, detours: DetourCosts | None, seeds: int) -> str:
    """Figures on corrupted texts, and on true ones."""
    off: list[NDArray[np.floating]] = []
    right_skipped = wrong = wrong_skipped = true_skipped = true = 0
    missing = found = eaten = said = 0
    frame_seconds = info.stride_samples / info.sample_rate_hz
    for one in spoken:
        frames = len(one.log_probs_TC)
        if detours is not None:
            words, _ = _aligned(one.log_probs_TC, list(one.recording.words), info, detours)
            true, true_skipped = true + len(words), true_skipped + int(words.skipped.sum())
        for seed in range(seeds):
            text = corpora.corrupt(one.recording, seed=seed)
            words, spans = _aligned(one.log_probs_TC, list(text.words), info, detours)
            truths = np.array(text.truths)
            right = truths >= 0
            right_skipped += int(words.skipped[right].sum())
            wrong, wrong_skipped = (
                wrong + int((~right).sum()),
                wrong_skipped + int(words.skipped[~right].sum()),
            )
            kept = right & ~words.skipped
            starts = np.abs(words.frame_starts[kept] - one.truth.frame_starts[truths[kept]])
            ends = np.abs(words.frame_ends[kept] - one.truth.frame_ends[truths[kept]])
            off.append(np.maximum(starts, ends) * frame_seconds)
            covered_T = _covered(spans, frames)
            said_T = np.zeros(frames, bool)
            for word in truths[right]:
                said_T[one.truth.frame_starts[word] : one.truth.frame_ends[word]] = True
            eaten, said = eaten + int((covered_T & said_T).sum()), said + int(said_T.sum())
            for utterance, kind in zip(one.recording.utterances, text.utterance_kinds):
                if kind == "missing":
                    # Each file begins and ends with nearly half a second of silence.
                    first = int((utterance.start_sample / info.sample_rate_hz + 0.4) / frame_seconds)
                    last = int((utterance.end_sample / info.sample_rate_hz - 0.4) / frame_seconds)
                    missing, found = missing + max(0, last - first), found + int(covered_T[first:last].sum())
    seconds = np.concatenate(off)
    rights = len(seconds) + right_skipped
    return (
        f"{(seconds > 0.1).mean():9.2%} {(seconds > 0.5).mean():9.2%} {1000 * seconds.mean():8.1f} "
        f"{right_skipped / rights:9.2%} {true_skipped:5d}/{true:<6d} {wrong_skipped / wrong:8.1%} "
        f"{found / missing:8.1%} {eaten / said:8.2%}"
    )


def inserted_row(spoken: list[Spoken], info: ModelInfo, detours: DetourCosts | None, count: int) -> str:
    """Half of another recording's text, and then its whole audio, in the middle of a recording."""
    skipped, moved, found, misplaced = [], 0, [], 0
    for i in range(min(count, len(spoken))):
        one, other = spoken[i], spoken[(i + 3) % len(spoken)]
        own = list(one.recording.words)
        half = len(own) // 2
        # Half of its text, since 40 ms a frame leave no room for two texts.
        unspoken = other.recording.words[: len(other.recording.words) // 2]
        text = [*own[:half], *unspoken, *own[half:]]
        words, _ = _aligned(one.log_probs_TC, text, info, detours)
        inside = np.arange(half, half + len(unspoken))
        outside = np.delete(np.arange(len(text)), inside)
        skipped.append(words.skipped[inside].mean())
        off = np.abs(words.frame_starts[outside] - one.truth.frame_starts)
        moved += int(np.count_nonzero((off > 25) | words.skipped[outside]))
        at = int(one.truth.frame_ends[half - 1] + one.truth.frame_starts[half]) // 2
        both_TC = np.concatenate((one.log_probs_TC[:at], other.log_probs_TC, one.log_probs_TC[at:]))
        words, spans = _aligned(both_TC, own, info, detours)
        covered_T = _covered(spans, len(both_TC))
        found.append(covered_T[at : at + len(other.log_probs_TC)].mean())
        places = one.truth.frame_starts + np.where(np.arange(len(own)) >= half, len(other.log_probs_TC), 0)
        misplaced += int(np.count_nonzero((np.abs(words.frame_starts - places) > 25) | words.skipped))
    return f"{np.mean(skipped):12.1%} {moved:9d} {np.mean(found):12.1%} {misplaced:9d}"


def main() -> None:
    """Print the two tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="quartznet:acoustic_model")
    parser.add_argument("--cache", type=Path, default=ROOT / "bench" / "emissions")
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--inserts", type=int, default=4)
    parser.add_argument(
        "--costs", action="append", default=[], help=f"six numbers, separated by commas: {', '.join(FIELDS)}"
    )
    options = parser.parse_args()
    rows: list[tuple[str, DetourCosts | None]] = [("plain", None), ("default", DEFAULT_DETOURS)]
    for costs in options.costs:
        values = dict(zip(FIELDS, map(float, costs.split(","))))
        rows.append((costs, DetourCosts(sharpness_nats=DEFAULT_DETOURS.sharpness_nats, **values)))
    info, spoken = _read(options.model, options.cache)
    print(
        f"{'costs':24} {'>0.1 s':>9} {'>0.5 s':>9} {'mean ms':>8} {'right sk.':>9} {'true skipped':>12} "
        f"{'wrong sk':>8} {'missing':>8} {'eaten':>8}"
    )
    for name, detours in rows:
        print(f"{name:24} {corrupted_row(spoken, info, detours, options.seeds)}", flush=True)
    print(f"\n{'costs':24} {'text skipped':>12} {'misplaced':>9} {'speech found':>12} {'misplaced':>9}")
    for name, detours in rows:
        print(f"{name:24} {inserted_row(spoken, info, detours, options.inserts)}", flush=True)


if __name__ == "__main__":
    main()
