"""One chapter out of a book: aligned with its own text, and with that of the whole book, on real speech.

    python benchmarks/bench_book.py --shared ../shared --cache FOLDER [--model english]

The texts of ten readers, with about 20 % of the words wrong, between two halves of other texts are the book; each
reader's recording is aligned with it, with its own text alone, and with the book without that.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from support import corpora, quality_cases

from prep_corpus.align.errors import Infeasible
from prep_corpus.align.model.models import ModelInfo
from prep_corpus.align.text.normalize import TextOptions
from prep_corpus.align.words.aligned_text import AlignedText, align_text

OTHERS = ("common-voice", "librispeech-train-3-speakers", "an4")


def others(shared: Path) -> str:
    """Texts of other corpora, a line each."""
    lines = [
        json.loads(line).get("text", "")
        for name in OTHERS
        for line in (shared / "data" / name / "manifest.jsonl").read_text().splitlines()
    ]
    return "\n".join(filter(None, lines))


def aligned(log_probs_TC: np.ndarray, text: str, info: ModelInfo) -> tuple[AlignedText | None, float]:
    """The text's alignment, or None where it is refused, and the CPU seconds."""
    started = time.thread_time()
    try:
        found = align_text(
            log_probs_TC, text, info, language="en", options=TextOptions(), recording_id="chapter"
        )
    except Infeasible:
        return None, time.thread_time() - started
    return found, time.thread_time() - started


def said(found: AlignedText | None, start: int, end: int) -> set[tuple[int, int]]:
    """The words inside a span that are said: place after its start, first frame."""
    if found is None:
        return set()
    words = found.words
    inside = ~words.skipped & (words.char_starts >= start) & (words.char_starts < end)
    return set(zip((words.char_starts[inside] - start).tolist(), words.frame_starts[inside].tolist()))


def main() -> None:
    """Print what each recording's own text gives, and what the book gives."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--shared", type=Path, required=True)
    parser.add_argument("--cache", type=Path, required=True)
    parser.add_argument("--model", default="english")
    options = parser.parse_args()
    info, spoken = quality_cases.spoken_recordings(options.shared, options.cache, options.model, "dev-clean")
    texts = [corpora.corrupt(one.recording, seed=1).text for one in spoken]
    rest = others(options.shared)
    half = rest.index("\n", len(rest) // 2)
    aligned(spoken[0].log_probs_TC, texts[0], info)
    totals = np.zeros(6)
    for number, one in enumerate(spoken):
        book, wrong = (
            "\n\n".join([rest[:half], *chapters, rest[half:]])
            for chapters in (texts, texts[:number] + texts[number + 1 :])
        )
        own = texts[number]
        start = book.index(own)
        by_own, own_seconds = aligned(one.log_probs_TC, own, info)
        by_book, book_seconds = aligned(one.log_probs_TC, book, info)
        by_wrong, _ = aligned(one.log_probs_TC, wrong, info)
        alone = said(by_own, 0, len(own))
        both = alone & said(by_book, start, start + len(own))
        outside = len(said(by_book, 0, len(book))) - len(said(by_book, start, start + len(own)))
        totals += (len(alone), len(both), outside, own_seconds, book_seconds, by_wrong is None)
        print(
            f"{one.recording.id}: book {len(book) / len(own):.0f} times as long; {len(alone)} words said by its own "
            f"text, {len(both)} of them at the same frames by the book, {outside} of other chapters; CPU "
            f"{book_seconds / own_seconds:.2f} times; without it {'refused' if by_wrong is None else 'NOT refused'}"
        )
    words, same, outside, own_seconds, book_seconds, refused = totals.tolist()
    print(
        f"all: {same / words:.2%} of {words:.0f} words the same, {outside / words:.2%} more of other chapters; CPU "
        f"{book_seconds / own_seconds:.2f} times; {refused:.0f} of {len(spoken)} wrong books refused"
    )


if __name__ == "__main__":
    main()
