"""What aligning an hour costs with a model in characters and with one in pieces of words.

    python benchmarks/alignment/bench_pieces.py [--minutes 60] [--rounds 7] [--profile]

The same text is planted into emissions of both: characters with frames of 20 ms, and the 256 pieces of quartznet-bpe
with frames of 80 ms (../shared/models/quartznet-bpe). Measured is what the stage does for a recording: text, tokens,
alignment, words and evidence. One thread; rounds of one and the other in turn, and of each its median.
"""

from __future__ import annotations

import argparse
import cProfile
import json
import os
import pstats
import sys
import time
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
SHARED = Path(os.environ.get("PREP_CORPUS_SHARED", ROOT.parent / "shared"))
sys.path.insert(0, str(ROOT / "tests"))

from support import planted  # noqa: E402

from prep_corpus.align.model.models import ModelInfo  # noqa: E402
from prep_corpus.align.text.normalize import TextOptions, normalize  # noqa: E402
from prep_corpus.align.words.aligned_text import align_best  # noqa: E402

WORDS_PER_MINUTE = 110
"""A slow reader: the planting wants two frames for each token."""
CHARACTERS = "characters, 20 ms"
PIECES = "256 pieces, 80 ms"


def infos() -> dict[str, ModelInfo]:
    """The two models, without their weights."""
    letters = (" ", *"abcdefghijklmnopqrstuvwxyz'", "<blank>")
    document = (SHARED / "models" / "quartznet-bpe" / "tokenizer.json").read_text(encoding="utf-8")
    numbers = json.loads(document)["model"]["vocab"]
    pieces = (*sorted(numbers, key=numbers.get), "<blank>")
    common = {"sample_rate_hz": 16_000, "case": "lower", "digest": "planted"}
    return {
        CHARACTERS: ModelInfo(**common, stride_samples=320, vocabulary=letters, blank=28, word_delimiter=" "),
        PIECES: ModelInfo(
            **common,
            stride_samples=1280,
            vocabulary=pieces,
            blank=len(pieces) - 1,
            word_delimiter=None,
            tokenizer=document,
        ),
    }


def words(count: int) -> list[str]:
    """Words as often as in the transcripts of real speech."""
    manifest = SHARED / "data" / "librispeech-dev-clean" / "manifest.jsonl"
    said = " ".join(json.loads(line)["text"] for line in manifest.read_text(encoding="utf-8").splitlines())
    return list(np.resize(said.lower().split(), count))


def emissions(info: ModelInfo, text: str, seconds: float) -> np.ndarray:
    """float16 [T, C] log-probs in which a text is said."""
    spelled = info.spell(normalize(text, alphabet=info.alphabet))
    frames = round(seconds / info.frame_seconds)
    # The planting has its blank first.
    order = np.roll(np.arange(len(info.vocabulary)), 1)
    place_C = np.argsort(order)
    said = planted.plant(
        place_C[spelled.tokens_L].astype(np.int32),
        np.random.default_rng(0),
        frames=frames,
        classes=len(info.vocabulary),
    )
    return np.ascontiguousarray(said.log_probs_TC[:, place_C])


def aligned(info: ModelInfo, log_probs_TC: np.ndarray, text: str, *, profiled: bool = False) -> float:
    """CPU seconds of one alignment."""
    profile = cProfile.Profile()
    began = time.process_time()
    if profiled:
        profile.enable()
    align_best(log_probs_TC, [(text, TextOptions())], info, language="en", recording_id="planted")
    profile.disable()
    spent = time.process_time() - began
    if profiled:
        pstats.Stats(profile).sort_stats("cumulative").print_stats(30)
    return spent


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--profile", action="store_true", help="print where the time of one more round goes")
    options = parser.parse_args()
    text = " ".join(words(round(options.minutes * WORDS_PER_MINUTE)))
    models = infos()
    said = {name: emissions(info, text, options.minutes * 60) for name, info in models.items()}
    spent: dict[str, list[float]] = {name: [] for name in models}
    # The first round compiles.
    for number in range(1 + options.rounds):
        for name, info in models.items():
            seconds = aligned(info, said[name], text)
            if number:
                spent[name].append(seconds)
    print(f"{'model':22}{'tokens':>8}{'frames':>9}{'CPU s':>9}{'of it':>7}  from to")
    first = float(np.median(spent[CHARACTERS]))
    for name, info in models.items():
        seconds = float(np.median(spent[name]))
        tokens = len(info.spell(normalize(text, alphabet=info.alphabet)).tokens_L)
        print(
            f"{name:22}{tokens:8}{len(said[name]):9}{seconds:9.2f}{seconds / first:7.0%}"
            f"  {min(spent[name]):.2f} {max(spent[name]):.2f}"
        )
    if options.profile:
        for name, info in models.items():
            print(name)
            aligned(info, said[name], text, profiled=True)


if __name__ == "__main__":
    main()
