#!/usr/bin/env bash
# webvtt-py 0.6.0: WebVTT writes "&", "<" and some spaces of the text as character references, and a reader has to put
# them back. `text` takes the markup away and leaves the references: words get letters that nobody says, and two words
# with a space between them that does not break become one with "nbsp" inside. SubRip, which has no references, gets
# them as they are. pycaption 2.3.14 and ttconv 1.2.3 put them back.
# Seen: "Q&amp;A" in the file is "Q&amp;A" in `text` and in SubRip, by pycaption it is "Q&A".
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv --without-pip "$folder/venv"
python3 -m pip --python "$folder/venv/bin/python" install --quiet 'webvtt-py==0.6.0' 'pycaption==2.3.14' 'ttconv==1.2.3'
"$folder/venv/bin/python" - <<'PYTHON'
import io
from importlib.metadata import version

import ttconv.srt.writer
import ttconv.vtt.reader
import webvtt
from pycaption import WebVTTReader

WRITTEN, SPOKEN = "the Q&amp;A at&nbsp;five", "the Q&A at\u00a0five"
CAPTIONS = f"WEBVTT\n\n00:00:01.000 --> 00:00:02.000\n{WRITTEN}\n"
(caption,) = captions = webvtt.from_buffer(io.StringIO(CAPTIONS))
subrip = io.StringIO()
captions.write(subrip, format="srt")
read = WebVTTReader().read(CAPTIONS)
(other,) = [found.get_text() for found in read.get_captions(read.get_languages()[0])]
converted = ttconv.srt.writer.from_model(ttconv.vtt.reader.to_model(io.StringIO(CAPTIONS)))
print("webvtt-py", version("webvtt-py"), repr(caption.text), "SubRip", subrip.getvalue().splitlines()[2])
print("pycaption", version("pycaption"), repr(other), "ttconv", version("ttconv"), converted.splitlines()[2])
assert other == SPOKEN and SPOKEN in converted, (other, converted)
assert caption.text == WRITTEN, caption.text
assert WRITTEN in subrip.getvalue(), subrip.getvalue()
PYTHON
