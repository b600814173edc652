"""A toy language of tones and a model that reads it exactly: whole runs in seconds, with known truth.

Every character is a tone of its own, 60 ms long with 20 ms of rest after it; a space is a tone too, and pauses are
faint noise. The model compares the power of each frame at all the tones, so it is a real acoustic model of this
language: noise and wrong transcripts move its scores as they move those of any other.

    PYTHONPATH=tests/support prep-corpus run ... --model toy:acoustic_model
"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import soundfile
import torch

SAMPLE_RATE_HZ = 16_000
STRIDE_SAMPLES = 320
SYMBOLS = " abcdefghijklmnopqrstuvwxyz'"
BLANK = len(SYMBOLS)
TONE_SAMPLES = 960
REST_SAMPLES = 320

WORDS = (
    "river stone morning light carry window garden silver market under quiet letter winter follow simple "
    "table before never children water answer yellow distant travel mountain paper evening people house"
).split(" ")


def frequency_hz(symbol: str) -> float:
    """The tone of a symbol: all fit whole numbers of periods into a frame."""
    return 500.0 + 150.0 * SYMBOLS.index(symbol)


class ToneModel(torch.nn.Module):
    """Log-probs from the power of each frame at every tone."""

    sample_rate_hz = SAMPLE_RATE_HZ
    stride_samples = STRIDE_SAMPLES
    vocabulary = (*SYMBOLS, "<blank>")
    blank = BLANK

    def __init__(self) -> None:
        super().__init__()
        time_N = torch.arange(STRIDE_SAMPLES) / SAMPLE_RATE_HZ
        angle_CN = 2 * torch.pi * torch.tensor([frequency_hz(s) for s in SYMBOLS])[:, None] * time_N
        self.register_buffer("waves", torch.cat((angle_CN.sin(), angle_CN.cos())))

    def forward(self, waveforms_BN: torch.Tensor) -> torch.Tensor:
        frames_BTN = waveforms_BN.unfold(1, STRIDE_SAMPLES, STRIDE_SAMPLES)
        parts = frames_BTN @ self.waves.T / STRIDE_SAMPLES  # type: ignore[operator]
        sines, cosines = parts.chunk(2, dim=2)
        power_BTC = sines.square() + cosines.square()
        logits_BTC = 4 * torch.log(power_BTC + 1e-5)
        blank_BT1 = torch.full_like(logits_BTC[..., :1], 4 * float(np.log(4e-4)))
        return torch.cat((logits_BTC, blank_BT1), dim=2).log_softmax(-1)


def acoustic_model(device: str = "cpu") -> ToneModel:
    """The factory that `--model toy:acoustic_model` names."""
    return ToneModel().to(device)


class JudgeModel(ToneModel):
    """The same in capitals, which takes r and s for each other: so it mishears every word that holds one of them."""

    vocabulary = (*SYMBOLS.upper().translate(str.maketrans("RS", "SR")), "<blank>")


def judge_model(device: str = "cpu") -> ToneModel:
    """The factory that `--judge toy:judge_model` names."""
    return JudgeModel().to(device)


class SlowModel(ToneModel):
    """The same, taking its time, so that a test can see a run on its way."""

    def forward(self, waveforms_BN: torch.Tensor) -> torch.Tensor:
        """Wait, then answer."""
        time.sleep(0.3)
        return super().forward(waveforms_BN)


def slow_model(device: str = "cpu") -> ToneModel:
    """The factory that `--model toy:slow_model` names."""
    return SlowModel().to(device)


def say(text: str) -> np.ndarray:
    """The sound of a text: float32 [N]."""
    time_N = np.arange(TONE_SAMPLES) / SAMPLE_RATE_HZ
    rest_N = np.zeros(REST_SAMPLES)
    pieces: list[np.ndarray] = []
    for symbol in text:
        pieces += [0.3 * np.sin(2 * np.pi * frequency_hz(symbol) * time_N), rest_N]
    return np.concatenate(pieces).astype(np.float32) if pieces else np.zeros(0, np.float32)


def recording(seed: int, sentences: int) -> tuple[np.ndarray, list[list[str]]]:
    """Sentences with pauses between them: samples, and the words of each sentence."""
    random = np.random.default_rng(seed)
    said: list[list[str]] = []
    pieces: list[np.ndarray] = []
    for _ in range(sentences):
        words = [WORDS[i] for i in random.integers(len(WORDS), size=int(random.integers(3, 9)))]
        said.append(words)
        pieces += [np.zeros(int(random.uniform(0.3, 1.0) * SAMPLE_RATE_HZ), np.float32), say(" ".join(words))]
    samples = np.concatenate([*pieces, np.zeros(SAMPLE_RATE_HZ // 2, np.float32)])
    samples += random.normal(0, 1e-3, len(samples)).astype(np.float32)
    return samples.astype(np.float32), said


def written(said: Sequence[Sequence[str]], seed: int) -> str:
    """A transcript as people write it, in which about every fifth sentence is wrong or missing."""
    random = np.random.default_rng(seed)
    sentences = []
    for words in said:
        fate = random.random()
        if fate < 0.1:
            continue
        shown = (
            [WORDS[i] for i in random.integers(len(WORDS), size=len(words))] if fate < 0.2 else list(words)
        )
        sentences.append(" ".join(shown).capitalize() + ".")
    return " ".join(sentences)


def write_corpus(folder: Path, *, recordings: int = 4, sentences: int = 12, seed: int = 0) -> Path:
    """A corpus on disk; returns its manifest."""
    folder.mkdir(parents=True, exist_ok=True)
    lines = []
    for number in range(recordings):
        samples, said = recording(seed + number, sentences)
        soundfile.write(folder / f"talk{number}.flac", samples, SAMPLE_RATE_HZ)
        (folder / f"talk{number}.txt").write_text(written(said, seed + 100 + number))
        entry = {
            "audio_filepath": f"talk{number}.flac",
            "text_filepath": f"talk{number}.txt",
            "speaker": f"s{number % 2}",
        }
        lines.append(json.dumps(entry))
    manifest = folder / "manifest.jsonl"
    manifest.write_text("\n".join(lines) + "\n")
    return manifest


def write_filter(path: Path) -> Path:
    """A filter for the toy language, with numbers by hand: tests of the pipeline need one, and judge none."""
    level = {
        "utterance": {
            "names": [
                "ctc_cost",
                "ctc_cost_per_frame",
                "ctc_cost_per_token",
                "frames_per_token",
                "words",
                "characters",
            ],
            "means": [0.0] * 6,
            "scales": [1.0] * 6,
            "coefficients": [0.0, 0.0, -2.0, 0.0, 0.0, 0.0],
            "intercept": 4.0,
        },
        "curve": [
            {
                "word_threshold": 0.0,
                "utterance_threshold": 0.0,
                "kept_share": 0.7,
                "wer": 0.005,
                "wer_upper": 0.01,
            }
        ],
        "k_frames": 10,
    }
    document = {
        "format": "prep-corpus filter 1",
        "word": {
            "names": ["ratio_mean", "edits_per_character"],
            "means": [0.0, 0.0],
            "scales": [1.0, 1.0],
            "coefficients": [1.0, -6.0],
            "intercept": 4.0,
        },
        "words": level,
        "paper": level,
        "model_digest": "toy",
        "frame_seconds": 0.02,
        "fitted_on": "nothing: its numbers are by hand",
        "data_digest": "none",
    }
    path.write_text(json.dumps(document))
    return path
