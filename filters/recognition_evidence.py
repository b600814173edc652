"""Evidence that a recognised word was said: how far the model is from hearing anything else in its place.

Nothing here looks at a text. All columns are bounded, so that none outweighs the rest on sounds that no one has
fitted on.

Legend: T frames, C classes, L tokens, W recognised words, F features.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from prep_corpus.align.recognition.recognised import RecognisedWords
    from prep_corpus.align.words.evidence import Track

DoubleArray = NDArray[np.float64]
LongArray = NDArray[np.int64]

RECOGNITION_NAMES = (
    "cost",
    "token_margin_min",
    "token_margin_mean",
    "doubt_sum",
    "doubt_most",
    "delimiter_before",
    "delimiter_after",
    "zone_certainty",
    "log_letters",
    "letter_rate",
    "log_pause_before",
    "log_pause_after",
)
"""Names of the columns of `recognition_evidence`, in order.

cost: -log p(word | zone) in nats, summed over all paths, at most `MOST_COST_NATS`: what all other readings of the zone
    are worth together.
token_margin_min, token_margin_mean: over the word's tokens, by how much each is likelier than any other symbol
    where that is most, in nats, within `MOST_MARGIN_NATS`.
doubt_sum, doubt_most: over the zone's frames whose best symbol is blank or delimiter, the probability of all others:
    its sum, at most `MOST_DOUBT`, and its maximum.
delimiter_before, delimiter_after: the largest probability of a delimiter between the word and the one beside it; of any
    symbol where the model has no delimiter.
zone_certainty: mean over the zone's frames of the largest probability.
log_letters: log of the word's length.
letter_rate: by how much the word's frames per letter differ from the recording's median, in log, at most
    `MOST_RATE_LOG`.
log_pause_before, log_pause_after: log1p of the frames to the word beside it, at most `MOST_LOG_PAUSE`.
"""

MOST_COST_NATS = 12.0
MOST_MARGIN_NATS = 8.0
MOST_DOUBT = 4.0
MOST_RATE_LOG = 2.0
MOST_LOG_PAUSE = 6.0

_BLOCK_TOKENS = 1 << 14


def recognition_evidence(
    log_probs_TC: NDArray[np.floating], found: RecognisedWords, seen: Track
) -> NDArray[np.float32]:
    """How sure the model is of each word that it recognised.

    Args:
        log_probs_TC: natural log-probabilities, float16 or float32.
        found: the W words, as `recognise` gives them for these frames.
        seen: what the model saw in each frame.

    Returns:
        float32 [W, F], columns as in `RECOGNITION_NAMES`.
    """
    if not len(found):
        return np.zeros((0, len(RECOGNITION_NAMES)), np.float32)
    frames = len(seen.greedy_T)
    starts, ends = found.frame_starts, found.frame_ends
    before, after = np.append(0, ends[:-1]), np.append(starts[1:], frames)
    zone_starts, zone_ends = found.zone_starts, found.zone_ends
    letters_W = np.array([len(text) for text in found.texts], np.float64)
    per_letter = np.maximum(ends - starts, 1) / letters_W
    margin_L = _margins(log_probs_TC, found)
    margin_sums, first, last = _sums(margin_L), found.bounds[:-1], found.bounds[1:]
    doubt_T = np.where(seen.quiet_T, seen.speech_T, 0.0)
    doubt_sums = _sums(doubt_T)
    certain_T = np.exp(seen.maximum_T)
    certain_sums = _sums(certain_T)
    parting_T = certain_T
    if seen.delimiter >= 0:
        parting_T = np.exp(log_probs_TC[:, seen.delimiter].astype(np.float32))
    columns = {
        "cost": _costs(log_probs_TC, found, seen),
        "token_margin_min": np.minimum.reduceat(margin_L, first),
        "token_margin_mean": (margin_sums[last] - margin_sums[first]) / (last - first),
        "doubt_sum": np.minimum(doubt_sums[zone_ends] - doubt_sums[zone_starts], MOST_DOUBT),
        "doubt_most": _most(doubt_T, zone_starts, zone_ends),
        "delimiter_before": _most(parting_T, before, starts),
        "delimiter_after": _most(parting_T, ends, after),
        "zone_certainty": (certain_sums[zone_ends] - certain_sums[zone_starts]) / (zone_ends - zone_starts),
        "log_letters": np.log(letters_W),
        "letter_rate": np.clip(np.log(per_letter / np.median(per_letter)), -MOST_RATE_LOG, MOST_RATE_LOG),
        "log_pause_before": np.minimum(np.log1p(starts - before), MOST_LOG_PAUSE),
        "log_pause_after": np.minimum(np.log1p(after - ends), MOST_LOG_PAUSE),
    }
    return np.stack([columns[name] for name in RECOGNITION_NAMES], axis=1).astype(np.float32)


def _sums(values: NDArray[np.floating]) -> DoubleArray:
    """Running sums with a leading zero, so that sums[b] - sums[a] is the sum over [a, b)."""
    return np.concatenate(([0.0], np.cumsum(values, dtype=np.float64)))


def _most(values_T: NDArray[np.floating], starts: LongArray, ends: LongArray) -> DoubleArray:
    """Maximum over [start, end) of each span; 0 where a span is empty."""
    edges = np.stack((starts, np.maximum(ends, starts)), axis=1).ravel()
    most = np.maximum.reduceat(np.append(values_T, 0.0), np.minimum(edges, len(values_T)))[::2]
    return np.where(ends > starts, most, 0.0).astype(np.float64)


def _margins(log_probs_TC: NDArray[np.floating], found: RecognisedWords) -> DoubleArray:
    """By how much each token is likelier than any other symbol, in the frame of its own where that is most."""
    margin_L = np.empty(len(found.tokens_L))
    for at in range(0, len(margin_L), _BLOCK_TOKENS):
        starts = found.token_starts_L[at : at + _BLOCK_TOKENS]
        lengths = found.token_ends_L[at : at + _BLOCK_TOKENS] - starts
        offsets = np.cumsum(lengths) - lengths
        frames = np.arange(int(lengths.sum())) + np.repeat(starts - offsets, lengths)
        rows = log_probs_TC[frames].astype(np.float32)
        own = rows[np.arange(len(rows)), np.repeat(found.tokens_L[at : at + _BLOCK_TOKENS], lengths)]
        two = np.partition(rows, -2, axis=1)[:, -2:]
        others = np.where(own >= two[:, 1], two[:, 0], two[:, 1])
        margin_L[at : at + _BLOCK_TOKENS] = np.maximum.reduceat(own - others, offsets)
    return np.clip(margin_L, -MOST_MARGIN_NATS, MOST_MARGIN_NATS)


def _costs(log_probs_TC: NDArray[np.floating], found: RecognisedWords, seen: Track) -> DoubleArray:
    """-log p of each word in its zone, delimiters and all, at most `MOST_COST_NATS`."""
    # What only scores transcripts needs no compiler.
    from prep_corpus.filters.path_sums import path_sum_cost

    costs_W = np.empty(len(found))
    spans = zip(
        found.bounds[:-1].tolist(),
        found.bounds[1:].tolist(),
        found.zone_starts.tolist(),
        found.zone_ends.tolist(),
    )
    parting = np.array([seen.delimiter], np.int32)
    for w, (first, last, start, end) in enumerate(spans):
        lead = parting if seen.greedy_T[start] == seen.delimiter else parting[:0]
        tail = parting if seen.greedy_T[end - 1] == seen.delimiter else parting[:0]
        tokens = np.concatenate((lead, found.tokens_L[first:last], tail))
        rows = np.ascontiguousarray(log_probs_TC[start:end], np.float32)
        costs_W[w] = path_sum_cost(rows, tokens, seen.blank)
    return np.minimum(costs_W, MOST_COST_NATS)
