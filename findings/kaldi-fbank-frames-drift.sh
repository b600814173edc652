#!/usr/bin/env bash
# kaldi-native-fbank 1.23.0 (Kaldi's features) and python_speech_features 0.6: a frame shift of 10 ms that is no whole
# number of samples is made one, cut in the first, rounded in the second. Neither says so, and a frame's time is then
# not its number times 10 ms: alignments on such features drift through a long recording, and features of the two do not
# fit each other. Resample to 16 kHz first, or take a frame's time from the samples of its shift.
# Seen: at 22.05 kHz a click at 290 s is at 290.65 s and at 289.35 s by frame numbers (8 s an hour each way), at 11.025
# kHz at 290.65 s by both, at 16 kHz at 289.98 s.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv --without-pip "$folder/venv"
python3 -m pip --python "$folder/venv/bin/python" install --quiet 'kaldi-native-fbank==1.23.0' 'python_speech_features==0.6' 'numpy==2.2.6' 'scipy==1.15.3'
"$folder/venv/bin/python" - <<'PYTHON'
from importlib.metadata import version

import kaldi_native_fbank
import numpy as np
import python_speech_features

SHIFT_MS, CLICK_S, SECONDS = 10, 290, 300


def kaldi(samples, rate):
    options = kaldi_native_fbank.FbankOptions()
    options.frame_opts.samp_freq = rate
    options.frame_opts.frame_shift_ms = SHIFT_MS
    options.frame_opts.dither = 0
    features = kaldi_native_fbank.OnlineFbank(options)
    features.accept_waveform(rate, samples.tolist())
    features.input_finished()
    return np.array([features.get_frame(at) for at in range(features.num_frames_ready)])


def other(samples, rate):
    return python_speech_features.logfbank(samples, rate, winstep=SHIFT_MS / 1000, nfft=1024)


names = {kaldi: "kaldi-native-fbank", other: "python_speech_features"}
drift_s = {(kaldi, 22050): 0.66, (other, 22050): -0.66, (kaldi, 11025): 0.66, (other, 11025): 0.66}
for rate in (16000, 22050, 11025):
    samples = np.zeros(SECONDS * rate, np.float32)
    samples[CLICK_S * rate :][: rate // 100] = 0.5 * np.sin(np.arange(rate // 100))
    for features in (kaldi, other):
        loudness = features(samples, rate).sum(axis=1)
        found_s = np.mean(np.nonzero(loudness == loudness.max())[0]) * SHIFT_MS / 1000
        print(rate, "Hz", names[features], version(names[features]), "click at", CLICK_S, "s is found at", found_s, "s")
        assert abs(found_s - CLICK_S - drift_s.get((features, rate), 0)) < 0.05, found_s
PYTHON
