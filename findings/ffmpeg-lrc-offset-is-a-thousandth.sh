#!/usr/bin/env bash
# FFmpeg 9.0.2 (imageio-ffmpeg 0.8.1): the tag [offset:+500] of LRC lyrics says that all lines come 500 milliseconds
# sooner than their times. The demuxer takes the number away from times that it counts in microseconds: the lines come
# half a millisecond sooner, in effect where they would without the tag. pylrc 0.1.2 takes the number for milliseconds
# (but moves the lines the other way).
# Seen: with +500 the line of 0:10.00 begins at 10.000 s in SubRip, and with +500000 at 9.500 s. By pylrc it is moved by
# half a second with +500.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv --without-pip "$folder/venv"
python3 -m pip --python "$folder/venv/bin/python" install --quiet 'imageio-ffmpeg==0.8.1' 'pylrc==0.1.2'
"$folder/venv/bin/python" - <<'PYTHON'
import subprocess
from importlib.metadata import version

import imageio_ffmpeg
import pylrc

FFMPEG = imageio_ffmpeg.get_ffmpeg_exe()
seen, other = {}, {}
for offset in (None, 500, 500000):
    text = f"[offset:+{offset}]\n" * (offset is not None) + "[00:10.00]hello\n[00:12.00]there\n"
    command = [FFMPEG, "-v", "error", "-f", "lrc", "-i", "-", "-f", "srt", "-"]
    made = subprocess.run(command, input=text, capture_output=True, text=True, check=True).stdout
    seen[offset] = made.split("\n")[1].split(" --> ")[0]
    other[offset] = pylrc.parse(text)[0].time
    print(
        f"FFmpeg {imageio_ffmpeg.get_ffmpeg_version()} offset {offset}: begins at {seen[offset]}, "
        f"pylrc {version('pylrc')}: {other[offset]} s"
    )
assert other[None] == 10 and abs(other[500] - other[None]) == 0.5, other
assert seen == {None: "00:00:10,000", 500: "00:00:10,000", 500000: "00:00:09,500"}, seen
PYTHON
