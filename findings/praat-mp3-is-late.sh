#!/usr/bin/env bash
# Praat 6.1.38 (praat-parselmouth 0.4.7) and pedalboard 0.9.26 read an MP3 with the samples that its encoder put in
# front and behind, although its header says how many these are: soundfile, PyAV and miniaudio leave them out. A
# TextGrid that somebody made or checked in Praat on an MP3 is late by that much for every other reader, and by more the
# lower the sample rate. Give annotators a WAV made by the reader of the pipeline, or move the times back.
# Seen: a word is 66 ms late at 16 kHz and 37 ms at 44.1 kHz in Praat, 69 ms and 25 ms in pedalboard, on time in
# soundfile; on time in all from a WAV.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv --without-pip "$folder/venv"
python3 -m pip --python "$folder/venv/bin/python" install --quiet 'praat-parselmouth==0.4.7' 'pedalboard==0.9.26' 'soundfile==0.14.0' 'numpy==2.2.6'
"$folder/venv/bin/python" - "$folder" <<'PYTHON'
import sys
from importlib.metadata import version

import numpy as np
import parselmouth
import pedalboard.io
import soundfile


def samples_late(samples, decoded):
    size = 2 * len(decoded)
    return int(np.argmax(np.fft.irfft(np.fft.rfft(decoded, size) * np.conj(np.fft.rfft(samples, size)))))


def by_pedalboard(path):
    with pedalboard.io.AudioFile(path) as file:
        return file.read(file.frames)[0]


READERS = {
    "soundfile": lambda path: soundfile.read(path)[0],
    "praat-parselmouth": lambda path: parselmouth.Sound(path).values[0],
    "pedalboard": by_pedalboard,
}
LATE = {"soundfile": (0, 0), "praat-parselmouth": (1056, 1632), "pedalboard": (1105, 1105)}
print("Praat", parselmouth.PRAAT_VERSION, {name: version(name) for name in READERS})
for which, rate in enumerate((16000, 44100)):
    samples = np.zeros(5 * rate)
    word = np.arange(rate // 5) / rate
    samples[2 * rate :][: len(word)] = 0.5 * np.sin(2 * np.pi * (400 + 2000 * word) * word) * np.hanning(len(word))
    for form in ("wav", "mp3"):
        path = f"{sys.argv[1]}/sound.{form}"
        soundfile.write(path, samples, rate)
        for name, read in READERS.items():
            decoded = read(path)
            late, longer = samples_late(samples, decoded), len(decoded) - len(samples)
            print(rate, "Hz", form, name, "late", late, "samples,", 1000 * late / rate, "ms, longer", longer)
            assert late == (0 if form == "wav" else LATE[name][which]), late
            assert (longer > 0) == (late > 0), longer
PYTHON
