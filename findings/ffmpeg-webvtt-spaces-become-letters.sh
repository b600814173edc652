#!/usr/bin/env bash
# FFmpeg 9.0.2 (imageio-ffmpeg 0.8.1), WebVTT converted to SubRip, as downloaders of web video do it: a space that does
# not break a line (&nbsp;) comes out as "\h", the mark that FFmpeg's own inner format has for it, and so the words
# around it as one with an h between; a brace, as of {laughs}, comes out as "\{{}". The same holds for WebVTT written
# from WebVTT and for TTML. pycaption 2.3.14 reads a space and a brace.
# Seen: "we&nbsp;are here {laughs}" becomes "we\hare here \{{}laughs}".
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv --without-pip "$folder/venv"
python3 -m pip --python "$folder/venv/bin/python" install --quiet 'imageio-ffmpeg==0.8.1' 'pycaption==2.3.14'
"$folder/venv/bin/python" - <<'PYTHON'
import subprocess
from importlib.metadata import version

import imageio_ffmpeg
from pycaption import WebVTTReader

CAPTIONS = "WEBVTT\n\n00:00:01.000 --> 00:00:02.000\nwe&nbsp;are here {laughs}\n"
captions = WebVTTReader().read(CAPTIONS)
(other,) = [caption.get_text() for caption in captions.get_captions(captions.get_languages()[0])]
print("pycaption", version("pycaption"), repr(other))
assert other == "we\u00a0are here {laughs}", other
for form in ("srt", "webvtt", "ttml"):
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-f", "webvtt", "-i", "-", "-f", form, "-"]
    made = subprocess.run(command, input=CAPTIONS, capture_output=True, text=True, check=True).stdout
    (line,) = [line.strip() for line in made.splitlines() if "here" in line]
    print("FFmpeg", imageio_ffmpeg.get_ffmpeg_version(), form, line)
    assert "we\\hare here \\{{}laughs}" in line, line
PYTHON
