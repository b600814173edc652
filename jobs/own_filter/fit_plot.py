"""The plot of a fitted filter's curve, where matplotlib is installed (the extra `plots`)."""

from __future__ import annotations

import io
from typing import Any

from prep_corpus.align.errors import UsageError
from prep_corpus.filters.fitting.fit import Fitted
from prep_corpus.filters.fitting.fit_report import chosen_point
from prep_corpus.filters.fitting.sweep import lower_bound

NO_PLOT = "no plot: matplotlib is not installed; `pip install 'prep-corpus[plots]'` adds it"
PLOT_FORMATS = ("svg", "png", "pdf")
_COLOURS = {"words": "tab:blue", "paper": "tab:orange"}


def figure_of(
    rows: int = 1, columns: int = 1, *, width: float = 8.0, height: float = 5.0
) -> tuple[Any, Any] | None:
    """A figure and its axes, drawn without a screen; None where matplotlib is not installed.

    Args:
        rows, columns: of the grid of axes.
        width, height: in inches.
    """
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError:
        return None
    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure, figure.subplots(rows, columns)


def plot_format(name: str) -> str:
    """The format that a plot's name asks for.

    Raises:
        UsageError: it is none of the three.
    """
    suffix = name.rsplit(".", 1)[-1].lower()
    if suffix not in PLOT_FORMATS:
        raise UsageError(f"--plot: the name must end in .svg, .png or .pdf, not {name!r}")
    return suffix


def rendered(figure: Any, name: str) -> bytes:
    """The bytes of a drawing: SVG, PNG or PDF, as the name ends.

    Raises:
        UsageError: another ending.
    """
    import matplotlib

    suffix = plot_format(name)
    buffer = io.BytesIO()
    # Without a date and with ids from a salt, the same figures give the same bytes.
    with matplotlib.rc_context({"svg.hashsalt": "prep-corpus"}):
        figure.savefig(buffer, format=suffix, dpi=120, metadata={"Date": None} if suffix == "svg" else None)
    return buffer.getvalue()


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
