"""Plots, and doing without them."""

from __future__ import annotations

import sys

import pytest

from prep_corpus.align.errors import UsageError
from prep_corpus.jobs.own_filter.plots import figure_of, plot_format, rendered


def test_the_same_figure_gives_the_same_bytes() -> None:
    def drawn(name: str) -> bytes:
        made = figure_of()
        assert made is not None
        figure, axes = made
        axes.plot([1, 2], [3, 4], label="a")
        axes.legend()
        return rendered(figure, name)

    assert drawn("x.svg") == drawn("y.SVG")
    assert drawn("x.png").startswith(b"\x89PNG")


def test_without_matplotlib_nothing_is_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.split(".")[0] == "matplotlib"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    assert figure_of() is None


def test_other_formats_are_refused() -> None:
    with pytest.raises(UsageError, match=r"\.svg, \.png or \.pdf"):
        plot_format("curve.gif")
