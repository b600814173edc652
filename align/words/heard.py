"""What is heard around a word: the names of its columns, and what a model in pieces says, letter by letter.

Legend: T frames, L tokens, W words.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from prep_corpus.align.text.spelling import PieceSpelling
    from prep_corpus.align.words.words import Words


HEARING_NAMES = (
    "read",
    "read_exactly",
    "read_besides",
    "clarity",
    "certainty",
    "speech",
    "margin_mean",
    "margin_min",
    "rate",
    "letters_before",
    "letters_after",
    "sure_before",
    "sure_after",
)
"""Names of the columns of `hearing`, in order.

read: share of the word's tokens that the greedy decoding of its zone has too, in their order, in [0, 1].
read_exactly: 1 where the greedy decoding of its zone is the word, else 0.
read_besides: tokens that the greedy decoding of its zone has besides, over the word's length, at most 2.
clarity: mean probability of what the greedy decoding reads in the zone; 0 where it reads nothing.
certainty: mean over the zone's frames of the largest probability.
speech: probability mass per token of the word that is neither blank nor delimiter, over the word's frames, at most 2.
margin_mean, margin_min: over the word's tokens, by how much each is likelier than the likeliest other symbol at the
    frame where it is likeliest, in nats, within `MARGIN_NATS`.
rate: by how much the word's frames per token differ from the recording's median, in log, at most 2.
letters_before, letters_after: tokens that the greedy decoding reads in the gap, at most 6.
sure_before, sure_after: the largest probability of a token that the greedy decoding reads in the gap; else 0.
"""


COST_NAMES = (
    "cost",
    "cost_per_token",
    "cost_of_three",
    "cost_of_three_per_token",
    "gain",
    "gain_per_token",
    "other",
    "more_before",
    "more_after",
)
"""Names of the columns of `path_costs`, in order; in nats, each within bounds.

cost: -log p(word) over all paths through its zone, delimiters beside it as silence.
cost_of_three: the same of the word and those beside it.
gain: by how much those beside it alone cost more there.
cost_per_token, cost_of_three_per_token, gain_per_token: over the number of their tokens, the gain over the word's own.
other: by how much anything else than silence between those beside it costs less than the word there.
more_before, more_after: by how much the word and the one beside it cost less with something else between them.
"""


def letter_edits(
    tokens_L: NDArray[np.int32],
    words: Words,
    greedy_T: NDArray[np.int32],
    blank: int,
    middles: NDArray[np.int64],
    pieces: PieceSpelling,
) -> NDArray[np.float64]:
    """Edit distance between the letters of each word and those of the greedy decoding around it.

    Args:
        tokens_L: the tokens that were aligned.
        words: W words.
        greedy_T: most likely column of each frame.
        blank: column of the blank.
        middles: [W + 1], frames between which a word is looked for, rising.
        pieces: the model's spelling.
    """
    from rapidfuzz.distance import Levenshtein

    texts = pieces.texts
    emitted_T = (greedy_T != blank) & (np.append(-1, greedy_T[:-1]) != greedy_T)
    places = np.flatnonzero(emitted_T)
    heard, heard_at = _written([texts[column] for column in greedy_T[places].tolist()])
    said, said_at = _written([texts[token] for token in tokens_L.tolist()])
    starts, ends = said_at[words.token_starts].tolist(), said_at[words.token_ends].tolist()
    bounds = heard_at[np.searchsorted(places, middles)].tolist()
    distances = [
        Levenshtein.distance(said[start:end], heard[first:last])
        for start, end, first, last in zip(starts, ends, bounds, bounds[1:])
    ]
    return np.array(distances, np.float64)


def _written(symbols: list[str]) -> tuple[str, NDArray[np.int64]]:
    """The symbols one after the other, and where each begins and the last ends."""
    lengths = np.fromiter(map(len, symbols), np.int64, len(symbols))
    return "".join(symbols), np.concatenate(([0], np.cumsum(lengths)))
