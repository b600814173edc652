r"""Whether a model in pieces hears words in other pieces than its tokenizer writes them in.

    PYTHONPATH=.types:../shared/models/quartznet-bpe \
        python benchmarks/quality/bench_spellings.py [--every 12] [--shown 20]

Real speech goes through quartznet-bpe, the likeliest pieces are joined to words, and of those that stand in the text,
counted are the ones that are not spelled as the tokenizer spells them: what alignment could gain by looking for other
spellings of a word.
"""

from __future__ import annotations

import argparse
import json
import os
from collections import Counter
from difflib import SequenceMatcher
from itertools import groupby
from pathlib import Path

import numpy as np

from prep_corpus.align.audio.decode import decode
from prep_corpus.align.model.models import ModelInfo, load_model
from prep_corpus.align.text.spelling import SENTENCE_MARK, piece_spelling

ROOT = Path(__file__).resolve().parents[2]
SHARED = Path(os.environ.get("PREP_CORPUS_SHARED", ROOT.parent / "shared"))
SPEECH = SHARED / "data" / "librispeech-dev-clean"


def heard_words(log_probs_TC: np.ndarray, info: ModelInfo) -> list[tuple[str, ...]]:
    """The pieces of each word of the likeliest reading."""
    heard = [int(column) for column, _ in groupby(log_probs_TC.argmax(1)) if column != info.blank]
    words: list[list[str]] = []
    for piece in (info.vocabulary[column] for column in heard):
        if piece.startswith(SENTENCE_MARK) or not words:
            words.append([])
        words[-1].append(piece)
    return [tuple(word) for word in words]


def main() -> None:
    """Print the counts and the words."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--every", type=int, default=12, help="take every so manieth utterance")
    parser.add_argument("--shown", type=int, default=20, help="words to show")
    options = parser.parse_args()
    model = load_model("quartznet_bpe:acoustic_model")
    info = model.info
    spelling = piece_spelling(info.vocabulary, info.blank, info.tokenizer)
    right = 0
    seconds = 0.0
    others: Counter[str] = Counter()
    lines = (SPEECH / "manifest.jsonl").read_text(encoding="utf-8").splitlines()
    for entry in map(json.loads, lines[:: options.every]):
        path = SPEECH / entry["audio_filepath"]
        with path.open("rb") as file:
            blocks = list(decode(file, name=path.name, sample_rate_hz=info.sample_rate_hz))
        audio_N = np.concatenate(blocks)
        seconds += len(audio_N) / info.sample_rate_hz
        words = heard_words(model.log_probs(audio_N[None])[0], info)
        heard = ["".join(word).replace(SENTENCE_MARK, "") for word in words]
        said = entry["text"].lower().split()
        for first, _, count in SequenceMatcher(None, heard, said, autojunk=False).get_matching_blocks():
            for place in range(first, first + count):
                right += 1
                usual = tuple(info.vocabulary[column] for column, _, _ in spelling.pieces_of(heard[place]))
                if usual != words[place]:
                    others[f"{' '.join(words[place])}, not {' '.join(usual)}"] += 1
    print(
        f"{seconds / 60:.1f} minutes, {right} words heard right, {others.total()} in other pieces: "
        f"{100 * others.total() / right:.2f} %"
    )
    for shown, count in others.most_common(options.shown):
        print(f"  {count}  {shown}")


if __name__ == "__main__":
    main()
