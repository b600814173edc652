"""The states that a path may take past untranscribed speech or a pause, and the best path through them.

The picture of the states stands at the head of `settle`.

Legend: F frames of a window, S states, C columns, P predecessors of all states.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from prep_corpus.align.viterbi.compiling import compiled

Int64 = NDArray[np.int64]
Double = NDArray[np.float64]

PAUSE_NATS = 0.1
"""What a frame of silence between two words costs: within a text pauses are short."""

INNER_NATS = 0.3
"""What a frame of blank inside a word costs."""

START = -1  # as the predecessor of a state: a path may begin there
SPEECH = -1  # as the column of a state
NO_TOKEN = -1


@dataclass
class Chain:
    """The states that a path may take through a window, one per frame.

    Attributes:
        tokens: columns of the model.
        begins: which of them begin a word.
        blank, delimiter: columns likewise.
        speech: whether the path goes through speech.
        columns: columns that any state needs, the blank and the delimiter among them; one more follows, for speech.
        column, token, cost, before: of each state its place in `columns`, which token it says or `NO_TOKEN`, what a
            frame costs, and the states that may come before it besides itself.
        final: states in which a path may end.
    """

    tokens: list[int]
    begins: list[bool]
    blank: int
    delimiter: int | None
    speech: bool
    columns: list[int] = field(default_factory=list)
    column: list[int] = field(default_factory=list)
    token: list[int] = field(default_factory=list)
    cost: list[float] = field(default_factory=list)
    before: list[list[int]] = field(default_factory=list)
    final: list[int] = field(default_factory=list)
    _places: dict[int, int] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        symbols = {*self.tokens, self.blank} | ({self.delimiter} if self.delimiter is not None else set())
        self.columns = sorted(symbols)
        self._places = {symbol: place for place, symbol in enumerate(self.columns)} | {SPEECH: SPEECH}
        count = len(self.tokens)
        left: list[int] = []
        for j in range(count):
            left.append(self._say(j, left, START))
        right: list[int] = [] if self.speech else left
        for j in range(count if self.speech else 0):
            right.append(self._say(j, right, None))
        for edge in range(count + 1 if self.speech else 0):
            if edge in (0, count) or self.begins[edge]:
                after = self._speech(edge, left)
                if edge < count:
                    self.before[right[edge]] += after
                else:
                    self.final += after
        if count:
            self.final += [right[-1], self._add(self.blank, before=[right[-1]])]

    def _add(self, symbol: int, *, before: list[int], token: int = NO_TOKEN, cost: float = 0.0) -> int:
        self.column.append(self._places[symbol])
        self.token.append(token)
        self.cost.append(cost)
        self.before.append(before)
        return len(self.column) - 1

    def _say(self, j: int, said: list[int], begin: int | None) -> int:
        """The blank before token j, and the token; `said` are the states of those before it."""
        tokens = self.tokens
        before = [said[-1]] if j else [begin] if begin is not None else []
        between = self.begins[j] or tokens[j] == self.delimiter
        cost = (PAUSE_NATS if between else INNER_NATS) if j else 0.0
        silence = self._add(self.blank, before=list(before), cost=cost)
        if j and tokens[j] == tokens[j - 1]:
            before = []
        cost = PAUSE_NATS if tokens[j] == self.delimiter else 0.0
        return self._add(tokens[j], before=[silence, *before], token=j, cost=cost)

    def _speech(self, edge: int, left: list[int]) -> list[int]:
        """Silence, speech and silence between the tokens before `edge` and those after; the states to go on from.

        A delimiter that ends the tokens before is said before the speech, after it, or both.
        """
        owed = edge > 0 and self.tokens[edge - 1] == self.delimiter
        said = edge - 1 if owed else edge
        word = [left[said - 1]] if said else [START]
        quiet = self._add(self.blank, before=list(word))
        if not owed:
            speech = self._add(SPEECH, before=[*word, quiet])
            after = self._add(self.blank, before=[speech])
            if self.delimiter is None:
                return [speech, after]
            parted = self._add(self.delimiter, before=[speech, after])
            self.before[after].append(parted)
            return [speech, after, parted]
        assert self.delimiter is not None
        paid = self._add(self.delimiter, before=[*word, quiet], token=edge - 1)
        still = self._add(self.blank, before=[paid])
        speech = self._add(SPEECH, before=[paid, still])
        owing = self._add(SPEECH, before=[*word, quiet])
        owing_quiet = self._add(self.blank, before=[owing])
        after = self._add(self.blank, before=[speech])
        parted = self._add(self.delimiter, before=[speech, after, owing, owing_quiet], token=edge - 1)
        self.before[after].append(parted)
        return [speech, after, parted]

    def states(self) -> tuple[Int64, Double, Int64, Int64, Int64]:
        """Column and cost of each state, where its predecessors begin in their list, that list, and the last states."""
        counts = [len(before) + 1 for before in self.before]
        listed = [p for s, before in enumerate(self.before) for p in (s, *before)]
        columns = np.where(np.array(self.column) == SPEECH, len(self.columns), self.column)
        return (
            columns.astype(np.int64),
            np.array(self.cost),
            np.cumsum([0, *counts]).astype(np.int64),
            np.array(listed, np.int64),
            np.array(self.final, np.int64),
        )


@compiled
def best_path(
    scores_FC: Double, column_S: Int64, cost_S: Double, offset_S: Int64, before_P: Int64, final_S: Int64
) -> Int64:
    """The best path through states of any kind, one per frame."""
    frames, states = scores_FC.shape[0], column_S.shape[0]
    moves_FS = np.empty((frames, states), np.uint8)
    score_S = np.full(states, -np.inf)
    next_S = np.empty(states)
    for f in range(frames):
        for s in range(states):
            best, move = -np.inf, 0
            for i in range(offset_S[s], offset_S[s + 1]):
                p = before_P[i]
                value = score_S[p] if p >= 0 else (0.0 if f == 0 else -np.inf)
                if value > best:
                    best, move = value, i - offset_S[s]
            next_S[s] = best + scores_FC[f, column_S[s]] - cost_S[s]
            moves_FS[f, s] = move
        score_S[:] = next_S
    state = final_S[0]
    for s in final_S:
        if score_S[s] > score_S[state]:
            state = s
    path_F = np.empty(frames, np.int64)
    for f in range(frames - 1, -1, -1):
        path_F[f] = state
        state = before_P[offset_S[state] + moves_FS[f, state]]
    return path_F
