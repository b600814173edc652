"""The bundled model without torch: the same log-probabilities as with it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch
from safetensors.numpy import save_file
from support.places import DEMO

from prep_corpus.align.audio import decode as audio
from prep_corpus.align.errors import UsageError
from prep_corpus.align.model import network
from prep_corpus.align.model.models import load_model
from prep_corpus.align.network.config import NetworkConfig
from prep_corpus.align.network.onnx_bytes import GraphWriter
from prep_corpus.align.network.runtime import CpuNetwork, load_files, mel_filters

SMALL = NetworkConfig(
    hidden=12, mel_bands=10, convolution_blocks=2, kernel_frames=5, recurrent_layers=2, first_kernel_frames=6
)


@pytest.fixture(scope="module")
def speech_BN() -> np.ndarray:
    """Two rows of real audio of the demo corpus."""
    with (DEMO / "audio" / "alice.opus").open("rb") as file:
        samples_N = np.concatenate(list(audio.decode(file, name="alice", sample_rate_hz=16_000)))
    return np.stack((samples_N[:320_000], samples_N[-320_000:])).astype(np.float32)


def pair(config: NetworkConfig, folder: Path) -> tuple[CpuNetwork, network.Network]:
    """A network with random weights, run by both."""
    torch.manual_seed(3)
    made = network.Network(config).eval()
    with torch.no_grad():
        for name, value in made.state_dict().items():
            value.copy_(torch.rand_like(value) + 0.5 if "variance" in name else 0.3 * torch.randn_like(value))
    network.save(made, folder / "config.json", folder / "model.safetensors")
    return (
        load_files(folder / "config.json", folder / "model.safetensors"),
        network.load(folder),
    )


def test_the_shipped_weights_give_the_same_log_probs_as_in_torch(speech_BN: np.ndarray) -> None:
    lean, full = load_model("english"), network.load_bundled("english")
    assert lean.info.digest == full.digest
    with torch.inference_mode():
        expected_BTC = full(torch.from_numpy(speech_BN)).numpy()
    found_BTC = lean.log_probs(speech_BN)
    assert found_BTC.shape == expected_BTC.shape == (2, 500, 29)
    assert np.abs(found_BTC - expected_BTC).max() < 1e-3
    assert (found_BTC.argmax(2) == expected_BTC.argmax(2)).mean() > 0.999


@pytest.mark.parametrize("n_samples", [640, 1279, 1280, 20_000])
def test_any_shape_and_length(tmp_path: Path, n_samples: int) -> None:
    lean, full = pair(SMALL, tmp_path)
    noise_BN = np.random.default_rng(n_samples).normal(0, 0.1, (3, n_samples)).astype(np.float32)
    with torch.inference_mode():
        expected_BTC = full(torch.from_numpy(noise_BN)).numpy()
    found_BTC = lean(noise_BN)
    assert found_BTC.shape == (3, n_samples // 640, 29)
    assert found_BTC == pytest.approx(expected_BTC, abs=1e-3)
    assert np.exp(found_BTC).sum(2) == pytest.approx(1, abs=1e-4)
    assert np.array_equal(lean(noise_BN), found_BTC)


def test_mel_filters_are_those_of_torch() -> None:
    assert mel_filters(64, 512, 16_000) == pytest.approx(
        network.mel_filters(64, 512, 16_000).numpy(), abs=1e-6
    )


def test_weights_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(SMALL.to_json())
    with pytest.raises(UsageError, match="there is no file"):
        load_files(tmp_path / "config.json", tmp_path / "model.safetensors")
    save_file({"mels.mean": np.zeros(10, np.float32)}, tmp_path / "model.safetensors")
    with pytest.raises(UsageError, match="do not fit"):
        load_files(tmp_path / "config.json", tmp_path / "model.safetensors")
    (tmp_path / "model.safetensors").write_bytes(b"damaged")
    with pytest.raises(UsageError, match="do not fit"):
        load_model(str(tmp_path))


def test_a_graph_of_every_kind_of_attribute_is_read_by_onnx_runtime() -> None:
    graph = GraphWriter()
    graph.weight("axes", np.array([0], np.int64))
    graph.add("LeakyRelu", ["x"], "y", alpha=0.5)
    graph.add("Unsqueeze", ["y", "axes"], "z")
    graph.add("Transpose", ["z"], "turned", perm=[2, 1, 0])
    graph.add("LogSoftmax", ["turned"], "out", axis=-1)
    session = onnxruntime.InferenceSession(graph.model({"x": ["A", 300]}, {"out": [300, "A", 1]}))
    [out] = session.run(None, {"x": np.ones((2, 300), np.float32)})
    assert out.shape == (300, 2, 1)
    assert np.array_equal(out, np.zeros((300, 2, 1), np.float32))
