"""The bundled English model on real windows of speech."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray
from rapidfuzz.distance import Levenshtein

from prep_corpus.align.model.emissions import Emitter, WindowOptions
from prep_corpus.align.model.models import LoadedModel, load_model
from prep_corpus.align.text.normalize import alphabet_of, normalize
from prep_corpus.jobs.training.material import greedy_text

DEMO = Path(__file__).resolve().parents[3] / "demo"


@pytest.fixture(scope="module")
def english() -> LoadedModel:
    return load_model("english")


def emissions(
    model: LoadedModel, samples_N: NDArray[np.float32], window_seconds: float
) -> NDArray[np.float16]:
    emitter: Emitter[str] = Emitter(model, WindowOptions(window_seconds=window_seconds))
    failed: list[Exception] = []
    ((_, log_probs_TC),) = emitter.emit([("r", [samples_N])], lambda key, error: failed.append(error))
    assert not failed
    return log_probs_TC


def changed_frames(model: LoadedModel, samples_N: NDArray[np.float32]) -> list[float]:
    """How far apart the whole recording's top two are in the frames whose best symbol the windows change."""
    whole_TC = emissions(model, samples_N, 10_000.0).astype(np.float32)
    windowed_TC = emissions(model, samples_N, 30.0).astype(np.float32)
    assert whole_TC.shape == windowed_TC.shape
    top_T2 = np.sort(whole_TC, axis=1)[:, -2:]
    changed_T = whole_TC.argmax(1) != windowed_TC.argmax(1)
    gaps: list[float] = (top_T2[:, 1] - top_T2[:, 0])[changed_T].tolist()
    return gaps


def test_windows_change_no_frame_that_was_clear(english: LoadedModel) -> None:
    samples_N, _ = soundfile.read(DEMO / "audio" / "alice.opus", dtype="float32")
    gaps = changed_frames(english, samples_N)
    assert max(gaps, default=0) <= 0.1


@pytest.mark.slow
def test_windows_change_no_clear_frame_of_ten_minutes_of_real_speech(
    english: LoadedModel, shared_dir: Path
) -> None:
    folder = shared_dir / "data" / "librispeech-dev-clean"
    rows = [json.loads(line) for line in (folder / "manifest.jsonl").read_text().splitlines()]
    pieces: list[NDArray[np.float32]] = []
    for row in (row for row in rows if row["speaker"] in ("84", "2902")):
        samples_N, rate_hz = soundfile.read(folder / row["audio_filepath"], dtype="float32")
        assert rate_hz == 16_000
        pieces.append(samples_N)
        if sum(map(len, pieces)) > 600 * 16_000:
            break
    assert max(changed_frames(english, np.concatenate(pieces)), default=0) <= 0.1


def test_reads_the_demo_corpus_well_enough_to_align(english: LoadedModel) -> None:
    info = english.info
    alphabet = alphabet_of(info.vocabulary, blank=info.blank, word_delimiter=" ")
    edits = characters = 0
    for line in (DEMO / "truth.jsonl").read_text().splitlines():
        truth = json.loads(line)
        samples_N, _ = soundfile.read(DEMO / "audio" / f"{truth['id']}.opus", dtype="float32")
        said = " ".join(sentence["text"] for sentence in truth["sentences"])
        text = normalize(said, alphabet=alphabet).text
        heard = greedy_text(emissions(english, samples_N, 30.0), info.vocabulary, info.blank)
        edits += Levenshtein.distance(text, heard)
        characters += len(text)
    assert edits / characters < 0.45


def test_a_louder_or_quieter_recording_reads_alike(english: LoadedModel) -> None:
    samples_N, _ = soundfile.read(DEMO / "audio" / "alice.opus", dtype="float32", stop=30 * 16_000)
    texts = [
        greedy_text(english.log_probs(gain * samples_N[None])[0], english.info.vocabulary, 28)
        for gain in (np.float32(1.0), np.float32(0.3))
    ]
    assert Levenshtein.normalized_distance(*texts) < 0.2
