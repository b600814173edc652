"""The plot of what a check of a corpus found."""

from __future__ import annotations

from typing import Any

import numpy as np

from prep_corpus.jobs.own_filter.plots import figure_of
from prep_corpus.jobs.screen.plain_text import counted
from prep_corpus.pipeline.finished.self_check import Checking


def plot_check(found: Checking, figures: dict[str, Any]) -> Any | None:
    """Four panels: kept words by fate, caught words by kind, promises against what was found, moved edges.

    Args:
        found: figures for the single shifts.
        figures: figures of `evaluating.figures_of`.

    Returns:
        A figure, or None where matplotlib is not installed.
    """
    drawn = figure_of(2, 2, width=11.0, height=8.0)
    if drawn is None:
        return None
    figure, axes = drawn
    _bars(axes[0, 0], {name: one["kept_share"] for name, one in figures["sentences"].items()}, "tab:blue")
    axes[0, 0].set_title("spoken words kept, by what befell the sentence, %", fontsize=10)
    caught = {kind: one["caught"] for kind, one in figures["false_words"].items() if one["there"]}
    _bars(axes[0, 1], caught, "tab:green")
    axes[0, 1].set_title("false and lost words kept out, %", fontsize=10)
    reached = [one for one in figures["promises"] if one["promised"] is not None]
    axes[1, 0].plot(
        [100 * one["wer"] for one in reached],
        [100 * one["kept_share"] for one in reached],
        "o-",
        label="found here",
    )
    for one in reached:
        axes[1, 0].plot(
            [100 * one["wer"], 100 * one["promised"]],
            [100 * one["kept_share"]] * 2,
            color="grey",
            linewidth=1,
        )
        axes[1, 0].plot(100 * one["promised"], 100 * one["kept_share"], "|", color="grey", markersize=12)
    axes[1, 0].set_title("spoken words kept against wrong words, % (bar: promised)", fontsize=10)
    axes[1, 0].set_xlim(left=0)
    axes[1, 0].grid(alpha=0.3)
    limit_ms = 500
    bins = np.linspace(-limit_ms, limit_ms, 51)
    for name, seconds in (("starts", found.check.starts_seconds), ("ends", found.check.ends_seconds)):
        milliseconds = np.clip(1000 * np.array(seconds), -limit_ms, limit_ms)
        axes[1, 1].hist(milliseconds, bins=bins, histtype="step", label=name)
    axes[1, 1].set_yscale("symlog")
    axes[1, 1].set_title("edges against the undamaged alignment, ms (outermost: further)", fontsize=10)
    axes[1, 1].legend()
    figure.suptitle(
        f"{counted(figures['recordings'], 'recording')}, {figures['hours']:.2f} hours, --cut {figures['cut']}"
    )
    return figure


def _bars(axes: Any, shares: dict[str, float | None], colour: str) -> None:
    names = [name for name, share in shares.items() if share is not None]
    values = [100 * (shares[name] or 0.0) for name in names]
    bars = axes.bar(names, values, color=colour)
    axes.bar_label(bars, fmt="%.0f")
    axes.set_ylim(0, 110)
    axes.tick_params(axis="x", labelrotation=20)
