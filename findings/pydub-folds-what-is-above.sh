#!/usr/bin/env bash
# pydub 0.25.1: `set_frame_rate`, with which a recording is brought to the 16 kHz of a speech model, draws straight
# lines between samples and filters nothing (it is Python's audioop.ratecv). What lies above half of the new rate is not
# taken out but folded below it, without a warning: the hiss of an "s" at 12 kHz is a tone at 4 kHz. soxr and scipy take
# it out.
# Seen: a tone of 12 kHz at 44.1 kHz keeps 79 % of its level at 16 kHz, as a tone of 4 kHz; soxr leaves under 0.1 %.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv --without-pip "$folder/venv"
python3 -m pip --python "$folder/venv/bin/python" install --quiet 'pydub==0.25.1' \
  'audioop-lts==0.2.2; python_version >= "3.13"' 'soxr==1.1.0' 'scipy==1.15.3' 'numpy==2.2.6'
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
from importlib.metadata import version

import numpy as np
import scipy.signal
import soxr
from pydub import AudioSegment

OLD, NEW = 44100, 16000


def strongest(samples):
    """The frequency (Hz) of the strongest tone."""
    return np.abs(np.fft.rfft(samples)).argmax() * NEW / len(samples)


for tone_hz, folded_hz in ((1000, 1000), (9000, 7000), (12000, 4000)):
    tone = (10000 * np.sin(2 * np.pi * tone_hz * np.arange(OLD) / OLD)).astype(np.int16)
    segment = AudioSegment(tone.tobytes(), frame_rate=OLD, sample_width=2, channels=1).set_frame_rate(NEW)
    seen = np.array(segment.get_array_of_samples(), float)
    others = soxr.resample(tone, OLD, NEW), scipy.signal.resample_poly(tone.astype(float), 160, 441)
    level, *right = [np.std(samples[800:-800]) / np.std(tone) for samples in (seen, *others)]
    print(
        f"{tone_hz} Hz: pydub {version('pydub')} leaves {level:.1%} as {strongest(seen):.0f} Hz, "
        f"soxr {right[0]:.2%}, scipy {right[1]:.2%}"
    )
    assert abs(strongest(seen) - folded_hz) <= 1, strongest(seen)
    assert level > 0.75, level
    assert all(other > 0.99 for other in right) if tone_hz == folded_hz else max(right) < 0.05, right
PYTHON
