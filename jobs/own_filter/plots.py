"""Plots as files, where matplotlib is installed (the extra `plots`)."""

from __future__ import annotations

import io
from typing import Any

from prep_corpus.align.errors import UsageError

NO_PLOT = "no plot: matplotlib is not installed; `pip install 'prep-corpus[plots]'` adds it"
PLOT_FORMATS = ("svg", "png", "pdf")


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
