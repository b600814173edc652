"""Evidence from a recording's own text for what is heard in it: does the text know the word, does it agree around it?

    text     the  old  captain  and  the  sea         ten minutes of text around each word count,
    heard    the  old  captain  and  the  see         but nothing that stands at its own place

The words that are heard are those of `rereading`. What the text has at a word's own place says nothing here: where the
model's words are wanted the text is wrong more often than anywhere else.

Legend: W recognised words, N words of the text, F features.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from prep_corpus.filters.judge_evidence import SLACK_SECONDS, TimedWords

if TYPE_CHECKING:
    from prep_corpus.align.model.models import ModelInfo
    from prep_corpus.align.words.words import Words

DoubleArray = NDArray[np.float64]
LongArray = NDArray[np.int64]

TEXT_VERSION = 2
"""Of the evidence, for the digests of what depends on it."""

TEXT_NAMES = ("text_has", "text_count", "text_agrees", "text_agrees_near", "text_put", "text_lead")
"""Names of the columns of `text_evidence`, in order.

text_has: 1 where the word stands in the text within `WIDE_SECONDS` but not at its own place, else 0.
text_count: log1p of how often, at most `MOST_LOG_COUNT`.
text_agrees: share of the words heard within `WIDE_SECONDS`, but not at its own place, that the text has where they are
    heard; a half where there are none, and nearer to it the fewer there are.
text_agrees_near: the same within `AROUND_SECONDS`.
text_put, text_lead: of `rereading.Reread`: 1 where it is a word of the text instead of what was heard, else 0; and its
    log-odds against all other readings, at most `rereading.MOST_LEAD`.
"""

PLACE_SECONDS = 2.0
"""What is not farther away stands at the same place."""

AROUND_SECONDS = 20.0
WIDE_SECONDS = 300.0
"""Of a text of many hours nearly every word stands in it somewhere: so no more of it counts."""

LEAST_SAID = 0.25
"""A text of which less is likely said where it stands is another recording's, and no evidence."""

MOST_LOG_COUNT = 4.0

_PRIOR_WORDS = 3.0


@dataclass(frozen=True, kw_only=True)
class TextWords(TimedWords):
    """The words of a transcript where they were aligned.

    Attributes:
        tokens: of each, int32.
        refused_W: those that are more likely not said where they stand.
    """

    tokens: tuple[NDArray[np.int32], ...]
    refused_W: NDArray[np.bool_]

    @property
    def is_said(self) -> bool:
        """Whether it is a text of this recording: enough of its words are likely said where they stand."""
        return len(self.refused_W) > 0 and 1 - self.refused_W.mean() >= LEAST_SAID


def words_of_text(
    words: Words,
    texts: Sequence[str],
    tokens_L: NDArray[np.int32],
    info: ModelInfo,
    refused_W: NDArray[np.bool_] | None = None,
) -> TextWords:
    """The words of a transcript where they were aligned.

    Args:
        words: N words.
        texts: they, as normalised.
        tokens_L: the tokens that were aligned.
        info: of the model.
        refused_W: those that are more likely not said where they stand; none where nothing tells.
    """
    spans = zip(words.token_starts.tolist(), words.token_ends.tolist())
    return TextWords(
        texts=tuple(texts),
        starts_W=words.frame_starts * np.float64(info.frame_seconds),
        ends_W=words.frame_ends * np.float64(info.frame_seconds),
        tokens=tuple(tokens_L[start:end] for start, end in spans),
        refused_W=np.zeros(len(words), bool) if refused_W is None else refused_W,
    )


def text_evidence(
    words: TimedWords, text: TimedWords, put_W: NDArray[np.bool_], lead_W: DoubleArray
) -> NDArray[np.float32]:
    """What a recording's text says for the words that are heard in it.

    Args:
        words: the W words that are heard, as they are read with the text.
        text: the N words of the text where they were aligned, spelled alike.
        put_W, lead_W: of `rereading.Reread`.

    Returns:
        float32 [W, F], columns as in `TEXT_NAMES`.
    """
    number_of: dict[str, int] = {}
    for word in (*text.texts, *words.texts):
        number_of.setdefault(word, len(number_of))
    heard_W = np.array([number_of[word] for word in words.texts], np.int64)
    text_N = np.array([number_of[word] for word in text.texts], np.int64)
    seconds_W = (words.starts_W + words.ends_W) / 2
    count_W = _elsewhere(heard_W, seconds_W, text_N, (text.starts_W + text.ends_W) / 2)
    agrees_W = _agrees(heard_W, words, text_N, text)
    return np.stack(
        (
            count_W > 0,
            np.minimum(np.log1p(count_W), MOST_LOG_COUNT),
            _share_around(agrees_W, seconds_W, WIDE_SECONDS),
            _share_around(agrees_W, seconds_W, AROUND_SECONDS),
            put_W,
            lead_W,
        ),
        axis=1,
    ).astype(np.float32)


def _elsewhere(
    heard_W: LongArray, seconds_W: DoubleArray, text_N: LongArray, seconds_N: DoubleArray
) -> LongArray:
    """How often each word stands in the text near it, but not at its place [W]."""
    # One axis of time for all words: each has a stretch of it for itself.
    stretch = max(seconds_N.max(initial=0.0), seconds_W.max(initial=0.0)) + 2 * WIDE_SECONDS
    axis_N = np.sort(text_N * stretch + seconds_N)
    axis_W = heard_W * stretch + seconds_W

    def within(seconds: float) -> LongArray:
        found: LongArray = np.searchsorted(axis_N, axis_W + seconds, side="right") - np.searchsorted(
            axis_N, axis_W - seconds
        )
        return found

    return within(WIDE_SECONDS) - within(PLACE_SECONDS)


def _agrees(heard_W: LongArray, words: TimedWords, text_N: LongArray, text: TimedWords) -> DoubleArray:
    """1 for each word that the text has where it is heard, else 0 [W]."""
    order = np.argsort(text.starts_W, kind="stable")
    starts_N, ends_N, text_N = text.starts_W[order], text.ends_W[order], text_N[order]
    # No word ends before all that begin earlier have ended, so that those at one place are a range.
    first_W = np.searchsorted(np.maximum.accumulate(ends_N), words.starts_W - SLACK_SECONDS, side="right")
    last_W = np.searchsorted(starts_N, words.ends_W + SLACK_SECONDS)
    agrees_W = np.zeros(len(heard_W))
    for w, (word, first, last) in enumerate(zip(heard_W.tolist(), first_W.tolist(), last_W.tolist())):
        agrees_W[w] = word in text_N[first:last]
    return agrees_W


def _share_around(agrees_W: DoubleArray, seconds_W: DoubleArray, seconds: float) -> DoubleArray:
    """Share of the words within so many seconds, but not at its place, that agree, for each word [W]."""
    sums = np.concatenate(([0.0], np.cumsum(agrees_W)))

    def within(reach: float) -> tuple[DoubleArray, LongArray]:
        firsts = np.searchsorted(seconds_W, seconds_W - reach)
        lasts = np.searchsorted(seconds_W, seconds_W + reach, side="right")
        return sums[lasts] - sums[firsts], lasts - firsts

    (agreed_W, count_W), (agreed_here_W, count_here_W) = within(seconds), within(PLACE_SECONDS)
    share_W: DoubleArray = (agreed_W - agreed_here_W + 0.5 * _PRIOR_WORDS) / (
        count_W - count_here_W + _PRIOR_WORDS
    )
    return share_W
