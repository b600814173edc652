#!/usr/bin/env bash
# PyAV 18.1.0 (FFmpeg) decodes Apple Lossless in a CAF file without its end. The last packet of a recording is a short
# one, and the decoder gives its samples alone; the packet table beside it says by how many samples it is shorter than
# the others, and these are cut off once more. Up to a packet (4,096 samples, 256 ms at 16 kHz) is lost without a
# warning, although the stream's own duration is right.
# Seen: of 48,077 samples, which the packet table states as valid, 47,002 come; soundfile reads all, equal to the last.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv --without-pip "$folder/venv"
python3 -m pip --python "$folder/venv/bin/python" install --quiet 'av==18.1.0' 'soundfile==0.14.0' 'numpy==2.2.6'
"$folder/venv/bin/python" - "$folder" <<'PYTHON'
import struct
import sys
from pathlib import Path

import av
import numpy as np
import soundfile

RATE, PACKET = 16000, 4096
samples = np.random.default_rng(0).integers(-9000, 9000, 48077, dtype=np.int16)
path = Path(sys.argv[1], "speech.caf")
soundfile.write(path, samples, RATE, format="CAF", subtype="ALAC_16")
raw = path.read_bytes()
table = raw.index(b"pakt") + 12
packets, valid, priming, remainder = struct.unpack(">qqii", raw[table : table + 24])
print(f"packet table: {packets} packets, {valid} valid samples, {priming} to skip, {remainder} left over")
assert packets * PACKET == valid + priming + remainder and valid == len(samples) and priming == 0
with av.open(str(path)) as container:
    (stream,) = container.streams.audio
    duration = int(stream.duration * stream.time_base * RATE)
    seen = np.concatenate([frame.to_ndarray().reshape(-1) for frame in container.decode(stream)])
other = soundfile.read(path, dtype="int16")[0]
print(f"PyAV {av.__version__}: {len(seen)} of {duration}, soundfile {soundfile.__version__}: {len(other)}")
assert np.array_equal(other, samples) and duration == valid
assert len(samples) - len(seen) == remainder, len(seen)
assert np.array_equal(seen, samples[: len(seen)])
PYTHON
