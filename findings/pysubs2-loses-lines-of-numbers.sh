#!/usr/bin/env bash
# pysubs2 1.8.1: SubRip writes a number above each caption, so the reader drops a number that stands behind the text of
# a caption as that of the next one. WebVTT, which is read by the same code, needs no such number: the last line of a
# caption is lost wherever it is a number that somebody says. In SubRip it is in the last caption of the file.
# Seen: "How old is he?" and "42" below it becomes "How old is he?" alone; webvtt-py 0.6.0 and srt 3.5.3 read both
# lines.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv --without-pip "$folder/venv"
python3 -m pip --python "$folder/venv/bin/python" install --quiet 'pysubs2==1.8.1' 'webvtt-py==0.6.0' 'srt==3.5.3'
"$folder/venv/bin/python" - <<'PYTHON'
import io
from importlib.metadata import version

import pysubs2
import srt
import webvtt

spoken = ["How old is he?\n42", "And she?\n39"]
times = [("00:00:01", "00:00:02"), ("00:00:03", "00:00:04")]
vtt = "WEBVTT\n\n" + "".join(f"{a}.000 --> {b}.000\n{text}\n\n" for (a, b), text in zip(times, spoken))
subrip = "".join(f"{n}\n{a},000 --> {b},000\n{text}\n\n" for n, ((a, b), text) in enumerate(zip(times, spoken), 1))
others = {
    "vtt": [caption.text for caption in webvtt.from_buffer(io.StringIO(vtt))],
    "srt": [caption.content for caption in srt.parse(subrip)],
}
seen = {
    form: [event.plaintext for event in pysubs2.SSAFile.from_string(text, format_=form)]
    for form, text in (("vtt", vtt), ("srt", subrip))
}
for form in seen:
    print("pysubs2", version("pysubs2"), form, seen[form], "other", others[form])
    assert others[form] == spoken, others
assert seen == {"vtt": ["How old is he?", "And she?"], "srt": [spoken[0], "And she?"]}, seen
PYTHON
