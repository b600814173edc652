"""The order in which the sections of a text are read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from prep_corpus.align.sections.part_of_text import Span


@dataclass(frozen=True, kw_only=True)
class ReadingOrder:
    """The sections of a text in the order in which they are read.

    Attributes:
        spans: half-open spans of its characters, all of it but for white space between them; those that nobody reads
            come last.
        read: how many of them are read.
        moved_letters: letters that are heard in the sections that leave their place, as far as is known; no part of
            the order, and not stored.
    """

    spans: tuple[Span, ...]
    read: int
    moved_letters: int = field(default=0, compare=False)

    @property
    def numbers(self) -> tuple[int, ...]:
        """The sections that are read, in their order, counted from 1 as the text has them."""
        in_text = sorted(self.spans[: self.read])
        return tuple(in_text.index(one) + 1 for one in self.spans[: self.read])

    @property
    def moved_characters(self) -> int:
        """Characters of the sections that leave their place, the fewest that put the text in this order."""
        return moved(self.spans, [end - start for start, end in self.spans[: self.read]])

    def flat(self) -> list[int]:
        """All numbers in a row."""
        return [self.read, *(number for span in self.spans for number in span)]

    @classmethod
    def of_flat(cls, numbers: list[int]) -> ReadingOrder:
        """The reverse of `flat`."""
        return cls(spans=tuple(zip(numbers[1::2], numbers[2::2])), read=numbers[0])


def moved(spans: Sequence[Span], weights: Sequence[int]) -> int:
    """What sections weigh that leave their place; those stay that weigh most of all that rise together in the text.

    Args:
        spans: half-open spans of the text, in the order in which they are read.
        weights: of the first of them.
    """
    stay: list[int] = []
    for at, weight in enumerate(weights):
        before = (stay[earlier] for earlier in range(at) if spans[earlier][0] < spans[at][0])
        stay.append(weight + max(before, default=0))
    return sum(weights) - max(stay, default=0)
