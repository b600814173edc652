#!/usr/bin/env bash
# soundfile 0.14.0 (libsndfile 1.2.2), FLAC written to a pipe: the header states 0 samples, which the format lets stand
# for a length that is not known, as encoders do that cannot go back to it. soundfile takes it for 2^63 - 1 samples:
# `read` fails, a length computed from `frames` is 18 million years, and who reads in blocks gets an error in place of
# the last one. PyAV reads it whole. Recorders that stream to disk leave such files; encode them once more.
# Seen: of 160,000 samples blocks of 4,096 give 159,744.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv --without-pip "$folder/venv"
python3 -m pip --python "$folder/venv/bin/python" install --quiet 'soundfile==0.14.0' 'numpy==2.2.6' 'av==17.1.0'
"$folder/venv/bin/python" - <<'PYTHON'
import io
from importlib.metadata import version

import av
import numpy as np
import soundfile

RATE, COUNT, BLOCK = 16000, 160000, 4096
samples = (3000 * np.random.default_rng(1).standard_normal(COUNT)).astype(np.int16)
file = io.BytesIO()
soundfile.write(file, samples, RATE, format="FLAC", subtype="PCM_16")
data = bytearray(file.getvalue())
# The lowest 36 bits of the 8 bytes from byte 18 on are the number of samples.
packed = int.from_bytes(data[18:26], "big")
assert packed % 2**36 == COUNT, packed
data[18:26] = (packed - COUNT).to_bytes(8, "big")

print("soundfile", version("soundfile"), soundfile.__libsndfile_version__, "av", version("av"))
streamed = soundfile.SoundFile(io.BytesIO(data))
print("samples by soundfile:", streamed.frames)
assert streamed.frames == 2**63 - 1
try:
    soundfile.read(io.BytesIO(data))
except ValueError as error:
    print("read:", error)
else:
    raise SystemExit("it is read whole now")
got = []
try:
    while len(block := streamed.read(BLOCK, dtype="int16")):
        got.append(block)
except soundfile.LibsndfileError as error:
    print("blocks:", sum(map(len, got)), "samples, then", error)
else:
    raise SystemExit("blocks are read without an error now")
found = np.concatenate(got)
assert len(found) == COUNT // BLOCK * BLOCK and (found == samples[: len(found)]).all(), len(found)
with av.open(io.BytesIO(data)) as container:
    whole = sum(frame.samples for frame in container.decode(audio=0))
print("samples by PyAV:", whole)
assert whole == COUNT
PYTHON
