"""Words beside untranscribed speech and with a pause inside, by hand and against every placing tried in turn."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from prep_corpus.align.viterbi import settle as settling
from prep_corpus.align.viterbi.settle import settle
from prep_corpus.align.viterbi.viterbi import Alignment, DetourCosts, align

BLANK, SPACE, OTHER = 0, 1, 9
CLASSES = 10
DETOURS = DetourCosts(enter_nats=20.0, speech_nats=0.5)
THE, ROOM = (2, 3, 4), (5, 6, 7)


def emissions(pieces: list[tuple[int, ...] | int], clear: float = 12.0) -> np.ndarray:
    """Log-probs of symbols said for one frame each; a number is that many blanks."""
    said = [symbol for piece in pieces for symbol in ([BLANK] * piece if isinstance(piece, int) else piece)]
    log_probs_TC = np.full((len(said), CLASSES), -clear, np.float32)
    log_probs_TC[np.arange(len(said)), said] = -0.01
    return log_probs_TC


def text(*words: tuple[int, ...]) -> np.ndarray:
    return np.array([s for word in words for s in (*word, SPACE)][:-1], np.int32)


def placed(log_probs_TC: np.ndarray, tokens_L: np.ndarray) -> tuple[Alignment, Alignment]:
    found = align(log_probs_TC, tokens_L, blank=BLANK, delimiter=SPACE, detours=DETOURS)
    return found, settle(found, log_probs_TC, tokens_L, blank=BLANK, delimiter=SPACE, detours=DETOURS)


SPEECH = (OTHER, 8) * 40


def test_silence_said_as_a_delimiter_after_the_speech_does_not_draw_the_next_word_away() -> None:
    pieces = [ROOM, 3, (SPACE,) * 5, 2, SPEECH, 40, (SPACE,) * 9, (2,), 1, (SPACE,), 1, ROOM]
    log_probs_TC = emissions(pieces)
    word = len(log_probs_TC) - 7
    log_probs_TC[word - 30, 2] = -3.0  # something a little like the word, in the silence
    tokens_L = text(ROOM, (2,), ROOM)
    found, settled = placed(log_probs_TC, tokens_L)
    assert found.starts_L[4] != word
    assert settled.starts_L[4] == word
    assert settled.untranscribed == ((13, 13 + len(SPEECH)),)
    # Of the two delimiters the later counts.
    assert (settled.starts_L[3], settled.ends_L[3]) == (word - 9, word)
    assert settled.score_nats > found.score_nats


@pytest.mark.parametrize("near_left", [True, False])
def test_a_word_that_is_said_on_both_sides_stands_where_it_is_near_its_neighbour(near_left: bool) -> None:
    left, right = (2, 60) if near_left else (60, 2)
    pieces = [ROOM, left, (SPACE,), THE, (SPACE,), SPEECH, 40, (SPACE,), THE, right, (SPACE,), ROOM]
    _, settled = placed(emissions(pieces), text(ROOM, THE, ROOM))
    places = settled.starts_L[4:7].tolist()
    start = 3 + left + 1 if near_left else 3 + left + 1 + 3 + 1 + len(SPEECH) + 40 + 1
    assert places == [start, start + 1, start + 2]
    assert len(settled.untranscribed) == 1


def test_the_first_letter_is_not_drawn_over_a_pause_to_a_missing_word() -> None:
    pieces = [ROOM, 1, (SPACE,), 1, (5, 8, 9, 8), 60, (SPACE,), 1, (5,), 1, THE, 2]
    log_probs_TC = emissions(pieces, clear=8.0)
    word = len(log_probs_TC) - 7
    log_probs_TC[word, 5] = -7.0
    tokens_L = text(ROOM, (5, *THE))
    found, settled = placed(log_probs_TC, tokens_L)
    assert found.untranscribed == ()
    assert found.starts_L[4] < word - 40
    assert settled.starts_L[4] == word
    assert settled.starts_L[:4].tolist() == found.starts_L[:4].tolist()


def test_a_long_stretch_is_looked_at_near_its_ends_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    pieces = [ROOM, 2, (SPACE,) * 3, SPEECH * 5, (SPACE,) * 3, THE, 1, (SPACE,), ROOM]
    log_probs_TC, tokens_L = emissions(pieces), text(ROOM, THE, ROOM)
    _, whole = placed(log_probs_TC, tokens_L)
    monkeypatch.setattr(settling, "REACH_FRAMES", 50)
    _, short = placed(log_probs_TC, tokens_L)
    assert short.starts_L.tolist() == whole.starts_L.tolist()
    assert short.untranscribed == whole.untranscribed == ((8, 408),)
    assert short.score_nats == pytest.approx(whole.score_nats, abs=1e-3)


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from([SPACE, None]))
def test_what_comes_out_is_an_alignment(seed: int, delimiter: int | None) -> None:
    random = np.random.default_rng(seed)
    frames = int(random.integers(60, 400))
    logits = 3 * random.standard_normal((frames, CLASSES), dtype=np.float32)
    logits[:, OTHER] += 4 * (np.abs(np.arange(frames) - frames / 2) < frames / 4)
    log_probs_TC = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
    tokens_L = random.integers(1, OTHER, size=int(random.integers(1, 30))).astype(np.int32)
    detours = DetourCosts(skip_nats=8.0, skip_token_nats=3.0, enter_nats=5.0, speech_nats=0.5)
    found = align(log_probs_TC, tokens_L, blank=BLANK, delimiter=delimiter, detours=detours)
    settled = settle(found, log_probs_TC, tokens_L, blank=BLANK, delimiter=delimiter, detours=detours)
    assert settled.skipped_L.tolist() == found.skipped_L.tolist()
    assert len(settled.untranscribed) == len(found.untranscribed)
    assert (settled.ends_L - settled.starts_L >= 1)[~settled.skipped_L].all()
    assert (settled.starts_L[1:] >= settled.ends_L[:-1]).all()
    assert settled.starts_L.min(initial=0) >= 0
    assert settled.ends_L.max(initial=0) <= frames
    assert all(0 <= a < b <= frames for a, b in settled.untranscribed)
    for a, b in settled.untranscribed:
        said = ~settled.skipped_L
        assert not ((settled.starts_L[said] < b) & (settled.ends_L[said] > a)).any()
