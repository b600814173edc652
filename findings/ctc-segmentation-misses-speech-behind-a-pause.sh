#!/usr/bin/env bash
# ctc-segmentation 1.7.5 looks for each character within a window (8,000 frames by default) around the straight line
# from the first frame to the last. Speech behind a long silence, as after the music of a broadcast, lies outside it:
# the alignment then is somewhere else, without an error, although one path has a probability of practically 1. With a
# window as long as the recording the same call finds it.
# Seen: 3,000 characters after 400 s of silence, frames of 20 ms: utterances begin up to 518 s too early; with the
# wide window all are within its half second of margin. The package is built from source, which needs a C compiler.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv --without-pip "$folder/venv"
python3 -m pip --python "$folder/venv/bin/python" install --quiet 'ctc-segmentation==1.7.5' 'numpy==2.2.6' 'setuptools==80.9.0'
"$folder/venv/bin/python" - <<'PYTHON'
from importlib.metadata import version

import ctc_segmentation
import numpy as np

FRAME_SECONDS, SILENT_FRAMES, CHARACTER_FRAMES = 0.02, 20000, 3
letters = "abcdefghijklmnopqrstuvwxyz"
generator = np.random.default_rng(0)
words = ["".join(generator.choice(list(letters), 5)) for _ in range(500)]
utterances = [" ".join(words[first : first + 10]) for first in range(0, 500, 10)]
text = " ".join(utterances)
characters = ["<blank>", " ", *letters]

frames = SILENT_FRAMES + CHARACTER_FRAMES * len(text)
spoken = SILENT_FRAMES + CHARACTER_FRAMES * np.arange(len(text))
labels = np.zeros(frames, dtype=int)
labels[spoken] = [characters.index(character) for character in text]
probabilities = np.full((frames, len(characters)), 1e-6)
probabilities[np.arange(frames), labels] = 1
log_probabilities = np.log(probabilities / probabilities.sum(axis=1, keepdims=True)).astype(np.float32)
firsts = np.cumsum([0, *(len(utterance) + 1 for utterance in utterances[:-1])])
right = spoken[firsts] * FRAME_SECONDS

late = {}
for window in (None, frames):
    config = ctc_segmentation.CtcSegmentationParameters(char_list=characters, index_duration=FRAME_SECONDS)
    config.space = " "
    if window:
        config.min_window_size = window
    matrix, begins = ctc_segmentation.prepare_text(config, utterances)
    times, scores, _ = ctc_segmentation.ctc_segmentation(config, log_probabilities, matrix)
    segments = ctc_segmentation.determine_utterance_segments(config, begins, scores, times, utterances)
    late[window] = float(np.abs(np.array([segment[0] for segment in segments]) - right).max())
    print("ctc-segmentation", version("ctc-segmentation"), "window", config.min_window_size, "of", frames, "frames:")
    print(f"  expected {right[0]:.2f} to {right[-1]:.2f} s, farthest off {late[window]:.2f} s")
assert late[None] > 300, late
assert late[frames] < 1, late
PYTHON
