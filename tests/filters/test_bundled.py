"""The filters that ship with the package."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from support.corpora import DEV_CLEAN, build_recording
from support.planted_cases import align_real

from prep_corpus.align.audio.levels import LevelMeter, Levels, block_samples
from prep_corpus.align.cutting.cutting import CutOptions, cut_words
from prep_corpus.align.errors import UsageError
from prep_corpus.align.model import emissions
from prep_corpus.align.model.models import load_model
from prep_corpus.align.words.evidence import evidence, track
from prep_corpus.filters import linear
from prep_corpus.filters.features import utterance_features
from prep_corpus.filters.fitting.sweep import kept_utterance
from prep_corpus.filters.linear import BUNDLED_FILTERS, bundled_filter
from prep_corpus.filters.recognition import bundled_recognition_filter
from prep_corpus.filters.scoring import score_utterances, score_words

PRESENT = [name for name in BUNDLED_FILTERS if Path(linear.__file__).with_name(f"{name}.json").exists()]


@pytest.mark.parametrize("name", PRESENT)
def test_a_bundled_filter_is_whole_and_has_its_card(name: str) -> None:
    fitted = bundled_filter(name)
    assert len(fitted.model_digest) == 32
    assert fitted.data_digest
    card = Path(linear.__file__).with_name(f"{name}.md").read_text(encoding="utf-8")
    assert fitted.model_digest in card
    assert fitted.data_digest in card
    point = fitted.point(0.05)
    assert point.wer_upper <= 0.05
    assert point.kept_share > 0.5


def test_the_filter_for_quartznet_reaches_half_a_percent() -> None:
    point = bundled_filter("quartznet").point(0.005)
    assert point.kept_share > 0.7
    with pytest.raises(UsageError, match="cannot be reached"):
        bundled_filter("quartznet").point(1e-9)
    reading = bundled_recognition_filter(bundled_filter("quartznet").model_digest)
    assert reading is not None
    with pytest.raises(UsageError, match="cannot be reached with the filter of what the model hears"):
        reading.alone.point(1e-9)


@pytest.mark.slow
def test_real_speech_with_wrong_words_is_cut_around_them(
    shared_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "path", [str(shared_dir / "models" / "quartznet15x5"), *sys.path])
    model = load_model("quartznet:acoustic_model")
    fitted = bundled_filter("quartznet")
    assert fitted.fits(model.info.digest)
    recording = build_recording(
        shared_dir / "data" / DEV_CLEAN, recording_id="real", speakers=["2902"], minutes=0.4
    )
    emitter = emissions.Emitter[str](model, emissions.WindowOptions())
    [(_, log_probs_TC)] = emitter.emit([("real", [recording.audio_N])], lambda key, error: None)
    false = ["wholesome", "discipline", "extermination"]
    # One false word in place of a true one in each of three utterances.
    texts = [list(utterance.words) for utterance in recording.utterances]
    for text, word in zip(texts, false):
        text[len(text) // 2] = word
    words = tuple(word for text in texts for word in text)
    tokens_L, table, alignment = align_real(log_probs_TC, words, model.info)
    seen = track(log_probs_TC, model.info)
    scores_W = score_words(
        evidence(log_probs_TC, tokens_L, alignment, table, model.info, frame_track=seen), fitted
    )
    meter = LevelMeter(block_samples=block_samples(16_000))
    meter.add(recording.audio_N)
    point = fitted.point(0.005)
    cuts = cut_words(
        seen,
        table,
        scores_W >= point.word_threshold,
        k_frames=fitted.words.k_frames,
        options=CutOptions(stride_samples=320, sample_rate_hz=16_000),
        levels=Levels.of(meter.finish(), 80),
    )
    kept = [segment for segment in cuts.segments if not segment.reason]
    features_SF = utterance_features(
        log_probs_TC, tokens_L, table, kept, blank=model.info.blank, delimiter=model.info.delimiter_index
    )
    good_S = score_utterances(features_SF, fitted) >= point.utterance_threshold
    kept = [segment for segment, good in zip(kept, good_S) if good]
    said = [word for segment in kept for word in kept_utterance(segment, words, 16_000).words]
    assert not set(said) & set(false)
    assert len(said) > 0.7 * len(words)
    assert np.isfinite(features_SF).all()
