"""Utterances of what a model hears where no utterance of the transcript stands.

The recognised words of a recording are one table. Those inside the transcript's utterances are in it too, as words
that are not trusted: so nothing is cut across them, and no edge reaches into them.

    transcript   [== utterance ==]               [= utterance =]
    recognised    w  w  w  w  w  w  W  W  ?  W  W  w  w  w  w         w inside, W trusted, ? in doubt
    cut                             [===]  [===]

Legend: T frames, W recognised words, L tokens, S segments.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from prep_corpus.align.audio.levels import Levels
from prep_corpus.align.cutting.cutting import CutPlan, plan_words
from prep_corpus.align.cutting.segments import CutOptions, Segment
from prep_corpus.align.recognition.recognised import RecognisedWords
from prep_corpus.align.words.evidence import Track
from prep_corpus.align.words.words import Words

BoolArray = NDArray[np.bool_]
Span = tuple[int, int]


@dataclass(frozen=True, kw_only=True)
class RecognisedText:
    """Recognised words as cutting and scoring take words.

    Attributes:
        words: W words; they stand at no characters of the transcript.
        tokens_L: their tokens, with a delimiter between each two where the model has one.
    """

    words: Words
    tokens_L: NDArray[np.int32]


def as_text(found: RecognisedWords, delimiter: int, *, in_pieces: bool) -> RecognisedText:
    """The table of recognised words.

    Args:
        found: the words.
        delimiter: column of the delimiter, or -1.
        in_pieces: whether a token may be several letters.
    """
    shift_W = np.arange(len(found)) if delimiter >= 0 else np.zeros(len(found), np.int64)
    tokens_L = found.tokens_L
    if delimiter >= 0 and len(found):
        tokens_L = np.insert(tokens_L, found.bounds[1:-1], delimiter)
    nowhere_W = np.zeros(len(found), np.int32)
    letters = np.array([len(text) for text in found.texts], np.int32)
    words = Words(
        token_starts=(found.bounds[:-1] + shift_W).astype(np.int32),
        token_ends=(found.bounds[1:] + shift_W).astype(np.int32),
        frame_starts=found.frame_starts.astype(np.int32),
        frame_ends=found.frame_ends.astype(np.int32),
        char_starts=nowhere_W,
        char_ends=nowhere_W,
        skipped=np.zeros(len(found), bool),
        letters=letters if in_pieces else None,
    )
    return RecognisedText(words=words, tokens_L=tokens_L.astype(np.int32))


def outside(words: Words, kept: Sequence[Segment], stride_samples: int) -> BoolArray:
    """Which words [W] lie wholly outside some segments.

    Args:
        words: W words in order of time.
        kept: segments in order, without overlap.
        stride_samples: samples per frame.
    """
    starts = np.array([segment.sample_start for segment in kept], np.int64)
    ends = np.array([segment.sample_end for segment in kept], np.int64)
    # Segments that end before a word ends, or begin before it begins, are the same ones.
    begun_W = np.searchsorted(starts, words.frame_ends.astype(np.int64) * stride_samples, side="left")
    ended_W = np.searchsorted(ends, words.frame_starts.astype(np.int64) * stride_samples, side="right")
    found: BoolArray = begun_W == ended_W
    return found


def plan_outside(
    seen: Track,
    text: RecognisedText,
    trusted_W: BoolArray,
    sure_W: BoolArray,
    kept: Sequence[Segment],
    *,
    options: CutOptions,
    levels: Levels | None,
) -> CutPlan:
    """What is known of the cuts between trusted recognised words before the shortest pause is; as `cut_outside`."""
    said_W = trusted_W & outside(text.words, kept, options.stride_samples)
    return plan_words(
        seen,
        text.words,
        said_W,
        # Breaks beside words in doubt are at no pause: an edge that may stand inside a word cuts short ones in two.
        options=replace(options, slack_seconds=0.0, lead_seconds=0.0),
        levels=levels,
        sure_W=sure_W,
        # None is known not to be said: each that is not trusted breaks the passage that it stands in.
        unsaid_W=np.zeros(len(said_W), bool),
    )


def cut_outside(
    seen: Track,
    text: RecognisedText,
    trusted_W: BoolArray,
    sure_W: BoolArray,
    kept: Sequence[Segment],
    *,
    k_frames: int,
    options: CutOptions,
    levels: Levels | None,
) -> list[Segment]:
    """Segments of trusted recognised words between the segments that are there, in order; none has a drop reason.

    Args:
        seen: what the model saw in each of the T frames.
        text: W recognised words.
        trusted_W: words that may be kept.
        sure_W: words that may stand beside a break.
        kept: segments in order, without overlap.
        k_frames: shortest pause to cut at.
        options: lengths and padding.
        levels: loudness of the recording, or None.
    """
    plan = plan_outside(seen, text, trusted_W, sure_W, kept, options=options, levels=levels)
    found = [segment for segment in plan.cut(k_frames).segments if not segment.reason]
    return _between(found, kept, text.words, options)


def _between(
    found: Sequence[Segment], kept: Sequence[Segment], words: Words, options: CutOptions
) -> list[Segment]:
    """The found segments without the padding that lies in their neighbours, where they are still long enough."""
    stride_samples = options.stride_samples
    starts = np.array([segment.sample_start for segment in kept], np.int64)
    ends = np.array([segment.sample_end for segment in kept], np.int64)
    between = []
    for segment in found:
        first_sample = int(words.frame_starts[segment.word_start]) * stride_samples
        last_sample = int(words.frame_ends[segment.word_end - 1]) * stride_samples
        after = int(np.searchsorted(ends, first_sample, side="right"))
        start = max(segment.sample_start, int(ends[after - 1]) if after else 0)
        end = min(segment.sample_end, int(starts[after]) if after < len(starts) else segment.sample_end)
        stands_around_one = after < int(np.searchsorted(starts, last_sample))
        if stands_around_one or end - start < options.min_seconds * options.sample_rate_hz:
            continue
        between.append(
            replace(
                segment,
                sample_start=start,
                sample_end=end,
                frame_start=max(segment.frame_start, start // stride_samples),
                frame_end=min(segment.frame_end, -(-end // stride_samples)),
            )
        )
    return between
