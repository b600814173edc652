#!/usr/bin/env bash
# lameenc 1.9.0 (LAME as a Python package): an MP3 begins with samples that the encoder needs and ends with padding. How
# many there are stands in a header frame that LAME fills in last, in front of everything else; the package has no call
# for it. Every decoder then takes these samples for the recording: speech is late, and word times made on the original
# or on its MP3 do not fit the other. Encode with soundfile or PyAV, whose files tell, or drop the first 1105 samples.
# Seen: 1105 samples late (69 ms at 16 kHz, 25 ms at 44.1 kHz) and longer by more than that in soundfile, miniaudio and
# PyAV, which read the MP3 that soundfile writes without a sample too many.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv --without-pip "$folder/venv"
python3 -m pip --python "$folder/venv/bin/python" install --quiet 'lameenc==1.9.0' 'soundfile==0.14.0' 'miniaudio==1.71' 'av==18.1.0' 'numpy==2.2.6'
"$folder/venv/bin/python" - "$folder" <<'PYTHON'
import sys
from importlib.metadata import version
from pathlib import Path

import av
import lameenc
import miniaudio
import numpy as np
import soundfile


def samples_late(samples, decoded):
    size = 2 * len(decoded)
    return int(np.argmax(np.fft.irfft(np.fft.rfft(decoded, size) * np.conj(np.fft.rfft(samples, size)))))


def readings(path, rate):
    with av.open(path) as container:
        frames = np.concatenate([frame.to_ndarray()[0] for frame in container.decode(audio=0)])
    plain = miniaudio.decode_file(path, miniaudio.SampleFormat.FLOAT32, nchannels=1, sample_rate=rate)
    return {"soundfile": soundfile.read(path)[0], "miniaudio": np.array(plain.samples), "av": frames}


for rate in (16000, 44100):
    samples = np.zeros(5 * rate)
    word = np.arange(rate // 5) / rate
    samples[2 * rate :][: len(word)] = 0.5 * np.sin(2 * np.pi * (400 + 3000 * word) * word) * np.hanning(len(word))
    encoder = lameenc.Encoder()
    encoder.set_in_sample_rate(rate)
    encoder.set_channels(1)
    encoder.set_bit_rate(64)
    encoder.silence()
    data = encoder.encode((samples * 32767).astype("<i2").tobytes()) + encoder.flush()
    paths = {"lameenc": f"{sys.argv[1]}/lameenc.mp3", "soundfile": f"{sys.argv[1]}/soundfile.mp3"}
    Path(paths["lameenc"]).write_bytes(data)
    soundfile.write(paths["soundfile"], samples, rate)
    for writer, path in paths.items():
        for reader, decoded in readings(path, rate).items():
            late, longer = samples_late(samples, decoded), len(decoded) - len(samples)
            print(rate, "Hz by", writer, version(writer), "in", reader, version(reader), "late", late, "longer", longer)
            assert (late, longer > late) == (1105, True) if writer == "lameenc" else late == longer == 0, (late, longer)
PYTHON
