#!/usr/bin/env bash
# webvtt-py 0.6.0: WebVTT writes "&" and "<" of the text as character references, SubRip has none. `from_srt` takes
# the text over as it is, and all that stands between "<" and ">" is markup from then on: spoken words vanish from
# `text`, and the WebVTT file that is saved loses them in every player. pycaption converts the same file rightly.
# Seen: "is 5 < 6 and 7 > 2 then" is "is 5  2 then" after the conversion; the file holds a bare "<".
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv --without-pip "$folder/venv"
python3 -m pip --python "$folder/venv/bin/python" install --quiet 'webvtt-py==0.6.0' 'pycaption==2.3.14'
"$folder/venv/bin/python" - "$folder" <<'PYTHON'
import sys
from importlib.metadata import version

import pycaption
import webvtt

said = "is 5 < 6 and 7 > 2 then"
srt = f"1\n00:00:01,000 --> 00:00:02,500\n{said}\n"
path, other = f"{sys.argv[1]}/talk.srt", f"{sys.argv[1]}/talk.vtt"
with open(path, "w", encoding="utf-8") as file:
    file.write(srt)

webvtt.from_srt(path).save(other)
(caption,) = webvtt.read(other)
with open(other, encoding="utf-8") as file:
    line = file.read().splitlines()[-1]
right = pycaption.WebVTTWriter().write(pycaption.SRTReader().read(srt)).rstrip().splitlines()[-1]
print("webvtt-py", version("webvtt-py"), "expected", repr(said), "text", repr(caption.text))
print("lines of the two files:", repr(line), "pycaption", repr(right))
assert caption.text == "is 5  2 then", caption.text
assert line == said, line
assert right == said.replace("<", "&lt;"), right
PYTHON
