#!/usr/bin/env bash
# samplerate 0.2.4 (python bindings of libsamplerate): audio that is resampled in pieces loses what the filter still
# holds at its end, although the last piece is given with end_of_input=True; empty pieces after it bring nothing more.
# In one piece everything comes. From 44.1 to 16 kHz 143 samples (9 ms) are lost with "sinc_best". soxr 1.1.0 gives
# all of them in pieces.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv --without-pip "$folder/venv"
python3 -m pip --python "$folder/venv/bin/python" install --quiet 'samplerate==0.2.4' 'soxr==1.1.0' 'numpy==2.2.6'
"$folder/venv/bin/python" - <<'PYTHON'
from importlib.metadata import version

import numpy as np
import samplerate
import soxr

RATE_HZ, WANTED_HZ, PIECE = 44100, 16000, 4410
samples = np.zeros(RATE_HZ, np.float32)
samples[-400:] = 1.0


def in_pieces(step):
    parts = [step(samples[at : at + PIECE], at + PIECE >= len(samples)) for at in range(0, len(samples), PIECE)]
    parts += [step(samples[:0], True) for _ in range(3)] if step is one else []
    return np.concatenate(parts)


resampler = samplerate.Resampler("sinc_best")
stream = soxr.ResampleStream(RATE_HZ, WANTED_HZ, 1, dtype="float32")


def one(piece, is_last):
    return resampler.process(piece, WANTED_HZ / RATE_HZ, end_of_input=is_last)


def other(piece, is_last):
    return stream.resample_chunk(piece, last=is_last)


whole = samplerate.resample(samples, WANTED_HZ / RATE_HZ, "sinc_best")
found, elsewhere = in_pieces(one), in_pieces(other)
print("expected", WANTED_HZ, "samples; samplerate", version("samplerate"), "whole", len(whole), "in pieces", len(found))
print("soxr", version("soxr"), "in pieces", len(elsewhere))
assert len(whole) == len(elsewhere) == WANTED_HZ, (len(whole), len(elsewhere))
assert len(found) == WANTED_HZ - 143, len(found)
PYTHON
