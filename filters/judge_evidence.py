"""Evidence from a second model: whether it hears the same words at the same time.

    heard    the  old  woman   and the sea
    judge    the  old  man   and   the see      agrees on all but woman and sea, of which see is one letter off

Two models need not write alike: their words are compared without case, and by the letters that both know.

Legend: W recognised words, J words that the judge hears, F features.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from prep_corpus.align.errors import UsageError
from prep_corpus.align.recognition.recognised import recognise
from prep_corpus.align.words.evidence import track

if TYPE_CHECKING:
    from prep_corpus.align.model.models import ModelInfo
    from prep_corpus.align.recognition.recognised import RecognisedWords

DoubleArray = NDArray[np.float64]

JUDGE_VERSION = 1
"""Of the evidence, for the digests of what depends on it."""

JUDGE_NAMES = ("judge_agrees", "judge_distance", "judge_besides")
"""Names of the columns of `judge_evidence`, in order.

judge_agrees: 1 where the judge hears the same word there, else 0.
judge_distance: least edit distance to what the judge hears there, over the longer one's letters, 0 to 1; 1 where it
    hears nothing.
judge_besides: words that the judge hears between this word and those beside it, where this model hears none, at most
    `MOST_WORDS_BESIDES`.
"""

SLACK_SECONDS = 0.1
"""Two models put a word at the same place within so much."""

MOST_WORDS_BESIDES = 2


@dataclass(frozen=True, kw_only=True)
class TimedWords:
    """Words that a model hears, in order of time.

    Attributes:
        texts: the words, without case.
        starts_W, ends_W: seconds.
    """

    texts: tuple[str, ...]
    starts_W: DoubleArray
    ends_W: DoubleArray


NOTHING_HEARD = TimedWords(texts=(), starts_W=np.zeros(0), ends_W=np.zeros(0))
"""Of a judge that hears nothing, or could not be run."""


def letters_in_common(info: ModelInfo, judge: ModelInfo) -> frozenset[str]:
    """The letters, without case, that two models know.

    Raises:
        UsageError: there are none.
    """
    both = _letters(info) & _letters(judge)
    # An apostrophe alone, which models of most scripts write, is no word.
    if not any(letter.isalpha() for letter in both):
        raise UsageError(
            "a judge must write letters that the model writes, or they can never agree, and these have none in common"
        )
    return both


def _letters(info: ModelInfo) -> frozenset[str]:
    return frozenset(letter for symbol in info.alphabet for letter in symbol.casefold())


def timed_words(found: RecognisedWords, frame_seconds: float, letters: frozenset[str]) -> TimedWords:
    """What a model hears, for comparison with another.

    Args:
        found: as `recognise` gives it.
        frame_seconds: length of the model's frames.
        letters: as `letters_in_common` gives them; all others are left out.
    """
    return TimedWords(
        texts=tuple(
            "".join(letter for letter in text.casefold() if letter in letters) for text in found.texts
        ),
        starts_W=found.frame_starts * np.float64(frame_seconds),
        ends_W=found.frame_ends * np.float64(frame_seconds),
    )


def reading_of(log_probs_TC: NDArray[np.floating], judge: ModelInfo, letters: frozenset[str]) -> TimedWords:
    """What a judge hears in a recording, from its emissions."""
    return timed_words(recognise(track(log_probs_TC, judge), judge), judge.frame_seconds, letters)


def with_judge(
    evidence_WF: NDArray[np.float32],
    found: RecognisedWords,
    info: ModelInfo,
    letters: frozenset[str],
    judged: TimedWords,
) -> NDArray[np.float32]:
    """The evidence for recognised words with the columns of `judge_evidence` behind.

    Args:
        evidence_WF: as `recognition_evidence` gives it.
        found: the words.
        info: of the model that heard them.
        letters: as `letters_in_common` gives them.
        judged: what the judge hears in the recording.
    """
    own = timed_words(found, info.frame_seconds, letters)
    return np.concatenate((evidence_WF, judge_evidence(own, judged)), axis=1)


def judge_evidence(words: TimedWords, judge: TimedWords) -> NDArray[np.float32]:
    """How far a judge hears the same.

    Args:
        words: the W words that are judged.
        judge: the J words of the judge.

    Returns:
        float32 [W, F], columns as in `JUDGE_NAMES`.
    """
    # Only where there is a judge.
    from rapidfuzz.distance import Levenshtein

    first_W = np.searchsorted(judge.ends_W, words.starts_W - SLACK_SECONDS, side="right")
    end_W = np.searchsorted(judge.starts_W, words.ends_W + SLACK_SECONDS, side="left")
    agrees_W, distance_W = np.zeros(len(words.texts)), np.ones(len(words.texts))
    taken = -1
    for w, (text, first, end) in enumerate(zip(words.texts, first_W.tolist(), end_W.tolist())):
        near = judge.texts[first:end]
        if not near or not text:
            continue
        distance_W[w] = min(Levenshtein.normalized_distance(text, other) for other in (*near, "".join(near)))
        # One word of the judge vouches for one word alone.
        same = next((j for j in range(max(first, taken + 1), end) if judge.texts[j] == text), None)
        if same is not None:
            taken, agrees_W[w] = same, 1.0
    return np.stack((agrees_W, distance_W, _besides(words, judge)), axis=1).astype(np.float32)


def _besides(words: TimedWords, judge: TimedWords) -> DoubleArray:
    """Words [W] of the judge whose middle lies in the gap before or behind each word."""
    middles_J = np.sort((judge.starts_W + judge.ends_W) / 2)
    before = np.append(-np.inf, words.ends_W + SLACK_SECONDS)
    after = np.append(words.starts_W - SLACK_SECONDS, np.inf)
    count = np.maximum(np.searchsorted(middles_J, after) - np.searchsorted(middles_J, before), 0)
    besides_W: DoubleArray = np.minimum(count[:-1] + count[1:], MOST_WORDS_BESIDES).astype(np.float64)
    return besides_W
