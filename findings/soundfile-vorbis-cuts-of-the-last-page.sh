#!/usr/bin/env bash
# soundfile 0.14.0 (libsndfile 1.2.2), Ogg Vorbis: a cut that starts in the last page of a file, which holds its last
# second or so, is taken from too far behind. A seek counts back from the position that a page states, by what its
# packets hold; the last page states where the recording ends, which is inside its last packet. Utterances at the end of
# a recording lose up to 30 ms of their beginning at 16 kHz, by the recording's length. Cut them from the decoded
# recording.
# Seen: of eleven recordings of 20 to 27 s at 16 kHz all cuts of the last page are off, by 8 to 482 samples; of the page
# before it none.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv --without-pip "$folder/venv"
python3 -m pip --python "$folder/venv/bin/python" install --quiet 'soundfile==0.14.0' 'numpy==2.2.6'
"$folder/venv/bin/python" - "$folder/sound.ogg" <<'PYTHON'
import sys
from importlib.metadata import version
from pathlib import Path

import numpy as np
import soundfile

RATE, CUT, FARTHEST = 16000, 3000, 4000
time = np.arange(27 * RATE) / RATE
phase = 2 * np.pi * np.cumsum(120 + 30 * np.sin(4.4 * time) + 10 * np.sin(19.5 * time)) / RATE
voice = 0.08 * sum(np.sin(k * phase + k) / k for k in range(1, 30)) * (1.2 + np.sin(14.5 * time))


def page_ends(data):
    """The sample at which each page of Ogg says that it ends."""
    at = [index for index in range(len(data)) if data.startswith(b"OggS", index)]
    return [int.from_bytes(data[index + 6 : index + 14], "little") for index in at]


def offset(whole, at):
    """How far from `at` the samples of the cut stand in the recording, in samples."""
    cut, _ = soundfile.read(sys.argv[1], start=at, frames=CUT)
    assert len(cut) == min(CUT, len(whole) - at), (at, len(cut))
    found = []
    for lag in range(-FARTHEST, FARTHEST):
        there = whole[at + lag : at + lag + len(cut)]
        if len(there) >= CUT // 4 and np.abs(there - cut[: len(there)]).max() < 1e-5:
            found.append(lag)
    assert len(found) == 1, (at, found)
    return found[0]


print("soundfile", version("soundfile"), soundfile.__libsndfile_version__)
found = {"page before": [], "last page": []}
for count in range(20 * RATE, 27 * RATE, RATE * 2 // 3 + 37):
    with soundfile.SoundFile(sys.argv[1], "w", RATE, 1, format="OGG", subtype="VORBIS") as file:
        for at in range(0, count, 4096):
            file.write(voice[at : min(at + 4096, count)])
    whole, _ = soundfile.read(sys.argv[1])
    *_, before, last, end = page_ends(Path(sys.argv[1]).read_bytes())
    assert len(whole) == end == count, (len(whole), end)
    found["page before"].append(offset(whole, (before + last) // 2))
    found["last page"].append(offset(whole, (last + end - CUT // 2) // 2))
for name, offsets in found.items():
    print(len(offsets), "recordings, cuts of the", name, "are off by", offsets, "samples")
assert found["page before"] == [0] * 11, found
assert all(0 < lag <= 512 for lag in found["last page"]) and max(found["last page"]) > 300, found
PYTHON
