"""Ledgers that do not add up are a defect, and say by how much."""

from __future__ import annotations

import pytest

from prep_corpus.align.errors import DeadLetter, InternalError
from prep_corpus.pipeline.ledgers import Ledgers, of_dead_letters, total


def test_sums_add_up_entry_by_entry() -> None:
    one = Ledgers(samples={"kept": 3, "pause": 1, "decoded": 4}, characters={"kept": 5, "read": 5})
    other = of_dead_letters(
        [
            DeadLetter(
                stage="emit",
                recording_id="x",
                reason="audio-truncated",
                message="x: it breaks off",
                decoded_samples=7,
                read_characters=2,
            )
        ]
    )
    whole = total([one, other])
    whole.check("both")
    assert whole.samples == {"kept": 3, "pause": 1, "decoded": 11, "rejected:audio-truncated": 7}
    assert whole.characters == {"kept": 5, "read": 7, "rejected:audio-truncated": 2}
    assert Ledgers.from_json(whole.to_json()) == whole


def test_a_lost_sample_is_named() -> None:
    with pytest.raises(
        InternalError, match="talk: the ledger must add up to 4 decoded, and its parts give 3"
    ):
        Ledgers(samples={"kept": 3, "decoded": 4}).check("talk")
