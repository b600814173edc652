"""What a long search leaves out cannot be on the best path."""

from __future__ import annotations

from itertools import pairwise
from unittest import mock

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from prep_corpus.align.viterbi import search, viterbi
from prep_corpus.align.viterbi.checkpoints import checkpoints
from prep_corpus.align.viterbi.detours import DEFAULT_DETOURS, DetourCosts
from prep_corpus.align.viterbi.forward.alive import NOTHING, still_gained
from prep_corpus.align.viterbi.forward.ceiling import Ceiling
from prep_corpus.align.viterbi.forward.rows import Bar, forward
from prep_corpus.align.viterbi.forward.tiles import BLOCK_FRAMES, TILE_PAIRS
from prep_corpus.align.viterbi.trellis import Rows, Trellis, first_rows

CLASSES, BLANK, DELIMITER = 29, 0, 1


def planted(said_N: NDArray[np.int32], frames: int, seed: int) -> NDArray[np.float32]:
    """Emissions in which these tokens are said, some of them heard badly."""
    random = np.random.default_rng(seed)
    logits = random.standard_normal((frames, CLASSES), dtype=np.float32)
    logits[:, BLANK] += 6
    at = np.sort(random.choice(frames // 2, len(said_N), replace=False)) * 2
    logits[at, BLANK] -= 6
    logits[at, said_N] += np.where(random.random(len(said_N)) < 0.8, 8, 2)
    return logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))


def text_of(tokens: int, seed: int) -> NDArray[np.int32]:
    """Words of two to eight letters."""
    random = np.random.default_rng(seed)
    words = [random.integers(2, CLASSES, random.integers(2, 9)) for _ in range(tokens // 5)]
    joined = [part for word in words for part in (word, [DELIMITER])]
    return np.concatenate(joined[:-1])[:tokens].astype(np.int32)


def spoilt(tokens_L: NDArray[np.int32], seed: int) -> NDArray[np.int32]:
    """What is said instead: words of the text are missing, others stand between them, a stretch is left out."""
    random = np.random.default_rng(seed)
    cut = int(random.integers(0, len(tokens_L) // 2))
    kept_L = np.concatenate((tokens_L[:cut], tokens_L[cut + len(tokens_L) // 8 :]))
    return np.where(
        random.random(len(kept_L)) < 0.85, kept_L, random.integers(2, CLASSES, len(kept_L))
    ).astype(np.int32)


@pytest.mark.parametrize(
    ("beam_tokens", "detours"),
    [
        (1, DEFAULT_DETOURS),
        (40, DEFAULT_DETOURS),
        (search.BEAM_TOKENS, DEFAULT_DETOURS),
        (1, None),
        (search.BEAM_TOKENS, None),
    ],
)
@pytest.mark.parametrize("kind", ["right", "spoilt", "another"])
def test_the_path_is_that_of_a_search_through_everything(
    kind: str, beam_tokens: int, detours: DetourCosts | None
) -> None:
    tokens_L = text_of(9 * TILE_PAIRS, 1)
    said_N = {"right": tokens_L, "spoilt": spoilt(tokens_L, 2), "another": text_of(4000, 3)}[kind]
    log_probs_TC = planted(said_N, 15_003, 4)
    with mock.patch.object(search, "NARROW_PAIRS", 1 << 60):
        whole = viterbi.align(log_probs_TC, tokens_L, blank=BLANK, delimiter=DELIMITER, detours=detours)
    followed: list[bool] = []

    def counted(trellis: Trellis, spacing: int, kept: object, bar: Bar | None = None) -> bool:
        followed.append(bar is not None)
        return forward(trellis, spacing, kept, bar)  # type: ignore[arg-type]

    with mock.patch.object(search, "BEAM_TOKENS", beam_tokens), mock.patch.object(search, "forward", counted):
        narrow = viterbi.align(log_probs_TC, tokens_L, blank=BLANK, delimiter=DELIMITER, detours=detours)
    assert followed
    assert all(followed)
    assert narrow.score_nats == whole.score_nats
    assert narrow.untranscribed == whole.untranscribed
    for found, wanted in (
        (narrow.starts_L, whole.starts_L),
        (narrow.ends_L, whole.ends_L),
        (narrow.skipped_L, whole.skipped_L),
    ):
        assert np.array_equal(found, wanted)


def trellis_of(
    log_probs_TC: NDArray[np.float32], tokens_L: NDArray[np.int32], detours: DetourCosts | None
) -> Trellis:
    edges_E = np.empty(0, np.int64) if detours is None else viterbi.word_edges(tokens_L, DELIMITER)
    return viterbi._trellis(log_probs_TC, tokens_L, BLANK, edges_E, detours, viterbi.EDGE_FRAMES)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from([0.3, 1.0, 4.0, None]), st.booleans())
def test_no_path_gains_more_than_the_ceiling(seed: int, scale: float | None, matches: bool) -> None:
    random = np.random.default_rng(seed)
    tokens_L = text_of(int(random.integers(10, 90)), seed)
    frames = int(random.integers(len(tokens_L) * 2, 400))
    said_N = tokens_L if matches else text_of(len(tokens_L), seed + 1)
    log_probs_TC = planted(said_N[: frames // 2], frames, seed)
    detours = None if scale is None else DEFAULT_DETOURS.fitted(10.0 * scale)
    trellis = trellis_of(log_probs_TC, tokens_L, detours)
    ceiling = Ceiling.of(trellis)
    rows = first_rows(trellis)
    best = _value(trellis, _advanced(trellis, first_rows(trellis), 0, frames))
    for block, start in enumerate(range(0, frames, BLOCK_FRAMES)):
        left_P = np.maximum(trellis.pairs - 1 - np.arange(trellis.pairs), 0)
        gained_P, gained_token_P = (
            np.array(
                [
                    still_gained(
                        int(ceiling.gains_B[block]),
                        ceiling.places_BX[block],
                        ceiling.width,
                        ceiling.skip,
                        int(n),
                    )
                    for n in np.maximum(left_P - said, 0)
                ]
            )
            for said in (0, 1)
        )
        # From every state the best path to the end gains at most that.
        for kind in ("blank", "token"):
            for pair in random.choice(trellis.pairs, 6):
                one = _only(trellis, kind, int(pair))
                gained = _value(trellis, _advanced(trellis, one, start, frames))
                assert gained <= (gained_P if kind == "blank" else gained_token_P)[pair]
        assert best <= max(
            int((rows.blank_P + gained_P).max()),
            int((rows.token_P + gained_token_P).max()),
            int(rows.speech_E.max(initial=search.DEAD)) + int(ceiling.gains_B[block]),
        )
        rows = _advanced(trellis, rows, start, min(start + BLOCK_FRAMES, frames))


def _advanced(trellis: Trellis, rows: Rows, start: int, end: int) -> Rows:
    rows.advance(trellis, start, end, keep=False)
    return rows


def _only(trellis: Trellis, kind: str, pair: int) -> Rows:
    rows = first_rows(trellis)
    for values in (rows.blank_P, rows.token_P, rows.speech_E):
        values[:] = search.DEAD
    (rows.blank_P if kind == "blank" else rows.token_P)[pair] = 0
    return rows


def _value(trellis: Trellis, rows: Rows) -> int:
    return rows.value(trellis, search._better_end(trellis, rows))


def test_what_is_given_up_is_told() -> None:
    tokens_L = text_of(10 * TILE_PAIRS, 1)
    trellis = trellis_of(planted(tokens_L, 12_000, 2), tokens_L, DEFAULT_DETOURS.fitted(10.0))
    ceiling = Ceiling.of(trellis)
    assert len(ceiling.gains_B) == -(-12_000 // BLOCK_FRAMES) + 1
    assert all(one >= other for one, other in pairwise(ceiling.gains_B.tolist()))
    bar = Bar(ceiling=ceiling, beam=10 * ceiling.skip, pace=ceiling.skip // 2)
    with checkpoints(1 << 30) as kept:
        assert forward(trellis, 1024, kept, bar)
        assert bar.missed_1[0] > NOTHING
        last = kept.pop().strip(trellis, trellis.pairs - 2, trellis.pairs)
    assert _value(trellis, last) > search.DEAD // 2
