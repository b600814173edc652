"""Recordings whose every word is known to be right or wrong: what filters are fitted and judged on.

Legend: T frames, L tokens, W words of the transcript, V words truly said, F features.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from prep_corpus.align.audio.levels import Levels
from prep_corpus.align.errors import UsageError
from prep_corpus.align.words.evidence import Track

if TYPE_CHECKING:
    from prep_corpus.align.words.words import Words

BoolArray = NDArray[np.bool_]
DoubleArray = NDArray[np.float64]


GIVEN, DAMAGED, HARD, HEARD = "given", "damaged", "hard", "heard"
"""Labels known beforehand, from damage to a transcript, known beforehand on hard ground, from people."""


@dataclass(frozen=True, kw_only=True)
class Case:
    """One aligned recording with its labels and its truth.

    Attributes:
        group: speaker or recording; folds of cross-validation never part a group.
        log_probs_TC: emissions.
        tokens_L: the tokens of the transcript that was aligned.
        words: W words with their frames.
        texts: the W words as normalised text.
        evidence_WF: as `align.evidence` gives it.
        seen: the emissions' track.
        levels: the audio's loudness, or None.
        right_W: whether the audio says each word where the transcript has it.
        known_W: words whose label counts in fitting.
        true_texts: the V words truly said, or taken to be.
        true_middles_V: the middle of each in seconds, rising.
        true_right_V: which of them the transcript has right.
        judged: half-open spans of seconds in which the truth is complete; None for the whole recording.
        weight: how often it counts in the curve: one of a weighted sample stands for several.
        origin: where its labels come from: `GIVEN`, `DAMAGED`, `HARD` or `HEARD`.
        condition: what makes it hard ground; a promise holds under each condition, not only in the mean.
    """

    group: str
    log_probs_TC: NDArray[np.floating]
    tokens_L: NDArray[np.int32]
    words: Words
    texts: tuple[str, ...]
    evidence_WF: NDArray[np.floating]
    seen: Track
    levels: Levels | None
    right_W: BoolArray
    known_W: BoolArray
    true_texts: tuple[str, ...]
    true_middles_V: DoubleArray
    true_right_V: BoolArray
    judged: tuple[tuple[float, float], ...] | None = None
    weight: float = 1.0
    origin: str = GIVEN
    condition: str = ""

    def __post_init__(self) -> None:
        counts = (len(self.texts), len(self.evidence_WF), len(self.right_W), len(self.known_W))
        if len(set(counts)) != 1:
            raise UsageError(
                f"{self.group}: texts, evidence, right and known must be as long as each other: {counts}"
            )
        if not len(self.true_texts) == len(self.true_middles_V) == len(self.true_right_V):
            raise UsageError(
                f"{self.group}: each of the {len(self.true_texts)} true words needs a middle and a label, "
                f"not {len(self.true_middles_V)} and {len(self.true_right_V)}"
            )


@dataclass(frozen=True, kw_only=True)
class Damage:
    """How often a transcript is damaged on purpose; shares of its sentences or of a sentence's words.

    Attributes:
        light, heavy: sentences with `light_words` and `heavy_words` of their words edited.
        missing, replaced, extra: sentences left out, exchanged for another, or followed by another.
        light_words, heavy_words: half of the edits substitute, a quarter delete, a quarter insert.
        sentence_words: where no punctuation ends a sentence, this many words make one.
    """

    light: float = 0.16
    heavy: float = 0.09
    missing: float = 0.05
    replaced: float = 0.05
    extra: float = 0.03
    light_words: float = 0.12
    heavy_words: float = 0.55
    sentence_words: int = 20

    def __post_init__(self) -> None:
        shares = (self.light, self.heavy, self.missing, self.replaced, self.extra)
        if min(shares) < 0 or sum(shares) > 1:
            raise UsageError(
                f"the shares of damaged sentences must be over 0 and at most 1 together: {shares}"
            )
        if self.sentence_words < 1:
            raise UsageError(f"a sentence must have at least one word, not {self.sentence_words}")


SENTENCE_KINDS = ("whole", "light", "heavy", "missing", "replaced", "extra")
WORD_KINDS = ("right", "substituted", "inserted", "replaced", "extra")
_Found = tuple[str, int, str, str]
"""(word, origin, kind, fate of its sentence)."""


@dataclass(frozen=True, kw_only=True)
class Damaged:
    """A transcript damaged at known places.

    Attributes:
        words: after the damage.
        origins: for each the index of the same word before the damage, or -1 for one that was put in.
        kinds: for each a name of `WORD_KINDS`.
        fates: for each what befell the sentence that it stands in, a name of `SENTENCE_KINDS`.
        original_fates: the fate of each word before the damage.
    """

    words: tuple[str, ...]
    origins: tuple[int, ...]
    kinds: tuple[str, ...]
    fates: tuple[str, ...]
    original_fates: tuple[str, ...]


def damage(
    words: Sequence[str], sentence_ends: Sequence[int], *, seed: int, name: str, recipe: Damage
) -> Damaged:
    """Damage a transcript at places that depend on (seed, name) alone.

    Args:
        words: of the transcript; false words are drawn from these.
        sentence_ends: rising indices one past the last word of each sentence; longer stretches are divided.
        seed: one damage per seed.
        name: of the recording.
        recipe: how often.
    """
    digest = blake2b(f"{seed} damage {name}".encode(), digest_size=16).digest()
    random = np.random.default_rng(int.from_bytes(digest, "little"))
    sentences = _sentences(len(words), sentence_ends, recipe.sentence_words)
    kinds = SENTENCE_KINDS[1:]
    shares = [getattr(recipe, kind) for kind in kinds]
    drawn = random.choice(len(kinds) + 1, size=len(sentences), p=[*shares, max(1 - sum(shares), 0.0)])
    found: list[_Found] = []
    original_fates: list[str] = []
    for s, (start, end) in enumerate(sentences):
        kind = (*kinds, "whole")[int(drawn[s])]
        others = _elsewhere(sentences, s, int(random.integers(len(sentences))))
        if kind == "replaced" and [words[w] for w in others] in ([], list(words[start:end])):
            kind = "whole"
        original_fates += [kind] * (end - start)
        if kind == "replaced":
            found += [(words[w], -1, kind, kind) for w in others]
        elif kind != "missing":
            share = {"light": recipe.light_words, "heavy": recipe.heavy_words}.get(kind, 0.0)
            for w in range(start, end):
                found += [(*edited, kind) for edited in _edited(words, w, share, random)]
        if kind == "extra":
            found += [(words[w], -1, kind, kind) for w in others]
    return Damaged(
        words=tuple(word for word, _, _, _ in found),
        origins=tuple(origin for _, origin, _, _ in found),
        kinds=tuple(kind for _, _, kind, _ in found),
        fates=tuple(fate for _, _, _, fate in found),
        original_fates=tuple(original_fates),
    )


def _sentences(count: int, ends: Sequence[int], longest: int) -> list[tuple[int, int]]:
    borders = sorted({0, count, *(end for end in ends if 0 < end < count)})
    sentences = []
    for start, end in pairwise(borders):
        pieces = -(-(end - start) // (2 * longest)) if end - start > 2 * longest else 1
        cuts = [start + (end - start) * piece // pieces for piece in range(pieces + 1)]
        sentences += list(pairwise(cuts))
    return sentences


def _elsewhere(sentences: Sequence[tuple[int, int]], at: int, drawn: int) -> range:
    """The words of a drawn sentence, or of one further on where it is too near; none where all are.

    A neighbour's text put here would take the neighbour's audio, and so be right after all.
    """
    if abs(drawn - at) < 2:
        drawn = (drawn + 3) % len(sentences)
    return range(*sentences[drawn]) if abs(drawn - at) >= 2 else range(0)


def _edited(
    words: Sequence[str], at: int, share: float, random: np.random.Generator
) -> list[tuple[str, int, str]]:
    same = (words[at], at, "right")
    if random.random() >= share:
        return [same]
    what = random.random()
    if 0.5 <= what < 0.75:
        return []
    false = words[int(random.integers(len(words)))]
    if what < 0.5:
        # A word in its own place is no substitution.
        return [(false, -1, "substituted")] if false != words[at] else [same]
    return [same, (false, -1, "inserted")]


def lacks_before(case: Case, frame_seconds: float) -> BoolArray:
    """Words [W] before which something is said that the text does not have right: the first right one after it."""
    lacks_W = np.zeros(len(case.texts), bool)
    right = np.flatnonzero(case.right_W)
    missing = case.true_middles_V[~case.true_right_V]
    after = np.searchsorted(case.words.frame_starts[right], np.round(missing / frame_seconds))
    lacks_W[right[after[after < len(right)]]] = True
    return lacks_W
