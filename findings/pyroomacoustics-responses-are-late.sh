#!/usr/bin/env bash
# pyroomacoustics 0.10.1: the impulse response of a room starts half a fractional-delay filter (40 samples) late.
# A source one metre from a microphone is heard 1 m / c later, 46.6 samples at 16 kHz; the direct sound stands at
# sample 87, at every sample rate by the same 40 samples (5 ms at 8 kHz). Speech that is convolved with it, as room
# augmentation does, falls behind its word times by that much. rir-generator 0.3.0 puts it where it belongs.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv --without-pip "$folder/venv"
python3 -m pip --python "$folder/venv/bin/python" install --quiet \
  'pyroomacoustics==0.10.1' 'rir-generator==0.3.0' 'numpy==2.2.6'
"$folder/venv/bin/python" - <<'PYTHON'
from importlib.metadata import version

import numpy as np
import pyroomacoustics
import rir_generator

SIZE, SOURCE, MICROPHONE = [6.0, 5.0, 3.0], [2.0, 2.0, 1.5], [3.0, 2.0, 1.5]
late = {}
for rate_hz in (8000, 16000, 44100):
    room = pyroomacoustics.ShoeBox(SIZE, fs=rate_hz, materials=pyroomacoustics.Material(0.5), max_order=3)
    room.add_source(SOURCE)
    room.add_microphone(MICROPHONE)
    room.compute_rir()
    found = int(np.argmax(np.abs(room.rir[0][0])))
    expected = rate_hz / room.c
    other = rir_generator.generate(
        c=room.c, fs=rate_hz, r=[MICROPHONE], s=SOURCE, L=SIZE, reverberation_time=0.3, nsample=4096
    )
    elsewhere = int(np.argmax(np.abs(other[:, 0])))
    print(rate_hz, "Hz: direct sound expected at sample", round(expected, 1), "found", found, "rir-generator", elsewhere)
    assert abs(elsewhere - expected) <= 1, elsewhere
    late[rate_hz] = round(found - expected)
print("pyroomacoustics", version("pyroomacoustics"), "late by", late)
assert set(late.values()) == {40}, late
PYTHON
