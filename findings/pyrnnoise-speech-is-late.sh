#!/usr/bin/env bash
# pyrnnoise 0.4.5 (RNNoise): what comes out is as long as what went in, but two frames of 10 ms late, for which the
# network looks ahead: the beginning is filled up with 20 ms of nothing and the last 20 ms are lost. Word times of the
# recording lie in front of the words of the cleaned one. Put 20 ms of zeros behind a recording and drop the first 20 ms
# of what comes out.
# Seen: at 48 kHz 144,000 samples give 144,000, which match the recording 958 samples late; with zeros and dropping, 2
# early.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv --without-pip "$folder/venv"
python3 -m pip --python "$folder/venv/bin/python" install --quiet 'audiolab==0.5.2' 'av==18.1.0' 'numpy==2.2.6' 'tqdm==4.67.1'
python3 -m pip --python "$folder/venv/bin/python" install --quiet --no-deps 'pyrnnoise==0.4.5'
"$folder/venv/bin/python" - <<'PYTHON'
from importlib.metadata import version

import numpy as np
from pyrnnoise import RNNoise

RATE, LOOK_AHEAD, FARTHEST = 48000, 960, 4800
time = np.arange(3 * RATE) / RATE
phase = 2 * np.pi * np.cumsum(120 + 20 * np.sin(8.2 * time)) / RATE
voice = sum(np.sin(k * phase) / k for k in range(1, 25)) * np.maximum(np.sin(13.8 * time), 0) * (time > 1)
noise = np.random.default_rng(0).standard_normal(len(time))
samples = (32767 * (0.1 * voice + 1e-4 * noise)).astype(np.int16)


def clean(samples):
    pieces = RNNoise(sample_rate=RATE).denoise_chunk(samples[np.newaxis], partial=True)
    return np.concatenate([piece for _, piece in pieces], axis=1)[0]


def samples_late(cleaned):
    size = 2 * len(samples)
    match = np.fft.irfft(np.fft.rfft(cleaned, size) * np.conj(np.fft.rfft(samples, size)))
    return max(range(-FARTHEST, FARTHEST), key=lambda lag: match[lag])


cleaned = clean(samples)
padded = clean(np.concatenate([samples, np.zeros(LOOK_AHEAD, np.int16)]))[LOOK_AHEAD:]
late, late_padded = samples_late(cleaned), samples_late(padded)
print("pyrnnoise", version("pyrnnoise"), "samples", len(samples), "cleaned", len(cleaned), "late", late)
print("with zeros behind and the beginning dropped", len(padded), "late", late_padded)
assert len(cleaned) == len(padded) == len(samples), (len(cleaned), len(padded))
assert abs(late - LOOK_AHEAD) < 10 and abs(late_padded) < 10, (late, late_padded)
PYTHON
