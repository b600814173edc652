"""A fitted filter applied, with numpy alone.

Legend: W words, S segments, F features.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from prep_corpus.filters.features import word_feature_blocks
from prep_corpus.filters.linear import Filter, Level, Linear

if TYPE_CHECKING:
    from prep_corpus.align.cutting.segments import Segment

BoolArray = NDArray[np.bool_]
DoubleArray = NDArray[np.float64]

REFUSED_SCORE = -100.0
"""Score of a word that the filter's guard refuses: under every threshold."""


def score_words(evidence_WF: NDArray[np.floating], fitted: Filter) -> DoubleArray:
    """What each word's log-odds [W] of being said are worth where it stands: what thresholds are compared with.

    Args:
        evidence_WF: the evidence of one recording's words in order (neighbours matter), as `align.evidence` gives it.
        fitted: the filter.
    """
    return worth(own_scores(evidence_WF, fitted), evidence_WF, fitted)


def worth(own_W: DoubleArray, evidence_WF: NDArray[np.floating], fitted: Filter) -> DoubleArray:
    """What scores [W] are worth on their ground.

    Args:
        own_W: as `own_scores` gives them.
        evidence_WF: as of `score_words`.
        fitted: the filter.
    """
    return own_W if fitted.ground is None else own_W - fitted.ground.charges(evidence_WF)


def own_scores(evidence_WF: NDArray[np.floating], fitted: Filter) -> DoubleArray:
    """Log-odds [W] that the audio says each word, whatever its ground; `REFUSED_SCORE` where the guard refuses it.

    Args:
        evidence_WF: as of `score_words`.
        fitted: the filter.
    """
    scores_W = _bare_scores(evidence_WF, fitted)
    return np.where(heard_words(evidence_WF, fitted, scores_W), scores_W, REFUSED_SCORE)


def _bare_scores(evidence_WF: NDArray[np.floating], fitted: Filter) -> DoubleArray:
    blocks = word_feature_blocks(evidence_WF, fitted.word.names)
    return np.concatenate([np.empty(0), *map(fitted.word.score, blocks)])


def heard_words(
    evidence_WF: NDArray[np.floating], fitted: Filter, scores_W: DoubleArray | None = None
) -> BoolArray:
    """Which words [W] the filter's guard lets pass, those beside a text that nobody says if they are `surely_heard`.

    Args:
        evidence_WF: as of `score_words`.
        fitted: the filter; all words pass where it has no guard.
        scores_W: the word classifier's log-odds, where they are at hand already.
    """
    if fitted.guard is None or not len(evidence_WF):
        return np.ones(len(evidence_WF), bool)
    heard_W = fitted.guard.heard(evidence_WF)
    if heard_W.all():
        return heard_W
    return surely_heard(heard_W, _bare_scores(evidence_WF, fitted) if scores_W is None else scores_W)


NEAR_SCORE = -0.5
"""Beside a text that nobody says a word must have so much in log-odds: alignment puts the ends of such a text on
the speech beside it, and there they are heard in good company."""


def surely_heard(heard_W: BoolArray, scores_W: DoubleArray) -> BoolArray:
    """The guard's verdicts [W] without words in doubt that stand in or beside a row of words that are not heard.

    Args:
        heard_W: which words the guard lets pass.
        scores_W: the word classifier's log-odds.
    """
    if heard_W.all():
        return heard_W
    found_W: BoolArray = heard_W & (~_near_rows(heard_W) | (scores_W >= NEAR_SCORE))
    return found_W


def _near_rows(said_W: BoolArray) -> BoolArray:
    """Words [W] in a row of words that are not said, or at most `NEAR_WORDS` away."""
    from prep_corpus.align.cutting.unheard import NEAR_WORDS, in_rows  # brings numba

    if said_W.all():
        return np.zeros(len(said_W), bool)
    counts = np.convolve(in_rows(said_W), np.ones(2 * NEAR_WORDS + 1))
    near_W: BoolArray = counts[NEAR_WORDS : len(counts) - NEAR_WORDS] > 0
    return near_W


EDGE_MARGIN = 1.0
"""By so much, in log-odds, a word beside a break must be over the word threshold: most errors stand there."""

NEAR_EDGE_SCORE = 0.5
"""And so much in log-odds it must have near to a text that nobody says, however low the word threshold is."""

LACKING_LOG_ODDS = 1.0
"""Before a word with so much and more the text is cut: where less says so, the words that are lost cost more."""

UNSAID_SCORE = -1.0
"""A word under this is surely not said, whatever the word threshold."""

LIKELY_LOG_ODDS = 0.0
"""A word under this is more likely not said: it may be kept, but what is heard in its place counts more."""


@dataclass(frozen=True, kw_only=True)
class Verdicts:
    """What a filter says of the words of a recording at a word threshold.

    Attributes:
        said_W: the audio says the word.
        likely_W: and more likely than not, whatever the word threshold lets pass.
        sure_W: it is said so surely that it may stand at an edge beside a break.
        unsaid_W: nobody says it; what is neither said nor unsaid is in doubt.
        lacking_W: before it something is said that the text lacks; None where nothing tells.
    """

    said_W: BoolArray
    likely_W: BoolArray
    sure_W: BoolArray
    unsaid_W: BoolArray
    lacking_W: BoolArray | None = None


def lacking_words(evidence_WF: NDArray[np.floating], lacking: Linear | None) -> BoolArray | None:
    """Before which words [W] something is said that the text lacks; None where nothing tells.

    Args:
        evidence_WF: as of `score_words`.
        lacking: `Filter.lacking`.
    """
    if lacking is None:
        return None
    blocks = word_feature_blocks(evidence_WF, lacking.names)
    return is_lacking(np.concatenate([np.empty(0), *map(lacking.score, blocks)]))


def is_lacking(log_odds_W: DoubleArray) -> BoolArray:
    """Whether log-odds that something is said before a word are enough to cut there."""
    lacking_W: BoolArray = log_odds_W >= LACKING_LOG_ODDS
    return lacking_W


def verdicts(
    scores_W: DoubleArray,
    threshold: float,
    own_W: DoubleArray | None = None,
    lacking_W: BoolArray | None = None,
) -> Verdicts:
    """The verdicts at a word threshold.

    Args:
        scores_W: as `score_words` gives them.
        threshold: lowest score of a word that is said.
        own_W: as `own_scores` gives them: bad ground leaves a word in doubt, and no word unsaid; the scores where None.
        lacking_W: as `lacking_words` gives them.
    """
    own_W = scores_W if own_W is None else own_W
    unsaid_W = own_W < min(threshold, UNSAID_SCORE)
    firm_W = ~_near_rows(~unsaid_W) | (own_W >= NEAR_EDGE_SCORE)
    return Verdicts(
        said_W=scores_W >= threshold,
        likely_W=scores_W >= max(threshold, LIKELY_LOG_ODDS),
        sure_W=(scores_W >= threshold + EDGE_MARGIN) & firm_W,
        unsaid_W=unsaid_W,
        lacking_W=lacking_W,
    )


def heard_verdicts(heard_W: BoolArray, scores_W: DoubleArray) -> Verdicts:
    """The verdicts for the paper's way of cutting, whatever the word threshold: a word is heard or is not.

    Near to a text that nobody says a word in doubt counts as unheard: it may be that text's end on speech beside it.

    Args:
        heard_W: as `heard_words` gives them.
        scores_W: as `score_words` gives them.
    """
    heard_W = heard_W & (~_near_rows(heard_W) | (scores_W >= NEAR_EDGE_SCORE))
    return Verdicts(said_W=heard_W, likely_W=heard_W, sure_W=scores_W >= EDGE_MARGIN, unsaid_W=~heard_W)


def judge_words(evidence_WF: NDArray[np.floating], fitted: Filter, threshold: float) -> Verdicts:
    """The verdicts of a filter at a word threshold.

    Args:
        evidence_WF: as of `score_words`.
        fitted: the filter.
        threshold: lowest score of a word that is said.
    """
    own_W = own_scores(evidence_WF, fitted)
    lacking_W = lacking_words(evidence_WF, fitted.lacking)
    return verdicts(worth(own_W, evidence_WF, fitted), threshold, own_W, lacking_W)


def score_utterances(features_SF: NDArray[np.floating], fitted: Filter, *, cut: str = "words") -> DoubleArray:
    """Log-odds [S] that each utterance's text is right: the column `score` of the output.

    Args:
        features_SF: columns as in `FEATURE_NAMES`.
        fitted: the filter.
        cut: "words" or "paper", as the segments were cut.
    """
    return fitted.level(cut).utterance.score(features_SF)


def least_worth(scores_W: DoubleArray, segments: Sequence[Segment]) -> DoubleArray:
    """The lowest score [S] of the words in each segment's text.

    Args:
        scores_W: as `score_words` gives them.
        segments: S segments of that recording.
    """
    found = [min(float(scores_W[a:b].min()) for a, b in one.spoken_ranges()) for one in segments]
    return np.array(found, np.float64)


def judged_scores(
    scores_S: DoubleArray,
    segments: Sequence[Segment],
    scores_W: DoubleArray,
    level: Level,
    word_threshold: float,
) -> DoubleArray:
    """What utterance thresholds are compared with [S]: the score, or minus infinity where a word is in doubt.

    Args:
        scores_S: as `score_utterances` gives them.
        segments: S segments of one recording.
        scores_W: as `score_words` gives them of its words.
        level: of the way of cutting; only where it goes by words do they count.
        word_threshold: lowest score of a word that is said.
    """
    if not level.by_words or not len(segments):
        return scores_S
    return np.where(least_worth(scores_W, segments) >= word_threshold, scores_S, -np.inf)
