#!/usr/bin/env bash
# FFmpeg 9.0.2 (imageio-ffmpeg 0.8.1), LRC written from SubRip: times are rounded to hundredths of a second, and what is
# rounded up to a full second is not carried to the seconds but written as a fraction of 100. Every reader takes ".100"
# for a tenth: one line in 200 begins 0.9 s too early, maybe before the line that it follows.
# Seen: 0:01.999 becomes [00:01.100], which FFmpeg itself and pylrc 0.1.2 read as 1.100 s; 0:01.994 becomes [00:01.99].
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


def convert(text, old, new):
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-f", old, "-i", "-", "-f", new, "-"]
    return subprocess.run(command, input=text, capture_output=True, text=True, check=True).stdout


for millis, expected in ((1500, "[00:01.50]"), (1994, "[00:01.99]"), (1995, "[00:01.100]"), (1999, "[00:01.100]")):
    start = f"00:00:{millis // 1000:02},{millis % 1000:03}"
    lyrics = convert(f"1\n{start} --> 00:00:03,000\nhello\n\n", "srt", "lrc")
    mark = lyrics.strip().split("\n")[-1].removesuffix("hello")
    back = convert(lyrics, "lrc", "srt").split("\n")[1].split(" --> ")[0]
    other = pylrc.parse(lyrics)[0].time
    print(
        f"FFmpeg {imageio_ffmpeg.get_ffmpeg_version()}: {start} is {mark}, read as {back}, "
        f"by pylrc {version('pylrc')} as {other} s"
    )
    assert mark == expected, mark
    if expected.endswith(".100]"):
        assert back == "00:00:01,100" and other == 1.1, (back, other)
PYTHON
