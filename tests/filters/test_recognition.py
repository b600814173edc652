"""What tells recognised words that were said from others, and what it promises of them."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from itertools import pairwise

import numpy as np
import pytest
from support import planted_cases

from prep_corpus.align.errors import UsageError
from prep_corpus.align.recognition.recognised import recognise
from prep_corpus.align.words.evidence import track
from prep_corpus.filters.fitting.cases import Case
from prep_corpus.filters.fitting.fit_recognition import (
    FittedRecognition,
    RecognitionFitOptions,
    cut_recognised,
    fit_recognition,
    recognition_case,
)
from prep_corpus.filters.fitting.measures import KeptUtterance, tally
from prep_corpus.filters.fitting.recognition_report import recognition_card
from prep_corpus.filters.recognition import mean_scores, parse_recognition, recognition_text
from prep_corpus.filters.recognition_evidence import (
    MOST_COST_NATS,
    RECOGNITION_NAMES,
    recognition_evidence,
)

OPTIONS = RecognitionFitOptions(cut=planted_cases.OPTIONS, k_frames=10, resamples=50)
NOISE = 1.35


def heard_case(group: str, seed: int) -> Case:
    planted = planted_cases.planted_case(group, seed, count=150, noise=NOISE)
    return recognition_case(
        planted.log_probs_TC,
        planted.seen,
        planted.levels,
        planted_cases.INFO,
        planted.true_texts,
        planted.true_middles_V,
        group=group,
    )


@cache
def fitted() -> FittedRecognition:
    return fit_recognition(
        [heard_case(f"speaker {n}", n) for n in range(6)],
        OPTIONS,
        model_digest="planted",
        frame_seconds=0.02,
        fitted_on="planted",
        data_digest="0",
    )


def test_what_is_sure_costs_nothing_and_what_is_not_costs_what_else_it_may_be() -> None:
    # Blank, delimiter, a, b: "a", and then "b", which is as likely to be "a".
    probabilities_TC = np.full((5, 4), 1e-6)
    for frame, sure in enumerate(((1,), (2,), (1,), (2, 3), (1,))):
        probabilities_TC[frame, list(sure)] = 1 / len(sure)
    probabilities_TC[3, 3] += 1e-3
    log_probs_TC = np.log(probabilities_TC).astype(np.float32)
    info = replace(planted_cases.INFO, vocabulary=("<blank>", " ", "a", "b"))
    seen = track(log_probs_TC, info)
    found_WF = recognition_evidence(log_probs_TC, recognise(seen, info), seen)
    found = dict(zip(RECOGNITION_NAMES, found_WF.T))
    assert found["cost"] == pytest.approx([0.0, np.log(2)], abs=0.01)
    assert found["token_margin_min"] == pytest.approx([8.0, 0.0], abs=0.01)
    assert found["delimiter_before"] == pytest.approx([1.0, 1.0], abs=0.01)
    assert found["zone_certainty"] == pytest.approx([1.0, 2.5 / 3], abs=0.01)


def test_evidence_is_bounded_and_empty_where_nothing_is_heard() -> None:
    case = heard_case("speaker", 3)
    assert np.isfinite(case.evidence_WF).all()
    assert case.evidence_WF[:, 0].max() <= MOST_COST_NATS
    silent_TC = np.full((4, 10), -9.0, np.float32)
    silent_TC[:, 0] = 0.0
    seen = track(silent_TC, planted_cases.INFO)
    assert recognition_evidence(silent_TC, recognise(seen, planted_cases.INFO), seen).shape == (0, 12)


def test_the_promise_holds_for_a_speaker_not_fitted_on() -> None:
    filter_ = fitted().filter
    case = heard_case("another", 99)
    heard_wrong = 1 - case.right_W.mean()
    scores_W = filter_.alone.score_words(case.evidence_WF)
    point = filter_.alone.point(0.02)
    segments = cut_recognised(
        case, scores_W, point.word_threshold, (), k_frames=filter_.k_frames, options=OPTIONS.cut
    )
    rate = OPTIONS.cut.sample_rate_hz
    kept = [
        KeptUtterance(
            start_seconds=segment.sample_start / rate,
            end_seconds=segment.sample_end / rate,
            words=case.texts[segment.word_start : segment.word_end],
        )
        for segment, score in zip(segments, mean_scores(scores_W, segments))
        if score >= point.utterance_threshold
    ]
    counts = tally(kept, case.true_texts, case.true_middles_V)
    assert heard_wrong > 0.05
    assert counts.wer <= 0.02
    assert counts.kept_share > 0.5


def test_a_filter_is_read_as_it_was_written() -> None:
    filter_ = fitted().filter
    assert parse_recognition(recognition_text(filter_), "here") == filter_
    with pytest.raises(UsageError, match="format must be"):
        parse_recognition("{}", "here")
    with pytest.raises(UsageError, match="must be a JSON file"):
        parse_recognition("{", "here")
    with pytest.raises(UsageError, match="missing or wrong"):
        parse_recognition('{"format": "prep-corpus recognition filter 3"}', "here")


def test_a_card_speaks_of_hard_ground_only_where_there_was_some() -> None:
    given = [heard_case(f"speaker {n}", n) for n in range(6)]
    card = recognition_card(fitted(), [given], "Mine", "fit")
    assert "words that the model hears" in card
    assert not any(word in card for word in ("clean speech", "noise", "voices", "rooms"))
    noisy = [*given[:5], replace(given[5], origin="noise")]
    assert "words that the model hears in clean speech" in recognition_card(fitted(), [noisy], "Mine", "fit")


def test_what_is_kept_already_is_read_no_second_time() -> None:
    filter_ = fitted().filter
    case = heard_case("another", 98)
    scores_W = np.full(len(case.texts), 9.0)
    alone = cut_recognised(case, scores_W, 0.0, (), k_frames=filter_.k_frames, options=OPTIONS.cut)
    kept = alone[1::2]
    beside = cut_recognised(case, scores_W, 0.0, kept, k_frames=filter_.k_frames, options=OPTIONS.cut)
    spans = sorted((s.sample_start, s.sample_end) for s in (*kept, *beside))
    assert beside
    assert all(end <= start for (_, end), (start, _) in pairwise(spans))
    words = {w for s in kept for w in range(s.word_start, s.word_end)}
    assert words.isdisjoint(w for s in beside for w in range(s.word_start, s.word_end))
