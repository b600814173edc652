"""Which columns of a model's output are kept: all of them, or for large vocabularies those that a text uses.

Legend: C classes.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from prep_corpus.align.model.models import ModelInfo

FULL_VOCABULARY = 128
"""Above so many symbols, emissions hold only the columns that the transcripts use, and one for the rest."""


FULL_PIECES = 512
"""The same for a model in pieces, which has fewer frames to keep."""


def needs_columns(info: ModelInfo) -> bool:
    """Whether a model's vocabulary is too large to be kept whole."""
    return len(info.vocabulary) > (FULL_PIECES if info.tokenizer else FULL_VOCABULARY)


def columns_used(info: ModelInfo, symbols: set[str]) -> tuple[ModelInfo, NDArray[np.int64] | None]:
    """What emissions hold where transcripts use certain symbols.

    Args:
        info: the model.
        symbols: the symbols of the normalised transcripts, as `ModelInfo.symbols_of` gives them; read only where
            `needs_columns`.

    Returns:
        The model with the columns of the emissions as its vocabulary, and the indices of those columns, int64 [C - 1],
        as `Emitter` takes them; the model itself and None where all columns are kept.
    """
    if not needs_columns(info):
        return info, None
    reduced = info.reduced(frozenset(symbols if info.tokenizer else symbols & info.alphabet))
    return reduced, np.array([info.vocabulary.index(s) for s in reduced.vocabulary[:-1]], np.int64)
