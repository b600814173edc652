#!/usr/bin/env bash
# PyAV 18.1.0 (FFmpeg): decoding an MP3 leaves out the samples that the encoder put in front, as its header says, but
# the times of the frames still count them. So the first sample of the recording has a time after 0, the last one a
# time after the stream's own duration, and a word that is placed by `frame.time` is late: the lower the sample rate,
# the later.
# Seen: the sample at 5.000 s has the time 5.069 s in an MP3 of 16 kHz, 5.026 s at 44.1 kHz, 5.000 s in FLAC; frames
# end at 10.069 s of a stream of 10.000 s. Counting the samples (or soundfile) gives 5.000 s.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv --without-pip "$folder/venv"
python3 -m pip --python "$folder/venv/bin/python" install --quiet 'av==18.1.0' 'soundfile==0.14.0' 'numpy==2.2.6'
"$folder/venv/bin/python" - <<'PYTHON'
import io

import av
import numpy as np
import soundfile

seconds, click_seconds = 10, 5
for form, rate_hz, late_samples in (("FLAC", 16000, 0), ("MP3", 16000, 1105), ("MP3", 44100, 1105)):
    wave = np.zeros(seconds * rate_hz)
    wave[click_seconds * rate_hz : click_seconds * rate_hz + 40] = 0.9
    file = io.BytesIO()
    soundfile.write(file, wave, rate_hz, format=form)
    known = np.abs(soundfile.read(io.BytesIO(file.getvalue()))[0]).argmax() / rate_hz
    before, told = 0, 0.0
    loudest = 0.0
    with av.open(io.BytesIO(file.getvalue())) as container:
        (stream,) = container.streams.audio
        duration = float(stream.duration * stream.time_base)
        for frame in container.decode(stream):
            levels = np.abs(frame.to_ndarray().astype(float)).reshape(-1)
            if levels.max() > loudest:
                loudest, at = levels.max(), int(levels.argmax())
                counted, told = (before + at) / rate_hz, frame.time + at / rate_hz
            before += frame.samples
            end = frame.time + frame.samples / rate_hz
    print(
        f"PyAV {av.__version__} {form} {rate_hz} Hz: soundfile {known:.4f} s, by samples {counted:.4f} s, "
        f"by frame.time {told:.4f} s; frames end at {end:.4f} of {duration:.4f} s"
    )
    assert abs(known - click_seconds) < 0.003 and abs(counted - known) < 0.003, (known, counted)
    assert before == seconds * rate_hz, before
    assert abs(told - counted - late_samples / rate_hz) < 1e-4, (told, counted)
    assert abs(end - duration - late_samples / rate_hz) < 1e-4, (end, duration)
PYTHON
