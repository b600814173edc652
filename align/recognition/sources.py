"""Whose text an utterance has: the transcript's, or what the model hears where none of it is kept."""

from __future__ import annotations

READ_NOTHING, READ_UNCOVERED = "none", "uncovered"
READ_MODES = (READ_NOTHING, READ_UNCOVERED)
"""What is kept of what the model hears: nothing, or what it hears where no utterance of the transcript stands."""

TRANSCRIPT, RECOGNISED = "transcript", "model"
"""Whose text it is."""

KEPT_RECOGNISED = "kept:model"
"""Entry of the ledger of samples: those of utterances whose text is what the model hears."""
