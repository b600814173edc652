"""One chapter out of a book, sections in another order, and another's text, on real speech.

    python benchmarks/quality/bench_book.py --shared ../shared --cache FOLDER [--model english] [--seeds 3]

The texts of ten readers have about 20 % of their words wrong, otherwise with each seed. The recording of each is
aligned and cut with the bundled filter at 5 % asked:

    own        with its own text: what the others are compared with
    book       with a text about thirty times as long, that of all readers between two halves of other texts
    chapters   with its own text as 5 sections in another order, an empty line between them
    running    likewise as 9 sections, and nothing but spaces between them
    two        with the book in which the two halves of its text stand far apart, the second first
    wrong      with the book without its own text: refused

And by five minutes of each, its text is looked for among all of them and the other texts in parts as long.
"""

from __future__ import annotations

import argparse
import itertools
import json
import random
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tests"))

from support import corpora, quality_cases
from support.quality_cases import Spoken

from prep_corpus.align.errors import Infeasible
from prep_corpus.align.model.models import ModelInfo
from prep_corpus.align.recordings import Recording
from prep_corpus.align.sections.among_texts import ManyTexts
from prep_corpus.align.sections.anchors import ReadLetters
from prep_corpus.align.text.normalize import TextOptions
from prep_corpus.align.transcripts.versions import file_span
from prep_corpus.align.words.aligned_text import read_letters
from prep_corpus.filters.linear import bundled_filter
from prep_corpus.pipeline.inputs.bundles import ProbedRecording
from prep_corpus.pipeline.stages.align import AlignedRecording, align_recording
from prep_corpus.pipeline.stages.cut_recording import SegmentOptions
from prep_corpus.pipeline.stages.emit import EmittedRecording
from prep_corpus.pipeline.stages.segment import account, segment_recording

OTHERS = ("common-voice", "librispeech-train-3-speakers", "an4")
ASKED_WER = 0.05
PAUSE_FRAMES = 15
READ_SECONDS = 300.0


def others(shared: Path) -> str:
    """Texts of other corpora, a line each."""
    lines = [
        json.loads(line).get("text", "")
        for name in OTHERS
        for line in (shared / "data" / name / "manifest.jsonl").read_text().splitlines()
    ]
    return "\n".join(filter(None, lines))


def sections(text: str, count: int) -> list[str]:
    """A text in so many parts of whole sentences."""
    sentences = text.split(". ")
    bounds = [len(sentences) * edge // count for edge in range(count + 1)]
    parts = [". ".join(sentences[a:b]) for a, b in itertools.pairwise(bounds)]
    return [part if part.endswith(".") else f"{part}." for part in parts]


def shuffled(parts: list[str], chance: random.Random) -> list[str]:
    """The parts in another order."""
    order = list(parts)
    while order == parts:
        chance.shuffle(order)
    return order


class Bench:
    """One model with the filter that goes with it."""

    def __init__(self, model: str, info: ModelInfo) -> None:
        self.info = info
        fitted = bundled_filter(model)
        point = fitted.point(ASKED_WER, cut="words")
        self._options = SegmentOptions(
            cut="words",
            filter=fitted,
            word_threshold=point.word_threshold,
            utterance_threshold=point.utterance_threshold,
            min_seconds=1.0,
            max_seconds=20.0,
            padding_seconds=0.2,
            text=TextOptions(),
            config_digest="",
        )

    def aligned(self, one: Spoken, text: str) -> tuple[AlignedRecording | None, float]:
        """The alignment, or None where the text is refused, and CPU seconds."""
        recording = Recording(id="chapter", audio_uri="chapter.flac", text=text)
        probed = ProbedRecording(recording=recording, fingerprint="", seconds=0.0)
        started = time.thread_time()
        try:
            found = align_recording(probed, self._emitted(one), self.info, TextOptions())
        except Infeasible:
            return None, time.thread_time() - started
        return found, time.thread_time() - started

    def kept(self, one: Spoken, aligned: AlignedRecording | None) -> int:
        """Words that are kept of true words: those whose middle lies in a kept utterance's audio."""
        if aligned is None:
            return 0
        emitted = self._emitted(one)
        made = segment_recording(aligned, emitted, self.info, self._options, PAUSE_FRAMES)
        account(aligned, made.cuts)
        middles_V = (one.starts_V + one.ends_V) / 2 * self.info.stride_samples
        spans = [
            (segment.sample_start, segment.sample_end) for segment in made.cuts.segments if not segment.reason
        ]
        return int(sum(((middles_V >= start) & (middles_V < end)).sum() for start, end in spans))

    def _emitted(self, one: Spoken) -> EmittedRecording:
        samples = len(one.log_probs_TC) * self.info.stride_samples
        return EmittedRecording(n_samples=samples, log_probs_TC=one.log_probs_TC, levels=one.levels)


def said(found: AlignedRecording | None, text: str, own: str) -> set[tuple[str, int]]:
    """The words that are said: the word, and its first frame; those of the own text stand where they are said to."""
    if found is None:
        return set()
    words, mine = found.words, set(own.lower().replace(".", "").replace(",", "").split())
    pairs = set()
    for w in np.flatnonzero(~words.skipped).tolist():
        source, spoken = found.probed.recording.source, found.normalized.spoken_of(w, w + 1)
        start, end = file_span(source, int(words.char_starts[w]), int(words.char_ends[w]))
        assert spoken not in mine or text[start:end].lower() == spoken
        pairs.add((spoken, int(words.frame_starts[w])))
    return pairs


def given(own: str, others_own: list[str], rest: str, seed: int) -> Iterator[tuple[str, str]]:
    """The texts that a recording is aligned with, by name."""
    chance = random.Random(f"{seed} {own[:99]}")
    half = rest.index("\n", chance.randrange(len(rest) // 4, 3 * len(rest) // 4))
    before, after = others_own[: len(others_own) // 2], others_own[len(others_own) // 2 :]
    yield "book", "\n\n".join([rest[:half], *before, own, *after, rest[half:]])
    yield "chapters", "\n\n".join(shuffled(sections(own, 5), chance))
    yield "running", " ".join(shuffled(sections(own, 9), chance))
    first, second = sections(own, 2)
    yield "two", "\n\n".join([rest[:half], second, *before, *after, first, rest[half:]])
    yield "wrong", "\n\n".join([rest[:half], *before, *after, rest[half:]])


def paired(spoken: list[Spoken], texts: list[str], rest: str, info: ModelInfo) -> tuple[int, int]:
    """How many recordings find their text among all, and how many are refused where it is not there."""
    length = len(rest) // 30
    others_too = [*texts, *(rest[at : at + length] for at in range(0, len(rest), length))]
    known = ReadLetters.of((), info.vocabulary).known
    many = ManyTexts(others_too, known)
    right = refused = 0
    for number, one in enumerate(spoken):
        read = read_letters(one.log_probs_TC[: round(READ_SECONDS / info.frame_seconds)], info)
        right += many.fit(read).numbers == (number,)
        without = ManyTexts(others_too[:number] + others_too[number + 1 :], known)
        refused += not without.fit(read).is_clear
    return right, refused


def main() -> None:
    """Print what each recording's own text gives, and what the others give."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--shared", type=Path, required=True)
    parser.add_argument("--cache", type=Path, required=True)
    parser.add_argument("--model", default="english")
    parser.add_argument("--seeds", type=int, default=3)
    options = parser.parse_args()
    info, spoken = quality_cases.spoken_recordings(options.shared, options.cache, options.model, "dev-clean")
    bench, rest = Bench(options.model, info), others(options.shared)
    bench.aligned(spoken[0], " ".join(spoken[0].recording.words))
    for seed in range(1, options.seeds + 1):
        texts = [corpora.corrupt(one.recording, seed=seed).text for one in spoken]
        changed = 0
        totals: dict[str, np.ndarray] = {}
        worst: dict[str, float] = {}
        for number, one in enumerate(spoken):
            own = texts[number]
            by_own, own_seconds = bench.aligned(one, own)
            assert by_own is not None
            changed += by_own.order is not None
            alone, own_kept = said(by_own, own, own), bench.kept(one, by_own)
            for name, text in given(own, texts[:number] + texts[number + 1 :], rest, seed):
                found, seconds = bench.aligned(one, text)
                same = said(found, text, own)
                kept = bench.kept(one, found)
                row = (len(one.starts_V), own_kept, kept, len(alone), len(alone & same), len(same - alone),
                       own_seconds, seconds, found is None, len(text) / len(own))  # fmt: skip
                totals[name] = totals.get(name, np.zeros(len(row))) + row
                worst[name] = max(worst.get(name, -1.0), (own_kept - kept) / len(one.starts_V))
        right, refused = paired(spoken, texts, rest, info)
        print(
            f"seed {seed}: {right} of {len(spoken)} find their text among others; without it {refused} are refused"
        )
        print(f"seed {seed}: {changed} of {len(spoken)} own texts are taken in another order than theirs")
        for name, row in totals.items():
            true, own_kept, kept, words, both, more, own_seconds, seconds, refused, longer = row.tolist()
            print(
                f"seed {seed}, {name} ({longer / len(spoken):.0f} times as long): {own_kept / true:.2%} of {true:.0f} "
                f"spoken words kept by their own text, {kept / true:.2%} by this one (worst {worst[name]:.2%} less); "
                f"{both / words:.2%} of the words that are said at the same frames, {more / words:.2%} others; CPU "
                f"{seconds / own_seconds:.2f} times; {refused:.0f} of {len(spoken)} refused",
                flush=True,
            )


if __name__ == "__main__":
    main()
