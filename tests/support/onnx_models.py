"""Exported models as people leave them in folders, made on the spot from the toy language's model."""

from __future__ import annotations

import warnings
from pathlib import Path

import torch
from support import toy
from torch import Tensor, nn


class Tones(nn.Module):
    """`toy.ToneModel` in operations that ONNX has.

    Args:
        ends: "logits", "log_probs" or "probabilities".
        symbols_first: [B, C, T] instead of [B, T, C].
    """

    def __init__(self, ends: str = "log_probs", *, symbols_first: bool = False) -> None:
        super().__init__()
        self.register_buffer("waves", toy.ToneModel().waves[:, None, :] / toy.STRIDE_SAMPLES)
        self.ends, self.symbols_first = ends, symbols_first

    def forward(self, waveforms_BN: Tensor) -> Tensor:
        """[B, N] -> [B, T, C]."""
        parts_BCT = nn.functional.conv1d(waveforms_BN[:, None, :], self.waves, stride=toy.STRIDE_SAMPLES)  # type: ignore[arg-type]
        sines, cosines = parts_BCT.chunk(2, dim=1)
        logits_BCT = 4 * torch.log(sines.square() + cosines.square() + 1e-5)
        blank_BCT = torch.zeros_like(logits_BCT[:, :1]) + 4 * torch.log(torch.tensor(4e-4))
        logits_BTC = torch.cat((logits_BCT, blank_BCT), dim=1).transpose(1, 2)
        found = {"logits": logits_BTC, "log_probs": logits_BTC.log_softmax(2)}.get(
            self.ends, logits_BTC.softmax(2)
        )
        return found.transpose(1, 2) if self.symbols_first else found


class Mels(nn.Module):
    """A random model of [B, F, T] features, 20 ms per frame; where it knows nothing it says its blank, the last."""

    def __init__(self, bands: int, symbols: int) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.heard = nn.Conv1d(bands, symbols, 3, stride=2, padding=1)
        with torch.no_grad():
            self.heard.bias[-1] += 4.0  # type: ignore[index]

    def forward(self, features_BFT: Tensor, lengths_B: Tensor) -> Tensor:
        """[B, F, T], [B] -> [B, T, C]; what lies behind a row's length says nothing."""
        inside_BT = torch.arange(features_BFT.shape[2])[None, :] < lengths_B[:, None]
        heard_BCT = self.heard(features_BFT * inside_BT[:, None, :])
        return heard_BCT.transpose(1, 2).log_softmax(2)


def export(
    model: nn.Module,
    folder: Path,
    examples: tuple[Tensor, ...],
    *,
    free: dict[str, dict[int, str]],
    name: str = "model.onnx",
) -> Path:
    """Write a model as an ONNX file; `free` names the axes of its inputs that may have any length."""
    folder.mkdir(parents=True, exist_ok=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            model.eval(),
            examples,
            str(folder / name),
            input_names=list(free),
            output_names=["output"],
            dynamic_axes={key: axes for key, axes in free.items() if axes},
            dynamo=False,
        )
    return folder / name


def tone_folder(
    folder: Path, ends: str = "log_probs", *, symbols_first: bool = False, rows: str = "rows"
) -> Path:
    """A folder with the toy language's model and its token list; with `rows` "one", one row at a time."""
    free = {1: "samples"} if rows == "one" else {0: "rows", 1: "samples"}
    export(
        Tones(ends, symbols_first=symbols_first), folder, (torch.zeros(1, 32_000),), free={"waveforms": free}
    )
    lines = [f"{symbol} {at}\n" for at, symbol in enumerate((*toy.SYMBOLS, "<blk>"))]
    (folder / "tokens.txt").write_text("".join(lines))
    return folder


def mel_folder(folder: Path, bands: int = 16) -> Mels:
    """A folder with a model of features, without a word of which."""
    symbols = (*toy.SYMBOLS, "<blk>")
    model = Mels(bands, len(symbols))
    export(
        model,
        folder,
        (torch.zeros(1, bands, 200), torch.tensor([200])),
        free={"features": {0: "rows", 2: "frames"}, "lengths": {0: "rows"}},
    )
    (folder / "vocab.txt").write_text("".join(f"{symbol} {at}\n" for at, symbol in enumerate(toy.SYMBOLS)))
    return model
