"""The card of a recognition filter: what it was fitted on, and what cross-validation says of it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from prep_corpus.align.errors import UsageError
from prep_corpus.filters.curve import OperatingPoint
from prep_corpus.filters.fitting.cases import GIVEN, Case
from prep_corpus.filters.fitting.fit_recognition import FittedReading, FittedRecognition
from prep_corpus.filters.fitting.fit_words import auc
from prep_corpus.filters.fitting.measures import auc_text
from prep_corpus.filters.fitting.sweep import found_at

_ASKED = (0.002, 0.005, 0.01, 0.02, 0.05)


def recognition_card(
    fitted: FittedRecognition,
    parts: Sequence[Sequence[Case]],
    title: str,
    command: str,
    *,
    notes: Sequence[str] = (),
) -> str:
    """The card as Markdown.

    Args:
        fitted: filter and what is known of it.
        parts: the cases of its level alone and, where it has one, of the level with a text, as in the fit.
        title: heading.
        command: that repeats the fit.
        notes: paragraphs on what is peculiar to it.
    """
    has_ground = any(case.origin != GIVEN for cases in parts for case in cases)
    left_out = "speaker, noise, voices and rooms" if has_ground else "speaker"
    lines = [
        f"# {title}",
        "",
        "How far what the model hears is trusted. Made by",
        "",
        f"    {command}",
        "",
        f"Fitted on {fitted.filter.fitted_on}.",
        "",
        "All figures are of recordings cut into utterances of what the model hears alone, from fits without the "
        f"{left_out}. WER: word edits against the words said inside.",
    ]
    for note in notes:
        lines += ["", note]
    named = (("Recordings without a text", fitted.alone), ("Recordings with a text", fitted.with_text))
    for (name, level), cases in zip(named, parts):
        if level is not None:
            lines += ["", f"## {name}", "", *_level(level, cases)]
    return "\n".join(lines) + "\n"


def _level(fitted: FittedReading, cases: Sequence[Case]) -> list[str]:
    right_N = np.concatenate([case.right_W for case in cases])
    clean_N = np.concatenate([np.full(len(case.texts), case.origin == GIVEN) for case in cases])
    scores_N = np.concatenate(fitted.scores)
    ones_N = np.ones(len(right_N))
    power = auc(scores_N[clean_N], right_N[clean_N], ones_N[clean_N])
    has_ground = not clean_N.all()
    where = " in clean speech" if has_ground else ""
    lines = [
        f"Of {int(clean_N.sum()):,} words that the model hears{where} {right_N[clean_N].mean():.1%} are right"
    ]
    if has_ground:
        lines[0] += (
            f", of {int((~clean_N).sum()):,} on hard ground and where nobody speaks {right_N[~clean_N].mean():.1%}"
        )
    lines[0] += (
        ". On words that it was not fitted on the classifier orders right before wrong with an AUC of "
        f"{auc_text(power, 4)}{' (clean speech)' if has_ground else ''}."
    )
    lines += [
        "",
        f"| max-wer | spoken words kept | WER{' of clean speech' if has_ground else ''} | upper bound "
        "| word threshold | utterance threshold |",
        "|---|---|---|---|---|---|",
    ]
    for max_wer in _ASKED:
        try:
            point = fitted.level.point(max_wer)
        except UsageError:
            lines.append(f"| {max_wer:.1%} | cannot be promised | | | | |")
            continue
        spoken, kept, edits = found_at(fitted.swept[GIVEN], point)
        lines.append(
            f"| {max_wer:.1%} | {kept / spoken:.1%} | {edits / max(kept, 1):.3%} | {point.wer_upper:.3%} "
            f"| {point.word_threshold:g} | {point.utterance_threshold:g} |"
        )
    return [*lines, *(_conditions(fitted) if fitted.by_condition else [])]


def _conditions(fitted: FittedReading) -> list[str]:
    """What each condition gives at the points of two error rates."""
    points: list[OperatingPoint] = []
    for max_wer in (0.01, 0.05):
        try:
            points.append(fitted.level.point(max_wer))
        except UsageError:
            continue
    lines = [
        "",
        "| condition | spoken words kept, WER, words too many at 1 % | the same at 5 % |",
        "|---|---|---|",
    ]
    for condition, swept in fitted.by_condition.items():
        cells = []
        for point in points:
            spoken, kept, edits = found_at(swept, point)
            if spoken:
                cells.append(f"{kept / spoken:.1%}, {edits / max(kept, 1):.2%}, {int(edits)}")
            else:
                cells.append(f"{int(edits)} words read where nobody speaks")
        lines.append(f"| {condition} | {' | '.join(cells)} |")
    return lines
