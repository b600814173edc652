"""`prep-corpus fit-filter`: from labels, from a run's own transcripts, or from both, to one filter file."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from prep_corpus.align.cutting.cutting import CutOptions
from prep_corpus.align.errors import UsageError
from prep_corpus.align.model.models import ModelInfo
from prep_corpus.filters.fitting.cases import Case
from prep_corpus.filters.fitting.fit import FitOptions, Fitted, Given, fit_filter
from prep_corpus.filters.fitting.fit_report import card
from prep_corpus.filters.fitting.sweep import Bench
from prep_corpus.filters.labels.label_file import LabelSet
from prep_corpus.filters.linear import filter_text
from prep_corpus.jobs.config import config_of
from prep_corpus.jobs.own_filter.fit_plot import plot_fit
from prep_corpus.jobs.own_filter.plots import NO_PLOT, rendered
from prep_corpus.jobs.own_filter.read_fitting import fit_reading, read_of_kept, read_of_labels, write_reading
from prep_corpus.jobs.runs.opened import open_run
from prep_corpus.jobs.runs.stage_options import judge_options, segment_options
from prep_corpus.jobs.screen.plain_text import counted
from prep_corpus.jobs.screen.printing import print_line
from prep_corpus.jobs.start.operating_point import open_filter, operating_point
from prep_corpus.pipeline.finished.fit_material import Say, draw_stretches, heard_cases
from prep_corpus.pipeline.finished.read_material import ReadMaterial
from prep_corpus.pipeline.finished.self_fit import damaged_cases, data_digest
from prep_corpus.pipeline.finished.stored_run import FinishedRun, stored_bundles
from prep_corpus.pipeline.storage import files
from prep_corpus.pipeline.storage.writing import write_atomic


@dataclass(frozen=True, kw_only=True)
class FitRequest:
    """What to fit on, by the names of the command's options; `labelled` is what the files of `labels` hold."""

    labels: tuple[str, ...]
    labelled: LabelSet | None
    self_supervised: str | None
    run: str | None
    out: str
    read_out: str | None
    plot: str | None
    hours: float
    max_wer: float
    seed: int


@dataclass(frozen=True, kw_only=True)
class LabelledCases:
    """Labelled cases of one run or of two of the same model.

    Attributes:
        cases: of people's labels, of damage, or both.
        info: of the model.
        run: whose settings shape the utterances.
        description: what the cases are, in words.
        options: of the fit.
        given: what is taken over from the labelled run's filter.
        read: what the model hears where words are known, and what that is; None where it is not asked for.
    """

    cases: list[Case]
    info: ModelInfo
    run: FinishedRun
    description: str
    options: FitOptions
    given: Given | None
    read: tuple[ReadMaterial, str] | None


def execute(request: FitRequest, *, quiet: bool) -> None:
    """Fit, write the filter with its card and plot, and print the card.

    Raises:
        UsageError: the material does not suffice.
    """
    console = Console(stderr=True, quiet=quiet)

    def say(line: str) -> None:
        print_line(console, line)

    out = Path(request.out)
    material = gather(request, say)
    say(f"fitting on {len(material.cases)} pieces of {len({case.group for case in material.cases})} groups")
    fitted = fit_filter(
        Bench(cases=material.cases, options=cut_options(material.run, material.info)),
        material.options,
        model_digest=material.info.digest,
        frame_seconds=material.info.frame_seconds,
        fitted_on=material.description,
        data_digest=data_digest(material.cases),
        given=material.given,
    )
    out.parent.mkdir(parents=True, exist_ok=True)
    text = card(
        fitted, f"Filter {out.stem}", _command(request), max_wer=request.max_wer, notes=_notes(material)
    )
    out.with_suffix(".md").write_text(text, encoding="utf-8")
    plotted = _plot(fitted, request, out)
    # Last, so that there is a card to every filter.
    data = filter_text(fitted.filter).encode()
    write_atomic(str(out), lambda file: file.write(data), replace=True)
    print_line(Console(quiet=quiet), text)
    say(f"{out}, its card {out.with_suffix('.md')}; {plotted}")
    if material.read is not None and request.read_out is not None:
        read, about = material.read
        say(f"fitting what the model reads on {len(read.alone)} utterances")
        reading = fit_reading(
            read, about, cut_options(material.run, material.info), k_frames=material.run.k_frames
        )
        read_out = Path(request.read_out)
        text = write_reading(reading, read, read_out, _command(request))
        print_line(Console(quiet=quiet), text)
        say(f"{read_out}, its card {read_out.with_suffix('.md')}: for run --read, by --read-filter")


def gather(request: FitRequest, say: Say) -> LabelledCases:
    """The labelled cases that a request names.

    Raises:
        UsageError: labels and runs do not belong together.
    """
    cases: list[Case] = []
    parts: list[str] = []
    info: ModelInfo | None = None
    run: FinishedRun | None = None
    given: Given | None = None
    read: tuple[ReadMaterial, str] | None = None
    good_wer, k_frames, covers_all = FitOptions().good_wer, None, False
    if (labels := request.labelled) is not None:
        run = labelled_run(labels, request.run)
        cases, info = heard_cases(run, labels.utterances, say)
        if request.read_out is not None:
            read = read_of_labels(run, labels.utterances, say)
        good_wer, k_frames, covers_all = labels.threshold, run.k_frames, labels.cut == "paper"
        parts.append(f"{counted(len(cases), 'utterance')} that people labelled, cut by --cut {labels.cut}")
        if labels.cut == "words" and request.self_supervised is None:
            given = given_by(run, say)
    if request.self_supervised is not None:
        own = open_run(request.self_supervised).stored()
        if run is not None and own.published.model_digest != run.published.model_digest:
            raise UsageError(
                f"a filter is fitted for one model: the labels are of {run.published.model_digest}, "
                f"{request.self_supervised} of {own.published.model_digest}"
            )
        if request.read_out is not None and read is None:
            read = read_of_kept(own, hours=request.hours, seed=request.seed, say=say)
        drawn = draw_stretches(own, hours=request.hours, seed=request.seed, say=say)
        damaged = damaged_cases(drawn, cut_options(own, drawn.info), request.seed, say)
        cases, info, run = [*cases, *damaged], drawn.info, run or own
        parts.append(
            f"{drawn.seconds / 3600:.2f} of {drawn.total_seconds / 3600:.2f} hours, their own transcripts damaged at "
            "known places"
        )
    assert run is not None
    assert info is not None
    options = FitOptions(
        target_seconds=float(run.settings.get("target_duration_seconds", 7.0)),
        # Of two rules for what is good, the stricter.
        good_wer=good_wer if request.self_supervised is None else min(good_wer, FitOptions().good_wer),
        seed=request.seed,
        # Labelled utterances are cut already: the pauses between them are not there to choose k by.
        k_frames=k_frames if request.self_supervised is None else None,
        heard_covers_all=covers_all,
    )
    return LabelledCases(
        cases=cases,
        info=info,
        run=run,
        description=" and ".join(parts),
        options=options,
        given=given,
        read=read,
    )


def labelled_run(labels: LabelSet, moved_to: str | None) -> FinishedRun:
    """The run that was labelled, as it was then.

    Raises:
        UsageError: it is not there, or has been made anew with other settings.
    """
    folder = moved_to or labels.run
    if not files.exists(folder):
        raise UsageError(
            f"the labelled run was {labels.run}, and nothing is at {folder}; --run names where it is now"
        )
    run = open_run(folder).stored()
    found = (run.published.model_digest, run.published.config_digest or "")
    if found != (labels.model_digest, labels.config_digest):
        raise UsageError(
            f"labels belong to a run as it was: {folder} has model {found[0]} and settings {found[1]} now, the labels "
            f"{labels.model_digest} and {labels.config_digest}"
        )
    return run


def given_by(run: FinishedRun, say: Say) -> Given:
    """The word classifier whose verdicts shaped a run with `--cut words`: labels of it know nothing of other words.

    Raises:
        UsageError: the run's filter is not there any more, or has changed.
    """
    config = config_of(run.settings, out=run.folder)
    advice = (
        "fit with --self-supervised besides, or label a run with --cut paper, whose labels are of all words"
    )
    try:
        info = next(stored_bundles(run)).model()
        fitted = open_filter(config, info, None)
        judge = judge_options(config, info, config.device)
    except UsageError as error:
        raise UsageError(
            f"{run.folder} was cut with a filter that is needed here: {error}; or {advice}"
        ) from error
    point = operating_point(config, fitted, None)
    if segment_options(config, info, fitted, point, judge).config_digest != run.published.config_digest:
        raise UsageError(
            f"the filter {config.filter or 'made for the model'} is not the one that {run.folder} was cut with "
            f"any more; {advice}"
        )
    say(
        f"the run was cut around words that its filter took for unspoken (log-odds under {point.word_threshold:g}), "
        "and nobody has heard those: its word classifier is kept, no lower threshold is offered, and the part for "
        f"--cut paper stays as it is. To fit these too, {advice}"
    )
    return Given(
        word=fitted.word,
        word_threshold=point.word_threshold,
        paper=fitted.paper,
        guard=fitted.guard,
        ground=fitted.ground,
        lacking=fitted.lacking,
    )


def cut_options(run: FinishedRun, info: ModelInfo) -> CutOptions:
    """How the run's utterances were shaped."""
    defaults = CutOptions(stride_samples=info.stride_samples, sample_rate_hz=info.sample_rate_hz)
    settings = run.settings
    return CutOptions(
        stride_samples=info.stride_samples,
        sample_rate_hz=info.sample_rate_hz,
        min_seconds=float(settings.get("min_duration_seconds", defaults.min_seconds)),
        max_seconds=float(settings.get("max_duration_seconds", defaults.max_seconds)),
        padding_seconds=float(settings.get("padding_seconds", defaults.padding_seconds)),
    )


def _notes(material: LabelledCases) -> list[str]:
    cases = material.cases
    known = sum(int(case.known_W.sum()) for case in cases)
    wrong = sum(int((case.known_W & ~case.right_W).sum()) for case in cases)
    groups = len({case.group for case in cases})
    notes = [
        f"{groups} speakers or recordings, held out in {min(material.options.folds, groups)} parts; {known} words with "
        f"labels, {wrong} of them wrong.",
        f"Good utterances have at most {material.options.good_wer:.1%} wrong words.",
    ]
    if material.given is not None:
        notes.append(
            "The word classifier and the part for `--cut paper` are those of the labelled run's filter."
        )
    return notes


def _command(request: FitRequest) -> str:
    words = ["prep-corpus fit-filter", *(os.path.basename(name) for name in request.labels)]
    if request.self_supervised is not None:
        words += [
            "--self-supervised",
            os.path.basename(request.self_supervised.rstrip("/")),
            f"--hours {request.hours:g}",
        ]
    words += [f"--seed {request.seed}", "--out", os.path.basename(request.out)]
    if request.read_out is not None:
        words += ["--read-out", os.path.basename(request.read_out)]
    return " ".join(words)


def _plot(fitted: Fitted, request: FitRequest, out: Path) -> str:
    name = request.plot or str(out.with_suffix(".svg"))
    figure = plot_fit(fitted, f"Filter {out.stem}", request.max_wer)
    if figure is None:
        return NO_PLOT
    data = rendered(figure, name)
    files.write_atomic(name, lambda file: file.write(data), replace=True)
    return f"plot {name}"
