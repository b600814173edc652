"""Exactness: every shortcut of the aligner against the plain trellis, and every edge of the problem."""

from __future__ import annotations

import errno
import tempfile
import threading
import tracemalloc
from pathlib import Path
from typing import BinaryIO
from unittest import mock

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from support.plain_trellis import best_score, score_of

from prep_corpus.align.errors import Infeasible
from prep_corpus.align.viterbi import search as trellis_search
from prep_corpus.align.viterbi.checkpoints import HELD_BYTES, checkpoints
from prep_corpus.align.viterbi.detours import sharpness
from prep_corpus.align.viterbi.forward.rows import forward
from prep_corpus.align.viterbi.kernels import DEAD
from prep_corpus.align.viterbi.viterbi import DEFAULT_DETOURS, Alignment, DetourCosts, align

Problem = tuple[NDArray[np.float32], NDArray[np.int32], int]

CHEAP_DETOURS = DetourCosts(
    skip_nats=3.0,
    skip_token_nats=0.5,
    long_skip_nats=9.0,
    long_skip_token_nats=0.25,
    enter_nats=2.0,
    speech_nats=0.5,
)


def _repeats(tokens_L: NDArray[np.int32]) -> int:
    return int(np.count_nonzero(tokens_L[1:] == tokens_L[:-1]))


@st.composite
def _problems(draw: st.DrawFn) -> Problem:
    """Emissions on a grid (coarse grids make ties), tokens with repeats, and the blank's column."""
    classes = draw(st.integers(2, 6))
    blank = draw(st.integers(0, classes - 1))
    symbols = [c for c in range(classes) if c != blank]
    tokens_L = np.array(draw(st.lists(st.sampled_from(symbols), min_size=1, max_size=9)), np.int32)
    frames = len(tokens_L) + _repeats(tokens_L) + draw(st.sampled_from([0, 0, 1, 2, 5, 9, 20, 33]))
    grid = draw(st.sampled_from([1e-6, 1 / 8, 1.0, 4.0]))
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    nats = -random.gamma(1.0, draw(st.sampled_from([0.5, 3.0, 12.0])), size=(frames, classes))
    log_probs_TC = np.maximum(np.round(nats / grid) * grid, -60.0).astype(np.float32)
    if draw(st.booleans()):
        log_probs_TC[random.random((frames, classes)) < 0.2] = -np.inf
    return log_probs_TC, tokens_L, blank


def _check(
    problem: Problem, detours: DetourCosts | None, *, delimiter: int | None = None, tolerance: float
) -> Alignment:
    log_probs_TC, tokens_L, blank = problem
    found = align(log_probs_TC, tokens_L, blank=blank, delimiter=delimiter, detours=detours)
    # Short recordings take a shorter way; both must lead to the same score.
    with mock.patch.object(trellis_search, "DIRECT_CELLS", 0):
        other = align(log_probs_TC, tokens_L, blank=blank, delimiter=delimiter, detours=detours)
    assert other.score_nats == pytest.approx(found.score_nats, abs=tolerance)
    score_of(other, log_probs_TC, tokens_L, blank=blank, delimiter=delimiter, detours=detours)
    best = best_score(log_probs_TC, tokens_L, blank=blank, delimiter=delimiter, detours=detours)
    score = score_of(found, log_probs_TC, tokens_L, blank=blank, delimiter=delimiter, detours=detours)
    assert score == pytest.approx(best, abs=tolerance)
    if np.isfinite(log_probs_TC).all():
        assert found.score_nats == pytest.approx(score, abs=1e-6)
    return found


@settings(max_examples=1000, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(_problems())
def test_the_path_is_the_best_of_the_plain_trellis(problem: Problem) -> None:
    _check(problem, None, tolerance=1e-5)


@settings(max_examples=1000, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(_problems(), st.sampled_from([None, 0, 1, 2]), st.sampled_from([0.5, 3.0, 12.0]))
def test_the_path_with_gaps_is_the_best_of_the_plain_trellis(
    problem: Problem, delimiter: int | None, cost: float
) -> None:
    detours = DetourCosts(
        skip_nats=cost,
        skip_token_nats=cost / 4,
        long_skip_nats=1.5 * cost,
        long_skip_token_nats=cost / 16,
        enter_nats=cost / 2,
        speech_nats=0.5,
    )
    # Whether to leap is decided in fixed point: each frame may round by half a unit.
    _check(problem, detours, delimiter=delimiter, tolerance=len(problem[0]) / 512)


def test_three_frames_by_hand() -> None:
    probabilities = np.array([[0.1, 0.8, 0.1], [0.3, 0.3, 0.4], [0.1, 0.2, 0.7]])
    found = align(np.log(probabilities).astype(np.float32), np.array([1, 2]), blank=0, detours=None)
    assert found.starts_L.tolist() == [0, 1]
    assert found.ends_L.tolist() == [1, 3]
    assert found.score_nats == pytest.approx(np.log(0.8 * 0.4 * 0.7), abs=1e-6)
    assert not found.skipped_L.any()
    assert found.untranscribed == ()


def test_a_repeated_token_needs_a_blank_between() -> None:
    log_probs_TC = np.log(np.array([[0.01, 0.99]] * 5, np.float32))
    found = align(log_probs_TC, np.array([1, 1]), blank=0, detours=None)
    assert found.starts_L[1] > found.ends_L[0]
    assert found.score_nats == pytest.approx(4 * np.log(0.99) + np.log(0.01), abs=1e-5)


@pytest.mark.parametrize("detours", [None, DetourCosts()])
def test_just_enough_frames_leave_no_choice(detours: DetourCosts | None) -> None:
    tokens_L = np.array([1, 1, 2, 2, 2, 3], np.int32)
    random = np.random.default_rng(0)
    log_probs_TC = -random.gamma(1.0, 0.1, size=(9, 4)).astype(np.float32)
    found = align(log_probs_TC, tokens_L, blank=0, detours=detours)
    assert found.starts_L.tolist() == [0, 2, 3, 5, 7, 8]
    assert (found.ends_L - found.starts_L == 1).all()


def test_one_frame_fewer_is_infeasible_and_says_both_numbers() -> None:
    tokens_L = np.array([1, 1, 2, 2, 2, 3], np.int32)
    with pytest.raises(Infeasible, match=r"^talk-7: .*6 \+ 3 against 8$"):
        align(np.zeros((8, 4), np.float32), tokens_L, blank=0, recording_id="talk-7")


def test_one_token_and_one_frame() -> None:
    found = align(np.array([[-5.0, -0.5]], np.float32), np.array([1]), blank=0)
    assert (found.starts_L[0], found.ends_L[0], found.score_nats) == (0, 1, -0.5)


@pytest.mark.parametrize("frames", [0, 7])
def test_an_empty_transcript_is_all_blank(frames: int) -> None:
    log_probs_TC = np.full((frames, 3), -0.25, np.float16)
    found = align(log_probs_TC, np.empty(0, np.int32), blank=1)
    assert len(found.starts_L) == len(found.ends_L) == len(found.skipped_L) == 0
    assert found.score_nats == -0.25 * frames
    assert found.untranscribed == ()


def test_equal_scores_everywhere_still_make_a_path() -> None:
    tokens_L = np.array([1, 2, 2, 3] * 40, np.int32)
    log_probs_TC = np.full((700, 4), -np.log(4), np.float32)
    _check((log_probs_TC, tokens_L, 0), None, tolerance=1e-5)


def test_impossible_frames_do_not_stop_the_path() -> None:
    log_probs_TC = np.full((12, 3), -np.inf, np.float32)
    log_probs_TC[3, 1] = log_probs_TC[8, 2] = 0.0
    found = align(log_probs_TC, np.array([1, 2]), blank=0, detours=None)
    assert found.starts_L[0] <= 3 < found.ends_L[0]
    assert found.starts_L[1] <= 8 < found.ends_L[1]
    assert found.score_nats == -np.inf


@pytest.mark.parametrize("detours", [None, DetourCosts(), DEFAULT_DETOURS])
def test_not_a_number_is_refused(detours: DetourCosts | None) -> None:
    log_probs_TC = np.zeros((2000, 3), np.float32)
    log_probs_TC[1500, 1] = np.nan
    with pytest.raises(ValueError, match="NaN in frame"):
        align(log_probs_TC, np.array([1, 2]), blank=0, detours=detours)


@pytest.mark.parametrize(
    ("tokens", "blank", "message"),
    [([3], 0, "3 to 3 of 3"), ([-1], 0, "-1 to -1 of 3"), ([1], 3, "3 of 3"), ([1, 0], 0, "the blank, 0")],
)
def test_columns_that_are_not_there_are_refused(tokens: list[int], blank: int, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        align(np.zeros((9, 3), np.float32), np.array(tokens, np.int32), blank=blank)


@pytest.mark.parametrize(
    "name", ["skip_nats", "skip_token_nats", "long_skip_nats", "enter_nats", "speech_nats"]
)
@pytest.mark.parametrize("value", [0.0, -1.0, float("nan"), 1e9])
def test_gaps_must_cost_something(name: str, value: float) -> None:
    with pytest.raises(ValueError, match=name):
        DetourCosts(**{name: value})


def test_costs_follow_the_sharpness_of_the_emissions() -> None:
    tokens_L = np.array([1, 2, 1], np.int32)
    log_probs_TC = np.tile(np.array([-0.5, -3.5, -9.5], np.float16), (50_000, 1))
    found = sharpness(log_probs_TC, tokens_L, blank=0, floor_nats=-63.0)
    assert found == pytest.approx((3 + 9 + 3) / 3, abs=1e-2)
    fitted = DetourCosts(skip_nats=8.0, speech_nats=1.0, sharpness_nats=20.0).fitted(5.0)
    assert (fitted.skip_nats, fitted.speech_nats, fitted.sharpness_nats) == (4.0, 0.5, None)
    assert fitted.fitted(80.0) == fitted
    assert DEFAULT_DETOURS.fitted(-1.0).enter_nats == DEFAULT_DETOURS.enter_nats / 4
    assert DEFAULT_DETOURS.fitted(1e6).enter_nats == DEFAULT_DETOURS.enter_nats * 4


def _noise(frames: int, classes: int, seed: int) -> NDArray[np.float32]:
    """Emissions that fit no text, where many paths are nearly as good."""
    logits = 3 * np.random.default_rng(seed).standard_normal((frames, classes), dtype=np.float32)
    return logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))


@pytest.mark.parametrize("detours", [None, CHEAP_DETOURS])
@pytest.mark.parametrize(
    ("tokens", "frames", "classes"), [(2600, 5203, 29), (1023, 1777, 29), (2100, 3000, 900)]
)
def test_the_tiles_hold_what_64_bits_hold(
    tokens: int, frames: int, classes: int, detours: DetourCosts | None
) -> None:
    tokens_L = np.random.default_rng(1).integers(1, classes, tokens, np.int32)
    trellis = trellis_search_input(_noise(frames, classes, 2), tokens_L, detours)
    count = -(-frames // 256) + 1
    with checkpoints(1 << 30) as narrow_ones, checkpoints(1 << 30) as exact_ones:
        assert forward(trellis, 256, narrow_ones)
        trellis_search._forward_wide(trellis, 256, exact_ones)
        tiled, wide = ([kept.pop() for _ in range(count)][::-1] for kept in (narrow_ones, exact_ones))
        for kept in (narrow_ones, exact_ones):
            with pytest.raises(IndexError):
                kept.pop()
    for done, (narrow, exact) in enumerate(zip(tiled, wide)):
        after = min(256 * done, frames)
        low, high = (0, trellis.pairs) if detours else (max(0, tokens - 1 - (frames - after)), after + 1)
        high = min(high, trellis.pairs)
        one, other = narrow.strip(trellis, low, high), exact.strip(trellis, low, high)
        # The last pair has no token; what is counted there leads nowhere. Dead scores drift.
        alive = [rows.token_P[: tokens - low] for rows in (one, other)]
        for found, wanted in ((one.blank_P, other.blank_P), alive, (one.speech_E, other.speech_E)):
            np.testing.assert_array_equal(np.maximum(found, DEAD // 2), np.maximum(wanted, DEAD // 2))
            assert (wanted > DEAD // 2).any() or done == 0 or detours is None


def trellis_search_input(
    log_probs_TC: NDArray[np.float32], tokens_L: NDArray[np.int32], detours: DetourCosts | None
) -> trellis_search.Trellis:
    """What `align` gives to the search."""
    from prep_corpus.align.viterbi import viterbi

    edges_E = viterbi.word_edges(tokens_L, 1) if detours else np.empty(0, np.int64)
    return viterbi._trellis(log_probs_TC, tokens_L, 0, edges_E, detours, viterbi.EDGE_FRAMES)


def _plain_best(log_probs_TC: NDArray[np.floating], tokens_L: NDArray[np.int32], blank: int) -> float:
    """The plain trellis in float64, a frame at a time."""
    states = np.full(2 * len(tokens_L) + 1, blank)
    states[1::2] = tokens_L
    skips = np.append(False, states[2:] != states[:-2])
    skips = (states[1:] != blank) & skips
    score = np.full(len(states), -np.inf)
    score[:2] = log_probs_TC[0, states[:2]]
    for row in log_probs_TC[1:].astype(np.float64):
        new = score.copy()
        np.maximum(new[1:], score[:-1], out=new[1:])
        np.maximum(new[2:], np.where(skips[1:], score[:-2], -np.inf), out=new[2:])
        score = new + row[states]
    return float(max(score[-2:]))


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
def test_the_score_of_minutes_is_the_float64_optimum(dtype: type[np.floating]) -> None:
    tokens_L = np.random.default_rng(3).integers(1, 29, 1500, np.int32)
    log_probs_TC = _noise(5000, 29, 4).astype(dtype)
    found = align(log_probs_TC, tokens_L, blank=0, detours=None)
    best = _plain_best(log_probs_TC, tokens_L, 0)
    assert found.score_nats == pytest.approx(best, abs=1e-3)
    assert found.score_nats <= best + 1e-6
    assert score_of(found, log_probs_TC, tokens_L, blank=0) == pytest.approx(found.score_nats, abs=1e-6)


def test_scores_beyond_32_bits_are_found_again_in_64() -> None:
    # For six minutes one token is certain and the blank is not: the first blank falls behind by 2^29 units.
    log_probs_TC = np.full((20_000, 3), -63.0, np.float32)
    log_probs_TC[100:19_000, 1] = 0.0
    log_probs_TC[:100, 0] = log_probs_TC[19_000:, 0] = 0.0
    log_probs_TC[19_500] = (-63.0, -63.0, 0.0)
    tokens_L = np.array([1, 2], np.int32)
    trellis = trellis_search_input(log_probs_TC, tokens_L, None)
    with checkpoints(1 << 30) as kept:
        assert not forward(trellis, 1024, kept)
    found = align(log_probs_TC, tokens_L, blank=0, detours=None)
    assert (found.starts_L.tolist(), found.ends_L.tolist()) == ([100, 19_500], [19_000, 19_501])


@pytest.mark.parametrize("detours", [None, DEFAULT_DETOURS])
def test_memory_stays_under_the_stated_bound(detours: DetourCosts | None) -> None:
    tokens, frames = 24_000, 80_000
    tokens_L = np.random.default_rng(8).integers(1, 29, tokens, np.int32)
    log_probs_TC = _noise(frames, 29, 9).astype(np.float16)
    align(log_probs_TC[:200], tokens_L[:20], blank=0, delimiter=1, detours=detours)
    tracemalloc.start()
    align(log_probs_TC, tokens_L, blank=0, delimiter=1, detours=detours)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < (0.5 * tokens * frames) ** (2 / 3) + 64 * frames + HELD_BYTES + (8 << 20)


@pytest.mark.parametrize("detours", [None, DEFAULT_DETOURS])
@pytest.mark.parametrize("disk", ["there", "full"])
def test_checkpoints_on_the_disk_lead_the_same_way(
    disk: str, detours: DetourCosts | None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    tokens_L = np.random.default_rng(8).integers(1, 29, 1500, np.int32)
    log_probs_TC = _noise(6_000, 29, 9).astype(np.float16)
    held = align(log_probs_TC, tokens_L, blank=0, delimiter=1, detours=detours)
    opened: list[Path] = []

    def temporary(**words: int) -> BinaryIO:
        if disk == "full":
            raise OSError(errno.ENOSPC, "No space left on device")
        opened.append(tmp_path)
        return tempfile.TemporaryFile(dir=tmp_path, **words)  # type: ignore[return-value,call-overload]

    monkeypatch.setattr(trellis_search, "HELD_BYTES", 10_000)
    monkeypatch.setattr("prep_corpus.align.viterbi.checkpoints.temporary_file", temporary)
    found = align(log_probs_TC, tokens_L, blank=0, delimiter=1, detours=detours)
    assert found.score_nats == held.score_nats
    assert np.array_equal(found.starts_L, held.starts_L)
    assert np.array_equal(found.ends_L, held.ends_L)
    assert len(opened) == (disk == "there")


def test_other_threads_run_meanwhile() -> None:
    tokens_L = np.random.default_rng(5).integers(1, 29, 9000, np.int32)
    log_probs_TC = _noise(30_000, 29, 6)
    align(log_probs_TC[:200], tokens_L[:20], blank=0, detours=None)
    ticks, stop = 0, threading.Event()

    def tick() -> None:
        nonlocal ticks
        while not stop.wait(0.001):
            ticks += 1

    thread = threading.Thread(target=tick)
    thread.start()
    align(log_probs_TC, tokens_L, blank=0, detours=None)
    stop.set()
    thread.join()
    assert ticks >= 10
