#!/usr/bin/env bash
# pedalboard 0.9.26, WAV that FFmpeg wrote to a pipe: the header cannot be gone back to, and states the largest size
# there is, which readers take for "up to the end of the file". pedalboard takes it for the length: a recording of one
# second lasts 37 hours, and what is read behind its end is silence, without an error. soundfile and scipy read a
# second.
# Seen: 2147483647 frames, and zeros behind the first second and after an hour; with the right size in the header it is
# read well.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv --without-pip "$folder/venv"
python3 -m pip --python "$folder/venv/bin/python" install --quiet 'pedalboard==0.9.26' 'imageio-ffmpeg==0.6.0' \
  'soundfile==0.14.0' 'scipy==1.15.3' 'numpy==2.2.6'
"$folder/venv/bin/python" -W ignore - "$folder" <<'PYTHON'
import subprocess
import sys
from importlib.metadata import version

import imageio_ffmpeg
import numpy as np
import scipy.io.wavfile
import soundfile
from pedalboard.io import AudioFile

RATE = 16000
samples = np.random.default_rng(0).integers(-9000, 9000, RATE, dtype=np.int16)
named, piped = f"{sys.argv[1]}/named.wav", f"{sys.argv[1]}/piped.wav"
soundfile.write(named, samples, RATE)
command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-i", named, "-f", "wav", "-"]
with open(piped, "wb") as file:
    subprocess.run(command, stdout=file, check=True)
for path in (named, piped):
    with AudioFile(path) as file:
        frames, duration = file.frames, file.duration
        begin = file.read(RATE)[0]
        behind = file.read(RATE)[0] if frames > RATE else np.zeros(0)
        file.seek(min(frames, 3600 * RATE))
        hour = file.read(RATE)[0] if frames > RATE else np.zeros(0)
    others = soundfile.read(path, dtype="int16")[0], scipy.io.wavfile.read(path)[1]
    print(
        f"pedalboard {version('pedalboard')} {path.rsplit('/')[-1]}: {frames} frames, {duration / 3600:.1f} h; behind "
        f"the end {len(behind)} samples, after an hour {len(hour)}; "
        f"soundfile and scipy {[len(other) for other in others]}"
    )
    assert all(np.array_equal(other, samples) for other in others)
    assert np.array_equal(np.round(begin * 2**15), samples)
    if path == named:
        assert frames == RATE and not len(behind), frames
    else:
        assert frames == 2**31 - 1, frames
        assert len(behind) == len(hour) == RATE and not behind.any() and not hour.any()
PYTHON
