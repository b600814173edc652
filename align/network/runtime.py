"""The bundled model on a CPU without torch: spectra in numpy, all else by ONNX Runtime.

The graph is written from the same two files that torch reads, each time a model is loaded, so that neither can be
of other weights than the other. Normalisations, which are fixed, are part of the weights beside them.

Legend: B rows, N samples, M mel frames of 10 ms, F mel bands, T output frames, H hidden size, C symbols, K kernel.

Source: Amodei et al. 2015, arXiv 1512.02595, section 3; the network itself is `align/model/network.py`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from prep_corpus.align.errors import UsageError
from prep_corpus.align.network.config import NetworkConfig
from prep_corpus.align.network.onnx_bytes import GraphWriter

FloatArray = NDArray[np.float32]
Weights = Mapping[str, NDArray[np.float64]]

VERSION = 1
"""Raised whenever its log-probabilities may change: it is part of what emissions depend on."""
_CONTEXT_SECONDS = 6.0
_POWER_FLOOR = 2.0**-24
_EPSILON = 1e-5
_BLOCK_FRAMES = 256
"""Mel frames whose spectra are held at a time."""


def mel_filters(bands: int, fft_samples: int, sample_rate_hz: int) -> NDArray[np.float64]:
    """Triangles of equal area, equidistant in mel (2595 log10(1 + f / 700)): [F, fft_samples // 2 + 1]."""
    top_mel = 2595 * np.log10(1 + sample_rate_hz / 2 / 700)
    corners_hz = 700 * (10 ** (np.linspace(0, 1, bands + 2) * top_mel / 2595) - 1)
    bins_hz = np.linspace(0, sample_rate_hz / 2, fft_samples // 2 + 1)
    width = np.diff(corners_hz)[:, None]
    up = (bins_hz - corners_hz[:-2, None]) / width[:-1]
    down = (corners_hz[2:, None] - bins_hz) / width[1:]
    triangles = np.maximum(np.minimum(up, down), 0)
    filters: NDArray[np.float64] = triangles / np.maximum(triangles.sum(1, keepdims=True), 1e-9)
    return filters


class Spectra:
    """Samples to power spectra; mel frame m is centred on (m + 0.5) hops."""

    def __init__(self, config: NetworkConfig) -> None:
        self._hop, self._fft = config.hop_samples, config.fft_samples
        left = (config.fft_samples - config.window_samples) // 2
        self._window = np.zeros(config.fft_samples, np.float32)
        self._window[left : left + config.window_samples] = np.hanning(config.window_samples)

    def __call__(self, waveforms_BN: FloatArray) -> FloatArray:
        """[B, N] float32, N a multiple of the hop -> [B, N // hop, fft // 2 + 1] float32."""
        margin = (self._fft - self._hop) // 2
        padded_BN = np.pad(waveforms_BN, ((0, 0), (margin, margin)))
        frames_BMW = np.lib.stride_tricks.sliding_window_view(padded_BN, self._fft, axis=1)[:, :: self._hop]
        power_BMK = np.empty((*frames_BMW.shape[:2], self._fft // 2 + 1), np.float32)
        for start in range(0, frames_BMW.shape[1], _BLOCK_FRAMES):
            block = slice(start, start + _BLOCK_FRAMES)
            spectrum = np.fft.rfft(frames_BMW[:, block] * self._window)
            power_BMK[:, block] = spectrum.real**2 + spectrum.imag**2
        return power_BMK


def _norm(weights: Weights, name: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(factor, shift) of a normalisation with fixed statistics."""
    factor = weights[f"{name}.gain"] / np.sqrt(weights[f"{name}.variance"] + _EPSILON)
    return factor, weights[f"{name}.bias"] - weights[f"{name}.mean"] * factor


def network_graph(config: NetworkConfig, weights: Weights) -> bytes:
    """The ONNX model: "power" [B, M, K] of the spectra -> "log_probs" [B, T, C]."""
    graph = GraphWriter()

    def weight(name: str, array: NDArray[np.float64]) -> str:
        return graph.weight(name, np.ascontiguousarray(array, dtype=np.float32))

    hidden, kernel = config.hidden, config.first_kernel_frames
    margin = (kernel - config.mel_frames_per_frame) // 2
    factor, shift = _norm(weights, "first_norm")
    # Images of height one: the fast kernels are those of images.
    graph.weight("height", np.array([2], np.int64))
    if weights["mels.mean"].shape != (config.mel_bands,):
        raise ValueError(f"mel_bands is {config.mel_bands}, and they hold {weights['mels.mean'].shape}")
    filters = mel_filters(config.mel_bands, config.fft_samples, config.sample_rate_hz)
    graph.add("MatMul", ["power", weight("filters", filters.T)], "energy")
    graph.add("Add", ["energy", weight("floor", np.array([_POWER_FLOOR]))], "energy_floored")
    graph.add("Log", ["energy_floored"], "energies")
    graph.add("Sub", ["energies", weight("mels.mean", weights["mels.mean"])], "centred")
    graph.add("Mul", ["centred", weight("mels.scale", weights["mels.scale"])], "mels")
    graph.add("Transpose", ["mels"], "mels_BFM", perm=[0, 2, 1])
    graph.add("Unsqueeze", ["mels_BFM", "height"], "mels_BF1M")
    first = weights["first.weight"].reshape(hidden, config.mel_bands, 1, kernel) * factor[:, None, None, None]
    inputs = ["mels_BF1M", weight("first.weight", first), weight("first.bias", shift)]
    graph.add(
        "Conv",
        inputs,
        "first",
        kernel_shape=[1, kernel],
        strides=[1, config.mel_frames_per_frame],
        pads=[0, margin, 0, margin],
    )
    x = graph.add("Relu", ["first"], "x")
    for at in range(config.convolution_blocks):
        x = _convolution_block(graph, config, weights, f"convolutions.{at}", x)
    graph.add("Squeeze", [x, "height"], "x_BHT")
    x = graph.add("Transpose", ["x_BHT"], "x_TBH", perm=[2, 0, 1])
    graph.weight("directions", np.array([1], np.int64))
    for at in range(config.recurrent_layers):
        x = _recurrent_layer(graph, weights, f"recurrent.{at}", hidden, x)
    factor, shift = _norm(weights, "last_norm")
    dense = weights["dense.weight"]
    inputs = [x, weight("dense.weight", (dense * factor).T)]
    graph.add("MatMul", inputs, "dense_TBH")
    graph.add(
        "Add",
        ["dense_TBH", weight("dense.bias", weights["dense.bias"] + dense @ shift)],
        "dense_shifted",
    )
    graph.add("Relu", ["dense_shifted"], "last_TBH")
    graph.add("MatMul", ["last_TBH", weight("output.weight", weights["output.weight"].T)], "output_TBC")
    graph.add("Add", ["output_TBC", weight("output.bias", weights["output.bias"])], "logits_TBC")
    graph.add("LogSoftmax", ["logits_TBC"], "log_probs_TBC", axis=-1)
    graph.add("Transpose", ["log_probs_TBC"], "log_probs", perm=[1, 0, 2])
    return graph.model(
        {"power": ["B", "M", config.fft_samples // 2 + 1]},
        {"log_probs": ["B", "T", len(config.vocabulary)]},
    )


def _convolution_block(graph: GraphWriter, config: NetworkConfig, weights: Weights, name: str, x: str) -> str:
    """Depthwise convolution over time, dense layer with its normalisation, ReLU, added to the input."""
    kernel = config.kernel_frames
    factor, shift = _norm(weights, f"{name}.norm")
    depthwise = weights[f"{name}.depthwise.weight"].astype(np.float32)
    dense = (weights[f"{name}.dense.weight"] * factor[:, None])[:, :, None, None].astype(np.float32)
    graph.add(
        "Conv",
        [x, graph.weight(f"{name}.depthwise", depthwise)],
        f"{name}.spread",
        kernel_shape=[1, kernel],
        pads=[0, kernel // 2, 0, kernel // 2],
        group=config.hidden,
    )
    inputs = [
        f"{name}.spread",
        graph.weight(f"{name}.dense", dense),
        graph.weight(f"{name}.shift", shift.astype(np.float32)),
    ]
    graph.add("Conv", inputs, f"{name}.mixed", kernel_shape=[1, 1])
    graph.add("Relu", [f"{name}.mixed"], f"{name}.active")
    return graph.add("Add", [x, f"{name}.active"], f"{name}.x")


def _recurrent_layer(graph: GraphWriter, weights: Weights, name: str, hidden: int, x: str) -> str:
    """Normalisation and a bidirectional GRU, both directions added, and added to the input."""
    factor, shift = _norm(weights, f"{name}.norm")
    into, back, biases = [], [], []
    for direction in ("", "_reverse"):
        end = f"_l0{direction}"
        input_weight = weights[f"{name}.gru.weight_ih{end}"]
        into.append(_gates(input_weight * factor, hidden))
        back.append(_gates(weights[f"{name}.gru.weight_hh{end}"], hidden))
        input_bias = weights[f"{name}.gru.bias_ih{end}"] + input_weight @ shift
        both = (_gates(input_bias, hidden), _gates(weights[f"{name}.gru.bias_hh{end}"], hidden))
        biases.append(np.concatenate(both))
    inputs = [
        x,
        graph.weight(f"{name}.into", np.stack(into).astype(np.float32)),
        graph.weight(f"{name}.back", np.stack(back).astype(np.float32)),
        graph.weight(f"{name}.biases", np.stack(biases).astype(np.float32)),
    ]
    graph.add(
        "GRU", inputs, f"{name}.both", hidden_size=hidden, direction="bidirectional", linear_before_reset=1
    )
    graph.add("ReduceSum", [f"{name}.both", "directions"], f"{name}.sum", keepdims=0)
    return graph.add("Add", [x, f"{name}.sum"], f"{name}.x")


def _gates(rows: NDArray[np.float64], hidden: int) -> NDArray[np.float64]:
    """Torch orders the gates reset, update, new; ONNX update, reset, new."""
    reset, update, new = rows[:hidden], rows[hidden : 2 * hidden], rows[2 * hidden :]
    return np.concatenate((update, reset, new))


class CpuNetwork:
    """The acoustic model on arrays, with what an aligner must know of it as attributes."""

    word_delimiter = " "
    case = "lower"
    context_seconds = _CONTEXT_SECONDS
    takes_arrays = True
    runtime = f"onnxruntime {VERSION}"

    def __init__(self, config: NetworkConfig, weights: Weights, digest: str) -> None:
        import onnxruntime

        self.config = config
        self.sample_rate_hz = config.sample_rate_hz
        self.stride_samples = config.stride_samples
        self.vocabulary = config.vocabulary
        self.blank = config.blank
        self.digest = digest
        self._spectra = Spectra(config)
        options = onnxruntime.SessionOptions()
        # Sums change with the threads of a call; calls run side by side instead.
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 3
        self._session: Any = onnxruntime.InferenceSession(
            network_graph(config, weights), options, providers=["CPUExecutionProvider"]
        )

    def frames(self, n_samples: int) -> int:
        """Frames that a row of `n_samples` gives."""
        return n_samples // self.stride_samples

    def __call__(self, waveforms_BN: FloatArray) -> FloatArray:
        """[B, N] float32 waveforms in [-1, 1] -> [B, N // stride, C] float32 log-probs."""
        kept = self.frames(waveforms_BN.shape[1]) * self.stride_samples
        power_BMK = self._spectra(np.asarray(waveforms_BN[:, :kept], np.float32))
        log_probs_BTC: FloatArray = self._session.run(None, {"power": power_BMK})[0]
        return log_probs_BTC


def load_files(config_path: Path, weights_path: Path) -> CpuNetwork:
    """Load a model from its two files, ready to run; its digest covers both.

    Raises:
        UsageError: a file is missing, or the weights do not fit the config.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load

    for path in (config_path, weights_path):
        if not path.is_file():
            raise UsageError(f"model: there is no file {path}")
    config_bytes, weights_bytes = config_path.read_bytes(), weights_path.read_bytes()
    config = NetworkConfig.from_json(config_bytes.decode("utf-8"), str(config_path))
    digest = hashlib.blake2b(config_bytes + weights_bytes, digest_size=16).hexdigest()
    try:
        weights = {name: array.astype(np.float64) for name, array in load(weights_bytes).items()}
        return CpuNetwork(config, weights, digest)
    except (SafetensorError, KeyError, ValueError) as error:
        raise UsageError(f"{weights_path}: these weights do not fit {config_path}: {error}") from error
