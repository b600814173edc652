"""Features of the two classifiers: the paper's six of an utterance, and a word's evidence with its context.

Legend: T frames, C classes, L tokens, W words, S segments, F features.

A word feature's name says how it is made from the columns of `align.evidence`:
    ratio_mean          the word's own
    ratio_mean@-1       of the word one before; @+2 of the word two after; of the edge word beyond the ends
    ratio_mean~9        mean over the nine words around it, itself included
    ratio_mean~9>-1.5   by how much that is over -1.5, else 0: a linear classifier over such hinges bends there
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from prep_corpus.align.errors import UsageError
from prep_corpus.align.words.evidence import EVIDENCE_NAMES

if TYPE_CHECKING:
    from prep_corpus.align.cutting.cutting import Segment
    from prep_corpus.align.words.words import Words

DoubleArray = NDArray[np.float64]

FEATURE_NAMES = (
    "ctc_cost",
    "ctc_cost_per_frame",
    "ctc_cost_per_token",
    "frames_per_token",
    "words",
    "characters",
)
"""The paper's six, in order: CTC cost in nats, over T, over L, T / L, words, characters."""

_NAME = re.compile(
    r"(?P<column>[a-z_]+)(?:@(?P<shift>[+-]\d+)|~(?P<width>\d+))?(?:>(?P<knot>-?\d+(?:\.\d+)?))?"
)
_MOST_NATS_PER_TOKEN = 30.0


BLOCK_WORDS = 1024
"""Words whose features are held at a time: so many fit into a processor's cache."""


def word_features(
    evidence_WF: NDArray[np.floating], names: Sequence[str], columns: tuple[str, ...] = EVIDENCE_NAMES
) -> DoubleArray:
    """The named features of each word, float64 [W, len(names)].

    Args:
        evidence_WF: one column for each of `columns`.
        names: the features' names, as at the top of this file.
        columns: names of the evidence's columns.

    Raises:
        UsageError: a name is not of that form.
    """
    found = list(word_feature_blocks(evidence_WF, names, max(len(evidence_WF), 1), columns))
    return found[0] if found else np.empty((0, len(names)))


def word_feature_blocks(
    evidence_WF: NDArray[np.floating],
    names: Sequence[str],
    block_words: int = BLOCK_WORDS,
    columns: tuple[str, ...] = EVIDENCE_NAMES,
) -> Iterator[DoubleArray]:
    """The same, some words at a time, in order; none where there are no words.

    Args:
        evidence_WF, names, columns: as for `word_features`.
        block_words: words of a block.

    Raises:
        UsageError: a name is not of that form.
    """
    plan = _plan(tuple(names), columns)
    if plan.farthest >= evidence_WF.shape[1]:
        named = next(b for b in plan.bases if columns.index(b["column"]) >= evidence_WF.shape[1])
        raise UsageError(
            f"word feature {named[0]!r} needs column {columns.index(named['column']) + 1} of the words' evidence, "
            f"and there are {evidence_WF.shape[1]}: an earlier version aligned this run; run it again"
        )
    bases_WB = np.empty((len(evidence_WF), len(plan.bases)))
    for parsed, used, places in plan.contexts:
        bases_WB[:, places] = _in_context(evidence_WF[:, used].astype(np.float64), parsed)
    for start in range(0, len(bases_WB), block_words):
        # `take` gives rows in one piece, so that sums along them have the same last bits for any W.
        features_WF = np.take(bases_WB[start : start + block_words], plan.base_F, axis=1)
        if plan.has_hinges:
            features_WF -= plan.knot_F
            np.maximum(features_WF, plan.floor_F, out=features_WF)
        yield features_WF


@dataclass(frozen=True, kw_only=True)
class _Plan:
    """How the F named features are made of B columns in context.

    Attributes:
        bases: the parsed names of the columns, each once.
        farthest: the last column of the evidence that is used; -1 where none is.
        contexts: one name for each kind of context, the columns of the evidence in it, and their places among the B.
        base_F: int64, which of them each feature is made of.
        has_hinges: whether a feature is a hinge.
        knot_F, floor_F: float64, where hinges begin and their least value; 0 and minus infinity of other features.
    """

    bases: tuple[re.Match[str], ...]
    farthest: int
    contexts: tuple[tuple[re.Match[str], NDArray[np.int64], NDArray[np.int64]], ...]
    base_F: NDArray[np.int64]
    has_hinges: bool
    knot_F: DoubleArray
    floor_F: DoubleArray


@functools.lru_cache(maxsize=64)
def _plan(names: tuple[str, ...], columns: tuple[str, ...]) -> _Plan:
    bases: dict[str, re.Match[str]] = {}
    base_F: list[int] = []
    knot_F, floor_F = np.zeros(len(names)), np.full(len(names), -np.inf)
    for f, name in enumerate(names):
        parsed = _NAME.fullmatch(name)
        if parsed is None or parsed["column"] not in columns:
            raise UsageError(f"unknown word feature {name!r}: the columns are {', '.join(columns)}")
        base = name.partition(">")[0]
        bases.setdefault(base, parsed)
        base_F.append(list(bases).index(base))
        if parsed["knot"] is not None:
            knot_F[f], floor_F[f] = float(parsed["knot"]), 0.0
    places: dict[tuple[str | None, str | None], list[int]] = {}
    for b, parsed in enumerate(bases.values()):
        places.setdefault((parsed["shift"], parsed["width"]), []).append(b)
    parsed_B = tuple(bases.values())
    return _Plan(
        bases=parsed_B,
        farthest=max((columns.index(parsed["column"]) for parsed in parsed_B), default=-1),
        contexts=tuple(
            (
                parsed_B[at[0]],
                np.array([columns.index(parsed_B[b]["column"]) for b in at], np.int64),
                np.array(at, np.int64),
            )
            for at in places.values()
        ),
        base_F=np.array(base_F, np.int64),
        has_hinges=bool((floor_F == 0.0).any()),
        knot_F=knot_F,
        floor_F=floor_F,
    )


def _in_context(columns_WC: DoubleArray, parsed: re.Match[str]) -> DoubleArray:
    """Columns as a name asks for them: of another word, or the mean over a window."""
    if len(columns_WC) and parsed["shift"]:
        at_W = np.arange(len(columns_WC)) + int(parsed["shift"])
        shifted_WC: DoubleArray = columns_WC[np.minimum(np.maximum(at_W, 0), len(columns_WC) - 1)]
        return shifted_WC
    if len(columns_WC) and parsed["width"]:
        return smoothed(columns_WC, int(parsed["width"]))
    return columns_WC


def hinged(features_NF: DoubleArray, names: Sequence[str], shares: Sequence[float]) -> tuple[str, ...]:
    """The names, and those of hinges where these shares of the rows lie below.

    Args:
        features_NF: columns as in `names`.
        names: without hinges.
        shares: shares of the rows, in (0, 1).
    """
    found: list[str] = []
    for f, name in enumerate(names):
        found.append(name)
        knots = {float(f"{knot:.3g}") for knot in np.quantile(features_NF[:, f], shares)}
        least, most = features_NF[:, f].min(), features_NF[:, f].max()
        found += [
            f"{name}>{knot:.10f}".rstrip("0").rstrip(".") for knot in sorted(knots) if least < knot < most
        ]
    return tuple(found)


def smoothed(columns_W: DoubleArray, width: int) -> DoubleArray:
    """Mean over a centred window of `width` words, cut off at the ends: of one column [W], or of several [W, C]."""
    sums = np.zeros((len(columns_W) + 1, *columns_W.shape[1:]))
    np.cumsum(columns_W, axis=0, out=sums[1:])
    at_W = np.arange(len(columns_W))
    starts_W = np.maximum(at_W - width // 2, 0)
    ends_W = np.minimum(at_W + width // 2 + 1, len(columns_W))
    lengths_W = (ends_W - starts_W).reshape(-1, *(1 for _ in columns_W.shape[1:]))
    means_W: NDArray[np.float64] = (sums[ends_W] - sums[starts_W]) / lengths_W
    return means_W


def utterance_features(
    log_probs_TC: NDArray[np.floating],
    tokens_L: NDArray[np.int32],
    words: Words,
    segments: Sequence[Segment],
    *,
    blank: int,
    delimiter: int | None = None,
) -> DoubleArray:
    """The paper's six features of each segment, float64 [S, 6].

    Args:
        log_probs_TC: the recording's natural log-probabilities.
        tokens_L: the tokens of the recording's transcript.
        words: tokens of each word.
        segments: frames and words of each segment, at least one word each.
        blank: index of the blank.
        delimiter: index of the word delimiter, which some models say in silence instead of the blank: in the
            padding either costs what the likelier of the two does.

    Source: Deep Speech 2 (arXiv 1512.02595), section 5.1.
    """
    features_SF = np.zeros((len(segments), len(FEATURE_NAMES)))
    targets = [_tokens_of(s, tokens_L, words, delimiter) for s in segments]
    frames_S = np.array([s.frame_end - s.frame_start for s in segments], np.int64)
    tokens_S = np.array([len(target) for target in targets], np.int64)
    costs_S = np.zeros(len(segments))
    for s, segment in enumerate(segments):
        piece_TC = _padded_piece(log_probs_TC, segment, words, blank, delimiter)
        costs_S[s] = ctc_cost(piece_TC, targets[s], blank)
    features_SF[:, 0] = costs_S
    features_SF[:, 1] = costs_S / np.maximum(frames_S, 1)
    features_SF[:, 2] = costs_S / np.maximum(tokens_S, 1)
    features_SF[:, 3] = frames_S / np.maximum(tokens_S, 1)
    letters_W = words.letter_counts.astype(np.int64)
    for row, segment in enumerate(segments):
        ranges = segment.spoken_ranges()
        features_SF[row, 4] = sum(end - start for start, end in ranges)
        features_SF[row, 5] = sum(letters_W[start:end].sum() for start, end in ranges)
    return features_SF


def _tokens_of(
    segment: Segment, tokens_L: NDArray[np.int32], words: Words, delimiter: int | None
) -> NDArray[np.int32]:
    """The tokens of the segment's text, without those of its unspoken words."""
    pieces: list[NDArray[np.int32]] = []
    for start, end in segment.spoken_ranges():
        if pieces and delimiter is not None:
            pieces.append(np.array([delimiter], np.int32))
        pieces.append(tokens_L[words.token_starts[start] : words.token_ends[end - 1]])
    return np.concatenate(pieces)


def _padded_piece(
    log_probs_TC: NDArray[np.floating], segment: Segment, words: Words, blank: int, delimiter: int | None
) -> NDArray[np.float32]:
    """The segment's emissions, in whose padding the blank is as likely as the delimiter."""
    piece_TC = log_probs_TC[segment.frame_start : segment.frame_end].astype(np.float32)
    if delimiter is not None:
        first = int(words.frame_starts[segment.word_start]) - segment.frame_start
        last = int(words.frame_ends[segment.word_end - 1]) - segment.frame_start
        for padding in (slice(0, first), slice(last, None)):
            piece_TC[padding, blank] = piece_TC[padding][:, [blank, delimiter]].max(axis=1)
    return piece_TC


def ctc_cost(log_probs_TC: NDArray[np.floating], tokens_L: NDArray[np.int32], blank: int) -> float:
    """-log p(tokens | emissions) in nats, summed over all paths, at most 30 nats per token.

    More tokens than frames can hold have no path at all; they too cost 30 nats per token.

    Args:
        log_probs_TC: natural log-probabilities.
        tokens_L: at least one token.
        blank: index of the blank.
    """
    # A filter is read without a compiler.
    from prep_corpus.filters.path_sums import path_sum_cost

    cost = path_sum_cost(
        np.ascontiguousarray(log_probs_TC, np.float32), np.ascontiguousarray(tokens_L, np.int32), blank
    )
    return min(float(cost), _MOST_NATS_PER_TOKEN * len(tokens_L))
