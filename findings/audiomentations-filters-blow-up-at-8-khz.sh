#!/usr/bin/env bash
# audiomentations 0.43.1: PeakingFilter and SevenBandParametricEQ draw the middle of a band without a look at the sample
# rate. Above half of it (4 kHz in telephone speech; the ranges go to 7.5 and 4.4 kHz) the filter is an unstable one:
# clips grow without a bound, to infinity and not-a-number, and are handed out as training data without an error. A
# range that ends below half of the rate does no harm, and the other filters of the library cut theirs to it.
# Seen: at 8 kHz a third of the clips of the one and a twelfth of the other are lost, at 16 kHz none.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv --without-pip "$folder/venv"
python3 -m pip --python "$folder/venv/bin/python" install --quiet 'audiomentations==0.43.1' \
  'numpy==2.2.6' 'scipy==1.15.3'
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
import random
from importlib.metadata import version

import audiomentations
import numpy as np

SECONDS, DRAWS = 4, 40


def lost(name, rate, **options):
    """The share of clips of noise in which a sample is no number or over 100 times the loudest one that went in."""
    speech = np.random.default_rng(0).normal(0, 0.05, SECONDS * rate).astype(np.float32)
    random.seed(0)
    np.random.seed(0)
    augment = getattr(audiomentations, name)(p=1.0, **options)
    clips = [augment(speech.copy(), sample_rate=rate) for _ in range(DRAWS)]
    share = np.mean([not np.abs(clip).max() < 100 * np.abs(speech).max() for clip in clips])
    numbers = np.mean([np.isfinite(clip).all() for clip in clips])
    print(
        f"audiomentations {version('audiomentations')} {name} {options} {rate} Hz: {share:.1%} of the clips lost, "
        f"{1 - numbers:.1%} not finite"
    )
    return share


for name, at_least in (("PeakingFilter", 0.2), ("SevenBandParametricEQ", 0.05)):
    assert lost(name, 8000) >= at_least
    assert lost(name, 16000) == 0
assert lost("PeakingFilter", 8000, max_center_freq=3900) == 0
assert lost("PeakingFilter", 8000, min_center_freq=4500, max_center_freq=7000) == 1
PYTHON
