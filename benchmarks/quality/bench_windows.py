"""How much the emissions depend on where windows fall: frames that change, and word times that move.

    python benchmarks/quality/bench_windows.py [--models english quartznet:acoustic_model] [--minutes 10]

Real speech of LibriSpeech dev-clean goes through each model in windows, as in the pipeline, and whole. Counted are the
frames whose most likely symbol differs, those among them whose two best differ by over 0.1 nat, and the words of the
true text whose start or end moves by more than a frame.

Legend: T frames, W words.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

ROOT = Path(__file__).resolve().parents[2]
SHARED = Path(os.environ.get("PREP_CORPUS_SHARED", ROOT.parent / "shared"))
sys.path[:0] = [str(ROOT / "tests"), str(SHARED / "models" / "quartznet15x5")]

from support import corpora  # noqa: E402
from support.quality_cases import aligned  # noqa: E402

from prep_corpus.align.model.emissions import Emitter, WindowOptions  # noqa: E402
from prep_corpus.align.model.models import LoadedModel, load_model  # noqa: E402

SPEAKERS = ("84", "2902")
CLEAR_NATS = 0.1
TARGET_SHARE = 0.99


def emissions(
    model: LoadedModel, samples_N: NDArray[np.float32], options: WindowOptions
) -> NDArray[np.float16]:
    """Log-probs of one recording, [T, C]."""

    def fail(key: str, error: Exception) -> None:
        raise error

    emitter: Emitter[str] = Emitter(model, options)
    [(_, log_probs_TC)] = emitter.emit([("speech", [samples_N])], fail)
    return log_probs_TC


def compare(model: LoadedModel, recording: corpora.LongRecording) -> str:
    """One row."""
    windowed_TC = emissions(model, recording.audio_N, WindowOptions())
    whole_TC = emissions(model, recording.audio_N, WindowOptions(window_seconds=100_000.0))
    changed_T = windowed_TC.argmax(1) != whole_TC.argmax(1)
    top_T2 = np.sort(whole_TC.astype(np.float32), axis=1)[:, -2:]
    clear_T = changed_T & (top_T2[:, 1] - top_T2[:, 0] > CLEAR_NATS)
    text = " ".join(recording.words)
    found, wanted = (aligned(one, text, model.info)[1] for one in (windowed_TC, whole_TC))
    off_W = np.maximum(
        np.abs(found.frame_starts - wanted.frame_starts), np.abs(found.frame_ends - wanted.frame_ends)
    )
    still = float(np.mean(off_W <= 1))
    met = "" if still >= TARGET_SHARE else f"   (to reach: {TARGET_SHARE:.0%})"
    return (
        f"{len(changed_T):8} {changed_T.mean():9.3%} {int(clear_T.sum()):12} {len(off_W):7} {still:17.2%} "
        f"{int(off_W.max()):11}{met}"
    )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--models", nargs="+", default=["english", "quartznet:acoustic_model"])
    parser.add_argument("--minutes", type=float, default=10.0)
    options = parser.parse_args()
    recording = corpora.build_recording(
        SHARED / "data" / corpora.DEV_CLEAN,
        recording_id="windows",
        speakers=SPEAKERS,
        minutes=options.minutes,
    )
    print(
        f"{'model':26}{'frames':>8} {'changed':>9} {'clear ones':>12} {'words':>7} {'within one frame':>17} "
        f"{'most frames':>11}"
    )
    for name in options.models:
        print(f"{name:26}{compare(load_model(name), recording)}", flush=True)


if __name__ == "__main__":
    main()
