"""How much more wrong than asked the text of hard ground may be: as little as costs clean text hardly a word.

In the worst condition of hard ground a weak model's text is wrong long before its clean text is; held to the same rate
there, it keeps little anywhere. So the bound is relaxed until it costs no more than a small share of the words that are
kept without it: both counted by the fit's own cross-validation, on nothing that it was not given.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

from prep_corpus.align.errors import UsageError
from prep_corpus.filters.curve import choose
from prep_corpus.filters.fitting.fit import FitOptions, Fitted, curve_of

ALLOWANCES = (1.2, 1.5, 2.0, 2.5)
"""Those that are tried, from the least; the last where none is enough."""

COST_SHARE = 0.02
"""Hard ground may cost this share of the words that are kept without it."""

ASKED_WER = 0.01
"""At this word error rate."""


def with_allowance(fitted: Fitted, options: FitOptions) -> tuple[float, Fitted]:
    """The least allowance that costs clean text hardly a word, and the fit with its curves.

    Args:
        fitted: fitted with hard ground, with any allowance.
        options: of the fit.

    Returns:
        The allowance, for both ways of cutting, and the fit; its classifiers are the same.
    """
    level = fitted.levels["words"]

    def kept(allowance: float) -> float:
        relaxed = replace(options, hard_allowance=allowance)
        try:
            return choose(curve_of(level.swept, level.by_condition, relaxed), ASKED_WER).kept_share
        except UsageError:
            return 0.0

    allowance = least_allowance(kept)
    relaxed = replace(options, hard_allowance=allowance)
    levels = {}
    for cut, one in fitted.levels.items():
        curve = curve_of(one.swept, one.by_condition if cut == "words" else {}, relaxed)
        levels[cut] = replace(one, level=replace(one.level, curve=curve))
    chosen = replace(fitted.filter, words=levels["words"].level)
    if "paper" in levels:
        chosen = replace(chosen, paper=levels["paper"].level)
    return allowance, replace(fitted, filter=chosen, levels=levels)


def least_allowance(kept: Callable[[float], float]) -> float:
    """The first of `ALLOWANCES` that keeps enough.

    Args:
        kept: the share of the words of clean text that is kept with an allowance.
    """
    enough = (1 - COST_SHARE) * kept(math.inf)
    return next((one for one in ALLOWANCES if kept(one) >= enough), ALLOWANCES[-1])
