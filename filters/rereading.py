"""Words that a model hears, read once more with the words of the recording's own text that sound nearly like them.

    text     ... old shimerda sat ...           within five minutes, but not at this place
    heard    chmirda           costs 0.9        -log p in its frames, over all paths
    rival    shimerda          costs 2.1        costs more, but the text knows it

No word is added where none is heard, and none is taken away. What the text has at a word's own place is no rival, as
in `text_evidence`, but for a word that is refused there.

Legend: T frames, C classes, W recognised words, N words of the text, R readings.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from prep_corpus.filters.judge_evidence import TimedWords
from prep_corpus.filters.text_evidence import PLACE_SECONDS, WIDE_SECONDS, TextWords, text_evidence

if TYPE_CHECKING:
    from prep_corpus.align.model.models import ModelInfo
    from prep_corpus.align.recognition.recognised import RecognisedWords
    from prep_corpus.align.words.evidence import Track

BoolArray = NDArray[np.bool_]
DoubleArray = NDArray[np.float64]
LongArray = NDArray[np.int64]

REREADING_VERSION = 1
"""For the digests of what depends on it."""

LEAST_DOUBT_NATS = 0.1
"""A word that costs no more has no rival: all other readings of its frames have a tenth together."""

MOST_DEARER_NATS = 9.0
"""What costs so much more than what is heard is no rival."""

MOST_EDITS = 3
"""A rival is at most so many letters apart, and at most a third of the heard word's letters, rounded."""

MOST_LEAD = 8.0

REFUSED_SECONDS = 0.5
"""A word of the text that is refused stands this near to what is heard in its place."""

_BLOCK_WORDS = 256

READING_NAMES = ("cost", "unknown", "unknown_letters", "log_share", "pairs")
"""What decides between the readings of a word.

cost: -log p in the word's frames, in nats.
unknown: 1 where the text does not have it near by.
unknown_letters: its letters then, else 0.
log_share: log of its share of the text's words near by; 0 where it has none.
pairs: beside how many of its two neighbours, as they are heard, it stands in the text near by.
"""


@dataclass(frozen=True, kw_only=True)
class Rereading:
    """The weights of `READING_NAMES`: the log-odds between two readings are the difference of their weighted sums."""

    cost: float
    unknown: float
    unknown_letters: float
    log_share: float
    pairs: float

    def scores(self, features_RF: DoubleArray) -> DoubleArray:
        """The weighted sums [R]."""
        found: DoubleArray = features_RF @ np.array([getattr(self, name) for name in READING_NAMES])
        return found


@dataclass(frozen=True, kw_only=True)
class Readings:
    """The readings of the recognised words that have rivals, word by word, the heard one first.

    Attributes:
        word_R: int64, the recognised word.
        place_R: int64, a word of the text that is spelled so; -1 for what is heard.
        texts: each reading.
        features_RF: float64, columns as in `READING_NAMES`.
    """

    word_R: LongArray
    place_R: LongArray
    texts: tuple[str, ...]
    features_RF: DoubleArray

    @property
    def firsts(self) -> LongArray:
        """Where the readings of each word begin."""
        return np.flatnonzero(self.place_R < 0)


@dataclass(frozen=True, kw_only=True)
class Reread:
    """Recognised words after they were read once more.

    Attributes:
        found: the W words.
        put_W: those that are words of the text instead of what was heard.
        lead_W: log-odds against all other readings, at most `MOST_LEAD`.
    """

    found: RecognisedWords
    put_W: BoolArray
    lead_W: DoubleArray


def reread(
    log_probs_TC: NDArray[np.floating],
    seen: Track,
    info: ModelInfo,
    found: RecognisedWords,
    text: TextWords,
    rereading: Rereading,
) -> Reread:
    """Read each word as what is likeliest of what is heard and its rivals.

    Args:
        log_probs_TC, seen: of the recording.
        info: the model's description.
        found: the W words that are heard.
        text: the N words of the text.
        rereading: how much what the text knows counts.
    """
    return choose_readings(
        log_probs_TC, seen, found, text, find_readings(log_probs_TC, seen, info, found, text), rereading
    )


def with_text(
    evidence_WF: NDArray[np.float32], words: Reread, info: ModelInfo, text: TextWords
) -> NDArray[np.float32]:
    """The evidence for recognised words with the columns of `text_evidence` behind.

    Args:
        evidence_WF: as `recognition_evidence` gives it, or `with_judge`, of the words as they are read with the text.
        words: they.
        info: of the model that heard them.
        text: the words of the transcript.
    """
    own = TimedWords(
        texts=words.found.texts,
        starts_W=words.found.frame_starts * np.float64(info.frame_seconds),
        ends_W=words.found.frame_ends * np.float64(info.frame_seconds),
    )
    return np.concatenate((evidence_WF, text_evidence(own, text, words.put_W, words.lead_W)), axis=1)


def find_readings(
    log_probs_TC: NDArray[np.floating], seen: Track, info: ModelInfo, found: RecognisedWords, text: TextWords
) -> Readings:
    """What else may have been said in place of each word; the arguments of `reread`."""
    near = _Near(text)
    seconds_W = (found.frame_starts + found.frame_ends) * np.float64(info.frame_seconds / 2)
    rows: list[tuple[int, int, str, tuple[float, ...]]] = []
    doubtful = _doubtful(found, seen).tolist() if info.has_spaces else []
    alike = _alike({found.texts[w] for w in doubtful}, set(text.texts))
    for w in doubtful:
        heard, seconds = found.texts[w], float(seconds_W[w])
        shares = {rival: near.log_share(rival, seconds) for rival in alike.get(heard, ())}
        known_rivals = {rival: share for rival, share in shares.items() if share is not None}
        if not known_rivals:
            continue
        zone = _Zone(log_probs_TC, seen, found, w)
        rivals = {
            rival: share
            for rival, share in known_rivals.items()
            if zone.holds(text.tokens[near.place(rival)])
        }
        places = [-1, *map(near.place, rivals)]
        own = found.tokens_L[found.bounds[w] : found.bounds[w + 1]]
        costs = zone.costs([own, *(text.tokens[n] for n in places[1:])])
        kept = [r for r, cost in enumerate(costs) if cost - costs[0] <= MOST_DEARER_NATS]
        if len(kept) == 1:
            continue
        readings = [(heard, near.log_share(heard, seconds)), *rivals.items()]
        beside = tuple(found.texts[n] if 0 <= n < len(found) else "" for n in (w - 1, w + 1))
        for r in kept:
            reading, share = readings[r]
            known = (1.0, float(len(reading)), 0.0) if share is None else (0.0, 0.0, share)
            features = (costs[r], *known, near.pairs(reading, beside, seconds))
            rows.append((w, places[r], reading, features))
    return Readings(
        word_R=np.array([row[0] for row in rows], np.int64),
        place_R=np.array([row[1] for row in rows], np.int64),
        texts=tuple(row[2] for row in rows),
        features_RF=np.array([row[3] for row in rows], np.float64).reshape(-1, len(READING_NAMES)),
    )


class _Near:
    """Where the words of a text stand."""

    def __init__(self, text: TextWords) -> None:
        seconds_N = ((text.starts_W + text.ends_W) / 2).tolist()
        self._all = sorted(seconds_N)
        self._of: dict[str, list[float]] = defaultdict(list)
        self._refused: dict[str, list[float]] = defaultdict(list)
        self._pairs: dict[tuple[str, str], list[float]] = defaultdict(list)
        self._place: dict[str, int] = {}
        for n, (word, seconds, refused) in enumerate(zip(text.texts, seconds_N, text.refused_W.tolist())):
            self._place.setdefault(word, n)
            self._of[word].append(seconds)
            if refused:
                self._refused[word].append(seconds)
        for pair, seconds in zip(pairwise(text.texts), seconds_N):
            self._pairs[pair].append(seconds)
        for places in (*self._of.values(), *self._refused.values(), *self._pairs.values()):
            places.sort()

    def place(self, word: str) -> int:
        """Its first place among the words of the text."""
        return self._place[word]

    def log_share(self, word: str, seconds: float) -> float | None:
        """Log of its share of the words near by, but not at the place itself; None where it is not among them."""
        count = _between(self._of.get(word, ()), seconds) + _count(
            self._refused.get(word, ()), seconds, REFUSED_SECONDS
        )
        return math.log(count / max(_between(self._all, seconds), count)) if count else None

    def pairs(self, word: str, beside: tuple[str, ...], seconds: float) -> float:
        """Beside how many of the words before and behind it stands near by, but not at the place itself."""
        before, behind = beside
        return float(
            sum(_between(self._pairs.get(pair, ()), seconds) > 0 for pair in ((before, word), (word, behind)))
        )


def _count(places: Sequence[float], seconds: float, reach: float) -> int:
    return bisect_right(places, seconds + reach) - bisect_left(places, seconds - reach)


def _between(places: Sequence[float], seconds: float) -> int:
    return _count(places, seconds, WIDE_SECONDS) - _count(places, seconds, PLACE_SECONDS)


def _doubtful(found: RecognisedWords, seen: Track) -> LongArray:
    """The words for which something else might be heard."""
    sums = np.concatenate(([0.0], np.cumsum(seen.maximum_T, dtype=np.float64)))
    # The best path is one of the word's: all of them together cost no more.
    return np.flatnonzero(sums[found.zone_starts] - sums[found.zone_ends] > LEAST_DOUBT_NATS)


def _alike(heard: set[str], known: set[str]) -> Mapping[str, list[str]]:
    """The known words that are spelled nearly like each of the heard ones, in their order."""
    # Only where there is a text.
    from rapidfuzz.distance import Levenshtein
    from rapidfuzz.process import cdist

    words, others = sorted(heard), sorted(known)
    found: dict[str, list[str]] = {}
    for at in range(0, len(words) if others else 0, _BLOCK_WORDS):
        block = words[at : at + _BLOCK_WORDS]
        apart = cdist(block, others, scorer=Levenshtein.distance, score_cutoff=MOST_EDITS, dtype=np.uint8)
        for word, apart_V in zip(block, apart):
            most = min(MOST_EDITS, max(1, (len(word) + 1) // 3))
            found[word] = [others[v] for v in np.flatnonzero((apart_V > 0) & (apart_V <= most)).tolist()]
    return found


class _Zone:
    """The frames of a recognised word, and the delimiters that are heard at their edges.

    Zones of neighbours share what lies between their words; a word is placed in its own half of that.
    """

    def __init__(
        self, log_probs_TC: NDArray[np.floating], seen: Track, found: RecognisedWords, w: int
    ) -> None:
        start, end = int(found.zone_starts[w]), int(found.zone_ends[w])
        self._log_probs_TC, self._blank = log_probs_TC, seen.blank
        self._frames = slice(start, end)
        parting = np.array([seen.delimiter], np.int32)
        self._lead = parting[: int(seen.greedy_T[start] == seen.delimiter)]
        self._tail = parting[: int(seen.greedy_T[end - 1] == seen.delimiter)]
        first, last = int(found.bounds[w]), int(found.bounds[w + 1])
        token_starts_L, token_ends_L = found.token_starts_L, found.token_ends_L
        before = int(token_ends_L[first - 1]) if first else 0
        behind = int(token_starts_L[last]) if last < len(token_starts_L) else len(log_probs_TC)
        self._own = slice(
            max(start, (before + int(token_starts_L[first])) // 2),
            min(end, (int(token_ends_L[last - 1]) + behind) // 2),
        )

    def holds(self, own: NDArray[np.int32]) -> bool:
        """Whether the word can be placed."""
        repeats = int(np.count_nonzero(own[1:] == own[:-1]))
        return len(own) + repeats <= self._own.stop - self._own.start

    def placed(self, own: NDArray[np.int32]) -> tuple[LongArray, LongArray]:
        """The first frame of each token, and one past its last."""
        from prep_corpus.align.viterbi.viterbi import align

        found = align(self._log_probs_TC[self._own], own, blank=self._blank, detours=None)
        start = self._own.start
        return found.starts_L.astype(np.int64) + start, found.ends_L.astype(np.int64) + start

    def costs(self, words: Sequence[NDArray[np.int32]]) -> list[float]:
        """-log p of words, each by its tokens."""
        # What only scores transcripts needs no compiler.
        from prep_corpus.filters.path_sums import path_sum_cost

        rows = np.ascontiguousarray(self._log_probs_TC[self._frames], np.float32)
        return [
            path_sum_cost(rows, np.concatenate((self._lead, own, self._tail)), self._blank) for own in words
        ]


def choose_readings(
    log_probs_TC: NDArray[np.floating],
    seen: Track,
    found: RecognisedWords,
    text: TextWords,
    readings: Readings,
    rereading: Rereading,
) -> Reread:
    """The likeliest reading of each word; the arguments of `reread`, and what `find_readings` finds."""
    put_W, lead_W = np.zeros(len(found), bool), np.full(len(found), MOST_LEAD)
    scores_R = rereading.scores(readings.features_RF)
    put: dict[int, int] = {}
    for first, end in _ranges(readings):
        w = int(readings.word_R[first])
        order = np.argsort(-scores_R[first:end], kind="stable")
        best, others = scores_R[first + order[0]], scores_R[first + order[1:]]
        lead_W[w] = min(best - np.logaddexp.reduce(others), MOST_LEAD)
        if order[0]:
            put_W[w] = True
            put[w] = int(readings.place_R[first + order[0]])
    return Reread(found=_with_words(log_probs_TC, seen, found, text, put), put_W=put_W, lead_W=lead_W)


def _ranges(readings: Readings) -> Iterator[tuple[int, int]]:
    firsts = readings.firsts.tolist()
    return zip(firsts, [*firsts[1:], len(readings.word_R)])


def _with_words(
    log_probs_TC: NDArray[np.floating],
    seen: Track,
    found: RecognisedWords,
    text: TextWords,
    put: Mapping[int, int],
) -> RecognisedWords:
    """Recognised words of which some give way to words of the text, which are placed anew in the same frames."""
    if not put:
        return found
    texts = list(found.texts)
    tokens: list[NDArray[np.int32]] = []
    starts: list[LongArray] = []
    ends: list[LongArray] = []
    at = 0
    for w, place in sorted(put.items()):
        first, last = int(found.bounds[w]), int(found.bounds[w + 1])
        own = text.tokens[place]
        starts_L, ends_L = _Zone(log_probs_TC, seen, found, w).placed(own)
        texts[w] = text.texts[place]
        tokens += [found.tokens_L[at:first], own]
        starts += [found.token_starts_L[at:first], starts_L]
        ends += [found.token_ends_L[at:first], ends_L]
        at = last
    lengths_W = np.diff(found.bounds)
    lengths_W[list(put)] = [len(text.tokens[place]) for place in put.values()]
    return replace(
        found,
        texts=tuple(texts),
        tokens_L=np.concatenate([*tokens, found.tokens_L[at:]]).astype(np.int32),
        token_starts_L=np.concatenate([*starts, found.token_starts_L[at:]]),
        token_ends_L=np.concatenate([*ends, found.token_ends_L[at:]]),
        bounds=np.concatenate(([0], np.cumsum(lengths_W))).astype(np.int64),
    )
