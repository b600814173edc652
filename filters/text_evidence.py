"""Evidence from a recording's own text for what is heard in it: does the text know the word, does it agree around it?

    text     the  old  captain  and  the  sea         ten minutes of text around each word count,
    heard    the  old  captain  and  the  see         but nothing that stands at its own place

What the text has at the word's own place says nothing here: where the model's words are wanted the text is wrong more
often than anywhere else.

Legend: W recognised words, N words of the text, F features.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from prep_corpus.filters.judge_evidence import SLACK_SECONDS, TimedWords

if TYPE_CHECKING:
    from prep_corpus.align.model.models import ModelInfo
    from prep_corpus.align.recognition.recognised import RecognisedWords
    from prep_corpus.align.words.words import Words

DoubleArray = NDArray[np.float64]
LongArray = NDArray[np.int64]

TEXT_VERSION = 1
"""Of the evidence, for the digests of what depends on it."""

TEXT_NAMES = ("text_has", "text_count", "text_agrees", "text_agrees_near")
"""Names of the columns of `text_evidence`, in order.

text_has: 1 where the word stands in the text within `WIDE_SECONDS` but not at its own place, else 0.
text_count: log1p of how often, at most `MOST_LOG_COUNT`.
text_agrees: share of the words heard within `WIDE_SECONDS`, but not at its own place, that the text has where they are
    heard; a half where there are none, and nearer to it the fewer there are.
text_agrees_near: the same within `AROUND_SECONDS`.
"""

PLACE_SECONDS = 2.0
"""What is not farther away stands at the same place."""

AROUND_SECONDS = 20.0
WIDE_SECONDS = 300.0
"""Of a text of many hours nearly every word stands in it somewhere: so no more of it counts."""

MOST_LOG_COUNT = 4.0

_PRIOR_WORDS = 3.0


def with_text(
    evidence_WF: NDArray[np.float32], found: RecognisedWords, info: ModelInfo, text: TimedWords
) -> NDArray[np.float32]:
    """The evidence for recognised words with the columns of `text_evidence` behind.

    Args:
        evidence_WF: as `recognition_evidence` gives it, or `with_judge`.
        found: the words.
        info: of the model that heard them.
        text: the words of the transcript, as `words_of_text` gives them.
    """
    own = TimedWords(
        texts=found.texts,
        starts_W=found.frame_starts * np.float64(info.frame_seconds),
        ends_W=found.frame_ends * np.float64(info.frame_seconds),
    )
    return np.concatenate((evidence_WF, text_evidence(own, text)), axis=1)


def words_of_text(words: Words, texts: Sequence[str], info: ModelInfo) -> TimedWords:
    """The words of a transcript where they were aligned.

    Args:
        words: N words.
        texts: they, as normalised.
        info: of the model.
    """
    return TimedWords(
        texts=tuple(texts),
        starts_W=words.frame_starts * np.float64(info.frame_seconds),
        ends_W=words.frame_ends * np.float64(info.frame_seconds),
    )


def text_evidence(words: TimedWords, text: TimedWords) -> NDArray[np.float32]:
    """What a recording's text says for the words that are heard in it.

    Args:
        words: the W words that are heard.
        text: the N words of the text where they were aligned, spelled alike.

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
