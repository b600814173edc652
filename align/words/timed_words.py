"""The words that are said, as people read them: written form, times, score and speaker.

Legend: W words of the transcript.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from prep_corpus.align.text.normalize import NormalizedText
from prep_corpus.align.words.evidence import EVIDENCE_NAMES
from prep_corpus.align.words.words import Words


@dataclass(frozen=True, kw_only=True)
class TimedWord:
    """One word as the transcript writes it, and when it is said.

    Attributes:
        text: the word with its punctuation; what is written once and said in several words ("25") is one.
        start_seconds: time of its first sound.
        end_seconds: time at which it ends.
        score: how well the audio agrees, 0 to 1; see `word_scores`. Of several words, the lowest.
        speaker: who says it, where that is known.
    """

    text: str
    start_seconds: float
    end_seconds: float
    score: float
    speaker: str | None = None


def word_scores(evidence_WF: Any) -> NDArray[np.float64]:
    """How well the audio agrees with each word, float64 [W] from 0 to 1.

    Over the word's frames, the geometric mean of the aligned symbol's probability divided by that of the likeliest.
    """
    ratios_W = np.asarray(evidence_WF, np.float64)[:, EVIDENCE_NAMES.index("ratio_mean")]
    scores_W: NDArray[np.float64] = np.exp(np.minimum(ratios_W, 0.0))
    return scores_W


def timed_words(
    words: Words,
    normalized: NormalizedText,
    chosen: Iterable[int],
    scores_W: NDArray[np.float64],
    *,
    frame_seconds: float,
    speakers: Sequence[str] = (),
    own_speaker: str | None = None,
) -> list[TimedWord]:
    """The words of these numbers that are said, in order.

    Args:
        words: W words with their frames.
        normalized: the transcript, without what nobody reads.
        chosen: numbers of words, rising.
        scores_W: see `word_scores`.
        frame_seconds: length of a frame.
        speakers: names of the speakers that `words.speakers` counts.
        own_speaker: of the recording; says what nobody else is named for.
    """
    found: list[TimedWord] = []
    before = -2
    for w in chosen:
        if words.skipped[w]:
            continue
        text = normalized.text_of(w, w + 1)
        end_seconds, score = float(words.frame_ends[w]) * frame_seconds, float(scores_W[w])
        if not text and w == before + 1:
            # A later word of what is written once.
            found[-1] = replace(found[-1], end_seconds=end_seconds, score=min(score, found[-1].score))
        else:
            speaker = -1 if words.speakers is None else int(words.speakers[w])
            found.append(
                TimedWord(
                    text=text or normalized.spoken_of(w, w + 1),
                    start_seconds=float(words.frame_starts[w]) * frame_seconds,
                    end_seconds=end_seconds,
                    score=score,
                    speaker=(speakers[speaker] if speaker >= 0 else "") or own_speaker,
                )
            )
        before = w
    return found
