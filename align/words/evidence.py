"""What the emissions say about each word of a transcript: numbers for a word classifier, no verdicts.

Legend: T frames, C classes, L tokens, W words, F features. A gap is the frames between the last character of
one word and the first of the next; the path through a gap is blank and word delimiter alone:

    frames   ....ccc.aa..t.....|.....d.oo..g....
    word 0       [frame_start      )frame_end         word 1
                              [gap 1     )
    gap 0 lies before the first word, gap W after the last.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from prep_corpus.align.words.heard import COST_NAMES, HEARING_NAMES, letter_edits

if TYPE_CHECKING:
    from prep_corpus.align.model.models import ModelInfo
    from prep_corpus.align.viterbi.viterbi import Alignment
    from prep_corpus.align.words.words import Words

FloatArray = NDArray[np.float32]
DoubleArray = NDArray[np.float64]
IntArray = NDArray[np.int32]
BoolArray = NDArray[np.bool_]

EVIDENCE_NAMES = (
    "ratio_mean",
    "ratio_min",
    "ratio_sum_wide",
    "character_mean",
    "character_min",
    "edits",
    "edits_per_character",
    "frames_per_character",
    "log_characters",
    "log_mass_before",
    "log_mass_after",
    "log_gap_before",
    "log_gap_after",
    *HEARING_NAMES,
    *COST_NAMES,
)
"""Names of the columns of `evidence`, in order; the last are those of `hearing` and of `path_costs`.

ratio_mean, ratio_min: mean and minimum over the word's frames of log p(path) - max log p, in nats.
ratio_sum_wide: its sum over the word and `WIDE_FRAMES` frames on each side.
character_mean, character_min: over the characters (or pieces), the best log p of each within its frames, in nats.
edits: Levenshtein distance between the word and the greedy decoding from the middle of the gap before it to
    the middle of the gap after it; edits_per_character is that over the word's length.
frames_per_character: of the word's frames.
log_characters: log of the word's length.
log_mass_before, log_mass_after: log1p of the probability mass, summed over the frames of the gap, that is
    neither blank nor delimiter: speech that no text covers.
log_gap_before, log_gap_after: log1p of the gap's length in frames.
"""

WIDE_FRAMES = 3
_FLOOR_NATS = -30.0


@dataclass(frozen=True, kw_only=True)
class Track:
    """Per-frame quantities that evidence and cutting share, computed once for a recording.

    Attributes:
        speech_T: probability mass that is neither blank nor delimiter, float32 in [0, 1].
        maximum_T: largest log-probability of the frame, float32.
        greedy_T: index of the most likely symbol, int32.
        blank: index of the blank.
        delimiter: index of the word delimiter, or -1.
        goes_on_T: whether a frame's most likely piece continues a word; None where none tells.
    """

    speech_T: FloatArray
    maximum_T: FloatArray
    greedy_T: IntArray
    blank: int
    delimiter: int
    goes_on_T: BoolArray | None = None

    @property
    def quiet_T(self) -> BoolArray:
        """Frames whose most likely symbol is blank or delimiter."""
        quiet: BoolArray = (self.greedy_T == self.blank) | (self.greedy_T == self.delimiter)
        return quiet


def track(log_probs_TC: NDArray[np.floating], info: ModelInfo) -> Track:
    """Reduce emissions to what evidence and cutting need per frame.

    Args:
        log_probs_TC: natural log-probabilities, float16 or float32.
        info: the model's description; its blank and delimiter are used.
    """
    frames = len(log_probs_TC)
    speech_T = np.empty(frames, np.float32)
    maximum_T = np.empty(frames, np.float32)
    greedy_T = np.empty(frames, np.int32)
    delimiter = -1 if info.delimiter_index is None else info.delimiter_index
    for start in range(0, frames, 4096):
        block = slice(start, start + 4096)
        block_TC = log_probs_TC[block]
        silent_T = np.exp(block_TC[:, info.blank].astype(np.float32))
        if delimiter >= 0:
            silent_T = silent_T + np.exp(block_TC[:, delimiter].astype(np.float32))
        speech_T[block] = np.clip(1 - silent_T, 0, 1)
        _best(block_TC, maximum_T[block], greedy_T[block])
    return Track(
        speech_T=speech_T,
        maximum_T=maximum_T,
        greedy_T=greedy_T,
        blank=info.blank,
        delimiter=delimiter,
        goes_on_T=~info.pieces.begins_C[greedy_T] if info.tokenizer and info.pieces.tells_words else None,
    )


def _best(log_probs_TC: NDArray[np.floating], maximum_T: FloatArray, greedy_T: IntArray) -> None:
    """Fill in the likeliest column of each frame, the first of equals, and its log-prob."""
    if log_probs_TC.dtype == np.float16:
        from prep_corpus.align.viterbi.halves import nats_of_halves, read_best  # brings numba

        if read_best(log_probs_TC.view(np.uint16), nats_of_halves(-np.inf), maximum_T, greedy_T):
            return
    found_TC = log_probs_TC.astype(np.float32)
    greedy_T[:] = found_TC.argmax(1)
    maximum_T[:] = found_TC[np.arange(len(greedy_T)), greedy_T]


def gap_bounds(words: Words, frames: int) -> tuple[IntArray, IntArray]:
    """Frames [start, end) of the W + 1 gaps before, between and after the words.

    Args:
        words: W words with their frames.
        frames: T.
    """
    starts = np.concatenate(([0], words.frame_ends)).astype(np.int32)
    ends = np.concatenate((words.frame_starts, [frames])).astype(np.int32)
    return starts, np.maximum(ends, starts)


def evidence(
    log_probs_TC: NDArray[np.floating],
    tokens_L: IntArray,
    alignment: Alignment,
    words: Words,
    info: ModelInfo,
    *,
    frame_track: Track | None = None,
) -> FloatArray:
    """How well the emissions support each word where the alignment put it.

    Args:
        log_probs_TC: natural log-probabilities, float16 or float32.
        tokens_L: the tokens that were aligned.
        alignment: frames of each token.
        words: tokens and frames of each word.
        info: the model's description; its blank and delimiter are used.
        frame_track: `track(log_probs_TC, info)` where it is at hand already.

    Returns:
        float32 [W, F], columns as in `EVIDENCE_NAMES`.

    Source: Deep Speech 2 (arXiv 1512.02595), section 5.1, scores whole utterances; this does so for words.
    """
    from prep_corpus.align.words.hearing import hearing, read_zones  # brings numba
    from prep_corpus.align.words.path_costs import path_costs

    n_words, frames = len(words.frame_starts), len(log_probs_TC)
    if n_words == 0:
        return np.zeros((0, len(EVIDENCE_NAMES)), np.float32)
    seen = frame_track or track(log_probs_TC, info)
    gap_starts, gap_ends = gap_bounds(words, frames)
    middles = (gap_starts.astype(np.int64) + gap_ends) // 2
    middles[0] = max(int(gap_ends[0]) - 2 * WIDE_FRAMES, 0)
    middles[-1] = min(int(gap_starts[-1]) + 2 * WIDE_FRAMES, frames)

    ratio_T = _path_ratio(log_probs_TC, tokens_L, alignment, seen)
    ratio_sums = _sums(ratio_T)
    starts, ends = words.frame_starts.astype(np.int64), words.frame_ends.astype(np.int64)
    lengths = np.maximum(ends - starts, 1)
    tokens = (words.token_ends - words.token_starts).astype(np.float64)
    characters = words.letter_counts.astype(np.float64)
    wide_starts, wide_ends = np.maximum(starts - WIDE_FRAMES, 0), np.minimum(ends + WIDE_FRAMES, frames)
    best_L = _best_in_span(log_probs_TC, tokens_L, alignment)
    best_sums = _sums(best_L)
    mass_sums = _sums(seen.speech_T)
    mass = mass_sums[gap_ends] - mass_sums[gap_starts]
    gap_frames = (gap_ends - gap_starts).astype(np.float64)
    zones = read_zones(tokens_L, words, seen, middles)
    edits = zones.edits_W
    if info.tokenizer:
        edits = letter_edits(tokens_L, words, seen.greedy_T, seen.blank, middles, info.pieces)
    columns = {
        "ratio_mean": (ratio_sums[ends] - ratio_sums[starts]) / lengths,
        "ratio_min": _minimum(ratio_T, starts, ends),
        "ratio_sum_wide": ratio_sums[wide_ends] - ratio_sums[wide_starts],
        "character_mean": (best_sums[words.token_ends] - best_sums[words.token_starts]) / tokens,
        "character_min": _minimum(best_L, words.token_starts, words.token_ends),
        "edits": edits,
        "edits_per_character": edits / characters,
        "frames_per_character": lengths / characters,
        "log_characters": np.log(characters),
        "log_mass_before": np.log1p(mass[:-1]),
        "log_mass_after": np.log1p(mass[1:]),
        "log_gap_before": np.log1p(gap_frames[:-1]),
        "log_gap_after": np.log1p(gap_frames[1:]),
    }
    against_WF = np.stack([columns[name] for name in columns], axis=1).astype(np.float32)
    for_WF = hearing(
        log_probs_TC,
        tokens_L,
        alignment,
        words,
        seen,
        zones,
    )
    summed_WF = path_costs(
        log_probs_TC, tokens_L, words, zones.frames, blank=seen.blank, delimiter=seen.delimiter
    )
    return np.concatenate((against_WF, for_WF, summed_WF), axis=1)


def _sums(values: NDArray[np.floating]) -> DoubleArray:
    """Running sums with a leading zero, so that sums[b] - sums[a] is the sum over [a, b)."""
    return np.concatenate(([0.0], np.cumsum(values, dtype=np.float64)))


def _minimum(
    values: NDArray[np.floating], starts: NDArray[np.integer], ends: NDArray[np.integer]
) -> DoubleArray:
    """Minimum over [start, end) of each span; 0 where a span is empty."""
    if len(values) == 0:
        return np.zeros(len(starts))
    edges = np.stack((starts, ends), axis=1).astype(np.int64).ravel()
    padded = np.append(values, np.inf)
    found = np.minimum.reduceat(padded, np.minimum(edges, len(values)))[::2]
    return np.where(ends > starts, found, 0.0).astype(np.float64)


def _path_ratio(
    log_probs_TC: NDArray[np.floating], tokens_L: IntArray, alignment: Alignment, seen: Track
) -> FloatArray:
    """log p(path) - max log p of every frame, at least `_FLOOR_NATS`."""
    path_T = np.full(len(log_probs_TC), seen.blank, np.int64)
    lengths = alignment.ends_L - alignment.starts_L
    total = int(lengths.sum())
    offsets = np.cumsum(lengths) - lengths
    places = np.arange(total) + np.repeat(alignment.starts_L - offsets, lengths)
    path_T[places] = np.repeat(tokens_L, lengths)
    taken_T = np.take_along_axis(log_probs_TC, path_T[:, None], axis=1)[:, 0].astype(np.float32)
    ratio_T: FloatArray = np.maximum(taken_T - seen.maximum_T, _FLOOR_NATS).astype(np.float32)
    return ratio_T


def _best_in_span(log_probs_TC: NDArray[np.floating], tokens_L: IntArray, alignment: Alignment) -> FloatArray:
    """The best log p of each token within its own frames, at least `_FLOOR_NATS`."""
    lengths = alignment.ends_L - alignment.starts_L
    offsets = np.cumsum(lengths) - lengths
    frames = np.arange(int(lengths.sum())) + np.repeat(alignment.starts_L - offsets, lengths)
    values = log_probs_TC[frames, np.repeat(tokens_L, lengths)].astype(np.float32)
    best_L = np.full(len(tokens_L), _FLOOR_NATS, np.float32)
    filled = np.flatnonzero(lengths)
    if len(filled):
        best_L[filled] = np.maximum.reduceat(values, offsets[filled])
    return np.maximum(best_L, _FLOOR_NATS).astype(np.float32)
