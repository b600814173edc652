#!/usr/bin/env bash
# PyAV 18.1.0 (FFmpeg), WAV extensible: the header states the bits of a sample's container and how many of them are
# valid, as recorders do that have 24 bits and store 32. FFmpeg takes the number of valid bits for the container's: 24
# of 32 are read as numbers of a float format, 20 and 16 of 32 as samples of 24 and 16 bits. What comes out are other
# numbers or none at all, or more samples than there are, without a warning. soundfile and scipy read all of them.
# Seen: a tone of 24 bits in 32 is read as a float format, not-a-number among its samples, one of 16 in 32 has twice as
# many samples; 20 in 24 is read well.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv --without-pip "$folder/venv"
python3 -m pip --python "$folder/venv/bin/python" install --quiet 'av==18.1.0' 'soundfile==0.14.0' 'scipy==1.15.3' \
  'numpy==2.2.6'
"$folder/venv/bin/python" -W ignore - "$folder" <<'PYTHON'
import struct
import sys
from pathlib import Path

import av
import numpy as np
import scipy.io.wavfile
import soundfile

RATE = 16000
PCM = bytes.fromhex("0100000000001000800000aa00389b71")
tone = (8000 * np.sin(2 * np.pi * 440 * np.arange(RATE) / RATE)).astype(np.int16)
path = Path(sys.argv[1], "speech.wav")
seen = {}
for bits, valid in ((16, 16), (24, 24), (24, 20), (32, 32), (32, 24), (32, 20), (32, 16)):
    # The samples of 16 bits, at the upper end of the container, as the format has it; the other bits are 0.
    data = (tone.astype("<i4") << 16).view(np.uint8).reshape(-1, 4)[:, 4 - bits // 8 :].tobytes()
    width = bits // 8
    form = struct.pack("<HHIIHHHHI", 0xFFFE, 1, RATE, RATE * width, width, bits, 22, valid, 4) + PCM
    body = b"WAVEfmt " + struct.pack("<I", len(form)) + form + b"data" + struct.pack("<I", len(data)) + data
    path.write_bytes(b"RIFF" + struct.pack("<I", len(body)) + body)
    others = soundfile.read(path)[0], scipy.io.wavfile.read(path)[1] / 2.0 ** (15 if bits == 16 else 31)
    for other in others:
        assert np.array_equal(other, tone / 2**15), (bits, valid)
    with av.open(str(path)) as container:
        (stream,) = container.streams.audio
        samples = np.concatenate([frame.to_ndarray().reshape(-1) for frame in container.decode(stream)])
        codec = stream.codec_context.name
    if samples.dtype.kind == "i":
        samples = samples / 2.0 ** (8 * samples.dtype.itemsize - 1)
    seen[bits, valid] = len(samples) == len(tone) and np.array_equal(samples, tone / 2**15)
    print(
        f"PyAV {av.__version__}, {valid} bits in {bits}: {codec}, {len(samples)} of {len(tone)} samples, "
        f"{np.isnan(samples).sum()} no numbers, loudest {np.nanmax(np.abs(samples)):.3g} "
        f"of {np.abs(tone / 2**15).max():.3g}, right: {seen[bits, valid]}"
    )
assert seen == {(bits, valid): bits != 32 or valid == 32 for bits, valid in seen}, seen
PYTHON
