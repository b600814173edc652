"""The promise on hard ground: recordings where nobody says the text, such stretches in speech, and every condition.

    python benchmarks/quality/bench_hard.py nobody       the bundled filters, both ways of cutting, up to 5 % asked
    python benchmarks/quality/bench_hard.py conditions   filters fitted on other speakers, noises, voices and rooms

Emissions are kept in --cache; the first time takes half an hour for QuartzNet, some minutes for the bundled model.
"""

from __future__ import annotations

import argparse
import sys
from collections import defaultdict
from collections.abc import Sequence
from contextlib import suppress
from itertools import chain
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests")]

import numpy as np  # noqa: E402
import quality  # noqa: E402
from rapidfuzz.distance import Levenshtein  # noqa: E402
from support import corpora, hard_cases, quality_cases, recognition_cases  # noqa: E402
from support.quality_judging import kept_segments  # noqa: E402

from prep_corpus.align.cutting.cutting import CutOptions, Segment, cut_words  # noqa: E402
from prep_corpus.align.errors import UsageError  # noqa: E402
from prep_corpus.align.model.models import ModelInfo, load_model  # noqa: E402
from prep_corpus.align.words.evidence import EVIDENCE_NAMES  # noqa: E402
from prep_corpus.align.words.hearing import reading  # noqa: E402
from prep_corpus.filters.fitting.cases import Case  # noqa: E402
from prep_corpus.filters.fitting.fit_recognition import recognition_case  # noqa: E402
from prep_corpus.filters.fitting.measures import KeptUtterance, Tally, tally  # noqa: E402
from prep_corpus.filters.fitting.sweep import Bench  # noqa: E402
from prep_corpus.filters.fitting.texted.texted_cases import texted_case, with_text_of  # noqa: E402
from prep_corpus.filters.linear import Filter, bundled_filter  # noqa: E402
from prep_corpus.filters.recognition import RecognitionFilter, bundled_recognition_filter  # noqa: E402
from prep_corpus.filters.text_evidence import words_of_text  # noqa: E402

MODELS = {"english": "held-out", quality.QUARTZNET: "dev-clean"}
BUNDLED = {"english": "english", quality.QUARTZNET: "quartznet"}
OTHER_TEXTS = "librispeech-train-3-speakers"
AGREEMENTS = (0.0, 0.5, 0.7, 0.8, 0.85, 0.9, 0.92, 0.94, 0.96, 0.97, 0.98, 0.99, 1.0)


def kept(case: Case, fitted: Filter, cut: str, max_wer: float, options: CutOptions) -> list[Segment]:
    """The utterances of a case that a filter keeps; none where it cannot promise so much."""
    with suppress(UsageError):
        return kept_segments(Bench(cases=[case], options=options), fitted, cut, max_wer)
    return []


def false_words(case: Case, segments: Sequence[Segment], *, where: range | None = None) -> int:
    """Words of the text in kept utterances, all or those in a range."""
    words = [w for s in segments for a, b in s.spoken_ranges() for w in range(a, b)]
    return sum(where is None or w in where for w in words)


def words_read(
    case: Case,
    info: ModelInfo,
    reader: RecognitionFilter,
    max_wer: float,
    options: CutOptions,
    *,
    has_text: bool,
) -> int:
    """Words that the model hears in kept utterances of a recording in which nobody speaks."""
    heard = recognition_case(
        case.log_probs_TC, case.seen, case.levels, info, (), np.zeros(0), group=case.group
    )
    level = reader.alone
    if has_text and reader.with_text is not None and reader.rereading is not None:
        level = reader.with_text
        text = words_of_text(case.words, case.texts, case.tokens_L, info)
        heard = with_text_of(texted_case(heard, text, info), reader.rereading, info)
    with suppress(UsageError):
        # All of them are too many.
        return recognition_cases.read(heard, level, max_wer, (), options, reader.k_frames).edits
    return 0


def nobody(model_name: str, cache: Path, each: int) -> None:
    """Print how much is kept of texts that nobody says."""
    model = load_model(model_name)
    options = CutOptions(stride_samples=model.info.stride_samples, sample_rate_hz=model.info.sample_rate_hz)
    fitted = bundled_filter(BUNDLED[model_name])
    utterances = quality_cases.CORPORA[MODELS[model_name]](quality.SHARED)
    texts = [u.words for u in corpora.read_corpus(quality.SHARED / "data" / OTHER_TEXTS)]
    _, spoken = quality_cases.spoken_recordings(quality.SHARED, cache, model_name, MODELS[model_name])
    times = quality_cases.word_times(spoken, model.info)
    recordings = chain(
        hard_cases.nobody_hard(quality.SHARED, texts, each=each, purpose="bench"),
        hard_cases.spliced_hard(quality.SHARED, utterances, texts, each=1, purpose="bench"),
    )
    found: dict[tuple[str, str, float], dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
    reader = bundled_recognition_filter(model.info.digest)
    for one in recordings:
        hard = hard_cases.hard_case(one, model, cache / "hard", times)
        kinds = one.transcript.kinds
        place = [w for w, kind in enumerate(kinds) if kind == "spliced"]
        where = range(place[0], place[-1] + 1) if place else None
        for cut in ("words", "paper"):
            for max_wer in quality.ASKED:
                segments = kept(hard.case, fitted, cut, max_wer, options)
                count = false_words(hard.case, segments, where=where)
                found[one.what, cut, max_wer][one.condition].append(count)
        if (
            reader is not None
            and one.what == hard_cases.NOBODY
            and one.condition != recognition_cases.OTHER_SPEECH
        ):
            for name, has_text in (("no text, read", False), ("beside the text, read", True)):
                for max_wer in quality.ASKED:
                    count = words_read(hard.case, model.info, reader, max_wer, options, has_text=has_text)
                    found[one.what, name, max_wer][one.condition].append(count)
    print(f"\n{model_name}\n\n| | cut | asked | recordings | of them with a word kept | words kept | in |")
    print("|---|---|---|---|---|---|---|")
    for (what, cut, max_wer), by_kind in found.items():
        counts = [count for each_kind in by_kind.values() for count in each_kind]
        where_kept = ", ".join(f"{kind} {sum(c)}" for kind, c in by_kind.items() if any(c))
        print(
            f"| {what} | {cut} | {max_wer:.1%} | {len(counts)} | {sum(count > 0 for count in counts)} "
            f"| {sum(counts)} | {where_kept} |"
        )


def agreeing(case: Case, segments: Sequence[Segment], share: float) -> list[Segment]:
    """Utterances of whose tokens the greedy decoding of their frames has at least a share, insertions taken off."""
    read = reading(case.seen)
    found = []
    for segment in segments:
        inside = (read.places >= segment.frame_start) & (read.places < segment.frame_end)
        wanted = [
            int(token)
            for a, b in segment.spoken_ranges()
            for w in range(a, b)
            for token in case.tokens_L[case.words.token_starts[w] : case.words.token_ends[w]]
        ]
        edits = Levenshtein.distance(wanted, read.symbols[inside].tolist())
        if 1 - edits / max(len(wanted), 1) >= share:
            found.append(segment)
    return found


def agreed_words(case: Case, share: float, k_frames: int, options: CutOptions) -> list[Segment]:
    """Utterances cut around the words of whose tokens the greedy decoding has less than a share."""
    read, besides = (case.evidence_WF[:, EVIDENCE_NAMES.index(name)] for name in ("read", "read_besides"))
    cuts = cut_words(
        case.seen,
        case.words,
        read - besides >= share,
        k_frames=k_frames,
        options=options,
        levels=case.levels,
    )
    return [segment for segment in cuts.segments if not segment.reason]


def counted(case: Case, segments: Sequence[Segment], rate_hz: int) -> Tally:
    """What some utterances of a case hold."""
    utterances = [
        KeptUtterance(
            start_seconds=s.sample_start / rate_hz,
            end_seconds=s.sample_end / rate_hz,
            words=tuple(case.texts[w] for a, b in s.spoken_ranges() for w in range(a, b)),
        )
        for s in segments
    ]
    return tally(utterances, case.true_texts, case.true_middles_V, right_W=case.true_right_V)


def named(hard: hard_cases.HardCase) -> str:
    """What a row is called: the condition of speech, or what a text that nobody says stands on in its midst."""
    return f"{hard.what}: {hard.condition}" if hard.what == hard_cases.SPLICED else hard.condition


def conditions(arguments: argparse.Namespace) -> None:
    """Print what each condition keeps, with filters fitted on other speakers, noises, voices and rooms."""
    corpus = quality.build(arguments, arguments.model)
    options = quality.cut_options(corpus.info, arguments)
    speakers = sorted({case.group for case in corpus.cases})
    promised: dict[tuple[str, float], Tally] = defaultdict(Tally)
    rival: dict[tuple[str, str, float], Tally] = defaultdict(Tally)
    for fold in range(-(-len(speakers) // 2)):
        left_out = speakers[2 * fold : 2 * fold + 2]
        inside = [i for i, case in enumerate(corpus.cases) if case.group not in left_out]
        fitted = quality.fit(corpus, inside, options, "").filter
        judged = [("clean", case) for case in corpus.cases if case.group in left_out]
        judged += [(named(one), one.case) for one in corpus.hard if one.case.group in left_out]
        for condition, case in judged:
            rate = options.sample_rate_hz
            for max_wer in quality.ASKED:
                promised[condition, max_wer] += counted(
                    case, kept(case, fitted, "words", max_wer, options), rate
                )
            bench = Bench(cases=[case], options=options)
            cuts = bench.cut(0, None, 0.0, fitted.paper.k_frames)
            pieces = [s for s in cuts.segments if not s.reason]
            for share in AGREEMENTS:
                rival[condition, "utterances", share] += counted(case, agreeing(case, pieces, share), rate)
                words = agreed_words(case, share, fitted.words.k_frames, options)
                rival[condition, "words", share] += counted(case, words, rate)
        print(f"fold {fold}", file=sys.stderr, flush=True)
    print_conditions(promised, rival)


def print_conditions(
    promised: dict[tuple[str, float], Tally], rival: dict[tuple[str, str, float], Tally]
) -> None:
    """One row per condition and error rate asked for.

    Agreement is that of whole utterances or of words, whichever keeps more, its threshold looked up there.
    """
    print("| condition | asked | spoken words kept | WER | agreement with greedy recognition at that WER |")
    print("|---|---|---|---|---|")
    for (condition, max_wer), found in promised.items():
        shares = [
            other.kept_share
            for (where, _, _), other in rival.items()
            if where == condition and other.wer <= max(found.wer, 0.001)
        ]
        print(
            f"| {condition} | {max_wer:.1%} | {found.kept_share:.1%} | {found.wer:.2%} "
            f"| {max(shares, default=0.0):.1%} |"
        )


def main() -> None:
    """Run one measurement for one model or both."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=("nobody", "conditions"))
    parser.add_argument("--model", choices=tuple(MODELS), help="both where not given")
    parser.add_argument("--cache", type=Path, default=ROOT / "build" / "quality")
    parser.add_argument("--each", type=int, default=25, help="recordings of each kind in which nobody speaks")
    parser.add_argument("--seeds", type=int, default=5, help="corrupted transcripts of each recording")
    parser.add_argument("--hard-seeds", type=int, default=3, help="the same of each recording on hard ground")
    arguments = parser.parse_args()
    for model_name in (arguments.model,) if arguments.model else tuple(MODELS):
        if arguments.what == "nobody":
            nobody(model_name, arguments.cache, arguments.each)
            continue
        settings = quality.settings(
            model=model_name,
            corpus=MODELS[model_name],
            cache=arguments.cache,
            seeds=arguments.seeds,
            hard_seeds=arguments.hard_seeds,
        )
        print(f"\n{model_name}\n")
        conditions(settings)


if __name__ == "__main__":
    main()
