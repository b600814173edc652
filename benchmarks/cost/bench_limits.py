"""What no stage besides the model can go under: the codec, and cells of the alignment; CPU seconds per hour of audio.

    python benchmarks/cost/bench_limits.py [--minutes 60]

Real speech, 16 kHz FLAC, with a corrupted transcript, and the bundled model's emissions. Beside `make bench-run` this
says how near a stage comes to its limit: segment decodes and encodes what is kept (of formats that do not seek, it
decodes all), write decodes and encodes what gets noise. Bytes through the store and the path sums of utterances are
small beside these.
"""

from __future__ import annotations

import argparse
import io
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import soundfile
from bench_run import build

from prep_corpus.align.aligner import Aligner
from prep_corpus.align.text.normalize import TextOptions
from prep_corpus.align.viterbi import search
from prep_corpus.align.viterbi.forward import rows
from prep_corpus.align.viterbi.forward.rows import Bar
from prep_corpus.align.words.aligned_text import align_text

PIECE_SECONDS = 7


def cpu_seconds(call: Callable[[], Any]) -> float:
    """CPU time of a call, the second of two."""
    call()
    before = time.process_time()
    call()
    return time.process_time() - before


def encode(samples_N: np.ndarray, rate_hz: int) -> None:
    """All of it in pieces of the length of utterances."""
    step = PIECE_SECONDS * rate_hz
    for start in range(0, len(samples_N) - step, step):
        soundfile.write(
            io.BytesIO(), samples_N[start : start + step], rate_hz, format="FLAC", subtype="PCM_16"
        )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--minutes", type=float, default=60)
    minutes = parser.parse_args().minutes
    with tempfile.TemporaryDirectory(prefix="bench-limits-") as folder:
        build(Path(folder), minutes, clips=False)
        path = Path(folder, "real.flac")
        samples_N, rate_hz = soundfile.read(path, dtype="int16")
        hours = len(samples_N) / rate_hz / 3600
        print(f"{hours:.3f} hours; CPU seconds per hour")
        print(f"decode FLAC     {cpu_seconds(lambda: soundfile.read(path, dtype='float32')) / hours:8.2f}")
        print(f"encode FLAC     {cpu_seconds(lambda: encode(samples_N, rate_hz)) / hours:8.2f}")
        text = _text_of(Path(folder, "manifest.jsonl"))
        aligner = Aligner("english", device="cpu")
        _, log_probs_TC, info = aligner._emissions(
            str(path), [(text, TextOptions())], "en", (None, None), "real", _Nothing()
        )
        followed: list[Any] = []

        def counted(trellis: Any, spacing: int, kept: Any, bar: Bar | None = None) -> bool:
            followed.append([trellis.frames * trellis.pairs] if bar is None else bar.followed_1)
            return rows.forward(trellis, spacing, kept, bar)

        def align() -> None:
            followed.clear()
            align_text(log_probs_TC, text, info, language="en", options=TextOptions(), recording_id="real")

        with mock.patch.object(search, "forward", counted):
            for name, pairs in (("all cells", 1 << 60), ("what may be best", search.NARROW_PAIRS)):
                with mock.patch.object(search, "NARROW_PAIRS", pairs):
                    seconds = cpu_seconds(align) / hours
                cells = sum(one[0] for one in followed) / hours / 1e9
                print(f"align, {name:17}{seconds:8.2f}   {cells:.2f} G cells forward per hour")


class _Nothing:
    """In place of a meter of loudness."""

    def through(self, blocks: Any) -> Any:
        return blocks


def _text_of(manifest: Path) -> str:
    import json

    return str(json.loads(manifest.read_text().splitlines()[0])["text"])


if __name__ == "__main__":
    sys.exit(main())
