"""Evidence for a word: what the model itself reads where the word should be, and how clearly it hears anything there.

The other evidence says how little speaks against a word; where a model hears nothing clearly, nothing speaks against
anything. These columns are small wherever nothing is heard. All of them are bounded, so that none outweighs the rest
on sounds that no one has fitted on.

Legend: T frames, C classes, L tokens, W words, G gaps, F features, R tokens that are read. A word's zone
reaches from the middle of the gap before it to the middle of the gap after it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from prep_corpus.align.viterbi.compiling import compiled
from prep_corpus.align.words.heard import HEARING_NAMES

if TYPE_CHECKING:
    from prep_corpus.align.viterbi.viterbi import Alignment
    from prep_corpus.align.words.words import Words

FloatArray = NDArray[np.float32]
DoubleArray = NDArray[np.float64]
LongArray = NDArray[np.int64]

MARGIN_NATS = 8.0
MOST_BESIDES = 2.0
MOST_SPEECH = 2.0
MOST_LETTERS = 6.0
MOST_RATE = 2.0


class FrameTrack(Protocol):
    """Of `align.words.evidence.Track` what is needed here."""

    @property
    def speech_T(self) -> FloatArray:
        """Probability mass that is neither blank nor delimiter."""

    @property
    def maximum_T(self) -> FloatArray:
        """Largest log-probability of each frame."""

    @property
    def greedy_T(self) -> NDArray[np.int32]:
        """Index of the most likely symbol of each frame."""

    @property
    def blank(self) -> int:
        """Index of the blank."""

    @property
    def delimiter(self) -> int:
        """Index of the word delimiter, or -1."""


@dataclass(frozen=True, kw_only=True)
class Reading:
    """The greedy decoding of a recording: its tokens, without blanks and delimiters.

    Attributes:
        places: the first frame of each, rising.
        symbols: its column.
        certain: its probability, the largest of its frames.
    """

    places: LongArray
    symbols: NDArray[np.int32]
    certain: FloatArray


def reading(seen: FrameTrack) -> Reading:
    """Read the frames greedily: repeated symbols are one, blanks and delimiters none."""
    greedy_T = seen.greedy_T
    if not len(greedy_T):
        empty = np.zeros(0, np.int64)
        return Reading(places=empty, symbols=empty.astype(np.int32), certain=empty.astype(np.float32))
    starts = np.flatnonzero(np.append(True, greedy_T[1:] != greedy_T[:-1]))
    certain = np.exp(np.maximum.reduceat(seen.maximum_T, starts))
    symbols = greedy_T[starts]
    kept = (symbols != seen.blank) & (symbols != seen.delimiter)
    return Reading(
        places=starts[kept].astype(np.int64), symbols=symbols[kept], certain=certain[kept].astype(np.float32)
    )


@dataclass(frozen=True, kw_only=True)
class Zones:
    """What is read around each of the W words.

    Attributes:
        frames: int64 [W + 1], the frame where each word's zone begins, and the end of the last; rising.
        read: the greedy decoding of the recording.
        bounds: int64 [W + 1], where each zone begins among the tokens that are read, and the end of the last.
        edits_W: Levenshtein distance between the word's tokens and those of its zone.
        alike_W: tokens of the word that its zone has too, in their order.
    """

    frames: LongArray
    read: Reading
    bounds: LongArray
    edits_W: DoubleArray
    alike_W: DoubleArray


def read_zones(tokens_L: NDArray[np.int32], words: Words, seen: FrameTrack, frames: LongArray) -> Zones:
    """Read the frames around each word.

    Args:
        tokens_L: the tokens that were aligned.
        words: tokens of each word.
        seen: what the model saw in each frame.
        frames: int64 [W + 1], the frame where each word's zone begins, and the end of the last; rising.
    """
    read = reading(seen)
    bounds = np.searchsorted(read.places, frames)
    edits_W, alike_W = compare_words(tokens_L, words.token_starts, words.token_ends, read.symbols, bounds)
    return Zones(frames=frames, read=read, bounds=bounds, edits_W=edits_W, alike_W=alike_W)


def hearing(
    log_probs_TC: NDArray[np.floating],
    tokens_L: NDArray[np.int32],
    alignment: Alignment,
    words: Words,
    seen: FrameTrack,
    zones: Zones,
) -> FloatArray:
    """What speaks for each word, float32 [W, F], columns as in `HEARING_NAMES`.

    Args:
        log_probs_TC: natural log-probabilities.
        tokens_L: the tokens that were aligned.
        alignment: frames of each token.
        words: tokens and frames of each word, at least one.
        seen: what the model saw in each frame.
        zones: what is read around each word.
    """
    read, bounds, alike = zones.read, zones.bounds, zones.alike_W
    starts, ends = words.frame_starts.astype(np.int64), words.frame_ends.astype(np.int64)
    counts = (words.token_ends - words.token_starts).astype(np.float64)
    clear_sums = _sums(read.certain)
    number = np.diff(bounds)
    besides = number - alike
    exact = ((alike == counts) & (besides == 0)).astype(np.float64)
    margin_L = _margins(log_probs_TC, tokens_L, alignment, seen)
    margin_sums = _sums(margin_L)
    certain_sums = _sums(np.exp(seen.maximum_T))
    mass_sums = _sums(seen.speech_T)
    per_token = np.maximum(ends - starts, 1) / counts
    said_W = ~words.skipped
    usual = float(np.median(per_token[said_W])) if said_W.any() else 1.0
    gap_starts = np.concatenate(([0], ends))
    gap_ends = np.maximum(np.append(starts, len(seen.greedy_T)), gap_starts)
    letters, sure = _between(read, gap_starts, gap_ends)
    columns = {
        "read": alike / counts,
        "read_exactly": exact,
        "read_besides": np.minimum(besides / counts, MOST_BESIDES),
        "clarity": (clear_sums[bounds[1:]] - clear_sums[bounds[:-1]]) / np.maximum(number, 1),
        "certainty": (certain_sums[zones.frames[1:]] - certain_sums[zones.frames[:-1]])
        / np.maximum(np.diff(zones.frames), 1),
        "speech": np.minimum((mass_sums[ends] - mass_sums[starts]) / counts, MOST_SPEECH),
        "margin_mean": (margin_sums[words.token_ends] - margin_sums[words.token_starts]) / counts,
        "margin_min": np.minimum.reduceat(np.append(margin_L, MARGIN_NATS), words.token_starts),
        "rate": np.clip(np.log(per_token / usual), -MOST_RATE, MOST_RATE),
        "letters_before": letters[:-1],
        "letters_after": letters[1:],
        "sure_before": sure[:-1],
        "sure_after": sure[1:],
    }
    return np.stack([columns[name] for name in HEARING_NAMES], axis=1).astype(np.float32)


def _sums(values: NDArray[np.floating]) -> DoubleArray:
    return np.concatenate(([0.0], np.cumsum(values, dtype=np.float64)))


def _margins(
    log_probs_TC: NDArray[np.floating], tokens_L: NDArray[np.int32], alignment: Alignment, seen: FrameTrack
) -> DoubleArray:
    """By how much each token is likelier than any other symbol where it is likeliest, in nats."""
    lengths = (alignment.ends_L - alignment.starts_L).astype(np.int64)
    margin_L = np.full(len(tokens_L), -MARGIN_NATS)
    filled = np.flatnonzero(lengths)
    if not len(filled):
        return margin_L
    offsets = np.cumsum(lengths) - lengths
    frames = np.arange(int(lengths.sum())) + np.repeat(alignment.starts_L - offsets, lengths)
    mine = log_probs_TC[frames, np.repeat(tokens_L, lengths)].astype(np.float64)
    # Where the token is the likeliest symbol, the others share what it leaves.
    others = np.where(
        mine >= seen.maximum_T[frames],
        np.log(np.maximum(-np.expm1(np.minimum(mine, -1e-7)), 1e-7)),
        seen.maximum_T[frames],
    )
    best = np.maximum.reduceat(mine - others, offsets[filled])
    margin_L[filled] = np.clip(best, -MARGIN_NATS, MARGIN_NATS)
    return margin_L


def _between(read: Reading, gap_starts: LongArray, gap_ends: LongArray) -> tuple[DoubleArray, DoubleArray]:
    """Tokens read in each gap, and the largest probability of one."""
    first = np.searchsorted(read.places, gap_starts)
    last = np.searchsorted(read.places, gap_ends)
    edges = np.stack((first, last), axis=1).ravel()
    padded = np.append(read.certain, 0.0)
    sure = np.maximum.reduceat(padded, np.minimum(edges, len(read.certain)))[::2]
    return np.minimum(last - first, MOST_LETTERS).astype(np.float64), np.where(last > first, sure, 0.0)


def compare_words(
    tokens_L: NDArray[np.int32],
    firsts_W: NDArray[np.int32],
    ends_W: NDArray[np.int32],
    symbols_R: NDArray[np.int32],
    bounds: LongArray,
) -> tuple[DoubleArray, DoubleArray]:
    """How far each word and what is read in its zone are apart, and how far they agree.

    Args:
        tokens_L: tokens of the transcript.
        firsts_W, ends_W: those of each word.
        symbols_R: the tokens that are read.
        bounds: int64 [W + 1], where the zone of each word begins among them, and the end of the last.

    Returns:
        Levenshtein distances [W]; and lengths [W] of the longest subsequences of both.
    """
    edits_W, alike_W = np.empty(len(firsts_W)), np.empty(len(firsts_W))
    _compare(tokens_L, firsts_W, ends_W, symbols_R, bounds, edits_W, alike_W)
    return edits_W, alike_W


@compiled
def _compare(
    tokens_L: NDArray[np.int32],
    firsts_W: NDArray[np.int32],
    ends_W: NDArray[np.int32],
    symbols_R: NDArray[np.int32],
    bounds: LongArray,
    edits_W: DoubleArray,
    alike_W: DoubleArray,
) -> None:
    longest = 0
    for w in range(len(firsts_W)):
        longest = max(longest, ends_W[w] - firsts_W[w])
    # One row of either table: for the word's first i tokens and what has been read so far.
    edits_I = np.empty(longest + 1, np.int64)
    alike_I = np.empty(longest + 1, np.int64)
    for w in range(len(firsts_W)):
        first, count = firsts_W[w], ends_W[w] - firsts_W[w]
        for i in range(count + 1):
            edits_I[i], alike_I[i] = i, 0
        for r in range(bounds[w], bounds[w + 1]):
            edits_before, alike_before = edits_I[0], np.int64(0)
            edits_I[0] += 1
            for i in range(count):
                same = tokens_L[first + i] == symbols_R[r]
                edits_now, alike_now = edits_I[i + 1], alike_I[i + 1]
                changed = min(edits_now, edits_I[i]) + 1
                edits_I[i + 1] = min(changed, edits_before if same else edits_before + 1)
                alike_I[i + 1] = alike_before + 1 if same else max(alike_now, alike_I[i])
                edits_before, alike_before = edits_now, alike_now
        edits_W[w], alike_W[w] = edits_I[count], alike_I[count]
