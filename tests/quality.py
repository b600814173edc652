"""How much good speech comes out, and how wrong its text is: the table of the cutting and the filter.

    python tests/quality.py table             what is kept, across speakers and seeds, beside the paper's recipe
    python tests/quality.py peers             what others' recipes keep of the same; `table` prints it too
    python tests/quality.py self              labels by damage to the noisy transcripts against true labels
    python tests/quality.py fit --out F.json  the bundled filter of a model, fitted on all speakers
    python tests/quality.py table --read uncovered            what the model's own words add, and how wrong they are
    python tests/quality.py table --read all --judge english  the same where a second model's agreement counts
    python tests/quality.py fit --read uncovered --out F.json the bundled filter of what a model reads
    python tests/quality.py self --read uncovered             what one promises that is fitted on what a run keeps

Long recordings of real speech with corrupted transcripts (tests/support/corpora.py); everything is fitted and
every threshold chosen on other speakers: two are left out at a time.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SHARED = Path(os.environ.get("PREP_CORPUS_SHARED", ROOT.parent / "shared"))
QUARTZNET = "quartznet:acoustic_model"

sys.path[:0] = [
    str(ROOT / "tests"),
    *(str(SHARED / "models" / name) for name in ("quartznet15x5", "quartznet-bpe")),
]

from support import (  # noqa: E402
    corpora,
    hard_cases,
    peer_recipes,
    quality_cases,
    recognition_cases,
)
from support.hard_cases import HardCase  # noqa: E402
from support.quality_judging import Corpus, cross_validated, kept_segments  # noqa: E402
from support.quality_self import self_supervised  # noqa: E402
from support.quality_tables import print_table  # noqa: E402
from support.recognition_self import self_read  # noqa: E402
from support.recognition_tables import Reading, count_readings, print_recognition_table  # noqa: E402

from prep_corpus.align.cutting.cutting import CutOptions  # noqa: E402
from prep_corpus.align.model.models import ModelInfo, load_model  # noqa: E402
from prep_corpus.align.recognition.sources import READ_MODES, READ_NOTHING  # noqa: E402
from prep_corpus.align.viterbi import viterbi  # noqa: E402
from prep_corpus.filters.fitting.allowance import ALLOWANCES, with_allowance  # noqa: E402
from prep_corpus.filters.fitting.fit import WORD_THRESHOLDS, FitOptions, Fitted, fit_filter  # noqa: E402
from prep_corpus.filters.fitting.fit_report import card  # noqa: E402
from prep_corpus.filters.fitting.fit_words import PATH_FEATURES, WORD_FEATURES  # noqa: E402
from prep_corpus.filters.fitting.recognition_report import recognition_card  # noqa: E402
from prep_corpus.filters.linear import save_filter  # noqa: E402
from prep_corpus.filters.recognition import recognition_text  # noqa: E402

ASKED = (0.005, 0.01, 0.02, 0.05)
NOT_SEEN = (
    "Text is read or normalised English speech, clean and on hard ground: noise, other voices, music, rooms, "
    "telephone, MP3, and recordings in which nobody says the text. Singing was not seen."
)
RECOGNITION_K_FRAMES = 100
"""Shortest pause, in frames, with which the curve of what a model reads is measured: what fits pick for transcripts."""
HARD_ALLOWANCES = {QUARTZNET: 1.2, "english": 2.5}
"""How wrong text may be in the worst condition of hard ground, of what is asked; of other models each fit finds it."""
FINE_THRESHOLDS = tuple(
    sorted(
        {
            *WORD_THRESHOLDS,
            *(-3.5, -2.75, -2.5, -2.25, -1.75, -1.25, -0.75, -0.625, -0.375),
            *(-0.125, 0.125, 0.25, 0.375, 0.625, 0.75, 1.25),
        }
    )
)
"""What is lost by the steps between word thresholds is a third of a point with the bundled model."""
GROUND_CHARGES = {QUARTZNET: 0.85, "english": 0.3}
"""What bad ground costs a word, where another price than `fit_ground.CHARGE` keeps more: at 0.5 % asked with QuartzNet,
and with the bundled model at 1 %."""


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
        word_names=(*WORD_FEATURES, *PATH_FEATURES),
        word_thresholds=FINE_THRESHOLDS,
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
    about = f"{arguments.corpus}, {len(heard.clean)} recordings without text and with corrupted ones, and hard ground"
    judged = "" if arguments.judge is None else f"--judge {arguments.judge} "
    if judged:
        about += f", judged by {arguments.judge}"
    found = recognition_cases.fit(heard, corpus.info, options, k_frames=RECOGNITION_K_FRAMES, about=about)
    rereading = found.filter.rereading
    assert rereading is not None
    arguments.out.write_text(recognition_text(found.filter), encoding="utf-8")
    command = (
        f"python tests/quality.py fit --read uncovered {judged}--model {model} --corpus {arguments.corpus} "
        f"--out filters/{arguments.out.name}"
    )
    card_text = recognition_card(
        found,
        ([*heard.clean, *heard.hard], heard.with_texts(rereading, corpus.info)),
        f"Recognition filter {arguments.out.stem}",
        command,
    )
    arguments.out.with_suffix(".md").write_text(card_text, encoding="utf-8")


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


def options_parser() -> argparse.ArgumentParser:
    """The command line of this program."""
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
    return parser


def settings(**changes: object) -> argparse.Namespace:
    """What `build` and `cut_options` take, for benchmarks: every option as where nothing is said, but for some."""
    found = options_parser().parse_args(["table"])
    for name, value in changes.items():
        if name not in found:
            raise TypeError(f"there is no option {name}")
        setattr(found, name, value)
    return found


def main() -> None:
    """Run one measurement."""
    parser = options_parser()
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
    elif arguments.what == "self" and arguments.read != READ_NOTHING:
        self_read(corpus, options, arguments.asked, k_frames=RECOGNITION_K_FRAMES)
    elif arguments.what == "self":
        self_supervised(corpus, options, ASKED)
    else:
        print(f"{model}, frames of {1000 * corpus.info.frame_seconds:g} ms")
        print_paper(corpus)
        if arguments.what == "table":
            print_table(
                cross_validated(
                    corpus, options, arguments.asked, lambda indices: fit(corpus, indices, options, "").filter
                )
            )
        print_peers(corpus, options, arguments.asked)
    print(f"{time.perf_counter() - started:.0f} s", file=sys.stderr)


if __name__ == "__main__":
    main()
