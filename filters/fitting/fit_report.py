"""What is known of a fitted filter, in words and tables: the card beside its file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from prep_corpus.align.errors import UsageError
from prep_corpus.filters.curve import OperatingPoint
from prep_corpus.filters.features import FEATURE_NAMES
from prep_corpus.filters.fitting.fit import Fitted, FittedLevel
from prep_corpus.filters.fitting.fit_words import auc
from prep_corpus.filters.fitting.measures import HeldOut, auc_text
from prep_corpus.filters.fitting.sweep import NO_THRESHOLD, found_at
from prep_corpus.filters.ground import Ground
from prep_corpus.filters.guard import STRETCH_WORDS, HearingGuard
from prep_corpus.filters.linear import Filter

ASKED = (0.005, 0.01, 0.02, 0.05)
"""Word error rates that the card's table shows."""

LENGTH = "characters"
LEANING_RANK = 0.3
LEANING_RATIO = 1.25


@dataclass(frozen=True, kw_only=True)
class LengthLeak:
    """Whether an utterance classifier goes by length instead of by how well text and audio agree.

    Attributes:
        auc_score: how well the held-out scores order good before bad, 0.5 by chance.
        auc_length: the AUC of the number of characters alone, in its better direction.
        auc_alone: the AUC of each of the six features alone.
        rank_by_length: rank correlation of each feature with the number of characters.
        rank_score: rank correlation of the scores of good utterances with their characters.
        kept_characters, dropped_characters: mean over good utterances that are kept, and over those dropped;
            not a number where there are none.
    """

    auc_score: float
    auc_length: float
    auc_alone: tuple[float, ...]
    rank_by_length: tuple[float, ...]
    rank_score: float
    kept_characters: float
    dropped_characters: float

    @property
    def leans(self) -> bool:
        """Whether good utterances fare differently for their length."""
        ratio = self.kept_characters / self.dropped_characters if self.dropped_characters else float("nan")
        uneven = np.isfinite(ratio) and not 1 / LEANING_RATIO <= ratio <= LEANING_RATIO
        return bool(abs(self.rank_score) > LEANING_RANK and uneven)


def length_leak(held_out: HeldOut, threshold: float) -> LengthLeak:
    """Examine an utterance classifier on utterances that it was not fitted on.

    Args:
        held_out: their scores, labels and features.
        threshold: the threshold of the score.
    """
    good_N, weights_N = held_out.good_N, held_out.weights_N
    length_N = held_out.features_NF[:, FEATURE_NAMES.index(LENGTH)]
    columns = held_out.features_NF.T
    kept_N = held_out.scores_N >= threshold

    def either(values_N: NDArray[np.float64]) -> float:
        found = auc(values_N, good_N, weights_N)
        return max(found, 1 - found)

    def mean_length(chosen_N: NDArray[np.bool_]) -> float:
        total = weights_N[chosen_N].sum()
        return float((length_N * weights_N)[chosen_N].sum() / total) if total else float("nan")

    return LengthLeak(
        auc_score=auc(held_out.scores_N, good_N, weights_N),
        auc_length=either(length_N),
        auc_alone=tuple(either(column_N) for column_N in columns),
        rank_by_length=tuple(_rank_correlation(column_N, length_N) for column_N in columns),
        rank_score=_rank_correlation(held_out.scores_N[good_N], length_N[good_N]),
        kept_characters=mean_length(good_N & kept_N),
        dropped_characters=mean_length(good_N & ~kept_N),
    )


def _rank_correlation(one_N: NDArray[np.float64], other_N: NDArray[np.float64]) -> float:
    from scipy.stats import spearmanr

    if len(one_N) < 3 or np.ptp(one_N) == 0 or np.ptp(other_N) == 0:
        return 0.0
    return float(spearmanr(one_N, other_N).statistic)


def chosen_point(fitted: Filter, cut: str, max_wer: float) -> tuple[OperatingPoint, bool]:
    """The point for an error rate, and whether it can be promised; else the nearest that can.

    Args:
        fitted: the filter.
        cut: "words" or "paper".
        max_wer: asked for.
    """
    try:
        return fitted.point(max_wer, cut=cut), True
    except UsageError:
        curve = fitted.level(cut).curve
        if not curve:
            raise
        return fitted.point(min(point.wer_upper for point in curve), cut=cut), False


def card(
    fitted: Fitted, title: str, command: str, *, max_wer: float = 0.01, notes: Sequence[str] = ()
) -> str:
    """The card of a filter, from its own numbers, as Markdown.

    Args:
        fitted: the filter and what cross-validation says of it.
        title: its name.
        command: the command that made the filter.
        max_wer: the error rate at which precision and recall are shown.
        notes: further lines about what it was fitted on.
    """
    filter_ = fitted.filter
    lines = [
        f"# {title}",
        "",
        f"Made by `{command}`; nothing in it was typed by hand.",
        "",
        f"- Model: digest `{filter_.model_digest}`, {filter_.frame_seconds * 1000:g} ms frames.",
        f"- Fitted on: {filter_.fitted_on}. Data digest `{filter_.data_digest}`.",
        *(f"- {note}" for note in notes),
        "",
        *_curve_table(filter_),
        "",
        f"Cross-validated; k is {filter_.words.k_frames} frames for words and {filter_.paper.k_frames} for paper.",
    ]
    for cut in ("words", "paper"):
        if cut in fitted.levels:
            lines += ["", *_point_lines(fitted, cut, max_wer)]
    for name, linear in (
        ("Words", filter_.word),
        *([] if filter_.lacking is None else [("Words before which the text lacks one", filter_.lacking)]),
        ("Utterances, cut around words", filter_.words.utterance),
        ("Utterances, the paper's recipe", filter_.paper.utterance),
    ):
        lines += ["", f"## {name}", "", "| feature | mean | scale | coefficient |", "|---|---|---|---|"]
        lines += [
            f"| {feature} | {mean:.3g} | {scale:.3g} | {coefficient:+.3f} |"
            for feature, mean, scale, coefficient in zip(
                linear.names, linear.means, linear.scales, linear.coefficients
            )
        ]
        lines.append(f"| (intercept) | | | {linear.intercept:+.3f} |")
    if "words" in fitted.levels and fitted.levels["words"].by_condition:
        lines += ["", *_condition_lines(filter_, fitted.levels["words"])]
    if filter_.ground is not None:
        lines += ["", *_ground_lines(filter_.ground)]
    if filter_.guard is not None:
        lines += ["", *_guard_lines(filter_.guard)]
    for cut, level in fitted.levels.items():
        point, _ = chosen_point(filter_, cut, max_wer)
        lines += ["", *_length_lines(cut, level, point)]
    return "\n".join(lines) + "\n"


def _condition_lines(fitted: Filter, level: FittedLevel) -> list[str]:
    """What is kept under each condition of hard ground at each error rate asked for."""
    points = [chosen_point(fitted, "words", max_wer) for max_wer in ASKED]
    lines = [
        "## Under each condition, cut around words",
        "",
        "Spoken words kept and WER, cross-validated as above.",
        "",
        f"| condition | {' | '.join(f'{max_wer:.1%}' for max_wer in ASKED)} |",
        "|---|" + "---|" * len(ASKED),
    ]
    for condition, swept in level.by_condition.items():
        cells = []
        for point, reached in points:
            spoken, kept, edits = found_at(swept, point)
            if not spoken:
                cells.append(f"{edits:g} words")
            elif reached:
                cells.append(f"{kept / spoken:.1%} / {edits / max(kept, 1.0):.2%}")
            else:
                cells.append("none")
        lines.append(f"| {condition} | {' | '.join(cells)} |")
    return lines


def _ground_lines(ground: Ground) -> list[str]:
    return [
        "## What bad ground costs",
        "",
        f"Each nat by which the log-odds that the speech around a word is clean lie under {ground.free:.2f} takes "
        f"{ground.charge:g} off the word's score. They are linear in the means over 25 words of "
        f"{', '.join(f'`{name}`' for name in ground.clean.names)}.",
    ]


def _guard_lines(guard: HearingGuard) -> list[str]:
    return [
        "## What is never kept",
        "",
        f"Words in whose company of {STRETCH_WORDS} the model hears less of the text than {guard.threshold:.2f} in "
        f"mean log-odds, and words farther than {guard.limit:.1f} standard deviations from those of the fit, over "
        f"{', '.join(f'`{name}`' for name in guard.names)}.",
    ]


def _curve_table(fitted: Filter) -> list[str]:
    lines = [
        "| cut | max-wer | word threshold | utterance threshold | spoken words kept | WER | upper bound |",
        "|---|---|---|---|---|---|---|",
    ]
    for cut in ("words", "paper"):
        for max_wer in ASKED:
            point, reached = chosen_point(fitted, cut, max_wer)
            if not reached:
                lines.append(f"| {cut} | {max_wer:.1%} | cannot be reached | | | | |")
                continue
            utterance = (
                "none" if point.utterance_threshold == NO_THRESHOLD else f"{point.utterance_threshold:g}"
            )
            unused = point.word_threshold == NO_THRESHOLD or (cut == "paper" and not fitted.paper.by_words)
            word = "none" if unused else f"{point.word_threshold:g}"
            lines.append(
                f"| {cut} | {max_wer:.1%} | {word} | {utterance} | {point.kept_share:.1%} "
                f"| {point.wer:.2%} | {point.wer_upper:.2%} |"
            )
    return lines


def _point_lines(fitted: Fitted, cut: str, max_wer: float) -> list[str]:
    """Where the chosen point lies, and how well both classifiers do there on what they were not fitted on."""
    point, reached = chosen_point(fitted.filter, cut, max_wer)
    held_out = fitted.levels[cut].held_out[point.word_threshold]
    precision = held_out.precision(point.utterance_threshold)
    recall = held_out.recall(point.utterance_threshold)
    promise = (
        f"`--max-wer {max_wer:g}`"
        if reached
        else f"`--max-wer {max_wer:g}` cannot be reached; the nearest point"
    )
    lines = [
        f"`--cut {cut}`, {promise}: {point.kept_share:.1%} of the spoken words kept at {point.wer:.2%} WER "
        f"(at most {point.wer_upper:.2%} in 9 of 10 draws). Utterances: precision {precision:.1%}, recall {recall:.1%}."
    ]
    if cut == "words":
        words = fitted.words
        threshold = point.word_threshold
        lines[0] += (
            f" Words: precision {words.precision(threshold):.1%}, recall {words.recall(threshold):.1%}, "
            f"AUC {auc_text(auc(words.scores_N, words.good_N, words.weights_N))}."
        )
    return lines


def _length_lines(cut: str, level: FittedLevel, point: OperatingPoint) -> list[str]:
    found = length_leak(level.held_out[point.word_threshold], point.utterance_threshold)
    lines = [
        f"## Does `--cut {cut}` go by length?",
        "",
        "| feature | AUC alone | rank correlation with characters |",
        "|---|---|---|",
        *(
            f"| {name} | {auc_text(alone)} | {rank:+.2f} |"
            for name, alone, rank in zip(FEATURE_NAMES, found.auc_alone, found.rank_by_length)
        ),
        "",
        f"The held-out score orders good before bad with AUC {auc_text(found.auc_score)}, length alone with "
        f"{auc_text(found.auc_length)}. Among good utterances the score's rank correlation with length is "
        f"{found.rank_score:+.2f}; {_lengths(found)}.",
    ]
    if found.leans:
        lines.append(
            "**Good utterances fare differently for their length**: expect kept ones to be "
            + ("longer" if found.rank_score > 0 else "shorter")
            + " than the corpus."
        )
    return lines


def _lengths(found: LengthLeak) -> str:
    if not np.isfinite(found.dropped_characters):
        return "no good one is dropped"
    if not np.isfinite(found.kept_characters):
        return "no good one is kept"
    return (
        f"the good ones kept have {found.kept_characters:.0f} characters in the mean, the good ones dropped "
        f"{found.dropped_characters:.0f}"
    )
