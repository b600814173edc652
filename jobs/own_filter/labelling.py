"""`prep-corpus label`: from people's transcripts to one labels file, and what they say of the run."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table

from prep_corpus.align.errors import UsageError
from prep_corpus.filters.labels.agreement import agreement_lines
from prep_corpus.filters.labels.heard import Heard, latest
from prep_corpus.filters.labels.heard_labels import (
    EXTRA,
    RIGHT,
    WRONG,
    JudgedUtterance,
    ShareEstimate,
    good_threshold,
    standing,
)
from prep_corpus.filters.labels.label_file import LabelSet, write_labels
from prep_corpus.jobs.runs.opened import open_run
from prep_corpus.jobs.screen.plain_text import counted
from prep_corpus.jobs.screen.printing import print_line, print_warning
from prep_corpus.pipeline.finished.label_run import Paired, pair
from prep_corpus.pipeline.finished.sample_files import ROWS_NAME, read_weights
from prep_corpus.pipeline.storage import files


@dataclass(frozen=True, kw_only=True)
class LabelOptions:
    """What to label, by the names of the command's options; `heard` is what the files of `transcripts` hold."""

    run: str
    transcripts: tuple[str, ...]
    heard: Sequence[Heard]
    out: str
    good_wer: float
    sample: str | None
    skip_unintelligible: bool
    skip_unknown: bool


def execute(options: LabelOptions, *, quiet: bool) -> None:
    """Label, write the file, and say what the labels show.

    Raises:
        UsageError: run and transcripts do not belong together.
    """
    console = Console(quiet=quiet)
    run = open_run(options.run).stored()
    weights = _weights(options, {one.id for one in latest(options.heard)}, console)
    paired = pair(
        run,
        options.heard,
        weights,
        skip_unintelligible=options.skip_unintelligible,
        skip_unknown=options.skip_unknown,
    )
    if not paired.judged:
        raise UsageError("there must be utterances to label, and all were left out as unintelligible")
    threshold = good_threshold(paired.judged, options.good_wer)
    labels = LabelSet(
        # So that the labels can be fitted on from any folder.
        run=os.path.abspath(options.run) if files.is_local(options.run) else options.run,
        model_digest=run.published.model_digest,
        config_digest=run.published.config_digest or "",
        cut=str(run.settings.get("cut", "words")),
        good_wer=options.good_wer,
        threshold=threshold,
        utterances=paired.judged,
    )
    data = write_labels(labels).encode()
    files.write_atomic(options.out, lambda file: file.write(data), replace=True)
    for line in _counts(paired, threshold, options):
        print_line(console, line)
    console.print(_table(paired.judged, threshold))
    for line in agreement_lines(paired.versions):
        print_line(console, line)
    print_line(console, f"{len(paired.judged)} labels in {options.out}")


def _weights(options: LabelOptions, answered: set[str], console: Console) -> dict[str, float]:
    if options.sample is not None:
        return read_weights(options.sample, answered)
    beside = options.transcripts[0].rpartition("/")[0] or "."
    if files.exists(files.join(beside, ROWS_NAME)):
        return read_weights(beside, answered)
    print_warning(
        console,
        f"no {ROWS_NAME} beside {options.transcripts[0]}: every utterance weighs the same, which holds for the "
        "whole run only if they were drawn evenly; --sample names the sample's folder",
    )
    return {}


def _counts(paired: Paired, threshold: float, options: LabelOptions) -> list[str]:
    judged = paired.judged
    good = sum(one.wer <= threshold for one in judged)
    rule = "left out" if options.skip_unintelligible else "counted as wrong in every word"
    return [
        f"{counted(len(judged), 'utterance')} of {counted(len({one.recording_id for one in judged}), 'recording')}; "
        f"{counted(paired.passed_over, 'transcript')} passed over without a word; "
        f"{counted(paired.unintelligible, 'utterance')} unintelligible to at least half of their listeners, {rule}",
        f"good are utterances with at most {threshold:.1%} wrong words: {good}; bad: {len(judged) - good}. "
        f"All good ones together stay below {options.good_wer:.1%}",
    ]


def _table(judged: Sequence[JudgedUtterance], threshold: float) -> Table:
    """What the sample says of the whole run."""
    found = standing(judged, threshold)
    table = Table(
        title="The run, from the weighted sample", title_justify="left", show_edge=False, pad_edge=False
    )
    table.add_column("")
    table.add_column("estimate", justify="right")
    table.add_column("80 % interval", justify="right")
    rows: list[tuple[str, ShareEstimate | None]] = [
        ("wrong words in what is kept", found.wer_kept),
        ("wrong words in what is dropped", found.wer_dropped),
        ("good ones among the kept (precision)", found.precision),
        ("kept ones among the good (recall)", found.recall),
        ("good ones among all", found.good),
    ]
    for name, estimate in rows:
        if estimate is None:
            table.add_row(name, "none in the sample", "")
        else:
            table.add_row(name, f"{estimate.value:.2%}", f"{estimate.low:.2%} to {estimate.high:.2%}")
    marks = Counter(mark for one in judged if one.words for mark in one.words.marks)
    missing = sum(len(one.words.missing) for one in judged if one.words)
    table.caption = (
        f"words of the texts: {marks[RIGHT]} right, {marks[WRONG]} heard as another, {marks[EXTRA]} not heard; "
        f"{counted(missing, 'word')} heard that the texts lack"
    )
    table.caption_justify = "left"
    return table
