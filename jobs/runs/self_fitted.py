"""The filter that a run fits for itself, where none was fitted for its model.

    emit ─ align ─ draw stretches ─ damage their transcripts ─ align anew ─ fit        then the whole graph

The first two are the run's own stages: the graph finds their results. A filter is kept by the digest of what it depends
on, so that a run that goes on fits nothing again.
"""

from __future__ import annotations

import json
from dataclasses import replace
from functools import partial

import apache_beam as beam
from rich.console import Console

from prep_corpus.align.cutting.cutting import CutOptions
from prep_corpus.align.errors import UsageError
from prep_corpus.filters.fitting.fit_report import card
from prep_corpus.filters.linear import Filter, filter_text, parse_filter
from prep_corpus.jobs.config import DEFAULT_MAX_WER, RunConfig
from prep_corpus.jobs.runs.mending import run_mending
from prep_corpus.jobs.runs.prepare import BundledCorpus, PreparedRun
from prep_corpus.jobs.runs.stage_options import handed_to
from prep_corpus.jobs.screen import display
from prep_corpus.jobs.screen.printing import print_line
from prep_corpus.jobs.start.beam_options import pipeline_options
from prep_corpus.jobs.start.corpus import restore_bundles
from prep_corpus.jobs.start.operating_point import NoFilter
from prep_corpus.pipeline.finished import self_fit
from prep_corpus.pipeline.finished.stored_run import StoredAlignments
from prep_corpus.pipeline.run_files import FILTER_NAME, STATUS_NAME
from prep_corpus.pipeline.stages.align import Align
from prep_corpus.pipeline.stages.emit import Emit
from prep_corpus.pipeline.storage import files
from prep_corpus.pipeline.storage.digests import digest_of
from prep_corpus.pipeline.storage.stage_store import StageRef

DRAWN_HOURS = 3.0
"""More speech makes a filter hardly better, and fitting slower."""
_CARD_NAME = "filter.md"


def fit_on_corpus(prepared: PreparedRun, bundled: BundledCorpus, *, quiet: bool) -> Filter:
    """The filter of a run's own corpus, fitted now or found.

    Raises:
        NoFilter: there is not enough speech to fit one; nothing is promised then.
    """
    config, console = prepared.config, prepared.console
    if bundled.corpus.audio_seconds < self_fit.LEAST_SECONDS:
        raise _too_little(
            config,
            f"there must be {self_fit.LEAST_SECONDS / 60:.0f} minutes to fit one on, "
            f"and the corpus has {bundled.corpus.audio_seconds / 60:.1f}",
        )
    print_line(
        console,
        f"no filter was fitted for the model {config.model}: one is fitted on the corpus itself, with its own "
        "transcripts damaged at known places",
    )
    corpus = StoredAlignments(
        folder=config.out,
        store=prepared.store,
        text_options=prepared.emit.text,
        alignments=_aligned(prepared, bundled, quiet=quiet),
    )
    fitted = _found_or_fitted(prepared, corpus, console)
    _say_promise(config, fitted, console)
    return fitted


def _aligned(prepared: PreparedRun, bundled: BundledCorpus, *, quiet: bool) -> tuple[StageRef, ...]:
    """Emit and align the corpus; references in the order of its bundles."""
    config = prepared.config
    emit, listing = prepared.emit, files.join(config.work, "filters", "aligned.json")
    bundles_uri, work = bundled.bundles_uri, config.work

    def make() -> beam.Pipeline:
        pipeline = beam.Pipeline(options=pipeline_options(config))
        _ = (
            pipeline
            | beam.Create([bundles_uri])
            | beam.FlatMap(lambda uri: files.read_bytes(uri).decode().split())
            | beam.Reshuffle()
            | Emit(work, emit)
            | Align(work, emit.text, config.workers)
            | "References" >> beam.Map(list)
            | beam.combiners.ToList()
            | beam.Map(lambda refs: _write(listing, json.dumps(sorted(refs))))
        )
        return pipeline

    work_shown = replace(bundled.work, stages=("emit", "align"))
    status_uri = files.join(config.out, STATUS_NAME)
    console = prepared.console or Console(stderr=True, quiet=True)
    with display.shown_progress(work_shown, status_uri, quiet=quiet, console=console):
        run_mending(make, partial(restore_bundles, config, prepared.store), prepared.console)
    found = {ref.bundle: ref for ref in (StageRef(*one) for one in json.loads(files.read_bytes(listing)))}
    return tuple(found[bundle] for bundle in bundled.corpus.bundles)


def _found_or_fitted(prepared: PreparedRun, corpus: StoredAlignments, console: Console | None) -> Filter:
    config, info = prepared.config, prepared.model.info
    cut = CutOptions(
        stride_samples=info.stride_samples,
        sample_rate_hz=info.sample_rate_hz,
        **{name: value for name, value in handed_to(config, "segment").items() if name in _CUT_FIELDS},
    )
    identity = digest_of(
        "own filter",
        self_fit.VERSION,
        [ref.content for ref in corpus.alignments],
        (DRAWN_HOURS, config.seed, config.target_duration_seconds),
        [getattr(cut, name) for name in _CUT_FIELDS],
    )
    kept = files.join(config.work, "filters", f"{identity}.json")
    kept_card = kept.removesuffix(".json") + ".md"

    def say(line: str) -> None:
        print_line(console, line)

    if not files.exists(kept):
        try:
            made = self_fit.fit_itself(
                corpus,
                hours=DRAWN_HOURS,
                seed=config.seed,
                target_seconds=config.target_duration_seconds,
                cut=cut,
                say=say,
            )
        except UsageError as error:
            raise _too_little(config, str(error)) from error
        notes = [
            f"{made.groups} speakers or recordings, held out in turn; {made.words} words with labels, "
            f"{made.false_words} of them wrong.",
        ]
        command = f"prep-corpus run --model {config.model} --seed {config.seed}"
        title = "The filter that this run has fitted on its own corpus"
        _write(kept_card, card(made.fitted, title, command, max_wer=_asked(config), notes=notes))
        # Last, so that a file that stands is whole.
        _write(kept, filter_text(made.fitted.filter))
    text = files.read_bytes(kept).decode("utf-8")
    _write(files.join(config.out, _CARD_NAME), files.read_bytes(kept_card).decode("utf-8"))
    _write(files.join(config.out, FILTER_NAME), text)
    return parse_filter(text, kept)


_CUT_FIELDS = ("min_seconds", "max_seconds", "padding_seconds")


def _say_promise(config: RunConfig, fitted: Filter, console: Console | None) -> None:
    curve = fitted.level(config.cut).curve
    lowest = min((point.wer_upper for point in curve), default=1.0)
    try:
        point = fitted.point(_asked(config), cut=config.cut)
        line = (
            f"it promises at most {_asked(config):.1%} wrong words and expects to keep {point.kept_share:.0%} of the "
            f"words; {lowest:.2%} is the least that it can promise"
        )
    except UsageError:
        line = f"it cannot promise {_asked(config):.1%} wrong words; {lowest:.2%} is the least that it can"
    print_line(console, f"the filter was fitted on {fitted.fitted_on}: {line}")


def _asked(config: RunConfig) -> float:
    return DEFAULT_MAX_WER if config.max_wer is None else config.max_wer


def _too_little(config: RunConfig, reason: str) -> NoFilter:
    return NoFilter(
        f"no filter was fitted for the model {config.model}, and none can be fitted on this corpus: {reason}; so no "
        "word error rate can be promised. Add recordings, name a filter of the model with --filter, or take --filter "
        "nearest, that of another model, which promises nothing"
    )


def _write(uri: str, text: str) -> None:
    files.write_atomic(uri, lambda file: file.write(text.encode()), replace=True)
