"""What words cost over all paths, against every path there is."""

from __future__ import annotations

import re
from itertools import product

import numpy as np
import pytest
from numpy.typing import NDArray

from prep_corpus.align.words import path_costs as costs
from prep_corpus.align.words.heard import COST_NAMES
from prep_corpus.align.words.path_costs import path_costs
from prep_corpus.align.words.words import Words

# The text is "ab c aa" in three zones of two, two and three frames.
SYMBOLS = "_ abc"
ZONES = np.array([0, 2, 4, 7], np.int64)
TOKENS_L = np.array([2, 3, 1, 4, 1, 2, 2], np.int32)
SILENCE, AB, C, AA = "[_ ]*", "a+_*b+", "c+", "a+_+a+"


def words() -> Words:
    firsts, ends = ZONES[:-1].astype(np.int32), ZONES[1:].astype(np.int32)
    return Words(
        token_starts=np.array([0, 3, 5], np.int32),
        token_ends=np.array([2, 4, 7], np.int32),
        frame_starts=firsts,
        frame_ends=ends,
        char_starts=np.array([0, 3, 5], np.int32),
        char_ends=np.array([2, 4, 7], np.int32),
        skipped=np.zeros(3, bool),
    )


def probabilities() -> NDArray[np.float64]:
    drawn_TC = np.random.default_rng(0).dirichlet(np.ones(len(SYMBOLS)), size=7)
    return np.asarray(0.5 * drawn_TC + 0.5 * np.eye(len(SYMBOLS))[[2, 3, 4, 0, 2, 0, 2]], np.float64)


def found() -> dict[str, NDArray[np.float32]]:
    log_probs_TC = np.log(probabilities()).astype(np.float32)
    found_WF = path_costs(log_probs_TC, TOKENS_L, words(), ZONES, blank=0, delimiter=1)
    return dict(zip(COST_NAMES, found_WF.T))


def every_path(pattern: str, start: int, end: int) -> float:
    """The probability of all paths through some frames that read as the pattern has it."""
    reading = re.compile(pattern)
    probs_TC, total = probabilities(), 0.0
    for path in product(range(len(SYMBOLS)), repeat=end - start):
        if reading.fullmatch("".join(SYMBOLS[c] for c in path)):
            total += float(probs_TC[np.arange(start, end), list(path)].prod())
    return total


def anything_between(left: str, right: str, start: int, end: int) -> float:
    """The same of two readings with something between them that begins with a frame of speech."""
    speech_T = probabilities()[:, 2:].sum(axis=1)
    return sum(
        every_path(left, start, begins)
        * speech_T[begins]
        * (every_path(f"{right[0]}.*", ends, ends + 1) and every_path(right, ends, end))
        for begins in range(start, end)
        for ends in range(begins + 1, end)
    )


def test_costs_are_those_of_all_paths() -> None:
    columns = found()
    own = [
        every_path(f"{SILENCE}{word}{SILENCE}", *span)
        for word, span in ((AB, (0, 2)), (C, (2, 4)), (AA, (4, 7)))
    ]
    assert columns["cost"] == pytest.approx(-np.log(own), rel=1e-5)
    three = every_path(f"{SILENCE}{AB}{SILENCE}{C}{SILENCE}{AA}{SILENCE}", 0, 7)
    assert columns["cost_of_three"][1] == pytest.approx(-np.log(three), rel=1e-5)
    assert columns["cost_of_three_per_token"][1] == pytest.approx(-np.log(three) / 5, rel=1e-5)
    two = every_path(f"{SILENCE}{AB}{SILENCE}{C}{SILENCE}", 0, 4)
    assert columns["cost_of_three"][0] == pytest.approx(-np.log(two), rel=1e-5)


def test_a_word_gains_over_those_beside_it_alone() -> None:
    three = every_path(f"{SILENCE}{AB}{SILENCE}{C}{SILENCE}{AA}{SILENCE}", 0, 7)
    without = every_path(f"{SILENCE}{AB}{SILENCE}{AA}{SILENCE}", 0, 7)
    assert found()["gain"][1] == pytest.approx(np.log(three / without), rel=1e-5)


def test_something_else_in_a_words_place_or_before_it_is_all_ways_to_part_the_frames() -> None:
    three = every_path(f"{SILENCE}{AB}{SILENCE}{C}{SILENCE}{AA}{SILENCE}", 0, 7)
    other = anything_between(f"{SILENCE}{AB}{SILENCE}", f"{AA}{SILENCE}", 0, 7)
    columns = found()
    assert columns["other"][1] == pytest.approx(np.log(other / three), rel=1e-5)
    two = every_path(f"{SILENCE}{C}{SILENCE}{AA}{SILENCE}", 2, 7)
    more = anything_between(f"{SILENCE}{C}{SILENCE}", f"{AA}{SILENCE}", 2, 7)
    assert (
        columns["more_before"][2] == columns["more_after"][1] == pytest.approx(np.log(more / two), rel=1e-5)
    )


def test_blocks_and_scaling_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = found()
    monkeypatch.setattr(costs, "_BLOCK_WORDS", 1)
    for name, column_W in found().items():
        assert column_W.tolist() == whole[name].tolist(), name


def test_a_long_pause_parts_words_and_frames_without_a_path_cost_the_most() -> None:
    log_probs_TC = np.log(np.tile(np.array([0.96, 0.01, 0.01, 0.01, 0.01], np.float32), (400, 1)))
    far = words()
    starts, ends = far.frame_starts.copy(), far.frame_ends.copy()
    starts[2], ends[2] = 390, 391
    parted = Words(**{**vars(far), "frame_starts": starts, "frame_ends": ends})
    zones = np.array([0, 2, 197, 391], np.int64)
    columns = dict(zip(COST_NAMES, path_costs(log_probs_TC, TOKENS_L, parted, zones, blank=0, delimiter=1).T))
    # Alone, a word costs the same whether its company is counted or not.
    assert columns["cost"][2] == columns["cost_of_three"][2] < costs.MOST_NATS
    assert columns["more_after"][1] == 0.0
    tight = np.array([0, 1, 197, 391], np.int64)
    columns = dict(zip(COST_NAMES, path_costs(log_probs_TC, TOKENS_L, parted, tight, blank=0, delimiter=1).T))
    assert columns["cost"][0] == costs.MOST_NATS
