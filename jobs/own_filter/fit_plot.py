"""The plot of a fitted filter's curve."""

from __future__ import annotations

from typing import Any

from prep_corpus.filters.fitting.fit import Fitted
from prep_corpus.filters.fitting.fit_report import chosen_point
from prep_corpus.filters.fitting.sweep import lower_bound
from prep_corpus.jobs.own_filter.plots import figure_of

_COLOURS = {"words": "tab:blue", "paper": "tab:orange"}


def plot_fit(fitted: Fitted, title: str, max_wer: float) -> Any | None:
    """Kept share against word error rate, with 80 % intervals and the chosen points; None without matplotlib."""
    drawn = figure_of()
    if drawn is None:
        return None
    figure, axes = drawn
    for cut, level in fitted.levels.items():
        curve = [point for point in level.level.curve if point.wer_upper <= 0.12]
        kept = [100 * point.kept_share for point in curve]
        lows = [100 * min(lower_bound(counts, point) for counts in level.swept.values()) for point in curve]
        colour = _COLOURS[cut]
        axes.fill_betweenx(
            kept, lows, [100 * point.wer_upper for point in curve], color=colour, alpha=0.2, linewidth=0
        )
        axes.plot([100 * point.wer for point in curve], kept, color=colour, marker=".", label=f"--cut {cut}")
        point, reached = chosen_point(fitted.filter, cut, max_wer)
        axes.plot(
            100 * point.wer,
            100 * point.kept_share,
            "o",
            markersize=9,
            markerfacecolor="none",
            color=colour,
            label=f"--max-wer {max_wer:g}" if reached else "the lowest that can be promised",
        )
    axes.axvline(100 * max_wer, color="grey", linestyle=":", linewidth=1)
    axes.set_xlabel("wrong words in what is kept, % (band: 80 % interval)")
    axes.set_ylabel("spoken words kept, %")
    axes.set_ylim(bottom=0)
    axes.set_xlim(left=0)
    axes.set_title(title)
    axes.grid(alpha=0.3)
    axes.legend(loc="lower right")
    return figure
