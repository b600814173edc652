#!/usr/bin/env bash
# soundfile 0.14.0 (libsndfile 1.2.2), MP3: a frame may need bytes of the frames before it. Behind a seek those have not
# been read, and the first frames come out as silence or broken, with a line on stderr at most. Utterances that are cut
# out of a long MP3 by `start` begin so, although position and length are right. Read from half a second earlier and
# drop that, or decode the recording once and cut the samples.
# Seen: a tone of 300 Hz begins with about 290 ms of silence; a third of the cuts of a tone like a voice begin wrongly,
# for up to 145 ms. Read from half a second earlier, none do.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv --without-pip "$folder/venv"
python3 -m pip --python "$folder/venv/bin/python" install --quiet 'soundfile==0.14.0' 'numpy==2.2.6'
"$folder/venv/bin/python" - "$folder/sound.mp3" 2>"$folder/errors" <<'PYTHON' || { cat "$folder/errors"; exit 1; }
import sys
from importlib.metadata import version

import numpy as np
import soundfile

RATE, SECONDS, TOLERANCE = 16000, 30, 0.01
CUT, EARLIER = RATE // 2, RATE // 2
time = np.arange(RATE * SECONDS) / RATE
phase = 2 * np.pi * np.cumsum(120 + 30 * np.sin(4.4 * time)) / RATE
voice = 0.08 * sum(np.sin(k * phase + k) / k for k in range(1, 30)) * np.maximum(np.sin(14.5 * time), 0)


def wrong_beginnings(samples, earlier):
    """How many samples of each cut differ from what is decoded from the start, counted to the last that does."""
    with soundfile.SoundFile(sys.argv[1], "w", RATE, 1, format="MP3") as file:
        for at in range(0, len(samples), RATE):
            file.write(samples[at : at + RATE])
    whole, _ = soundfile.read(sys.argv[1])
    assert len(whole) == len(samples), len(whole)
    counts = []
    for at in range(RATE, len(whole) - CUT, RATE // 10):
        cut, _ = soundfile.read(sys.argv[1], start=at - earlier, frames=earlier + CUT)
        (wrong,) = np.nonzero(np.abs(cut[earlier:] - whole[at : at + CUT]) > TOLERANCE)
        counts.append(wrong[-1] + 1 if len(wrong) else 0)
    return np.array(counts), np.abs(cut[: RATE // 20]).max()


print("soundfile", version("soundfile"), soundfile.__libsndfile_version__)
for name, samples in (("tone", 0.1 * np.sin(2 * np.pi * 300 * time)), ("voice", voice)):
    counts, loudest = wrong_beginnings(samples, 0)
    right, _ = wrong_beginnings(samples, EARLIER)
    milliseconds = 1000 / RATE * counts[counts > 0]
    print(name, "cuts", len(counts), "begin wrongly", len(milliseconds), "median ms", np.median(milliseconds))
    print(name, "longest ms", milliseconds.max(), "read from earlier, begin wrongly", np.count_nonzero(right))
    assert not right.any(), right.max()
    assert milliseconds.max() > 100, milliseconds
    if name == "tone":
        assert np.median(milliseconds) > 200 and loudest < 1e-6, (np.median(milliseconds), loudest)
    else:
        assert 0.2 < len(milliseconds) / len(counts) < 0.6, len(milliseconds)
PYTHON
