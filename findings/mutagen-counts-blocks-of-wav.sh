#!/usr/bin/env bash
# mutagen 1.48.1: `info.length` of a WAV or AIFF file ("audio length, in seconds") counts the blocks of a codec as if
# each were one sample. Telephone speech in GSM 6.10 and speech in ADPCM are reported as hundreds of times shorter
# than they are, without a warning. The "fact" chunk of the same file states the samples, and libsndfile reads them.
# Seen: 10 s are 0.03 s in GSM 6.10, 0.01 s in IMA and Microsoft ADPCM, 0.16 s in IMA ADPCM in AIFF; u-law is right.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv --without-pip "$folder/venv"
python3 -m pip --python "$folder/venv/bin/python" install --quiet 'mutagen==1.48.1' 'soundfile==0.14.0' 'numpy==2.2.6'
"$folder/venv/bin/python" - "$folder" <<'PYTHON'
import sys

import mutagen
import numpy as np
import soundfile

rate_hz, seconds = 8000, 10
wave = 0.3 * np.sin(np.arange(seconds * rate_hz) * 0.2)
seen = {}
for form, codec in (
    ("WAV", "ULAW"),
    ("WAV", "GSM610"),
    ("WAV", "IMA_ADPCM"),
    ("WAV", "MS_ADPCM"),
    ("AIFF", "IMA_ADPCM"),
):
    path = f"{sys.argv[1]}/{codec}.{form.lower()}"
    soundfile.write(path, wave, rate_hz, format=form, subtype=codec)
    decoded = soundfile.info(path).duration
    seen[form, codec] = mutagen.File(path).info.length
    print("mutagen", mutagen.version_string, form, codec, f"decoded {decoded:.2f} s, told {seen[form, codec]:.4f} s")
    assert 10 <= decoded < 10.2, decoded
assert seen.pop(("WAV", "ULAW")) == 10, seen
assert all(length < 0.2 for length in seen.values()), seen
PYTHON
