"""What a model in pieces is heard to say around a word, letter by letter.

Legend: T frames, L tokens, W words.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from prep_corpus.align.text.spelling import PieceSpelling
    from prep_corpus.align.words.words import Words


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
    heard = [texts[column] for column in greedy_T[places].tolist()]
    said = [texts[token] for token in tokens_L.tolist()]
    bounds = np.searchsorted(places, middles).tolist()
    found = np.empty(len(words))
    for w, (first, last) in enumerate(zip(words.token_starts.tolist(), words.token_ends.tolist())):
        found[w] = Levenshtein.distance("".join(said[first:last]), "".join(heard[bounds[w] : bounds[w + 1]]))
    return found
