"""The bundled model: Deep Speech 2 in small, its JSON config, and loading without pickle.

    samples ── log-mels, fixed statistics ── convolution, stride 40 ms ── residual depthwise convolutions
            ── bidirectional GRU layers, each after a sequence-wise batch normalisation ── dense ── characters

Batch normalisation uses its running statistics outside training, so that a row's result does not depend on the
other rows, nor on what else the row holds beyond the reach of the recurrent layers.

Legend: B rows, N samples, M mel frames of 10 ms, F mel bands, T output frames, H hidden size, C symbols.

Source: Amodei et al. 2015, arXiv 1512.02595, section 3.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from prep_corpus.align.errors import UsageError
from prep_corpus.align.network.config import ENGLISH as ENGLISH
from prep_corpus.align.network.config import NetworkConfig as NetworkConfig

_POWER_FLOOR = 2.0**-24


def mel_filters(bands: int, fft_samples: int, sample_rate_hz: int) -> Tensor:
    """Triangles of equal area, equidistant in mel (2595 log10(1 + f / 700)): float32 [F, fft_samples // 2 + 1]."""
    exact = {"dtype": torch.float64, "device": "cpu"}  # whatever device the model is being built on
    top_mel = 2595 * torch.log10(torch.tensor(1 + sample_rate_hz / 2 / 700, **exact))
    corners_mel = torch.linspace(0, 1, bands + 2, **exact) * top_mel
    corners_hz = 700 * (10 ** (corners_mel / 2595) - 1)
    bins_hz = torch.linspace(0, sample_rate_hz / 2, fft_samples // 2 + 1, **exact)
    width = corners_hz.diff()[:, None]
    up = (bins_hz - corners_hz[:-2, None]) / width[:-1]
    down = (corners_hz[2:, None] - bins_hz) / width[1:]
    triangles = torch.minimum(up, down).clamp_min(0)
    return (triangles / triangles.sum(1, keepdim=True).clamp_min(1e-9)).float()


class LogMels(nn.Module):
    """Samples to normalised log-mel energies with fixed statistics; mel frame m is centred on (m + 0.5) hops."""

    filters: Tensor
    window: Tensor
    mean: Tensor
    scale: Tensor

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        self.hop, self.fft, self.width = config.hop_samples, config.fft_samples, config.window_samples
        filters = mel_filters(config.mel_bands, config.fft_samples, config.sample_rate_hz)
        self.register_buffer("filters", filters, persistent=False)
        window = torch.hann_window(config.window_samples, periodic=False, device="cpu")
        self.register_buffer("window", window, persistent=False)
        self.register_buffer("mean", torch.zeros(config.mel_bands))
        self.register_buffer("scale", torch.ones(config.mel_bands))

    def energies(self, waveforms_BN: Tensor) -> Tensor:
        """[B, N] float32 -> [B, N // hop, F] natural logarithms of the mel energies."""
        with torch.autocast(waveforms_BN.device.type, enabled=False):
            margin = (self.fft - self.hop) // 2
            padded_BN = functional.pad(waveforms_BN.float(), (margin, margin))
            spectrum = torch.stft(
                padded_BN, self.fft, self.hop, self.width, self.window, center=False, return_complex=True
            )
            power_BMK = (spectrum.real.square() + spectrum.imag.square()).transpose(1, 2)
            return torch.log(power_BMK @ self.filters.T + _POWER_FLOOR)

    def normalise(self, energies_BMF: Tensor) -> Tensor:
        """Take off the fixed mean of each band and divide by its fixed deviation."""
        return (energies_BMF - self.mean) * self.scale


class SequenceNorm(nn.Module):
    """Batch normalisation of [B, T, H] over rows and time; fixed statistics outside training."""

    mean: Tensor
    variance: Tensor

    def __init__(self, size: int, momentum: float = 0.02) -> None:
        super().__init__()
        self.gain = nn.Parameter(torch.ones(size))
        self.bias = nn.Parameter(torch.zeros(size))
        self.momentum = momentum
        self.register_buffer("mean", torch.zeros(size))
        self.register_buffer("variance", torch.ones(size))

    def forward(self, x_BTH: Tensor) -> Tensor:
        """Normalise every feature."""
        flat = x_BTH.reshape(-1, x_BTH.shape[-1]).float()
        y = functional.batch_norm(
            flat, self.mean, self.variance, self.gain, self.bias, self.training, self.momentum, 1e-5
        )
        return y.view(x_BTH.shape)


class ConvolutionBlock(nn.Module):
    """Depthwise convolution over time, dense layer, normalisation, ReLU, added to the input."""

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        size, kernel = config.hidden, config.kernel_frames
        self.depthwise = nn.Conv2d(size, size, (1, kernel), padding=(0, kernel // 2), groups=size, bias=False)
        self.dense = nn.Linear(size, size, bias=False)
        self.norm = SequenceNorm(size)

    def forward(self, x_BTH: Tensor) -> Tensor:
        """[B, T, H] -> [B, T, H]."""
        # As an image of height one in channels-last order, which is many times faster on CPUs.
        image = x_BTH.transpose(1, 2).unsqueeze(2).contiguous(memory_format=torch.channels_last)
        y_BTH = self.depthwise(image).squeeze(2).transpose(1, 2)
        return x_BTH + functional.relu(self.norm(self.dense(y_BTH)))


class RecurrentLayer(nn.Module):
    """Normalisation and a bidirectional GRU, both directions added, and added to the input."""

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        self.norm = SequenceNorm(config.hidden)
        self.gru = nn.GRU(config.hidden, config.hidden, bidirectional=True, batch_first=True)
        self.run_gru: Callable[[nn.GRU, Tensor], Tensor] = _run_gru

    def forward(self, x_BTH: Tensor) -> Tensor:
        """[B, T, H] -> [B, T, H]."""
        return x_BTH + self.run_gru(self.gru, self.norm(x_BTH))


def _run_gru(gru: nn.GRU, x_BTH: Tensor) -> Tensor:
    """The sum of both directions: [B, T, H]. Training puts a faster twin of this in its place on a CPU."""
    both_BTH, _ = gru(x_BTH)
    forward_BTH, backward_BTH = both_BTH.chunk(2, dim=2)
    summed_BTH: Tensor = forward_BTH + backward_BTH
    return summed_BTH


class Network(nn.Module):
    """The acoustic model, with what an aligner must know of it as attributes."""

    word_delimiter = " "
    case = "lower"
    context_seconds = 6.0

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        self.config = config
        self.sample_rate_hz = config.sample_rate_hz
        self.stride_samples = config.stride_samples
        self.vocabulary = config.vocabulary
        self.blank = config.blank
        self.digest = ""
        self.mixed_precision = False
        self.mels = LogMels(config)
        self.first = nn.Linear(config.mel_bands * config.first_kernel_frames, config.hidden, bias=False)
        self.first_norm = SequenceNorm(config.hidden)
        self.convolutions = nn.ModuleList(ConvolutionBlock(config) for _ in range(config.convolution_blocks))
        self.recurrent = nn.ModuleList(RecurrentLayer(config) for _ in range(config.recurrent_layers))
        self.last_norm = SequenceNorm(config.hidden)
        self.dense = nn.Linear(config.hidden, config.hidden)
        self.output = nn.Linear(config.hidden, len(config.vocabulary))

    def frames(self, n_samples: int) -> int:
        """Frames that a row of `n_samples` gives."""
        return n_samples // self.stride_samples

    def forward(self, waveforms_BN: Tensor) -> Tensor:
        """[B, N] float32 waveforms in [-1, 1] -> [B, N // stride, C] float32 log-probs."""
        kept = self.frames(waveforms_BN.shape[1]) * self.stride_samples
        with torch.autocast(waveforms_BN.device.type, torch.float16, enabled=self.mixed_precision):
            energies_BMF = self.mels.energies(waveforms_BN[:, :kept])
            return self.from_energies(energies_BMF).float().log_softmax(-1)

    def from_energies(self, energies_BMF: Tensor) -> Tensor:
        """[B, M, F] log-mel energies, M a multiple of the time stride -> [B, T, C] logits."""
        drop = self.config.dropout
        x_BTH = functional.relu(self.first_norm(self.first(self._stack(self.mels.normalise(energies_BMF)))))
        for block in (*self.convolutions, *self.recurrent):
            x_BTH = functional.dropout(block(x_BTH), drop, self.training)
        x_BTH = functional.relu(self.dense(self.last_norm(x_BTH)))
        logits_BTC: Tensor = self.output(functional.dropout(x_BTH, drop, self.training))
        return logits_BTC

    def _stack(self, mels_BMF: Tensor) -> Tensor:
        """[B, M, F] -> [B, T, kernel * F]: the frames under the first convolution, zeros beyond the ends."""
        kernel, stride = self.config.first_kernel_frames, self.config.mel_frames_per_frame
        margin = (kernel - stride) // 2
        padded = functional.pad(mels_BMF, (0, 0, margin, margin))
        return padded.unfold(1, kernel, stride).flatten(2)


def save(network: Network, config_path: Path, weights_path: Path) -> None:
    """Write the config as JSON and the weights as float16 safetensors."""
    from safetensors.torch import save_file

    tensors = {name: value.detach().cpu().half().contiguous() for name, value in network.state_dict().items()}
    config_path.write_text(network.config.to_json(), encoding="utf-8")
    save_file(tensors, weights_path)
    weights_path.chmod(config_path.stat().st_mode)


def load_network(name: str, device: str = "cpu") -> Network:
    """Load a bundled model by its name, or one from its folder."""
    bundled = files("prep_corpus.align.model").joinpath(f"{name}.safetensors")
    return load_bundled(name, device) if bundled.is_file() else load(name, device)


def load(folder: Path | str, device: str = "cpu") -> Network:
    """Load a model from a folder with config.json and model.safetensors.

    Raises:
        UsageError: a file is missing, or the weights do not fit the config.
    """
    return load_files(Path(folder) / "config.json", Path(folder) / "model.safetensors", device)


def load_bundled(name: str, device: str = "cpu") -> Network:
    """Load a model that comes with the package, such as "english"."""
    folder = files("prep_corpus.align.model")
    return load_files(Path(str(folder / f"{name}.json")), Path(str(folder / f"{name}.safetensors")), device)


def load_files(config_path: Path, weights_path: Path, device: str = "cpu") -> Network:
    """Load a model from its two files, ready to run; its digest covers both."""
    from safetensors import SafetensorError
    from safetensors.torch import load as load_tensors

    for path in (config_path, weights_path):
        if not path.is_file():
            raise UsageError(f"model: there is no file {path}")
    config_bytes, weights_bytes = config_path.read_bytes(), weights_path.read_bytes()
    config = NetworkConfig.from_json(config_bytes.decode("utf-8"), str(config_path))
    with torch.device("meta"):
        wanted = sum(parameter.numel() for parameter in Network(config).parameters())
    if wanted > len(weights_bytes):
        raise UsageError(
            f"{weights_path}: these weights do not fit {config_path}: that wants {wanted} numbers, and the file has "
            f"{len(weights_bytes)} bytes"
        )
    network = Network(config)
    try:
        tensors: dict[str, Any] = load_tensors(weights_bytes)
        network.load_state_dict({name: tensor.float() for name, tensor in tensors.items()})
    except (SafetensorError, RuntimeError) as error:
        raise UsageError(f"{weights_path}: these weights do not fit {config_path}: {error}") from error
    network.digest = hashlib.blake2b(config_bytes + weights_bytes, digest_size=16).hexdigest()
    # Products in float16, which every GPU with tensor cores has; spectra, norms and sums stay in float32.
    network.mixed_precision = device.startswith("cuda")
    network.to(device).eval().requires_grad_(False)
    return network
