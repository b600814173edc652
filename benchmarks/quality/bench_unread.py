"""How often a mark that nobody reads is left out, and one that is read stays, on real speech with known truth.

    python benchmarks/quality/bench_unread.py --shared ../shared --cache FOLDER [--model english]

Into the true texts of ten readers go numbers of notes after one word in 20 and at the ends of half of the sentences,
and a word in brackets after one in 30, none of which is said; the numbers that are said ("two") and one word in 30 are
put in brackets; one long word in 30 is broken by a hyphen at a line's end, and one in 40 follows such a hyphen.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tests"))

from support import quality_cases

from prep_corpus.align.text.normalize import NormalizedText, TextOptions, normalize
from prep_corpus.align.words.aligned_text import align_text

COUNTED = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
NUMBERS = {word: number for number, word in enumerate(COUNTED, start=1)}
MARK_KINDS = (
    "number that is read",
    "number that nobody reads",
    "word that is read",
    "word that nobody reads",
)


def marked(sentences: list[list[str]], choose: random.Random) -> tuple[str, list[str]]:
    """A text with marks and broken words, and the kinds of its marks in order."""
    vocabulary = [word for words in sentences for word in words]
    lines: list[str] = []
    kinds: list[str] = []
    for words in sentences:
        line: list[str] = []
        for word in words:
            draw = choose.random()
            if word in NUMBERS:
                line.append(f"({NUMBERS[word]})")
                kinds.append(MARK_KINDS[0])
            elif draw < 1 / 20:
                line.append(f"{word}[{choose.randint(1, 150)}]")
                kinds.append(MARK_KINDS[1])
            elif draw < 1 / 20 + 1 / 30:
                line.append(f"[{word}]")
                kinds.append(MARK_KINDS[2])
            elif draw < 1 / 20 + 2 / 30:
                line += [word, f"[{choose.choice(vocabulary)}]"]
                kinds.append(MARK_KINDS[3])
            elif draw < 1 / 20 + 3 / 30 and len(word) > 5 and word.isalpha():
                at = choose.randint(2, len(word) - 2)
                line.append(f"{word[:at]}-\n{word[at:]}")
            elif draw > 1 - 1 / 40 and line and line[-1].isalpha() and word.isalpha():
                line[-1] += f"-\n{word}"
            else:
                line.append(word)
        if choose.random() < 0.5:
            line.append(f"({choose.randint(1, 150)})")
            kinds.append(MARK_KINDS[1])
        lines.append(" ".join(line))
    return " ".join(lines), kinds


def _part(normalized: NormalizedText, which: int) -> tuple[str, str]:
    """The two parts of the word that a break stands in."""
    offer = normalized.offers[which]
    left = normalized.text[: offer.start].rsplit(" ", 1)[-1]
    return left, normalized.text[offer.end :].split(" ", 1)[0]


def main() -> None:
    """Print how many of each kind are left out or joined."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--shared", type=Path, required=True)
    parser.add_argument("--cache", type=Path, required=True)
    parser.add_argument("--model", default="english")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    info, spoken = quality_cases.spoken_recordings(options.shared, options.cache, options.model, "dev-clean")
    choose = random.Random(options.seed)
    total: Counter[str] = Counter()
    unread: Counter[str] = Counter()
    seconds = 0.0
    for one in spoken:
        sentences = [list(utterance.words) for utterance in one.recording.utterances]
        said = {word for words in sentences for word in words}
        text, kinds = marked(sentences, choose)
        started = time.thread_time()
        found = align_text(
            one.log_probs_TC, text, info, language="en", options=TextOptions(), recording_id=one.recording.id
        )
        seconds += time.thread_time() - started
        normalized = normalize(text, alphabet=info.alphabet, options=TextOptions())
        marks = iter(kinds)
        for which, offer in enumerate(normalized.offers):
            if offer.joins:
                left, right = _part(normalized, which)
                kind = "broken word" if left + right in said else "two words"
            else:
                kind = next(marks)
            total[kind] += 1
            unread[kind] += which in found.unread
        assert next(marks, None) is None, "every mark is offered"
    for kind in sorted(total):
        verb = "joined" if kind in ("broken word", "two words") else "left out"
        print(f"{kind}: {unread[kind]} of {total[kind]} {verb} ({unread[kind] / total[kind]:.1%})")
    print(f"{seconds:.1f} CPU seconds to align all")


if __name__ == "__main__":
    main()
