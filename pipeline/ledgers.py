"""The two ledgers, in which nothing disappears.

samples      kept + kept:repaired + kept:model + dropped:<reason> + untranscribed + pause + rejected:<reason> = decoded
characters   kept + dropped:<reason> + unspoken + unsayable + stripped + rejected:<reason>    = read
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from prep_corpus.align.errors import DeadLetter, InternalError


@dataclass(frozen=True, kw_only=True)
class Ledgers:
    """Sums over a recording, a bundle or a corpus.

    Attributes:
        samples: entries by name, at the model's rate, and their total under "decoded".
        characters: entries by name, and their total under "read".
        counts: recordings, segments and utterances by name; they need not add up.
    """

    samples: Mapping[str, int] = field(default_factory=dict)
    characters: Mapping[str, int] = field(default_factory=dict)
    counts: Mapping[str, int] = field(default_factory=dict)

    def check(self, name: str) -> None:
        """Raise InternalError where a ledger does not add up."""
        for entries, total in ((self.samples, "decoded"), (self.characters, "read")):
            parts = sum(value for key, value in entries.items() if key != total)
            if parts != entries.get(total, 0):
                raise InternalError(
                    f"{name}: the ledger must add up to {entries.get(total, 0)} {total}, and its parts give {parts}: "
                    f"{dict(entries)}"
                )

    def to_json(self) -> dict[str, dict[str, int]]:
        """As plain dictionaries."""
        return {
            "samples": dict(self.samples),
            "characters": dict(self.characters),
            "counts": dict(self.counts),
        }

    @staticmethod
    def from_json(ledgers: Mapping[str, Mapping[str, int]]) -> Ledgers:
        """From plain dictionaries."""
        return Ledgers(
            samples=dict(ledgers["samples"]),
            characters=dict(ledgers["characters"]),
            counts=dict(ledgers["counts"]),
        )


def total(ledgers: Iterable[Ledgers]) -> Ledgers:
    """Their sum."""
    samples: dict[str, int] = {}
    characters: dict[str, int] = {}
    counts: dict[str, int] = {}
    for ledger in ledgers:
        for into, entries in (
            (samples, ledger.samples),
            (characters, ledger.characters),
            (counts, ledger.counts),
        ):
            for key, value in entries.items():
                into[key] = into.get(key, 0) + value
    return Ledgers(samples=samples, characters=characters, counts=counts)


def of_dead_letters(letters: Iterable[DeadLetter]) -> Ledgers:
    """What rejected recordings add."""
    return total(
        Ledgers(
            samples={f"rejected:{letter.reason}": letter.decoded_samples, "decoded": letter.decoded_samples},
            characters={f"rejected:{letter.reason}": letter.read_characters, "read": letter.read_characters},
            counts={"recordings": 1, f"rejected:{letter.reason}": 1},
        )
        for letter in letters
    )
