"""The words that a model hears without being told any: the best symbol of each frame, gathered into words.

    frames   ....ccc.aa..t..|...o.nn....|.
    words        [cat         ) [on   )
    zones         cat [0 ... 17)   on [15 ... 26)      from the delimiter before a word to that after it

Legend: T frames, C classes, L tokens, W words.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from prep_corpus.align.errors import UsageError
from prep_corpus.align.text.spelling import UNKNOWN_LETTER

if TYPE_CHECKING:
    from prep_corpus.align.model.models import ModelInfo
    from prep_corpus.align.words.evidence import Track

LongArray = NDArray[np.int64]

LONGEST_REST_SECONDS = 0.5
"""Letters so far apart are of two words, with a delimiter between them or not: not all models write one in a pause."""


@dataclass(frozen=True, kw_only=True)
class RecognisedWords:
    """What a model hears in one recording, in order of time; all spans are half-open.

    Attributes:
        texts: the W words in the model's alphabet; UNKNOWN_LETTER stands for what no column writes.
        tokens_L: int32, column of each token, without blanks and delimiters.
        token_starts_L, token_ends_L: int64, frames of each token.
        bounds: int64 [W + 1], the first token of each word, and the end of the last.
        zone_starts, zone_ends: int64 [W], frames from the delimiter before a word to the one after it, both with it;
            where no delimiter stands, from the end of the word before to the start of the word after.
    """

    texts: tuple[str, ...]
    tokens_L: NDArray[np.int32]
    token_starts_L: LongArray
    token_ends_L: LongArray
    bounds: LongArray
    zone_starts: LongArray
    zone_ends: LongArray

    def __len__(self) -> int:
        return len(self.texts)

    @property
    def frame_starts(self) -> LongArray:
        """First frame of each word."""
        return self.token_starts_L[self.bounds[:-1]]

    @property
    def frame_ends(self) -> LongArray:
        """One past the last frame of each word."""
        return self.token_ends_L[self.bounds[1:] - 1]


def recognise(seen: Track, info: ModelInfo) -> RecognisedWords:
    """Read the best symbol of each frame: repeated ones are one, and blanks are none.

    Args:
        seen: what the model saw in each of the T frames.
        info: the model's description.

    Raises:
        UsageError: the model does not tell where a word ends.
    """
    check_tells_words(info)
    symbols, starts, ends = _runs(seen)
    is_token = (symbols != seen.blank) & (symbols != seen.delimiter)
    tokens_L = symbols[is_token]
    token_starts_L, token_ends_L = starts[is_token], ends[is_token]
    begins_L = _begins(symbols, is_token, seen, info)
    begins_L[1:] |= token_starts_L[1:] - token_ends_L[:-1] >= round(LONGEST_REST_SECONDS / info.frame_seconds)
    written = info.pieces.texts if info.tokenizer else _letters(info)
    writes_L = np.array([bool(text) for text in written])[tokens_L]
    if not writes_L.all():
        # A piece that is the start of a word alone, and nothing behind it, is no word.
        whole_L = np.logical_or.reduceat(writes_L, np.flatnonzero(begins_L))[np.cumsum(begins_L) - 1]
        tokens_L, begins_L = tokens_L[whole_L], begins_L[whole_L]
        token_starts_L, token_ends_L = token_starts_L[whole_L], token_ends_L[whole_L]
    firsts = np.flatnonzero(begins_L)
    bounds = np.append(firsts, len(tokens_L)).astype(np.int64)
    texts = tuple(
        "".join(written[token] for token in tokens_L[first:end].tolist())
        for first, end in zip(bounds[:-1].tolist(), bounds[1:].tolist())
    )
    zone_starts, zone_ends = _zones(
        token_starts_L[bounds[:-1]],
        token_ends_L[bounds[1:] - 1] if len(firsts) else np.zeros(0, np.int64),
        starts[symbols == seen.delimiter],
        ends[symbols == seen.delimiter],
        len(seen.greedy_T),
    )
    return RecognisedWords(
        texts=texts,
        tokens_L=tokens_L,
        token_starts_L=token_starts_L,
        token_ends_L=token_ends_L,
        bounds=bounds,
        zone_starts=zone_starts,
        zone_ends=zone_ends,
    )


def check_tells_words(info: ModelInfo) -> None:
    """See that what a model hears can be read.

    Raises:
        UsageError: it does not tell where a word ends.
    """
    if info.tokenizer and not info.pieces.tells_words:
        raise UsageError(
            "a model must tell where a word ends for its words to be read without a text: this one writes letters alone"
        )


def _runs(seen: Track) -> tuple[NDArray[np.int32], LongArray, LongArray]:
    """Symbols that fill frames in a row, with their first frame and one past their last."""
    greedy_T = seen.greedy_T
    if not len(greedy_T):
        empty = np.zeros(0, np.int64)
        return empty.astype(np.int32), empty, empty
    starts = np.flatnonzero(np.append(True, greedy_T[1:] != greedy_T[:-1])).astype(np.int64)
    return greedy_T[starts], starts, np.append(starts[1:], len(greedy_T))


def _begins(
    symbols: NDArray[np.int32], is_token: NDArray[np.bool_], seen: Track, info: ModelInfo
) -> NDArray[np.bool_]:
    """Which tokens begin a word."""
    if info.tokenizer:
        begins_L: NDArray[np.bool_] = info.pieces.begins_C[symbols[is_token]].copy()
    elif seen.delimiter < 0:
        begins_L = np.ones(int(is_token.sum()), bool)
    else:
        passed = np.cumsum(symbols == seen.delimiter)[is_token]
        begins_L = np.append(True, np.diff(passed) > 0)[: len(passed)]
    begins_L[:1] = True
    return begins_L


def _letters(info: ModelInfo) -> tuple[str, ...]:
    """What each column writes; symbols of several characters are none of a text."""
    return tuple(symbol if len(symbol) == 1 else UNKNOWN_LETTER for symbol in info.vocabulary)


def _zones(
    starts_W: LongArray,
    ends_W: LongArray,
    delimiter_starts: LongArray,
    delimiter_ends: LongArray,
    frames: int,
) -> tuple[LongArray, LongArray]:
    """Frames of each word with the delimiters beside it."""
    zone_starts = np.append(0, ends_W)[: len(starts_W)].astype(np.int64)
    zone_ends = np.append(starts_W, frames)[1:].astype(np.int64)
    if len(delimiter_starts):
        # The last delimiter before a word, and the first after it.
        before = np.searchsorted(delimiter_ends, starts_W, side="right") - 1
        zone_starts = np.maximum(zone_starts, np.where(before >= 0, delimiter_starts[before], 0))
        after = np.searchsorted(delimiter_starts, ends_W)
        inside = np.minimum(after, len(delimiter_starts) - 1)
        zone_ends = np.minimum(
            zone_ends, np.where(after < len(delimiter_starts), delimiter_ends[inside], frames)
        )
    return zone_starts, zone_ends
