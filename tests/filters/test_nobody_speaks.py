"""Where nobody says the text nothing of it is kept, whatever word error rate is asked for."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from support import conditions
from support.conditions import KINDS, Material
from support.corpora import decode_utterance
from support.places import DEMO
from support.planted_cases import align_real
from support.sounds import RATE_HZ, FloatArray

from prep_corpus.align.audio.levels import LevelMeter, Levels, block_samples
from prep_corpus.align.cutting.cutting import CutOptions
from prep_corpus.align.model.emissions import Emitter, WindowOptions
from prep_corpus.align.model.models import LoadedModel, load_model
from prep_corpus.align.recognition.recognised import recognise
from prep_corpus.align.words.evidence import evidence, track
from prep_corpus.filters.fitting.cases import Case
from prep_corpus.filters.fitting.fit_recognition import (
    cut_recognised,
    recognition_case,
)
from prep_corpus.filters.fitting.sweep import Bench
from prep_corpus.filters.fitting.texted.texted_cases import texted_case, with_text_of
from prep_corpus.filters.judge_evidence import letters_in_common, timed_words
from prep_corpus.filters.linear import Filter, bundled_filter
from prep_corpus.filters.recognition import bundled_recognition_filter, mean_scores
from prep_corpus.filters.scoring import (
    heard_verdicts,
    heard_words,
    judged_scores,
    own_scores,
    score_utterances,
    worth,
)
from prep_corpus.filters.text_evidence import words_of_text

SECONDS = 12
TEXT = (
    "the lamp on the table had burned low and the old clerk who had not looked up from his ledger since noon "
    "laid down his pen at last"
).split()
ASKED = (0.01, 0.02, 0.05)


@pytest.fixture(scope="module")
def model() -> LoadedModel:
    return load_model("english")


@pytest.fixture(scope="module")
def material() -> Material:
    clips = sorted((DEMO / "audio").glob("*.opus"))
    speech = tuple(decode_utterance(path)[5 * RATE_HZ : 30 * RATE_HZ] for path in clips)
    noises = tuple(decode_utterance(path) for path in sorted((DEMO / "noise").iterdir())[:1])
    return Material(speech=speech, noises=noises, languages=("de", "fi"))


def case_of(samples_N: FloatArray, words: tuple[str, ...], model: LoadedModel) -> Case:
    """A text aligned with a recording in which nobody says it."""
    [(_, log_probs_TC)] = Emitter[str](model, WindowOptions()).emit(
        [("it", [samples_N])], lambda key, error: None
    )
    seen = track(log_probs_TC, model.info)
    tokens_L, table, alignment = align_real(log_probs_TC, words, model.info)
    meter = LevelMeter(block_samples=block_samples(RATE_HZ))
    meter.add(samples_N)
    return Case(
        group="it",
        log_probs_TC=log_probs_TC,
        tokens_L=tokens_L,
        words=table,
        texts=words,
        evidence_WF=evidence(log_probs_TC, tokens_L, alignment, table, model.info, frame_track=seen),
        seen=seen,
        levels=Levels.of(meter.finish(), meter.block_samples),
        right_W=np.zeros(len(words), bool),
        known_W=np.ones(len(words), bool),
        true_texts=(),
        true_middles_V=np.zeros(0),
        true_right_V=np.zeros(0, bool),
    )


def kept_words(case: Case, fitted: Filter, cut: str, max_wer: float, model: LoadedModel) -> int:
    """Words that a run keeps."""
    bench = Bench(
        cases=[case],
        options=CutOptions(
            stride_samples=model.info.stride_samples, sample_rate_hz=model.info.sample_rate_hz
        ),
    )
    point, level = fitted.point(max_wer, cut=cut), fitted.level(cut)
    own_W = own_scores(case.evidence_WF, fitted)
    worth_W = worth(own_W, case.evidence_WF, fitted)
    scores_W = worth_W if cut == "words" else None
    heard = heard_verdicts(heard_words(case.evidence_WF, fitted), worth_W)
    cuts = bench.cut(0, scores_W, point.word_threshold, level.k_frames, heard=heard, own_W=own_W)
    pieces = [segment for segment in cuts.segments if not segment.reason]
    scores_S = score_utterances(bench.outcome(0, cuts).features_SF, fitted, cut=cut)
    scores_S = judged_scores(scores_S, pieces, worth_W, level, point.word_threshold)
    return sum(
        end - start
        for segment, score in zip(pieces, scores_S)
        if score >= point.utterance_threshold
        for start, end in segment.spoken_ranges()
    )


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_is_kept_where_nobody_says_the_text(
    kind: str, model: LoadedModel, material: Material
) -> None:
    fitted = bundled_filter("english")
    for seed, words in ((101, TEXT[:9]), (102, TEXT)):
        samples_N = conditions.nobody(kind, SECONDS * RATE_HZ, material, np.random.default_rng(seed))
        if samples_N is None:
            pytest.skip("espeak-ng is not installed")
        case = case_of(samples_N, tuple(words), model)
        for cut in ("words", "paper"):
            kept = {max_wer: kept_words(case, fitted, cut, max_wer, model) for max_wer in ASKED}
            assert not any(kept.values()), (cut, kept)


@pytest.mark.parametrize("kind", ["music", "another language"])
def test_nothing_is_read_where_nobody_speaks_the_language(
    kind: str, material: Material, shared_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(shared_dir / "models" / "quartznet15x5"))
    model = load_model("quartznet:acoustic_model")
    samples_N = conditions.nobody(kind, 6 * RATE_HZ, material, np.random.default_rng(103))
    if samples_N is None:
        pytest.skip("espeak-ng is not installed")
    plain = heard_in(samples_N, model)
    # The judge agrees with all that is heard.
    agreed_WF = np.tile(np.array([[1.0, 0.0, 0.0]], np.float32), (len(plain.texts), 1))
    judged = replace(plain, evidence_WF=np.concatenate((plain.evidence_WF, agreed_WF), axis=1))
    letters = letters_in_common(model.info, model.info)
    judge = timed_words(recognise(plain.seen, model.info), model.info.frame_seconds, letters), letters
    for is_judged, heard in ((False, plain), (True, judged)):
        reader = bundled_recognition_filter(model.info.digest, judged=is_judged)
        assert reader is not None
        assert reader.with_text is not None
        assert reader.is_judged == is_judged
        # The text has all that is heard, but at other places.
        elsewhere = words_of_text(heard.words, heard.texts, heard.tokens_L, model.info)
        elsewhere = replace(elsewhere, starts_W=elsewhere.starts_W + 30, ends_W=elsewhere.ends_W + 30)
        one = texted_case(plain, elsewhere, model.info, judge if is_judged else None)
        assert reader.rereading is not None
        texted = with_text_of(one, reader.rereading, model.info)
        cut = CutOptions(stride_samples=model.info.stride_samples, sample_rate_hz=model.info.sample_rate_hz)
        for level, case in ((reader.alone, heard), (reader.with_text, texted)):
            scores_W = level.score_words(case.evidence_WF)
            for max_wer in ASKED:
                point = level.point(max_wer)
                found = cut_recognised(
                    case, scores_W, point.word_threshold, (), k_frames=reader.k_frames, options=cut
                )
                kept_S = mean_scores(scores_W, found) >= point.utterance_threshold
                assert not kept_S.any(), (is_judged, max_wer, case.texts)


def heard_in(samples_N: FloatArray, model: LoadedModel) -> Case:
    """What the model hears in a recording in which it should hear nothing."""
    [(_, log_probs_TC)] = Emitter[str](model, WindowOptions()).emit(
        [("it", [samples_N])], lambda key, error: None
    )
    meter = LevelMeter(block_samples=block_samples(RATE_HZ))
    meter.add(samples_N)
    levels = Levels.of(meter.finish(), meter.block_samples)
    seen = track(log_probs_TC, model.info)
    return recognition_case(log_probs_TC, seen, levels, model.info, (), np.zeros(0), group="it")
