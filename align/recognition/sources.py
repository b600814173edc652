"""Whose text an utterance has: the transcript's, or what the model hears where none of it is kept."""

from __future__ import annotations

READ_NOTHING, READ_UNCOVERED, READ_ALL = "none", "uncovered", "all"
READ_MODES = (READ_NOTHING, READ_UNCOVERED, READ_ALL)
"""What is kept of what the model hears: nothing; what it hears where no utterance of the transcript stands; or that,
and recordings that have no transcript."""

TRANSCRIPT, RECOGNISED = "transcript", "model"
"""Whose text it is."""

KEPT_RECOGNISED = "kept:model"
"""Entry of the ledger of samples: those of utterances whose text is what the model hears."""
