#!/usr/bin/env bash
# kaldiio 2.18.1 reads a WAV of mu-law or A-law, the telephone's two, as if it were 8-bit PCM: its WAV reader, a
# copy of Python's wave module in which the check of the format tag is commented out, looks at the width of a sample
# alone. What it hands out are the code bytes, without a warning; Python's own module refuses such a file.
# Seen: mu-law's silence comes out as 255, of 8-bit PCM (128 is silent) the loudest there is; a quiet tone that
# soundfile decodes is noise. Widths other than 8 and 16 bits are refused.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv --without-pip "$folder/venv"
python3 -m pip --python "$folder/venv/bin/python" install --quiet 'kaldiio==2.18.1' 'soundfile==0.14.0' 'numpy==2.2.6'
"$folder/venv/bin/python" - "$folder" <<'PYTHON'
import sys
from importlib.metadata import version

import kaldiio
import numpy as np
import soundfile

RATE = 8000
tone = 0.05 * np.sin(2 * np.pi * 440 * np.arange(RATE) / RATE)
silence = np.zeros(RATE)


def read(name, samples, subtype):
    """The same WAV as soundfile decodes it and as kaldiio hands it out, both between -1 and 1, and kaldiio's bytes."""
    path = f"{sys.argv[1]}/{name}.wav"
    soundfile.write(path, samples, RATE, subtype=subtype)
    with open(f"{sys.argv[1]}/wav.scp", "w") as file:
        file.write(f"{name} {path}\n")
    rate, raw = kaldiio.load_scp(f"{sys.argv[1]}/wav.scp")[name]
    assert rate == RATE and raw.shape == samples.shape and raw.dtype == np.uint8, (rate, raw.shape, raw.dtype)
    return soundfile.read(path)[0], (raw.astype(float) - 128) / 128, raw


for subtype in ("PCM_U8", "ULAW", "ALAW"):
    right, seen, _ = read(f"tone_{subtype}", tone, subtype)
    error = [np.sqrt(np.mean((decoded - tone) ** 2) / np.mean(tone**2)) for decoded in (right, seen)]
    print("kaldiio", version("kaldiio"), subtype, "error over tone: soundfile %.2f, kaldiio %.2f" % tuple(error))
    assert error[0] < 0.2 and (error[1] < 0.2 if subtype == "PCM_U8" else error[1] > 10), error
_, _, codes = read("silence", silence, "ULAW")
print("silence in mu-law:", set(codes.tolist()))
assert set(codes.tolist()) == {255}
PYTHON
