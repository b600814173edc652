"""A map from the characters of a plain text to their places in the file that it was read from.

Most of a transcript is copied from its file as it stands, so the map is kept as links from a span of the text to one
of the file:

    file   1\\r\\n00:00:01,000 --> ...\\r\\nTom &amp; I.      links (0, 4, 31, 35)   "Tom ", copied
    text   Tom & I.                                       (4, 5, 35, 40)   "&", written "&amp;"
                                                          (5, 8, 40, 43)   " I.", copied

Legend: N characters of the plain text, R links.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

Link = tuple[int, int, int, int]
"""(char_start, char_end, file_start, file_end), half-open. Where both spans are of one length, the characters stand
one for one; else each of them stands for the whole span of the file."""


@dataclass(frozen=True, kw_only=True)
class OffsetMap:
    """The places of a plain text's characters in a file.

    Attributes:
        links: links in the order of the text, which they cover without gaps.
    """

    links: tuple[Link, ...]

    @classmethod
    def of(cls, starts_N: NDArray[np.int32], ends_N: NDArray[np.int32]) -> OffsetMap:
        """The map of characters whose half-open spans in the file are known.

        Args:
            starts_N: int32, where the source of each character starts.
            ends_N: int32, where it ends.
        """
        count = len(starts_N)
        if count == 0:
            return cls(links=())
        single_N = ends_N - starts_N == 1
        copies = single_N[1:] & single_N[:-1] & (starts_N[1:] == starts_N[:-1] + 1)
        # Characters with one long span in common; with a span of the link's own length they would look copied.
        shares = (starts_N[1:] == starts_N[:-1]) & (ends_N[1:] == ends_N[:-1]) & ~single_N[1:]
        firsts = np.flatnonzero(np.concatenate(([True], ~(copies | shares))))
        links: list[Link] = []
        for at, end in zip(firsts.tolist(), [*firsts[1:].tolist(), count]):
            start, stop = int(starts_N[at]), int(ends_N[end - 1])
            if end - at > 1 and not single_N[at] and stop - start == end - at:
                links += [(here, here + 1, start, stop) for here in range(at, end)]
            else:
                links.append((at, end, start, stop))
        return cls(links=tuple(links))

    def span(self, char_start: int, char_end: int) -> tuple[int, int]:
        """The half-open span of the file behind a half-open span of the plain text; (0, 0) where that is empty.

        Raises:
            IndexError: the span lies outside the text.
        """
        if not 0 <= char_start <= char_end <= self.characters:
            raise IndexError(f"characters {char_start} to {char_end} of {self.characters}")
        if char_start == char_end:
            return 0, 0
        first, last = np.searchsorted(self._starts_R, [char_start, char_end - 1], side="right") - 1
        starts, ends = zip(*(self._part(self.links[r], char_start, char_end) for r in range(first, last + 1)))
        return min(starts), max(ends)

    @property
    def characters(self) -> int:
        """N, the length of the plain text."""
        return self.links[-1][1] if self.links else 0

    def flat(self) -> list[int]:
        """All numbers in a row, four per link."""
        return [number for link in self.links for number in link]

    @classmethod
    def of_flat(cls, numbers: list[int]) -> OffsetMap:
        """The reverse of `flat`."""
        fours = zip(numbers[::4], numbers[1::4], numbers[2::4], numbers[3::4])
        return cls(links=tuple(fours))

    @cached_property
    def _starts_R(self) -> NDArray[np.int64]:
        return np.array([link[0] for link in self.links], np.int64)

    @staticmethod
    def _part(link: Link, char_start: int, char_end: int) -> tuple[int, int]:
        at, end, start, stop = link
        if end - at != stop - start:
            return start, stop
        return start + max(char_start - at, 0), stop - max(end - char_end, 0)
