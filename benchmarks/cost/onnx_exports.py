"""The bundled model and QuartzNet as ONNX folders, for `bench_emit.py`: waveforms in, log-probs out.

Spectra are written as convolutions, which ONNX has; all else is the model's own forward pass.

Legend: B rows, N samples, M mel frames, F mel bands, K frequencies.
"""

from __future__ import annotations

import copy
import json
import math
import warnings
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

PROBE_SAMPLES = 64_000


class Spectrum(nn.Module):
    """Power spectra by convolution: [B, N] -> [B, K, M].

    Args:
        window: analysis window; each frame has its samples.
        fft: length of the transform.
        hop: samples between two frames.
    """

    def __init__(self, window: Tensor, fft: int, hop: int) -> None:
        super().__init__()
        # Where the window is nothing there is nothing to multiply; a spectrum's power has no beginning.
        frequencies_K = torch.arange(fft // 2 + 1, dtype=torch.float64)
        angles_KN = (
            2 * math.pi * frequencies_K[:, None] * torch.arange(len(window), dtype=torch.float64) / fft
        )
        waves = torch.cat((angles_KN.cos(), -angles_KN.sin())) * window.double()
        self.register_buffer("waves", waves[:, None, :].float())
        self.hop = hop

    def forward(self, waveforms_BN: Tensor) -> Tensor:
        """The spectra of what is padded already."""
        parts = functional.conv1d(waveforms_BN[:, None, :], self.waves, stride=self.hop)
        real_BKM, imaginary_BKM = parts.chunk(2, dim=1)
        return real_BKM.square() + imaginary_BKM.square()


class English(nn.Module):
    """The bundled model."""

    def __init__(self) -> None:
        super().__init__()
        from prep_corpus.align.model.network import load_bundled

        self.network = load_bundled("english")
        mels, config = self.network.mels, self.network.config
        self.spectrum = Spectrum(mels.window, mels.fft, mels.hop)
        self.margin = (len(mels.window) - mels.hop) // 2
        shape = (config.hidden, config.mel_bands, config.first_kernel_frames)
        self.first = nn.Parameter(self.network.first.weight.view(shape), requires_grad=False)
        self.vocabulary = config.vocabulary
        self.context_seconds = self.network.context_seconds

    def forward(self, waveforms_BN: Tensor) -> Tensor:
        """[B, N] -> [B, T, C]."""
        network, config = self.network, self.network.config
        power_BMK = self.spectrum(functional.pad(waveforms_BN, (self.margin, self.margin))).transpose(1, 2)
        energies_BMF = torch.log(power_BMK @ network.mels.filters.T + 2.0**-24)
        mels_BFM = network.mels.normalise(energies_BMF).transpose(1, 2)
        margin = (config.first_kernel_frames - config.mel_frames_per_frame) // 2
        first_BHT = functional.conv1d(
            mels_BFM, self.first, stride=config.mel_frames_per_frame, padding=margin
        )
        x_BTH = functional.relu(network.first_norm(first_BHT.transpose(1, 2)))
        for block in (*network.convolutions, *network.recurrent):
            x_BTH = block(x_BTH)
        x_BTH = functional.relu(network.dense(network.last_norm(x_BTH)))
        return network.output(x_BTH).log_softmax(-1)  # type: ignore[no-any-return]


class QuartzNet(nn.Module):
    """QuartzNet-15x5, of the folder that is on the path."""

    def __init__(self) -> None:
        super().__init__()
        import quartznet

        self.network = quartznet.acoustic_model()
        self.spectrum = Spectrum(self.network.window, 512, 160)
        self.vocabulary = self.network.vocabulary
        self.context_seconds = 0.0

    def forward(self, waveforms_BN: Tensor) -> Tensor:
        """[B, N] -> [B, T, C]."""
        self.network.features = self.features
        encoded = type(self.network).encode.__wrapped__(self.network, waveforms_BN)
        return self.network.head(encoded).transpose(1, 2).log_softmax(-1)  # type: ignore[no-any-return]

    def features(self, waveforms_BN: Tensor) -> Tensor:
        """[B, N] -> [B, F, M], as the model's own."""
        x_BN = torch.cat([waveforms_BN[:, :1], waveforms_BN[:, 1:] - 0.97 * waveforms_BN[:, :-1]], dim=1)
        margin = len(self.network.window) // 2
        padded_BN = functional.pad(x_BN[:, None, :], (margin, margin), mode="reflect")[:, 0]
        # Sums over thousands of frames: in float32, ONNX Runtime's are so far off that log-probs differ by 0.01.
        mels = torch.log(self.network.mel @ self.spectrum(padded_BN) + 2**-24).double()
        centred = mels - mels.mean(2, keepdim=True)
        deviation = (centred.square().sum(2, keepdim=True) / (mels.shape[2] - 1)).sqrt()
        return (centred / (deviation + 1e-5)).float()


EXPORTED = {"english": English, "quartznet:acoustic_model": QuartzNet}

IN_TORCH = {"english": "onnx_exports:english_in_torch"}
"""What of these does not run by torch on a CPU of itself, and how `--model` names it so that it does."""


def english_in_torch(device: str) -> nn.Module:
    """The bundled model as it runs on a GPU."""
    from prep_corpus.align.model.network import load_bundled

    return load_bundled("english", device)


def export(name: str, folder: Path) -> None:
    """Write a model as an ONNX folder.

    Args:
        name: of `EXPORTED`.
        folder: where `model.onnx` and `tokens.txt` go.
    """
    model = EXPORTED[name]().eval()
    folder.mkdir(parents=True, exist_ok=True)
    with warnings.catch_warnings(), torch.inference_mode():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            model,
            (0.1 * torch.randn(1, PROBE_SAMPLES),),
            str(folder / "model.onnx"),
            input_names=["waveforms"],
            output_names=["log_probs"],
            dynamic_axes={"waveforms": {0: "rows", 1: "samples"}},
            dynamo=False,
        )
    tokens = "".join(f"{symbol} {at}\n" for at, symbol in enumerate(model.vocabulary))
    # The same windows as the model's own.
    config = json.dumps({"context_seconds": model.context_seconds})
    (folder / "config.json").write_text(config, encoding="utf-8")
    (folder / "tokens.txt").write_text(tokens, encoding="utf-8")


LIKELY = -10.0
"""Log-probs over this decide alignments."""


def largest_differences(name: str, folder: Path, samples_N: NDArray[np.float32]) -> dict[str, float]:
    """The largest differences between log-probs, in nats, over rows of 30 s, on one thread as the table's rows are.

    By how many threads torch adds up changes QuartzNet's log-probs by more than the export differs.

    Returns:
        By what was compared: the export with the model by torch, the same where the model's are over `LIKELY`, and
        where the model runs in double precision, the model and the export with that.
    """
    from prep_corpus.align.model.models import load_model

    torch.set_num_threads(1)
    theirs, ours = load_model(str(folder)), load_model(IN_TORCH.get(name, name))
    row = 30 * ours.info.sample_rate_hz
    rows_BN = torch.from_numpy(samples_N[: len(samples_N) // row * row].reshape(-1, row))
    with torch.inference_mode():
        ours_BTC, theirs_BTC = ours.run(rows_BN), theirs.run(rows_BN)
        off_BTC = (theirs_BTC - ours_BTC).abs()
        found = {
            "from the model": float(off_BTC.max()),
            f"from the model's over {LIKELY:g}": float(off_BTC[ours_BTC > LIKELY].max()),
        }
        if isinstance(ours.run, nn.Module) and name not in IN_TORCH:
            exact_BTC = copy.deepcopy(ours.run).double()(rows_BN.double())
            found["from the model in double precision"] = float((theirs_BTC - exact_BTC).abs().max())
            found["and the model itself from that"] = float((ours_BTC - exact_BTC).abs().max())
    return found
