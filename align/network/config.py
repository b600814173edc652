"""The shape of the bundled model's network, as its JSON config says it."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields

from prep_corpus.align.errors import UsageError

ENGLISH = (" ", *"abcdefghijklmnopqrstuvwxyz", "'", "<blank>")
MOST_OF_ANYTHING, MOST_LAYERS = 200_000, 1_000
"""Bounds of a config, far above any model, so that a damaged one is refused before it takes the memory."""


@dataclass(frozen=True, kw_only=True)
class NetworkConfig:
    """Shape of the network; with the weights it is the whole model.

    Attributes:
        sample_rate_hz: rate of the waveforms.
        window_samples: length of the analysis window.
        hop_samples: samples between two mel frames.
        fft_samples: length of the Fourier transform.
        mel_bands: F, between 0 Hz and half the sample rate.
        mel_frames_per_frame: time stride of the first convolution, in mel frames.
        first_kernel_frames: width of the first convolution, in mel frames; even, more than the stride by an
            even number.
        hidden: H, the width of every layer.
        convolution_blocks: residual depthwise convolutions after the first.
        kernel_frames: their width in output frames; odd.
        recurrent_layers: bidirectional GRU layers; the two directions are added.
        dropout: between layers, in training alone.
        vocabulary: one symbol a column.
        blank: index of the blank.
    """

    sample_rate_hz: int = 16_000
    window_samples: int = 400
    hop_samples: int = 160
    fft_samples: int = 512
    mel_bands: int = 64
    mel_frames_per_frame: int = 4
    first_kernel_frames: int = 12
    hidden: int = 320
    convolution_blocks: int = 4
    kernel_frames: int = 9
    recurrent_layers: int = 2
    dropout: float = 0.0
    vocabulary: tuple[str, ...] = ENGLISH
    blank: int = 28

    def __post_init__(self) -> None:
        margin = self.first_kernel_frames - self.mel_frames_per_frame
        if margin < 0 or margin % 2:
            raise UsageError(
                f"network: first_kernel_frames ({self.first_kernel_frames}) must exceed mel_frames_per_frame "
                f"({self.mel_frames_per_frame}) by an even number, so that a frame lies in its middle"
            )
        if self.kernel_frames % 2 == 0:
            raise UsageError(f"network: kernel_frames must be odd, not {self.kernel_frames}")
        if not self.hop_samples <= self.window_samples <= self.fft_samples:
            raise UsageError(
                f"network: hop_samples ({self.hop_samples}) <= window_samples ({self.window_samples}) <= "
                f"fft_samples ({self.fft_samples}) must hold"
            )
        for name in ("sample_rate_hz", "window_samples", "hop_samples", "fft_samples", "hidden"):
            if not 1 <= getattr(self, name) <= MOST_OF_ANYTHING:
                raise UsageError(
                    f"network: {name} must be from 1 to {MOST_OF_ANYTHING}, not {getattr(self, name)}"
                )
        for name in ("mel_bands", "mel_frames_per_frame", "first_kernel_frames", "kernel_frames"):
            if not 1 <= getattr(self, name) <= MOST_LAYERS:
                raise UsageError(
                    f"network: {name} must be from 1 to {MOST_LAYERS}, not {getattr(self, name)}"
                )
        for name in ("convolution_blocks", "recurrent_layers"):
            if not 0 <= getattr(self, name) <= MOST_LAYERS:
                raise UsageError(
                    f"network: {name} must be from 0 to {MOST_LAYERS}, not {getattr(self, name)}"
                )
        if not 0 <= self.blank < len(self.vocabulary):
            raise UsageError(
                f"network: blank is {self.blank}, the vocabulary has {len(self.vocabulary)} symbols"
            )

    @property
    def stride_samples(self) -> int:
        """Samples per frame."""
        return self.hop_samples * self.mel_frames_per_frame

    def to_json(self) -> str:
        """The config as JSON, keys sorted."""
        return json.dumps(asdict(self), indent=1, sort_keys=True, ensure_ascii=False) + "\n"

    @classmethod
    def from_json(cls, text: str, name: str) -> NetworkConfig:
        """Read a config.

        Raises:
            UsageError: a key is unknown or a value is of another type than the default's.
        """
        values = json.loads(text)
        known = {field.name: field.default for field in fields(cls)}
        for key, value in values.items():
            if key not in known:
                raise UsageError(f"{name}: no such key {key!r}; known are {', '.join(sorted(known))}")
            if key == "vocabulary":
                values[key] = tuple(value)
            elif not isinstance(value, (int, float)) or (isinstance(known[key], int) and value != int(value)):
                raise UsageError(f"{name}: {key} must be a number like {known[key]}, not {value!r}")
        return cls(**values)
