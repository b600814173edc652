"""Words beside untranscribed speech, and words with a pause inside, placed once more.

The search lets a path enter and leave untranscribed speech every few frames only, and has one delimiter between two
words, though silence stands on both sides of the speech. So a short word beside it may be drawn into the silence, or
to a word like it in the speech. Here each stretch is looked at alone, frame by frame, over the words next to it, for
every word edge p among them at once:

    left words     the tokens before p; silence between two words costs a little
    silence        blank and delimiter
    speech         some symbol, at a cost; silence in it is nearly free
    silence        blank and delimiter
    right words    the tokens from p on

The best path tells p and all places. The little cost decides between places that are as good as each other, such as
"the" on both sides: a word belongs to the neighbour that it is said close to.

And where a word is missing from the text, too short to be worth a stretch of speech, the next word's first letter may
be drawn to it, a pause away from the others. Such words are placed once more as well, with a cost of silence inside.

Legend: T frames, L tokens, N tokens that are not skipped, F frames of a window, S states, C columns.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from prep_corpus.align.viterbi.chain import NO_TOKEN, SPEECH, Chain, best_path
from prep_corpus.align.viterbi.detours import DetourCosts, sharpness
from prep_corpus.align.viterbi.trellis import FLOOR_NATS
from prep_corpus.align.viterbi.viterbi import Alignment, LogProbs, skipped_places, word_edges

Int32 = NDArray[np.int32]
Int64 = NDArray[np.int64]
Double = NDArray[np.float64]
Span = tuple[int, int]

MOVABLE_TOKENS = 24
"""Whole words of at least so many tokens on each side of the speech are placed once more."""

REACH_FRAMES = 1500
"""How far words are looked for; what is farther from both ends of the speech stays speech."""

QUIET_NATS = 0.02
"""What a frame of silence inside untranscribed speech costs: enough to leave silence at its ends outside."""

INNER_PACES = 8
"""A word has a pause inside if two of its letters are so many times as far apart as letters usually are."""

IMPOSSIBLE = -1e30


def settle(
    found: Alignment,
    log_probs_TC: LogProbs,
    tokens_L: Int32,
    *,
    blank: int,
    delimiter: int | None,
    detours: DetourCosts,
    edges_E: Int64 | None = None,
) -> Alignment:
    """Place the words beside each stretch of untranscribed speech once more.

    Args:
        found: what `align` found.
        log_probs_TC: natural log-probabilities.
        tokens_L: column of each token.
        blank: column of the blank.
        delimiter: column of the symbol between words, or None.
        detours: the costs that `align` was given.
        edges_E: the first token of each word, and the end of the last; None where the delimiter tells them.

    Returns:
        The alignment with new places of these words, and the borders of the speech to the frame. A delimiter that
        is said on both sides of the speech stands at the later one; the score counts both.
    """
    present_N = np.flatnonzero(~found.skipped_L)
    starts_N, ends_N = found.starts_L[present_N], found.ends_L[present_N]
    tokens_N = tokens_L[present_N]
    begins_N = _begins(tokens_L, delimiter, edges_E)[present_N]
    pauses = _inner_pauses(starts_N, begins_N, tokens_N, delimiter)
    if not found.untranscribed and not pauses:
        return found
    sharp = sharpness(log_probs_TC, tokens_L, blank=blank, floor_nats=FLOOR_NATS)
    spans = list(found.untranscribed)
    words = _Settling(
        log_probs_TC=log_probs_TC,
        starts_N=starts_N,
        ends_N=ends_N,
        tokens_N=tokens_N,
        begins_N=begins_N,
        blank=blank,
        delimiter=delimiter,
        speech_nats=detours.fitted(sharp).speech_nats,
    )
    for s, span in enumerate(spans):
        room = (spans[s - 1][1] if s else 0, spans[s + 1][0] if s + 1 < len(spans) else len(log_probs_TC))
        spans[s] = words.place(span, room, speech=True)
    borders = np.array([0, *(frame for span in spans for frame in span), len(log_probs_TC)])
    for n in pauses:
        pause = (int(ends_N[n - 1]), int(starts_N[n]))
        after = int(np.searchsorted(borders, pause[0], side="right"))
        if pause[0] < pause[1]:
            words.place(pause, (int(borders[after - 1]), int(borders[after])), speech=False)
    starts_L, ends_L = found.starts_L.copy(), found.ends_L.copy()
    starts_L[present_N], ends_L[present_N] = starts_N, ends_N
    skipped_places(starts_L, ends_L, found.skipped_L)
    return replace(
        found,
        starts_L=starts_L,
        ends_L=ends_L,
        untranscribed=tuple(spans),
        score_nats=found.score_nats + words.gained_nats,
    )


@dataclass(kw_only=True)
class _Settling:
    """The tokens that are said, with their places so far.

    Attributes:
        log_probs_TC, blank, delimiter: see `settle`.
        starts_N, ends_N: frames of the tokens; changed.
        tokens_N: their columns.
        begins_N: tokens that begin a word; before them a path may enter speech.
        speech_nats: what speech scores below the best symbol.
        gained_nats: what the new places score above the old ones.
    """

    log_probs_TC: LogProbs
    starts_N: Int32
    ends_N: Int32
    tokens_N: Int32
    begins_N: NDArray[np.bool_]
    blank: int
    delimiter: int | None
    speech_nats: float
    gained_nats: float = 0.0

    def place(self, span: Span, room: Span, *, speech: bool) -> Span:
        """Place the tokens near a span once more, inside `room`; return where the span is now."""
        edges_E = np.append(np.flatnonzero(self.begins_N), len(self.tokens_N))
        window = _window(self.starts_N, self.ends_N, edges_E, span, room)
        inside = slice(window.first, window.last)
        starts_N, ends_N = self.starts_N[inside], self.ends_N[inside]
        chain = Chain(
            self.tokens_N[inside].tolist(),
            self.begins_N[inside].tolist(),
            self.blank,
            self.delimiter,
            speech,
        )
        scores_FC, speech_F, frames_F = _scores(self.log_probs_TC, chain, window, span, self.speech_nats)
        states = chain.states()
        path_F = best_path(scores_FC, *states)
        scores_FC[:, -1] = speech_F
        before_F = _columns_before(frames_F, starts_N, ends_N, span, chain)
        rows = np.arange(len(path_F))
        self.gained_nats += float((scores_FC[rows, states[0][path_F]] - scores_FC[rows, before_F]).sum())
        return _places(path_F, frames_F, chain, starts_N, ends_N)


@dataclass(frozen=True, kw_only=True)
class _Window:
    """The tokens [first, last) of N, and the frames [start, end), that are placed once more."""

    first: int
    last: int
    start: int
    end: int


def _begins(tokens_L: Int32, delimiter: int | None, edges_E: Int64 | None) -> NDArray[np.bool_]:
    """The tokens that begin a word; the first of all does, even where it is a delimiter."""
    begins_L = np.zeros(len(tokens_L), bool)
    if len(tokens_L):
        begins_L[word_edges(tokens_L, delimiter)[:-1] if edges_E is None else edges_E[:-1]] = True
    return begins_L


def _inner_pauses(
    starts_N: Int32, begins_N: NDArray[np.bool_], tokens_N: Int32, delimiter: int | None
) -> list[int]:
    """The tokens inside words that come long after the one before."""
    inner_N = ~begins_N
    inner_N[:1] = False
    if delimiter is not None:
        inner_N &= tokens_N != delimiter
    inner = np.flatnonzero(inner_N)
    steps = starts_N[inner] - starts_N[inner - 1]
    return inner[steps > INNER_PACES * max(float(np.median(steps)), 1.0)].tolist() if len(inner) else []


def _window(starts_N: Int32, ends_N: Int32, edges_E: Int64, span: Span, room: Span) -> _Window:
    """Whole words on both sides of a span, up to the next spans and not too far away."""
    middle = int(np.searchsorted(starts_N, span[1]))
    low, high = max(room[0], span[0] - REACH_FRAMES), min(room[1], span[1] + REACH_FRAMES)
    first, last = np.searchsorted(starts_N, low), np.searchsorted(ends_N, high, side="right")
    lefts = edges_E[(edges_E >= first) & (edges_E <= middle)]
    rights = edges_E[(edges_E >= middle) & (edges_E <= last)]
    far_lefts, far_rights = lefts[lefts <= middle - MOVABLE_TOKENS], rights[rights >= middle + MOVABLE_TOKENS]
    left = int((far_lefts[-1:] if len(far_lefts) else lefts[:1])[0]) if len(lefts) else middle
    right = int((far_rights[:1] if len(far_rights) else rights[-1:])[0]) if len(rights) else middle
    return _Window(
        first=left,
        last=right,
        start=int(starts_N[left]) if left < middle else span[0],
        end=int(ends_N[right - 1]) if right > middle else span[1],
    )


def _scores(
    log_probs_TC: LogProbs, chain: Chain, window: _Window, span: Span, speech_nats: float
) -> tuple[Double, Double, Int64]:
    """Scores of the columns and of speech in the window's frames; the middle of a long span is one row, of speech.

    Returns:
        The scores to choose by, in which silence inside speech costs next to nothing; those of speech as the
        search counts them; the frames.
    """
    frames = np.arange(window.start, window.end)
    rows_TC = np.maximum(log_probs_TC[window.start : window.end].astype(np.float32), FLOOR_NATS)
    best_F = rows_TC.max(axis=1).astype(np.float64)
    scores_FC = np.empty((len(frames), len(chain.columns) + 1))
    scores_FC[:, :-1] = rows_TC[:, chain.columns]
    silent = [chain.blank, *([] if chain.delimiter is None else [chain.delimiter])]
    quiet_F = rows_TC[:, silent].max(axis=1) >= best_F
    scores_FC[:, -1] = best_F - np.where(quiet_F, QUIET_NATS, speech_nats)
    speech_F = best_F - speech_nats
    first, last = span[0] + REACH_FRAMES - window.start, span[1] - REACH_FRAMES - window.start
    if first >= last or not chain.speech:
        return scores_FC, speech_F, frames
    scores_FC[first, -1] = scores_FC[first:last, -1].sum()
    scores_FC[first, :-1] = IMPOSSIBLE
    speech_F[first] = speech_F[first:last].sum()
    kept = np.delete(np.arange(len(frames)), np.s_[first + 1 : last])
    return scores_FC[kept], speech_F[kept], frames[kept]


def _columns_before(frames_F: Int64, starts_N: Int32, ends_N: Int32, span: Span, chain: Chain) -> Int64:
    """The column that each frame had on the path found by the search."""
    column_F = np.full(len(frames_F), chain.columns.index(chain.blank), np.int64)
    firsts, ends = np.searchsorted(frames_F, (starts_N, ends_N)).tolist()
    columns = np.searchsorted(chain.columns, chain.tokens).tolist()
    for column, first, end in zip(columns, firsts, ends):
        column_F[first:end] = column
    if chain.speech:
        column_F[slice(*np.searchsorted(frames_F, span))] = len(chain.columns)
    return column_F


def _places(path_F: Int64, frames_F: Int64, chain: Chain, starts_N: Int32, ends_N: Int32) -> Span:
    """Read a path: write the places of the tokens, return that of the speech."""
    bounds = np.flatnonzero(np.diff(path_F, prepend=-1, append=-1))
    span = (0, 0)
    for first, after in zip(bounds[:-1].tolist(), bounds[1:].tolist()):
        state = int(path_F[first])
        place = (int(frames_F[first]), int(frames_F[after - 1]) + 1)
        if chain.column[state] == SPEECH:
            span = place
        elif chain.token[state] != NO_TOKEN:
            # Of a delimiter on both sides of the speech, the later place counts.
            starts_N[chain.token[state]], ends_N[chain.token[state]] = place
    return span
