"""Where exactly an utterance begins and ends beside its words."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from support.cutting_words import STRIDE

from prep_corpus.align.audio.levels import Levels
from prep_corpus.align.cutting.edges import Reach, find_edges


def test_an_edge_leaves_a_word_whole_where_it_is_quietest_in_its_middle() -> None:
    starts_V, ends_V = np.array([10, 40, 70]), np.array([14, 41, 73])
    power_P = np.ones(400)
    for start, end in zip(starts_V, ends_V):
        power_P[2 * (start + end) - 1 : 2 * (start + end) + 1] = 1e-6
    reach = Reach(
        stride_samples=STRIDE,
        window_blocks=1,
        search_frames=10,
        padding_frames=10,
        slack_frames=2,
        lead_frames=0,
    )
    levels = Levels.of_powers(power_P, block_samples=80, floor_db=-60.0)
    before_V, after_V = np.append(-1, ends_V[:-1]), np.append(starts_V[1:], 100)
    edges = find_edges(starts_V, ends_V, before_V, after_V, np.zeros(100, bool), levels, reach)
    middles_V = (starts_V + ends_V) * STRIDE // 2
    assert (edges.start_samples_V <= middles_V - STRIDE // 2).all()
    assert (edges.end_samples_V >= middles_V + STRIDE // 2).all()


def test_an_utterance_begins_before_its_first_word_sounds() -> None:
    # Letters of the second word follow its sound by eight frames.
    starts_V, ends_V = np.array([10, 60]), np.array([14, 66])
    loud_T = np.zeros(100, bool)
    loud_T[8:16] = loud_T[52:68] = True
    quiet_T = np.ones(100, bool)
    quiet_T[10:14] = quiet_T[60:66] = False
    levels = Levels.of_powers(np.where(loud_T.repeat(4), 1.0, 1e-8), block_samples=80, floor_db=-80.0)
    reach = Reach(
        stride_samples=STRIDE,
        window_blocks=4,
        search_frames=10,
        padding_frames=10,
        slack_frames=2,
        lead_frames=10,
    )
    before_V, after_V = np.array([-1, 14]), np.array([60, 100])
    edges = find_edges(starts_V, ends_V, before_V, after_V, quiet_T, levels, reach)
    assert edges.start_samples_V[1] == 40 * STRIDE
    assert (edges.start_levels_V <= -60).all()
    assert (edges.end_levels_V <= -60).all()
    # Half-way to the next word is half-way to its sound.
    far = replace(reach, search_frames=40, padding_frames=40)
    edges = find_edges(starts_V, ends_V, before_V, after_V, quiet_T, levels, far)
    assert edges.end_samples_V[0] == edges.start_samples_V[1] == 32 * STRIDE
    # Letters that follow closely share the gap between them.
    near_V = np.array([10, 18]), np.array([14, 24])
    edges = find_edges(*near_V, np.array([-1, 14]), np.array([18, 100]), quiet_T, levels, far)
    assert edges.start_samples_V[1] >= 16 * STRIDE >= edges.end_samples_V[0]


@pytest.mark.parametrize("stride", [256, 320, 441])
def test_edges_stay_in_their_half_of_a_gap_and_in_the_recording_whatever_a_frame_holds(stride: int) -> None:
    starts_V, ends_V = np.array([0, 3, 7]), np.array([3, 5, 9])
    reach = Reach(
        stride_samples=stride,
        window_blocks=2,
        search_frames=9,
        padding_frames=9,
        slack_frames=2,
        lead_frames=9,
    )
    levels = Levels.of_powers(np.full(9 * stride // 110 + 1, 0.5), block_samples=110, floor_db=-60.0)
    before_V, after_V = np.array([-1, 3, 5]), np.array([3, 7, 9])
    edges = find_edges(starts_V, ends_V, before_V, after_V, np.zeros(9, bool), levels, reach)
    assert edges.start_samples_V[0] >= 0
    assert (edges.end_samples_V[:-1] <= edges.start_samples_V[1:]).all()
    assert edges.end_samples_V[-1] <= 9 * stride
