"""The log-mels that NeMo's models were trained on, for exported models that take features.

Legend: B rows, N samples, T mel frames of 10 ms, F mel bands.

Source: NeMo's AudioToMelSpectrogramPreprocessor without dither; the mel scale is Slaney's.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

_FFT, _WINDOW, _HOP, _PREEMPHASIS, _FLOOR, _LEAST = 512, 400, 160, 0.97, 2.0**-24, 1e-5


class NemoFeatures:
    """[B, N] samples at 16 kHz in [-1, 1] -> [B, N // 160, F] log-mels, normalised over each row.

    Args:
        bands: F, of 80 or so.
        window_samples: length of the analysis window.
    """

    sample_rate_hz = 16_000

    def __init__(self, bands: int, window_samples: int = _WINDOW) -> None:
        self.bands = bands
        self._filters_KF = slaney_filters(bands, _FFT, self.sample_rate_hz).T
        self._window = torch.hann_window(window_samples, periodic=False)

    def __call__(self, waveforms_BN: Tensor) -> Tensor:
        """The features of some rows of one length."""
        first_B1, rest_BN = waveforms_BN[:, :1], waveforms_BN[:, 1:] - _PREEMPHASIS * waveforms_BN[:, :-1]
        spectrum = torch.stft(
            torch.cat((first_B1, rest_BN), 1),
            _FFT,
            _HOP,
            len(self._window),
            self._window,
            center=True,
            pad_mode="constant",
            return_complex=True,
        )
        power_BTK = spectrum.abs().square().transpose(1, 2)[:, : waveforms_BN.shape[1] // _HOP]
        mels_BTF = torch.log(power_BTK @ self._filters_KF + _FLOOR)
        return (mels_BTF - mels_BTF.mean(1, keepdim=True)) / (mels_BTF.std(1, keepdim=True) + _LEAST)


def slaney_filters(bands: int, fft_samples: int, sample_rate_hz: int) -> Tensor:
    """Triangles of equal area up to half the rate, linear in Hz below 1 kHz: float32 [F, fft_samples // 2 + 1]."""
    top_hz = sample_rate_hz / 2
    top_mel = top_hz * 3 / 200 if top_hz < 1000 else 15 + 27 * math.log(top_hz / 1000) / math.log(6.4)
    mel = torch.linspace(0, top_mel, bands + 2, dtype=torch.float64)
    hz = torch.where(mel < 15, mel * 200 / 3, 1000 * torch.exp(math.log(6.4) * (mel - 15) / 27))
    bins_hz = torch.linspace(0, top_hz, fft_samples // 2 + 1, dtype=torch.float64)
    rise = (bins_hz - hz[:-2, None]) / (hz[1:-1] - hz[:-2])[:, None]
    fall = (hz[2:, None] - bins_hz) / (hz[2:] - hz[1:-1])[:, None]
    triangles = torch.minimum(rise, fall).clamp_min(0)
    return (triangles * (2 / (hz[2:] - hz[:-2]))[:, None]).float()
