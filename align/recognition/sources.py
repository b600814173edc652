"""Whose text an utterance has: the transcript's, or what the model hears where none of it is kept."""

from __future__ import annotations

READ_NOTHING, READ_REPAIR, READ_UNCOVERED, READ_ALL = "none", "repair", "uncovered", "all"
READ_MODES = (READ_NOTHING, READ_REPAIR, READ_UNCOVERED, READ_ALL)
"""What is kept of what the model hears: nothing; what it hears where the transcript is wrong between right words; what
it hears where no utterance of the transcript stands; or both, and recordings that have no transcript."""

REPAIRING = (READ_REPAIR, READ_ALL)
"""Modes in which a transcript is repaired."""

READING_ALONE = (READ_UNCOVERED, READ_ALL)
"""Modes in which speech that no text covers is read."""

TRANSCRIPT, REPAIRED, RECOGNISED = "transcript", "repaired", "model"
"""Whose text it is: the transcript's, the transcript's with words that the model hears, or what the model hears."""

READ_SPLIT_ENDING = "_read"
"""Behind the name of a split it names the one beside it, which holds the utterances with words that the model hears."""

KEPT_REPAIRED, KEPT_RECOGNISED = "kept:repaired", "kept:model"
"""Entries of the ledger of samples: those of utterances with a repaired text, and with what the model hears alone."""

KEPT_ENTRIES = ("kept", KEPT_REPAIRED, KEPT_RECOGNISED)
"""Entries of all that is kept."""
