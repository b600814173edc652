"""Agreement of people who listened to the same clips: no figure about a filter can be surer than that.

Two listeners are compared on the clips that both have answered:

    WER        word edits between their texts over the mean of their words, on clips that both could understand
    identical  clips with the same words, of these
    kappa      Cohen's, of "unintelligible" against "intelligible"

Source: J. Cohen, "A coefficient of agreement for nominal scales", 1960.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

from rapidfuzz.distance import Levenshtein

HeardWords = tuple[str, ...]
Versions = Mapping[str, Mapping[str, HeardWords | None]]
"""For each clip each listener's normalised words, None where it was unintelligible to them."""


@dataclass(frozen=True, kw_only=True)
class Agreement:
    """Two listeners' counts, or those of several pairs added up.

    Attributes:
        listeners: the two listeners' names; () for a sum over pairs.
        both: clips that both understood.
        only_first, only_second: clips that only one understood.
        neither: clips that both found unintelligible.
        edits: word edits between the texts of the clips that both understood.
        words: words of those clips, the mean of both listeners.
        identical: clips that both understood with the same words.
    """

    listeners: tuple[str, ...] = ()
    both: int = 0
    only_first: int = 0
    only_second: int = 0
    neither: int = 0
    edits: int = 0
    words: float = 0.0
    identical: int = 0

    def __add__(self, other: Agreement) -> Agreement:
        return Agreement(
            both=self.both + other.both,
            only_first=self.only_first + other.only_first,
            only_second=self.only_second + other.only_second,
            neither=self.neither + other.neither,
            edits=self.edits + other.edits,
            words=self.words + other.words,
            identical=self.identical + other.identical,
        )

    @property
    def clips(self) -> int:
        """Clips that both have answered."""
        return self.both + self.only_first + self.only_second + self.neither

    @property
    def wer(self) -> float | None:
        """Word edits over words; None where no words can be compared."""
        return self.edits / self.words if self.words else None

    @property
    def identical_share(self) -> float | None:
        """Clips with the same words, of those that both understood."""
        return self.identical / self.both if self.both else None

    @property
    def same_verdict(self) -> float | None:
        """Clips that both understood or neither did, of all."""
        return (self.both + self.neither) / self.clips if self.clips else None

    @property
    def kappa(self) -> float | None:
        """Agreement on what is unintelligible beyond chance; None where both say the same of every clip."""
        if not self.clips:
            return None
        first = (self.both + self.only_first) / self.clips
        second = (self.both + self.only_second) / self.clips
        by_chance = first * second + (1 - first) * (1 - second)
        seen = (self.both + self.neither) / self.clips
        return (seen - by_chance) / (1 - by_chance) if by_chance < 1 else None


@dataclass(frozen=True, kw_only=True)
class Difference:
    """A clip that two listeners hear differently.

    Attributes:
        id: id of the segment.
        listeners: the two listeners' names.
        texts: what each heard; None for unintelligible.
        edits: between the texts; where one found it unintelligible, the other's words.
    """

    id: str
    listeners: tuple[str, str]
    texts: tuple[str | None, str | None]
    edits: int


def agreements(versions: Versions) -> list[Agreement]:
    """One for each pair of listeners with a clip in common, by their names."""
    return [_compare(pair, [words for _, words in common]) for pair, common in _pairs(versions)]


def total(pairs: Sequence[Agreement]) -> Agreement:
    """All pairs added up; a clip that three have heard counts three times."""
    return sum(pairs, Agreement())


def differences(versions: Versions) -> list[Difference]:
    """Clips that two listeners hear differently, the most edits first."""
    found = [
        Difference(
            id=id_,
            listeners=pair,
            texts=(_text(first), _text(second)),
            edits=Levenshtein.distance(list(first or ()), list(second or ())),
        )
        for pair, common in _pairs(versions)
        for id_, (first, second) in common
        if first != second
    ]
    return sorted(found, key=lambda one: (-one.edits, one.id, one.listeners))


_Pair = tuple[HeardWords | None, HeardWords | None]


def _pairs(versions: Versions) -> list[tuple[tuple[str, str], list[tuple[str, _Pair]]]]:
    pairs: dict[tuple[str, str], list[tuple[str, _Pair]]] = {}
    for id_ in sorted(versions):
        heard = versions[id_]
        for first, second in combinations(sorted(heard), 2):
            pairs.setdefault((first, second), []).append((id_, (heard[first], heard[second])))
    return sorted(pairs.items())


def _compare(pair: tuple[str, str], common: Sequence[_Pair]) -> Agreement:
    both = only_first = only_second = neither = edits = words = identical = 0
    for first, second in common:
        if first is not None and second is not None:
            both += 1
            edits += Levenshtein.distance(list(first), list(second))
            words += len(first) + len(second)
            identical += first == second
        elif first is not None:
            only_first += 1
        elif second is not None:
            only_second += 1
        else:
            neither += 1
    return Agreement(
        listeners=pair,
        both=both,
        only_first=only_first,
        only_second=only_second,
        neither=neither,
        edits=edits,
        words=words / 2,
        identical=identical,
    )


def _text(words: HeardWords | None) -> str | None:
    return None if words is None else " ".join(words)


def agreement_lines(versions: Versions, *, examples: int = 0) -> list[str]:
    """How far listeners agree, for people to read; nothing where no clip has two listeners.

    Args:
        versions: all clips' versions.
        examples: clips to name on which they differ most.
    """
    pairs = agreements(versions)
    if not pairs:
        return []
    listeners = {name for pair in pairs for name in pair.listeners}
    shared = sum(len(heard) > 1 for heard in versions.values())
    lines = [f"{shared} of {len(versions)} clips were heard by two or more of {len(listeners)} listeners"]
    lines += [f"{' and '.join(pair.listeners)}: {_figures(pair)}" for pair in pairs]
    if len(pairs) > 1:
        lines.append(f"all pairs: {_figures(total(pairs))}")
    worst = dict.fromkeys(one.id for one in differences(versions))
    for id_ in list(worst)[:examples]:
        lines.append(f"{id_}:")
        for name in sorted(versions[id_]):
            text = _text(versions[id_][name])
            lines.append(f"  {name}: {'(unintelligible)' if text is None else text or '(nobody speaks)'}")
    return lines


def _figures(pair: Agreement) -> str:
    texts = "no clip that both could understand"
    if pair.both:
        wer = "no words" if pair.wer is None else f"{pair.wer:.1%} of the words differ"
        texts = f"{wer}, {pair.identical} of {pair.both} texts are identical"
    unclear = "every clip clear to both"
    if pair.neither or pair.only_first or pair.only_second:
        kappa = "" if pair.kappa is None else f" (kappa {pair.kappa:.2f})"
        apart = pair.only_first + pair.only_second
        unclear = f"unintelligible to both {pair.neither}, to one of them {apart}{kappa}"
    return f"{pair.clips} clips; {texts}; {unclear}"
