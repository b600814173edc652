#!/usr/bin/env bash
# soundfile 0.14.0 (libsndfile 1.2.2), WAV in GSM 6.10: a block is 65 bytes, so an odd number of blocks is followed by
# the pad byte that RIFF asks for. libsndfile takes this byte for one more block: the recording has 320 samples (40 ms
# at 8 kHz) more than were written and than the "fact" chunk states, and they are noise. An even number of blocks is
# read rightly, and FFmpeg (PyAV) reads both.
# Seen: a tone of 251 blocks is read as 252; the last one peaks at 0.70, the tone at 0.3.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv --without-pip "$folder/venv"
python3 -m pip --python "$folder/venv/bin/python" install --quiet 'soundfile==0.14.0' 'av==18.1.0' 'numpy==2.2.6'
"$folder/venv/bin/python" - <<'PYTHON'
import io

import av
import numpy as np
import soundfile

print("soundfile", soundfile.__version__, soundfile.__libsndfile_version__, "PyAV", av.__version__)
for blocks in (250, 251):
    samples = 320 * blocks
    file = io.BytesIO()
    soundfile.write(file, 0.3 * np.sin(np.arange(samples) * 0.2), 8000, format="WAV", subtype="GSM610")
    sound = file.getvalue()
    place = sound.index(b"fact") + 8
    fact = int.from_bytes(sound[place : place + 4], "little")
    read, _ = soundfile.read(io.BytesIO(sound))
    with av.open(io.BytesIO(sound)) as container:
        other = sum(frame.samples for frame in container.decode(audio=0))
    loudest = np.abs(read[samples:]).max(initial=0)
    print(f"{blocks} blocks: written {samples}, fact {fact}, PyAV {other}, libsndfile {len(read)}, tail peak {loudest:.2f}")
    assert fact == other == samples, (fact, other)
    assert np.abs(read[:samples]).max() < 0.4
    assert len(read) == samples + 320 * (blocks % 2), len(read)
    assert blocks % 2 == 0 or loudest > 0.5, loudest
PYTHON
