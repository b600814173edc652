"""Exact CTC alignment of a transcript with a recording of any length.

Legend: T frames, C classes of the model, L tokens, W words.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from prep_corpus.align.errors import Infeasible
from prep_corpus.align.viterbi.detours import DEFAULT_DETOURS, EDGE_FRAMES, DetourCosts, sharpness
from prep_corpus.align.viterbi.halves import nats_of_halves, read_best
from prep_corpus.align.viterbi.refine import refine
from prep_corpus.align.viterbi.search import best_path
from prep_corpus.align.viterbi.trellis import FLOOR_NATS, UNITS_PER_NAT, Trellis, distinct_numbers

VERSION = 2
"""Raised whenever the result may change."""

MAX_SKIP_UNITS = 1 << 28
__all__ = ["DEFAULT_DETOURS", "VERSION", "Alignment", "DetourCosts", "align"]

LogProbs = npt.NDArray[np.float32] | npt.NDArray[np.float16]
Tokens = npt.NDArray[np.int32]
EdgeArray = npt.NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class Alignment:
    """Where each token of a transcript is said.

    Attributes:
        starts_L, ends_L: half-open span of frames in which the token itself is emitted; of a skipped token
            both are the frame at which the path passed it by.
        skipped_L: tokens of words that the path left out.
        untranscribed: half-open spans of frames that no text covers, in order.
        score_nats: float64 sum of the log-probs along the path, with the detours' costs where there are any.
    """

    starts_L: Tokens
    ends_L: Tokens
    skipped_L: npt.NDArray[np.bool_]
    untranscribed: tuple[tuple[int, int], ...]
    score_nats: float


def align(
    log_probs_TC: LogProbs,
    tokens_L: npt.NDArray[np.int32],
    *,
    blank: int,
    delimiter: int | None = None,
    detours: DetourCosts | None = DEFAULT_DETOURS,
    edges_E: EdgeArray | None = None,
    edge_frames: int = EDGE_FRAMES,
    recording_id: str = "",
) -> Alignment:
    """Find the best CTC path of a transcript through a recording.

    No band: every path counts. What to leave out, and which tokens are where, is decided in fixed point of 1/512
    nat; when each token begins and ends, in float64. Log-probs under -63 nats count as -63.

    Beside the emissions and the interpreter it holds at most (L * T / 2)^(2/3) + 64 * T bytes, 64 MiB of checkpoints
    and 8 MiB, and 4 bytes for each of 1,024 frames and each symbol of the text. The checkpoints beyond that stand in a
    file without a name in the folder for temporary files: of ten hours at 20 ms, some 1.2 GB, or twice that where most
    of the text may matter but not all. (A single leap over more than a tenth of the text may add to it.)

    Args:
        log_probs_TC: natural log-probabilities, float16 or float32; may hold only the columns in use, and
            then one more with the maximum of all others.
        tokens_L: column of each token, without blanks.
        blank: column of the blank.
        delimiter: column of the symbol between words; without one, every token is a word.
        detours: lets the path skip unspoken words and untranscribed speech; plain CTC where it is None.
        edges_E: the first token of each word, and the end of the last; None where the delimiter tells them.
        edge_frames: frames between two places at which a path may leave the text or the audio: 2, 4 or 8.
        recording_id: named in errors.

    Returns:
        The alignment.

    Raises:
        Infeasible: there are more tokens, with a blank between repeated ones, than frames.
    """
    tokens_L = np.asarray(tokens_L, dtype=np.int32)
    frames, classes = log_probs_TC.shape
    _check(tokens_L, classes, blank)
    repeats = int(np.count_nonzero(tokens_L[1:] == tokens_L[:-1]))
    if frames < len(tokens_L) + repeats:
        raise Infeasible(
            f"{recording_id or 'recording'}: a transcript must have no more tokens, with blanks between "
            f"repeated ones, than the recording has frames: {len(tokens_L)} + {repeats} against {frames}"
        )
    if len(tokens_L) == 0:
        score = float(np.sum(log_probs_TC[:, blank], dtype=np.float64))
        none = np.empty(0, np.int32)
        return Alignment(
            starts_L=none, ends_L=none, skipped_L=np.empty(0, np.bool_), untranscribed=(), score_nats=score
        )
    if detours is None:
        edges_E = np.empty(0, np.int64)
    else:
        edges_E = word_edges(tokens_L, delimiter) if edges_E is None else edges_E
        detours = detours.fitted(sharpness(log_probs_TC, tokens_L, blank=blank, floor_nats=FLOOR_NATS))
    trellis = _trellis(log_probs_TC, tokens_L, blank, edges_E, detours, edge_frames)
    path_T = best_path(trellis)
    refine(trellis, path_T)
    return _read_path(path_T, log_probs_TC, tokens_L, blank, detours)


def _check(tokens_L: Tokens, classes: int, blank: int) -> None:
    if not 0 <= blank < classes:
        raise ValueError(f"blank must be a column: {blank} of {classes}")
    if len(tokens_L) and (tokens_L.min() < 0 or tokens_L.max() >= classes):
        raise ValueError(f"tokens must be columns: {tokens_L.min()} to {tokens_L.max()} of {classes}")
    if np.any(tokens_L == blank):
        raise ValueError(f"tokens must not hold the blank, {blank}")


def word_edges(tokens_L: Tokens, delimiter: int | None) -> EdgeArray:
    """The first token of each word, and the end of the last; each token is a word without a delimiter."""
    if delimiter is None:
        return np.arange(len(tokens_L) + 1, dtype=np.int64)
    firsts = np.flatnonzero(tokens_L[:-1] == delimiter) + 1
    return np.concatenate(([0], firsts, [len(tokens_L)])).astype(np.int64)


def _trellis(
    log_probs_TC: LogProbs,
    tokens_L: Tokens,
    blank: int,
    edges_E: EdgeArray,
    detours: DetourCosts | None,
    edge_frames: int,
) -> Trellis:
    columns, symbols_L = distinct_numbers(tokens_L, log_probs_TC.shape[1])
    joins_P = np.ones(len(tokens_L) + 1, np.uint8)
    joins_P[1:-1] = tokens_L[1:] != tokens_L[:-1]
    speech_T = np.zeros(len(log_probs_TC), np.int32)
    opening = long_opening = entry = 0
    skip_costs_E, long_costs_E = np.zeros((2, len(edges_E)), np.int64)
    if detours is not None:
        opening, long_opening, entry = map(
            _units, (detours.skip_nats, detours.long_skip_nats, detours.enter_nats)
        )
        lengths = np.diff(edges_E)
        skip_costs_E[1:] = np.minimum(lengths * _units(detours.skip_token_nats), MAX_SKIP_UNITS)
        long_costs_E[1:] = np.minimum(lengths * _units(detours.long_skip_token_nats), MAX_SKIP_UNITS)
        speech = _speech_scores(log_probs_TC) - np.maximum(log_probs_TC[:, blank], FLOOR_NATS)
        speech_T = np.rint((speech - detours.speech_nats) * UNITS_PER_NAT).astype(np.int32)
    return Trellis(
        log_probs_TC=log_probs_TC,
        columns=columns,
        blank=blank,
        symbols_P=np.append(symbols_L, len(columns)).astype(np.int32),
        joins_P=joins_P,
        edges_E=edges_E,
        skip_costs_E=skip_costs_E,
        long_costs_E=long_costs_E,
        opening_cost=opening,
        long_opening_cost=long_opening,
        entry_cost=entry,
        speech_T=speech_T,
        edge_frames=edge_frames,
    )


def _units(nats: float) -> int:
    return round(nats * UNITS_PER_NAT)


def _speech_scores(log_probs_TC: LogProbs) -> npt.NDArray[np.float64]:
    if log_probs_TC.dtype == np.float16 and log_probs_TC.shape[1]:
        best_T, greedy_T = np.empty(len(log_probs_TC), np.float32), np.empty(len(log_probs_TC), np.int32)
        if read_best(log_probs_TC.view(np.uint16), nats_of_halves(FLOOR_NATS), best_T, greedy_T):
            return best_T.astype(np.float64)
    best = log_probs_TC.max(axis=1, initial=-np.inf)
    if np.isnan(best).any():
        raise ValueError(f"log-probs must be numbers: there is a NaN in frame {int(np.isnan(best).argmax())}")
    floored: npt.NDArray[np.float64] = np.maximum(best, FLOOR_NATS).astype(np.float64)
    return floored


def skipped_places(starts_L: Tokens, ends_L: Tokens, skipped_L: npt.NDArray[np.bool_]) -> None:
    """Let skipped tokens stand, with an empty span, where the token before them ended; in place."""
    passed = np.maximum.accumulate(np.where(skipped_L, 0, ends_L))
    starts_L[skipped_L] = ends_L[skipped_L] = passed[skipped_L]


def _read_path(
    path_T: npt.NDArray[np.int32],
    log_probs_TC: LogProbs,
    tokens_L: Tokens,
    blank: int,
    detours: DetourCosts | None,
) -> Alignment:
    """Turn one state a frame into spans, and add up the original log-probs."""
    frames = np.arange(len(path_T))
    said = (path_T >= 0) & (path_T % 2 == 1)
    token_of = path_T[said] // 2
    starts_L = np.full(len(tokens_L), -1, np.int32)
    ends_L = np.full(len(tokens_L), -1, np.int32)
    starts_L[token_of[::-1]] = frames[said][::-1]
    ends_L[token_of] = frames[said] + 1
    skipped_L = starts_L < 0
    skipped_places(starts_L, ends_L, skipped_L)

    classes = np.full(len(path_T), blank)
    classes[said] = tokens_L[token_of]
    score_T = log_probs_TC[frames, classes].astype(np.float64)
    speech = path_T < 0
    cost = 0.0
    untranscribed: list[tuple[int, int]] = []
    if detours is not None:
        score_T[speech] = _speech_scores(log_probs_TC[speech]) - detours.speech_nats
        changes = np.append(True, path_T[1:] != path_T[:-1])
        begins = np.flatnonzero(speech & changes)
        ends = np.flatnonzero(speech & np.append(changes[1:], True)) + 1
        untranscribed = [(int(a), int(b)) for a, b in zip(begins, ends)]
        # Words skipped in a row were skipped in one leap: two would have cost more.
        bounds = np.flatnonzero(np.diff(np.concatenate(([False], skipped_L, [False]))))
        cost = len(untranscribed) * detours.enter_nats + float(
            detours.skip_cost_nats(np.diff(bounds)[::2]).sum()
        )
    return Alignment(
        starts_L=starts_L,
        ends_L=ends_L,
        skipped_L=skipped_L,
        untranscribed=tuple(untranscribed),
        score_nats=float(score_T.sum()) - cost,
    )
