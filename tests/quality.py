"""How much good speech comes out, and how wrong its text is: the table of the cutting and the filter.

    python tests/quality.py table             what is kept, across speakers and seeds, beside the paper's recipe
    python tests/quality.py peers             what others' recipes keep of the same; `table` prints it too
    python tests/quality.py self              labels by damage to the noisy transcripts against true labels
    python tests/quality.py fit --out F.json  the bundled filter of a model, fitted on all speakers
    python tests/quality.py table --read uncovered            what the model's own words add, and how wrong they are
    python tests/quality.py table --read all --judge english  the same where a second model's agreement counts
    python tests/quality.py fit --read uncovered --out F.json the bundled filter of what a model reads

Long recordings of real speech with corrupted transcripts (tests/support/corpora.py); everything is fitted and
every threshold chosen on other speakers: two are left out at a time.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SHARED = Path(os.environ.get("PREP_CORPUS_SHARED", ROOT.parent / "shared"))
QUARTZNET = "quartznet:acoustic_model"

sys.path[:0] = [
    str(ROOT / "tests"),
    *(str(SHARED / "models" / name) for name in ("quartznet15x5", "quartznet-bpe")),
]

import numpy as np  # noqa: E402
from support import (  # noqa: E402
    corpora,
    hard_cases,
    peer_recipes,
    quality_cases,
    recognition_cases,
)
from support.hard_cases import HardCase  # noqa: E402
from support.quality_tables import NO_FILTER, Judged, print_table  # noqa: E402
from support.recognition_tables import Reading, count_readings, print_recognition_table  # noqa: E402

from prep_corpus.align.cutting.cutting import CutOptions, Segment  # noqa: E402
from prep_corpus.align.errors import UsageError  # noqa: E402
from prep_corpus.align.model.models import ModelInfo, load_model  # noqa: E402
from prep_corpus.align.recognition.sources import READ_MODES, READ_NOTHING  # noqa: E402
from prep_corpus.align.viterbi import viterbi  # noqa: E402
from prep_corpus.filters.fitting.allowance import ALLOWANCES, with_allowance  # noqa: E402
from prep_corpus.filters.fitting.cases import Case, Damage  # noqa: E402
from prep_corpus.filters.fitting.fit import WORD_THRESHOLDS, FitOptions, Fitted, fit_filter  # noqa: E402
from prep_corpus.filters.fitting.fit_report import card  # noqa: E402
from prep_corpus.filters.fitting.measures import Tally, tally  # noqa: E402
from prep_corpus.filters.fitting.recognition_report import recognition_card  # noqa: E402
from prep_corpus.filters.fitting.self_labels import self_labelled  # noqa: E402
from prep_corpus.filters.fitting.sweep import Bench, DoubleArray, count_outcomes, kept_utterance  # noqa: E402
from prep_corpus.filters.linear import Filter, save_filter  # noqa: E402
from prep_corpus.filters.recognition import recognition_text  # noqa: E402
from prep_corpus.filters.scoring import heard_words, judged_scores, own_scores, score_words, worth  # noqa: E402

ASKED = (0.005, 0.01, 0.02, 0.05)
NOT_SEEN = (
    "Text is read or normalised English speech, clean and on hard ground: noise, other voices, music, rooms, "
    "telephone, MP3, and recordings in which nobody says the text. Singing was not seen."
)
RECOGNITION_K_FRAMES = 100
"""Shortest pause, in frames, with which the curve of what a model reads is measured: what fits pick for transcripts."""
HARD_ALLOWANCES = {QUARTZNET: 1.2, "english": 2.5}
"""How wrong text may be in the worst condition of hard ground, of what is asked; of other models each fit finds it."""
GROUND_CHARGES = {QUARTZNET: 0.85}
"""What bad ground costs a word, where another price than `fit_ground.CHARGE` keeps more at 0.5 % asked."""


@dataclass(frozen=True, kw_only=True)
class Corpus:
    """Labelled cases of all speakers and seeds.

    Attributes:
        info: of the model.
        cases: speaker by speaker, seed by seed.
        seeds: of each case.
        sentences: of each case's transcript, as ranges of its words.
        hard: the same recordings' speech on hard ground, and recordings where nobody speaks.
        hard_allowance: see `FitOptions`; None where each fit finds it.
        ground_charge: see `FitOptions`.
        heard: the same recordings as the model hears them without text; None where that is not asked for.
        judged: they, with what a judge hears; None without one.
        judge_to_fit: they, with another judge, of which recognition filters are fitted; None where it is the same one.
    """

    info: ModelInfo
    cases: list[Case]
    seeds: list[int]
    sentences: list[list[tuple[int, int]]]
    hard: list[HardCase]
    hard_allowance: float | None
    ground_charge: float
    heard: recognition_cases.Recognised | None = None
    judged: recognition_cases.Recognised | None = None
    judge_to_fit: recognition_cases.Recognised | None = None

    def hard_without(self, groups: Collection[str]) -> list[Case]:
        """The hard cases that have nothing in common with some recordings: no speaker, noise, voice or room."""
        folds = {one.fold for one in self.hard if one.case.group in groups}
        return [one.case for one in self.hard if one.fold not in folds and one.case.group not in groups]

    def apart(self) -> dict[str, int]:
        """The fold of each group: what shares noise, voices, languages or rooms is in one."""
        return {one.case.group: one.fold for one in self.hard}

    def bench(self, indices: Sequence[int], options: CutOptions) -> Bench:
        """Some of the cases, ready to be cut."""
        return Bench(cases=[self.cases[i] for i in indices], options=options)


def build(arguments: argparse.Namespace, model: str, *, with_hard: bool = True) -> Corpus:
    """Recordings, emissions, corrupted transcripts, alignments; and the same on hard ground."""
    info, spoken = quality_cases.spoken_recordings(SHARED, arguments.cache, model, arguments.corpus)
    texts = [utterance.words for one in spoken for utterance in one.recording.utterances]
    detours = None if arguments.plain else viterbi.DEFAULT_DETOURS
    cases, seeds, sentences = [], [], []
    for one in spoken:
        for seed in range(arguments.seeds):
            transcript = corpora.corrupt(one.recording, seed=seed, texts=texts)
            cases.append(quality_cases.labelled(one, transcript, info, detours=detours))
            seeds.append(seed)
            sentences.append(peer_recipes.sentence_spans(transcript.text))
    hard: list[HardCase] = []
    if with_hard:
        times = quality_cases.word_times(spoken, info)
        hard = hard_cases.fit_cases(
            SHARED,
            arguments.cache / "hard",
            load_model(model),
            arguments.corpus,
            times,
            seeds=arguments.hard_seeds,
        )
    heard = judged = to_fit = None

    def as_heard(judge: str | None) -> recognition_cases.Recognised:
        return recognition_cases.recognised(
            SHARED,
            arguments.cache / "hard",
            load_model(model),
            arguments.corpus,
            spoken,
            recognition_cases.judge(SHARED, arguments.cache, judge, arguments.corpus),
        )

    if arguments.read != READ_NOTHING:
        heard = as_heard(None)
        if arguments.judge is not None:
            judged = as_heard(arguments.judge)
        if arguments.judge_to_fit is not None:
            to_fit = as_heard(arguments.judge_to_fit)
    return Corpus(
        heard=heard,
        judged=judged,
        judge_to_fit=to_fit,
        info=info,
        cases=cases,
        seeds=seeds,
        sentences=sentences,
        hard=hard,
        hard_allowance=HARD_ALLOWANCES.get(model),
        ground_charge=GROUND_CHARGES.get(model, FitOptions().ground_charge),
    )


def cut_options(info: ModelInfo, arguments: argparse.Namespace) -> CutOptions:
    """How segments are shaped in all measurements: the product's defaults."""
    options = CutOptions(stride_samples=info.stride_samples, sample_rate_hz=info.sample_rate_hz)
    changes = {
        name: value
        for name, value in (
            ("min_seconds", arguments.min_duration),
            ("edge_drop_db", arguments.edge_drop_db),
            ("bridge_mass", arguments.bridge_mass),
        )
        if value is not None
    }
    return replace(options, **changes)


def fit(corpus: Corpus, indices: Sequence[int], options: CutOptions, fitted_on: str) -> Fitted:
    """A filter from some of the cases and what is hard of them, with what cross-validation says of it."""
    bench = corpus.bench(indices, options)
    left_out = {case.group for case in corpus.cases} - {case.group for case in bench.cases}
    bench = replace(bench, cases=[*bench.cases, *corpus.hard_without(left_out)], _features={})
    allowance = ALLOWANCES[0] if corpus.hard_allowance is None else corpus.hard_allowance
    fit_options = FitOptions(
        hard_allowance=allowance,
        paper_hard_allowance=max(1.0, allowance),
        apart=corpus.apart(),
        ground_charge=corpus.ground_charge,
    )
    fitted = fit_filter(
        bench,
        fit_options,
        model_digest=corpus.info.digest,
        frame_seconds=corpus.info.frame_seconds,
        fitted_on=fitted_on,
        data_digest=quality_cases.data_digest(bench.cases),
    )
    if corpus.hard_allowance is not None or not corpus.hard:
        return fitted
    allowance, fitted = with_allowance(fitted, fit_options)
    print(f"hard ground may be {allowance:g} times as wrong as asked", file=sys.stderr, flush=True)
    return fitted


def kept_segments(bench: Bench, fitted: Filter, cut: str, max_wer: float) -> list[Segment]:
    """What a run keeps of the first case of a bench.

    Raises:
        UsageError: the filter cannot promise so low a rate.
    """
    level = fitted.level(cut)
    point = fitted.point(max_wer, cut=cut)
    evidence_WF = bench.cases[0].evidence_WF
    own_W = own_scores(evidence_WF, fitted)
    worth_W = worth(own_W, evidence_WF, fitted)
    scores_W = worth_W if cut == "words" else None
    heard_W = heard_words(evidence_WF, fitted)
    cuts = bench.cut(0, scores_W, point.word_threshold, level.k_frames, heard_W=heard_W, own_W=own_W)
    segments = [s for s in cuts.segments if not s.reason]
    own_S = level.utterance.score(bench.outcome(0, cuts).features_SF)
    scores_S = judged_scores(own_S, segments, worth_W, level, point.word_threshold)
    return [
        segment
        for segment, score in zip(segments, scores_S)
        if score >= point.utterance_threshold or max_wer == NO_FILTER
    ]


def judge(
    corpus: Corpus, index: int, fitted: Filter, cut: str, max_wer: float, options: CutOptions
) -> tuple[Tally, list[float]]:
    """Cut one case with a filter as `prep-corpus run` would, and count what is kept."""
    bench = corpus.bench([index], options)
    case = bench.cases[0]
    kept = kept_segments(bench, fitted, cut, max_wer)
    counts = tally(
        [kept_utterance(segment, case.texts, options.sample_rate_hz) for segment in kept],
        case.true_texts,
        case.true_middles_V,
        right_W=case.true_right_V,
    )
    edges = []
    window = round(0.02 * options.sample_rate_hz)
    assert case.levels is not None
    for segment in kept:
        start, end = segment.sample_start, segment.sample_end
        mean = case.levels.mean_db(start, end)
        edges += [
            case.levels.mean_db(start, start + window) - mean,
            case.levels.mean_db(end - window, end) - mean,
        ]
    return counts, edges


def cross_validated(
    corpus: Corpus, options: CutOptions, asked: Sequence[float]
) -> dict[tuple[str, float], Judged]:
    """Every way of cutting and wanted error rate, judged on two speakers at a time, fitted on the rest."""
    speakers = sorted({case.group for case in corpus.cases})
    found: dict[tuple[str, float], Judged] = {}
    for fold in range(-(-len(speakers) // 2)):
        left_out = speakers[2 * fold : 2 * fold + 2]
        inside = [i for i, case in enumerate(corpus.cases) if case.group not in left_out]
        fitted = fit(corpus, inside, options, "").filter
        print(
            f"fold {fold}: k {fitted.words.k_frames} and {fitted.paper.k_frames}", file=sys.stderr, flush=True
        )
        for cut in ("words", "paper"):
            for max_wer in asked if cut == "words" else (*asked, NO_FILTER):
                judged = found.setdefault((cut, max_wer), Judged(by_seed={}, by_fold={}, edges_db=[]))
                for i, case in enumerate(corpus.cases):
                    if case.group not in left_out:
                        continue
                    try:
                        counts, edges = judge(corpus, i, fitted, cut, max_wer, options)
                    except UsageError:
                        counts, edges = (
                            tally([], case.true_texts, case.true_middles_V, right_W=case.true_right_V),
                            [],
                        )
                    judged.add(corpus.seeds[i], fold, counts)
                    judged.edges_db += edges
    return found


def print_recognised(corpus: Corpus, options: CutOptions, asked: Sequence[float], mode: str) -> None:
    """What comes out with the model's own words, across speakers and seeds."""
    assert corpus.heard is not None
    readings = [Reading(heard=corpus.heard, fitted_on=corpus.heard)]
    if corpus.judged is not None:
        readings.append(Reading(heard=corpus.judged, fitted_on=corpus.judge_to_fit or corpus.judged))
    count_readings(
        corpus.cases,
        readings,
        corpus.info,
        options,
        asked,
        lambda indices: fit(corpus, indices, options, "").filter,
        lambda i, fitted, max_wer: kept_segments(corpus.bench([i], options), fitted, "words", max_wer),
        mode,
    )
    for reading in readings:
        print("with the judge" if reading.heard is corpus.judged else "without a judge")
        print_recognition_table(reading.counts)


def fit_recognised(corpus: Corpus, options: CutOptions, arguments: argparse.Namespace, model: str) -> None:
    """The filter of what a model reads, from all recordings, and its card."""
    heard = corpus.judged or corpus.heard
    assert heard is not None
    cases = [*heard.clean, *heard.hard]
    about = f"{arguments.corpus}, {len(heard.clean)} recordings without their texts, and hard ground"
    judged = "" if arguments.judge is None else f"--judge {arguments.judge} "
    if judged:
        about += f", judged by {arguments.judge}"
    found = recognition_cases.fit(
        heard, cases, corpus.info, options, k_frames=RECOGNITION_K_FRAMES, about=about
    )
    arguments.out.write_text(recognition_text(found.filter), encoding="utf-8")
    command = (
        f"python tests/quality.py fit --read uncovered {judged}--model {model} --corpus {arguments.corpus} "
        f"--out filters/{arguments.out.name}"
    )
    card_text = recognition_card(found, cases, f"Recognition filter {arguments.out.stem}", command)
    arguments.out.with_suffix(".md").write_text(card_text, encoding="utf-8")


def filter_from(bench: Bench, corpus: Corpus) -> Filter:
    """A filter from labelled cases, of whatever origin."""
    identity = {"model_digest": corpus.info.digest, "fitted_on": "", "data_digest": ""}
    return fit_filter(bench, FitOptions(), frame_seconds=corpus.info.frame_seconds, **identity).filter


def self_supervised(corpus: Corpus, options: CutOptions) -> None:
    """Print kept share at a true word error rate for filters from true labels and from the corpus alone."""
    speakers = sorted({case.group for case in corpus.cases})
    counts: dict[str, dict[float, DoubleArray]] = {"true labels": {}, "self-supervised": {}}
    promises: dict[str, dict[float, Tally]] = {name: {} for name in counts}
    spoken = right = 0
    for fold in range(-(-len(speakers) // 2)):
        left_out = speakers[2 * fold : 2 * fold + 2]
        inside = [i for i, case in enumerate(corpus.cases) if case.group not in left_out]
        outside = [i for i, case in enumerate(corpus.cases) if case.group in left_out]
        bench = corpus.bench(inside, options)
        bare = [quality_cases.unlabelled(corpus.cases[i], corpus.seeds[i]) for i in inside]
        cases = self_labelled(
            bare,
            lambda one, words: quality_cases.realigned(one, words, corpus.info),
            recipe=Damage(),
            seed=0,
            fit_options=FitOptions(),
            cut_options=options,
        )
        filters = {
            "true labels": filter_from(bench, corpus),
            "self-supervised": filter_from(replace(bench, cases=cases, _features={}), corpus),
        }
        held_out = corpus.bench(outside, options)
        spoken += sum(len(case.true_texts) for case in held_out.cases)
        right += sum(int(case.true_right_V.sum()) for case in held_out.cases)
        for name, fitted in filters.items():
            for threshold, found in pooled_counts(held_out, fitted).items():
                counts[name][threshold] = counts[name].get(threshold, 0) + found
            for max_wer in ASKED:
                for i in outside:
                    with suppress(UsageError):
                        judged = judge(corpus, i, fitted, "words", max_wer, options)[0]
                        promises[name][max_wer] = promises[name].get(max_wer, Tally()) + judged
        print(f"fold {fold}", file=sys.stderr, flush=True)
    print(
        "| labels | spoken words kept at 0.5 % WER | at 1 % | right words at 0.5 % | at 1 % |\n|---|---|---|---|---|"
    )
    for name, found in counts.items():
        best = [best_kept(found, row, wer) for row in (0, 1) for wer in (0.005, 0.01)]
        shares = [count / total for count, total in zip(best, (spoken, spoken, right, right))]
        print(f"| {name} | {' | '.join(f'{share:.2%}' for share in shares)} |")
    print("| labels | max-wer | WER | spoken words kept |\n|---|---|---|---|")
    for name, by_wer in promises.items():
        for max_wer, counted in by_wer.items():
            print(f"| {name} | {max_wer:.1%} | {counted.wer:.3%} | {counted.kept_share:.2%} |")


def pooled_counts(bench: Bench, fitted: Filter) -> dict[float, DoubleArray]:
    """[5, P] counts over all cases at each word threshold."""
    pooled: dict[float, DoubleArray] = {}
    for index, case in enumerate(bench.cases):
        scores_W = score_words(case.evidence_WF, fitted)
        for threshold in WORD_THRESHOLDS:
            cuts = bench.cut(index, scores_W, threshold, fitted.words.k_frames)
            outcome = bench.outcome(index, cuts)
            found = count_outcomes(outcome, fitted.words.utterance.score(outcome.features_SF))
            pooled[threshold] = pooled.get(threshold, np.zeros_like(found)) + found
    return pooled


def best_kept(counts: dict[float, DoubleArray], row: int, max_wer: float) -> float:
    """Most kept words (row 0) or right words (row 1) at a true word error rate of at most `max_wer`."""
    allowed = [np.where(found[2] <= max_wer * found[0], found[row], 0.0) for found in counts.values()]
    return float(np.max(allowed))


def print_paper(corpus: Corpus) -> None:
    """What the transcripts themselves are worth: the paper's starting point."""
    right = sum(int(case.true_right_V.sum()) for case in corpus.cases)
    spoken = sum(len(case.true_texts) for case in corpus.cases)
    wrong = sum(int((~case.right_W).sum()) for case in corpus.cases)
    print(
        f"{len(corpus.cases)} recordings; of the words spoken the text has {right / spoken:.1%} right; "
        f"{wrong / sum(len(case.texts) for case in corpus.cases):.1%} of its words are not said there"
    )


def print_peers(corpus: Corpus, options: CutOptions, asked: Sequence[float]) -> None:
    """What others' recipes keep of the same cases, with every threshold looked up on them."""
    try:
        found = peer_recipes.recipes(corpus.cases, corpus.sentences, corpus.info, options)
    except ImportError:
        print(peer_recipes.NOT_INSTALLED)
        return
    print("\n".join(peer_recipes.peer_rows(found, corpus.cases, asked)))


def main() -> None:
    """Run one measurement."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=("table", "peers", "self", "fit"))
    parser.add_argument(
        "--model", nargs="+", default=[QUARTZNET], help="several: their tables one after the other"
    )
    parser.add_argument("--cache", type=Path, default=ROOT / "build" / "quality")
    parser.add_argument(
        "--corpus",
        choices=tuple(quality_cases.CORPORA),
        default="dev-clean",
        help="held-out: what the bundled model was not trained on",
    )
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--hard-seeds", type=int, default=3, help="the same of each recording on hard ground")
    parser.add_argument("--asked", type=float, nargs="+", default=ASKED, help="word error rates, for table")
    parser.add_argument("--plain", action="store_true", help="align without skips and untranscribed speech")
    parser.add_argument("--read", choices=READ_MODES, default=READ_NOTHING, help="as for run; table and fit")
    parser.add_argument("--judge", help="a second model that hears the same; with --read")
    parser.add_argument("--judge-to-fit", help="another one, with which the filters are fitted; for table")
    parser.add_argument("--min-duration", type=float)
    parser.add_argument("--edge-drop-db", type=float)
    parser.add_argument("--bridge-mass", type=float)
    parser.add_argument("--out", type=Path, help="where fit writes the filter, and its card beside it")
    arguments = parser.parse_args()
    if arguments.what == "fit" and arguments.out is None:
        parser.error("fit needs --out FILE.json")
    for model in arguments.model:
        run(arguments, model)


def run(arguments: argparse.Namespace, model: str) -> None:
    """One measurement of one model."""
    started = time.perf_counter()
    only_read = arguments.what == "fit" and arguments.read != READ_NOTHING
    corpus = build(arguments, model, with_hard=arguments.what not in ("peers", "self") and not only_read)
    options = cut_options(corpus.info, arguments)
    print(f"cases built in {time.perf_counter() - started:.0f} s", file=sys.stderr, flush=True)
    if arguments.what == "fit" and arguments.read != READ_NOTHING:
        fit_recognised(corpus, options, arguments, model)
    elif arguments.what == "table" and arguments.read != READ_NOTHING:
        print_recognised(corpus, options, arguments.asked, arguments.read)
    elif arguments.what == "fit":
        description = (
            f"{arguments.corpus}: {len({case.group for case in corpus.cases})} recordings joined from short "
            f"utterances, {arguments.seeds} corrupted transcripts each"
        )
        fitted = fit(corpus, range(len(corpus.cases)), options, description)
        save_filter(fitted.filter, arguments.out)
        command = (
            f"python tests/quality.py fit --model {model} --corpus {arguments.corpus} --seeds {arguments.seeds} "
            f"--hard-seeds {arguments.hard_seeds} --out filters/{arguments.out.name}"
        )
        text = card(fitted, f"Filter {arguments.out.stem}", command, notes=[NOT_SEEN])
        arguments.out.with_suffix(".md").write_text(text, encoding="utf-8")
    elif arguments.what == "self":
        self_supervised(corpus, options)
    else:
        print(f"{model}, frames of {1000 * corpus.info.frame_seconds:g} ms")
        print_paper(corpus)
        if arguments.what == "table":
            print_table(cross_validated(corpus, options, arguments.asked))
        print_peers(corpus, options, arguments.asked)
    print(f"{time.perf_counter() - started:.0f} s", file=sys.stderr)


if __name__ == "__main__":
    main()
