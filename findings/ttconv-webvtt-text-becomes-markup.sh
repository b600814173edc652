#!/usr/bin/env bash
# ttconv 1.2.3, WebVTT written from SubRip, TTML or WebVTT: "<" and "&" of the text are written as they are, though the
# format says that they have to be character references. A reader takes what stands behind "<" for a tag, up to the next
# ">": spoken words vanish, also where ttconv reads its own file again. pycaption 2.3.14 writes references.
# Seen: "3 < 4 but 5 > 2" (in the file 3 &lt; 4 but 5 &gt; 2) is "3  2" by webvtt-py after ttconv read and wrote it.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv --without-pip "$folder/venv"
python3 -m pip --python "$folder/venv/bin/python" install --quiet 'ttconv==1.2.3' 'webvtt-py==0.6.0' 'pycaption==2.3.14'
"$folder/venv/bin/python" - <<'PYTHON'
import io
from importlib.metadata import version

import ttconv.srt.reader
import ttconv.srt.writer
import ttconv.vtt.reader
import ttconv.vtt.writer
import webvtt
from pycaption import WebVTTReader, WebVTTWriter

SPOKEN, WRITTEN = "as 3 < 4 but 5 > 2", "as 3 &lt; 4 but 5 &gt; 2"
CAPTIONS = f"WEBVTT\n\n00:00:01.000 --> 00:00:02.000\n{WRITTEN}\n"
SUBRIP = f"1\n00:00:01,000 --> 00:00:02,000\n{SPOKEN}\n"
models = {
    "WebVTT": ttconv.vtt.reader.to_model(io.StringIO(CAPTIONS)),
    "SubRip": ttconv.srt.reader.to_model(io.StringIO(SUBRIP)),
}
for form, model in models.items():
    assert SPOKEN in ttconv.srt.writer.from_model(model)
    made = ttconv.vtt.writer.from_model(model)
    (other,) = webvtt.from_buffer(io.StringIO(made))
    again = ttconv.srt.writer.from_model(ttconv.vtt.reader.to_model(io.StringIO(made))).splitlines()[2]
    print("ttconv", version("ttconv"), "from", form, repr(SPOKEN), "webvtt-py", repr(other.text), "ttconv", repr(again))
    assert SPOKEN in made and "&lt;" not in made, made
    assert other.text == "as 3  2", other.text
    assert "4 but 5" not in again, again
right = WebVTTWriter().write(WebVTTReader().read(CAPTIONS))
print("pycaption", version("pycaption"), right.splitlines()[-1] or right.splitlines()[-2])
assert "as 3 &lt; 4 but 5 > 2" in right, right
PYTHON
