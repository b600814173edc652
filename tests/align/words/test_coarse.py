"""Words of coarse frames, placed by how loud the audio is."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from prep_corpus.align.audio.levels import Levels
from prep_corpus.align.cutting.coarse import finer
from prep_corpus.align.cutting.cutting import INSIDE_SPEECH, CutOptions, cut_paper, plan_words
from prep_corpus.align.words.coarse import fine_frames, finer_words
from prep_corpus.align.words.evidence import Track
from prep_corpus.align.words.words import Words

STRIDE, RATE, BLOCK = 1_280, 16_000, 80
QUIET, LOUD = 1e-8, 1e-2


def words_at(*spans: tuple[int, int], skipped: tuple[int, ...] = ()) -> Words:
    """One-token words in the given coarse frames."""
    places = np.arange(len(spans), dtype=np.int32)
    return Words(
        token_starts=places,
        token_ends=places + 1,
        frame_starts=np.array([a for a, _ in spans], np.int32),
        frame_ends=np.array([b for _, b in spans], np.int32),
        char_starts=places,
        char_ends=places + 1,
        skipped=np.array([w in skipped for w in range(len(spans))]),
    )


def loud_at(*spans_ms: tuple[int, int], total_ms: int) -> Levels:
    power_P = np.full(total_ms // 5, QUIET)
    for start, end in spans_ms:
        power_P[start // 5 : end // 5] = LOUD
    return Levels.of_powers(power_P, block_samples=BLOCK, floor_db=-80.0)


def times_ms(words: Words) -> list[tuple[int, int]]:
    return [(int(a) * 20, int(b) * 20) for a, b in zip(words.frame_starts, words.frame_ends)]


@pytest.mark.parametrize(
    ("stride", "parts"), [(320, 1), (640, 1), (959, 1), (960, 3), (1_280, 4), (1_600, 5), (1_282, 2)]
)
def test_only_frames_from_60_ms_on_are_parted(stride: int, parts: int) -> None:
    assert fine_frames(stride, RATE) == parts


def test_words_begin_and_end_where_the_sound_does() -> None:
    # Frames 2 and 6 to 7, that is 160 to 240 and 480 to 640 ms; the sound lies beside them.
    words = words_at((2, 3), (6, 8))
    levels = loud_at((200, 280), (460, 660), total_ms=1_000)
    assert times_ms(finer_words(words, levels, STRIDE, 4)) == [(200, 280), (460, 660)]


def test_words_in_running_speech_share_what_lies_between_them() -> None:
    words = words_at((2, 3), (3, 4), (4, 6))
    levels = loud_at((180, 500), total_ms=1_000)
    assert times_ms(finer_words(words, levels, STRIDE, 4)) == [(180, 240), (280, 320), (360, 500)]


def test_a_sound_far_from_the_word_moves_nothing() -> None:
    words = words_at((5, 6))
    levels = loud_at((0, 200), (800, 1_000), total_ms=1_000)
    assert times_ms(finer_words(words, levels, STRIDE, 4)) == [(440, 480)]


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_words_stay_in_order_without_overlap(seed: int) -> None:
    random = np.random.default_rng(seed)
    bounds = np.sort(random.choice(60, size=2 * int(random.integers(1, 12)), replace=False))
    spans = [(int(a), int(b)) for a, b in bounds.reshape(-1, 2)]
    places = random.permutation(60)[: int(random.integers(0, 6))].tolist()
    passed = [(at, at) for at in places if not any(a < at < b for a, b in spans)]
    spans = sorted([*spans, *passed])
    words = words_at(*spans, skipped=tuple(w for w, (a, b) in enumerate(spans) if a == b))
    levels = Levels.of_powers(10 ** random.uniform(-8, -1, 1_000), block_samples=BLOCK, floor_db=-75.0)
    fine = finer_words(words, levels, STRIDE, 4)
    starts, ends = fine.frame_starts[~words.skipped], fine.frame_ends[~words.skipped]
    assert (starts < ends).all()
    assert (starts[1:] >= ends[:-1]).all()
    assert (np.abs(starts - words.frame_starts[~words.skipped] * 4) <= 4).all()
    assert (fine.frame_starts[1:] >= fine.frame_ends[:-1]).all()
    assert (np.abs(fine.frame_starts - words.frame_starts * 4) <= 4).all()


def track_of(words: Words, frames: int) -> Track:
    greedy_T: NDArray[np.int32] = np.zeros(frames, np.int32)
    for start, end in zip(words.frame_starts, words.frame_ends):
        greedy_T[start:end] = 1
    return Track(
        speech_T=(greedy_T > 0).astype(np.float32),
        maximum_T=np.zeros(frames, np.float32),
        greedy_T=greedy_T,
        blank=0,
        delimiter=-1,
        goes_on_T=np.zeros(frames, bool),
    )


def test_a_word_that_sounds_on_behind_the_last_frame_ends_with_it() -> None:
    words = words_at((2, 4), (8, 10))
    levels = loud_at((160, 320), (640, 840), total_ms=860)
    options = CutOptions(stride_samples=STRIDE, sample_rate_hz=RATE, min_seconds=0.1)
    cuts = cut_paper(track_of(words, 10), words, k_frames=2, options=options, levels=levels)
    assert [(segment.frame_start, segment.frame_end) for segment in cuts.segments][-1][1] == 10
    assert cuts.untranscribed == ()


def test_speech_of_a_words_own_frames_is_no_speech_in_the_gap_beside_it() -> None:
    words = words_at((2, 4), (6, 7))
    seen = track_of(words, 12)
    seen.speech_T[5] = 1.0
    track, _ = finer(seen, words, np.array([True, True]), loud_at(total_ms=960), STRIDE, 4)
    assert float(track.speech_T.sum()) == pytest.approx(1.0)
    assert np.flatnonzero(track.speech_T).tolist() == [20, 21, 22, 23]
    # A word that the audio does not say covers nothing.
    track, _ = finer(seen, words, np.array([True, False]), loud_at(total_ms=960), STRIDE, 4)
    assert float(track.speech_T.sum()) == pytest.approx(2.0)


def test_cuts_stand_in_the_quiet_beside_the_sound_and_hold_whole_frames() -> None:
    words = words_at((2, 5), (20, 24))
    # The first sound ends 60 ms after its last frame, the second begins 60 ms before its first.
    levels = loud_at((200, 460), (1_540, 1_900), total_ms=2_400)
    options = CutOptions(stride_samples=STRIDE, sample_rate_hz=RATE, min_seconds=0.1)
    cuts = cut_paper(track_of(words, 30), words, k_frames=5, options=options, levels=levels)
    (first_start, first_end), (second_start, second_end) = [
        (segment.sample_start / 16, segment.sample_end / 16) for segment in cuts.segments
    ]
    assert first_start <= 200
    assert 460 <= first_end <= 700
    # Padding of 0.2 s before the word may sound, 0.2 s before its first letter, and the grid.
    assert 1_100 <= second_start <= 1_540
    assert second_end >= 1_900
    for segment, (start, end) in zip(cuts.segments, ((2, 5), (20, 24))):
        assert segment.frame_start <= min(start, segment.sample_start // STRIDE)
        assert segment.frame_end >= max(end, -(-segment.sample_end // STRIDE))


def test_an_edge_is_quiet_against_its_own_utterance_not_only_against_louder_ones_beside_it() -> None:
    # A soft utterance among loud ones; between them all a murmur, 14 dB under the loud ones and 9 under the soft one.
    words = words_at((10, 20), (30, 40), (50, 60))
    power_P = np.full(70 * 16, 10**-3.4)
    for (start, end), level in zip(((10, 20), (30, 40), (50, 60)), (10**-2.0, 10**-2.5, 10**-2.0)):
        power_P[start * 16 : end * 16] = level
    levels = Levels.of_powers(power_P, block_samples=BLOCK, floor_db=-80.0)
    options = CutOptions(stride_samples=STRIDE, sample_rate_hz=RATE, min_seconds=0.1)
    plan = plan_words(track_of(words, 70), words, np.ones(3, bool), options=options, levels=levels)
    assert [segment.reason for segment in plan.cut(4).segments] == ["", INSIDE_SPEECH, ""]
    # At several pauses the ranges of each are what they are alone: at a longer one all are one utterance.
    found = plan.ranges((4, 100))
    assert [found.totals()[0][0], found.totals()[1][0]] == [2, 1]
    for number, pause in enumerate((4, 100)):
        alone = plan.ranges((pause,))
        of_this = slice(found.bounds_K[number], found.bounds_K[number + 1])
        assert found.firsts_R[of_this].tolist() == alone.firsts_R.tolist()
        assert found.codes_R[of_this].tolist() == alone.codes_R.tolist()
