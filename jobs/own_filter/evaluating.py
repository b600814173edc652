"""`prep-corpus evaluate`: draw a sample, check it, and report as text, JSON and a plot."""

from __future__ import annotations

import json
import logging
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from rich.console import Console

from prep_corpus.align.errors import DeadLetter
from prep_corpus.align.recordings import Recording
from prep_corpus.filters.curve import OperatingPoint
from prep_corpus.filters.fitting.cases import SENTENCE_KINDS, Damage
from prep_corpus.filters.fitting.self_check import DELETED, MISSING, FateCounts
from prep_corpus.jobs.config import RunConfig
from prep_corpus.jobs.own_filter.evaluate_plot import plot_check
from prep_corpus.jobs.own_filter.plots import NO_PLOT, rendered
from prep_corpus.jobs.runs.prepare import PreparedRun, prepare_run
from prep_corpus.jobs.runs.stage_options import k_uri_of
from prep_corpus.jobs.screen.plain_text import counted
from prep_corpus.jobs.screen.printing import print_line
from prep_corpus.jobs.start.entries import manifest_entries
from prep_corpus.pipeline.finished.fit_material import Say
from prep_corpus.pipeline.finished.self_check import Checking, CheckOptions, check_corpus, draw_recordings
from prep_corpus.pipeline.inputs.bundles import ProbedRecording
from prep_corpus.pipeline.inputs.probe import FingerprintCache, probe
from prep_corpus.pipeline.stages.measure import kept_k
from prep_corpus.pipeline.storage import files

ASKED = (0.005, 0.01, 0.02, 0.05)
_FALSE_KINDS = ("substituted", "inserted", "replaced", "extra", DELETED, MISSING)


@dataclass(frozen=True, kw_only=True)
class EvaluateOptions:
    """What to check and where the report goes.

    Attributes:
        hours: about how much is drawn.
        recipe: recipe of the damage.
        out: folder that keeps everything, or None.
        json, plot: further places of the figures and the drawing.
    """

    hours: float
    recipe: Damage
    out: str | None
    json: str | None
    plot: str | None


def execute(config: RunConfig, options: EvaluateOptions, *, quiet: bool) -> None:
    """Check a corpus, and say what was found."""
    console = Console(stderr=True, quiet=quiet)
    logging.getLogger("apache_beam").setLevel(logging.ERROR)
    if options.out is not None:
        _evaluate(config, options, console)
        return
    with tempfile.TemporaryDirectory(prefix="prep-corpus-") as folder:
        _evaluate(replace(config, out=folder), options, console)


def _evaluate(config: RunConfig, options: EvaluateOptions, console: Console) -> None:
    def say(line: str) -> None:
        print_line(console, line)

    prepared = prepare_run(config, console)
    model = prepared.model
    manifest = manifest_entries(config)
    cache = FingerprintCache(files.join(config.work, "fingerprints.json"))

    def probed(recording: Recording) -> ProbedRecording | DeadLetter:
        return probe(recording, cache)

    drawn = draw_recordings(manifest, probed, hours=options.hours, seed=config.seed)
    cache.save()
    say(f"drawn: {counted(len(drawn), 'recording')}, {sum(one.seconds for one in drawn) / 3600:.2f} hours")
    found = check_corpus(
        prepared.store,
        drawn,
        model,
        prepared.emit,
        prepared.segment,
        CheckOptions(hours=options.hours, seed=config.seed, recipe=options.recipe, asked=ASKED),
        target_samples=config.target_duration_seconds * model.info.sample_rate_hz,
        k_frames=_k_frames(prepared),
        say=say,
    )
    figures = figures_of(found, config, prepared.point, options.recipe)
    text = report(figures)
    print_line(Console(), text)
    for message in found.failed[:5]:
        say(message)
    _save(found, figures, text, options, say)


def _k_frames(prepared: PreparedRun) -> int | None:
    """The shortest pause: the one that is given, or that a run in the same folder keeps; None to choose it."""
    config = prepared.config
    if config.min_pause_frames is not None or config.retune:
        return config.min_pause_frames
    return kept_k(k_uri_of(config, prepared.model.info, prepared.segment))


def _save(found: Checking, figures: dict[str, Any], text: str, options: EvaluateOptions, say: Say) -> None:
    document = (json.dumps(figures, indent=1, allow_nan=False) + "\n").encode()
    written = {}
    if options.out is not None:
        written[files.join(options.out, "report.json")] = document
        written[files.join(options.out, "report.md")] = text.encode()
    if options.json is not None:
        written[options.json] = document
    plots = [options.plot] if options.plot is not None else []
    if options.out is not None:
        plots.append(files.join(options.out, "report.svg"))
    figure = plot_check(found, figures) if plots else None
    for name in plots:
        if figure is None:
            say(NO_PLOT)
        else:
            written[name] = rendered(figure, name)
    for uri, data in written.items():
        with files.atomic_writer(uri) as file:
            file.write(data)
    if written:
        say(f"written: {', '.join(written)}")


def figures_of(found: Checking, config: RunConfig, point: OperatingPoint, recipe: Damage) -> dict[str, Any]:
    """All figures of a check, as JSON takes them; null where there is nothing to count."""
    check = found.check
    total = check.total
    fates = {name: _fate(check.fates[name]) for name in SENTENCE_KINDS if name in check.fates}
    return {
        "manifest": config.manifest,
        "model": config.model,
        "cut": config.cut,
        "seed": config.seed,
        "recordings": found.recordings,
        "hours": found.seconds / 3600,
        "failed": len(found.failed),
        "k_frames": found.k_frames,
        "damage": asdict(recipe),
        "point": asdict(point),
        "whole": {
            **_fate(total),
            "utterances": check.utterances,
            "kept_hours": check.seconds / 3600,
            "mean_seconds": _number(check.seconds / check.utterances if check.utterances else float("nan")),
            "right_share": _number(total.right / total.spoken if total.spoken else float("nan")),
        },
        "undamaged": {
            "spoken": check.clean_spoken,
            "kept_share": _number(
                check.clean_kept / check.clean_spoken if check.clean_spoken else float("nan")
            ),
        },
        "sentences": fates,
        "false_words": {
            kind: {
                "there": check.false_words[kind],
                "left_in": check.left_in[kind],
                "caught": _number(
                    1 - check.left_in[kind] / check.false_words[kind]
                    if check.false_words[kind]
                    else float("nan")
                ),
            }
            for kind in _FALSE_KINDS
        },
        "promises": [
            {"asked": asked, "promised": None, "wer": None, "kept_share": None}
            if promise is None
            else {
                "asked": asked,
                "promised": promise.promised,
                "wer": promise.counts.wer,
                "kept_share": promise.counts.kept_share,
            }
            for asked, promise in found.promises.items()
        ],
        "boundary_shifts": {
            "starts": _shifts(check.starts_seconds),
            "ends": _shifts(check.ends_seconds),
        },
    }


def _fate(counts: FateCounts) -> dict[str, Any]:
    return {
        "spoken": counts.spoken,
        "text_right": counts.right,
        "kept_share": _number(counts.kept_share),
        "wer": _number(counts.wer),
        "precision": _number(counts.precision),
        "recall": _number(counts.recall),
    }


def _shifts(seconds: Sequence[float]) -> dict[str, Any]:
    sizes = np.abs(np.array(seconds, np.float64))
    if not len(sizes):
        return {"utterances": 0}
    median, ninety, ninety_nine = np.quantile(sizes, (0.5, 0.9, 0.99))
    return {
        "utterances": len(sizes),
        "mean_seconds": float(np.mean(seconds)),
        "median_seconds": float(median),
        "p90_seconds": float(ninety),
        "p99_seconds": float(ninety_nine),
        **{f"over_{limit:g}_s": float((sizes > limit).mean()) for limit in (0.1, 0.5, 1.0)},
    }


def _number(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def report(figures: dict[str, Any]) -> str:
    """The figures as Markdown."""
    whole, point = figures["whole"], figures["point"]
    utterances = counted(whole["utterances"], "utterance")
    lines = [
        f"# What a run would do on {figures['manifest']}",
        "",
        f"{counted(figures['recordings'], 'recording')}, {figures['hours']:.2f} hours; model {figures['model']}, --cut "
        f"{figures['cut']}; the filter promises at most {point['wer_upper']:.2%} wrong words. The transcripts, taken "
        f"as true, were damaged so that they have {_percent(whole['right_share'])} of the spoken words right.",
        "",
        f"**Kept: {_percent(whole['kept_share'])} of the spoken words, {_percent(whole['recall'])} of those that the "
        f"text has right, with {_percent(whole['wer'], 2)} wrong words**; {utterances} of "
        f"{whole['mean_seconds'] or 0:.1f} s, {whole['kept_hours']:.2f} hours. Without the damage "
        f"{_percent(figures['undamaged']['kept_share'])} of the spoken words would be kept.",
        "",
        "| sentences | words spoken | kept share | WER | precision | recall |",
        "|---|---|---|---|---|---|",
    ]
    for name, one in figures["sentences"].items():
        lines.append(
            f"| {name} | {one['spoken']} | {_percent(one['kept_share'])} | {_percent(one['wer'], 2)} "
            f"| {_percent(one['precision'])} | {_percent(one['recall'])} |"
        )
    lines += ["", "Precision: words of kept texts that are right. Recall: right words that are kept.", ""]
    lines += ["| false or lost words | there | left in kept utterances | caught |", "|---|---|---|---|"]
    for kind, one in figures["false_words"].items():
        if one["there"]:
            lines.append(f"| {kind} | {one['there']} | {one['left_in']} | {_percent(one['caught'])} |")
    lines += ["", "| --max-wer | promised | WER here | kept share |", "|---|---|---|---|"]
    for one in figures["promises"]:
        if one["promised"] is None:
            lines.append(f"| {one['asked']:.1%} | cannot be reached | | |")
        else:
            lines.append(
                f"| {one['asked']:.1%} | {one['promised']:.2%} | {one['wer']:.2%} | {_percent(one['kept_share'])} |"
            )
    lines += [
        "",
        "| edges against the undamaged alignment | utterances | median | 90 % | 99 % | over 0.1 s | over 1 s |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, one in figures["boundary_shifts"].items():
        if one["utterances"]:
            lines.append(
                f"| {name} | {one['utterances']} | {one['median_seconds']:.3f} s | {one['p90_seconds']:.3f} s "
                f"| {one['p99_seconds']:.3f} s | {_percent(one['over_0.1_s'], 2)} | {_percent(one['over_1_s'], 2)} |"
            )
    return "\n".join(lines) + "\n"


def _percent(share: float | None, digits: int = 1) -> str:
    return "-" if share is None else f"{share:.{digits}%}"
