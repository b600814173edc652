"""Labels without people: damage a corpus's own transcripts at known places, and align them once more.

The transcripts are not right to begin with, so the words that were left alone are not all right either. Which
of them to trust is found in rounds: a classifier tells the damage from the rest; what of the rest looks like
damage to it is neither taught as right nor taken as truth from then on.

Legend: W words, V words taken to be truly said.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from prep_corpus.align.audio.levels import Levels
from prep_corpus.align.cutting.cutting import CutOptions
from prep_corpus.align.errors import RecordingError
from prep_corpus.align.words.evidence import Track
from prep_corpus.filters.features import word_features
from prep_corpus.filters.fitting.cases import DAMAGED, Case, Damage, Damaged, damage
from prep_corpus.filters.fitting.fit import FitOptions
from prep_corpus.filters.fitting.fit_words import AGAINST_FEATURES, fit_words
from prep_corpus.filters.fitting.folds import fold_of

if TYPE_CHECKING:
    from prep_corpus.align.words.words import Words

BoolArray = NDArray[np.bool_]
DoubleArray = NDArray[np.float64]

TRUST_LOG_ODDS = 0.0
"""Words under this are not trusted."""

TRUST_ROUNDS = 4
"""Each round teaches only what the one before trusts."""

TRUST_INVERSE_PENALTY = 0.3
"""scikit-learn's C: what is taught as right is wrong in part, and must not be followed to the letter."""


@dataclass(frozen=True, kw_only=True)
class Aligned:
    """A transcript aligned with a recording.

    Attributes:
        tokens_L: its tokens.
        words: W words with their frames.
        texts: the W words as normalised text.
        evidence_WF: the words' evidence, as `align.evidence` gives it.
    """

    tokens_L: NDArray[np.int32]
    words: Words
    texts: tuple[str, ...]
    evidence_WF: NDArray[np.floating]


@dataclass(frozen=True, kw_only=True)
class Unlabelled:
    """A recording of the corpus with its own transcript, of unknown worth.

    Attributes:
        name: the recording's name, for the seed.
        group: speaker or recording.
        log_probs_TC, seen, levels: as in `Case`.
        aligned: the transcript as it is.
        sentence_ends: rising indices one past the last word of each sentence.
    """

    name: str
    group: str
    log_probs_TC: NDArray[np.floating]
    seen: Track
    levels: Levels | None
    aligned: Aligned
    sentence_ends: tuple[int, ...]


Realign = Callable[[Unlabelled, tuple[str, ...]], Aligned]
"""Aligns the given words with a recording's stored emissions; no model is run."""


def self_labelled(
    recordings: Sequence[Unlabelled],
    realign: Realign,
    *,
    recipe: Damage,
    seed: int,
    fit_options: FitOptions,
    cut_options: CutOptions,
) -> list[Case]:
    """Cases with labels from damage at known places, one for each recording that the damaged text fits into.

    Args:
        recordings: recordings of at least two groups.
        realign: aligns a damaged transcript.
        recipe: how often what is damaged.
        seed: the seed of the damage.
        fit_options: the options of the first round's classifier.
        cut_options: lengths in samples and frames.
    """
    usable: list[Unlabelled] = []
    damages: list[Damaged] = []
    again: list[Aligned] = []
    for one in recordings:
        damaged = damage(one.aligned.texts, one.sentence_ends, seed=seed, name=one.name, recipe=recipe)
        try:
            aligned = realign(one, damaged.words)
        except RecordingError:
            # Words put in may not fit into a recording that is short for its text.
            continue
        usable.append(one)
        damages.append(damaged)
        again.append(aligned)
    trusted = trusted_words(usable, damages, again, fit_options)
    frame_seconds = cut_options.stride_samples / cut_options.sample_rate_hz
    return [
        _labelled(one, damaged, aligned, trusted_W, frame_seconds)
        for one, damaged, aligned, trusted_W in zip(usable, damages, again, trusted)
    ]


def trusted_words(
    recordings: Sequence[Unlabelled],
    damages: Sequence[Damaged],
    again: Sequence[Aligned],
    options: FitOptions,
) -> list[BoolArray]:
    """Which words of each original transcript look unlike damage to a classifier fitted on other groups."""
    folds = fold_of([one.group for one in recordings], options.folds)
    trusted = [~one.aligned.words.skipped for one in recordings]
    for _ in range(TRUST_ROUNDS):
        cases = [
            _labelled(one, damaged, aligned, trusted_W, 1.0)
            for one, damaged, aligned, trusted_W in zip(recordings, damages, again, trusted)
        ]
        by_fold = {
            fold: fit_words(
                [case for case in cases if folds[case.group] != fold],
                AGAINST_FEATURES,
                knots=(),
                inverse_penalty=TRUST_INVERSE_PENALTY,
            )
            for fold in set(folds.values())
        }
        trusted = []
        for one in recordings:
            linear = by_fold[folds[one.group]]
            scores_W = linear.score(word_features(one.aligned.evidence_WF, linear.names))
            trusted.append((scores_W >= TRUST_LOG_ODDS) & ~one.aligned.words.skipped)
    return trusted


def _labelled(
    one: Unlabelled, damaged: Damaged, aligned: Aligned, trusted_W: BoolArray, frame_seconds: float
) -> Case:
    """A case whose truth is the trusted words of the original transcript; the others are an error wherever one is kept.

    Unless they have come to stand where the truth says the same: a sentence that stands twice in a transcript and is
    said once goes to its right place when the damage takes the other one away.
    """
    origins_W = np.array(damaged.origins, np.int64)
    kept_W = origins_W >= 0
    words = one.aligned.words
    spoken = np.flatnonzero(trusted_W)
    remaining = np.zeros(len(trusted_W), bool)
    remaining[origins_W[kept_W]] = True
    known_W = ~kept_W
    known_W[kept_W] = trusted_W[origins_W[kept_W]]
    return Case(
        group=one.group,
        log_probs_TC=one.log_probs_TC,
        tokens_L=aligned.tokens_L,
        words=aligned.words,
        texts=aligned.texts,
        evidence_WF=aligned.evidence_WF,
        seen=one.seen,
        levels=one.levels,
        right_W=kept_W,
        known_W=known_W,
        true_texts=tuple(one.aligned.texts[w] for w in spoken),
        true_middles_V=(words.frame_starts[spoken] + words.frame_ends[spoken]) / 2 * frame_seconds,
        true_right_V=remaining[spoken],
        origin=DAMAGED,
    )
