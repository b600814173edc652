"""Where recordings are cut, and that nothing disappears."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray
from support.cutting_words import BLANK, RATE, SPACE, STRIDE, options, track_of, words_at

from prep_corpus.align.audio.levels import Levels
from prep_corpus.align.cutting.cut_ledgers import character_ledger, sample_ledger
from prep_corpus.align.cutting.cutting import (
    INSIDE_SPEECH,
    LOW_SCORE,
    TOO_LONG,
    TOO_SHORT,
    Cuts,
    cut_paper,
    cut_words,
    with_scores,
)
from prep_corpus.align.cutting.passages import Spoken, without_cut_off, without_fragments
from prep_corpus.align.words.words import Words


def ranges(cuts: Cuts) -> list[tuple[int, int, str]]:
    return [(s.word_start, s.word_end, s.reason) for s in cuts.segments]


def spoken(words: Words, *wrong: int) -> NDArray[np.bool_]:
    return ~np.isin(np.arange(len(words)), wrong)


def test_the_papers_rule_cuts_at_gaps_of_k_frames_and_no_shorter_ones() -> None:
    words = words_at((10, 20), (29, 40), (50, 60))
    seen = track_of(words, 100)
    # The gaps between the words are 9 and 10 frames long.
    assert ranges(cut_paper(seen, words, k_frames=10, options=options())) == [(0, 2, ""), (2, 3, "")]
    assert ranges(cut_paper(seen, words, k_frames=9, options=options())) == [
        (0, 1, ""),
        (1, 2, ""),
        (2, 3, ""),
    ]
    assert ranges(cut_paper(seen, words, k_frames=11, options=options())) == [(0, 3, "")]


def test_padding_ends_half_way_into_a_shared_gap() -> None:
    words = words_at((20, 30), (37, 50))
    cuts = cut_paper(track_of(words, 100), words, k_frames=5, options=options(padding_seconds=0.2))
    first, second = cuts.segments
    assert (first.frame_start, first.frame_end) == (10, 34)
    assert (second.frame_start, second.frame_end) == (34, 60)
    assert (first.sample_end, second.sample_start) == (34 * STRIDE, 34 * STRIDE)


def test_padding_stops_before_speech_that_no_text_covers() -> None:
    words = words_at((20, 30), (60, 70))
    cuts = cut_paper(
        track_of(words, 100, extra=((33, 50),)), words, k_frames=5, options=options(slack_seconds=0.0)
    )
    assert cuts.segments[0].frame_end == 33
    assert cuts.untranscribed == ((33 * STRIDE, 50 * STRIDE),)
    ledger = sample_ledger(cuts, 100 * STRIDE + 7)
    assert ledger["untranscribed"] == 17 * STRIDE
    assert sum(ledger.values()) == 100 * STRIDE + 7


def test_words_that_the_audio_does_not_say_are_cut_around() -> None:
    words = words_at((10, 20), (30, 40), (50, 60), (70, 80))
    cuts = cut_words(track_of(words, 100), words, spoken(words, 1), k_frames=50, options=options())
    assert ranges(cuts) == [(0, 1, ""), (2, 4, "")]
    assert cuts.segment_W.tolist() == [0, -1, 1, 1]


def test_text_is_cut_where_it_lacks_a_word_that_is_said() -> None:
    words = words_at((10, 20), (30, 40), (50, 60), (70, 80))
    seen, lacking_W = track_of(words, 100), np.arange(4) == 2
    cuts = cut_words(seen, words, spoken(words), k_frames=50, options=options(), lacking_W=lacking_W)
    assert ranges(cuts) == [(0, 2, ""), (2, 4, "")]


def test_edge_words_without_a_pause_outside_them_are_dropped() -> None:
    words = words_at((10, 20), (20, 30), (30, 40), (50, 60))
    cuts = cut_words(track_of(words, 100), words, spoken(words, 0), k_frames=50, options=options())
    # Words 1 and 2 touch their neighbour on the left.
    assert ranges(cuts) == [(1, 3, INSIDE_SPEECH), (3, 4, "")]
    assert cuts.segment_W.tolist() == [-1, 0, 0, 1]


def test_a_quiet_place_inside_a_gap_of_letters_close_together_is_found_by_ear() -> None:
    words = words_at((10, 20), (22, 30), (32, 40))
    power_P = np.ones(400)
    # 30 ms of silence from sample 31 * 320 on: the second half of the gap before word 2.
    power_P[124:130] = 1e-6
    levels = Levels.of_powers(power_P, block_samples=80, floor_db=-60.0)
    cuts = cut_words(
        track_of(words, 100), words, spoken(words, 1), k_frames=50, options=options(), levels=levels
    )
    assert ranges(cuts) == [(0, 1, INSIDE_SPEECH), (2, 3, INSIDE_SPEECH)]
    power_P[180:] = 1e-6
    power_P[:30] = 1e-6
    levels = Levels.of_powers(power_P, block_samples=80, floor_db=-60.0)
    cuts = cut_words(
        track_of(words, 100), words, spoken(words, 1), k_frames=50, options=options(), levels=levels
    )
    assert (2, 3, INSIDE_SPEECH) not in ranges(cuts)
    [kept] = [s for s in cuts.segments if not s.reason]
    assert (kept.word_start, kept.word_end) == (2, 3)
    assert kept.sample_start % 80 == 0
    assert 124 * 80 <= kept.sample_start <= 126 * 80


def test_loud_noise_everywhere_does_not_forbid_all_cuts() -> None:
    words = words_at((10, 20), (40, 50), (70, 80))
    power_P = np.full(400, 0.5)
    for a, b in ((10, 20), (40, 50), (70, 80)):
        power_P[4 * a : 4 * b] = 1.0
    levels = Levels.of_powers(power_P, block_samples=80, floor_db=-3.0)
    cuts = cut_words(
        track_of(words, 100), words, spoken(words, 1), k_frames=50, options=options(), levels=levels
    )
    assert ranges(cuts) == [(0, 1, ""), (2, 3, "")]


def test_a_word_that_nobody_says_is_left_out_of_the_text_where_the_audio_goes_on() -> None:
    words = words_at((10, 20), (24, 24), (28, 40), skipped=(1,))
    seen = track_of(words, 60)
    bridged = cut_words(seen, words, spoken(words), k_frames=50, options=options(bridge_mass=1.0))
    assert ranges(bridged) == [(0, 3, "")]
    assert bridged.segments[0].unspoken == (1,)
    assert bridged.segments[0].spoken_ranges() == [(0, 1), (2, 3)]
    assert bridged.segment_W.tolist() == [0, -1, 0]
    broken = cut_words(seen, words, spoken(words), k_frames=50, options=options(bridge_mass=-1.0))
    assert ranges(broken) == [(0, 1, ""), (2, 3, "")]


def test_a_bridge_never_leads_over_speech() -> None:
    words = words_at((10, 20), (30, 30), (50, 60), skipped=(1,))
    seen = track_of(words, 80, extra=((28, 34),))
    cuts = cut_words(seen, words, spoken(words), k_frames=70, options=options(bridge_mass=1.0))
    assert ranges(cuts) == [(0, 1, ""), (2, 3, "")]


def test_an_edge_never_takes_in_a_word_that_is_left_out_and_of_which_nothing_is_heard() -> None:
    words = words_at((10, 20), (24, 40), (60, 70))
    seen = track_of(words_at((10, 20), (60, 70)), 100)
    cuts = cut_words(seen, words, spoken(words, 1), k_frames=70, options=options(padding_seconds=0.5))
    assert [(s.frame_start, s.frame_end) for s in cuts.segments] == [(0, 24), (40, 95)]
    # Where the aligner has skipped the word it has no place, and the padding is whole.
    words = words_at((10, 20), (24, 24), (60, 70), skipped=(1,))
    cuts = cut_words(seen, words, spoken(words, 1), k_frames=70, options=options(padding_seconds=0.5))
    assert [(s.frame_start, s.frame_end) for s in cuts.segments] == [(0, 40), (40, 95)]


def test_beside_a_break_stands_a_word_that_is_surely_said() -> None:
    words = words_at((10, 20), (30, 40), (50, 60), (70, 80), (90, 100))
    seen = track_of(words, 120)
    cuts = cut_words(
        seen,
        words,
        spoken(words, 2),
        k_frames=70,
        options=options(),
        sure_W=spoken(words, 1, 3),
    )
    assert ranges(cuts) == [(0, 1, ""), (1, 2, INSIDE_SPEECH), (3, 4, INSIDE_SPEECH), (4, 5, "")]
    # Where the recording begins and ends nothing is missing.
    cuts = cut_words(
        seen, words, spoken(words), k_frames=70, options=options(), sure_W=spoken(words, 0, 2, 4)
    )
    assert ranges(cuts) == [(0, 5, "")]


def test_a_word_of_doubtful_worth_is_never_left_out_of_a_text_that_goes_on() -> None:
    words = words_at((10, 20), (30, 31), (50, 60))
    seen = track_of(words_at((10, 20), (50, 60)), 80)
    shape = options(bridge_mass=1.0)
    bridged = cut_words(seen, words, spoken(words, 1), k_frames=50, options=shape, unsaid_W=~spoken(words, 1))
    assert ranges(bridged) == [(0, 3, "")]
    broken = cut_words(seen, words, spoken(words, 1), k_frames=50, options=shape, unsaid_W=np.zeros(3, bool))
    assert ranges(broken) == [(0, 1, ""), (2, 3, "")]


def test_something_said_before_a_word_that_is_left_out_parts_those_beside_it() -> None:
    words = words_at((10, 20), (30, 31), (50, 60))
    seen, shape = track_of(words_at((10, 20), (50, 60)), 80), options(bridge_mass=1.0)
    unsaid_W = ~spoken(words, 1)
    parted = cut_words(
        seen, words, ~unsaid_W, k_frames=50, options=shape, unsaid_W=unsaid_W, lacking_W=unsaid_W
    )
    assert ranges(parted) == [(0, 1, ""), (2, 3, "")]


def test_a_gap_full_of_speech_breaks_a_run() -> None:
    words = words_at((10, 20), (40, 50))
    quiet = cut_words(track_of(words, 60), words, spoken(words), k_frames=50, options=options())
    assert ranges(quiet) == [(0, 2, "")]
    seen = track_of(words, 60, extra=((26, 32),))
    full = cut_words(seen, words, spoken(words), k_frames=50, options=options())
    assert ranges(full) == [(0, 1, ""), (1, 2, "")]


@pytest.mark.parametrize(
    ("between", "left"),
    [
        ({21: 6, 23: 7, 26: SPACE, 38: SPACE}, [(0, 0), (1, 2)]),
        ({20: SPACE, 22: 6, 26: SPACE, 38: SPACE}, [(0, 1), (1, 2)]),
        ({20: 5, 21: SPACE, 23: 6, 38: SPACE}, [(0, 1), (1, 2)]),
        ({31: 6, 33: SPACE}, [(0, 1), (1, 2)]),
        ({20: SPACE, 36: 6}, [(0, 1), (2, 2)]),
    ],
    ids=["the[mselves]", "the end", "its own last letter", "a pause away", "[for]ever"],
)
def test_a_word_beside_a_break_that_is_heard_to_go_on_is_left_out(
    between: dict[int, int], left: list[tuple[int, int]]
) -> None:
    words = words_at((10, 20), (40, 50))
    seen = replace(track_of(words, 60), greedy_T=np.zeros(60, np.int32))
    for frame, symbol in {**dict.fromkeys((*range(10, 20), *range(40, 50)), 5), **between}.items():
        seen.greedy_T[frame] = symbol
    whole = Spoken.of(words, spoken(words), 60)
    breaks = np.array([False, True, False])
    for run, expected in zip(((0, 1), (1, 2)), left):
        assert without_cut_off(run, run, whole, seen, breaks, 10) == expected
        assert without_cut_off(run, run, whole, seen, np.zeros(3, bool), 10) == run
        assert without_cut_off(run, run, whole, replace(seen, delimiter=-1), breaks, 10) == run
        unsure = replace(seen, maximum_T=np.full(60, -0.5, np.float32))
        assert without_cut_off(run, run, whole, unsure, breaks, 10) == run


def test_a_word_that_is_heard_to_go_on_costs_its_own_letters_alone() -> None:
    words = words_at((10, 20), (30, 40), (80, 90))
    seen = track_of(words, 100, extra=((44, 60),))
    seen.greedy_T[40:44] = BLANK
    seen.greedy_T[44:60] = 6
    cuts = cut_words(seen, words, spoken(words), k_frames=70, options=options())
    assert ranges(cuts) == [(0, 1, ""), (1, 2, INSIDE_SPEECH), (2, 3, "")]


def test_over_long_runs_are_cut_at_their_longest_gap_or_dropped() -> None:
    words = words_at((0, 300), (310, 600), (605, 900))
    seen = track_of(words, 1000)
    cuts = cut_paper(seen, words, k_frames=100, options=options(max_seconds=14.0))
    assert ranges(cuts) == [(0, 1, ""), (1, 3, "")]
    touching = words_at((0, 300), (300, 600), (600, 900))
    cuts = cut_paper(track_of(touching, 1000), touching, k_frames=100, options=options(max_seconds=14.0))
    assert ranges(cuts) == [(0, 3, TOO_LONG)]


def test_a_padding_of_half_the_longest_utterance_counts_as_far_as_it_reaches() -> None:
    words = words_at((20, 60), (70, 110), (120, 160), (170, 210))
    shape = options(max_seconds=2.0, padding_seconds=1.0)
    cuts = cut_paper(track_of(words, 230), words, k_frames=100, options=shape)
    lengths = [s.sample_end - s.sample_start for s in cuts.segments]
    assert ranges(cuts) == [(0, 1, ""), (1, 2, ""), (2, 3, ""), (3, 4, "")]
    assert min(lengths) >= 0.8 * RATE
    assert max(lengths) <= 2.0 * RATE


def test_short_pieces_join_a_neighbour_and_short_runs_are_dropped() -> None:
    words = words_at((10, 20), (40, 140), (200, 210))
    seen = track_of(words, 300)
    cuts = cut_words(
        seen, words, spoken(words), k_frames=20, options=options(min_seconds=1.0, padding_seconds=0.0)
    )
    # The gaps are 20 and 60 frames; both short pieces go to the word between them.
    assert ranges(cuts) == [(0, 3, "")]
    alone = words_at((10, 20))
    cuts = cut_words(
        track_of(alone, 300), alone, spoken(alone), k_frames=20, options=options(min_seconds=1.0)
    )
    assert ranges(cuts) == [(0, 1, TOO_SHORT)]


def test_no_spoken_words_give_no_segments_and_full_ledgers() -> None:
    words = words_at((10, 20), (30, 40))
    cuts = cut_words(track_of(words, 60), words, spoken(words, 0, 1), k_frames=5, options=options())
    assert cuts.segments == ()
    assert sum(sample_ledger(cuts, 60 * STRIDE).values()) == 60 * STRIDE
    assert character_ledger(cuts, np.array([0, 0, 1, -1])) == {"kept": 0, "unspoken": 3, "unsayable": 1}


def test_low_scores_drop_candidates_only() -> None:
    words = words_at((10, 60), (160, 162), (200, 260))
    cuts = cut_paper(
        track_of(words, 300),
        words,
        k_frames=20,
        options=options(min_seconds=0.5, padding_seconds=0.0, slack_seconds=0.0),
    )
    assert [s.reason for s in cuts.segments] == ["", TOO_SHORT, ""]
    scored = with_scores(cuts, np.array([1.0, -9.0, np.nan]), 0.0)
    assert [s.reason for s in scored.segments] == ["", TOO_SHORT, LOW_SCORE]
    with pytest.raises(ValueError, match="one score per segment"):
        with_scores(cuts, np.zeros(2), 0.0)


def test_a_few_letters_beside_a_break_and_a_pause_away_from_the_rest_are_dropped() -> None:
    lengths, letters = np.array([0, 40, 2, 2, 50, 0]), np.array([3, 4, 5, 6, 2])
    breaks = np.array([True, False, False, False, False, True])
    rule = {"gap_frames": 35, "most_letters": 4}
    assert without_fragments((0, 5), lengths, breaks, letters, **rule) == (1, 4)
    assert without_fragments((0, 5), lengths, ~breaks, letters, **rule) == (0, 5)
    assert without_fragments((0, 5), lengths, breaks, letters + 3, **rule) == (0, 5)
    assert without_fragments((0, 5), lengths - 20, breaks, letters, **rule) == (0, 5)
    # A run is never given up whole.
    assert without_fragments((0, 2), lengths[:3], np.array([True] * 3), np.array([3, 1]), **rule) == (1, 2)
    assert without_fragments((4, 5), lengths, breaks, letters, **rule) == (4, 5)


def test_a_few_letters_away_from_the_rest_stay_where_it_is_known_that_no_word_is_missing() -> None:
    words = words_at((10, 20), (50, 60), (70, 80))
    seen = track_of(words, 100, extra=((1, 7),))
    shape = {"k_frames": 60, "options": options()}
    cuts = cut_words(seen, words, spoken(words), **shape)
    assert ranges(cuts) == [(0, 1, TOO_SHORT), (1, 3, "")]
    cuts = cut_words(seen, words, spoken(words), **shape, lacking_W=np.zeros(3, bool))
    assert ranges(cuts) == [(0, 3, "")]


@pytest.mark.parametrize(
    ("unsaid", "speech", "expected"),
    [
        (8, ((105, 120),), (8, 9, TOO_SHORT)),
        (7, ((105, 120),), (7, 8, "")),
        # Nor where a pause alone parts it from others.
        (8, (), (8, 9, INSIDE_SPEECH)),
        (7, (), (7, 9, "")),
    ],
)
def test_one_word_alone_beside_a_text_that_nobody_says_is_of_that_text(
    unsaid: int, speech: tuple[tuple[int, int], ...], expected: tuple[int, int, str]
) -> None:
    row = [(10 * w, 10 * w + 8) for w in range(unsaid)]
    words = words_at(*row, (90, 98), (130, 138))
    said_W = np.arange(len(words)) >= unsaid
    cuts = cut_words(
        track_of(words, 150, extra=speech),
        words,
        said_W,
        k_frames=60,
        options=options(),
        unsaid_W=~said_W,
        lacking_W=np.zeros(len(words), bool),
    )
    assert ranges(cuts)[0] == expected
